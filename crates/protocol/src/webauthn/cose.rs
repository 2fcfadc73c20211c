//! COSE_Key (RFC 9052 section 7, RFC 9053) of the three kinds that we ask for.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use ciborium::Value;

use super::WebAuthnError;
use super::authenticator_data::parse_cbor_map;
use crate::jwk::Jwk;

/// Longest accepted COSE_Key, in bytes (RSA with 4096 bits needs about 530).
pub const COSE_KEY_MAX_BYTES: usize = 1100;

const RSA_MODULUS_MIN_BYTES: usize = 256;
const RSA_MODULUS_MAX_BYTES: usize = 512;
const RSA_EXPONENT_MAX_BYTES: usize = 4;

/// A passkey's public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialKey {
    /// ES256 (-7): P-256 with SHA-256.
    Es256(Jwk),
    /// EdDSA (-8) with Ed25519.
    EdDsa([u8; 32]),
    /// RS256 (-257): RSASSA-PKCS1-v1_5 with SHA-256, 2048 to 4096 bits.
    Rs256 {
        /// The modulus, big-endian, without leading zeros.
        modulus: Vec<u8>,
        /// The public exponent, big-endian, without leading zeros.
        exponent: Vec<u8>,
    },
}

impl CredentialKey {
    /// Parses a COSE_Key; algorithm, type and curve must agree, and points must be on their curve.
    pub fn from_cose(bytes: &[u8]) -> Result<Self, WebAuthnError> {
        if bytes.len() > COSE_KEY_MAX_BYTES {
            return Err(WebAuthnError::Malformed("the COSE key is too long"));
        }
        let members = Members(parse_cbor_map(bytes)?);
        match (members.integer(1), members.integer(3)) {
            (Some(2), Some(-7)) if members.integer(-1) == Some(1) => {
                let coordinate = |label| members.array::<32>(label).ok_or(WebAuthnError::UnsupportedKey);
                Jwk::from_coordinates(coordinate(-2)?, coordinate(-3)?)
                    .map(Self::Es256)
                    .map_err(|_| WebAuthnError::UnsupportedKey)
            }
            (Some(1), Some(-8)) if members.integer(-1) == Some(6) => {
                let point = members.array::<32>(-2).ok_or(WebAuthnError::UnsupportedKey)?;
                UnparsedPublicKey::new(&ED25519, point).parse().map_err(|_| WebAuthnError::UnsupportedKey)?;
                Ok(Self::EdDsa(point))
            }
            (Some(3), Some(-257)) => {
                let modulus = members.unsigned(-1, RSA_MODULUS_MAX_BYTES).ok_or(WebAuthnError::UnsupportedKey)?;
                let exponent = members.unsigned(-2, RSA_EXPONENT_MAX_BYTES).ok_or(WebAuthnError::UnsupportedKey)?;
                if modulus.len() < RSA_MODULUS_MIN_BYTES {
                    return Err(WebAuthnError::UnsupportedKey);
                }
                Ok(Self::Rs256 { modulus, exponent })
            }
            _ => Err(WebAuthnError::UnsupportedKey),
        }
    }

    /// Writes the key as a COSE_Key in CTAP2 canonical form.
    pub fn to_cose(&self) -> Result<Vec<u8>, WebAuthnError> {
        let integer = |value: i64| Value::Integer(value.into());
        let bytes = |value: &[u8]| Value::Bytes(value.to_vec());
        let members = match self {
            Self::Es256(jwk) => vec![
                (integer(1), integer(2)),
                (integer(3), integer(-7)),
                (integer(-1), integer(1)),
                (integer(-2), bytes(jwk.x())),
                (integer(-3), bytes(jwk.y())),
            ],
            Self::EdDsa(point) => vec![
                (integer(1), integer(1)),
                (integer(3), integer(-8)),
                (integer(-1), integer(6)),
                (integer(-2), bytes(point)),
            ],
            Self::Rs256 { modulus, exponent } => vec![
                (integer(1), integer(3)),
                (integer(3), integer(-257)),
                (integer(-1), bytes(modulus)),
                (integer(-2), bytes(exponent)),
            ],
        };
        let mut out = Vec::new();
        ciborium::into_writer(&Value::Map(members), &mut out).map_err(|_| WebAuthnError::UnsupportedKey)?;
        Ok(out)
    }

    /// The COSE algorithm identifier.
    pub const fn algorithm(&self) -> i32 {
        match self {
            Self::Es256(_) => -7,
            Self::EdDsa(_) => -8,
            Self::Rs256 { .. } => -257,
        }
    }

    /// Whether `signature` in WebAuthn's form (section 6.5.5) covers `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256(jwk) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, jwk.point()).verify(message, signature),
            Self::EdDsa(point) => UnparsedPublicKey::new(&ED25519, point).verify(message, signature),
            Self::Rs256 { modulus, exponent } => RsaPublicKeyComponents { n: modulus, e: exponent }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        }
        .is_ok()
    }
}

struct Members(Vec<(Value, Value)>);

impl Members {
    fn get(&self, label: i64) -> Option<&Value> {
        let label = Value::Integer(label.into());
        self.0.iter().find(|(key, _)| *key == label).map(|(_, value)| value)
    }

    fn integer(&self, label: i64) -> Option<i64> {
        self.get(label)?.as_integer()?.try_into().ok()
    }

    fn array<const N: usize>(&self, label: i64) -> Option<[u8; N]> {
        self.get(label)?.as_bytes()?.as_slice().try_into().ok()
    }

    /// A positive big-endian number of at most `max` bytes, leading zeros removed.
    fn unsigned(&self, label: i64, max: usize) -> Option<Vec<u8>> {
        let bytes = self.get(label)?.as_bytes()?;
        let number: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        (!number.is_empty() && number.len() <= max).then_some(number)
    }
}

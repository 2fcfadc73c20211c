//! P-256 keys: the public JWK (RFC 7517, RFC 7518 section 6.2), its thumbprint (RFC 7638), and the signing half.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::agreement::{self, ECDH_P256};
use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::b64::{Bytes32, fixed_bytes};

/// Bytes of an uncompressed P-256 point (SEC 1): 0x04, x, y.
pub const POINT_BYTES: usize = 65;

/// Bytes of an ES256 signature in JWS form (RFC 7518 section 3.4): r, s.
pub const SIGNATURE_BYTES: usize = 64;

fixed_bytes! {
    /// RFC 7638 thumbprint (SHA-256) of a key; used as `kid`.
    Thumbprint, 32
}

/// A key that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a point of P-256, or not in uncompressed form.
    #[error("the key is not a valid P-256 public key")]
    NotOnCurve,
    /// A private key that is not P-256 in PKCS#8, or a scalar out of range.
    #[error("the private key is not a valid P-256 key")]
    BadPrivateKey,
    /// The library refused to sign.
    #[error("signing failed")]
    SigningFailed,
}

/// A P-256 public key known to be on the curve. Serialises as `{"kty":"EC","crv":"P-256","x":…,"y":…}`.
///
/// Reading accepts the extra members that WebCrypto's `exportKey` adds (`ext`, `key_ops`) and `alg`, `use`, `kid`;
/// anything else is refused, above all `d`: a private key must never be sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Jwk {
    x: Bytes32,
    y: Bytes32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the ignored members are named only so that they are not refused")]
struct JwkMembers {
    kty: String,
    crv: String,
    x: Bytes32,
    y: Bytes32,
    #[serde(default)]
    ext: serde::de::IgnoredAny,
    #[serde(default)]
    key_ops: serde::de::IgnoredAny,
    #[serde(default)]
    alg: serde::de::IgnoredAny,
    #[serde(default, rename = "use")]
    usage: serde::de::IgnoredAny,
    #[serde(default)]
    kid: serde::de::IgnoredAny,
}

impl Jwk {
    /// From the two coordinates, big-endian.
    pub fn from_coordinates(x: [u8; 32], y: [u8; 32]) -> Result<Self, KeyError> {
        let jwk = Self { x: Bytes32(x), y: Bytes32(y) };
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, jwk.point()).parse().map_err(|_| KeyError::NotOnCurve)?;
        Ok(jwk)
    }

    /// From an uncompressed point.
    pub fn from_point(point: &[u8]) -> Result<Self, KeyError> {
        let rest = point.strip_prefix(&[4]).ok_or(KeyError::NotOnCurve)?;
        let (x, y) = rest.split_first_chunk::<32>().ok_or(KeyError::NotOnCurve)?;
        Self::from_coordinates(*x, y.try_into().map_err(|_| KeyError::NotOnCurve)?)
    }

    /// The uncompressed point.
    pub fn point(&self) -> [u8; POINT_BYTES] {
        let mut point = [4; POINT_BYTES];
        let coordinates = self.x.0.iter().chain(&self.y.0);
        for (to, from) in point.iter_mut().skip(1).zip(coordinates) {
            *to = *from;
        }
        point
    }

    /// The coordinate x, big-endian.
    pub const fn x(&self) -> &[u8; 32] {
        self.x.as_bytes()
    }

    /// The coordinate y, big-endian.
    pub const fn y(&self) -> &[u8; 32] {
        self.y.as_bytes()
    }

    /// RFC 7638: SHA-256 over the required members in lexicographic order.
    pub fn thumbprint(&self) -> Thumbprint {
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, self.x, self.y);
        Thumbprint(crate::sha256(canonical.as_bytes()))
    }

    /// Whether `signature` (64 bytes, r and s) by this key covers `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.point()).verify(message, signature).is_ok()
    }
}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jwk({})", self.thumbprint())
    }
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = serializer.serialize_struct("Jwk", 4)?;
        out.serialize_field("kty", "EC")?;
        out.serialize_field("crv", "P-256")?;
        out.serialize_field("x", &self.x)?;
        out.serialize_field("y", &self.y)?;
        out.end()
    }
}

impl<'de> Deserialize<'de> for Jwk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let members = JwkMembers::deserialize(deserializer)?;
        if members.kty != "EC" || members.crv != "P-256" {
            return Err(D::Error::custom("the key must have kty EC and crv P-256"));
        }
        Self::from_coordinates(members.x.0, members.y.0).map_err(D::Error::custom)
    }
}

/// A P-256 private key that signs. The server holds none of these for devices; phones and tests do.
pub struct SigningKey {
    jws: EcdsaKeyPair,
    webauthn: EcdsaKeyPair,
    jwk: Jwk,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.jwk.thumbprint())
    }
}

impl SigningKey {
    /// From a PKCS#8 document.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let load = |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).map_err(|_| KeyError::BadPrivateKey);
        let jws = load(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
        let jwk = Jwk::from_point(jws.public_key().as_ref())?;
        Ok(Self { jws, webauthn: load(&ECDSA_P256_SHA256_ASN1_SIGNING)?, jwk })
    }

    /// From 32 bytes of entropy taken as the private scalar. Refused with `BadPrivateKey` when the scalar is zero or not
    /// below the group order (chance about 2^-32): draw again.
    pub fn from_entropy(scalar: &[u8; 32]) -> Result<Self, KeyError> {
        let private =
            agreement::PrivateKey::from_private_key(&ECDH_P256, scalar).map_err(|_| KeyError::BadPrivateKey)?;
        let public = private.compute_public_key().map_err(|_| KeyError::BadPrivateKey)?;
        let pair =
            EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, scalar, public.as_ref())
                .map_err(|_| KeyError::BadPrivateKey)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError::BadPrivateKey)?;
        Self::from_pkcs8(pkcs8.as_ref())
    }

    /// The private key as PKCS#8 (DER): a secret.
    pub fn to_pkcs8(&self) -> Result<Vec<u8>, KeyError> {
        Ok(self.jws.to_pkcs8v1().map_err(|_| KeyError::BadPrivateKey)?.as_ref().to_vec())
    }

    /// The private scalar, 32 bytes big-endian: a secret (tests hand it to other implementations).
    pub fn to_scalar(&self) -> Result<Vec<u8>, KeyError> {
        let private = self.jws.private_key();
        let bytes: EcPrivateKeyBin<'_> = private.as_be_bytes().map_err(|_| KeyError::BadPrivateKey)?;
        Ok(bytes.as_ref().to_vec())
    }

    /// The public half.
    pub const fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// ES256 signature as JWS wants it: r and s, 64 bytes.
    pub fn sign_jws(&self, message: &[u8]) -> Result<[u8; SIGNATURE_BYTES], KeyError> {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, message);
        let signature = self.jws.sign_digest(&digest).map_err(|_| KeyError::SigningFailed)?;
        signature.as_ref().try_into().map_err(|_| KeyError::SigningFailed)
    }

    /// ES256 signature as WebAuthn wants it: ASN.1 DER (WebAuthn level 3, section 6.5.5).
    pub fn sign_webauthn(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, message);
        Ok(self.webauthn.sign_digest(&digest).map_err(|_| KeyError::SigningFailed)?.as_ref().to_vec())
    }
}

//! A passkey in software: ES256, discoverable, no attestation. It says "user verified" on its own word.

use nod_protocol::b64;
use nod_protocol::webauthn::{
    AssertionJson, AssertionResponseJson, AttestedCredential, AuthenticatorData, ClientData, ClientDataType,
    CreationOptions, CredentialKey, Flags, PublicKeyType, RegistrationJson, RegistrationResponseJson,
};
use nod_protocol::{B64, SigningKey, sha256};
use serde::{Deserialize, Serialize};

use crate::entropy::{self, Entropy};
use crate::error::PhoneError;
use crate::keys;
use crate::origin::Origin;

const ES256: i32 = -7;
const CREDENTIAL_ID_BYTES: usize = 32;

/// A software passkey; in the state file with its private key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoftPasskey {
    /// The credential id.
    pub credential_id: B64,
    /// The relying party that it belongs to.
    pub rp_id: String,
    /// The user handle.
    pub user_handle: B64,
    pkcs8: B64,
}

impl std::fmt::Debug for SoftPasskey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SoftPasskey({})", self.rp_id)
    }
}

impl SoftPasskey {
    /// Makes a passkey as a page of `origin` asks for it (`navigator.credentials.create`).
    pub fn register(
        options: &CreationOptions,
        origin: &Origin,
        source: &dyn Entropy,
    ) -> Result<(Self, RegistrationJson), PhoneError> {
        if options.rp.id != origin.host() {
            return Err(PhoneError::Passkey("the RP ID is not the host of the server's origin"));
        }
        if !options.pub_key_cred_params.iter().any(|parameters| parameters.alg == ES256) {
            return Err(PhoneError::Passkey("the server does not take ES256"));
        }
        let key = keys::new_key(source)?;
        let passkey = Self {
            credential_id: B64(entropy::array::<CREDENTIAL_ID_BYTES>(source).to_vec()),
            rp_id: options.rp.id.clone(),
            user_handle: options.user.id.clone(),
            pkcs8: B64(key.to_pkcs8()?),
        };
        let client_data = client_data(ClientDataType::Create, &options.challenge.0, origin);
        let attested = AttestedCredential {
            aaguid: [0; 16],
            credential_id: passkey.credential_id.0.clone(),
            public_key: CredentialKey::Es256(*key.jwk())
                .to_cose()
                .map_err(|_| PhoneError::Passkey("its key cannot be written"))?,
        };
        let data = passkey.authenticator_data(Some(attested));
        let registration = RegistrationJson {
            id: b64::encode(&passkey.credential_id),
            raw_id: passkey.credential_id.clone(),
            kind: PublicKeyType::PublicKey,
            response: RegistrationResponseJson {
                client_data_json: B64(client_data),
                attestation_object: B64(attestation_object(&data)),
            },
        };
        Ok((passkey, registration))
    }

    /// Signs `challenge` for a page of `origin` (`navigator.credentials.get`), with user presence and verification.
    pub fn assert(&self, challenge: &[u8], origin: &Origin) -> Result<AssertionJson, PhoneError> {
        if self.rp_id != origin.host() {
            return Err(PhoneError::Passkey("it belongs to another relying party"));
        }
        let client_data = client_data(ClientDataType::Get, challenge, origin);
        let data = self.authenticator_data(None);
        let signed = [data.as_slice(), &sha256(&client_data)].concat();
        let signature = SigningKey::from_pkcs8(self.pkcs8.as_bytes())?.sign_webauthn(&signed)?;
        Ok(AssertionJson {
            id: b64::encode(&self.credential_id),
            raw_id: self.credential_id.clone(),
            kind: PublicKeyType::PublicKey,
            response: AssertionResponseJson {
                client_data_json: B64(client_data),
                authenticator_data: B64(data),
                signature: B64(signature),
                user_handle: Some(self.user_handle.clone()),
            },
        })
    }

    fn authenticator_data(&self, attested: Option<AttestedCredential>) -> Vec<u8> {
        let at = if attested.is_some() { Flags::AT } else { 0 };
        AuthenticatorData {
            rp_id_hash: sha256(self.rp_id.as_bytes()),
            flags: Flags(Flags::UP | Flags::UV | at),
            counter: 0,
            attested,
            extensions: None,
        }
        .to_bytes()
    }
}

fn client_data(ceremony: ClientDataType, challenge: &[u8], origin: &Origin) -> Vec<u8> {
    let challenge = B64(challenge.to_vec());
    ClientData { ceremony, challenge, origin: origin.as_str().to_owned(), cross_origin: false }.to_bytes()
}

/// `{"fmt": "none", "attStmt": {}, "authData": …}` in CBOR, keys in CTAP2's canonical order (WebAuthn section 6.5.4).
fn attestation_object(auth_data: &[u8]) -> Vec<u8> {
    // Map of 3; text(3) "fmt", text(4) "none"; text(7) "attStmt", empty map; text(8) "authData", bytes with a 2-byte length.
    let mut out = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
    let length = u16::try_from(auth_data.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(auth_data);
    out
}

//! ASSERTION and REGISTRATION of the contract: the JSON forms of WebAuthn level 3 (section 5.1), cut to what is used.

use serde::{Deserialize, Serialize};

use crate::b64::B64;

/// The only credential type there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum PublicKeyType {
    /// `public-key`.
    #[default]
    #[serde(rename = "public-key")]
    PublicKey,
}

/// An assertion as a client sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssertionJson {
    /// The credential id as text; must equal `raw_id`.
    pub id: String,
    /// The credential id.
    #[serde(rename = "rawId")]
    pub raw_id: B64,
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: PublicKeyType,
    /// The authenticator's answer.
    pub response: AssertionResponseJson,
}

/// The authenticator's answer to `get`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssertionResponseJson {
    /// The client data's bytes.
    #[serde(rename = "clientDataJSON")]
    pub client_data_json: B64,
    /// The authenticator data's bytes.
    #[serde(rename = "authenticatorData")]
    pub authenticator_data: B64,
    /// The signature over authenticator data and SHA-256 of the client data.
    pub signature: B64,
    /// The user handle; null and absent mean the same.
    #[serde(rename = "userHandle", default, skip_serializing_if = "Option::is_none")]
    pub user_handle: Option<B64>,
}

/// A registration as a client sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationJson {
    /// The credential id as text; must equal `raw_id`.
    pub id: String,
    /// The credential id.
    #[serde(rename = "rawId")]
    pub raw_id: B64,
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: PublicKeyType,
    /// The authenticator's answer.
    pub response: RegistrationResponseJson,
}

/// The authenticator's answer to `create`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationResponseJson {
    /// The client data's bytes.
    #[serde(rename = "clientDataJSON")]
    pub client_data_json: B64,
    /// The attestation object's bytes.
    #[serde(rename = "attestationObject")]
    pub attestation_object: B64,
}

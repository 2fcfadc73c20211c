//! Options for `create` and `get` in the JSON form of WebAuthn level 3 (sections 5.1.9 and 5.1.10).

use serde::{Deserialize, Serialize};

use super::PublicKeyType;
use crate::b64::B64;

/// How long a ceremony may take, in milliseconds; a hint to the browser.
pub const CEREMONY_TIMEOUT_MS: u32 = 120_000;

/// Options for `navigator.credentials.create`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreationOptions {
    /// The relying party.
    pub rp: RpJson,
    /// The user.
    pub user: UserJson,
    /// The challenge.
    pub challenge: B64,
    /// Accepted algorithms, best first.
    pub pub_key_cred_params: Vec<AlgorithmJson>,
    /// Milliseconds.
    pub timeout: u32,
    /// Credentials of this user that exist already.
    pub exclude_credentials: Vec<DescriptorJson>,
    /// What the authenticator must do.
    pub authenticator_selection: AuthenticatorSelectionJson,
    /// Always `none`.
    pub attestation: String,
}

/// The relying party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RpJson {
    /// The RP ID.
    pub id: String,
    /// A name for people.
    pub name: String,
}

/// The user a passkey is made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserJson {
    /// The user handle.
    pub id: B64,
    /// The user name.
    pub name: String,
    /// A name for people.
    pub display_name: String,
}

/// One accepted algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlgorithmJson {
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: PublicKeyType,
    /// The COSE algorithm identifier.
    pub alg: i32,
}

/// A credential by its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescriptorJson {
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: PublicKeyType,
    /// The credential id.
    pub id: B64,
}

/// Demands on the authenticator. No attachment is named: Firefox on Linux refuses "platform".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticatorSelectionJson {
    /// `required` or `preferred`.
    pub resident_key: String,
    /// The same for clients of level 1.
    pub require_resident_key: bool,
    /// Always `required`.
    pub user_verification: String,
}

/// Options for `navigator.credentials.get`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestOptions {
    /// The challenge.
    pub challenge: B64,
    /// Milliseconds.
    pub timeout: u32,
    /// The RP ID.
    pub rp_id: String,
    /// Credentials that may answer; empty means any discoverable one.
    pub allow_credentials: Vec<DescriptorJson>,
    /// Always `required`.
    pub user_verification: String,
    /// Hints to the browser: `client-device`, `hybrid`, `security-key`.
    pub hints: Vec<String>,
}

/// Builds creation options: resident key and user verification required, ES256, EdDSA or RS256, no attestation.
pub fn creation_options(rp: RpJson, user: UserJson, challenge: &[u8], exclude: &[impl AsRef<[u8]>]) -> CreationOptions {
    CreationOptions {
        rp,
        user,
        challenge: B64(challenge.to_vec()),
        pub_key_cred_params: [-7, -8, -257].map(|alg| AlgorithmJson { kind: PublicKeyType::PublicKey, alg }).to_vec(),
        timeout: CEREMONY_TIMEOUT_MS,
        exclude_credentials: descriptors(exclude),
        authenticator_selection: AuthenticatorSelectionJson {
            resident_key: "required".to_owned(),
            require_resident_key: true,
            user_verification: "required".to_owned(),
        },
        attestation: "none".to_owned(),
    }
}

impl CreationOptions {
    /// Asks for a discoverable credential, but takes one that is not: a security key has room for few.
    #[must_use]
    pub fn discoverable_if_possible(mut self) -> Self {
        "preferred".clone_into(&mut self.authenticator_selection.resident_key);
        self.authenticator_selection.require_resident_key = false;
        self
    }
}

/// Builds request options: user verification required.
pub fn request_options(rp_id: &str, challenge: &[u8], allow: &[impl AsRef<[u8]>], hints: &[&str]) -> RequestOptions {
    RequestOptions {
        challenge: B64(challenge.to_vec()),
        timeout: CEREMONY_TIMEOUT_MS,
        rp_id: rp_id.to_owned(),
        allow_credentials: descriptors(allow),
        user_verification: "required".to_owned(),
        hints: hints.iter().map(|hint| (*hint).to_owned()).collect(),
    }
}

fn descriptors(ids: &[impl AsRef<[u8]>]) -> Vec<DescriptorJson> {
    ids.iter().map(|id| DescriptorJson { kind: PublicKeyType::PublicKey, id: B64(id.as_ref().to_vec()) }).collect()
}

//! WebAuthn level 3: a codec and a relying party's verifier of our own, because the challenge of an approval is chosen by us
//! (the hash of the answer's payload). User verification is required everywhere; attestation is not asked for and its
//! statement is not looked at ("none" policy); signature counters are left to the caller, synced passkeys do not keep them.

mod authenticator_data;
mod client_data;
mod cose;
mod json;
mod options;

pub use authenticator_data::{AttestedCredential, AuthenticatorData, Flags, parse_attestation_object};
pub use client_data::{ClientData, ClientDataType};
pub use cose::{COSE_KEY_MAX_BYTES, CredentialKey};
pub use json::{AssertionJson, AssertionResponseJson, PublicKeyType, RegistrationJson, RegistrationResponseJson};
pub use options::{
    AlgorithmJson, AuthenticatorSelectionJson, CEREMONY_TIMEOUT_MS, CreationOptions, DescriptorJson, RequestOptions,
    RpJson, UserJson, creation_options, request_options,
};

/// Longest accepted client data, in bytes.
pub const CLIENT_DATA_MAX_BYTES: usize = 4096;
/// Longest accepted authenticator data, in bytes.
pub const AUTHENTICATOR_DATA_MAX_BYTES: usize = 4096;
/// Longest accepted attestation object, in bytes (certificates of an attestation that we do not look at fit in).
pub const ATTESTATION_OBJECT_MAX_BYTES: usize = 12 * 1024;
/// Longest accepted credential id, in bytes (WebAuthn level 3, section 4).
pub const CREDENTIAL_ID_MAX_BYTES: usize = 1023;
/// Longest accepted user handle, in bytes (WebAuthn level 3, section 5.4.3).
pub const USER_HANDLE_MAX_BYTES: usize = 64;
/// Longest accepted signature, in bytes (RSA with 4096 bits needs 512).
pub const SIGNATURE_MAX_BYTES: usize = 1024;
/// Deepest accepted nesting of CBOR. The attestation statements in use need four levels.
pub const CBOR_MAX_DEPTH: usize = 8;

/// Why a registration or an assertion was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebAuthnError {
    /// Bytes or JSON that are not of the form that the specification demands, or are over a limit.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// `type` of the client data is of the other ceremony.
    #[error("the client data is of another ceremony")]
    WrongType,
    /// The challenge is not the expected one.
    #[error("the challenge is not the expected one")]
    WrongChallenge,
    /// The origin is not exactly the relying party's.
    #[error("the origin is not the expected one")]
    WrongOrigin,
    /// The page was framed by another origin.
    #[error("the ceremony ran in a frame of another origin")]
    CrossOrigin,
    /// The RP ID hash is of another relying party.
    #[error("the credential is of another relying party")]
    WrongRp,
    /// The user was not present.
    #[error("the user was not present")]
    NotPresent,
    /// The user was not verified.
    #[error("the user was not verified")]
    NotVerified,
    /// Backed up, but not eligible for it: a combination that the specification forbids.
    #[error("the backup flags contradict each other")]
    BackupFlags,
    /// A key of a kind that was not asked for.
    #[error("the key is not ES256, EdDSA or RS256, or is not valid")]
    UnsupportedKey,
    /// The assertion is by another credential than the stored one.
    #[error("the assertion is by another credential")]
    WrongCredential,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    BadSignature,
}

impl WebAuthnError {
    /// The class of refusal as golden vectors name it.
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::WrongType => "wrong_type",
            Self::WrongChallenge => "wrong_challenge",
            Self::WrongOrigin => "wrong_origin",
            Self::CrossOrigin => "cross_origin",
            Self::WrongRp => "wrong_rp",
            Self::NotPresent => "not_present",
            Self::NotVerified => "not_verified",
            Self::BackupFlags => "backup_flags",
            Self::UnsupportedKey => "unsupported_key",
            Self::WrongCredential => "wrong_credential",
            Self::BadSignature => "bad_signature",
        }
    }
}

/// Who asks: the RP ID and the one origin whose pages may run ceremonies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    /// The RP ID: the host of the origin.
    pub id: String,
    /// The origin, compared byte for byte: scheme, host and a port that is not the default.
    pub origin: String,
}

/// A passkey as it comes out of a valid registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPasskey {
    /// The credential id.
    pub credential_id: Vec<u8>,
    /// The public key as a COSE_Key (CBOR), as the authenticator wrote it: store these bytes.
    pub public_key: Vec<u8>,
    /// The authenticator's model, by its own word.
    pub aaguid: [u8; 16],
    /// The signature counter; 0 where none is kept.
    pub counter: u32,
    /// The passkey may be synced to other devices.
    pub backup_eligible: bool,
    /// It is synced now.
    pub backed_up: bool,
    /// The user was verified (always true here; kept for the record).
    pub user_verified: bool,
}

/// What a valid assertion says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAssertion {
    /// The credential that signed.
    pub credential_id: Vec<u8>,
    /// The user handle, where the authenticator gave one (always with a discoverable credential).
    pub user_handle: Option<Vec<u8>>,
    /// The user was verified (always true here; kept for the record).
    pub user_verified: bool,
    /// The passkey may be synced to other devices.
    pub backup_eligible: bool,
    /// It is synced now.
    pub backed_up: bool,
    /// The signature counter; 0 where none is kept. Judged by the caller, who knows the last one.
    pub counter: u32,
}

/// Verifies a registration (WebAuthn level 3, section 7.1) against the challenge that the server gave out.
pub fn verify_registration(
    registration: &RegistrationJson,
    expected_challenge: &[u8],
    rp: &RelyingParty,
) -> Result<NewPasskey, WebAuthnError> {
    check_ids(&registration.id, registration.raw_id.as_bytes())?;
    let client_data = ClientData::parse(registration.response.client_data_json.as_bytes())?;
    check_client_data(&client_data, ClientDataType::Create, expected_challenge, rp)?;
    let data = parse_attestation_object(registration.response.attestation_object.as_bytes())?;
    check_authenticator_data(&data, rp)?;
    let attested = data.attested.ok_or(WebAuthnError::Malformed("no attested credential data"))?;
    if attested.credential_id != registration.raw_id.0 {
        return Err(WebAuthnError::WrongCredential);
    }
    CredentialKey::from_cose(&attested.public_key)?;
    Ok(NewPasskey {
        credential_id: attested.credential_id,
        public_key: attested.public_key,
        aaguid: attested.aaguid,
        counter: data.counter,
        backup_eligible: data.flags.backup_eligible(),
        backed_up: data.flags.backed_up(),
        user_verified: data.flags.user_verified(),
    })
}

/// Verifies an assertion (WebAuthn level 3, section 7.2) with the stored COSE key. The caller has found that key by
/// `assertion.raw_id` and compares the user handle with its owner.
pub fn verify_assertion(
    assertion: &AssertionJson,
    expected_challenge: &[u8],
    rp: &RelyingParty,
    stored_public_key: &[u8],
) -> Result<VerifiedAssertion, WebAuthnError> {
    check_ids(&assertion.id, assertion.raw_id.as_bytes())?;
    let response = &assertion.response;
    if response.signature.0.len() > SIGNATURE_MAX_BYTES {
        return Err(WebAuthnError::Malformed("the signature is too long"));
    }
    if response.user_handle.as_ref().is_some_and(|handle| handle.0.len() > USER_HANDLE_MAX_BYTES) {
        return Err(WebAuthnError::Malformed("the user handle is too long"));
    }
    let client_data = ClientData::parse(response.client_data_json.as_bytes())?;
    check_client_data(&client_data, ClientDataType::Get, expected_challenge, rp)?;
    let data = AuthenticatorData::parse(response.authenticator_data.as_bytes())?;
    check_authenticator_data(&data, rp)?;
    let mut signed = response.authenticator_data.0.clone();
    signed.extend_from_slice(&crate::sha256(response.client_data_json.as_bytes()));
    if !CredentialKey::from_cose(stored_public_key)?.verifies(&signed, response.signature.as_bytes()) {
        return Err(WebAuthnError::BadSignature);
    }
    Ok(VerifiedAssertion {
        credential_id: assertion.raw_id.0.clone(),
        // An empty handle is how some platforms say "none".
        user_handle: response.user_handle.as_ref().map(|handle| handle.0.clone()).filter(|handle| !handle.is_empty()),
        user_verified: data.flags.user_verified(),
        backup_eligible: data.flags.backup_eligible(),
        backed_up: data.flags.backed_up(),
        counter: data.counter,
    })
}

fn check_ids(id: &str, raw_id: &[u8]) -> Result<(), WebAuthnError> {
    if raw_id.is_empty() || raw_id.len() > CREDENTIAL_ID_MAX_BYTES {
        return Err(WebAuthnError::Malformed("the credential id is empty or too long"));
    }
    if id != crate::b64::encode(raw_id) {
        return Err(WebAuthnError::Malformed("id and rawId differ"));
    }
    Ok(())
}

fn check_client_data(
    client_data: &ClientData,
    expected_type: ClientDataType,
    expected_challenge: &[u8],
    rp: &RelyingParty,
) -> Result<(), WebAuthnError> {
    if client_data.ceremony != expected_type {
        return Err(WebAuthnError::WrongType);
    }
    // An empty expectation is a caller's mistake and must not match an empty challenge.
    if expected_challenge.is_empty() || client_data.challenge.as_bytes() != expected_challenge {
        return Err(WebAuthnError::WrongChallenge);
    }
    if client_data.origin != rp.origin {
        return Err(WebAuthnError::WrongOrigin);
    }
    if client_data.cross_origin {
        return Err(WebAuthnError::CrossOrigin);
    }
    Ok(())
}

fn check_authenticator_data(data: &AuthenticatorData, rp: &RelyingParty) -> Result<(), WebAuthnError> {
    if data.rp_id_hash != crate::sha256(rp.id.as_bytes()) {
        return Err(WebAuthnError::WrongRp);
    }
    if !data.flags.user_present() {
        return Err(WebAuthnError::NotPresent);
    }
    if !data.flags.user_verified() {
        return Err(WebAuthnError::NotVerified);
    }
    if data.flags.backed_up() && !data.flags.backup_eligible() {
        return Err(WebAuthnError::BackupFlags);
    }
    Ok(())
}

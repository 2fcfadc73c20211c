//! Authenticator data (WebAuthn level 3, section 6.1) and the attestation object that wraps it (section 6.5.4).

use ciborium::Value;

use super::{
    ATTESTATION_OBJECT_MAX_BYTES, AUTHENTICATOR_DATA_MAX_BYTES, CBOR_MAX_DEPTH, CREDENTIAL_ID_MAX_BYTES, WebAuthnError,
};

/// The flags byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// UP: the user was present.
    pub const UP: u8 = 0x01;
    /// UV: the user was verified.
    pub const UV: u8 = 0x04;
    /// BE: the credential may be backed up.
    pub const BE: u8 = 0x08;
    /// BS: the credential is backed up.
    pub const BS: u8 = 0x10;
    /// AT: attested credential data follows.
    pub const AT: u8 = 0x40;
    /// ED: extension data follows.
    pub const ED: u8 = 0x80;

    const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
    /// UP.
    pub const fn user_present(self) -> bool {
        self.has(Self::UP)
    }
    /// UV.
    pub const fn user_verified(self) -> bool {
        self.has(Self::UV)
    }
    /// BE.
    pub const fn backup_eligible(self) -> bool {
        self.has(Self::BE)
    }
    /// BS.
    pub const fn backed_up(self) -> bool {
        self.has(Self::BS)
    }
    /// AT.
    pub const fn attested(self) -> bool {
        self.has(Self::AT)
    }
    /// ED.
    pub const fn extensions(self) -> bool {
        self.has(Self::ED)
    }
}

/// A new credential inside authenticator data (section 6.5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestedCredential {
    /// The authenticator's model id.
    pub aaguid: [u8; 16],
    /// The credential id.
    pub credential_id: Vec<u8>,
    /// The COSE_Key, byte for byte.
    pub public_key: Vec<u8>,
}

/// Authenticator data, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticatorData {
    /// SHA-256 of the RP ID.
    pub rp_id_hash: [u8; 32],
    /// The flags.
    pub flags: Flags,
    /// The signature counter: parsed, not judged here.
    pub counter: u32,
    /// The new credential, at registration.
    pub attested: Option<AttestedCredential>,
    /// The extension outputs (CBOR map), byte for byte.
    pub extensions: Option<Vec<u8>>,
}

const TOO_SHORT: WebAuthnError = WebAuthnError::Malformed("the authenticator data is too short");

impl AuthenticatorData {
    /// Parses authenticator data; bytes left over are an error.
    pub fn parse(bytes: &[u8]) -> Result<Self, WebAuthnError> {
        if bytes.len() > AUTHENTICATOR_DATA_MAX_BYTES {
            return Err(WebAuthnError::Malformed("the authenticator data is too long"));
        }
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>().ok_or(TOO_SHORT)?;
        let (flags, rest) = rest.split_first().ok_or(TOO_SHORT)?;
        let (counter, mut rest) = rest.split_first_chunk::<4>().ok_or(TOO_SHORT)?;
        let flags = Flags(*flags);
        let attested = if flags.attested() { Some(take_attested(&mut rest)?) } else { None };
        let extensions = if flags.extensions() { Some(take_map(&mut rest)?) } else { None };
        if !rest.is_empty() {
            return Err(WebAuthnError::Malformed("bytes after the authenticator data"));
        }
        Ok(Self { rp_id_hash: *rp_id_hash, flags, counter: u32::from_be_bytes(*counter), attested, extensions })
    }

    /// Writes authenticator data: for software passkeys and tests. The flags are written as they are.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.rp_id_hash.to_vec();
        out.push(self.flags.0);
        out.extend_from_slice(&self.counter.to_be_bytes());
        if let Some(attested) = &self.attested {
            out.extend_from_slice(&attested.aaguid);
            let length = u16::try_from(attested.credential_id.len()).unwrap_or(u16::MAX);
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(&attested.credential_id);
            out.extend_from_slice(&attested.public_key);
        }
        out.extend_from_slice(self.extensions.as_deref().unwrap_or_default());
        out
    }
}

fn take_attested(rest: &mut &[u8]) -> Result<AttestedCredential, WebAuthnError> {
    let (aaguid, after) = rest.split_first_chunk::<16>().ok_or(TOO_SHORT)?;
    let (length, after) = after.split_first_chunk::<2>().ok_or(TOO_SHORT)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length == 0 || length > CREDENTIAL_ID_MAX_BYTES {
        return Err(WebAuthnError::Malformed("the credential id is empty or too long"));
    }
    let (credential_id, after) = after.split_at_checked(length).ok_or(TOO_SHORT)?;
    *rest = after;
    let public_key = take_map(rest)?;
    Ok(AttestedCredential { aaguid: *aaguid, credential_id: credential_id.to_vec(), public_key })
}

/// Takes one CBOR map off the front and returns its bytes.
fn take_map(rest: &mut &[u8]) -> Result<Vec<u8>, WebAuthnError> {
    let whole = *rest;
    let value: Value = ciborium::de::from_reader_with_recursion_limit(&mut *rest, CBOR_MAX_DEPTH)
        .map_err(|_| WebAuthnError::Malformed("the authenticator data holds broken CBOR"))?;
    if !value.is_map() {
        return Err(WebAuthnError::Malformed("the authenticator data holds CBOR that is not a map"));
    }
    whole.get(..whole.len() - rest.len()).map(<[u8]>::to_vec).ok_or(TOO_SHORT)
}

/// Parses a CBOR value that fills `bytes` exactly and is a map without duplicate keys.
pub(super) fn parse_cbor_map(bytes: &[u8]) -> Result<Vec<(Value, Value)>, WebAuthnError> {
    let mut rest = bytes;
    let value: Value = ciborium::de::from_reader_with_recursion_limit(&mut rest, CBOR_MAX_DEPTH)
        .map_err(|_| WebAuthnError::Malformed("broken or too deeply nested CBOR"))?;
    if !rest.is_empty() {
        return Err(WebAuthnError::Malformed("bytes after the CBOR"));
    }
    let members = value.into_map().map_err(|_| WebAuthnError::Malformed("the CBOR is not a map"))?;
    for (position, (key, _)) in members.iter().enumerate() {
        if members.iter().take(position).any(|(earlier, _)| earlier == key) {
            return Err(WebAuthnError::Malformed("the CBOR map has a key twice"));
        }
    }
    Ok(members)
}

/// Parses an attestation object of any format and returns its authenticator data. The attestation statement must be there
/// but is not looked at.
pub fn parse_attestation_object(bytes: &[u8]) -> Result<AuthenticatorData, WebAuthnError> {
    if bytes.len() > ATTESTATION_OBJECT_MAX_BYTES {
        return Err(WebAuthnError::Malformed("the attestation object is too long"));
    }
    let mut format = false;
    let mut statement = false;
    let mut auth_data = None;
    for (key, value) in parse_cbor_map(bytes)? {
        match (key.as_text(), &value) {
            (Some("fmt"), Value::Text(_)) => format = true,
            (Some("attStmt"), Value::Map(_)) => statement = true,
            (Some("authData"), Value::Bytes(bytes)) => auth_data = Some(AuthenticatorData::parse(bytes)?),
            (Some("fmt" | "attStmt" | "authData"), _) => {
                return Err(WebAuthnError::Malformed("the attestation object has a member of a wrong type"));
            }
            _ => {}
        }
    }
    match auth_data {
        Some(data) if format && statement => Ok(data),
        _ => Err(WebAuthnError::Malformed("the attestation object lacks fmt, attStmt or authData")),
    }
}

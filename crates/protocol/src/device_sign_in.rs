//! A device's sign-in: `nod-device+jwt` over a nonce of the server.

use serde::{Deserialize, Serialize};

use crate::b64::Id;
use crate::jwk::{Jwk, SigningKey, Thumbprint};
use crate::jws::{self, JwsError};

/// The `typ` of a device sign-in.
pub const DEVICE_SIGN_IN_TYPE: &str = "nod-device+jwt";

/// Longest accepted nonce, in bytes of its text.
pub const NONCE_MAX_BYTES: usize = 128;

/// What a device sign-in says, in the order of the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceSignInPayload {
    /// The server's nonce, as it was given (opaque text).
    pub nonce: String,
    /// The device that signs in.
    pub device: Id,
    /// The server's public origin.
    pub origin: String,
}

impl DeviceSignInPayload {
    /// The bytes that are signed.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JwsError> {
        serde_json::to_vec(self).map_err(|_| JwsError::Malformed("the payload cannot be written"))
    }
}

/// Signs a device sign-in (devices and tests).
pub fn sign_device_sign_in(key: &SigningKey, payload: &DeviceSignInPayload) -> Result<String, JwsError> {
    jws::sign(DEVICE_SIGN_IN_TYPE, key, &payload.to_bytes()?)
}

/// A device sign-in of the right form whose signature has not been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedDeviceSignIn {
    jws: jws::Parsed,
    payload: DeviceSignInPayload,
}

impl ParsedDeviceSignIn {
    /// Takes a compact JWS apart; the payload must be spelled exactly as [`DeviceSignInPayload`] writes it.
    pub fn parse(text: &str) -> Result<Self, JwsError> {
        let jws = jws::parse(text, DEVICE_SIGN_IN_TYPE)?;
        let payload: DeviceSignInPayload = serde_json::from_slice(&jws.payload)
            .map_err(|_| JwsError::Malformed("the payload does not have the members of a device sign-in"))?;
        if payload.to_bytes()? != jws.payload {
            return Err(JwsError::Malformed("the payload's members are not in the order and spelling of the contract"));
        }
        if payload.nonce.is_empty() || payload.nonce.len() > NONCE_MAX_BYTES {
            return Err(JwsError::Malformed("the nonce is empty or too long"));
        }
        Ok(Self { jws, payload })
    }

    /// The key that the object says it was signed with.
    pub const fn claimed_kid(&self) -> Thumbprint {
        self.jws.kid
    }

    /// The device that the object says it comes from.
    pub const fn claimed_device(&self) -> Id {
        self.payload.device
    }

    /// Checks the signature with the device's stored key. Nonce and origin are the caller's to compare.
    pub fn verify(&self, key: &Jwk) -> Result<VerifiedDeviceSignIn, JwsError> {
        self.jws.verify(key)?;
        Ok(VerifiedDeviceSignIn { payload: self.payload.clone() })
    }
}

/// A device sign-in whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedDeviceSignIn {
    payload: DeviceSignInPayload,
}

impl VerifiedDeviceSignIn {
    /// What was signed.
    pub const fn payload(&self) -> &DeviceSignInPayload {
        &self.payload
    }
}

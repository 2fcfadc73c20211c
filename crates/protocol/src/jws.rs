//! JWS compact serialisation (RFC 7515 section 7.1) with ES256 and an explicit `typ` (RFC 8725 section 3.11).
//!
//! `jsonwebtoken` is not used here: its `decode` gives back deserialised claims and not the payload's bytes (which the
//! WebAuthn challenge is a hash of), tolerates unknown header members, and finds its cryptography through a process-wide
//! default. What remains to do by hand is splitting at two dots and one call of ECDSA_P256_SHA256_FIXED.

use serde::Deserialize;

use crate::b64;
use crate::jwk::{Jwk, KeyError, SIGNATURE_BYTES, SigningKey, Thumbprint};

/// Longest accepted JWS, in bytes. Answers are near 700 bytes; origins are the only long member.
pub const JWS_MAX_BYTES: usize = 4096;

/// Why a signed object was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Longer than [`JWS_MAX_BYTES`].
    #[error("the signed object is longer than {JWS_MAX_BYTES} bytes")]
    TooLong,
    /// Not a compact JWS, or a header or payload that is not exactly of the expected form.
    #[error("the signed object is malformed: {0}")]
    Malformed(&'static str),
    /// Another `alg` than ES256.
    #[error("the signed object must use ES256")]
    WrongAlgorithm,
    /// Another `typ` than the one expected here.
    #[error("the signed object has another type than expected here")]
    WrongType,
    /// The key offered for verification is not the one that the object names.
    #[error("the signed object names another key")]
    WrongKey,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    BadSignature,
    /// The private key could not sign.
    #[error("signing failed")]
    SigningFailed,
}

impl JwsError {
    /// The class of refusal as golden vectors name it.
    pub const fn class(&self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed(_) => "malformed",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::WrongType => "wrong_type",
            Self::WrongKey => "wrong_key",
            Self::BadSignature => "bad_signature",
            Self::SigningFailed => "signing_failed",
        }
    }
}

impl From<KeyError> for JwsError {
    fn from(_: KeyError) -> Self {
        Self::SigningFailed
    }
}

/// A JWS taken apart, its signature not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parsed {
    signing_input: String,
    pub(crate) payload: Vec<u8>,
    signature: [u8; SIGNATURE_BYTES],
    pub(crate) kid: Thumbprint,
}

// Exactly these members: with anything more (`crit`, `jwk`, `jku`, `x5c`, `b64`, …) the object is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: Thumbprint,
}

/// Signs `payload` and returns the compact form.
pub(crate) fn sign(typ: &str, key: &SigningKey, payload: &[u8]) -> Result<String, JwsError> {
    let header = format!(r#"{{"alg":"ES256","typ":"{typ}","kid":"{}"}}"#, key.jwk().thumbprint());
    let signing_input = format!("{}.{}", b64::encode(header), b64::encode(payload));
    let signature = key.sign_jws(signing_input.as_bytes())?;
    Ok(format!("{signing_input}.{}", b64::encode(signature)))
}

/// Takes a compact JWS apart and checks everything that needs no key.
pub(crate) fn parse(text: &str, typ: &str) -> Result<Parsed, JwsError> {
    if text.len() > JWS_MAX_BYTES {
        return Err(JwsError::TooLong);
    }
    let (signing_input, signature) = text.rsplit_once('.').ok_or(JwsError::Malformed("expected three parts"))?;
    let (header, payload) = signing_input.split_once('.').ok_or(JwsError::Malformed("expected three parts"))?;
    let header = b64::decode(header).map_err(|_| JwsError::Malformed("the header is not base64url"))?;
    let header: Header = serde_json::from_slice(&header)
        .map_err(|_| JwsError::Malformed("the header must have alg, typ, kid and nothing else"))?;
    if header.alg != "ES256" {
        return Err(JwsError::WrongAlgorithm);
    }
    if header.typ != typ {
        return Err(JwsError::WrongType);
    }
    Ok(Parsed {
        payload: b64::decode(payload).map_err(|_| JwsError::Malformed("the payload is not base64url"))?,
        signature: b64::decode_array(signature).map_err(|_| JwsError::Malformed("the signature must be 64 bytes"))?,
        signing_input: signing_input.to_owned(),
        kid: header.kid,
    })
}

impl Parsed {
    /// Checks the signature with `key`, which must be the one that the header names.
    pub(crate) fn verify(&self, key: &Jwk) -> Result<(), JwsError> {
        if key.thumbprint() != self.kid {
            return Err(JwsError::WrongKey);
        }
        if !key.verifies(self.signing_input.as_bytes(), &self.signature) {
            return Err(JwsError::BadSignature);
        }
        Ok(())
    }
}

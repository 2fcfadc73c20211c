//! The signed answer to a request: `nod-answer+jwt`. Parsing and verifying are different types.

use serde::{Deserialize, Serialize};

use crate::b64::{Bytes32, Id};
use crate::digits::SixDigits;
use crate::jwk::{Jwk, SigningKey, Thumbprint};
use crate::jws::{self, JwsError};

/// The `typ` of a signed answer.
pub const ANSWER_TYPE: &str = "nod-answer+jwt";

/// What the person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Let the sign-in through.
    Approve,
    /// Refuse it.
    Deny,
    /// Refuse it and report it: "This wasn't me".
    DenyFraud,
}

impl Decision {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
            Self::DenyFraud => "deny_fraud",
        }
    }
}

/// What an answer says. Members on the wire stand in the order of these fields; there are no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerPayload {
    /// The challenge (request) that is answered.
    pub challenge: Id,
    /// The challenge's version that was shown.
    pub version: u32,
    /// The challenge's nonce.
    pub nonce: Bytes32,
    /// The decision.
    pub decision: Decision,
    /// SHA-256 of the context bytes as the server sent them.
    pub context_sha256: Bytes32,
    /// The digits typed; only with an approval in number mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<SixDigits>,
    /// The device that answers.
    pub device: Id,
    /// Thumbprint of the device key that signs.
    pub kid: Thumbprint,
    /// The server's public origin.
    pub origin: String,
    /// The challenge's expiry in Unix seconds.
    pub exp: i64,
}

impl AnswerPayload {
    /// The bytes that are signed and hashed.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JwsError> {
        serde_json::to_vec(self).map_err(|_| JwsError::Malformed("the payload cannot be written"))
    }
}

/// Signs an answer (devices and tests). `payload.kid` must be the key's own thumbprint.
pub fn sign_answer(key: &SigningKey, payload: &AnswerPayload) -> Result<String, JwsError> {
    if payload.kid != key.jwk().thumbprint() {
        return Err(JwsError::WrongKey);
    }
    jws::sign(ANSWER_TYPE, key, &payload.to_bytes()?)
}

/// An answer of the right form whose signature has not been checked: good for finding the key, for nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedAnswer {
    jws: jws::Parsed,
    payload: AnswerPayload,
}

impl ParsedAnswer {
    /// Takes a compact JWS apart. The payload must be spelled exactly as [`AnswerPayload`] writes it: one answer, one spelling.
    pub fn parse(text: &str) -> Result<Self, JwsError> {
        let jws = jws::parse(text, ANSWER_TYPE)?;
        let payload: AnswerPayload = serde_json::from_slice(&jws.payload)
            .map_err(|_| JwsError::Malformed("the payload does not have the members of an answer"))?;
        if payload.to_bytes()? != jws.payload {
            return Err(JwsError::Malformed("the payload's members are not in the order and spelling of the contract"));
        }
        if payload.number.is_some() && payload.decision != Decision::Approve {
            return Err(JwsError::Malformed("only an approval carries a number"));
        }
        if payload.kid != jws.kid {
            return Err(JwsError::WrongKey);
        }
        Ok(Self { jws, payload })
    }

    /// The key that the answer says it was signed with.
    pub const fn claimed_kid(&self) -> Thumbprint {
        self.jws.kid
    }

    /// The device that the answer says it comes from.
    pub const fn claimed_device(&self) -> Id {
        self.payload.device
    }

    /// The challenge that the answer says it is for.
    pub const fn claimed_challenge(&self) -> Id {
        self.payload.challenge
    }

    /// Checks the signature with the device's stored key. Expiry, nonce, version, origin and context hash are the caller's
    /// to compare with the stored challenge, on the caller's clock.
    pub fn verify(&self, key: &Jwk) -> Result<VerifiedAnswer, JwsError> {
        self.jws.verify(key)?;
        Ok(VerifiedAnswer {
            payload_sha256: crate::sha256(&self.jws.payload),
            payload_bytes: self.jws.payload.clone(),
            payload: self.payload.clone(),
        })
    }
}

/// An answer whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAnswer {
    payload: AnswerPayload,
    payload_bytes: Vec<u8>,
    payload_sha256: [u8; 32],
}

impl VerifiedAnswer {
    /// What was signed.
    pub const fn payload(&self) -> &AnswerPayload {
        &self.payload
    }

    /// The payload's bytes as signed.
    pub fn payload_bytes(&self) -> &[u8] {
        &self.payload_bytes
    }

    /// SHA-256 of the payload's bytes: the WebAuthn challenge of the assertion that goes with an approval.
    pub const fn payload_sha256(&self) -> &[u8; 32] {
        &self.payload_sha256
    }
}

//! Checkpoints of the audit's chain: `nod-checkpoint+jwt`, signed by the server's checkpoint key (INV-22).

use serde::{Deserialize, Serialize};

use crate::b64::Bytes32;
use crate::jwk::{Jwk, SigningKey, Thumbprint};
use crate::jws::{self, JwsError};

/// The `typ` of a checkpoint.
pub const CHECKPOINT_TYPE: &str = "nod-checkpoint+jwt";

/// What a checkpoint says. Members on the wire stand in the order of these fields; there are no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointPayload {
    /// The hash of event number `count`.
    pub head: Bytes32,
    /// How many events the chain had, at least 1; the number of the last.
    pub count: i64,
    /// When it was signed, by the store's clock: Unix milliseconds.
    pub at: i64,
    /// The server's public origin at that time.
    pub origin: String,
    /// The checkpoint of a restore: event `count` tells of it, and the events up to this one came from the backup or the exported
    /// audit. It answers for those behind them that earlier checkpoints signed and that are no more. Absent elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_from: Option<i64>,
}

impl CheckpointPayload {
    /// The bytes that are signed.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JwsError> {
        serde_json::to_vec(self).map_err(|_| JwsError::Malformed("the payload cannot be written"))
    }
}

/// Signs a checkpoint.
pub fn sign_checkpoint(key: &SigningKey, payload: &CheckpointPayload) -> Result<String, JwsError> {
    jws::sign(CHECKPOINT_TYPE, key, &payload.to_bytes()?)
}

/// A checkpoint of the right form whose signature has not been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedCheckpoint {
    jws: jws::Parsed,
    payload: CheckpointPayload,
}

impl ParsedCheckpoint {
    /// Takes a compact JWS apart; the payload must be spelled exactly as [`CheckpointPayload`] writes it.
    pub fn parse(text: &str) -> Result<Self, JwsError> {
        let jws = jws::parse(text, CHECKPOINT_TYPE)?;
        let payload: CheckpointPayload = serde_json::from_slice(&jws.payload)
            .map_err(|_| JwsError::Malformed("the payload does not have the members of a checkpoint"))?;
        if payload.to_bytes()? != jws.payload {
            return Err(JwsError::Malformed("the payload's members are not in the order and spelling of the contract"));
        }
        if payload.count < 1 {
            return Err(JwsError::Malformed("a checkpoint covers at least one event"));
        }
        if payload.restored_from.is_some_and(|last| last < 0 || last >= payload.count) {
            return Err(JwsError::Malformed("a restore is told of behind the events that it restored"));
        }
        Ok(Self { jws, payload })
    }

    /// The key that the object says it was signed with.
    pub const fn claimed_kid(&self) -> Thumbprint {
        self.jws.kid
    }

    /// Checks the signature with the server's checkpoint key.
    pub fn verify(&self, key: &Jwk) -> Result<CheckpointPayload, JwsError> {
        self.jws.verify(key)?;
        Ok(self.payload.clone())
    }
}

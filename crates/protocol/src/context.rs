//! CONTEXT: what the phone shows about a sign-in, and exactly the bytes that an answer signs over.

use serde::{Deserialize, Serialize};

use crate::device_api::CONTEXT_MAX_BYTES;

/// The version of the context's form.
pub const CONTEXT_VERSION: u32 = 1;

/// What a sign-in looks like, for the person who decides. Members on the wire stand in the order of these fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Always [`CONTEXT_VERSION`].
    pub v: u32,
    /// The user name.
    pub user: String,
    /// The user's name for people.
    pub display_name: String,
    /// The app's name.
    pub app: String,
    /// What is asked for, for example "sign in".
    pub action: String,
    /// The server's public origin.
    pub origin: String,
    /// For example "Chrome on Windows".
    pub browser: String,
    /// The network address.
    pub address: String,
    /// Where that is, or "unknown".
    pub place: String,
    /// What is new for this user, for example "network".
    pub new: Vec<String>,
    /// When it began, Unix milliseconds.
    pub at: i64,
}

/// A context that cannot be shown. The phone must then refuse to approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// Longer than [`CONTEXT_MAX_BYTES`].
    #[error("the context is longer than {CONTEXT_MAX_BYTES} bytes")]
    TooLong,
    /// Not the JSON of a context.
    #[error("the context is malformed")]
    Malformed,
    /// A form that this program does not know: update it.
    #[error("the context is of an unknown version")]
    UnknownVersion,
}

impl ContextError {
    /// The class of refusal as golden vectors name it.
    pub const fn class(&self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::UnknownVersion => "unknown_version",
        }
    }
}

impl Context {
    /// The bytes to store, send and hash. The same context always gives the same bytes.
    pub fn context_bytes(&self) -> Result<Vec<u8>, ContextError> {
        let bytes = serde_json::to_vec(self).map_err(|_| ContextError::Malformed)?;
        if bytes.len() > CONTEXT_MAX_BYTES { Err(ContextError::TooLong) } else { Ok(bytes) }
    }

    /// Reads a context for showing. The hash is taken over the received bytes, never over a re-written context.
    pub fn parse(bytes: &[u8]) -> Result<Self, ContextError> {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        if bytes.len() > CONTEXT_MAX_BYTES {
            return Err(ContextError::TooLong);
        }
        let version: Version = serde_json::from_slice(bytes).map_err(|_| ContextError::Malformed)?;
        if version.v != CONTEXT_VERSION {
            return Err(ContextError::UnknownVersion);
        }
        serde_json::from_slice(bytes).map_err(|_| ContextError::Malformed)
    }
}

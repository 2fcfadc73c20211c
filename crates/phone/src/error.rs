//! What can go wrong on the phone's side.

use nod_protocol::context::ContextError;
use nod_protocol::device_api::{ErrorBody, ErrorCode};
use nod_protocol::{JwsError, KeyError};

/// Why a call failed. Texts hold no token, key or code.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// The server could not be reached, or the connection broke: try again.
    #[error("the server cannot be reached: {0}")]
    Transport(#[source] reqwest::Error),
    /// The server refused, in its own words.
    #[error("{}", .body.message)]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Code and message.
        body: ErrorBody,
        /// Seconds after which to try again, where the server said so.
        retry_after: Option<u64>,
    },
    /// An answer that is not of the contract's form: not a Nod server, or one of another version.
    #[error("the server's answer is not understood ({0}); is this a Nod server of this version?")]
    NotUnderstood(&'static str),
    /// The server no longer accepts this device: it was revoked or never finished. Enrol again.
    #[error("the server does not accept this device any more; enrol it again")]
    NotAccepted,
    /// What the server shows does not belong to this account: do not approve.
    #[error("the request does not belong to this account: {0}")]
    WrongContext(&'static str),
    /// The context cannot be shown.
    #[error("the request cannot be shown: {0}")]
    Context(#[from] ContextError),
    /// An approval in number mode without the number.
    #[error("this sign-in needs the number that the browser shows")]
    NumberNeeded,
    /// An approval before the passkey exists.
    #[error("this device has no passkey yet; finish its enrolment")]
    NoPasskey,
    /// A key that cannot be made, read or used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A signed object that cannot be made.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// Neither an origin nor a link of Nod.
    #[error("not a Nod address or link: {0}")]
    BadLink(&'static str),
    /// The software passkey refused, as a browser would.
    #[error("the passkey refused: {0}")]
    Passkey(&'static str),
}

impl PhoneError {
    /// The server's code, where it was the server that refused.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { body, .. } => Some(body.error),
            _ => None,
        }
    }

    /// Whether trying the same again later can help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Transport(_) => true,
            Self::Refused { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        }
    }
}

impl From<reqwest::Error> for PhoneError {
    fn from(error: reqwest::Error) -> Self {
        Self::Transport(error.without_url())
    }
}

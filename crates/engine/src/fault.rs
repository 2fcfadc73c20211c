//! Why a use case did not do what was asked. One enum for all doors; each door maps it once.

use crate::ports::{CommitError, StoreError};

/// What the caller may be told. Every fault denies (INV-27).
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The request makes no sense; the text says what was wrong.
    #[error("{0}")]
    BadRequest(String),
    /// No valid session, or it has ended.
    #[error("sign in first")]
    NotSignedIn,
    /// A signature or assertion does not verify; the text is for the audit, not for the client.
    #[error("the signature does not hold: {0}")]
    BadSignature(String),
    /// Known who, but not allowed; the text says why and what to do.
    #[error("{0}")]
    Forbidden(String),
    /// Not there, or somebody else's.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The state has moved on; the text says how.
    #[error("{0}")]
    Conflict(String),
    /// It has expired.
    #[error("this {0} has expired")]
    Gone(&'static str),
    /// The number typed is not the one shown; the request is over (INV-07).
    #[error("that was not the number on the screen; this request has ended")]
    WrongNumber,
    /// The one-time code is wrong, or used up; the text says which and what to do.
    #[error("{0}")]
    WrongCode(&'static str),
    /// A limit was reached.
    #[error("too many tries: wait and try again")]
    TooMany {
        /// Seconds to wait.
        retry_after_seconds: u32,
    },
    /// The server is busy with others.
    #[error("the server is busy: try again in a moment")]
    Busy,
    /// The store failed; nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a use case gives.
pub type Outcome<T> = Result<T, Fault>;

impl Fault {
    /// A commit's refusal, told as "the state has moved on".
    #[must_use]
    pub fn moved_on(error: CommitError) -> Self {
        match error {
            CommitError::Conflict { .. } => Self::Conflict("this has changed in the meantime: look again".to_owned()),
            CommitError::Store(error) => Self::Store(error),
        }
    }
}

/// Splits a commit's result into "done", "a guard did not hold" and failure.
pub(crate) fn applied(result: Result<(), CommitError>) -> Outcome<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(CommitError::Conflict { .. }) => Ok(false),
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}

//! Faults as HTTP answers: one place for all faces. Every fault denies (INV-27).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use nod_engine::Fault;
use nod_protocol::device_api::{ErrorBody, ErrorCode};

/// What a busy server tells to wait, in seconds.
const BUSY_SECONDS: u32 = 2;
/// What a server whose store failed tells to wait, in seconds.
const DOWN_SECONDS: u32 = 5;

/// What a handler gives.
pub type Reply<T> = Result<T, Refusal>;

/// A refusal in the contract's words: code, sentence and, where waiting helps, for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// For programs; decides the status.
    pub code: ErrorCode,
    /// For people: what was wrong and what to do. Holds nothing secret (INV-24).
    pub message: String,
    /// Seconds to wait.
    pub retry_after: Option<u32>,
}

impl Refusal {
    /// A refusal with this sentence.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None }
    }
    /// The request makes no sense; `message` says what was wrong.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadRequest, message)
    }
    /// Nothing is here.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "there is nothing at this address")
    }
    /// The server cannot do it now.
    #[must_use]
    pub fn unavailable() -> Self {
        Self {
            code: ErrorCode::Unavailable,
            message: "the server cannot do this now: try again in a moment".to_owned(),
            retry_after: Some(DOWN_SECONDS),
        }
    }
    /// The status that goes with the code.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let code = match &fault {
            Fault::BadRequest(_) => ErrorCode::BadRequest,
            Fault::NotSignedIn => ErrorCode::NotSignedIn,
            // The text inside is for the audit: it would tell a forger how far they got.
            Fault::BadSignature(_) => {
                return Self::new(
                    ErrorCode::BadSignature,
                    "the signature does not hold: try again, and enrol this phone anew if that does not help",
                );
            }
            Fault::Forbidden(_) => ErrorCode::Forbidden,
            Fault::NotFound(_) => ErrorCode::NotFound,
            Fault::Conflict(_) => ErrorCode::Conflict,
            Fault::Gone(_) => ErrorCode::Gone,
            Fault::WrongNumber => ErrorCode::WrongNumber,
            Fault::WrongCode(_) => ErrorCode::WrongCode,
            Fault::TooMany { .. } => ErrorCode::TooMany,
            Fault::Busy => ErrorCode::Unavailable,
            Fault::Store(error) => {
                tracing::error!(%error, "a request was denied because the store failed");
                return Self::unavailable();
            }
        };
        let retry_after = match fault {
            Fault::TooMany { retry_after_seconds } => Some(retry_after_seconds),
            Fault::Busy => Some(BUSY_SECONDS),
            _ => None,
        };
        Self { code, message: fault.to_string(), retry_after }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.status(), self.retry_after);
        let mut response = (status, Json(ErrorBody { error: self.code, message: self.message })).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nod_engine::ports::StoreError;

    #[test]
    fn inner_texts_stay_inside() {
        for fault in [Fault::BadSignature("inner".to_owned()), Fault::Store(StoreError("inner".to_owned()))] {
            let refusal = Refusal::from(fault);
            assert!(!refusal.message.contains("inner"), "{refusal:?}");
        }
        let wait = Refusal::from(Fault::TooMany { retry_after_seconds: 600 }).into_response();
        assert_eq!((wait.status().as_u16(), wait.headers()[RETRY_AFTER].to_str().unwrap()), (429, "600"));
        assert_eq!(Refusal::from(Fault::Busy).status().as_u16(), 503);
        assert_eq!(Refusal::from(Fault::WrongNumber).status().as_u16(), 422);
    }
}

//! Bodies and paths of the device API, `docs/device-api.md`.

mod enrol;
mod requests;

pub use enrol::*;
pub use requests::*;
use serde::{Deserialize, Serialize};

use crate::b64::{B64, Id};
pub use crate::context::{Context, ContextError};

/// Longest accepted request body, in bytes.
pub const BODY_MAX_BYTES: usize = 16 * 1024;
/// Most device sign-ins in one `POST /session`.
pub const SESSION_DEVICES_MAX: usize = 8;
/// Longest device name, in characters.
pub const DEVICE_NAME_MAX_CHARS: usize = 64;
/// Longest push endpoint, in bytes.
pub const ENDPOINT_MAX_BYTES: usize = 2048;
/// Most entries of a history.
pub const HISTORY_MAX: usize = 50;
/// Seconds between two comment lines on the live channel.
pub const EVENTS_COMMENT_SECONDS: u64 = 15;
/// Name of the device session's cookie.
pub const DEVICE_COOKIE: &str = "__Host-nod-device";
/// Longest accepted context, in bytes.
pub const CONTEXT_MAX_BYTES: usize = 8 * 1024;
/// The event's name on the live channel.
pub const PENDING_EVENT: &str = "pending";

/// Paths. `{device}`, `{id}` and `{test}` are axum's placeholders; the functions fill them in.
pub mod paths {
    use crate::b64::Id;

    /// Where all of them live.
    pub const BASE: &str = "/api/device/v1";
    /// GET: who this server is.
    pub const SERVER: &str = "/api/device/v1/server";
    /// POST: begin an enrolment with a code.
    pub const ENROL: &str = "/api/device/v1/enrol";
    /// POST: a nonce for device sign-in.
    pub const NONCE: &str = "/api/device/v1/nonce";
    /// POST: device sign-in.
    pub const SESSION: &str = "/api/device/v1/session";
    /// POST: the passkey of a pending device.
    pub const ENROL_PASSKEY: &str = "/api/device/v1/enrol/passkey";
    /// GET: how far an enrolment is.
    pub const ENROL_STATE: &str = "/api/device/v1/enrol/{device}";
    /// PUT: the push subscription.
    pub const SUBSCRIPTION: &str = "/api/device/v1/subscription";
    /// GET: pending requests.
    pub const PENDING: &str = "/api/device/v1/pending";
    /// GET: one request.
    pub const REQUEST: &str = "/api/device/v1/requests/{id}";
    /// POST: the answer.
    pub const ANSWER: &str = "/api/device/v1/requests/{id}/answer";
    /// GET: the live channel.
    pub const EVENTS: &str = "/api/device/v1/events";
    /// POST: stages that the worker reports.
    pub const STAGES: &str = "/api/device/v1/stages";
    /// GET: what was answered.
    pub const HISTORY: &str = "/api/device/v1/history";
    /// GET: what has changed about the accounts.
    pub const NOTICES: &str = "/api/device/v1/notices";
    /// POST [`super::CancelRecoveryRequest`].
    pub const CANCEL_RECOVERY: &str = "/api/device/v1/recovery/cancel";
    /// POST: a test push.
    pub const SELF_TEST: &str = "/api/device/v1/self-test";
    /// GET: the test push's times.
    pub const SELF_TEST_STATE: &str = "/api/device/v1/self-test/{test}";
    /// POST: the approval that is practised on a test.
    pub const SELF_TEST_ANSWER: &str = "/api/device/v1/self-test/{test}/answer";
    /// DELETE: the phone removes itself.
    pub const DEVICE: &str = "/api/device/v1/devices/{id}";

    /// [`ENROL_STATE`] of one device.
    pub fn enrol_state(device: &Id) -> String {
        format!("{ENROL}/{device}")
    }
    /// [`REQUEST`] of one request.
    pub fn request(id: &Id) -> String {
        format!("{BASE}/requests/{id}")
    }
    /// [`ANSWER`] of one request.
    pub fn answer(id: &Id) -> String {
        format!("{BASE}/requests/{id}/answer")
    }
    /// [`SELF_TEST_STATE`] of one test.
    pub fn self_test(test: &Id) -> String {
        format!("{SELF_TEST}/{test}")
    }
    /// [`SELF_TEST_ANSWER`] of one test.
    pub fn self_test_answer(test: &Id) -> String {
        format!("{SELF_TEST}/{test}/answer")
    }
    /// [`DEVICE`] of one device.
    pub fn device(id: &Id) -> String {
        format!("{BASE}/devices/{id}")
    }
}

/// What went wrong, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// 400.
    BadRequest,
    /// 401: no device session, or an expired one.
    NotSignedIn,
    /// 401.
    BadSignature,
    /// 403.
    Forbidden,
    /// 404, also for other people's objects.
    NotFound,
    /// 409: someone was first, or the state has moved on.
    Conflict,
    /// 410: expired.
    Gone,
    /// 413.
    TooLarge,
    /// 422: the number typed is not the number shown; the challenge is over.
    WrongNumber,
    /// 422: the one-time code is wrong or used up.
    WrongCode,
    /// 429, with `Retry-After`.
    TooMany,
    /// 503.
    Unavailable,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 12] = [
        Self::BadRequest,
        Self::NotSignedIn,
        Self::BadSignature,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::Gone,
        Self::TooLarge,
        Self::WrongNumber,
        Self::WrongCode,
        Self::TooMany,
        Self::Unavailable,
    ];

    /// The HTTP status that goes with it.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::NotSignedIn | Self::BadSignature => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Gone => 410,
            Self::TooLarge => 413,
            Self::WrongNumber | Self::WrongCode => 422,
            Self::TooMany => 429,
            Self::Unavailable => 503,
        }
    }
}

/// The body of every 4xx and 5xx.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// For programs.
    pub error: ErrorCode,
    /// A sentence for people: what was wrong and what to do.
    pub message: String,
}

/// A user as phones see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserBody {
    /// The user name.
    pub name: String,
    /// A name for people.
    pub display_name: String,
}

/// The server as an enrolment names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerName {
    /// A name for people.
    pub name: String,
    /// The public origin.
    pub origin: String,
}

/// Answer of GET `/server`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// A name for people.
    pub name: String,
    /// The public origin.
    pub origin: String,
    /// The WebAuthn RP ID.
    pub rp_id: String,
    /// The server's VAPID key (uncompressed P-256 point), for `pushManager.subscribe`.
    pub vapid_public_key: B64,
}

/// Answer of POST `/nonce`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NonceAnswer {
    /// Opaque text.
    pub nonce: String,
    /// Unix milliseconds.
    pub expires_at: i64,
}

/// Body of POST `/session`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionRequest {
    /// One `nod-device+jwt` per device, 1 to [`SESSION_DEVICES_MAX`], all over one nonce.
    pub devices: Vec<String>,
}

/// Answer of POST `/session`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionAnswer {
    /// For `Authorization: Bearer`: a secret.
    pub token: String,
    /// Unix milliseconds.
    pub expires_at: i64,
    /// What became of each device.
    pub devices: Vec<SessionDevice>,
}

impl std::fmt::Debug for SessionAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the token (no secrets in logs).
        f.debug_struct("SessionAnswer").field("expires_at", &self.expires_at).field("devices", &self.devices).finish()
    }
}

/// One device of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionDevice {
    /// The device.
    pub device: Id,
    /// Its user; null where the device was not accepted (INV-29: nothing is said about unknown devices).
    pub user: Option<UserBody>,
    /// Its state; null where it was not accepted and is not known.
    pub state: Option<DeviceState>,
    /// Whether the session stands for it.
    pub accepted: bool,
}

/// The state of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// Enrolment is not complete.
    Pending,
    /// In use.
    Active,
    /// No longer accepted.
    Revoked,
}

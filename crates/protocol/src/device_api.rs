//! Bodies and paths of the device API, `docs/device-api.md`.

use serde::{Deserialize, Serialize};

use crate::answer::Decision;
use crate::b64::{B64, Bytes32, Id};
use crate::digits::SixDigits;
use crate::enrolment::EnrolmentCode;
use crate::jwk::Jwk;
use crate::webauthn::{AssertionJson, CreationOptions, RegistrationJson};

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
    /// POST: a test push.
    pub const SELF_TEST: &str = "/api/device/v1/self-test";
    /// GET: the test push's times.
    pub const SELF_TEST_STATE: &str = "/api/device/v1/self-test/{test}";
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
    /// 429, with `Retry-After`.
    TooMany,
    /// 503.
    Unavailable,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 11] = [
        Self::BadRequest,
        Self::NotSignedIn,
        Self::BadSignature,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::Gone,
        Self::TooLarge,
        Self::WrongNumber,
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
            Self::WrongNumber => 422,
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

/// What kind of phone it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// The PWA on Android.
    Android,
    /// The PWA on iOS or iPadOS.
    Ios,
    /// The PWA in a desktop browser.
    Desktop,
    /// `nod phone`.
    Terminal,
}

/// Body of POST `/enrol`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// The code that the asking browser shows.
    pub code: EnrolmentCode,
    /// The device's name, at most [`DEVICE_NAME_MAX_CHARS`]; the server trims and checks it.
    pub name: String,
    /// The kind of device.
    pub platform: Platform,
    /// The device key.
    pub key: Jwk,
}

/// Answer of POST `/enrol` (201).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolAnswer {
    /// The new device.
    pub device: Id,
    /// Its user.
    pub user: UserBody,
    /// Its server.
    pub server: ServerName,
    /// What the person types in the asking browser.
    pub confirmation: SixDigits,
    /// Options for the passkey.
    pub passkey: CreationOptions,
    /// When the enrolment lapses, Unix milliseconds.
    pub expires_at: i64,
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

/// Body of POST `/enrol/passkey`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolPasskeyRequest {
    /// The pending device.
    pub device: Id,
    /// The new passkey.
    pub credential: RegistrationJson,
}

/// Answer of POST `/enrol/passkey`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceStateAnswer {
    /// The state after it.
    pub state: DeviceState,
}

/// What a pending device still lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// The passkey.
    Passkey,
    /// The word about notifications (granted or unavailable).
    Notifications,
    /// The confirmation typed in the asking browser.
    Confirmation,
}

/// Answer of GET `/enrol/{device}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolState {
    /// The state.
    pub state: DeviceState,
    /// What is missing for "active".
    pub missing: Vec<Missing>,
}

/// `PushSubscription.toJSON()` (Push API section 8).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushSubscription {
    /// The push service's URL for this subscription: a capability, so a secret.
    pub endpoint: String,
    /// Unix milliseconds; browsers send null.
    #[serde(rename = "expirationTime", default)]
    pub expiration_time: Option<serde_json::Number>,
    /// The keys.
    pub keys: PushKeys,
}

impl std::fmt::Debug for PushSubscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PushSubscription(…)")
    }
}

/// The keys of a push subscription (RFC 8291 section 2).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushKeys {
    /// Uncompressed P-256 point, 65 bytes.
    pub p256dh: B64,
    /// 16 bytes.
    pub auth: B64,
}

impl std::fmt::Debug for PushKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PushKeys(…)")
    }
}

/// Whether a phone can show notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notifications {
    /// The person allowed them.
    Granted,
    /// This kind of phone has none.
    Unavailable,
}

/// Body of PUT `/subscription`. The member may be null but must be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionRequest {
    /// The subscription, or null.
    #[serde(deserialize_with = "Option::deserialize")]
    pub subscription: Option<PushSubscription>,
    /// The word about notifications.
    pub notifications: Notifications,
}

/// The state of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Waits for an answer.
    Pending,
    /// Approved.
    Approved,
    /// Denied, with or without a report of fraud.
    Denied,
    /// Too late.
    Expired,
    /// A newer sign-in took its place.
    Superseded,
    /// Ended by a wrong number or a failed check.
    Failed,
    /// Cancelled by the browser, or the door gave up.
    Withdrawn,
    /// Approved, and the grant was used.
    Consumed,
}

/// REQUEST.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestBody {
    /// The challenge.
    pub id: Id,
    /// The device of this phone that it is for.
    pub device: Id,
    /// Its user.
    pub user: UserBody,
    /// The challenge's version.
    pub version: u32,
    /// The challenge's nonce.
    pub nonce: Bytes32,
    /// The CONTEXT bytes: hash these, then read them with [`Context::parse`].
    pub context: B64,
    /// Whether an approval must carry the number that the browser shows.
    pub number_required: bool,
    /// Further sign-ins pending for this user.
    pub others: u32,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub expires_at: i64,
    /// The server's clock, Unix milliseconds.
    pub now: i64,
    /// The state.
    pub state: RequestState,
}

/// Answer of GET `/pending`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingAnswer {
    /// The server's clock, Unix milliseconds.
    pub now: i64,
    /// The requests of all devices of the session.
    pub requests: Vec<RequestBody>,
}

/// Body of POST `/requests/{id}/answer`. The assertion may be null but must be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerRequest {
    /// A `nod-answer+jwt`.
    pub answer: String,
    /// The passkey's assertion, with an approval.
    #[serde(deserialize_with = "Option::deserialize")]
    pub assertion: Option<AssertionJson>,
}

/// Answer of POST `/requests/{id}/answer`: terminal and durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerAnswer {
    /// `approved` or `denied`.
    pub state: RequestState,
}

/// Data of a `pending` event.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PendingEvent {
    /// Every request that is pending now.
    pub ids: Vec<Id>,
}

/// A step of delivery that the worker saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The push reached the worker.
    WorkerWoke,
    /// The notification is on the screen.
    NotificationShown,
}

/// Body of POST `/stages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageRequest {
    /// The request (or the test push).
    pub request: Id,
    /// The step.
    pub stage: Stage,
}

/// Answer of GET `/history`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryAnswer {
    /// Newest first, at most [`HISTORY_MAX`].
    pub answers: Vec<HistoryEntry>,
}

/// One answer of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The request.
    pub request: Id,
    /// The app's name.
    pub app: String,
    /// What was decided.
    pub decision: Decision,
    /// Unix milliseconds.
    pub at: i64,
    /// Where the sign-in came from, for people.
    pub from: String,
}

/// Body of POST `/self-test`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfTestRequest {
    /// The device to send to.
    pub device: Id,
}

/// Answer of POST `/self-test` (202).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfTestAnswer {
    /// The test.
    pub test: Id,
}

/// Answer of GET `/self-test/{test}`. Times in Unix milliseconds, null until they are known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SelfTestState {
    /// Handed to the push service.
    pub sent_at: Option<i64>,
    /// Accepted by the push service.
    pub accepted_at: Option<i64>,
    /// Reported by the worker.
    pub woke_at: Option<i64>,
    /// What went wrong, for people.
    pub error: Option<String>,
}

pub use crate::context::{Context, ContextError};

//! Requests, answers, the live channel, history and self-test.

use serde::{Deserialize, Serialize};

use super::UserBody;
use crate::answer::Decision;
use crate::b64::{B64, Bytes32, Id};
use crate::webauthn::AssertionJson;

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
    /// Until when one of the devices is on hold; null when none is.
    #[serde(default)]
    pub held_until: Option<i64>,
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

/// Answer of GET `/notices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticesAnswer {
    /// Newest first.
    pub notices: Vec<Notice>,
}

/// Something about an account has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The account's device on this phone.
    pub device: Id,
    /// The kind's name in the audit: the app has the sentences.
    pub kind: String,
    /// Unix milliseconds.
    pub at: i64,
    /// The phone or browser that it is about; may be empty.
    pub about: String,
    /// The app and address of a sign-in; may be empty.
    pub from: String,
    /// It is about a recovery that can still be taken back, by POST `/recovery/cancel`.
    #[serde(default)]
    pub can_cancel: bool,
}

/// Body of POST `/recovery/cancel`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelRecoveryRequest {
    /// The account's device on this phone.
    pub device: Id,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfTestState {
    /// The device that is tested.
    pub device: Id,
    /// Handed to the push service.
    pub sent_at: Option<i64>,
    /// Accepted by the push service.
    pub accepted_at: Option<i64>,
    /// Reported by the worker.
    pub woke_at: Option<i64>,
    /// Approved for practice, with user verification.
    pub answered_at: Option<i64>,
    /// What went wrong, for people.
    pub error: Option<String>,
}

/// Body of POST `/self-test/{test}/answer`: an approval for practice, which opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfTestApproval {
    /// Over the 16 bytes of the test's id. The challenge of an answer that counts has 32.
    pub assertion: AssertionJson,
}

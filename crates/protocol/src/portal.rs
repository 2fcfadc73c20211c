//! Bodies of the portal: what somebody sees of their own account. Times are Unix milliseconds.

use serde::{Deserialize, Serialize};

use crate::b64::Id;
use crate::device_api::{DeviceState, Notifications, Platform, UserBody};

/// Answer of GET `/portal/state`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalState {
    /// Whose account.
    pub user: UserBody,
    /// The server's clock.
    pub now: i64,
    /// Until when this sign-in is recent enough to change factors.
    pub fresh_until: i64,
    /// Unknown browsers are refused, since a sign-in was reported.
    pub unknown_refused: bool,
    /// Phones that are not revoked, oldest first.
    pub phones: Vec<PortalPhone>,
    /// Security keys and passkeys of their own, oldest first.
    pub keys: Vec<PortalKey>,
    /// Names of the tokens whose codes may be used.
    pub tokens: Vec<String>,
    /// A recovery code or pass was used, and what it brought in can be taken back.
    pub recovery_open: bool,
    /// Recovery codes that are left.
    pub recovery_codes: usize,
    /// Bound browsers, oldest first.
    pub browsers: Vec<PortalBrowser>,
    /// Live sessions, newest first.
    pub sessions: Vec<PortalSession>,
}

/// A phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalPhone {
    /// Identity.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// What it runs on, by its own word.
    pub platform: Platform,
    /// Where in its life.
    pub state: DeviceState,
    /// Whether it can be rung; null until it has said.
    pub notifications: Option<Notifications>,
    /// When it was enrolled.
    pub added_at: i64,
    /// When it last signed in.
    pub seen_at: i64,
    /// Until when it is on hold; null when it is not.
    pub held_until: Option<i64>,
    /// What became of its last push, while that is known (about a day).
    pub delivery: Option<Delivery>,
}

/// A security key, or a passkey that belongs to no phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalKey {
    /// Identity.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Its maker may copy it to other devices of the same person (backup-eligible).
    pub synced: bool,
    /// When it was added.
    pub added_at: i64,
    /// When it last signed in; null while it never has.
    pub used_at: Option<i64>,
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// What it rang for.
    pub about: RungAbout,
    /// When it was handed to the push service.
    pub sent_at: i64,
    /// How far it came.
    pub outcome: DeliveryOutcome,
    /// When it came that far.
    pub at: i64,
}

/// What a phone was rung for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RungAbout {
    /// A sign-in.
    SignIn,
    /// A test.
    Test,
    /// A change of the account.
    Notice,
}

/// How far a push came: the last stage that anybody saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryOutcome {
    /// Handed to the network.
    Sent,
    /// The push service refused it or was not reached.
    Failed,
    /// The push service took it.
    Accepted,
    /// The phone rang.
    Rang,
    /// The request was opened.
    Opened,
    /// It was answered.
    Answered,
}

/// How a browser came to be bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoundHow {
    /// A passkey was used in it.
    Passkey,
    /// An administrator's link.
    Link,
}

/// A bound browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalBrowser {
    /// Identity.
    pub id: Id,
    /// Its label.
    pub name: String,
    /// How it came to be bound.
    pub how: BoundHow,
    /// When it was bound.
    pub added_at: i64,
    /// When it last began a sign-in.
    pub used_at: i64,
    /// The one that asks.
    pub current: bool,
}

/// How the second factor was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionHow {
    /// Approved on a phone.
    Push,
    /// Approved on a phone with the number.
    PushNumber,
    /// A passkey in that browser.
    Passkey,
    /// A one-time code, typed in that browser.
    Code,
}

/// A live session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalSession {
    /// Identity.
    pub id: Id,
    /// The browser's label.
    pub browser: String,
    /// Client address at its start.
    pub address: String,
    /// How the second factor was given.
    pub how: SessionHow,
    /// When it began.
    pub started_at: i64,
    /// When it was last used, to the minute.
    pub used_at: i64,
    /// The one that asks.
    pub current: bool,
}

/// Answer of POST `/portal/recovery`: the only time that the codes are seen.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodesAnswer {
    /// In groups, as they are to be printed: secrets.
    pub codes: Vec<String>,
    /// When they were made.
    pub made_at: i64,
}

impl std::fmt::Debug for RecoveryCodesAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCodesAnswer(…)")
    }
}

/// Body of POST `/portal/phones/{id}/rename` and `/portal/keys/{id}/rename`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenameRequest {
    /// The new name.
    pub name: String,
}

/// Body of POST `/portal/phones/{id}/revoke` and `/portal/keys/{id}/remove`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeRequest {
    /// The person was told what follows, should it be the last factor.
    #[serde(default)]
    pub even_last: bool,
}

/// Answer of GET `/portal/history`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryPage {
    /// What happened, newest first.
    pub events: Vec<PortalEvent>,
    /// `?before=` of the next page, if there is one.
    pub next: Option<i64>,
    /// The server's clock.
    pub now: i64,
}

/// An event of the audit about the account, in its machine fields: the page has the sentences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalEvent {
    /// Its number in the audit.
    pub place: i64,
    /// The kind's name in the audit.
    pub kind: String,
    /// When.
    pub at: i64,
    /// The app's name.
    pub app: Option<String>,
    /// The phone's name.
    pub phone: Option<String>,
    /// From which address.
    pub address: Option<String>,
    /// The rest, in the audit's words.
    pub detail: String,
    /// Its owner may still say that it was not theirs.
    pub reportable: bool,
}

/// Answer of POST `/portal/history/{place}/not-me`: what was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// Sessions that were ended.
    pub ended: u32,
    /// Browsers introduced by that sign-in, now forgotten.
    pub forgotten: u32,
    /// Phones, security keys and passkeys added by that sign-in, now removed.
    pub removed: u32,
    /// Phones that are told.
    pub told: u32,
    /// Unknown browsers are refused from now on.
    pub unknown_refused: bool,
}

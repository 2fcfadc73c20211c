//! Enrolling one phone, or one security key or passkey in its place: link or own page, password, code, device, confirmation
//! (INV-16).

use crate::checksum::Checksum;
use crate::id::{BrowserId, DeviceId, EnrolmentId, PasskeyId, SecretHash, SessionId, UserId};
use crate::time::Timestamp;

/// Who opened the window (INV-17).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenedBy {
    /// An administrator, by a single-use link.
    Administrator,
    /// The user, from a fresh session.
    Session(SessionId),
    /// The user, by a recovery code or pass behind the password, in this bound browser or in an unknown one (INV-19).
    Recovery(Option<BrowserId>),
}

/// Where in its life an enrolment is. `Confirmed`, `Introduced`, `Keyed` and `Ended` may not go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnrolmentState {
    /// The link has not been opened.
    Issued,
    /// Opened once, in the browser that holds the session secret.
    Opened,
    /// The password was right (or chosen, or the session was fresh).
    Proved,
    /// A code is shown.
    Coded {
        /// Hash of the code.
        code: SecretHash,
        /// When the code ends.
        code_expires_at: Timestamp,
    },
    /// A phone redeemed the code and is pending.
    Joined(DeviceId),
    /// The person confirmed the string: the phone is active.
    Confirmed(DeviceId),
    /// The asking browser was introduced with the new passkey, or the person declined.
    Introduced(DeviceId),
    /// A security key or passkey was added in the asking browser, in place of a phone.
    Keyed(PasskeyId),
    /// Given up, refused or replaced.
    Ended,
}

/// One enrolment of one phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// Identity.
    pub id: EnrolmentId,
    /// For whom.
    pub user: UserId,
    /// By whom the window was opened.
    pub opened_by: OpenedBy,
    /// Hash of the link's secret, or of the session secret's predecessor.
    pub link: SecretHash,
    /// Hash of the secret in the asking browser's cookie, once opened.
    pub session: Option<SecretHash>,
    /// Where in its life.
    pub state: EnrolmentState,
    /// Wrong passwords so far.
    pub password_tries: u32,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Over all but the wrong passwords, which are counted (INV-21).
    pub checksum: Checksum,
}

/// An administrator's single-use link that binds one browser, for machines without passkey or key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntroductionLink {
    /// Hash of the link's secret.
    pub secret: SecretHash,
    /// For whom.
    pub user: UserId,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Over the whole row (INV-21).
    pub checksum: Checksum,
}

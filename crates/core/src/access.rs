//! Applications, and the sessions that open them.

use crate::checksum::Checksum;
use crate::id::{AppId, BrowserId, GroupId, SecretHash, SessionId, UserId};
use crate::limits;
use crate::time::Timestamp;

/// A protected application, reached through forward-auth on its own host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Identity.
    pub id: AppId,
    /// Short name for commands.
    pub name: String,
    /// Name shown on the phone.
    pub display_name: String,
    /// Exact origin, for example `https://payroll.example.com`.
    pub origin: String,
    /// Members of this group only, when set.
    pub group: Option<GroupId>,
    /// When it was added.
    pub created_at: Timestamp,
    /// Over all but the shown name (INV-21).
    pub checksum: Checksum,
}

/// How the second factor was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Push approved on a phone.
    Push,
    /// Push approved after typing the number.
    PushNumber,
    /// Passkey with user verification in the signing-in browser.
    Passkey,
    /// One-time code, typed in a bound browser.
    Code,
}

/// A signed-in browser at Nod's own origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Identity.
    pub id: SessionId,
    /// Who.
    pub user: UserId,
    /// Hash of the cookie's secret.
    pub secret: SecretHash,
    /// The bound browser, if any.
    pub browser: Option<BrowserId>,
    /// How the second factor was given.
    pub method: Method,
    /// Client address at the start.
    pub address: String,
    /// Shown browser label.
    pub agent: String,
    /// Start, which is when the factors were proved.
    pub created_at: Timestamp,
    /// Last use.
    pub last_seen_at: Timestamp,
    /// Ended by the person, an administrator or an event.
    pub ended: bool,
    /// Over all but what is only shown (INV-21).
    pub checksum: Checksum,
}

impl Session {
    /// Whether it still opens anything at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        !self.ended
            && !self.last_seen_at.after(limits::SESSION_IDLE).has_passed(now)
            && !self.created_at.after(limits::SESSION_LIFE).has_passed(now)
    }
    /// Whether it is fresh enough to change factors (INV-15). One that was opened by a typed code never is.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.is_live(now)
            && self.method != Method::Code
            && !self.created_at.after(limits::FRESH_SIGN_IN).has_passed(now)
    }
}

/// One-time code that carries a session from Nod's origin to an app's host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppCode {
    /// Hash of the code.
    pub code: SecretHash,
    /// The session behind it.
    pub session: SessionId,
    /// For which app.
    pub app: AppId,
    /// Hash of the pre-login cookie of the app's host; only that browser may use the code.
    pub binding: SecretHash,
    /// Path to open.
    pub return_to: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Over the whole row (INV-21).
    pub checksum: Checksum,
}

/// A cookie on an app's host; it lives and dies with the session behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSession {
    /// Hash of the cookie's secret.
    pub secret: SecretHash,
    /// The session behind it.
    pub session: SessionId,
    /// For which app.
    pub app: AppId,
    /// Over the whole row (INV-21).
    pub checksum: Checksum,
}

//! One attempt to reach one app: from the right password to the session.

use crate::checksum::Checksum;
use crate::id::{AppId, BrowserId, OathId, PasskeyId, SecretHash, SignInId, UserId};
use crate::time::Timestamp;

/// Where in its life a sign-in is. `Finished` and `Cancelled` are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInState {
    /// Password was right; waits for the second factor.
    Open,
    /// A passkey with user verification was shown; `keep_browser` asks to bind this browser.
    Proved {
        /// Which: a phone's, or one of its own.
        passkey: PasskeyId,
        /// Bind the browser when finished.
        keep_browser: bool,
    },
    /// A one-time code of this token was right. It never binds a browser.
    Coded(OathId),
    /// The result was collected, once (INV-05).
    Finished,
    /// The person gave up.
    Cancelled,
}

/// One attempt to reach one app, owned by one browser session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Identity.
    pub id: SignInId,
    /// Hash of the secret in the browser's sign-in cookie, made anew after the password (W05).
    pub secret: SecretHash,
    /// Who.
    pub user: UserId,
    /// To which app; none is Nod's own account page.
    pub app: Option<AppId>,
    /// Path to return to on the app's host.
    pub return_to: String,
    /// Hash of the pre-login cookie of the app's host.
    pub binding: Option<SecretHash>,
    /// The bound browser it came from; none is an unknown browser.
    pub browser: Option<BrowserId>,
    /// Client address (INV-25).
    pub address: String,
    /// Shown browser label.
    pub agent: String,
    /// Where in its life.
    pub state: SignInState,
    /// When the password was right.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Over all but what is only shown (INV-21).
    pub checksum: Checksum,
}

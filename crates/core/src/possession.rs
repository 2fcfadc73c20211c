//! What a user holds: phones, their passkeys, and bound browsers.

use crate::checksum::Checksum;
use crate::id::{BrowserId, DeviceId, PasskeyId, SecretHash, SubscriptionId, UserId};
use crate::limits;
use crate::time::Timestamp;

/// Life of a phone in Nod. `Revoked` is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceState {
    /// Being enrolled; may not answer.
    Pending,
    /// May answer.
    Active,
    /// May never answer again.
    Revoked,
}

/// What a phone runs on, as it says itself; shown, never trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Android browser or installed app.
    Android,
    /// iPhone or iPad.
    Ios,
    /// A desktop browser with a platform authenticator.
    Desktop,
    /// `nod phone`: its user verification is its own word.
    Terminal,
}

/// Whether the phone can be rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notifications {
    /// The phone has not said yet.
    Unknown,
    /// Permission given and a subscription left.
    Granted,
    /// No push service reaches it; it hears of requests while its app is open.
    Unavailable,
}

/// A phone (or terminal) that can answer for one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Identity.
    pub id: DeviceId,
    /// Whose.
    pub user: UserId,
    /// Shown name.
    pub name: String,
    /// What it runs on, by its own word.
    pub platform: Platform,
    /// Where in its life.
    pub state: DeviceState,
    /// Public device key: canonical P-256 JWK.
    pub key: String,
    /// Over all but name, notifications and last sign-in (INV-21).
    pub checksum: Checksum,
    /// Whether it can be rung.
    pub notifications: Notifications,
    /// Where pushes go, if anywhere.
    pub subscription: Option<SubscriptionId>,
    /// When it was enrolled.
    pub created_at: Timestamp,
    /// When it last signed in.
    pub last_seen_at: Timestamp,
    /// Until when it is on hold: it came by a recovery code typed in an unknown browser. Null for any other.
    pub held_until: Option<Timestamp>,
}

impl Device {
    /// Whether it may answer at `now`, and its passkey be used in any browser.
    #[must_use]
    pub fn answers(&self, now: Timestamp) -> bool {
        self.state == DeviceState::Active && !self.is_held(now)
    }
    /// Whether it is on hold at `now` (INV-15).
    #[must_use]
    pub fn is_held(&self, now: Timestamp) -> bool {
        self.held_until.is_some_and(|until| !until.has_passed(now))
    }
}

/// That a phone's session covers a device. One secret may cover several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSession {
    /// Hash of the token's secret.
    pub secret: SecretHash,
    /// Which device.
    pub device: DeviceId,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Over the whole row (INV-21).
    pub checksum: Checksum,
}

/// A passkey for Nod's relying party id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// Identity of the row.
    pub id: PasskeyId,
    /// Whose.
    pub user: UserId,
    /// The phone that made it; it falls with that phone.
    pub device: DeviceId,
    /// WebAuthn credential id.
    pub credential_id: Vec<u8>,
    /// COSE public key.
    pub public_key: Vec<u8>,
    /// May be synchronised to other devices (backup-eligible flag).
    pub backup_eligible: bool,
    /// Over the whole row (INV-21).
    pub checksum: Checksum,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How a browser came to be bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoundBy {
    /// A passkey was used in it.
    Passkey,
    /// An administrator's single-use link.
    Link,
}

/// A browser profile bound to one user. It gates prompts; it is never a factor (INV-11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Browser {
    /// Identity.
    pub id: BrowserId,
    /// For whom.
    pub user: UserId,
    /// Shown label, for example `Firefox on Linux`.
    pub label: String,
    /// How it was bound.
    pub bound_by: BoundBy,
    /// Still bound.
    pub bound: bool,
    /// When it was bound.
    pub created_at: Timestamp,
    /// When it last started a sign-in.
    pub last_used_at: Timestamp,
    /// Over all but the label (INV-21).
    pub checksum: Checksum,
}

impl Browser {
    /// Whether it may cause prompts at `now`: bound, used within 30 days, bound within 90.
    #[must_use]
    pub fn is_bound(&self, now: Timestamp) -> bool {
        self.bound
            && !self.last_used_at.after(limits::BROWSER_IDLE).has_passed(now)
            && !self.created_at.after(limits::BROWSER_LIFE).has_passed(now)
    }
}

impl Browser {
    /// Whether it may cause prompts of this user at `now`.
    #[must_use]
    pub fn is_bound_for(&self, user: UserId, now: Timestamp) -> bool {
        self.is_bound(now) && self.user == user
    }
}

/// One secret that a browser was given. A browser holds the newest or, when a reply was lost, the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserSecret {
    /// Hash of the cookie's secret.
    pub hash: SecretHash,
    /// Which browser.
    pub browser: BrowserId,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// A newer one has been used since: whoever shows this holds a copy.
    pub retired: bool,
    /// Over the whole row (INV-21).
    pub checksum: Checksum,
}

//! Pushes: where they go, one queued push, and the stages of its life.

use crate::id::{DeviceId, PushId, SubscriptionId};
use crate::time::Timestamp;

/// Where pushes for a phone go: a Web Push subscription (RFC 8030), shared by the users of one app installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Identity.
    pub id: SubscriptionId,
    /// Push resource URL.
    pub endpoint: String,
    /// Receiver's public key (RFC 8291), uncompressed point.
    pub p256dh: Vec<u8>,
    /// Authentication secret (RFC 8291), 16 bytes.
    pub auth: Vec<u8>,
    /// Refusals (4xx) in a row.
    pub refusals: u32,
}

/// What a push is about. The bytes are the challenge's id or the self-test's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushKind {
    /// Rings for a challenge.
    Request,
    /// Proves delivery.
    SelfTest,
    /// Tells that something about the account has changed. The bytes say nothing.
    Notice,
}

/// Where in its life a queued push is. All but `Queued` and `Claimed` are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushState {
    /// Waits until it is due.
    Queued,
    /// A worker has it until the lease ends (its `due_at`).
    Claimed,
    /// The push service took it.
    Accepted,
    /// It will not be sent: too late, dropped subscription, no longer wanted.
    Dropped,
}

/// One queued push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// Identity.
    pub id: PushId,
    /// What about.
    pub kind: PushKind,
    /// Challenge id, or the self-test's id.
    pub subject: [u8; 16],
    /// To which phone.
    pub device: DeviceId,
    /// Where in its life.
    pub state: PushState,
    /// Not before; while claimed, the end of the lease.
    pub due_at: Timestamp,
    /// Worth nothing after.
    pub expires_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
}

/// A point in a push's way that somebody saw; the first report of each stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Handed to the network.
    Sent,
    /// The push service answered 2xx.
    Accepted,
    /// The service worker woke (its own word).
    WorkerWoke,
    /// The notification was shown (its own word).
    Shown,
    /// The app fetched the request.
    Fetched,
    /// The phone answered.
    Answered,
    /// The push service refused or could not be reached.
    Failed,
}

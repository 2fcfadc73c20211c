//! What the engine needs from outside: a store, a way to ring phones, randomness.

mod chain;
mod facts;
mod sealed;
mod store;
mod timings;
mod wakes;
mod write;

pub use chain::chain_hash;
pub use facts::{Errand, Grant, Lately, Question};
pub use sealed::{SealedRow, Table};
pub use store::{CommitError, Store, StoreError, StoreResult};
pub use timings::Timings;
pub use wakes::{Topic, Waiter, Wakes};
pub use write::Write;

use nod_core::Timestamp;
use nod_core::push::{PushKind, Subscription};

/// Source of randomness. The binary's comes from the operating system; tests seed theirs.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// So many random bytes.
#[must_use]
pub fn random<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

/// A push as the engine wants it sent: a doorbell, no more (INV-04).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    /// A request or a self-test.
    pub kind: PushKind,
    /// Challenge or self-test id; becomes `Topic`.
    pub subject: [u8; 16],
    /// Requests pending on this phone, for the badge.
    pub pending: u32,
    /// Worth nothing after.
    pub expires_at: Timestamp,
}

/// What became of one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rung {
    /// The push service took it.
    Accepted,
    /// The subscription is gone for good (404, 410).
    Gone,
    /// Refused (another 4xx); several in a row mean gone.
    Refused,
    /// Try again after so many milliseconds; none when there is no time left.
    Retry(Option<i64>),
    /// Our own gate refused the address (INV-26).
    Blocked,
}

/// Rings phones.
#[async_trait::async_trait]
pub trait Ringer: Send + Sync {
    /// Sends one push. `attempt` counts from 1.
    async fn ring(&self, subscription: &Subscription, ring: &Ring, attempt: u32, now: Timestamp) -> Rung;
}

//! The engine's way to ring phones, over Web Push.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nod_core::Timestamp;
use nod_core::push::{PushKind, Subscription as Row};
use nod_engine::ports::{Ring, Ringer, Rung, random};

use super::client::{Outcome, WebPush};
use super::payload::{Kind, Message, PushId};
use super::retry::retry_delay;
use super::subscription::Subscription;

#[async_trait::async_trait]
impl Ringer for WebPush {
    async fn ring(&self, row: &Row, ring: &Ring, attempt: u32, now: Timestamp) -> Rung {
        let (p256dh, auth) = (URL_SAFE_NO_PAD.encode(&row.p256dh), URL_SAFE_NO_PAD.encode(&row.auth));
        // A stored subscription that does not parse will never do better.
        let Ok(subscription) = Subscription::parse(&row.endpoint, &p256dh, &auth) else { return Rung::Gone };
        let Ok(id) = PushId::parse(&URL_SAFE_NO_PAD.encode(ring.subject)) else { return Rung::Gone };
        let kind = match ring.kind {
            PushKind::Request => Kind::Request,
            PushKind::SelfTest => Kind::Test,
            PushKind::Notice => Kind::Notice,
        };
        let message = Message { kind, id, expires_ms: ring.expires_at.0, pending: ring.pending };
        match self.send(&subscription, &message, now.0).await {
            Outcome::Accepted { .. } => Rung::Accepted,
            Outcome::Gone => Rung::Gone,
            Outcome::Refused { .. } => Rung::Refused,
            Outcome::Blocked(_) => Rung::Blocked,
            Outcome::TooLate | Outcome::Unsendable(_) => Rung::Retry(None),
            Outcome::Retry { after, .. } => {
                let left = u64::try_from(ring.expires_at.0.saturating_sub(now.0)).unwrap_or(0);
                let jitter = u32::from_be_bytes(random(self.entropy()));
                let delay = retry_delay(attempt, after, Duration::from_millis(left), jitter);
                Rung::Retry(delay.and_then(|delay| i64::try_from(delay.as_millis()).ok()))
            }
        }
    }
}

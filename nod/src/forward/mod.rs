//! Sends each new event of the audit elsewhere as it happens: in order, at least once, by one node at a time (INV-22).
//!
//! How far it is stands among the installation's values, with the time until which a node may be sending. A node takes that
//! lease, sends what is new, waits until it was taken, and moves the place on. One that dies in between leaves the place
//! where it was: its events are sent again when the lease ends.

mod place;
mod syslog;
mod webhook;

use std::time::Duration;

use async_trait::async_trait;
use nod_core::Timestamp;
use nod_core::audit::Link;
use nod_engine::Engine;
use nod_engine::ports::{Entropy, StoreResult, random};
use nod_http::Followers;
use tokio::time::Instant;

pub(crate) use syslog::Collector;
pub(crate) use syslog::NAME as SYSLOG;
pub(crate) use webhook::{Hook, name as webhook_name, said};

use crate::failure::{Failure, Outcome};
use crate::system::OsEntropy;
use place::{Found, Place, find, head};

/// Time between two looks for new events.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Pause after a failure, before jitter. It doubles with each one that follows on it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause after a failure, unless the other side asks for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Doublings that reach the longest pause.
const MOST_DOUBLINGS: u32 = 6;

/// Whoever is told of events.
#[async_trait]
pub(crate) trait Sink: Send + Sync {
    /// Its short name: the place among the installation's values, and the label of its metrics.
    fn name(&self) -> String;
    /// Its name for people.
    fn shown(&self) -> String;
    /// Whether the first start sends the audit from its first event on, rather than what happens from then on.
    fn wants_the_past(&self) -> bool;
    /// Events that it is handed at once.
    fn batch(&self) -> u32;
    /// Sends these events from the first on, as many as are taken.
    async fn send(&self, links: &[Link], now: Timestamp) -> Sent;
}

/// Who takes one event at a time.
#[async_trait]
pub(crate) trait Listener: Send + Sync {
    /// Tells it of one.
    async fn tell(&self, link: &Link, now: Timestamp) -> Result<(), Refusal>;
}

/// Events are begun for so long in one go; with the time limit of the last one it stays below the lease.
const TELL_TIME: Duration = Duration::from_secs(5);

/// Tells of these events one after the other. Each is given its own time.
pub(crate) async fn in_turn(to: &dyn Listener, links: &[Link], now: Timestamp) -> Sent {
    let start = Instant::now();
    for (taken, link) in links.iter().enumerate() {
        let passed = start.elapsed();
        if passed > TELL_TIME {
            return Sent { taken, refused: None };
        }
        let at = Timestamp(now.0.saturating_add(i64::try_from(passed.as_millis()).unwrap_or(0)));
        if let Err(refused) = to.tell(link, at).await {
            return Sent { taken, refused: Some(refused) };
        }
    }
    Sent { taken: links.len(), refused: None }
}

/// How far a sending came.
pub(crate) struct Sent {
    /// Events that were taken, from the first on.
    pub(crate) taken: usize,
    /// Why no more were, unless there was no more time.
    pub(crate) refused: Option<Refusal>,
}

/// Why an event was not taken.
pub(crate) struct Refusal {
    /// What was wrong.
    pub(crate) failure: Failure,
    /// The pause that the other side asks for.
    pub(crate) after: Option<Duration>,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self { failure, after: None }
    }
}

/// The key of a sink's place.
fn key(name: &str) -> String {
    format!("audit_sent/{name}")
}

/// How many events wait for the sink of this short name, and when the first of them happened; none before its first start.
pub(crate) async fn waiting(engine: &Engine, name: &str) -> StoreResult<Option<(i64, Option<Timestamp>)>> {
    let store = &**engine.store();
    let Found { stored, place, .. } = find(engine, &key(name)).await?;
    if stored.is_none() {
        return Ok(None);
    }
    let count = head(store).await?.saturating_sub(place.sequence).max(0);
    let first = store.audit_after(place.sequence, 1).await?.into_iter().next().and_then(|link| link.event);
    Ok(Some((count, first.map(|event| event.at))))
}

/// Pause after so many failures in a row. `jitter` is a uniform random number that spreads it over its upper half; what the other
/// side asks for is a lower bound.
fn pause(failures: u32, after: Option<Duration>, jitter: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(MOST_DOUBLINGS);
    let full = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    let own = full / 2 + (full / 2).mul_f64(f64::from(jitter) / f64::from(u32::MAX));
    after.map_or(own, |after| own.max(after))
}

/// What came of one look.
enum Looked {
    /// Events were sent, and more may wait.
    Sent,
    /// There is nothing to do, or another node does it.
    Idle,
}

/// Sends the audit to one sink.
pub(crate) struct Forwarder {
    engine: Engine,
    sink: Box<dyn Sink>,
    followers: Followers,
    /// Failures in a row.
    failures: u32,
    /// What the last of them said.
    said: String,
}

impl Forwarder {
    /// What this engine's audit gets goes to this sink.
    pub(crate) fn new(engine: Engine, sink: Box<dyn Sink>, followers: Followers) -> Self {
        Self { engine, sink, followers, failures: 0, said: String::new() }
    }

    /// Sends until it is told to stop. What is being sent then is brought to its end.
    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            let wait = match self.look().await {
                Ok(Looked::Sent) => self.works(),
                Ok(Looked::Idle) => LOOK_EVERY,
                Err(refusal) => self.fails(&refusal),
            };
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn works(&mut self) -> Duration {
        if self.failures > 0 {
            tracing::info!("audit events are sent to {} again", self.sink.shown());
        }
        (self.failures, self.said) = (0, String::new());
        Duration::ZERO
    }

    fn fails(&mut self, refusal: &Refusal) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.followers.failed(&self.sink.name());
        let words = refusal.failure.words();
        if words != self.said {
            tracing::warn!("audit events wait, as they cannot be sent to {}: {words}", self.sink.shown());
            self.said = words;
        }
        let jitter = u32::from_be_bytes(random(&OsEntropy as &dyn Entropy));
        pause(self.failures, refusal.after, jitter)
    }

    async fn look(&self) -> Result<Looked, Refusal> {
        let (store, key) = (&**self.engine.store(), key(&self.sink.name()));
        let failed = |error| Refusal::from(Failure::from(error));
        let Found { stored, place, edited } = find(&self.engine, &key).await.map_err(failed)?;
        if edited {
            tracing::error!(
                "how far the audit was sent to {} is not as Nod wrote it: all is sent again; run: nod audit verify",
                self.sink.shown()
            );
        }
        if stored.is_none() && !self.sink.wants_the_past() {
            self.begin(&key).await?;
            return Ok(Looked::Idle);
        }
        let now = store.now().await.map_err(failed)?;
        if place.is_leased(now.0) {
            return Ok(Looked::Idle);
        }
        let Some(links) = place.behind(store, self.sink.batch()).await.map_err(failed)? else {
            tracing::error!(
                sequence = place.sequence,
                "the last audit event that was sent to {} is not in the audit: all are sent again; run: nod audit verify",
                self.sink.shown()
            );
            Place::default().put(&self.engine, &key, stored).await?;
            return Ok(Looked::Sent);
        };
        let waiting =
            if links.is_empty() { 0 } else { head(store).await.map_err(failed)?.saturating_sub(place.sequence) };
        self.followers.waiting(&self.sink.name(), waiting);
        if links.is_empty() {
            return Ok(Looked::Idle);
        }
        self.send(&key, (stored, place), &links, now).await
    }

    async fn send(
        &self,
        key: &str,
        (stored, place): (Option<Vec<u8>>, Place),
        links: &[Link],
        now: Timestamp,
    ) -> Result<Looked, Refusal> {
        let Some(held) = place.leased(now.0).put(&self.engine, key, stored).await? else { return Ok(Looked::Idle) };
        let Sent { taken, refused } = self.sink.send(links, now).await;
        let last = taken.checked_sub(1).and_then(|last| links.get(last));
        // Another node may have gone on after the lease: then its word counts.
        last.map_or_else(|| place.freed(), Place::of).put(&self.engine, key, Some(held)).await?;
        refused.map_or(Ok(Looked::Sent), Err)
    }

    /// Begins behind the last event.
    async fn begin(&self, key: &str) -> Outcome {
        let store = &**self.engine.store();
        let head = head(store).await?;
        let last = store.audit_after(head.saturating_sub(1).max(0), 1).await?;
        last.first().map(Place::of).unwrap_or_default().put(&self.engine, key, None).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_keep_to_what_is_asked() {
        let most = |failures| pause(failures, None, u32::MAX).as_secs();
        assert_eq!([1, 2, 3, 6, 7, 8, u32::MAX].map(most), [1, 2, 4, 32, 60, 60, 60]);
        assert_eq!(pause(1, None, 0), FIRST_PAUSE / 2);
        assert_eq!(pause(8, None, 0), LONGEST_PAUSE / 2);
        assert_eq!(pause(1, Some(Duration::from_secs(90)), 0), Duration::from_secs(90));
    }
}

//! Sends each new event of the audit elsewhere as it happens: in order, at least once, by one node at a time (INV-22).
//!
//! How far it is stands among the installation's values, with the time until which a node may be sending. A node takes that
//! lease, sends what is new, waits until all of it was taken, and moves the place on. One that dies in between leaves the place
//! where it was: its events are sent again when the lease ends.

mod collector;

use std::time::Duration;

use nod_core::audit::Link;
use nod_engine::Engine;
use nod_engine::ports::{CommitError, StoreResult, Write};
use serde::{Deserialize, Serialize};

pub(crate) use collector::Collector;

use crate::failure::{Failure, Outcome};

/// The place among the installation's values.
const PLACE: &str = "audit_sent/syslog";
/// Events that are sent at once.
const BATCH: u32 = 1_000;
/// A node that began to send may take this long, in milliseconds: more than one sending can.
const LEASE: i64 = 30_000;
/// Time between two looks for new events.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Pause after a failure. It doubles with each one that follows on it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How far it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Place {
    /// Number of the last event that was sent; 0 before the first.
    sequence: i64,
    /// Its hash.
    hash: String,
    /// A node may be sending until then: the store's clock, in milliseconds.
    until: i64,
}

impl Place {
    fn of(link: &Link) -> Self {
        Self { sequence: link.sequence, hash: hash(link), until: 0 }
    }

    fn is_leased(&self, now: i64) -> bool {
        // What is further away than a lease can be, none gave.
        self.until > now && self.until <= now.saturating_add(LEASE)
    }
}

fn hash(link: &Link) -> String {
    link.hash.map(|hash| hash.to_string()).unwrap_or_default()
}

/// What came of one look.
enum Looked {
    /// Events were sent, and more may wait.
    Sent,
    /// There is nothing to do, or another node does it.
    Idle,
}

/// Sends the audit to one collector.
pub(crate) struct Forwarder {
    engine: Engine,
    collector: Collector,
    failing: bool,
    pause: Duration,
}

impl Forwarder {
    /// What this engine's audit gets goes to this collector.
    pub(crate) const fn new(engine: Engine, collector: Collector) -> Self {
        Self { engine, collector, failing: false, pause: FIRST_PAUSE }
    }

    /// Sends until it is told to stop. What is being sent then is brought to its end.
    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            let wait = match self.look().await {
                Ok(Looked::Sent) => self.works(),
                Ok(Looked::Idle) => LOOK_EVERY,
                Err(failure) => self.fails(&failure),
            };
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn works(&mut self) -> Duration {
        if self.failing {
            tracing::info!("audit events are sent to {} again", self.collector);
        }
        (self.failing, self.pause) = (false, FIRST_PAUSE);
        Duration::ZERO
    }

    fn fails(&mut self, failure: &Failure) -> Duration {
        if !self.failing {
            tracing::warn!("audit events wait, as they cannot be sent to {}: {}", self.collector, failure.words());
        }
        self.failing = true;
        let pause = self.pause;
        self.pause = LONGEST_PAUSE.min(pause * 2);
        pause
    }

    async fn look(&self) -> Outcome<Looked> {
        let store = self.engine.store();
        let stored = store.meta(PLACE).await?;
        // A place that nobody could have written down is none: all events are sent again rather than none.
        let place = stored.as_ref().and_then(|place| serde_json::from_slice(place).ok()).unwrap_or_else(Place::default);
        let now = store.now().await?.0;
        if place.is_leased(now) {
            return Ok(Looked::Idle);
        }
        let Some(links) = self.behind(&place).await? else {
            tracing::error!(
                sequence = place.sequence,
                "the last audit event that was sent is not in the audit: all are sent again; run: nod audit verify"
            );
            self.put(stored, &Place::default()).await?;
            return Ok(Looked::Sent);
        };
        let Some(last) = links.last() else { return Ok(Looked::Idle) };
        let held = Place { until: now.saturating_add(LEASE), ..place.clone() };
        let Some(held) = self.put(stored, &held).await? else { return Ok(Looked::Idle) };
        let sent = self.collector.send(&links).await;
        let next = if sent.is_ok() { Place::of(last) } else { Place { until: 0, ..place } };
        // Another node may have gone on after the lease: then its word counts.
        self.put(Some(held), &next).await?;
        sent.map(|()| Looked::Sent)
    }

    /// Events behind this place; none where the audit does not hold it.
    async fn behind(&self, place: &Place) -> StoreResult<Option<Vec<Link>>> {
        let from = place.sequence.saturating_sub(1).max(0);
        let mut links = self.engine.store().audit_after(from, BATCH).await?;
        if place.sequence > 0 {
            if !links.first().is_some_and(|link| link.sequence == place.sequence && hash(link) == place.hash) {
                return Ok(None);
            }
            links.remove(0);
        }
        Ok(Some(links))
    }

    /// Puts a place where `stored` stands, and gives its bytes; none when something else stands there by now.
    async fn put(&self, stored: Option<Vec<u8>>, place: &Place) -> Outcome<Option<Vec<u8>>> {
        let to = serde_json::to_vec(place)?;
        let (key, value) = (PLACE.to_owned(), to.clone());
        let write = match stored {
            Some(from) => Write::ChangeMeta { key, from, to: value },
            None => Write::SetMeta { key, value },
        };
        match self.engine.store().commit(vec![write]).await {
            Ok(()) => Ok(Some(to)),
            Err(CommitError::Conflict { .. }) => Ok(None),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }
}

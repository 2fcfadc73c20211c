//! How long a store takes. Each store keeps its own and measures itself, so that nothing stands between it and its callers.

use std::future::Future;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use super::{CommitError, StoreResult};
use crate::SPANS;

/// Upper ends of the times, in seconds: from a read out of memory to a disk that has stopped.
const SECONDS: [f64; 12] = [0.000_01, 0.000_03, 0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0];

/// Times of reads and commits, and how many failed. Clones count together.
#[derive(Debug, Clone)]
pub struct Timings {
    read: Histogram,
    commit: Histogram,
    failures: Counter,
}

impl Default for Timings {
    fn default() -> Self {
        Self { read: Histogram::new(SECONDS), commit: Histogram::new(SECONDS), failures: Counter::default() }
    }
}

/// A span that belongs to another. What the server does by itself, every second of the day, is no trace.
fn inside(span: impl FnOnce() -> Span) -> Span {
    if Span::current().is_none() { Span::none() } else { span() }
}

impl Timings {
    /// Measures a read.
    ///
    /// # Errors
    /// The read's own.
    pub async fn read<T>(&self, work: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
        let started = Instant::now();
        let outcome = work.instrument(inside(|| tracing::info_span!(target: SPANS, "read"))).await;
        self.read.observe(started.elapsed().as_secs_f64());
        if outcome.is_err() {
            self.failures.inc();
        }
        outcome
    }

    /// Measures a commit. A guard that did not hold is no failure.
    ///
    /// # Errors
    /// The commit's own.
    pub async fn commit(&self, work: impl Future<Output = Result<(), CommitError>>) -> Result<(), CommitError> {
        let started = Instant::now();
        let outcome = work.instrument(inside(|| tracing::info_span!(target: SPANS, "commit"))).await;
        self.commit.observe(started.elapsed().as_secs_f64());
        if matches!(outcome, Err(CommitError::Store(_))) {
            self.failures.inc();
        }
        outcome
    }

    /// Enters them into the list from which `/metrics` is written.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("nod_store_read_seconds", "Time that reads of the database took", self.read.clone());
        registry.register("nod_store_commit_seconds", "Time that commits took, to disk", self.commit.clone());
        registry.register("nod_store_failures", "Reads and commits that failed", self.failures.clone());
    }
}

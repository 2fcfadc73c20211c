//! The internal listener, for those who run Nod: `/metrics`, `/health/live`, `/health/ready`. It is not for the public: it
//! answers everybody who reaches it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use nod_engine::{Engine, Outcome, StoreProbe};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::followers::Followers;
use crate::limits::{PROBE_TIME, PULSE_TIME};
use crate::state::AppState;
use crate::tls::Tls;

/// Text of OpenMetrics 1.0.0, which Prometheus reads.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The pulse of a loop: whoever turns round and round says so, and others see when it has stopped.
#[derive(Debug, Clone)]
pub struct Pulse {
    start: Instant,
    /// Milliseconds from `start` to the last beat.
    last: Arc<AtomicU64>,
}

impl Pulse {
    /// One that has beaten just now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now(), last: Arc::default() }
    }
    /// Beats.
    pub fn beat(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }
    /// Time since the last beat.
    fn age(&self) -> Duration {
        self.start.elapsed().saturating_sub(Duration::from_millis(self.last.load(Ordering::Relaxed)))
    }
}

impl Default for Pulse {
    fn default() -> Self {
        Self::new()
    }
}

/// A number that may be unknown (NaN).
type Level = Gauge<f64, AtomicU64>;

struct Watch {
    state: AppState,
    delivery: Pulse,
    probe: StoreProbe,
    /// One look at the database at a time: one that hangs takes one thread, however often somebody asks.
    looks: Arc<Semaphore>,
    registry: Registry,
    passwords: Gauge,
    open_pushes: Level,
    lag: Level,
}

/// The internal router. `delivery` is the pulse of the loop that sends pushes; `followers` are told of events; `tls` is
/// the public listener's.
pub fn internal(state: AppState, delivery: Pulse, followers: &Followers, tls: Option<&Tls>) -> Router {
    let mut registry = Registry::default();
    let version = vec![("version", env!("CARGO_PKG_VERSION"))];
    registry.register("nod_build", "The version that runs", Info::new(version));
    state.engine().meters().register(&mut registry);
    state.engine().store().timings().register(&mut registry);
    state.meters().register(&mut registry);
    followers.register(&mut registry);
    if let Some(tls) = tls {
        tls.register(&mut registry);
    }
    let (passwords, open_pushes, lag) = (Gauge::default(), Level::default(), Level::default());
    registry.register("nod_password_queue", "Passwords being hashed or waiting for it", passwords.clone());
    registry.register("nod_outbox_pushes", "Pushes queued or being sent", open_pushes.clone());
    registry.register("nod_outbox_lag_seconds", "How long the oldest push has been overdue", lag.clone());
    let probe = state.engine().store_probe();
    let looks = Arc::new(Semaphore::new(1));
    let watch = Arc::new(Watch { state, delivery, probe, looks, registry, passwords, open_pushes, lag });
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(async || told(StatusCode::OK, "live\n".to_owned())))
        .route("/health/ready", get(ready))
        .with_state(watch)
}

fn told(status: StatusCode, text: String) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], text).into_response()
}

/// Whether requests can be served now: the process is not stopping, pushes are being sent, and the database reads and writes.
async fn ready(State(watch): State<Arc<Watch>>) -> Response {
    let why = watch.unready().await;
    match why {
        None => told(StatusCode::OK, "ready\n".to_owned()),
        Some(why) => {
            tracing::warn!("not ready: {why}");
            told(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n"))
        }
    }
}

async fn metrics(State(watch): State<Arc<Watch>>) -> Response {
    watch.sample().await;
    let mut text = String::new();
    match encode(&mut text, &watch.registry) {
        Ok(()) => ([(CONTENT_TYPE, OPEN_METRICS), (CACHE_CONTROL, "no-store")], text).into_response(),
        Err(error) => told(StatusCode::INTERNAL_SERVER_ERROR, format!("the metrics cannot be written: {error}\n")),
    }
}

impl Watch {
    /// Why not, in words for an operator. What the database said stands in the log.
    async fn unready(&self) -> Option<String> {
        if self.state.stopping() {
            return Some("stopping".to_owned());
        }
        let age = self.delivery.age();
        if age > PULSE_TIME {
            return Some(format!("the delivery of pushes has not moved for {} s", age.as_secs()));
        }
        let probe = self.probe.clone();
        match self.look(move |engine| async move { engine.probe_store(&probe).await }).await {
            Some(Ok(())) => None,
            Some(Err(fault)) => {
                tracing::warn!(%fault, "the database failed a probe");
                Some("the database failed".to_owned())
            }
            None => Some(format!("the database did not answer within {} s", PROBE_TIME.as_secs())),
        }
    }

    /// Takes the levels that nobody keeps.
    async fn sample(&self) {
        let waiting = self.state.engine().passwords_waiting();
        self.passwords.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let channels = self.state.streams().taken();
        self.state.meters().channels.set(i64::try_from(channels).unwrap_or(i64::MAX));
        let outbox = self.look(|engine| async move { engine.outbox().await }).await;
        let (open, lag) = match outbox {
            Some(Ok((open, lag))) => (open as f64, lag.0 as f64 / 1_000.0),
            Some(Err(_)) | None => (f64::NAN, f64::NAN),
        };
        self.open_pushes.set(open);
        self.lag.set(lag);
    }

    /// Looks at the database for at most [`PROBE_TIME`]; none when there was no answer. On a thread of its own, as the
    /// store may hold its caller's up when the disk hangs.
    async fn look<T, F>(&self, work: impl FnOnce(Engine) -> F + Send + 'static) -> Option<Outcome<T>>
    where
        T: Send + 'static,
        F: Future<Output = Outcome<T>>,
    {
        let looked = async {
            let place = Arc::clone(&self.looks).acquire_owned().await.ok()?;
            let (engine, handle) = (self.state.engine().clone(), Handle::current());
            let looking = tokio::task::spawn_blocking(move || {
                let outcome = handle.block_on(work(engine));
                drop(place);
                outcome
            });
            looking.await.ok()
        };
        timeout(PROBE_TIME, looked).await.ok().flatten()
    }
}

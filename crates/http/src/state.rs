//! What every handler has at hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nod_engine::Engine;

use crate::client::TrustedProxies;
use crate::host::{BadOrigin, PublicAddress};
use crate::limits::{STREAMS, STREAMS_PER_SOURCE};
use crate::meters::Meters;
use crate::pages::Site;
use crate::per_source::PerSource;
use crate::stop::Stop;

/// Characters, six random bits each, that tell the processes of an installation apart.
const PROCESS_CHARS: usize = 6;

/// The engine, the configuration of the faces, and the open streams. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Engine,
    proxies: TrustedProxies,
    public: PublicAddress,
    site: Site,
    streams: Arc<PerSource>,
    meters: Meters,
    /// What ids of requests begin with: no two processes write the same.
    process: String,
    requests: AtomicU64,
    stop: Stop,
}

impl AppState {
    /// The public address is the one of the engine's settings.
    ///
    /// # Errors
    /// [`BadOrigin`] when that is none.
    pub fn new(engine: Engine, proxies: TrustedProxies, stop: Stop) -> Result<Self, BadOrigin> {
        let public = PublicAddress::from_origin(&engine.settings().origin)?;
        let site = Site::new(public.origin(), &engine.settings().server_name);
        let process = engine.fresh_secret().chars().take(PROCESS_CHARS).collect();
        let streams = PerSource::new(STREAMS_PER_SOURCE, STREAMS);
        Ok(Self(Arc::new(Inner {
            engine,
            proxies,
            public,
            site,
            streams,
            meters: Meters::default(),
            process,
            requests: AtomicU64::new(0),
            stop,
        })))
    }
    /// The use cases.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }
    /// Proxies whose word about client addresses counts.
    #[must_use]
    pub fn proxies(&self) -> &TrustedProxies {
        &self.0.proxies
    }
    /// The configured public address.
    #[must_use]
    pub fn public(&self) -> &PublicAddress {
        &self.0.public
    }
    pub(crate) fn site(&self) -> &Site {
        &self.0.site
    }
    pub(crate) fn streams(&self) -> &Arc<PerSource> {
        &self.0.streams
    }
    /// An id for the log, for one request.
    pub(crate) fn next_request(&self) -> String {
        format!("{}-{}", self.0.process, self.0.requests.fetch_add(1, Ordering::Relaxed))
    }
    pub(crate) fn meters(&self) -> &Meters {
        &self.0.meters
    }
    /// Whether the server is about to end.
    pub(crate) fn stopping(&self) -> bool {
        self.0.stop.is_requested()
    }
    pub(crate) fn stop(&self) -> Stop {
        self.0.stop.clone()
    }
}

//! A running server: listener, delivery worker, sweeper; one word stops them all.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use nod_core::push::Push;
use nod_delivery::gate::SystemResolver;
use nod_delivery::web_push::{PublicOrigin, VapidSubject, WebPush, WebPushConfig};
use nod_engine::Engine;
use nod_engine::ports::Ringer;
use nod_http::{AppState, Followers, Pulse, StopHandle, Tls, Transport, TrustedProxies};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::acme::Acme;
use crate::certificate::Renewing;
use crate::checkpoints::Checkpointer;
use crate::config::{Config, Range};
use crate::data_key::Place;
use crate::failure::{Failure, Outcome};
use crate::installation::Installation;
use crate::key_watch;
use crate::listeners::Listeners;
use crate::system::OsEntropy;

/// Pushes under way at once.
const PUSHES_AT_ONCE: usize = 64;
/// Time between two rounds of housekeeping.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// Time between two looks whether the audit has grown and a checkpoint is due.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(5 * 60);
/// Pause after the store failed, before the next try.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// After a stop, pushes under way may take this long.
const STOP_TIME: Duration = Duration::from_secs(10);

/// A server that runs until it is stopped.
pub(crate) struct Server {
    stop: StopHandle,
    tasks: JoinSet<()>,
    checkpoints: Checkpointer,
    watched: Option<Watched>,
}

/// The listener for operators. It ends last, so that it can say that the others are stopping.
struct Watched {
    stop: StopHandle,
    task: JoinSet<()>,
}

impl Server {
    /// Starts everything on these listeners.
    pub(crate) async fn start(installation: &Installation, listeners: Listeners) -> Outcome<Self> {
        let push = web_push(installation)?;
        if let Some(warning) = push.warning() {
            tracing::warn!("{warning}");
        }
        let ringer: Arc<dyn Ringer> = Arc::new(push);
        let renewing = Renewing::open(&installation.config)?;
        let followers = Followers::default();
        let forwarders = installation.forwarders(&followers)?;
        let acme = Acme::open(installation).await?;
        let tls = renewing.as_ref().map(Renewing::tls).or(acme.as_ref().map(Acme::tls)).cloned();
        let transport = transport(&installation.config, tls.clone());
        let (stop, word) = StopHandle::new();
        let engine = installation.engine.clone();
        let state = AppState::new(engine.clone(), transport.proxies.clone(), word.clone())?;
        let pulse = Pulse::new();
        let watched = listeners.internal.map(|listener| {
            Watched::start(listener, nod_http::internal(state.clone(), pulse.clone(), &followers, tls.as_ref()))
        });
        let mut tasks = JoinSet::new();
        if let Some(listener) = listeners.redirect {
            let plain = Transport { tls: None, ..transport.clone() };
            let challenge = acme.as_ref().map(|acme| acme.http().clone()).unwrap_or_default();
            let router = nod_http::redirect(state.public().clone(), challenge);
            tasks.spawn(nod_http::serve(listener, router, plain, word.clone().requested()));
        }
        if let Some(renewing) = renewing {
            tasks.spawn(renewing.watch(word.clone().requested()));
        }
        if let Some(acme) = acme {
            tasks.spawn(acme.run(word.clone().requested()));
        }
        tasks.spawn(nod_http::serve(listeners.public, nod_http::router(state), transport, word.clone().requested()));
        tasks.spawn(deliver(engine.clone(), ringer, pulse, word.clone().requested()));
        if let Place::File(path) = Place::of(&installation.config) {
            tasks.spawn(key_watch::watch(engine.clone(), path, word.clone().requested()));
        }
        tasks.spawn(sweep(engine, word.clone().requested()));
        for forwarder in forwarders {
            tasks.spawn(forwarder.run(word.clone().requested()));
        }
        let checkpoints = installation.checkpointer();
        tasks.spawn(checkpoint(checkpoints.clone(), word.requested()));
        Ok(Self { stop, tasks, checkpoints, watched })
    }

    /// Returns when a part ended by itself, which none should.
    pub(crate) async fn failed(&mut self) -> Failure {
        let ended = match &mut self.watched {
            Some(watched) => tokio::select! {
                ended = self.tasks.join_next() => ended,
                ended = watched.task.join_next() => ended,
            },
            None => self.tasks.join_next().await,
        };
        match ended {
            Some(Err(error)) => error.into(),
            _ => Failure::new("a part of the server ended by itself"),
        }
    }

    /// Stops: no new connection, running requests and pushes end, a last checkpoint is written, then this returns.
    pub(crate) async fn stop(mut self) {
        self.stop.stop();
        while self.tasks.join_next().await.is_some() {}
        self.checkpoints.write().await;
        if let Some(mut watched) = self.watched {
            watched.stop.stop();
            while watched.task.join_next().await.is_some() {}
        }
    }
}

impl Watched {
    fn start(listener: TcpListener, router: Router) -> Self {
        let (stop, word) = StopHandle::new();
        let mut task = JoinSet::new();
        task.spawn(nod_http::serve(listener, router, Transport::default(), word.requested()));
        Self { stop, task }
    }
}

/// How connections come in, by the configuration.
fn transport(config: &Config, tls: Option<Tls>) -> Transport {
    let ranges = |proxies: &[Range]| proxies.iter().map(|proxy| proxy.0).collect::<TrustedProxies>();
    let (proxies, proxy_protocol) = (ranges(&config.trusted_proxies), ranges(&config.proxy_protocol));
    let peer = config.listen.ip();
    if peer.is_loopback() && !proxies.trusts(peer) && !proxy_protocol.trusts(peer) {
        tracing::warn!(
            "only a proxy on this machine can reach {peer}, but `trusted_proxies` does not hold it: all visitors count as one"
        );
    }
    Transport { tls, proxy_protocol, proxies }
}

/// The way to phones by the configuration. Refuses a contact that Apple would refuse.
fn web_push(installation: &Installation) -> Outcome<WebPush> {
    let config = &installation.config;
    let subject = VapidSubject::parse(&config.push.contact)
        .map_err(|error| Failure::misuse(format!("{}: push.contact: {error}", config.path.display())))?;
    let settings = WebPushConfig {
        subject,
        origin: PublicOrigin::parse(config.address.origin())?,
        allow_insecure: config.push.allow_insecure_endpoints,
        egress_proxy: config.push.egress_proxy.clone(),
        extra_roots: Vec::new(),
        limits: nod_delivery::Limits::default(),
    };
    let key = installation.vapid_key()?;
    Ok(WebPush::new(settings, key, Arc::new(OsEntropy), Arc::new(SystemResolver))?)
}

/// Takes due pushes from the outbox and rings, a bounded number at once.
async fn deliver(engine: Engine, ringer: Arc<dyn Ringer>, pulse: Pulse, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let places = Arc::new(Semaphore::new(PUSHES_AT_ONCE));
    let mut sends = JoinSet::new();
    loop {
        pulse.beat();
        while sends.try_join_next().is_some() {}
        // Claims nothing while every place is taken: the lease would run out.
        tokio::select! {
            () = &mut stop => break,
            place = places.acquire() => drop(place),
        }
        // Never cancelled half-way: a push claimed and forgotten would wait for its lease to end.
        let claimed = engine.claim_pushes().await;
        let idle = matches!(&claimed, Ok(pushes) if pushes.is_empty());
        match claimed {
            Ok(pushes) => {
                for push in pushes {
                    sends.spawn(ring(engine.clone(), Arc::clone(&ringer), Arc::clone(&places), push));
                }
            }
            Err(error) => {
                tracing::error!(%error, "the outbox could not be read");
                tokio::time::sleep(STORE_PAUSE).await;
            }
        }
        if idle {
            tokio::select! {
                () = &mut stop => break,
                due = engine.pushes_due() => if due.is_err() { tokio::time::sleep(STORE_PAUSE).await },
            }
        }
    }
    let rest = async { while sends.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_TIME, rest).await.is_err() {
        tracing::warn!("some pushes were given up; the next start takes them up again");
    }
}

async fn ring(engine: Engine, ringer: Arc<dyn Ringer>, places: Arc<Semaphore>, push: Push) {
    // A closed semaphore would mean that we stop.
    let Ok(_place) = places.acquire_owned().await else { return };
    if let Err(error) = engine.deliver(&push, &*ringer).await {
        tracing::error!(%error, "a push could not be settled; it is tried again when its lease ends");
    }
}

/// Housekeeping.
async fn sweep(engine: Engine, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let mut rounds = tokio::time::interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            () = &mut stop => return,
            _ = rounds.tick() => {}
        }
        match engine.sweep().await {
            Ok(rows) => tracing::debug!(rows, "housekeeping done"),
            Err(error) => tracing::error!(%error, "housekeeping failed"),
        }
    }
}

/// Writes down now and then how far the audit goes.
async fn checkpoint(checkpoints: Checkpointer, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let mut rounds = tokio::time::interval(CHECKPOINT_EVERY);
    checkpoints.write_restores().await;
    loop {
        tokio::select! {
            () = &mut stop => return,
            _ = rounds.tick() => checkpoints.write().await,
        }
    }
}

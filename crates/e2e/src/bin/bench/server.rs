//! `bench server DATABASE`: wired as `nod serve` is, but passwords are not hashed and pushes may go to the loopback.

use std::sync::Arc;
use std::time::Duration;

use nod_core::push::Push;
use nod_delivery::Limits;
use nod_delivery::gate::SystemResolver;
use nod_delivery::web_push::{PublicOrigin, VapidKey, VapidSubject, WebPush, WebPushConfig};
use nod_engine::Engine;
use nod_engine::ports::Ringer;
use nod_http::{AppState, StopHandle, TrustedProxies};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::installation::{self, ORIGIN, OsEntropy};

/// As in the binary.
const PUSHES_AT_ONCE: usize = 64;
/// As in the binary.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

pub(crate) fn run(database: &str) {
    crate::process::end_with_parent();
    // As in the binary: a line for each request.
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).with_ansi(false).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = installation::engine(installation::open(database).await);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_stop, word) = StopHandle::new();
        let state = AppState::new(engine.clone(), TrustedProxies::default(), word.clone()).unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(nod_http::serve(
            listener,
            nod_http::router(state),
            nod_http::Transport::default(),
            word.requested(),
        ));
        tasks.spawn(deliver(engine.clone(), Arc::new(web_push())));
        tasks.spawn(async move {
            let mut rounds = tokio::time::interval(SWEEP_EVERY);
            loop {
                rounds.tick().await;
                engine.sweep().await.unwrap();
            }
        });
        println!("listening {address}");
        tasks.join_next().await
    });
}

fn web_push() -> WebPush {
    let config = WebPushConfig {
        subject: VapidSubject::parse("mailto:bench@nod-mfa.org").unwrap(),
        origin: PublicOrigin::parse(ORIGIN).unwrap(),
        allow_insecure: true,
        egress_proxy: None,
        extra_roots: Vec::new(),
        limits: Limits::default(),
    };
    WebPush::new(config, VapidKey::generate(&OsEntropy).unwrap(), Arc::new(OsEntropy), Arc::new(SystemResolver))
        .unwrap()
}

async fn deliver(engine: Engine, ringer: Arc<dyn Ringer>) {
    let places = Arc::new(Semaphore::new(PUSHES_AT_ONCE));
    let mut sends = JoinSet::new();
    loop {
        while sends.try_join_next().is_some() {}
        drop(places.acquire().await.unwrap());
        let claimed = engine.claim_pushes().await.unwrap();
        if claimed.is_empty() {
            engine.pushes_due().await.unwrap();
        }
        for push in claimed {
            sends.spawn(ring(engine.clone(), Arc::clone(&ringer), Arc::clone(&places), push));
        }
    }
}

async fn ring(engine: Engine, ringer: Arc<dyn Ringer>, places: Arc<Semaphore>, push: Push) {
    let _place = places.acquire_owned().await.unwrap();
    engine.deliver(&push, &*ringer).await.unwrap();
}

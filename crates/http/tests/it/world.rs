//! One installation in memory, and requests to it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HOST, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use nod_engine::{Engine, Outcome, Passwords, Settings, Vault};
use nod_http::{AppState, Peer, Stop, StopHandle, TrustedProxies};
use nod_testkit::{MemoryStore, SeededEntropy, TestClock};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt as _;
use zeroize::Zeroizing;

/// The public address.
pub(crate) const ORIGIN: &str = "https://nod.example.com";
/// Its host.
pub(crate) const NOD: &str = "nod.example.com";
/// A protected app's host.
pub(crate) const APP: &str = "payroll.example.com";
/// A visitor who is connected directly.
pub(crate) const VISITOR: &str = "192.0.2.10:40000";
/// The configured proxy.
pub(crate) const PROXY: &str = "10.0.0.1:40000";

/// Takes passwords as they are: no test here is about hashing.
struct Plain;

#[async_trait::async_trait]
impl Passwords for Plain {
    async fn verify(&self, hash: Option<String>, password: Zeroizing<String>, _: &str) -> Outcome<bool> {
        Ok(hash.is_some_and(|hash| hash == *password))
    }
    async fn hash(&self, password: Zeroizing<String>, _: &str) -> Outcome<String> {
        Ok(password.to_string())
    }
}

/// One installation.
pub(crate) struct World {
    pub(crate) clock: TestClock,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) entropy: Arc<SeededEntropy>,
    pub(crate) engine: Engine,
    pub(crate) stop: StopHandle,
    pub(crate) word: Stop,
    pub(crate) router: Router,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = TestClock::default();
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let entropy = Arc::new(SeededEntropy::new(7));
        let settings = Settings {
            origin: ORIGIN.to_owned(),
            rp_id: NOD.to_owned(),
            server_name: "Example".to_owned(),
            number_always: false,
            vapid_public_key: vec![4; 65],
        };
        let engine = Engine::new(store.clone(), entropy.clone(), Arc::new(Plain), Vault::new(&[9; 32]), settings);
        let proxies: TrustedProxies =
            ["10.0.0.0/8".parse().unwrap(), "127.0.0.1".parse().unwrap()].into_iter().collect();
        let (stop, word) = StopHandle::new();
        let router = nod_http::router(AppState::new(engine.clone(), proxies, word.clone()).unwrap());
        Self { clock, store, entropy, engine, stop, word, router }
    }

    /// Every row, as text.
    pub(crate) fn rows(&self) -> String {
        format!("{:?}", self.store)
    }

    /// Sends a request from `peer` and gives the answer's head with the body still to come.
    pub(crate) async fn open(&self, mut request: Request<Body>, peer: &str) -> Response {
        request.extensions_mut().insert(Peer(peer.parse::<SocketAddr>().unwrap()));
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request from `peer`.
    pub(crate) async fn send_from(&self, request: Request<Body>, peer: &str) -> Answer {
        let (parts, body) = self.open(request, peer).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a request from a visitor.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        self.send_from(request, VISITOR).await
    }
}

impl Answer {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
    /// `error` of the body.
    pub(crate) fn error(&self) -> String {
        self.json::<serde_json::Value>()["error"].as_str().unwrap().to_owned()
    }
    /// The value that a cookie was set to.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().unwrap());
        lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')?.split(';').next()).map(str::to_owned).next()
    }
}

/// A request to `host`.
pub(crate) fn to(host: &str, method: Method, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header(HOST, host)
}

/// GET of Nod's own host.
pub(crate) fn get(path: &str) -> http::request::Builder {
    to(NOD, Method::GET, path)
}

/// A JSON body.
pub(crate) trait WithJson {
    fn json(self, body: &impl Serialize) -> Request<Body>;
    fn empty(self) -> Request<Body>;
}

impl WithJson for http::request::Builder {
    fn json(self, body: &impl Serialize) -> Request<Body> {
        self.header(CONTENT_TYPE, "application/json").body(serde_json::to_vec(body).unwrap().into()).unwrap()
    }
    fn empty(self) -> Request<Body> {
        self.body(Body::empty()).unwrap()
    }
}

/// POST of Nod's own host, with what a browser adds for our own pages.
pub(crate) fn post(path: &str) -> http::request::Builder {
    to(NOD, Method::POST, path).header("sec-fetch-site", "same-origin")
}

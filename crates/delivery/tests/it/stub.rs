//! A strict push service on loopback. It answers 400 to anything that a real one could refuse, and remembers why.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use nod_delivery::web_push::BODY_BYTES;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::support::{Browser, NOW_MS};

/// What the service does with the next push.
#[derive(Clone)]
pub enum Reply {
    Status(u16),
    With(u16, &'static str, String),
    /// 201 with a body without end.
    Endless,
    /// No answer, ever.
    Hang,
    /// The connection is closed instead of an answer.
    Close,
}

/// A push that passed every check.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub version: Version,
    pub headers: HeaderMap,
    pub content: Value,
    pub claims: Value,
    pub vapid_key: String,
    pub padding: usize,
}

pub struct State {
    browser: Browser,
    origin: String,
    replies: Mutex<VecDeque<Reply>>,
    received: Mutex<Vec<Received>>,
    faults: Mutex<Vec<String>>,
    connections: AtomicUsize,
    endless_bytes: Arc<AtomicUsize>,
    frozen: AtomicUsize,
}

pub struct Stub {
    state: Arc<State>,
    // Dropping the set ends the server.
    _tasks: JoinSet<()>,
}

impl Stub {
    pub async fn http() -> Self {
        Self::start(None, "http://127.0.0.1").await
    }

    /// `base` is scheme and host as the sender will see them; the port is added.
    pub async fn start(tls: Option<TlsAcceptor>, base: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            browser: Browser::new(77),
            origin: format!("{base}:{port}"),
            replies: Mutex::default(),
            received: Mutex::default(),
            faults: Mutex::default(),
            connections: AtomicUsize::new(0),
            endless_bytes: Arc::default(),
            frozen: AtomicUsize::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, tls, Arc::clone(&state)));
        Self { state, _tasks: tasks }
    }

    pub fn endpoint(&self) -> String {
        format!("{}/push/secret-capability", self.state.origin)
    }

    pub fn subscription(&self) -> nod_delivery::web_push::Subscription {
        self.state.browser.subscription(&self.endpoint())
    }

    /// Queues an answer; without one the service says 201.
    pub fn will(&self, reply: Reply) {
        self.state.replies.lock().unwrap().push_back(reply);
    }

    pub fn received(&self) -> Vec<Received> {
        let faults = self.state.faults.lock().unwrap();
        assert!(faults.is_empty(), "the push service refused: {faults:?}");
        self.state.received.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Connections made so far fall silent without being closed, as behind a router that forgot them.
    pub fn freeze(&self) {
        self.state.frozen.store(self.connections(), Ordering::SeqCst);
    }

    pub fn endless_bytes(&self) -> usize {
        self.state.endless_bytes.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let number = state.connections.fetch_add(1, Ordering::SeqCst);
        let (state, tls) = (Arc::clone(&state), tls.clone());
        connections.spawn(async move {
            let stream = Freezing { stream, number, state: Arc::clone(&state) };
            let service = service_fn(move |request| serve(request, Arc::clone(&state)));
            let server = auto::Builder::new(TokioExecutor::new());
            // An error here is the client's going away, or `Reply::Close`.
            match tls {
                None => drop(server.serve_connection(TokioIo::new(stream), service).await),
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        drop(server.serve_connection(TokioIo::new(stream), service).await);
                    }
                }
            }
        });
    }
}

/// A connection that hears nothing any more once it is frozen.
struct Freezing {
    stream: TcpStream,
    number: usize,
    state: Arc<State>,
}

impl AsyncRead for Freezing {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if self.number < self.state.frozen.load(Ordering::SeqCst) {
            buf.set_filled(before);
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Freezing {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("closed on purpose")]
struct Closed;

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

async fn serve(request: Request<Incoming>, state: Arc<State>) -> Result<Answer, Closed> {
    match check(request, &state).await {
        Ok(received) => state.received.lock().unwrap().push(received),
        Err(fault) => {
            state.faults.lock().unwrap().push(fault);
            return Ok(answer(400));
        }
    }
    let reply = state.replies.lock().unwrap().pop_front().unwrap_or(Reply::Status(201));
    Ok(match reply {
        Reply::Status(status) => answer(status),
        Reply::With(status, name, value) => {
            let mut answer = answer(status);
            answer.headers_mut().insert(name, value.parse().unwrap());
            answer
        }
        Reply::Endless => {
            Response::builder().status(201).body(Endless(Arc::clone(&state.endless_bytes)).boxed_unsync()).unwrap()
        }
        Reply::Hang => pending().await,
        Reply::Close => return Err(Closed),
    })
}

fn answer(status: u16) -> Answer {
    let text = Bytes::from_static(b"{\"reason\":\"stub\"}");
    Response::builder().status(status).body(http_body_util::Full::new(text).boxed_unsync()).unwrap()
}

struct Endless(Arc<AtomicUsize>);

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.fetch_add(1024, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 1024])))))
    }
}

async fn check(request: Request<Incoming>, state: &State) -> Result<Received, String> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    ensure(parts.method == Method::POST, "method")?;
    let header = |name: &str| {
        let mut values = parts.headers.get_all(name).iter();
        let value = values.next().ok_or_else(|| format!("no {name}"))?.to_str().map_err(|_| format!("bad {name}"))?;
        ensure(values.next().is_none(), name)?;
        Ok::<_, String>(value.to_owned())
    };
    let ttl: u64 = header("ttl")?.parse().map_err(|_| "TTL is not a number")?;
    ensure(ttl <= 2_592_000, "TTL too long")?;
    ensure(header("urgency")? == "high", "urgency")?;
    let topic = header("topic")?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    ensure(topic.len() <= 32 && topic.bytes().all(plain), "topic")?;
    ensure(header("content-encoding")? == "aes128gcm", "content encoding")?;
    ensure(body.len() <= 4096 && body.len() == BODY_BYTES, "body size")?;
    let (claims, vapid_key) = check_vapid(&header("authorization")?, &state.origin)?;
    let (content, padding) = state.browser.decrypt(&body)?;
    Ok(Received {
        path: parts.uri.path().to_owned(),
        version: parts.version,
        headers: parts.headers,
        content: serde_json::from_slice(&content).map_err(|error| error.to_string())?,
        claims,
        vapid_key,
        padding,
    })
}

/// RFC 8292: scheme, signature, audience, expiry within a day, subject.
pub fn check_vapid(authorization: &str, origin: &str) -> Result<(Value, String), String> {
    let rest = authorization.strip_prefix("vapid t=").ok_or("not vapid")?;
    let (token, key) = rest.split_once(", k=").ok_or("no key")?;
    let (signed, signature) = token.rsplit_once('.').ok_or("no signature")?;
    let (header, claims) = signed.split_once('.').ok_or("no claims")?;
    let point = B64.decode(key).map_err(|_| "key encoding")?;
    let signature = B64.decode(signature).map_err(|_| "signature encoding")?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| "signature")?;
    let json = |part: &str| -> Result<Value, String> {
        serde_json::from_slice(&B64.decode(part).map_err(|_| "encoding")?).map_err(|error| error.to_string())
    };
    let (header, claims) = (json(header)?, json(claims)?);
    ensure(header["alg"] == "ES256" && header["typ"] == "JWT", "algorithm")?;
    ensure(claims["aud"] == origin, "audience")?;
    let left = claims["exp"].as_i64().ok_or("no expiry")? - NOW_MS / 1000;
    ensure((1..=86_400).contains(&left), "expiry")?;
    ensure(claims["sub"].is_string(), "subject")?;
    Ok((claims, key.to_owned()))
}

fn ensure(ok: bool, what: &str) -> Result<(), String> {
    if ok { Ok(()) } else { Err(what.to_owned()) }
}

//! The accept loop: HTTP/1.1 and HTTP/2 on one port, plain or over TLS, with limits on time, headers and connections (A01, INV-28).

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use proxy_header::io::ProxiedStream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::server::TlsStream;
use tower::ServiceExt as _;

use crate::client::Peer;
use crate::limits::{
    ACCEPT_PAUSE, CONNECTIONS, CONNECTIONS_PER_SOURCE, FIRST_REQUEST_TIME, HEADER_BYTES, HEADER_FIELDS, HEADER_TIME,
    NEWCOMERS_PER_SOURCE, PING_INTERVAL, PING_TIME, REQUESTS_PER_CONNECTION, STOP_TIME,
};
use crate::per_source::{PerSource, Place};
use crate::tls::Tls;
use crate::transport::Transport;

/// Serves `router` until `stop` is ready; then takes no more connections, lets running requests end for at most
/// [`STOP_TIME`], and returns. Event streams end by the state's [`crate::Stop`]: make `stop` from the same.
pub async fn serve(listener: TcpListener, router: Router, transport: Transport, stop: impl Future<Output = ()>) {
    Door::new(router, transport, PerSource::new(NEWCOMERS_PER_SOURCE, CONNECTIONS)).run(listener, stop).await;
}

/// One listener's way in.
struct Door {
    builder: Builder<TokioExecutor>,
    router: Router,
    transport: Transport,
    /// Connections that have not sent a request yet.
    newcomers: Arc<PerSource>,
    /// All connections, but for those of proxies.
    sources: Arc<PerSource>,
}

impl Door {
    fn new(router: Router, transport: Transport, newcomers: Arc<PerSource>) -> Arc<Self> {
        let sources = PerSource::new(CONNECTIONS_PER_SOURCE, CONNECTIONS);
        Arc::new(Self { builder: builder(), router, transport, newcomers, sources })
    }

    async fn run(self: Arc<Self>, listener: TcpListener, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let (closing, _) = watch::channel(());
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                Some(_) = connections.join_next() => continue,
                accepted = accept(&listener, &places) => accepted,
            };
            let (stream, peer, place) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(newcomer) = self.newcomers.enter(peer.ip()) else {
                tracing::debug!(%peer, "a connection was cut: its source has too many that say nothing");
                continue;
            };
            let (door, watcher, closed) = (Arc::clone(&self), graceful.watcher(), closing.subscribe());
            connections.spawn(async move {
                door.connection(stream, peer, newcomer, watcher, closed).await;
                drop(place);
            });
        }
        drop(listener);
        // Who has not even got to a request has nothing to wait for.
        drop(closing);
        if tokio::time::timeout(STOP_TIME, graceful.shutdown()).await.is_err() {
            tracing::warn!(left = connections.len(), "connections were cut, as their requests did not end in time");
        }
        connections.shutdown().await;
    }

    async fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        newcomer: Place,
        watcher: Watcher,
        mut closed: watch::Receiver<()>,
    ) {
        // Small answers go out at once; a failure costs milliseconds only.
        let _ = stream.set_nodelay(true);
        let deadline = Instant::now() + FIRST_REQUEST_TIME;
        let opened = timeout_at(deadline, async {
            let (stream, source) = self.transport.source(stream, peer).await?;
            let (newcomer, place) = self.places(peer, source, newcomer).ok_or_else(too_many)?;
            match &self.transport.tls {
                Some(tls) => {
                    let stream = tls.acceptor().accept(stream).await?;
                    if Tls::is_challenge(&stream) {
                        return Err(io::Error::other("an ACME server looked at the challenge"));
                    }
                    Ok((Opened::Tls(Box::new(stream)), source, newcomer, place))
                }
                None => Ok((Opened::Plain(stream), source, newcomer, place)),
            }
        });
        let opened: io::Result<_> = tokio::select! {
            _ = closed.changed() => return,
            opened = opened => opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
        };
        match opened {
            Err(error) => tracing::debug!(%peer, %error, "a connection did not get to a request"),
            Ok((Opened::Tls(stream), source, newcomer, _place)) => {
                self.requests(*stream, Peer(source), (newcomer, deadline), watcher).await;
            }
            Ok((Opened::Plain(stream), source, newcomer, _place)) => {
                self.requests(stream, Peer(source), (newcomer, deadline), watcher).await;
            }
        }
    }

    /// Places for a connection from `source`: among newcomers, where `peer` has `newcomer` already, and among all.
    fn places(&self, peer: SocketAddr, source: SocketAddr, newcomer: Place) -> Option<(Place, Option<Place>)> {
        let newcomer = if source.ip() == peer.ip() { newcomer } else { self.newcomers.enter(source.ip())? };
        if self.transport.is_shared(source) {
            return Some((newcomer, None));
        }
        Some((newcomer, Some(self.sources.enter(source.ip())?)))
    }

    /// Serves requests until the connection ends. The first must have come by the deadline.
    async fn requests(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
        (newcomer, deadline): (Place, Instant),
        watcher: Watcher,
    ) {
        let started = Arc::new(Notify::new());
        let begun = Arc::clone(&started);
        let router = self.router.clone();
        let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
            begun.notify_one();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            router.clone().oneshot(request)
        });
        let served = watcher.watch(self.builder.serve_connection(TokioIo::new(stream), service).into_owned());
        let mut served = pin!(served);
        // hyper's own limit begins with the first header byte of HTTP/1.1; a peer that sends less than a preface has no other.
        let first = timeout_at(deadline, async {
            tokio::select! {
                // In this order the first request is seen in the very poll in which it came.
                biased;
                done = &mut served => Some(done),
                () = started.notified() => None,
            }
        });
        let first = first.await;
        drop(newcomer);
        let done = match first {
            Err(_) => return,
            Ok(Some(done)) => done,
            Ok(None) => served.await,
        };
        if let Err(error) = done {
            tracing::debug!(error = %error, "a connection ended early");
        }
    }
}

/// A connection that is ready for requests.
enum Opened {
    Plain(ProxiedStream<TcpStream>),
    Tls(Box<TlsStream<ProxiedStream<TcpStream>>>),
}

fn too_many() -> io::Error {
    io::Error::other("its source has too many connections")
}

/// One connection, and its place among [`CONNECTIONS`].
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(HEADER_FIELDS)
        .max_buf_size(HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(HEADER_BYTES).unwrap_or(u32::MAX))
        .max_concurrent_streams(REQUESTS_PER_CONNECTION)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIME);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn a_source_of_silent_connections_is_cut_and_speaking_ones_are_not_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(|| async { "here" });
        let newcomers = PerSource::new(2, 10);
        let mut tasks = JoinSet::new();
        let door = Door::new(router, Transport::default(), Arc::clone(&newcomers));
        tasks.spawn(door.run(listener, std::future::pending()));
        let connect = || async { TcpStream::connect(address).await.unwrap() };
        let ask = async |stream: &mut TcpStream| {
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
            let mut answer = [0; 15];
            stream.read_exact(&mut answer).await.is_ok_and(|_| answer.starts_with(b"HTTP/1.1 200 OK"))
        };
        let mut speaking = connect().await;
        assert!(ask(&mut speaking).await);
        let (mut first, _second) = (connect().await, connect().await);
        // Accepted in order: when this one is cut, the two before have their places.
        let mut third = connect().await;
        assert_eq!(third.read(&mut [0]).await.unwrap_or(0), 0, "the third silent one is cut at once");
        assert!(ask(&mut first).await, "a place was there for it");
        assert_eq!(newcomers.taken(), 1);
        assert!(ask(&mut connect().await).await, "it has spoken, so there is room again");
    }

    /// Whether each of three connections from this machine is answered, one after the other and all kept.
    async fn three(transport: Transport) -> [bool; 3] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(|| async { "here" });
        let (newcomers, sources) = (PerSource::new(10, 10), PerSource::new(2, 10));
        let door = Arc::new(Door { builder: builder(), router, transport, newcomers, sources });
        let mut tasks = JoinSet::new();
        tasks.spawn(door.run(listener, std::future::pending()));
        let (mut kept, mut answered) = (Vec::new(), [false; 3]);
        for answered in &mut answered {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
            *answered = stream.read(&mut [0]).await.unwrap_or(0) > 0;
            kept.push(stream);
        }
        answered
    }

    #[tokio::test]
    async fn a_source_has_so_many_connections_and_a_proxy_brings_more() {
        assert_eq!(three(Transport::default()).await, [true, true, false]);
        let proxies = ["127.0.0.1".parse().unwrap()].into_iter().collect();
        assert_eq!(three(Transport { proxies, ..Transport::default() }).await, [true; 3]);
    }
}

//! The accept loop: HTTP/1.1 and HTTP/2 without TLS on one port, with limits on time, headers and connections (A01).

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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::client::Peer;
use crate::limits::{
    ACCEPT_PAUSE, CONNECTIONS, FIRST_REQUEST_TIME, HEADER_BYTES, HEADER_FIELDS, HEADER_TIME, NEWCOMERS_PER_SOURCE,
    PING_INTERVAL, PING_TIME, REQUESTS_PER_CONNECTION, STOP_TIME,
};
use crate::per_source::{PerSource, Place};

/// Serves `router` until `stop` is ready; then takes no more connections, lets running requests end for at most
/// [`STOP_TIME`], and returns. Event streams end by the state's [`crate::Stop`]: make `stop` from the same.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    run(listener, router, stop, PerSource::new(NEWCOMERS_PER_SOURCE, CONNECTIONS)).await;
}

async fn run(listener: TcpListener, router: Router, stop: impl Future<Output = ()>, newcomers: Arc<PerSource>) {
    let mut stop = pin!(stop);
    let builder = builder();
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
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
        let Some(newcomer) = newcomers.enter(peer.ip()) else {
            tracing::debug!(%peer, "a connection was cut: its source has too many that say nothing");
            continue;
        };
        let (builder, router, watcher) = (builder.clone(), router.clone(), graceful.watcher());
        connections.spawn(async move {
            connection(&builder, router, stream, peer, (watcher, newcomer)).await;
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(STOP_TIME, graceful.shutdown()).await.is_err() {
        tracing::warn!(left = connections.len(), "connections were cut, as their requests did not end in time");
    }
    connections.shutdown().await;
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

async fn connection(
    builder: &Builder<TokioExecutor>,
    router: Router,
    stream: TcpStream,
    peer: SocketAddr,
    (watcher, newcomer): (Watcher, Place),
) {
    // Small answers go out at once; a failure costs milliseconds only.
    let _ = stream.set_nodelay(true);
    let started = Arc::new(Notify::new());
    let begun = Arc::clone(&started);
    let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        begun.notify_one();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        router.clone().oneshot(request)
    });
    let served = watcher.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned());
    let mut served = pin!(served);
    // hyper's own limit begins with the first header byte of HTTP/1.1; a peer that sends less than a preface has no other.
    let first = tokio::time::timeout(FIRST_REQUEST_TIME, async {
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
        tasks.spawn(run(listener, router, std::future::pending(), Arc::clone(&newcomers)));
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
}

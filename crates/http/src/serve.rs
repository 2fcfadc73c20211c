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
    ACCEPT_PAUSE, CONNECTIONS, FIRST_REQUEST_TIME, HEADER_BYTES, HEADER_FIELDS, HEADER_TIME, PING_INTERVAL, PING_TIME,
    REQUESTS_PER_CONNECTION, STOP_TIME,
};

/// Serves `router` until `stop` is ready; then takes no more connections, lets running requests end for at most
/// [`STOP_TIME`], and returns. Event streams end by the state's [`crate::Stop`]: make `stop` from the same.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
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
        let (builder, router, watcher) = (builder.clone(), router.clone(), graceful.watcher());
        connections.spawn(async move {
            connection(&builder, router, stream, peer, watcher).await;
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
    watcher: Watcher,
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
            done = &mut served => Some(done),
            () = started.notified() => None,
        }
    });
    let done = match first.await {
        Err(_) => return,
        Ok(Some(done)) => done,
        Ok(None) => served.await,
    };
    if let Err(error) = done {
        tracing::debug!(error = %error, "a connection ended early");
    }
}

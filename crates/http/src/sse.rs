//! Event streams (WHATWG HTML section 9.2): the state at once and at each change, and nothing in between but comment lines.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use nod_engine::Fault;
use nod_engine::ports::Waiter;
use serde::Serialize;

use crate::client::Client;
use crate::fault::Refusal;
use crate::limits::{STREAM_COMMENT, STREAM_RETRY_SECONDS};
use crate::origin;
use crate::per_source::Place;
use crate::state::AppState;
use crate::stop::Stop;

/// Leave to open one stream: the request is not another site's (W16), and its source has not too many (A04). Ends when dropped.
#[derive(Debug)]
pub struct OpenStream {
    stop: Stop,
    _place: Place,
}

impl FromRequestParts<AppState> for OpenStream {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        if !origin::may_listen(&parts.headers, state.public().origin()) {
            return Err(origin::refusal());
        }
        let Client(source) = Client::from_request_parts(parts, state).await?;
        let too_many = Fault::TooMany { retry_after_seconds: STREAM_RETRY_SECONDS };
        let place = state.streams().enter(source).ok_or(too_many)?;
        Ok(Self { stop: state.stop(), _place: place })
    }
}

type Reading<T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send>>;

struct Channel<T> {
    open: OpenStream,
    event: &'static str,
    waiters: Vec<Waiter>,
    read: Box<dyn FnMut() -> Reading<T> + Send>,
    last: Option<serde_json::Value>,
}

/// A stream of `event`s. Take `waiters` before the first look at the state. `read` gives the state now, for whoever still may
/// see it; its error ends the stream, and the client finds out why when it asks again. A member `now` is no change by itself.
pub fn events<T, F, R>(open: OpenStream, event: &'static str, waiters: Vec<Waiter>, mut read: F) -> Response
where
    T: Serialize + 'static,
    F: FnMut() -> R + Send + 'static,
    R: Future<Output = Result<T, Fault>> + Send + 'static,
{
    let read: Box<dyn FnMut() -> Reading<T> + Send> = Box::new(move || Box::pin(read()));
    let channel = Channel { open, event, waiters, read, last: None };
    let lines = stream::unfold(channel, |mut channel| async move {
        let lines = channel.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(lines)), channel))
    });
    let mut response = Body::from_stream(lines).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    // nginx would keep the lines back otherwise.
    headers.insert("x-accel-buffering", http::HeaderValue::from_static("no"));
    response
}

impl<T: Serialize> Channel<T> {
    /// The next lines; none at the end.
    async fn next(&mut self) -> Option<String> {
        let first = self.last.is_none();
        loop {
            let ticked = if first { false } else { self.wait().await? };
            let data = (self.read)().await.ok()?;
            let mut seen = serde_json::to_value(&data).ok()?;
            if let Some(members) = seen.as_object_mut() {
                members.remove("now");
            }
            if self.last.as_ref() != Some(&seen) {
                self.last = Some(seen);
                return Some(format!("event: {}\ndata: {}\n\n", self.event, serde_json::to_string(&data).ok()?));
            }
            if ticked {
                return Some(":\n\n".to_owned());
            }
        }
    }

    /// Whether it was the clock that ended the wait, and not a change; none when the server stops.
    async fn wait(&mut self) -> Option<bool> {
        let changes = self.waiters.iter_mut().map(|waiter| Box::pin(waiter.changed()));
        let changed = async {
            if changes.len() == 0 {
                std::future::pending::<()>().await;
            }
            futures::future::select_all(changes).await;
        };
        tokio::select! {
            () = self.open.stop.clone().requested() => None,
            () = changed => Some(false),
            () = tokio::time::sleep(STREAM_COMMENT) => Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::per_source::PerSource;
    use crate::stop::StopHandle;
    use http_body_util::BodyExt as _;
    use nod_engine::ports::{Topic, Wakes};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Serialize)]
    struct Data {
        value: usize,
        now: usize,
    }

    fn open() -> (StopHandle, Arc<PerSource>, OpenStream) {
        let (handle, stop) = StopHandle::new();
        let streams = PerSource::new(1, 1);
        let place = streams.enter([127, 0, 0, 1].into()).unwrap();
        (handle, streams, OpenStream { stop, _place: place })
    }

    async fn frame(body: &mut Body) -> Option<String> {
        let frame = body.frame().await?.unwrap();
        Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn it_speaks_at_once_then_at_changes_and_ends_at_the_stop() {
        let (handle, streams, open) = open();
        let wakes = Wakes::default();
        let value = Arc::new(AtomicUsize::new(1));
        let reads = AtomicUsize::new(0);
        let shared = Arc::clone(&value);
        let waiters = vec![wakes.wait_for(Topic::Outbox)];
        let mut body = events(open, "state", waiters, move || {
            let data = Data { value: shared.load(Ordering::SeqCst), now: reads.fetch_add(1, Ordering::SeqCst) };
            async move { Ok(data) }
        })
        .into_body();
        assert_eq!(frame(&mut body).await.unwrap(), "event: state\ndata: {\"value\":1,\"now\":0}\n\n");
        wakes.wake_all();
        assert_eq!(frame(&mut body).await.unwrap(), ":\n\n", "a wake without a change says nothing, the clock does");
        value.store(2, Ordering::SeqCst);
        wakes.wake_all();
        assert!(frame(&mut body).await.unwrap().contains("\"value\":2"));
        handle.stop();
        assert_eq!(frame(&mut body).await, None);
        drop(body);
        assert_eq!(streams.taken(), 0);
        assert_eq!(wakes.topics(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_for_a_reader_without_rights() {
        let (_handle, _, open) = open();
        let mut left = 1;
        let mut body = events(open, "state", Vec::new(), move || {
            left -= 1;
            async move { if left < 0 { Err(Fault::NotSignedIn) } else { Ok(1) } }
        })
        .into_body();
        assert_eq!(frame(&mut body).await.unwrap(), "event: state\ndata: 1\n\n");
        assert_eq!(frame(&mut body).await, None);
    }
}

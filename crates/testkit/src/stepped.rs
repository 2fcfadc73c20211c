//! Yield points: each call of the store first gives way once, then runs to its end without another pause.
//!
//! An executor that drops a future at such a point has crashed the task between two calls, which is the only place where a
//! commit of the store leaves a choice.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use async_trait::async_trait;
use nod_core::{Millis, Timestamp};
use nod_engine::ports::{CommitError, Store, StoreResult, Wakes, Write};

use crate::calls::{rows::*, store_calls};

/// A store whose every call gives way once before it runs, as one engine sees it.
#[derive(Debug, Clone)]
pub struct Stepped<S> {
    /// The store, shared with other engines.
    pub inner: Arc<S>,
    /// How wrong this engine is about the time when it asks for it. Guards are judged by the store's own clock all the same.
    pub skew: Millis,
    /// Counts commits of all engines, tried or done.
    pub commits: Arc<AtomicU64>,
}

/// Gives way once: pending, then ready. It wakes its task, so that an ordinary executor goes on at once.
#[derive(Debug, Default)]
pub struct GiveWay(bool);

impl Future for GiveWay {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs `future` to its end on this thread. Unlike an executor's own function it may be called inside any executor.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

macro_rules! stepped {
    ($(fn $call:ident($($name:ident: $kind:ty),*) -> $output:ty;)*) => {
        #[async_trait]
        impl<S: Store> Store for Stepped<S> {
            fn wakes(&self) -> &Wakes {
                self.inner.wakes()
            }
            async fn now(&self) -> StoreResult<Timestamp> {
                GiveWay::default().await;
                block_on(self.inner.now()).map(|now| now.after(self.skew))
            }
            async fn commit(&self, writes: Vec<Write>) -> Result<(), CommitError> {
                GiveWay::default().await;
                self.commits.fetch_add(1, Ordering::Relaxed);
                block_on(self.inner.commit(writes))
            }
            $(
                async fn $call(&self, $($name: $kind),*) -> $output {
                    GiveWay::default().await;
                    block_on(self.inner.$call($($name),*))
                }
            )*
        }
    };
}

store_calls!(stepped);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;

    #[test]
    fn a_call_gives_way_once_and_a_dropped_one_has_done_nothing() {
        let store = Stepped { inner: Arc::new(MemoryStore::default()), skew: Millis(0), commits: Arc::default() };
        let set = |key: &str| vec![Write::SetMeta { key: key.to_owned(), value: vec![1] }];
        let mut context = Context::from_waker(Waker::noop());
        {
            let mut dropped = pin!(store.commit(set("dropped")));
            assert!(dropped.as_mut().poll(&mut context).is_pending());
        }
        {
            let mut kept = pin!(store.commit(set("kept")));
            assert!(kept.as_mut().poll(&mut context).is_pending());
            assert!(kept.as_mut().poll(&mut context).is_ready());
        }
        assert_eq!(block_on(store.meta("dropped")), Ok(None));
        assert_eq!(block_on(store.meta("kept")), Ok(Some(vec![1])));
    }
}

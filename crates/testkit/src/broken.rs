//! A store one of whose calls fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use nod_core::Timestamp;
use nod_engine::ports::{CommitError, Store, StoreError, StoreResult, Wakes, Write};

use crate::calls::{rows::*, store_calls};

/// A store that lets so many calls through, fails one, and lets the rest through.
#[derive(Debug)]
pub struct Broken<S> {
    /// The store behind it.
    pub inner: Arc<S>,
    /// Calls before the one that fails; far above zero afterwards.
    pub countdown: AtomicU64,
}

impl<S> Broken<S> {
    fn pass(&self) -> StoreResult<()> {
        match self.countdown.fetch_sub(1, Ordering::Relaxed) {
            // The counter wraps, and is not zero again in any test's life.
            0 => Err(StoreError("broken for a test".to_owned())),
            _ => Ok(()),
        }
    }
    /// Whether the failing call has been made.
    pub fn has_failed(&self) -> bool {
        self.countdown.load(Ordering::Relaxed) > u64::MAX / 2
    }
}

macro_rules! broken {
    ($(fn $call:ident($($name:ident: $kind:ty),*) -> $output:ty;)*) => {
        #[async_trait]
        impl<S: Store> Store for Broken<S> {
            fn wakes(&self) -> &Wakes {
                self.inner.wakes()
            }
            async fn now(&self) -> StoreResult<Timestamp> {
                self.pass()?;
                self.inner.now().await
            }
            async fn commit(&self, writes: Vec<Write>) -> Result<(), CommitError> {
                self.pass()?;
                self.inner.commit(writes).await
            }
            $(
                async fn $call(&self, $($name: $kind),*) -> $output {
                    self.pass()?;
                    self.inner.$call($($name),*).await
                }
            )*
        }
    };
}

store_calls!(broken);

//! A store before each of whose calls something is done.

use std::sync::Arc;

use async_trait::async_trait;
use nod_core::Timestamp;
use nod_engine::ports::{CommitError, Store, StoreResult, Wakes, Write};

use crate::calls::{rows::*, store_calls};

/// What is done before each call.
#[async_trait]
pub trait Hook: Send + Sync {
    /// Does it.
    async fn before(&self);
}

/// A store before each of whose calls a hook runs, for example to tell a database what the test's clock shows.
#[derive(Debug)]
pub struct Before<S, H> {
    /// The store.
    pub inner: Arc<S>,
    /// What is done first.
    pub hook: H,
}

macro_rules! before {
    ($(fn $call:ident($($name:ident: $kind:ty),*) -> $output:ty;)*) => {
        #[async_trait]
        impl<S: Store, H: Hook> Store for Before<S, H> {
            fn wakes(&self) -> &Wakes {
                self.inner.wakes()
            }
            async fn now(&self) -> StoreResult<Timestamp> {
                self.hook.before().await;
                self.inner.now().await
            }
            async fn commit(&self, writes: Vec<Write>) -> Result<(), CommitError> {
                self.hook.before().await;
                self.inner.commit(writes).await
            }
            $(
                async fn $call(&self, $($name: $kind),*) -> $output {
                    self.hook.before().await;
                    self.inner.$call($($name),*).await
                }
            )*
        }
    };
}

store_calls!(before);

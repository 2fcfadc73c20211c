//! A running server takes up another data key when its file changes.

use std::path::PathBuf;
use std::time::Duration;

use nod_engine::Engine;

use crate::data_key::{self, Place};

/// Time between two looks at the file.
pub(crate) const KEY_LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks at the file of keys until it is told to stop. A file that holds no keys changes nothing.
pub(crate) async fn watch(engine: Engine, path: PathBuf, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let mut looks = tokio::time::interval(KEY_LOOK_EVERY);
    // The first look reads it: it may have changed since the start.
    let mut known = None;
    loop {
        tokio::select! {
            () = &mut stop => return,
            _ = looks.tick() => {}
        }
        let found = data_key::stamp(&path);
        if found.is_none() || found == known {
            continue;
        }
        let first = known.is_none();
        known = found;
        match Place::File(path.clone()).read() {
            Ok(keys) => {
                if let Some(keys) = keys.data_keys() {
                    engine.vault().replace(&keys);
                }
                if !first {
                    tracing::info!(file = %path.display(), "the data keys were changed and taken up");
                }
            }
            Err(error) => tracing::error!("the data keys stay as they were: {error}"),
        }
    }
}

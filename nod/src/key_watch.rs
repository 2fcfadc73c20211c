//! A running server takes up another data key when its file changes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nod_engine::{Engine, Vault};

use crate::data_key::{self, Place};
use crate::failure::{Failure, Outcome};
use crate::installation::check_key;

/// Time between two looks at the file.
pub(crate) const KEY_LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks at the file of keys until it is told to stop. A file that holds no keys, or not those that the database was made with,
/// changes nothing: a server with a foreign key would refuse every phone, and make rows that only that key opens.
pub(crate) async fn watch(engine: Engine, path: PathBuf, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let mut looks = tokio::time::interval(KEY_LOOK_EVERY);
    // The first look reads it: it may have changed since the start.
    let mut known = None;
    let mut refused = None;
    loop {
        tokio::select! {
            () = &mut stop => return,
            _ = looks.tick() => {}
        }
        let found = data_key::stamp(&path);
        if found.is_none() || found == known {
            continue;
        }
        match take_up(&engine, &path).await {
            Ok(()) => {
                if known.is_some() {
                    tracing::info!(file = %path.display(), "the data keys were changed and taken up");
                }
                known = found;
            }
            // Looked at again and again, as the database may have failed just now; told once.
            Err(failure) if refused != found => {
                tracing::error!("the data keys stay as they were: {}", failure.words());
                refused = found;
            }
            Err(_) => {}
        }
    }
}

async fn take_up(engine: &Engine, path: &Path) -> Outcome {
    let keys = Place::File(path.to_owned()).read()?.data_keys();
    let keys = keys.ok_or_else(|| Failure::new("there is no data key"))?;
    check_key(&**engine.store(), &Vault::with(&keys)).await?;
    engine.vault().replace(&keys);
    Ok(())
}

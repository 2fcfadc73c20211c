//! What an installation remembers of its restores, among its values: `restore/N`, written with the rows of the backup, and
//! `restored/N`, the signed checkpoint of that restore, written as its last act.

use nod_engine::ports::{Store, StoreResult, Write};

use crate::failure::{Failure, Outcome};

/// Most restores that are remembered.
const MAX_RESTORES: usize = 1_000;

/// The values under `PREFIX/0`, `PREFIX/1` and so on.
async fn values(store: &dyn Store, prefix: &str) -> StoreResult<Vec<Vec<u8>>> {
    let mut values = Vec::new();
    while let Some(value) = store.meta(&format!("{prefix}/{}", values.len())).await? {
        values.push(value);
        if values.len() == MAX_RESTORES {
            break;
        }
    }
    Ok(values)
}

/// What tells the time since the last restore from those before (D11).
pub(crate) async fn epoch(store: &dyn Store) -> StoreResult<Vec<u8>> {
    Ok(values(store, "restore").await?.pop().unwrap_or_default())
}

/// The signed checkpoints of all restores, oldest first.
pub(crate) async fn checkpoints(store: &dyn Store) -> StoreResult<Vec<String>> {
    let values = values(store, "restored").await?;
    Ok(values.into_iter().filter_map(|value| String::from_utf8(value).ok()).collect())
}

/// Writes down the checkpoint of the restore that is under way, which is then done.
pub(crate) async fn finish(store: &dyn Store, checkpoint: &str) -> Outcome {
    let number = checkpoints(store).await?.len();
    let write = Write::SetMeta { key: format!("restored/{number}"), value: checkpoint.as_bytes().to_vec() };
    Ok(store.commit(vec![write]).await?)
}

/// Refuses rows of a restore that was broken off: what has to follow on it was not done.
pub(crate) async fn check_finished(store: &dyn Store) -> Outcome {
    if values(store, "restore").await?.len() == checkpoints(store).await?.len() {
        return Ok(());
    }
    Err(Failure::new("a restore into this database was broken off: empty the database and run nod restore again"))
}

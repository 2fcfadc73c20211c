//! How far the audit was sent, among the installation's values.

use nod_core::audit::Link;
use nod_engine::ports::{CommitError, Store, StoreResult, Write};
use serde::{Deserialize, Serialize};

use crate::failure::Outcome;

/// A node that began to send may take this long, in milliseconds: more than one sending can.
const LEASE: i64 = 30_000;

/// A place, and how it is written down.
pub(super) struct Found {
    /// Bytes that stand there; none before the first start.
    pub(super) stored: Option<Vec<u8>>,
    /// What they say.
    pub(super) place: Place,
}

/// How far it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Place {
    /// Number of the last event that was sent; 0 before the first.
    pub(super) sequence: i64,
    /// Its hash.
    hash: String,
    /// A node may be sending until then: the store's clock, in milliseconds.
    until: i64,
}

impl Place {
    /// After this event.
    pub(super) fn of(link: &Link) -> Self {
        Self { sequence: link.sequence, hash: hash(link), until: 0 }
    }

    /// The same, and a node may be sending from now on.
    pub(super) fn leased(&self, now: i64) -> Self {
        Self { until: now.saturating_add(LEASE), ..self.clone() }
    }

    /// The same, and nobody is sending.
    pub(super) fn freed(self) -> Self {
        Self { until: 0, ..self }
    }

    pub(super) fn is_leased(&self, now: i64) -> bool {
        // What is further away than a lease can be, none gave.
        self.until > now && self.until <= now.saturating_add(LEASE)
    }

    /// At most so many events behind this place; none where the audit does not hold it.
    pub(super) async fn behind(&self, store: &dyn Store, most: u32) -> StoreResult<Option<Vec<Link>>> {
        let from = self.sequence.saturating_sub(1).max(0);
        let mut links = store.audit_after(from, most).await?;
        if self.sequence > 0 {
            if !links.first().is_some_and(|link| link.sequence == self.sequence && hash(link) == self.hash) {
                return Ok(None);
            }
            links.remove(0);
        }
        Ok(Some(links))
    }

    /// Puts it where `stored` stands under this key, and gives its bytes; none when something else stands there by now.
    pub(super) async fn put(&self, store: &dyn Store, key: &str, stored: Option<Vec<u8>>) -> Outcome<Option<Vec<u8>>> {
        let to = serde_json::to_vec(self)?;
        let (key, value) = (key.to_owned(), to.clone());
        let write = match stored {
            Some(from) => Write::ChangeMeta { key, from, to: value },
            None => Write::SetMeta { key, value },
        };
        match store.commit(vec![write]).await {
            Ok(()) => Ok(Some(to)),
            Err(CommitError::Conflict { .. }) => Ok(None),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }
}

/// The place under this key. One that nobody could have written down is none: all events are sent again rather than none.
pub(super) async fn find(store: &dyn Store, key: &str) -> StoreResult<Found> {
    let stored = store.meta(key).await?;
    let place = stored.as_ref().and_then(|place| serde_json::from_slice(place).ok()).unwrap_or_default();
    Ok(Found { stored, place })
}

/// Number of the last event of the audit; 0 where there is none.
pub(super) async fn head(store: &dyn Store) -> StoreResult<i64> {
    Ok(store.audit(None, 1).await?.first().map_or(0, |(sequence, _)| *sequence))
}

fn hash(link: &Link) -> String {
    link.hash.map(|hash| hash.to_string()).unwrap_or_default()
}

//! How far the audit was sent, among the installation's values. A keyed checksum keeps an edit from hiding events (INV-21).

use nod_core::audit::Link;
use nod_engine::ports::{CommitError, Store, StoreResult, Write};
use nod_engine::{Engine, Vault};
use nod_protocol::b64;
use serde::{Deserialize, Serialize};

use crate::failure::Outcome;

/// A node that began to send may take this long, in milliseconds: more than one sending can.
const LEASE: i64 = 30_000;
/// What the checksum is of.
const LABEL: &str = "audit sent";

/// A place, and how it is written down.
pub(super) struct Found {
    /// Bytes that stand there; none before the first start.
    pub(super) stored: Option<Vec<u8>>,
    /// What they say.
    pub(super) place: Place,
    /// They say nothing that we wrote.
    pub(super) edited: bool,
}

/// How far it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Place {
    /// Number of the last event that was sent; 0 before the first.
    pub(super) sequence: i64,
    /// Its hash.
    hash: String,
    /// A node may be sending until then: the store's clock, in milliseconds. It never holds events back for longer than a lease.
    until: i64,
    /// Over the key, the number and the hash.
    #[serde(default)]
    checksum: String,
}

impl Place {
    /// After this event.
    pub(super) fn of(link: &Link) -> Self {
        Self { sequence: link.sequence, hash: hash(link), ..Self::default() }
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

    /// What the checksum is over. Neither a key nor a hash holds a blank.
    fn said(&self, key: &str) -> String {
        format!("{key} {} {}", self.sequence, self.hash)
    }

    fn is_ours(&self, vault: &Vault, key: &str) -> bool {
        let checksum = b64::decode(&self.checksum);
        checksum.is_ok_and(|checksum| vault.holds(&checksum, LABEL, &[self.said(key).as_bytes()]))
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
    pub(super) async fn put(&self, engine: &Engine, key: &str, stored: Option<Vec<u8>>) -> Outcome<Option<Vec<u8>>> {
        let checksum = b64::encode(engine.vault().mac(LABEL, &[self.said(key).as_bytes()]));
        let to = serde_json::to_vec(&Self { checksum, ..self.clone() })?;
        let (key, value) = (key.to_owned(), to.clone());
        let write = match stored {
            Some(from) => Write::ChangeMeta { key, from, to: value },
            None => Write::SetMeta { key, value },
        };
        match engine.store().commit(vec![write]).await {
            Ok(()) => Ok(Some(to)),
            Err(CommitError::Conflict { .. }) => Ok(None),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }
}

/// The place under this key. One that we did not write down is none: all events are sent again rather than none.
pub(super) async fn find(engine: &Engine, key: &str) -> StoreResult<Found> {
    let stored = engine.store().meta(key).await?;
    let place: Option<Place> = stored.as_ref().and_then(|place| serde_json::from_slice(place).ok());
    let ours = place.filter(|place| place.is_ours(engine.vault(), key));
    let edited = stored.is_some() && ours.is_none();
    Ok(Found { stored, place: ours.unwrap_or_default(), edited })
}

/// Number of the last event of the audit; 0 where there is none.
pub(super) async fn head(store: &dyn Store) -> StoreResult<i64> {
    Ok(store.audit(None, 1).await?.first().map_or(0, |(sequence, _)| *sequence))
}

fn hash(link: &Link) -> String {
    link.hash.map(|hash| hash.to_string()).unwrap_or_default()
}

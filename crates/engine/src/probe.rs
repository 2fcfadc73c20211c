//! Whether the store can do what every sign-in needs: read, and make a commit durable.

use nod_core::Millis;
use nod_core::limits::Limit;

use crate::engine::Engine;
use crate::fault::{Outcome, applied};
use crate::ports::Write;

/// How often one process may probe by writing; more probes than these only read.
const PROBES: Limit = Limit { count: 600, window: Millis::seconds(60) };

/// The counter that one process probes with: no two wait for each other's row.
#[derive(Debug, Clone)]
pub struct StoreProbe(String);

impl Engine {
    /// A counter of its own to probe with.
    #[must_use]
    pub fn store_probe(&self) -> StoreProbe {
        StoreProbe(format!("probe/{}", nod_protocol::b64::encode(self.fresh_id())))
    }

    /// Reads a row and commits a change of it.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn probe_store(&self, probe: &StoreProbe) -> Outcome<()> {
        self.store.count(&probe.0, PROBES).await?;
        let count = Write::Count { bucket: probe.0.clone(), limit: PROBES };
        applied(self.store.commit(vec![count]).await).map(|_| ())
    }
}

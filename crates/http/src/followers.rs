//! How far those are to whom events of the audit are sent.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct To {
    to: String,
}

/// Whoever sends events says here how it goes; `/metrics` tells it.
#[derive(Debug, Clone, Default)]
pub struct Followers {
    waiting: Family<To, Gauge>,
    failures: Family<To, Counter>,
}

impl Followers {
    /// So many events wait for this one.
    pub fn waiting(&self, to: &str, events: i64) {
        self.waiting.get_or_create(&To { to: to.to_owned() }).set(events.max(0));
    }

    /// A sending to this one failed.
    pub fn failed(&self, to: &str) {
        self.failures.get_or_create(&To { to: to.to_owned() }).inc();
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("nod_audit_waiting", "Events of the audit that wait to be sent", self.waiting.clone());
        registry.register("nod_audit_send_failures", "Sendings of events that failed", self.failures.clone());
    }
}

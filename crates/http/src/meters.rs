//! What the faces count: requests by route and status, and open channels. A path as it was asked for, a name or an
//! address is never a label (INV-24).

use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper ends of the time to an answer's headers, in seconds.
const SECONDS: [f64; 10] = [0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

/// Counters of the faces. Clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Meters {
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    pub(crate) channels: Gauge,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            channels: Gauge::default(),
        }
    }
}

impl Meters {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("nod_http_requests", "Requests by method, route and status", self.requests.clone());
        let help = "Time to the headers of the answer";
        registry.register_with_unit("nod_http_request", help, Unit::Seconds, self.seconds.clone());
        let help = "Open event streams of pages and phones";
        registry.register("nod_live_channels", help, self.channels.clone());
    }

    /// One request was answered. `route` is the route's pattern.
    pub(crate) fn answered(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let labels = RequestLabels { method: known(method), route: route.to_owned(), status: status.as_u16() };
        self.requests.get_or_create(&labels).inc();
        let labels = RouteLabels { route: labels.route };
        self.seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }
}

/// A method by one of few names: a request may carry any word.
pub(crate) fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

//! Traces for an OpenTelemetry collector, where one is configured.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use tokio::runtime::Handle;
use url::Url;

use crate::failure::Outcome;

/// Where a collector takes traces (OTLP over HTTP).
const PATH: &str = "/v1/traces";
/// What it is asked may take this long; what waits longer than its bounded queue is dropped.
const SEND_TIME: Duration = Duration::from_secs(5);

/// Sends spans until the server ends.
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// To the collector at this address.
    pub(crate) fn to(collector: &Url) -> Outcome<Self> {
        let client = reqwest::Client::builder()
            .timeout(SEND_TIME)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("nod/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let sender = Sender { client, runtime: Handle::current(), failing: AtomicBool::new(false) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(sender)
            .with_endpoint(format!("{}{PATH}", collector.as_str().trim_end_matches('/')))
            .with_timeout(SEND_TIME)
            .build()?;
        let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder_empty().with_service_name("nod").with_attribute(version).build();
        Ok(Self(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build()))
    }

    /// What spans are made with.
    pub(crate) fn tracer(&self) -> Tracer {
        self.0.tracer("nod")
    }

    /// Sends what is left.
    pub(crate) async fn end(self) {
        // Waits on this thread for its own.
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(SEND_TIME)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::debug!("the last traces were not sent");
        }
    }
}

/// Our HTTP client, for the exporter's own thread.
struct Sender {
    client: reqwest::Client,
    runtime: Handle,
    failing: AtomicBool,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender(..)")
    }
}

impl Sender {
    async fn send(&self, request: Request<Bytes>) -> reqwest::Result<Response<Bytes>> {
        let (parts, body) = request.into_parts();
        let asked = self.client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
        let answer = asked.send().await?.error_for_status()?;
        let status = answer.status();
        let mut response = Response::new(answer.bytes().await?);
        *response.status_mut() = status;
        Ok(response)
    }
}

#[async_trait::async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // The thread is the exporter's and no part of the runtime.
        let sent = self.runtime.block_on(self.send(request)).map_err(reqwest::Error::without_url);
        // Told when it begins and when it is over, not at each try.
        if self.failing.swap(sent.is_err(), Ordering::Relaxed) != sent.is_err() {
            match &sent {
                Ok(_) => tracing::info!("traces are sent again"),
                Err(error) => tracing::warn!(%error, "traces cannot be sent to the collector, and are dropped"),
            }
        }
        Ok(sent?)
    }
}

//! The HTTP client of every sender: its limits, its TLS, what is read of an answer, what may be told of an error.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::{Client, ClientBuilder, Response, redirect};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::CertificateDer;
use rustls_platform_verifier::Verifier;

use crate::gate::GateError;

/// Longest wait for a connection, name look-up and TLS included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest time for one send, from look-up to the end of the answer.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);
/// With a send open on an HTTP/2 connection, silence after which it is asked for a sign of life.
pub const PING_INTERVAL: Duration = Duration::from_secs(2);
/// Longest wait for that sign. Without it a dead connection would stay in the pool and swallow every retry, since a
/// request that times out leaves its HTTP/2 connection open.
pub const PING_TIMEOUT: Duration = Duration::from_secs(2);
/// Idle connections kept per push service.
pub const MAX_IDLE_PER_HOST: usize = 8;
/// How long an idle connection is kept.
pub const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(90);
/// Most of an answer's body that is read, in bytes.
pub const MAX_RESPONSE_BYTES: usize = 4096;
/// Longest `Retry-After` that is read as such; a larger one is cut to this.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// Longest `Retry-After` text that is looked at, in bytes. An HTTP date has 29.
const MAX_RETRY_AFTER_BYTES: usize = 64;
/// Time limits of the client; [`Default`] gives the product's, tests shorten them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// See [`CONNECT_TIMEOUT`].
    pub connect: Duration,
    /// See [`TOTAL_TIMEOUT`].
    pub total: Duration,
    /// See [`PING_INTERVAL`].
    pub ping_interval: Duration,
    /// See [`PING_TIMEOUT`].
    pub ping_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: CONNECT_TIMEOUT,
            total: TOTAL_TIMEOUT,
            ping_interval: PING_INTERVAL,
            ping_timeout: PING_TIMEOUT,
        }
    }
}

/// Why the sender could not be built.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// No usable trust store.
    #[error("the system's certificate authorities cannot be read; install the ca-certificates package: {0}")]
    Trust(#[source] rustls::Error),
    /// The proxy's address is not usable.
    #[error("the egress proxy must be http://host:port or https://host:port")]
    Proxy,
    /// The HTTP client refused its settings.
    #[error("the HTTP client for push could not be built: {0}")]
    Client(#[source] reqwest::Error),
}

/// A client without its resolver: no redirect is followed, no proxy of the environment used.
pub(crate) fn builder(roots: Vec<CertificateDer<'static>>, limits: Limits) -> Result<ClientBuilder, SetupError> {
    let builder = Client::builder()
        .tls_backend_preconfigured(tls(roots)?)
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(limits.connect)
        .timeout(limits.total)
        .http2_keep_alive_interval(limits.ping_interval)
        .http2_keep_alive_timeout(limits.ping_timeout)
        .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT);
    Ok(builder)
}

/// TLS with the system's trust store and our provider, offering HTTP/2 first.
fn tls(extra_roots: Vec<CertificateDer<'static>>) -> Result<ClientConfig, SetupError> {
    let provider = Arc::new(default_provider());
    let verifier = Verifier::new_with_extra_roots(extra_roots, Arc::clone(&provider)).map_err(SetupError::Trust)?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(SetupError::Trust)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Reads a short answer to its end, so that its connection can be used again; a long or broken one is dropped. Gives what came.
pub(crate) async fn read_start(response: &mut Response, most: usize) -> Vec<u8> {
    let mut read = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = most.saturating_sub(read.len());
        read.extend(chunk.iter().take(room));
        if chunk.len() > room {
            break;
        }
    }
    read
}

/// Errors of the client carry the address, a capability (INV-24): this, or what is at the bottom, is all that may be told.
pub(crate) fn refused_by_gate(error: &reqwest::Error) -> Option<GateError> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(refused) = inner.downcast_ref::<GateError>() {
            return Some(refused.clone());
        }
        source = inner.source();
    }
    None
}

/// What is at the bottom of a failed request, for people.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| "the request failed".to_owned(), ToString::to_string)
}

/// The header `Retry-After`.
pub(crate) fn retry_after(headers: &HeaderMap, now_ms: i64) -> Option<Duration> {
    parse_retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, now_ms)
}

/// `Retry-After` as seconds or as an HTTP date (RFC 9110 section 10.2.3); anything else is `None`.
fn parse_retry_after(text: &str, now_ms: i64) -> Option<Duration> {
    let text = text.trim();
    if text.len() > MAX_RETRY_AFTER_BYTES {
        return None;
    }
    let delay = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let then = DateTimeParser::new().parse_timestamp(text).ok()?.as_millisecond();
            Duration::from_millis(u64::try_from(then.saturating_sub(now_ms)).unwrap_or(0))
        }
    };
    Some(delay.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_retry_after_is_bounded(text in ".{0,80}|[0-9]{1,30}|[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT", now: i64) {
            prop_assert!(parse_retry_after(&text, now).unwrap_or_default() <= MAX_RETRY_AFTER);
        }
    }
}

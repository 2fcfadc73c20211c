//! The sender: one pooled client, one request per doorbell, one [`Outcome`].

use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Proxy, Response};
use rustls::pki_types::CertificateDer;
use std::time::Duration;
use url::Url;

use super::Entropy;
use super::encrypt::{EncryptError, MessageKeys, encrypt};
use super::payload::{Message, PublicOrigin, render};
use super::subscription::Subscription;
use super::vapid::{VapidError, VapidKey, VapidSigner, VapidSubject};
use crate::client::{Limits, MAX_RESPONSE_BYTES, SetupError, read_start, refused_by_gate, retry_after};
use crate::gate::{Gate, GateError, GatedResolver, ProxyResolver, Resolver};

/// Highest TTL sent, in seconds (Mozilla's limit, 30 days).
pub const MAX_TTL_S: i64 = 2_592_000;

const TTL: HeaderName = HeaderName::from_static("ttl");
const URGENCY: HeaderName = HeaderName::from_static("urgency");
const TOPIC: HeaderName = HeaderName::from_static("topic");

/// What the sender is built from. No `Debug`: the proxy's address may hold a password (INV-24).
#[derive(Clone)]
pub struct WebPushConfig {
    /// The operator's contact.
    pub subject: VapidSubject,
    /// The origin of the authenticator.
    pub origin: PublicOrigin,
    /// `push.allow_insecure_endpoints`.
    pub allow_insecure: bool,
    /// An HTTP proxy for every push. It resolves names, so it must refuse inner addresses itself; inner names and
    /// literal inner addresses are refused here all the same.
    pub egress_proxy: Option<Url>,
    /// Certificate authorities trusted beside the system's, for a push service of one's own.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Time limits.
    pub limits: Limits,
}

/// Why a send may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryCause {
    /// The service is busy or broken.
    Status(u16),
    /// No answer within the limits.
    Timeout,
    /// No connection, a TLS failure, or an answer that breaks the protocol.
    Network,
}

/// Why a message could not be built. Nothing in it is the phone's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The payload could not be written as JSON.
    #[error("the push payload could not be written")]
    Payload,
    /// Encryption failed.
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
    /// Signing failed.
    #[error(transparent)]
    Vapid(#[from] VapidError),
}

/// What became of one send. Acceptance is not delivery: only the phone's own fetch proves that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The push service took it (2xx).
    Accepted {
        /// HTTP status.
        status: u16,
    },
    /// The subscription is dead (404, 410): drop it.
    Gone,
    /// Refused (another 4xx). After [`super::MAX_REFUSALS`] in a row the caller drops the subscription.
    Refused {
        /// HTTP status.
        status: u16,
    },
    /// May work later; see [`super::retry_delay`].
    Retry {
        /// The service's `Retry-After`, if it gave one.
        after: Option<Duration>,
        /// What happened.
        cause: RetryCause,
    },
    /// The gate refused the address; nothing was sent, or a redirect was not followed.
    Blocked(GateError),
    /// Less than a second of life left; nothing was sent.
    TooLate,
    /// The message could not be built; nothing was sent, and a retry will not help.
    Unsendable(BuildError),
}

/// Sends doorbells. Cheap to share behind an `Arc`; how many sends run at once is the caller's limit.
pub struct WebPush {
    client: Client,
    gate: Gate,
    vapid: VapidSigner,
    origin: PublicOrigin,
    entropy: Arc<dyn Entropy>,
}

impl WebPush {
    /// Builds the client. The TLS provider (aws-lc-rs) is passed explicitly: no process-wide default is needed.
    ///
    /// # Errors
    /// An unreadable trust store or an unusable proxy address.
    pub fn new(
        config: WebPushConfig,
        key: VapidKey,
        entropy: Arc<dyn Entropy>,
        resolver: Arc<dyn Resolver>,
    ) -> Result<Self, SetupError> {
        let gate = Gate::new(config.allow_insecure);
        let builder = crate::client::builder(config.extra_roots, config.limits)?;
        let builder = match config.egress_proxy {
            Some(url) => {
                let proxy_host = url.host_str().ok_or(SetupError::Proxy)?.to_owned();
                if !matches!(url.scheme(), "http" | "https") {
                    return Err(SetupError::Proxy);
                }
                let proxy = Proxy::all(url).map_err(|_| SetupError::Proxy)?;
                builder.proxy(proxy).dns_resolver(ProxyResolver { proxy_host, resolver })
            }
            None => builder.dns_resolver(GatedResolver { gate: gate.clone(), resolver }),
        };
        let client = builder.build().map_err(SetupError::Client)?;
        Ok(Self { client, gate, vapid: VapidSigner::new(key, config.subject), origin: config.origin, entropy })
    }

    /// The sentence for the log at start, if insecure endpoints are allowed.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        self.gate.warning()
    }

    /// The key for the browser's `applicationServerKey`.
    #[must_use]
    pub fn public_base64url(&self) -> &str {
        self.vapid.public_base64url()
    }

    pub(super) fn entropy(&self) -> &dyn Entropy {
        self.entropy.as_ref()
    }

    /// Checks a subscription at registration by what can be seen without a look-up. The full check runs at every
    /// connection.
    ///
    /// # Errors
    /// The rule that refused it.
    pub fn check(&self, subscription: &Subscription) -> Result<(), GateError> {
        self.gate.check_url(subscription.endpoint().url())
    }

    /// Sends one doorbell and says what became of it. `now_ms` is the store's time (INV-06).
    pub async fn send(&self, subscription: &Subscription, message: &Message, now_ms: i64) -> Outcome {
        let ttl_s = message.expires_ms.saturating_sub(now_ms).div_euclid(1000).min(MAX_TTL_S);
        if ttl_s < 1 {
            return Outcome::TooLate;
        }
        if let Err(refused) = self.check(subscription) {
            return Outcome::Blocked(refused);
        }
        let (headers, body) = match self.build(subscription, message, ttl_s, now_ms) {
            Ok(built) => built,
            Err(error) => return Outcome::Unsendable(error),
        };
        let request = self.client.post(subscription.endpoint().url().clone()).headers(headers).body(body);
        match request.send().await {
            Ok(response) => judge(response, now_ms).await,
            Err(error) => failed(&error),
        }
    }

    fn build(
        &self,
        subscription: &Subscription,
        message: &Message,
        ttl_s: i64,
        now_ms: i64,
    ) -> Result<(HeaderMap, Vec<u8>), BuildError> {
        let content = render(message, &self.origin).map_err(|_| BuildError::Payload)?;
        let keys = MessageKeys::from_entropy(self.entropy.as_ref())?;
        let body = encrypt(subscription.public(), subscription.auth(), keys, &content)?;
        let authorization = self.vapid.authorization(subscription.endpoint().audience(), now_ms)?;
        let topic = HeaderValue::from_str(message.id.as_str()).map_err(|_| BuildError::Payload)?;
        let mut headers = HeaderMap::with_capacity(6);
        headers.insert(TTL, HeaderValue::from(ttl_s));
        headers.insert(URGENCY, HeaderValue::from_static("high"));
        headers.insert(TOPIC, topic);
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(AUTHORIZATION, authorization);
        Ok((headers, body))
    }
}

async fn judge(mut response: Response, now_ms: i64) -> Outcome {
    let status = response.status().as_u16();
    let after = retry_after(response.headers(), now_ms);
    // Nothing in it is used: reading it frees the connection.
    read_start(&mut response, MAX_RESPONSE_BYTES).await;
    match status {
        200..=299 => Outcome::Accepted { status },
        300..=399 => Outcome::Blocked(GateError::Redirect { status }),
        404 | 410 => Outcome::Gone,
        408 | 425 | 429 | 500.. => Outcome::Retry { after, cause: RetryCause::Status(status) },
        _ => Outcome::Refused { status },
    }
}

fn failed(error: &reqwest::Error) -> Outcome {
    if let Some(refused) = refused_by_gate(error) {
        return Outcome::Blocked(refused);
    }
    let cause = if error.is_timeout() { RetryCause::Timeout } else { RetryCause::Network };
    Outcome::Retry { after: None, cause }
}

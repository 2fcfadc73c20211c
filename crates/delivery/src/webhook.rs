//! Webhooks by the Standard Webhooks convention, version 1 (standardwebhooks.com): a POST with an id that stays the same
//! when it is repeated, the time, and an HMAC-SHA256 over both and the body.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use nod_core::network::Network;
use reqwest::Client;
use rustls::pki_types::CertificateDer;
use url::Url;
use zeroize::Zeroizing;

use crate::client::{self, Limits, MAX_RESPONSE_BYTES, SetupError};
use crate::gate::{Gate, GateError, GatedResolver, Resolver};

/// Fewest bytes of a secret, by the convention.
pub const MIN_SECRET_BYTES: usize = 24;
/// Most bytes of a secret, by the convention.
pub const MAX_SECRET_BYTES: usize = 64;
/// Most secrets that sign at once: the present one and those that receivers have not dropped yet.
pub const MAX_SECRETS: usize = 4;
/// How a secret begins when it is written down.
const SECRET_PREFIX: &str = "whsec_";

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Not the secrets of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it must hold a secret: whsec_ and {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} random bytes in base64, and for a change up to \
     {MAX_SECRETS} of them, one a line"
)]
pub struct BadSecret;

/// What signs. No `Debug` (INV-24).
pub struct Secrets(Vec<hmac::Key>);

impl Secrets {
    /// Reads secrets as they are written down, one a line.
    ///
    /// # Errors
    /// Not between one and [`MAX_SECRETS`] secrets of the right form.
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        let key = |line: &str| {
            let bytes = STANDARD.decode(line.strip_prefix(SECRET_PREFIX)?).ok().map(Zeroizing::new)?;
            let fits = (MIN_SECRET_BYTES..=MAX_SECRET_BYTES).contains(&bytes.len());
            fits.then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
        };
        let keys: Option<Vec<hmac::Key>> = text.split_whitespace().map(key).collect();
        keys.filter(|keys| (1..=MAX_SECRETS).contains(&keys.len())).map(Self).ok_or(BadSecret)
    }

    /// The header of a message: one signature of each secret, a blank between them.
    fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mut header = String::new();
        for key in &self.0 {
            let mut context = hmac::Context::with_key(key);
            context.update(format!("{id}.{seconds}.").as_bytes());
            context.update(body);
            let gap = if header.is_empty() { "" } else { " " };
            let _ = write!(header, "{gap}v1,{}", STANDARD.encode(context.sign()));
        }
        header
    }
}

/// What a webhook is made of. No `Debug`: the address may hold a token (INV-24).
pub struct WebhookConfig {
    /// Where messages go: https.
    pub url: Url,
    /// What signs them.
    pub secrets: Secrets,
    /// Networks that are not public and may be contacted all the same.
    pub admitted: Vec<Network>,
    /// Certificate authorities trusted beside the system's.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Time limits.
    pub limits: Limits,
}

/// An answer, whatever it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The first [`MAX_RESPONSE_BYTES`] of its body.
    pub body: Vec<u8>,
    /// Its `Retry-After`, at most [`crate::MAX_RETRY_AFTER`].
    pub retry_after: Option<Duration>,
}

impl Answer {
    /// Whether the message was taken: 2xx.
    #[must_use]
    pub const fn is_taken(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The gate refused: nothing was sent, or a redirect was not followed.
    #[error(transparent)]
    Blocked(#[from] GateError),
    /// No answer within the limits.
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// No connection, a TLS failure, or an answer that breaks the protocol. Without the address.
    #[error("{0}")]
    Network(String),
    /// The message cannot be put into a request.
    #[error("the id of the message is no header")]
    Unsendable,
}

/// Sends signed messages to one address.
pub struct Webhook {
    client: Client,
    gate: Gate,
    url: Url,
    secrets: Secrets,
    total: Duration,
}

impl Webhook {
    /// Builds the client.
    ///
    /// # Errors
    /// An unreadable trust store.
    pub fn new(config: WebhookConfig, resolver: Arc<dyn Resolver>) -> Result<Self, SetupError> {
        let gate = Gate::admitting(config.admitted);
        let builder = client::builder(config.extra_roots, config.limits)?;
        let resolver = GatedResolver { gate: gate.clone(), resolver };
        let client = builder.dns_resolver(resolver).build().map_err(SetupError::Client)?;
        Ok(Self { client, gate, url: config.url, secrets: config.secrets, total: config.limits.total })
    }

    /// Sends one message. `id` is the same for each try of it; `now_ms` is the store's time.
    ///
    /// # Errors
    /// No answer, or a redirect.
    pub async fn send(&self, id: &str, now_ms: i64, body: Vec<u8>) -> Result<Answer, WebhookError> {
        let seconds = now_ms.div_euclid(1000);
        let header = |text: &str| HeaderValue::from_str(text).map_err(|_| WebhookError::Unsendable);
        let mut headers = HeaderMap::with_capacity(5);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("nod/", env!("CARGO_PKG_VERSION"))));
        headers.insert(ID, header(id)?);
        headers.insert(TIMESTAMP, HeaderValue::from(seconds));
        headers.insert(SIGNATURE, header(&self.secrets.sign(id, seconds, &body))?);
        self.gate.check_url(&self.url)?;
        self.answer(self.client.post(self.url.clone()).headers(headers).body(body), now_ms).await
    }

    /// Asks for the head of the address, to see whether somebody answers there. Nothing is sent.
    ///
    /// # Errors
    /// As for [`Self::send`].
    pub async fn reach(&self) -> Result<Answer, WebhookError> {
        self.gate.check_url(&self.url)?;
        self.answer(self.client.head(self.url.clone()), 0).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder, now_ms: i64) -> Result<Answer, WebhookError> {
        let mut response = request.send().await.map_err(|error| self.failed(&error))?;
        let status = response.status().as_u16();
        if response.status().is_redirection() {
            return Err(GateError::Redirect { status }.into());
        }
        let retry_after = client::retry_after(response.headers(), now_ms);
        Ok(Answer { status, body: client::read_start(&mut response, MAX_RESPONSE_BYTES).await, retry_after })
    }

    fn failed(&self, error: &reqwest::Error) -> WebhookError {
        match client::refused_by_gate(error) {
            Some(refused) => WebhookError::Blocked(refused),
            None if error.is_timeout() => WebhookError::Timeout(self.total),
            None => WebhookError::Network(client::cause(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signature was made with `standardwebhooks` 1.1.0 of PyPI.
    #[test]
    fn another_implementation_signs_the_same() {
        let secrets = Secrets::parse("whsec_bm9kLXNhbXBsZS1zZWNyZXQtb2YtMzItYnl0ZXMhISE=").unwrap();
        let signed = secrets.sign("msg_1", 1_700_000_000, "{\"sentence\":\"Anna ✓\"}".as_bytes());
        assert_eq!(signed, "v1,RfUkOXOrR0d6NdPxPCS0UKs2ie44uL7gPC45kEINEHQ=");
    }

    #[test]
    fn secrets_have_one_form() {
        let good = format!("whsec_{}", STANDARD.encode([7; 32]));
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        assert_eq!(Secrets::parse(&format!("{good}\n")).map(|secrets| secrets.0.len()), Ok(1));
        assert_eq!(Secrets::parse(&format!("{good}\r\n{good}")).map(|secrets| secrets.0.len()), Ok(2));
        let many = vec![good.clone(); MAX_SECRETS + 1].join("\n");
        for bad in
            ["", "whsec_", "hunter2", &short, &long, &many, &format!("{good} hunter2"), &good.replace("whsec_", "")]
        {
            assert_eq!(Secrets::parse(bad).err(), Some(BadSecret), "{bad}");
        }
    }
}

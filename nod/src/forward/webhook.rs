//! A program that is told of events over HTTPS, one request an event (Standard Webhooks).

use std::sync::Arc;

use async_trait::async_trait;
use nod_core::Timestamp;
use nod_core::audit::{EventKind, Link};
use nod_delivery::Limits;
use nod_delivery::gate::{AddressClass, GateError, SystemResolver};
use nod_delivery::webhook::{Answer, Secrets, Webhook, WebhookConfig, WebhookError};
use nod_engine::ports::{Entropy, random};
use nod_protocol::b64;

use super::{Listener, Refusal, Sent, Sink, in_turn};
use crate::config;
use crate::event_view::EventView;
use crate::failure::{Failure, Outcome};
use crate::output::one_line;
use crate::private_file;
use crate::system::{self, OsEntropy};
use crate::trust;

/// The systemd credential of a webhook is named so, and by its name.
const CREDENTIAL: &str = "nod-webhook-";
/// Events that are looked at in one go.
const BATCH: u32 = 100;
/// Most of an answer that people are shown, in characters.
const SHOWN_CHARACTERS: usize = 200;
/// The status by which a receiver says that it wants no more, ever (RFC 9110 section 15.5.11).
const GONE: u16 = 410;

/// A program.
pub(crate) struct Hook {
    name: String,
    kinds: Vec<EventKind>,
    webhook: Webhook,
}

impl Hook {
    /// The configured one.
    pub(crate) fn open(settings: &config::Webhook) -> Outcome<Self> {
        let extra_roots = settings.ca.as_deref().map(trust::certificates).transpose()?.unwrap_or_default();
        let config = WebhookConfig {
            url: settings.url.clone(),
            secrets: read_secrets(settings)?,
            admitted: settings.allow.iter().map(|range| range.0).collect(),
            extra_roots,
            limits: Limits::default(),
        };
        let webhook = Webhook::new(config, Arc::new(SystemResolver))?;
        Ok(Self { name: settings.name.clone(), kinds: settings.events.iter().map(|kind| kind.0).collect(), webhook })
    }

    /// Sends a sample.
    pub(crate) async fn test(&self, now: Timestamp, server_name: &str) -> Outcome<Answer> {
        let sentence = format!("A test of the webhook {} from {server_name}: nothing has happened.", self.name);
        let body = EventView::said(0, "test", sentence).line(None)?;
        let id = format!("test_{}", b64::encode(random::<16>(&OsEntropy as &dyn Entropy)));
        self.webhook.send(&id, now.0, body.into_bytes()).await.map_err(|error| explained(&error))
    }

    /// Whether somebody answers there. Nothing is sent.
    pub(crate) async fn reach(&self) -> Outcome<Answer> {
        self.webhook.reach().await.map_err(|error| explained(&error))
    }

    fn is_wanted(&self, link: &Link) -> bool {
        // What cannot be read is told whatever is asked for.
        self.kinds.is_empty() || link.event.as_ref().is_none_or(|event| self.kinds.contains(&event.kind))
    }
}

#[async_trait]
impl Sink for Hook {
    fn name(&self) -> String {
        name(&self.name)
    }

    fn shown(&self) -> String {
        format!("the webhook {}", self.name)
    }

    fn wants_the_past(&self) -> bool {
        false
    }

    fn batch(&self) -> u32 {
        BATCH
    }

    async fn send(&self, links: &[Link], now: Timestamp) -> Sent {
        in_turn(self, links, now).await
    }
}

#[async_trait]
impl Listener for Hook {
    async fn tell(&self, link: &Link, now: Timestamp) -> Result<(), Refusal> {
        if !self.is_wanted(link) {
            return Ok(());
        }
        let (id, body) = message(link)?;
        match self.webhook.send(&id, now.0, body.into_bytes()).await {
            Ok(answer) if answer.is_taken() => Ok(()),
            Ok(answer) => Err(Refusal { failure: Failure::new(refusal(&answer)), after: answer.retry_after }),
            Err(error) => Err(explained(&error).into()),
        }
    }
}

/// The short name of a webhook's sink.
pub(crate) fn name(webhook: &str) -> String {
    format!("webhook/{webhook}")
}

/// Id and body. Both are the same for each try, so that a receiver can tell a repetition.
fn message(link: &Link) -> Outcome<(String, String)> {
    let sequence = link.sequence;
    match (&link.event, link.hash) {
        (Some(event), Some(hash)) => Ok((hash.to_string(), EventView::of(sequence, event.clone()).line(Some(hash))?)),
        _ => {
            let sentence = format!("Event {sequence} holds what Nod never wrote; see nod audit verify.");
            let body = EventView::said(sequence, "unreadable", sentence).line(link.hash)?;
            Ok((format!("unreadable_{sequence}"), body))
        }
    }
}

/// What an answer that is no 2xx says.
fn refusal(answer: &Answer) -> String {
    let status = answer.status;
    match answer.status {
        GONE => format!(
            "the receiver wants no more (410 Gone){}; take the webhook out of nod.toml or its events wait for ever",
            said(answer)
        ),
        _ => format!("the receiver answered {status}{}", said(answer)),
    }
}

/// The beginning of the answer's body, for people.
pub(crate) fn said(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let text: String = one_line(text.trim()).chars().take(SHOWN_CHARACTERS).collect();
    if text.is_empty() { text } else { format!(": {text}") }
}

/// With what to do about it.
fn explained(error: &WebhookError) -> Failure {
    let inside = matches!(
        error,
        WebhookError::Blocked(
            GateError::InternalName | GateError::Address(AddressClass::Private | AddressClass::Loopback)
        )
    );
    let hint = if inside {
        "; if it is meant, name its address or range in `allow` of this [[webhook]] in nod.toml"
    } else {
        ""
    };
    Failure::new(format!("{error}{hint}"))
}

/// From the systemd credential of this webhook, otherwise from its file.
fn read_secrets(settings: &config::Webhook) -> Outcome<Secrets> {
    let credential = format!("{CREDENTIAL}{}", settings.name);
    let (path, text) = match (system::credential(&credential), &settings.secret_file) {
        // systemd gives credentials the mode that it thinks right, in a folder that only the service enters.
        (Some(path), _) => (path.clone(), private_file::read_as_it_is(&path)?),
        (None, Some(path)) => (path.clone(), private_file::read(path)?),
        (None, None) => {
            let what = format!("there is no secret: set secret_file, or give the service the credential {credential}");
            return Err(Failure::new(what));
        }
    };
    Secrets::parse(&text).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

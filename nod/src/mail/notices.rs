//! People are told by mail what happened to their account (INV-15): each event of the audit that concerns one who has an address.

use std::sync::Arc;

use async_trait::async_trait;
use nod_core::audit::{Event, EventKind, Link};
use nod_core::{Millis, Timestamp};
use nod_delivery::mail::{Letter, MailError, Mailer};
use nod_engine::Engine;
use nod_engine::ports::Write;

use super::{explained, letters, open};
use crate::config::{self, Config};
use crate::failure::{Failure, Outcome};
use crate::forward::{Listener, Refusal, Sent, Sink, in_turn};

/// The short name of this sink.
pub(crate) const NAME: &str = "mail";
/// A letter that the server puts off is tried for so long, in milliseconds, and everybody's waits with it: servers that let strangers
/// come again do so within minutes.
const PUT_OFF_FOR: Millis = Millis::minutes(10);
/// Events that are looked at in one go: most concern nobody.
const BATCH: u32 = 100;

/// Writes to people.
pub(crate) struct Notices {
    engine: Engine,
    config: Arc<Config>,
    mailer: Mailer,
}

impl Notices {
    /// By the configured mail server.
    pub(crate) fn open(engine: Engine, config: &Config, settings: &config::Mail) -> Outcome<Self> {
        Ok(Self { engine, mailer: open(config, settings)?, config: Arc::new(config.clone()) })
    }

    /// The letter about this event, if there is one.
    async fn letter(&self, link: &Link) -> Outcome<Option<(Letter, Event)>> {
        let (Some(event), Some(hash)) = (&link.event, link.hash) else { return Ok(None) };
        let Some((id, _)) = &event.user else { return Ok(None) };
        let Some(user) = self.engine.store().user(*id).await? else { return Ok(None) };
        let Some(to) = user.mail.clone() else { return Ok(None) };
        let Some((subject, text)) = letters::notice(&self.config, &user, event) else { return Ok(None) };
        Ok(Some((Letter { to, subject, text, id: hash.to_string(), at: event.at }, event.clone())))
    }

    /// Says so in the audit, so that it is not lost without a word.
    async fn undelivered(&self, about: Event, error: &MailError) -> Outcome {
        tracing::warn!("a letter about {} was not taken: {error}", about.kind.name());
        let now = self.engine.store().now().await?;
        let detail = format!("{}: {error}", about.kind.name());
        let mut event = Event::new(EventKind::MailRefused, now).detail(nod_core::text::shown(&detail));
        event.user = about.user;
        let commit = self.engine.store().commit(vec![Write::Audit(event)]);
        commit.await.map_err(|error| Failure::new(format!("the audit was not written: {error}")))
    }
}

#[async_trait]
impl Sink for Notices {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn shown(&self) -> String {
        "people by mail".to_owned()
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
impl Listener for Notices {
    async fn tell(&self, link: &Link, now: Timestamp) -> Result<(), Refusal> {
        let Some((letter, event)) = self.letter(link).await? else { return Ok(()) };
        match self.mailer.send(&letter).await {
            Ok(()) => Ok(()),
            // One dead mailbox must not keep everybody else's letters back.
            Err(error @ (MailError::Refused(_) | MailError::Letter(_))) => Ok(self.undelivered(event, &error).await?),
            Err(error @ MailError::Deferred(_)) if event.at.after(PUT_OFF_FOR).has_passed(now) => {
                Ok(self.undelivered(event, &error).await?)
            }
            Err(error) => Err(explained(&error).into()),
        }
    }
}

//! The live channel: server-sent events that survive a broken connection.

use std::collections::VecDeque;
use std::time::Duration;

use nod_protocol::Id;
use nod_protocol::device_api::{EVENTS_COMMENT_SECONDS, PENDING_EVENT, PendingEvent, paths};
use reqwest::Response;
use reqwest::header::ACCEPT;

use crate::client::Phone;
use crate::entropy;
use crate::error::PhoneError;
use crate::sse::SseParser;
use crate::transport::ANSWER_TIMEOUT;

/// Shortest wait before connecting again.
pub const BACK_OFF_MIN: Duration = Duration::from_millis(250);
/// Longest wait before connecting again.
pub const BACK_OFF_MAX: Duration = Duration::from_secs(30);
/// Silence after which a connection counts as broken: three comment lines missed.
pub const SILENCE_MAX: Duration = Duration::from_secs(3 * EVENTS_COMMENT_SECONDS);

/// The stream of "these are pending now". Dropping [`Events::next`] half-way loses nothing.
#[derive(Debug)]
pub struct Events<'phone> {
    phone: &'phone Phone,
    connection: Option<(Response, SseParser)>,
    ready: VecDeque<Vec<Id>>,
    failures: u32,
}

impl<'phone> Events<'phone> {
    pub(crate) const fn new(phone: &'phone Phone) -> Self {
        Self { phone, connection: None, ready: VecDeque::new(), failures: 0 }
    }

    /// Waits for the next list of pending ids. The server sends one at once after each connect, so nothing is missed while
    /// the connection was broken. Errors are those that waiting does not heal.
    pub async fn next(&mut self) -> Result<Vec<Id>, PhoneError> {
        loop {
            if let Some(ids) = self.ready.pop_front() {
                return Ok(ids);
            }
            let read = match self.connection.as_mut() {
                None => self.connect().await,
                Some((response, parser)) => read(response, parser).await.map(|ids| {
                    if !ids.is_empty() {
                        self.failures = 0;
                    }
                    self.ready.extend(ids);
                }),
            };
            match read {
                Ok(()) => {}
                Err(Broken::Lost) => self.back_off(None).await,
                Err(Broken::Failed(error)) if error.is_transient() => {
                    let asked = match &error {
                        PhoneError::Refused { retry_after: Some(seconds), .. } => Some(Duration::from_secs(*seconds)),
                        _ => None,
                    };
                    self.back_off(asked).await;
                }
                Err(Broken::Failed(error)) => {
                    self.connection = None;
                    return Err(error);
                }
            }
        }
    }

    async fn connect(&mut self) -> Result<(), Broken> {
        let build = || self.phone.http().get(self.phone.url(paths::EVENTS)).header(ACCEPT, "text/event-stream");
        // Headers must come in time; the stream itself has no end.
        let response = tokio::time::timeout(ANSWER_TIMEOUT, self.phone.in_session(build))
            .await
            .map_err(|_| Broken::Lost)?
            .map_err(Broken::Failed)?;
        self.connection = Some((response, SseParser::default()));
        Ok(())
    }

    async fn back_off(&mut self, asked: Option<Duration>) {
        self.connection = None;
        let doubled = BACK_OFF_MIN.saturating_mul(1 << self.failures.min(10)).min(BACK_OFF_MAX);
        self.failures = self.failures.saturating_add(1);
        // Up to half as much again, so that phones do not come back all at once after a restart.
        let jitter =
            doubled.mul_f64(f64::from(u16::from_be_bytes(entropy::array(self.phone.entropy.as_ref()))) / 131_072.0);
        tokio::time::sleep(asked.unwrap_or(doubled).min(BACK_OFF_MAX) + jitter).await;
    }
}

enum Broken {
    /// The connection ended or fell silent.
    Lost,
    /// The server or the network said why.
    Failed(PhoneError),
}

async fn read(response: &mut Response, parser: &mut SseParser) -> Result<Vec<Vec<Id>>, Broken> {
    let chunk = tokio::time::timeout(SILENCE_MAX, response.chunk())
        .await
        .map_err(|_| Broken::Lost)?
        .map_err(|error| Broken::Failed(error.into()))?
        .ok_or(Broken::Lost)?;
    let events = parser.push(&chunk).map_err(|_| Broken::Failed(PhoneError::NotUnderstood("an event is too long")))?;
    events
        .into_iter()
        // Events that this version does not know are for newer ones.
        .filter(|event| event.event == PENDING_EVENT)
        .map(|event| {
            serde_json::from_str::<PendingEvent>(&event.data)
                .map(|pending| pending.ids)
                .map_err(|_| Broken::Failed(PhoneError::NotUnderstood("an event is of another form")))
        })
        .collect()
}

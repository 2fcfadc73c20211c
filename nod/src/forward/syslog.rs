//! A collector of syslog over TLS (RFC 5425).

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use nod_core::Timestamp;
use nod_core::audit::Link;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Refusal, Sent, Sink};
use crate::config::Syslog;
use crate::failure::{Failure, Outcome};
use crate::{syslog, trust};

/// Short name of the collector; there is one.
pub(crate) const NAME: &str = "syslog";
/// Events that are sent at once.
const BATCH: u32 = 1_000;
/// One sending may take this long, from the look-up of the name to the collector's end.
const SEND_TIME: Duration = Duration::from_secs(10);
/// After the collector's end, the word that it did not read everything may take this long: a round trip.
const RESET_TIME: Duration = Duration::from_secs(1);

/// A collector.
pub(crate) struct Collector {
    connector: TlsConnector,
    name: ServerName<'static>,
    host: String,
    port: u16,
    /// This server's own host, as messages name it.
    own_host: String,
}

impl Collector {
    /// The configured one. Its certificate is judged by the configured authorities, otherwise by the system's.
    pub(crate) fn open(settings: &Syslog, own_host: &str) -> Outcome<Self> {
        Ok(Self {
            connector: TlsConnector::from(trust::client(settings.ca.as_deref())?),
            name: ServerName::try_from(settings.collector.host.clone())?,
            host: settings.collector.host.clone(),
            port: settings.collector.port,
            own_host: own_host.to_owned(),
        })
    }

    /// Messages, each behind its length in bytes and a blank (RFC 5425 section 4.3).
    fn frames(&self, links: &[Link]) -> String {
        let message = |link: &Link| match (&link.event, link.hash) {
            (Some(event), Some(hash)) => syslog::message(&self.own_host, link.sequence, event, hash),
            _ => syslog::unreadable(&self.own_host, link.sequence),
        };
        links.iter().map(message).map(|message| format!("{} {message}", message.len())).collect()
    }

    /// Syslog has no answers; the connection tells. The collector ends its side after it has read the end of ours. One that closed
    /// or was killed with something unread resets the connection: at once, or when our bytes reach what it closed.
    async fn try_send(&self, frames: &[u8]) -> io::Result<()> {
        let socket = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let mut stream = self.connector.connect(self.name.clone(), socket).await?;
        stream.write_all(frames).await?;
        stream.shutdown().await?;
        let mut ignored = [0; 1024];
        loop {
            match stream.read(&mut ignored).await {
                Ok(0) => break,
                Ok(_) => {}
                // Many collectors close the connection without TLS's own word for it.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error),
            }
        }
        tokio::time::sleep(RESET_TIME).await;
        stream.get_ref().0.take_error()?.map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Sink for Collector {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn shown(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn wants_the_past(&self) -> bool {
        true
    }

    fn batch(&self) -> u32 {
        BATCH
    }

    /// All of them in one connection, and returns once the collector has read them.
    async fn send(&self, links: &[Link], _now: Timestamp) -> Sent {
        let sent = tokio::time::timeout(SEND_TIME, self.try_send(self.frames(links).as_bytes())).await;
        let failure = match sent {
            Ok(Ok(())) => return Sent { taken: links.len(), refused: None },
            Ok(Err(error)) => error.into(),
            Err(_) => Failure::new(format!("they were not taken within {} s", SEND_TIME.as_secs())),
        };
        Sent { taken: 0, refused: Some(Refusal::from(failure)) }
    }
}

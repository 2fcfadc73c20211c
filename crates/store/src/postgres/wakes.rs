//! Waking those who wait on other nodes: said aloud (`NOTIFY`) after the commit, and written down in it for who did not hear.
//!
//! `NOTIFY` inside a commit would make all commits wait for each other: the server holds one lock for it until the commit is
//! on disk. So it is sent behind the commit, for many commits at once. A node that ends in between has left a note in the table
//! `wakes`, which every node reads twice a second.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::future::{Future, poll_fn};
use std::time::Duration;

use deadpool_postgres::Pool;
use nod_core::{SignInId, UserId};
use nod_engine::ports::{Topic, Wakes};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, Error, NoTls, Socket};

use super::connect::Database;

/// The channel.
const CHANNEL: &str = "nod";
/// Most topics in one notification: its text must stay under 8000 bytes, and a topic takes up to 34.
const MOST_TOPICS: usize = 200;
/// Notifications that may wait to be sent. More are left to the poll.
pub(super) const OUTBOX: usize = 8_192;
/// Pause before the listener connects again.
const RECONNECT_AFTER: Duration = Duration::from_millis(250);
/// How often notes are read. Without notifications a change must be seen within one second, on a busy machine too; what a
/// command changes is seen by its note alone, as the command has ended before it could say anything.
const POLL_EVERY: Duration = Duration::from_millis(500);
/// Old notes are removed once in so many polls.
const TIDY_EVERY: u32 = 120;
/// Age in seconds at which a note is removed. A node that could not read for half as long wakes everybody instead.
const KEPT_SECONDS: f64 = 120.0;
const BLIND_FOR: Duration = Duration::from_secs(60);

/// Everything that is not over yet, as the server numbers it.
const BASELINE: &str = "SELECT pg_snapshot_xmin(pg_current_snapshot())::TEXT";
/// Notes of other nodes that may have come to be seen since the last look.
const NOTES: &str = "SELECT xid::TEXT, topic FROM wakes WHERE xid >= $1::TEXT::XID8 AND node <> $2";
const TIDY: &str = "DELETE FROM wakes WHERE at < clock_timestamp() - make_interval(secs => $1)";

/// A topic as text: a letter, and the id in hexadecimal.
pub(super) fn text(topic: Topic) -> String {
    let (letter, id) = match topic {
        Topic::SignIn(id) => ('s', id.0),
        Topic::User(id) => ('u', id.0),
        Topic::Outbox => return "o".to_owned(),
    };
    id.iter().fold(String::from(letter), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The topic of a text; none for what a newer node may say.
pub(super) fn topic(text: &str) -> Option<Topic> {
    let mut letters = text.chars();
    let kind = letters.next()?;
    let hex = letters.as_str().as_bytes();
    if kind == 'o' && hex.is_empty() {
        return Some(Topic::Outbox);
    }
    let mut id = [0; 16];
    if hex.len() != 2 * id.len() {
        return None;
    }
    for (byte, digits) in id.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    match kind {
        's' => Some(Topic::SignIn(SignInId(id))),
        'u' => Some(Topic::User(UserId(id))),
        _ => None,
    }
}

/// Listens and tells until the store is dropped. Whatever was missed while it was not connected wakes everybody.
pub(super) async fn listen(database: Database, wakes: Wakes, mut outbox: mpsc::Receiver<Topic>) {
    let mut connected_before = false;
    loop {
        let (config, again) = (&database.config, connected_before);
        let ended = match &database.tls {
            Some(tls) => connected(config, tls.clone(), &wakes, &mut outbox, again).await,
            None => connected(config, NoTls, &wakes, &mut outbox, again).await,
        };
        match ended {
            Ok(()) => return,
            Err(error) => tracing::warn!("not listening to the other nodes: {}", super::sql::failure(&error)),
        }
        connected_before = true;
        sleep(RECONNECT_AFTER).await;
    }
}

/// One connection of the listener. Returns when the store is dropped.
async fn connected<T: MakeTlsConnect<Socket>>(
    config: &Config,
    tls: T,
    wakes: &Wakes,
    outbox: &mut mpsc::Receiver<Topic>,
    again: bool,
) -> Result<(), Error> {
    let (client, mut connection) = config.connect(tls).await?;
    let (heard, mut said) = mpsc::unbounded_channel();
    // Ends with the connection; its channel then ends too.
    let drive = async move {
        loop {
            match poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(note))) => {
                    let _ = heard.send((note.process_id(), note.payload().to_owned()));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            }
        }
    };
    let speak = async {
        // The own notifications are told apart by this number.
        let own: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)?;
        // A notification that is lost with the power is of no use to anybody.
        client.batch_execute(&format!("SET synchronous_commit = off; LISTEN {CHANNEL}")).await?;
        if again {
            wakes.wake_all();
        }
        let tell = client.prepare("SELECT pg_notify($1, $2)").await?;
        let mut topics = Vec::new();
        loop {
            tokio::select! {
                count = outbox.recv_many(&mut topics, MOST_TOPICS) => {
                    if count == 0 {
                        return Ok(());
                    }
                    tell_all(&client, &tell, &mut topics).await?;
                }
                Some((from, payload)) = said.recv() => {
                    if from != own {
                        wakes.wake(payload.split(' ').filter_map(topic));
                    }
                }
            }
        }
    };
    first(drive, speak).await
}

/// Whichever ends first: a connection that ends in good order is an end all the same.
async fn first(
    drive: impl Future<Output = Result<(), Error>>,
    speak: impl Future<Output = Result<(), Error>>,
) -> Result<(), Error> {
    let mut speak = std::pin::pin!(speak);
    tokio::select! {
        ended = drive => match ended {
            Err(error) => Err(error),
            // Its requests now fail with the reason.
            Ok(()) => speak.await,
        },
        ended = &mut speak => ended,
    }
}

async fn tell_all(client: &Client, tell: &tokio_postgres::Statement, topics: &mut Vec<Topic>) -> Result<(), Error> {
    let mut words: Vec<String> = topics.drain(..).map(text).collect();
    words.sort_unstable();
    words.dedup();
    client.execute(tell, &[&CHANNEL, &words.join(" ")]).await?;
    Ok(())
}

/// Reads notes at each poll until the store is dropped.
pub(super) async fn poll(pool: Pool, node: String, wakes: Wakes) {
    let mut since: Option<String> = None;
    let mut known = HashSet::new();
    let mut seen_at = Instant::now();
    let mut polls = 0_u32;
    loop {
        match look(&pool, &node, since.as_deref(), polls.is_multiple_of(TIDY_EVERY)).await {
            Ok((baseline, notes)) => {
                if since.is_none() || seen_at.elapsed() > BLIND_FOR {
                    wakes.wake_all();
                }
                wakes.wake(notes.iter().filter(|note| !known.contains(*note)).filter_map(|(_, text)| topic(text)));
                known = notes;
                since = Some(baseline);
                seen_at = Instant::now();
                polls = polls.wrapping_add(1);
            }
            Err(why) => {
                // The server may be another one by now, which has no notes of the time before.
                since = None;
                tracing::warn!("cannot see what other nodes changed: {why}");
            }
        }
        sleep(POLL_EVERY).await;
    }
}

type Note = (String, String);

async fn look(pool: &Pool, node: &str, since: Option<&str>, tidy: bool) -> Result<(String, HashSet<Note>), String> {
    let client = pool.get().await.map_err(|error| super::sql::no_connection(&error).0)?;
    let failed = |error: Error| super::sql::failure(&error).0;
    let baseline = client.prepare_cached(BASELINE).await.map_err(failed)?;
    // Asked first: what was not over then is looked for again next time.
    let baseline: String = client.query_one(&baseline, &[]).await.and_then(|row| row.try_get(0)).map_err(failed)?;
    let mut notes = HashSet::new();
    if let Some(since) = since {
        let read = client.prepare_cached(NOTES).await.map_err(failed)?;
        for row in client.query(&read, &[&since, &node]).await.map_err(failed)? {
            notes.insert((row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?));
        }
    }
    if tidy {
        let tidy = client.prepare_cached(TIDY).await.map_err(failed)?;
        client.execute(&tidy, &[&KEPT_SECONDS]).await.map_err(failed)?;
    }
    Ok((baseline, notes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_come_back_from_their_text() {
        for said in [Topic::Outbox, Topic::User(UserId([0xa5; 16])), Topic::SignIn(SignInId([7; 16]))] {
            assert_eq!(topic(&text(said)), Some(said));
            assert!(text(said).len() <= 33);
        }
        for other in ["", "o1", "u", "ué", "x00000000000000000000000000000000", "uzz000000000000000000000000000000"] {
            assert_eq!(topic(other), None, "{other}");
        }
    }
}

//! One commit: its statements go to the server in one stream, and only if every guard held does `COMMIT` follow.

use std::future::Future;
use std::pin::Pin;

use deadpool_postgres::{Client, Object, Pool};
use futures_util::future::{join, join_all};
use nod_core::audit::{ChainHash, Event};
use nod_engine::ports::{CommitError, StoreError, Topic, Write};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Statement};

use super::locks::{self, Owners};
use super::sql::{Kind, failure, kind, kinds, no_connection, prepared, references};
use super::wakes;
use crate::reads;
use crate::writes::{self, Step};

/// How often a commit is tried that was stopped by another one or by a lost connection, before `COMMIT` was sent.
const TRIES: u32 = 5;

/// Begins a commit that adds to the audit's chain. Its `COMMIT` returns before the disk has it, and so frees the end of the chain
/// for the next one: held during the flush, commits of all nodes would wait for one flush each. See [`FLUSH`].
const BEGIN_CHAINED: &str = "BEGIN; SET LOCAL synchronous_commit = off";

/// Waits for the disk, and for a synchronous standby: a transaction that is flushed, and with it all that came before, for many
/// commits at once. No caller gets an answer before this has come back.
pub(super) const FLUSH: &str = "SELECT pg_logical_emit_message(true, 'nod', '')";

/// Takes the end of the audit's chain (INV-22), last of all locks, so that nobody who holds it waits for anything but the disk,
/// and reads the last link as whoever held it before has left it.
const END_OF_CHAIN: &str = "SELECT place, hash FROM nod_end_of_chain()";

/// How a try ended without a commit.
enum Ended {
    /// The guard of the write at this place did not hold.
    Conflict(usize),
    /// It met another one; the same again may pass.
    Again(StoreError),
    /// The connection is of no use any more; another may be.
    Lost(StoreError),
    /// It failed, or nobody knows.
    Failed(StoreError),
}

/// A client with an open transaction. Dropped before its end, it takes the connection with it: the server then rolls back, and
/// nobody gets a connection in the middle of something.
struct Open(Option<Client>);

impl Open {
    /// The transaction has ended: the connection may be used again.
    fn done(mut self) {
        self.0.take();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

/// Applies all writes, or none. `node` is told apart from others in the notes for them.
pub(super) async fn commit(pool: &Pool, node: &str, writes: &[Write]) -> Result<Vec<Topic>, CommitError> {
    if writes.is_empty() {
        return Ok(Vec::new());
    }
    let mut topics: Vec<Topic> = Vec::new();
    for topic in writes.iter().flat_map(Write::topics).flatten() {
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    let mut left = TRIES;
    loop {
        left -= 1;
        match attempt(pool, node, writes, &topics).await {
            Ok(()) => return Ok(topics),
            Err(Ended::Conflict(index)) => return Err(CommitError::Conflict { index }),
            Err(Ended::Again(error) | Ended::Lost(error)) if left > 0 => {
                tracing::debug!("a commit is tried again: {error}");
            }
            Err(Ended::Again(error) | Ended::Lost(error) | Ended::Failed(error)) => {
                return Err(CommitError::Store(error));
            }
        }
    }
}

/// The steps of all writes but events, each with its write's place. A write that no state could accept ends the list: whether one
/// before it is refused too is then still to be seen.
fn steps(writes: &[Write]) -> (Vec<(usize, Step<'_>)>, Option<usize>) {
    let mut steps = Vec::new();
    for (index, write) in writes.iter().enumerate() {
        if matches!(write, Write::Audit(_)) {
            continue;
        }
        match writes::plan(write) {
            Ok(plan) => steps.extend(plan.into_iter().map(|step| (index, step))),
            Err(writes::Refused) => return (steps, Some(index)),
        }
    }
    (steps, None)
}

async fn attempt(pool: &Pool, node: &str, writes: &[Write], topics: &[Topic]) -> Result<(), Ended> {
    let client = pool.get().await.map_err(|error| Ended::Failed(no_connection(&error)))?;
    let (steps, refused) = steps(writes);
    let events: Vec<&Event> = writes.iter().filter_map(event).collect();
    let owners = Owners::of(writes);
    let told: Vec<String> = topics.iter().map(|topic| wakes::text(*topic)).collect();
    let note = Note { told, node };
    if let ([(index, step)], None) = (steps.as_slice(), refused)
        && owners.is_empty()
        && events.is_empty()
    {
        return alone(&client, &note, *index, step).await;
    }
    let open = Open(Some(client));
    let Some(client) = &open.0 else { return Err(Ended::Failed(StoreError("no connection".to_owned()))) };
    let guarded = guarded(client, &owners, &note, &steps, !events.is_empty()).await;
    match guarded.and_then(|end| refused.map_or(Ok(end), |index| Err(Ended::Conflict(index)))) {
        Ok(end) => finish(client, end, events).await?,
        Err(ended) => {
            if !matches!(ended, Ended::Lost(_)) && client.batch_execute("ROLLBACK").await.is_ok() {
                open.done();
            }
            return Err(ended);
        }
    }
    open.done();
    Ok(())
}

/// How a statement ended that was not the last of its commit.
fn stopped(error: &Error) -> Ended {
    match kind(error) {
        Kind::Again => Ended::Again(failure(error)),
        Kind::Lost => Ended::Lost(failure(error)),
        Kind::Guard | Kind::Failed => Ended::Failed(failure(error)),
    }
}

/// A commit of one statement, without locks and events: the server makes it a transaction of its own.
async fn alone(client: &Client, note: &Note<'_>, index: usize, step: &Step<'_>) -> Result<(), Ended> {
    let statement = note.prepared(client, step.sql.postgres, &kinds(&step.params)).await;
    let statement = statement.map_err(|error| stopped(&error))?;
    match client.execute(&statement, &note.beside(references(&step.params))).await {
        Ok(rows) if step.guarded && rows != 1 => Err(Ended::Conflict(index)),
        Ok(_) => Ok(()),
        Err(error) if kind(&error) == Kind::Guard => Err(Ended::Conflict(index)),
        // Without the server's word nobody knows whether it is done: never tried again.
        Err(error) if error.code().is_none() => Err(Ended::Failed(failure(&error))),
        Err(error) => Err(stopped(&error)),
    }
}

/// A statement that is sent when this is first polled.
type Sent<'s> = Pin<Box<dyn Future<Output = Result<u64, Error>> + Send + 's>>;

/// The end of the audit's chain: place and hash of the last event, if there is one.
type End = Option<(i64, ChainHash)>;

/// The note for the other nodes of what was changed. It is written beside the first statement of a commit, and counts only if
/// that does.
struct Note<'w> {
    /// Topics, as other nodes are told them.
    told: Vec<String>,
    node: &'w str,
}

impl Note<'_> {
    /// The statement, with the note behind its own parameters.
    async fn prepared(&self, client: &Client, sql: &str, kinds: &[Type]) -> Result<Statement, Error> {
        if self.told.is_empty() {
            return client.prepare_typed_cached(sql, kinds).await;
        }
        let (told, node) = (kinds.len() + 1, kinds.len() + 2);
        let noted = format!(
            "WITH told AS (INSERT INTO wakes (xid, topic, node)
                SELECT pg_current_xact_id(), topic, ${node} FROM unnest(${told}::TEXT[]) AS topic) {sql}"
        );
        client.prepare_typed_cached(&noted, &[kinds, &[Type::TEXT_ARRAY, Type::TEXT]].concat()).await
    }

    fn beside<'p>(&'p self, mut params: Vec<&'p (dyn ToSql + Sync)>) -> Vec<&'p (dyn ToSql + Sync)> {
        if !self.told.is_empty() {
            params.extend([&self.told as &(dyn ToSql + Sync), &self.node]);
        }
        params
    }
}

/// Everything up to the events and `COMMIT`, in one stream. If events follow, gives the end of the chain, which then is held until
/// the transaction ends.
async fn guarded(
    client: &Client,
    owners: &Owners,
    note: &Note<'_>,
    steps: &[(usize, Step<'_>)],
    chained: bool,
) -> Result<End, Ended> {
    let failed = |error: Error| stopped(&error);
    let mut statements = Vec::with_capacity(steps.len() + 1);
    if !owners.is_empty() {
        let take = note.prepared(client, locks::TAKE, &[Type::BYTEA_ARRAY, Type::BYTEA_ARRAY]).await.map_err(failed)?;
        let params: Vec<&(dyn ToSql + Sync)> = vec![&owners.known, &owners.sign_ins];
        statements.push((take, note.beside(params)));
    }
    let first = statements.len() + 1;
    for (_, step) in steps {
        let (kinds, params) = (kinds(&step.params), references(&step.params));
        statements.push(if statements.is_empty() {
            (note.prepared(client, step.sql.postgres, &kinds).await.map_err(failed)?, note.beside(params))
        } else {
            (client.prepare_typed_cached(step.sql.postgres, &kinds).await.map_err(failed)?, params)
        });
    }
    let last = client.prepare_cached(END_OF_CHAIN).await.map_err(failed)?;

    // Each future sends its statement when it is first polled, which is in this order; then all wait for their answers.
    let begin = if chained { BEGIN_CHAINED } else { "BEGIN" };
    let mut sent: Vec<Sent<'_>> = vec![Box::pin(async { client.batch_execute(begin).await.map(|()| 0) })];
    for (statement, params) in &statements {
        sent.push(Box::pin(async move { client.execute(statement, params).await }));
    }
    let end = async { if chained { client.query_opt(&last, &[]).await } else { Ok(None) } };
    let (answers, end) = join(join_all(sent), end).await;

    for (at, answer) in answers.into_iter().enumerate() {
        let step = at.checked_sub(first).and_then(|at| steps.get(at));
        match (answer, step) {
            (Ok(rows), Some((index, step))) if step.guarded && rows != 1 => return Err(Ended::Conflict(*index)),
            (Ok(_), _) => {}
            (Err(error), Some((index, _))) if kind(&error) == Kind::Guard => return Err(Ended::Conflict(*index)),
            (Err(error), _) => return Err(failed(error)),
        }
    }
    end.map_err(failed)?.map(|row| (reads::last_link().row)(&row)).transpose().map_err(Ended::Failed)
}

/// Adds the events to the audit's chain (INV-22), when every guard has held, and commits. Nodes stand in line for the end of the
/// chain until the one before has committed, so it is taken last, and `COMMIT` goes to the server in one stream with the events.
async fn finish(client: &Client, mut end: End, events: Vec<&Event>) -> Result<(), Ended> {
    let failed = |error: Error| Ended::Failed(failure(&error));
    let mut steps = Vec::with_capacity(events.len());
    for event in events {
        let (step, place) = writes::link(end, event);
        let statement = prepared(client, step.sql, &step.params).await.map_err(failed)?;
        steps.push((statement, step));
        end = Some(place);
    }
    let flush = if steps.is_empty() { None } else { Some(client.prepare_cached(FLUSH).await.map_err(failed)?) };
    let mut sent: Vec<Sent<'_>> = Vec::with_capacity(steps.len() + 2);
    for (statement, step) in &steps {
        sent.push(Box::pin(async move { client.execute(statement, &references(&step.params)).await }));
    }
    // Once this is sent, nobody knows what became of it until the answer is here: it is never tried again. After an event that
    // failed the server takes it for a rollback, and the event's failure is what is told.
    sent.push(Box::pin(async { client.batch_execute("COMMIT").await.map(|()| 0) }));
    if let Some(flush) = &flush {
        sent.push(Box::pin(async move { client.execute(flush, &[]).await }));
    }
    join_all(sent).await.into_iter().collect::<Result<Vec<u64>, _>>().map_err(failed)?;
    Ok(())
}

const fn event(write: &Write) -> Option<&Event> {
    if let Write::Audit(event) = write { Some(event) } else { None }
}

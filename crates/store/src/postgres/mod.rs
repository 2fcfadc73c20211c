//! PostgreSQL 15 or newer: a pool of connections, one more that listens, and no state of its own, so that any number of nodes
//! may share one database.
//!
//! The connections live on threads of their own, and commits run there: one goes on when its caller goes away. A read is driven
//! by whoever asks, on any executor.

mod commit;
pub(crate) mod connect;
mod locks;
pub(crate) mod schema;
mod sql;
mod wakes;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_postgres::{Client, Pool};
use nod_core::audit::ChainHash;
use nod_engine::ports::StoreError;
use rustls::ClientConfig;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_postgres::{Error, Row};

pub use connect::asks_for_tls;
pub(crate) use sql::failure as pg_failure;
use sql::{Kind, failure, kind, no_connection, prepared, references};

use crate::port::types::*;
use crate::sql::{Query, Sql, Value};
use crate::sweep;

/// The oldest server that will do, as it numbers itself.
const OLDEST_SERVER: i32 = 150_000;
/// Threads of the store: it waits far more than it works.
const THREADS: usize = 2;
/// Nothing takes longer than this; what does is a failure, and its connection is given up.
const LONGEST: Duration = Duration::from_secs(15);
/// Connections that a node keeps for reads and commits, unless told otherwise.
pub const DEFAULT_CONNECTIONS: usize = 16;

/// How a database is reached.
#[derive(Clone)]
pub struct Options {
    /// `postgres://user@host/name`, or `host=... dbname=...`. Several hosts may be named: the primary among them is used.
    pub url: String,
    /// The password, when the URL holds none.
    pub password: Option<String>,
    /// How the server's certificate is judged, when the URL asks for TLS ([`asks_for_tls`]).
    pub tls: Option<Arc<ClientConfig>>,
    /// Connections for reads and commits. One more listens.
    pub connections: usize,
    /// Listen to the other nodes. Without it, for example behind PgBouncer, changes on other nodes are seen within a second.
    pub listen: bool,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may hold a password (INV-24).
        f.debug_struct("Options").field("connections", &self.connections).finish_non_exhaustive()
    }
}

/// Why a database could not be used. No text holds a password.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// The URL makes no sense.
    #[error("database.url cannot be used: {0}; write it as postgres://nod@host/nod")]
    Url(String),
    /// TLS was asked for, and nobody says whom to trust.
    #[error("database.url asks for TLS, and nothing says which authorities are trusted")]
    Tls,
    /// It cannot be reached, or its schema or settings are not for this binary.
    #[error("cannot use the database {address}: {reason}")]
    Refused {
        /// Database and hosts.
        address: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The system gave no thread.
    #[error("cannot start a thread for the database: {0}")]
    Thread(std::io::Error),
}

/// Nod's rows in a PostgreSQL database, which other nodes may use at the same time.
pub struct PostgresStore {
    pool: Pool,
    node: Arc<str>,
    wakes: Wakes,
    outbox: Option<mpsc::Sender<Topic>>,
    handle: Handle,
    runtime: Option<Runtime>,
    timings: Timings,
    /// Place and hash of an event of the audit that is known to be on disk, with all before it.
    settled: Mutex<Option<(i64, ChainHash)>>,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects, and brings the database to this binary's schema.
    ///
    /// # Errors
    /// [`PostgresError`] says what is wrong and what to do. A database of a newer Nod is refused.
    pub async fn open(options: &Options) -> Result<Self, PostgresError> {
        let database = connect::database(options)?;
        if database.is_exposed() {
            tracing::warn!(
                "the database {} is reached without TLS: end its url with ?sslmode=require, unless nobody else reads the network",
                database.address()
            );
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("nod-db")
            .enable_all()
            .build()
            .map_err(PostgresError::Thread)?;
        let pool = database.pool(options.connections)?;
        let mut store = Self {
            pool: pool.clone(),
            node: Arc::from(""),
            wakes: Wakes::default(),
            outbox: None,
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
            timings: Timings::default(),
            settled: Mutex::default(),
        };
        let prepared = store.run(prepare(pool.clone())).await.map_err(|error| database.refused(error.0))?;
        store.node = prepared.map_err(|reason| database.refused(reason))?.into();
        if options.listen {
            let (outbox, waiting) = mpsc::channel(wakes::OUTBOX);
            store.outbox = Some(outbox);
            store.handle.spawn(wakes::listen(database, store.wakes.clone(), waiting));
        }
        store.handle.spawn(wakes::poll(pool, store.node.to_string(), store.wakes.clone()));
        Ok(store)
    }

    /// Runs work on the store's own threads, to its end even when the caller goes away.
    async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> StoreResult<T> {
        // The timer belongs to the store's own threads as well.
        let work = self.handle.spawn(async move { timeout(LONGEST, work).await });
        let ended = work.await.map_err(|_| StoreError("the database's threads have ended: restart Nod".to_owned()))?;
        ended.map_err(|_| too_long())
    }

    /// Drives a read on the caller's thread, with the timers of the store's own.
    async fn asked<T>(&self, read: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
        let read = {
            let _entered = self.handle.enter();
            timeout(LONGEST, read)
        };
        let mut read = pin!(read);
        let driven = poll_fn(|context| {
            let _entered = self.handle.enter();
            read.as_mut().poll(context)
        });
        driven.await.unwrap_or_else(|_| Err(too_long()))
    }

    async fn rows(&self, sql: Sql, params: Vec<Value<'_>>) -> StoreResult<Vec<Row>> {
        self.timings.read(self.asked(read(&self.pool, sql, &params))).await
    }

    async fn time(&self) -> StoreResult<Timestamp> {
        let found =
            self.first(Query::new(crate::sql::sql!("SELECT nod_now()"), (), |row| crate::sql::get(row, 0))).await?;
        found.map(Timestamp).ok_or_else(|| StoreError("PostgreSQL told no time".to_owned()))
    }

    async fn apply(&self, writes: Vec<Write>) -> Result<(), CommitError> {
        let (pool, node, waiting, outbox) =
            (self.pool.clone(), Arc::clone(&self.node), self.wakes.clone(), self.outbox.clone());
        let committed = self.run(async move {
            let topics = commit::commit(&pool, &node, &writes).await?;
            for topic in outbox.iter().flat_map(|outbox| topics.iter().map(move |topic| (outbox, *topic))) {
                // Full: the other nodes find the note.
                let _ = topic.0.try_send(topic.1);
            }
            waiting.wake(topics);
            Ok(())
        });
        committed.await?
    }

    const fn waiting(&self) -> &Wakes {
        &self.wakes
    }

    async fn remove_ended(&self) -> StoreResult<u64> {
        let pool = self.pool.clone();
        self.run(async move {
            let client = pool.get().await.map_err(|error| no_connection(&error))?;
            let mut rows = 0;
            // Each for itself: nothing here depends on another row, and short transactions hold nobody up.
            for (sql, params) in sweep::statements() {
                let swept = async {
                    let statement = prepared(&client, sql, &params).await?;
                    client.execute(&statement, &references(&params)).await
                };
                rows += swept.await.map_err(|error| failure(&error))?;
            }
            Ok(rows)
        })
        .await?
    }

    /// Waits until these events are on disk. Whoever looks again and again, and sees nothing new, waits for no disk.
    async fn settle_events(&self, links: &[Link]) -> StoreResult<()> {
        let last = links.last().and_then(|link| Some((link.sequence, link.hash?)));
        if links.is_empty() || (last.is_some() && *self.settled() == last) {
            return Ok(());
        }
        self.settle().await?;
        *self.settled() = last;
        Ok(())
    }

    /// Waits until everything that was read is on disk: what a commit adds to the audit's chain is seen a moment before.
    async fn settle(&self) -> StoreResult<()> {
        let pool = self.pool.clone();
        let flushed = self.run(async move {
            let client = pool.get().await.map_err(|error| no_connection(&error))?;
            client.batch_execute(commit::FLUSH).await.map_err(|error| failure(&error))
        });
        flushed.await?
    }

    fn settled(&self) -> MutexGuard<'_, Option<(i64, ChainHash)>> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn first<T>(&self, query: Query<'_, T>) -> StoreResult<Option<T>> {
        let rows = self.rows(query.sql, query.params).await?;
        rows.first().map(|row| (query.row)(row)).transpose()
    }

    async fn all<T>(&self, query: Query<'_, T>) -> StoreResult<Vec<T>> {
        let rows = self.rows(query.sql, query.params).await?;
        rows.iter().map(|row| (query.row)(row)).collect()
    }
}

crate::port::store!(PostgresStore);

impl Drop for PostgresStore {
    fn drop(&mut self) {
        // Does not wait: whatever still runs has no caller any more, and the server takes back what is not committed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn too_long() -> StoreError {
    StoreError("PostgreSQL: no answer in time; check the server and the network".to_owned())
}

/// One connection, for work that has the database for itself.
pub(crate) struct Single {
    /// The connection.
    pub(crate) client: Client,
    /// Database and hosts, for messages.
    pub(crate) address: String,
}

/// Connects once, driven by the caller's executor, and brings the database to this binary's schema.
pub(crate) async fn single(options: &Options) -> Result<Single, PostgresError> {
    let database = connect::database(options)?;
    let mut client = database.client().await?;
    prepare_on(&mut client).await.map_err(|reason| database.refused(reason))?;
    Ok(Single { client, address: database.address() })
}

/// Looks whether the server will do, and migrates. Gives a name for this node.
async fn prepare(pool: Pool) -> Result<String, String> {
    prepare_on(&mut pool.get().await.map_err(|error| no_connection(&error).0)?).await
}

async fn prepare_on(client: &mut Client) -> Result<String, String> {
    let node = check(client).await?;
    schema::migrate(client).await.map_err(|error| error.to_string())?;
    Ok(node)
}

async fn check(client: &Client) -> Result<String, String> {
    let asked = "SELECT current_setting('server_version_num')::INT, current_setting('synchronous_commit'),
        current_setting('fsync'), gen_random_uuid()::TEXT, current_setting('server_encoding')";
    let read = async {
        let row = client.query_one(asked, &[]).await?;
        Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?))
    };
    let (version, commits, fsync, node, encoding): (i32, String, String, String, String) =
        read.await.map_err(|error: Error| failure(&error).0)?;
    if version < OLDEST_SERVER {
        return Err(format!("the server is PostgreSQL {}; Nod needs 15 or newer", version / 10_000));
    }
    if commits == "off" || fsync == "off" {
        return Err("synchronous_commit or fsync is off: answers that people were told are done could be lost; \
                    switch both on"
            .to_owned());
    }
    if encoding != "UTF8" {
        return Err(format!("its encoding is {encoding}; make it anew with UTF8"));
    }
    Ok(node)
}

/// A read. A connection that turns out to be dead is replaced once: the server may have been restarted.
async fn read(pool: &Pool, sql: Sql, params: &[Value<'_>]) -> StoreResult<Vec<Row>> {
    let mut retried = false;
    loop {
        let client = pool.get().await.map_err(|error| no_connection(&error))?;
        let asked = async {
            let statement = prepared(&client, sql, params).await?;
            client.query(&statement, &references(params)).await
        };
        match asked.await {
            Ok(rows) => return Ok(rows),
            Err(error) if kind(&error) == Kind::Lost && !retried => retried = true,
            Err(error) => return Err(failure(&error)),
        }
    }
}

//! SQLite: one file, one writer thread with group commit, and reads on the thread that asks.
//!
//! A read is one look-up by key in pages that are in memory: some microseconds, less than handing it to another thread and
//! back would cost (measured, decision 6). Reads never wait for the writer (WAL).

pub(crate) mod connection;
pub(crate) mod schema;
mod sql;
mod writer;

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc as std_mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nod_engine::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use connection::Role;
pub(crate) use sql::failure;
use writer::{Job, Writer};

use crate::migrations::SchemaError;
use crate::port::types::*;
use crate::sql::Query;

/// The store's clock, the only one that judges expiry (INV-06).
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Mode of the database file: the owner's alone. SQLite gives its log files the same.
const FILE_MODE: u32 = 0o600;
/// Commits that may wait for the writer; more make their callers wait.
const WRITE_QUEUE: usize = 1024;
/// Reading connections that are kept open; each thread that reads at the same time needs one.
const READERS: usize = 8;
/// How often the store looks for changes by other processes, for example the command line.
const WATCH_EVERY: Duration = Duration::from_millis(200);

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be made or given its mode.
    #[error("cannot open the database {path}: {source}; check that its folder exists and that you own both")]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// SQLite refuses the file, or its schema is not for this binary.
    #[error("cannot use the database {path}: {reason}")]
    Database {
        /// Which file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The system gave no thread.
    #[error("cannot start a thread for the database: {0}")]
    Thread(std::io::Error),
}

/// Nod's rows in one SQLite file. Dropping it finishes what is queued, and ends its threads.
pub struct SqliteStore {
    path: PathBuf,
    clock: Clock,
    wakes: Wakes,
    writer: Option<mpsc::Sender<Job>>,
    readers: Mutex<Vec<Connection>>,
    watcher: Option<std_mpsc::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
    timings: Timings,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the database, making the file if there is none, and brings it to this binary's schema.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the file and what to do. A database of a newer Nod is refused.
    pub fn open(path: &Path, clock: Clock) -> Result<Self, OpenError> {
        make_file(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
        let sqlite = |error: &rusqlite::Error| refused(path, failure(error).0);
        let connect = |role| connection::open(path, role, Arc::clone(&clock)).map_err(|error| sqlite(&error));
        let mut db = connect(Role::Writer)?;
        schema::migrate(&mut db).map_err(|error| refused(path, error.to_string()))?;

        let wakes = Wakes::default();
        let (writer, jobs) = mpsc::channel(WRITE_QUEUE);
        let (watcher, stop) = std_mpsc::channel();
        let work = Writer::new(db, jobs, wakes.clone()).map_err(|error| sqlite(&error))?;
        let mut store = Self {
            path: path.to_owned(),
            clock: Arc::clone(&clock),
            wakes,
            writer: Some(writer.clone()),
            readers: Mutex::new(vec![connect(Role::Reader)?]),
            watcher: Some(watcher),
            threads: Vec::new(),
            timings: Timings::default(),
        };
        store.start("nod-db-watch", move || watch(&stop, &writer))?;
        store.start("nod-db-write", move || work.run())?;
        Ok(store)
    }

    fn start(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(OpenError::Thread)?;
        self.threads.push(thread);
        Ok(())
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> StoreResult<T> {
        let (reply, answer) = oneshot::channel();
        let writer = self.writer.as_ref().ok_or_else(stopped)?;
        writer.send(job(reply)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())
    }

    /// Reads on this thread, with a connection that nobody else uses meanwhile.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> StoreResult<T>) -> StoreResult<T> {
        let idle = self.idle_readers().pop();
        let db = match idle {
            Some(db) => db,
            None => {
                connection::open(&self.path, Role::Reader, Arc::clone(&self.clock)).map_err(|error| failure(&error))?
            }
        };
        let answer = work(&db);
        let mut idle = self.idle_readers();
        if idle.len() < READERS {
            idle.push(db);
        }
        answer
    }

    async fn time(&self) -> StoreResult<Timestamp> {
        Ok((self.clock)())
    }
    async fn apply(&self, writes: Vec<Write>) -> Result<(), CommitError> {
        self.ask(|reply| Job::Commit { writes, reply }).await?
    }
    const fn waiting(&self) -> &Wakes {
        &self.wakes
    }
    async fn remove_ended(&self) -> StoreResult<u64> {
        self.ask(|reply| Job::Sweep { reply }).await?
    }
    async fn first<T>(&self, query: Query<'_, T>) -> StoreResult<Option<T>> {
        self.timings.read(async { self.read(|db| sql::first(db, &query)) }).await
    }
    async fn all<T>(&self, query: Query<'_, T>) -> StoreResult<Vec<T>> {
        self.timings.read(async { self.read(|db| sql::all(db, &query)) }).await
    }

    /// What others can read is on disk already.
    async fn settle(&self) -> StoreResult<()> {
        Ok(())
    }
    async fn settle_events(&self, _: &[Link]) -> StoreResult<()> {
        Ok(())
    }

    fn idle_readers(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

crate::port::store!(SqliteStore);

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.watcher = None;
        self.writer = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the database had panicked");
            }
        }
    }
}

/// The connection of a file that exists, at this binary's schema, for whoever means to have the file alone.
pub(crate) fn migrated(path: &Path, clock: Clock) -> Result<Connection, SchemaError> {
    let mut db = connection::open(path, Role::Writer, clock)?;
    schema::migrate(&mut db)?;
    Ok(db)
}

fn stopped() -> StoreError {
    StoreError("the database's thread has ended: restart Nod".into())
}

fn refused(path: &Path, reason: String) -> OpenError {
    OpenError::Database { path: path.to_owned(), reason }
}

/// Makes the file, readable by its owner alone; an existing one gets that mode too.
pub(crate) fn make_file(path: &Path) -> std::io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path)?;
    if file.metadata()?.permissions().mode() & 0o777 != FILE_MODE {
        file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    }
    Ok(())
}

/// Asks the writer to look for changes by other processes until the store is dropped. It is the writer's connection that
/// looks: to any other, the writer's own commits would be changes too.
fn watch(stop: &std_mpsc::Receiver<()>, writer: &mpsc::Sender<Job>) {
    while stop.recv_timeout(WATCH_EVERY) == Err(std_mpsc::RecvTimeoutError::Timeout) {
        // A full queue: the next look will do.
        let _ = writer.try_send(Job::Look);
    }
}

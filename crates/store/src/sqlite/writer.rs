//! The writer: one thread that takes whatever is queued into one transaction (group commit). Each job has its own savepoint,
//! and callers are answered after the commit, which is one flush to disk for all of them.

use nod_engine::ports::{CommitError, StoreError, StoreResult, Topic, Wakes, Write};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::sql::{Refused, failure, first, run, step};
use crate::{reads, sweep, writes};

/// Most jobs in one transaction: bounds how long the first of them waits.
pub(super) const MAX_BATCH: usize = 256;

/// What the writer is asked.
pub(super) enum Job {
    Commit {
        writes: Vec<Write>,
        reply: oneshot::Sender<Result<(), CommitError>>,
    },
    Sweep {
        reply: oneshot::Sender<StoreResult<u64>>,
    },
    /// See whether another process has changed the database.
    Look,
}

/// A job that ran, to be answered once the transaction is on disk.
enum Done {
    Commit { topics: Vec<Topic>, outcome: Result<(), CommitError>, reply: oneshot::Sender<Result<(), CommitError>> },
    Sweep { outcome: StoreResult<u64>, reply: oneshot::Sender<StoreResult<u64>> },
}

pub(super) struct Writer {
    db: Connection,
    jobs: mpsc::Receiver<Job>,
    wakes: Wakes,
    data_version: i64,
}

impl Writer {
    pub(super) fn new(db: Connection, jobs: mpsc::Receiver<Job>, wakes: Wakes) -> rusqlite::Result<Self> {
        let data_version = data_version(&db)?;
        Ok(Self { db, jobs, wakes, data_version })
    }

    /// Works until the store is dropped and the queue is empty.
    pub(super) fn run(mut self) {
        let mut done = Vec::with_capacity(MAX_BATCH);
        while let Some(job) = self.jobs.blocking_recv() {
            if matches!(job, Job::Look) {
                self.look();
            } else {
                self.batch(job, &mut done);
            }
        }
    }

    /// Runs `first` and what is queued behind it in one transaction, then answers.
    fn batch(&mut self, first: Job, done: &mut Vec<Done>) {
        let mut look = false;
        let mut next = Some(first);
        let mut lost = self.execute("BEGIN IMMEDIATE").err();
        while let Some(job) = next.take() {
            match self.job(job, lost.is_some()) {
                Ok(Some(ran)) => done.push(ran),
                Ok(None) => look = true,
                Err((ran, error)) => {
                    done.push(ran);
                    lost = Some(error);
                }
            }
            if done.len() < MAX_BATCH && lost.is_none() {
                next = self.jobs.try_recv().ok();
            }
        }
        if lost.is_none() {
            lost = self.execute("COMMIT").err();
        }
        if lost.is_some() && !self.db.is_autocommit() {
            // What cannot even be taken back is taken back by SQLite when the file is next opened.
            let _ = self.execute("ROLLBACK");
        }
        for ran in done.drain(..) {
            self.answer(ran, lost.as_ref());
        }
        if look {
            self.look();
        }
    }

    /// Runs one job in its savepoint. An error means that the whole transaction is lost.
    fn job(&self, job: Job, lost: bool) -> Result<Option<Done>, (Done, StoreError)> {
        match job {
            Job::Look => Ok(None),
            Job::Commit { writes, reply } => {
                let wanted = !lost && !reply.is_closed();
                let ran = if wanted { self.in_savepoint(|db| run_all(db, &writes)) } else { Ok(Ok(())) };
                let topics = writes.iter().flat_map(Write::topics).flatten().collect();
                match ran {
                    Ok(outcome) => Ok(Some(Done::Commit { topics, outcome, reply })),
                    Err(error) => Err((Done::Commit { topics, outcome: Ok(()), reply }, error)),
                }
            }
            Job::Sweep { reply } => {
                let ran = if lost { Ok(Ok(0)) } else { self.in_savepoint(remove_ended) };
                match ran {
                    Ok(outcome) => Ok(Some(Done::Sweep { outcome, reply })),
                    Err(error) => Err((Done::Sweep { outcome: Ok(0), reply }, error)),
                }
            }
        }
    }

    /// Runs `work` so that it is done whole or not at all. The outer error means that the transaction is lost.
    fn in_savepoint<T, E>(&self, work: impl FnOnce(&Connection) -> Result<T, E>) -> Result<Result<T, E>, StoreError> {
        self.execute("SAVEPOINT job")?;
        let outcome = work(&self.db);
        if outcome.is_err() {
            if self.db.is_autocommit() {
                return Err(StoreError("SQLite gave up the transaction: the disk may be full or failing".into()));
            }
            self.execute("ROLLBACK TO job")?;
        }
        self.execute("RELEASE job")?;
        Ok(outcome)
    }

    fn answer(&self, done: Done, lost: Option<&StoreError>) {
        // A caller that has gone away needs no answer.
        match done {
            Done::Commit { topics, outcome, reply } => {
                let outcome = lost.map_or(outcome, |error| Err(CommitError::Store(error.clone())));
                if outcome.is_ok() {
                    self.wakes.wake(topics);
                }
                let _ = reply.send(outcome);
            }
            Done::Sweep { outcome, reply } => {
                let _ = reply.send(lost.map_or(outcome, |error| Err(error.clone())));
            }
        }
    }

    /// Wakes everybody when another process has changed the database since the last look. Our own commits do not count.
    fn look(&mut self) {
        match data_version(&self.db) {
            Ok(version) if version == self.data_version => {}
            Ok(version) => {
                self.data_version = version;
                self.wakes.wake_all();
            }
            Err(error) => tracing::warn!("cannot see whether another process changed the database: {error}"),
        }
    }

    fn execute(&self, sql: &str) -> StoreResult<()> {
        let run = || self.db.prepare_cached(sql)?.execute(());
        run().map(|_| ()).map_err(|error| failure(&error))
    }
}

fn data_version(db: &Connection) -> rusqlite::Result<i64> {
    db.prepare_cached("PRAGMA data_version")?.query_row((), |row| row.get(0))
}

fn run_all(db: &Connection, writes: &[Write]) -> Result<(), CommitError> {
    for (index, write) in writes.iter().enumerate() {
        let conflict = || CommitError::Conflict { index };
        if let Write::Audit(event) = write {
            // This transaction holds the only write lock, so nothing comes between the last link and this one (INV-22).
            let (part, _) = writes::link(first(db, &reads::last_link())?, event);
            run(db, part.sql, &part.params).map_err(|error| CommitError::Store(failure(&error)))?;
            continue;
        }
        for part in writes::plan(write).map_err(|_| conflict())? {
            step(db, &part).map_err(|refused| match refused {
                Refused::Guard => conflict(),
                Refused::Failed(error) => CommitError::Store(failure(&error)),
            })?;
        }
    }
    Ok(())
}

fn remove_ended(db: &Connection) -> StoreResult<u64> {
    let mut rows = 0;
    for (sql, params) in sweep::statements() {
        rows += run(db, sql, &params).map_err(|error| failure(&error))?;
    }
    Ok(rows as u64)
}

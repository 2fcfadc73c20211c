//! Looking at a database without changing it: for `nod doctor`, before anything migrates it.

use std::path::Path;
use std::time::Duration;

use nod_engine::ports::{StoreError, StoreResult};
use rusqlite::{Connection, OpenFlags};

use crate::dump::SCHEMA;
use crate::migrations::MOVED;
use crate::postgres::{Options, connect, pg_failure};
use crate::sqlite::failure;

/// Longest wait for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Most complaints of the integrity check that are given.
const MOST_COMPLAINTS: i64 = 10;

/// What a database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// Its schema; none before the first migration.
    pub schema: Option<u32>,
    /// What the integrity check complains of; PostgreSQL is not asked.
    pub complaints: Vec<String>,
    /// Its clock, in milliseconds since 1970. None for SQLite, which has no other than the process's.
    pub now: Option<i64>,
    /// The engine and its version.
    pub engine: String,
}

impl Inspected {
    /// Whether this binary would migrate it.
    #[must_use]
    pub fn is_older(&self) -> bool {
        self.schema.is_none_or(|schema| schema < SCHEMA)
    }
    /// Whether its installation was moved to PostgreSQL, and this file is out of date.
    #[must_use]
    pub fn is_moved(&self) -> bool {
        self.schema == Some(MOVED.0)
    }
    /// Whether a newer Nod made it.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        self.schema.is_some_and(|schema| schema > SCHEMA)
    }
}

/// Looks at the file at `path`: every page is read. Blocks.
///
/// # Errors
/// When it is no database, or cannot be read.
pub fn inspect_sqlite(path: &Path) -> StoreResult<Inspected> {
    let look = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags)?;
        db.busy_timeout(BUSY_TIMEOUT)?;
        db.pragma_update(None, "query_only", true)?;
        let known = "SELECT count(*) FROM sqlite_schema WHERE name = 'migrations'";
        let migrated: bool = db.query_row(known, (), |row| row.get(0))?;
        let schema = match migrated {
            true => db.query_row("SELECT max(version) FROM migrations", (), |row| row.get(0))?,
            false => None,
        };
        let mut check = db.prepare(&format!("PRAGMA quick_check({MOST_COMPLAINTS})"))?;
        let said: Vec<String> = check.query_map((), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        let complaints = said.into_iter().filter(|line| line != "ok").collect();
        let engine = format!("SQLite {}", rusqlite::version());
        Ok(Inspected { schema, complaints, now: None, engine })
    };
    look().map_err(|error: rusqlite::Error| failure(&error))
}

/// Looks at a PostgreSQL database.
///
/// # Errors
/// When it cannot be reached or read.
pub async fn inspect_postgres(options: &Options) -> StoreResult<Inspected> {
    let failed = |error: tokio_postgres::Error| pg_failure(&error);
    let client = async { connect::database(options)?.client().await };
    let client = client.await.map_err(|error| StoreError(error.to_string()))?;
    let asked = "SELECT current_setting('server_version'), (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT,
        to_regclass('migrations') IS NOT NULL";
    let row = client.query_one(asked, &[]).await.map_err(failed)?;
    let engine: String = row.try_get(0).map_err(failed)?;
    let now: i64 = row.try_get(1).map_err(failed)?;
    let migrated: bool = row.try_get(2).map_err(failed)?;
    let schema: Option<i64> = if migrated {
        let row = client.query_one("SELECT max(version) FROM migrations", &[]).await.map_err(failed)?;
        row.try_get(0).map_err(failed)?
    } else {
        None
    };
    let schema = schema.map(|version| u32::try_from(version).unwrap_or(u32::MAX));
    Ok(Inspected { schema, complaints: Vec::new(), now: Some(now), engine: format!("PostgreSQL {engine}") })
}

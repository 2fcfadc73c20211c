//! One connection: how it is opened and what each must have set.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OpenFlags};

use super::Clock;

/// How long a write waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Statements that a connection keeps prepared; more than the store has.
const STATEMENT_CACHE: usize = 160;
/// Memory for pages of the writer, in KiB.
const WRITER_CACHE_KIB: i64 = 16 * 1024;
/// Memory for pages of each reader, in KiB: what it holds is stale after the next commit, and the system caches the file.
const READER_CACHE_KIB: i64 = 2 * 1024;
/// Pages in the log after which it is written back: four times SQLite's own number, as a page changes many times under load.
const CHECKPOINT_PAGES: i64 = 4_000;
/// The log file is cut back to this after a checkpoint, in bytes.
const WAL_KEPT_BYTES: i64 = 64 * 1024 * 1024;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Writer,
    Reader,
}

/// Opens a file that exists.
pub(crate) fn open(path: &Path, role: Role, clock: Clock) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    // Plans do not depend on bound values; without this SQLite compiles statements anew beside partial indexes.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if role == Role::Writer {
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        db.pragma_update(None, "journal_size_limit", WAL_KEPT_BYTES)?;
    }
    // FULL: a commit is on disk when it is answered. NORMAL would lose acknowledged approvals with the power.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "trusted_schema", false)?;
    // What a savepoint may have to take back is kept in memory, not in a temporary file.
    db.pragma_update(None, "temp_store", "MEMORY")?;
    let cache = if role == Role::Writer { WRITER_CACHE_KIB } else { READER_CACHE_KIB };
    db.pragma_update(None, "cache_size", -cache)?;
    db.pragma_update(None, "query_only", role == Role::Reader)?;
    register_clock(&db, clock)?;
    Ok(db)
}

/// Makes the store's clock known to SQL as `nod_now()`: guards are judged inside the statement (INV-06).
pub(super) fn register_clock(db: &Connection, clock: Clock) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
    db.create_scalar_function("nod_now", 0, flags, move |_| Ok(clock().0))
}

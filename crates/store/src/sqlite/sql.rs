//! Running statements: parameters, rows, failures.

use nod_engine::ports::{StoreError, StoreResult};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, Row, ToSql, ffi, params_from_iter};

use crate::sql::{Cells, Query, Sql, Value, nonsense};
use crate::writes::Step;

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Self::Int(Some(value)) => ValueRef::Integer(*value),
            Self::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Id(Some(bytes)) => ValueRef::Blob(bytes),
            Self::Hash(Some(bytes)) => ValueRef::Blob(bytes),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Int(None) | Self::Text(None) | Self::Id(None) | Self::Hash(None) => ValueRef::Null,
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}

fn value<'r>(row: &'r Row<'_>, at: usize) -> StoreResult<ValueRef<'r>> {
    row.get_ref(at).map_err(|error| failure(&error))
}

impl Cells for Row<'_> {
    fn int(&self, at: usize) -> StoreResult<Option<i64>> {
        value(self, at)?.as_i64_or_null().map_err(|_| nonsense(at, "number"))
    }
    fn text(&self, at: usize) -> StoreResult<Option<&str>> {
        value(self, at)?.as_str_or_null().map_err(|_| nonsense(at, "text"))
    }
    fn bytes(&self, at: usize) -> StoreResult<Option<&[u8]>> {
        value(self, at)?.as_blob_or_null().map_err(|_| nonsense(at, "value"))
    }
}

/// Why a write changed nothing.
#[derive(Debug)]
pub(super) enum Refused {
    /// Its guard did not hold.
    Guard,
    /// The statement failed.
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        let taken = [
            ffi::SQLITE_CONSTRAINT_UNIQUE,
            ffi::SQLITE_CONSTRAINT_PRIMARYKEY,
            ffi::SQLITE_CONSTRAINT_FOREIGNKEY,
            ffi::SQLITE_CONSTRAINT_ROWID,
        ];
        match error.sqlite_error() {
            Some(code) if taken.contains(&code.extended_code) => Self::Guard,
            _ => Self::Failed(error),
        }
    }
}

/// Runs a statement in the running transaction; how many rows it changed.
pub(super) fn run(db: &Connection, sql: Sql, params: &[Value<'_>]) -> rusqlite::Result<usize> {
    db.prepare_cached(sql.sqlite)?.execute(params_from_iter(params))
}

/// Runs one statement of a write.
pub(super) fn step(db: &Connection, step: &Step<'_>) -> Result<(), Refused> {
    let rows = run(db, step.sql, &step.params)?;
    if step.guarded && rows != 1 { Err(Refused::Guard) } else { Ok(()) }
}

/// The first row.
pub(super) fn first<T>(db: &Connection, query: &Query<'_, T>) -> StoreResult<Option<T>> {
    let failed = |error: rusqlite::Error| failure(&error);
    let mut statement = db.prepare_cached(query.sql.sqlite).map_err(failed)?;
    let mut rows = statement.query(params_from_iter(&query.params)).map_err(failed)?;
    rows.next().map_err(failed)?.map(|row| (query.row)(row)).transpose()
}

/// All rows.
pub(super) fn all<T>(db: &Connection, query: &Query<'_, T>) -> StoreResult<Vec<T>> {
    let failed = |error: rusqlite::Error| failure(&error);
    let mut statement = db.prepare_cached(query.sql.sqlite).map_err(failed)?;
    let mut rows = statement.query(params_from_iter(&query.params)).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        found.push((query.row)(row)?);
    }
    Ok(found)
}

/// The failure in words for the log, with what to do where that is known.
pub(crate) fn failure(error: &rusqlite::Error) -> StoreError {
    let advice = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "; the disk is full: free some space",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            "; the file or its folder cannot be written: check owner and mode"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "; the file is damaged: stop Nod, keep a copy and restore a backup"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "; another process holds the database: find out which, and end it or wait"
        }
        Some(ErrorCode::SystemIoFailure) => "; the disk or file system failed: see the system's log",
        _ => "",
    };
    StoreError(format!("{error}{advice}"))
}

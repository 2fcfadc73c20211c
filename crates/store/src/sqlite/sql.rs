//! Running statements: positions of parameters, guards, failures.

use rusqlite::{Connection, ErrorCode, Params, Row, ffi};

use nod_engine::ports::StoreError;

/// Turns `$1` into `?1`: to SQLite `$1` is a name, numbered by where it first stands.
#[expect(clippy::indexing_slicing, reason = "runs when compiled")]
pub(super) const fn positional<const N: usize>(text: &str) -> [u8; N] {
    let text = text.as_bytes();
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = if text[at] == b'$' { b'?' } else { text[at] };
        at += 1;
    }
    bytes
}

/// A statement with its `$n` made positional when compiled.
macro_rules! sql {
    ($($text:expr),+ $(,)?) => {{
        const TEXT: &str = concat!($($text),+);
        const BYTES: [u8; TEXT.len()] = $crate::sqlite::sql::positional(TEXT);
        const SQL: &str = match std::str::from_utf8(&BYTES) {
            Ok(sql) => sql,
            Err(_) => "",
        };
        SQL
    }};
}
pub(super) use sql;

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

/// What became of a write.
pub(super) type Applied = Result<(), Refused>;

/// The running transaction.
#[derive(Clone, Copy)]
pub(super) struct Tx<'c>(pub(super) &'c Connection);

impl Tx<'_> {
    /// Runs a statement; how many rows it changed.
    pub(super) fn run(self, sql: &str, params: impl Params) -> Result<usize, Refused> {
        Ok(self.0.prepare_cached(sql)?.execute(params)?)
    }
    /// Runs a guarded statement, which must change one row.
    pub(super) fn one(self, sql: &str, params: impl Params) -> Applied {
        if self.run(sql, params)? == 1 { Ok(()) } else { Err(Refused::Guard) }
    }
    /// Runs a statement that may change nothing.
    pub(super) fn any(self, sql: &str, params: impl Params) -> Applied {
        self.run(sql, params).map(|_| ())
    }
}

/// The first row.
pub(super) fn first<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// All rows.
pub(super) fn all<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    db.prepare_cached(sql)?.query_map(params, read)?.collect()
}

/// The failure in words for the log, with what to do where that is known.
pub(super) fn failure(error: &rusqlite::Error) -> StoreError {
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

//! The SQLite file: held for ourselves alone, and its tables as the file itself describes them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, Row, Statement};

use super::MoveError;
use crate::migrations::{MOVED, SchemaError};
use crate::sqlite::{self, Clock};

/// A command that was started a moment ago may take this long to end.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(2);

/// A table with the names of its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    key: Vec<String>,
    parents: Vec<String>,
}

impl Table {
    /// The columns, as SQL names them.
    pub(super) fn column_list(&self) -> String {
        quoted(&self.columns)
    }

    /// All rows by their key. Both databases order keys alike: numbers, bytes, and text by its bytes.
    pub(super) fn select(&self) -> String {
        format!("SELECT {} FROM \"{}\" ORDER BY {}", self.column_list(), self.name, quoted(&self.key))
    }

    /// The values of a row.
    pub(super) fn cells<'r>(&self, row: &'r Row<'_>) -> rusqlite::Result<Vec<ValueRef<'r>>> {
        (0..self.columns.len()).map(|at| row.get_ref(at)).collect()
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

/// A SQLite file that nobody else can read or write until this is dropped.
#[derive(Debug)]
pub(super) struct Source {
    db: Connection,
    path: PathBuf,
}

impl Source {
    /// Opens the file, brings it to this binary's schema, and takes it for ourselves.
    pub(super) fn freeze(path: &Path, clock: Clock) -> Result<Self, MoveError> {
        let failed = |reason: String| MoveError::Source { path: path.to_owned(), reason };
        let busy = |error: &rusqlite::Error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => MoveError::InUse(path.to_owned()),
            _ => failed(sqlite::failure(error).0),
        };
        let db = sqlite::migrated(path, clock).map_err(|error| match error {
            SchemaError::Moved => MoveError::MovedBefore(path.to_owned()),
            other => failed(other.to_string()),
        })?;
        let take = || {
            db.busy_timeout(WAIT_FOR_OTHERS)?;
            // Leaving WAL needs the file for oneself: that fails while another process has it open, even an idle one. Without
            // WAL an exclusive transaction keeps readers out too.
            db.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
            db.execute_batch("BEGIN EXCLUSIVE")
        };
        take().map_err(|error| busy(&error))?;
        Ok(Self { db, path: path.to_owned() })
    }

    /// A failure of the file in words.
    pub(super) fn failed(&self, error: &rusqlite::Error) -> MoveError {
        MoveError::Source { path: self.path.clone(), reason: sqlite::failure(error).0 }
    }

    /// Every table but the list of migrations, each behind those that it refers to.
    pub(super) fn tables(&self) -> Result<Vec<Table>, MoveError> {
        let read = || {
            let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'migrations'
                AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
            let names = self.texts(names, "")?;
            names.into_iter().map(|name| self.describe(name)).collect::<rusqlite::Result<Vec<_>>>()
        };
        let mut left = read().map_err(|error| self.failed(&error))?;
        let mut ordered: Vec<Table> = Vec::new();
        while !left.is_empty() {
            let known = |parent: &String| ordered.iter().any(|table| table.name == *parent);
            let (ready, rest): (Vec<_>, Vec<_>) = left.into_iter().partition(|table| table.parents.iter().all(known));
            if ready.is_empty() {
                let reason = "its tables refer to each other in a ring".to_owned();
                return Err(MoveError::Source { path: self.path.clone(), reason });
            }
            ordered.extend(ready);
            left = rest;
        }
        Ok(ordered)
    }

    fn describe(&self, name: String) -> rusqlite::Result<Table> {
        let columns = self.texts("SELECT name FROM pragma_table_info(?1) ORDER BY cid", &name)?;
        let key = self.texts("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk", &name)?;
        let mut parents = self.texts("SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(?1)", &name)?;
        parents.retain(|parent| *parent != name);
        Ok(Table { name, columns, key, parents })
    }

    fn texts(&self, sql: &str, table: &str) -> rusqlite::Result<Vec<String>> {
        let mut statement = self.db.prepare(sql)?;
        let parameters: &[&dyn rusqlite::ToSql] = if statement.parameter_count() == 0 { &[] } else { &[&table] };
        statement.query_map(parameters, |row| row.get(0))?.collect()
    }

    /// How many rows a table has.
    pub(super) fn count(&self, table: &Table) -> Result<u64, MoveError> {
        let sql = format!("SELECT count(*) FROM \"{}\"", table.name);
        let rows: i64 = self.db.query_row(&sql, (), |row| row.get(0)).map_err(|error| self.failed(&error))?;
        Ok(rows.unsigned_abs())
    }

    /// All rows of a table.
    pub(super) fn select(&self, table: &Table) -> Result<Statement<'_>, MoveError> {
        self.db.prepare(&table.select()).map_err(|error| self.failed(&error))
    }

    /// Writes down that the installation is elsewhere now: every opening of this file refuses from here on.
    pub(super) fn mark_moved(&mut self) -> Result<(), MoveError> {
        let (version, name) = MOVED;
        let mark = || {
            self.db.execute(
                "INSERT INTO migrations (version, name, checksum, applied_at) VALUES (?1, ?2, x'', nod_now())",
                (version, name),
            )?;
            self.db.execute_batch("COMMIT")
        };
        mark().map_err(|error| self.failed(&error))
    }
}

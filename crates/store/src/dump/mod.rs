//! Rows out of a database and into an empty one, in a form that both dialects share: what a backup is made of.
//!
//! A dump is a stream of [`Piece`]s: each table by name with its columns, its rows, and an end. It is read from one snapshot while
//! others write, and loaded in one transaction, at the schema it was made at; later migrations then run as always.

mod postgres;
mod sqlite;

use nod_engine::ports::StoreError;
use tokio::sync::mpsc;

use crate::migrations::MIGRATIONS;
use crate::sql::{Sql, sql};

pub use postgres::{dump_postgres, load_postgres};
pub use sqlite::{dump_sqlite, load_sqlite};

/// Rows that travel together.
const ROWS_AT_ONCE: usize = 256;
/// Pieces that may wait for a slow reader.
const PIECES_WAITING: usize = 4;
/// A column that only orders the rows of its table: they are dumped in that order, and numbered anew.
const ORDER: &str = "row";

/// The schema of dumps that this binary makes, and the newest that it loads.
pub const SCHEMA: u32 = {
    let [.., last] = MIGRATIONS else { panic!("there is a first migration") };
    last.version
};

/// The tables of a backup, each behind those it refers to. Nothing that is pending or that opens a session is among them (D11):
/// whoever restores a backup restores no session, no sign-in, no enrolment, no bound browser and no code.
const KEPT: &[&str] = &[
    "users",
    "user_groups",
    "members",
    "apps",
    "devices",
    "passkeys",
    "oath_tokens",
    "recovery_codes",
    "security_keys",
    "subscriptions",
    "challenges",
    "stages",
    "counters",
    "audit",
    "meta",
];

/// What is still pending in the tables that are kept ends when they are loaded (D11). A challenge that was approved and not
/// collected has lost its sign-in, so nothing can collect it. A phone that was on hold when the backup was made (its last event tells
/// when) is pending as well: its owner may have taken it back since.
const SETTLE: [Sql; 4] = [
    sql!("UPDATE challenges SET state = 'withdrawn', checksum = NULL WHERE state = 'pending'"),
    sql!("DELETE FROM recovery_codes WHERE expires_at IS NOT NULL"),
    sql!(
        "DELETE FROM passkeys WHERE device_id IN (SELECT id FROM devices
             WHERE state = 'pending' OR held_until > (SELECT coalesce(max(at), 0) FROM audit))"
    ),
    sql!(
        "UPDATE devices SET state = 'revoked', checksum = NULL
         WHERE state = 'pending' OR held_until > (SELECT coalesce(max(at), 0) FROM audit)"
    ),
];

/// Remembers that these rows came from a backup, under the next free `restore/N` of the installation's values.
const MARK: Sql = sql!(
    "INSERT INTO meta (key, value)
     SELECT 'restore/' || CAST(count(*) AS TEXT), $1 FROM meta WHERE key LIKE 'restore/%'"
);

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// None.
    Null,
    /// A number, a time or a truth.
    Int(i64),
    /// Text.
    Text(String),
    /// An id, a hash or other bytes.
    Bytes(Vec<u8>),
}

/// A part of a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The rows that follow are of this table and have these columns.
    Table {
        /// Its name.
        name: String,
        /// Their names.
        columns: Vec<String>,
    },
    /// Some rows.
    Rows(Vec<Vec<Cell>>),
    /// There is no more. A dump without it is not whole, and is not loaded.
    End,
}

/// The two ends of a dump under way.
#[must_use]
pub fn pieces() -> (mpsc::Sender<Piece>, mpsc::Receiver<Piece>) {
    mpsc::channel(PIECES_WAITING)
}

/// Whoever takes the pieces has gone away; they know why.
fn nobody_listens() -> StoreError {
    StoreError("the dump was given up".into())
}

/// Who gives the pieces went away before the end; they know why.
fn broken_off() -> StoreError {
    StoreError("the dump ends too early".into())
}

/// Something in a dump that this binary did not put there.
fn unknown(what: &str) -> StoreError {
    StoreError(format!("the dump holds {what}: it was not made by this version or an older one"))
}

/// What a table is loaded with: the statement's text, parameters numbered as in PostgreSQL. `known` are the table's columns.
fn insert(name: &str, columns: &[String], known: &[String]) -> Result<String, StoreError> {
    let name = KEPT.iter().find(|kept| **kept == name).ok_or_else(|| unknown("a table that no backup has"))?;
    if columns.is_empty() || columns.iter().any(|column| !known.contains(column)) {
        return Err(unknown("a column that its table does not have"));
    }
    let places: Vec<String> = (1..=columns.len()).map(|place| format!("${place}")).collect();
    Ok(format!("INSERT INTO {name} ({}) VALUES ({})", columns.join(", "), places.join(", ")))
}

/// What a table is read with, given its columns; and the columns that are dumped.
fn select(name: &str, columns: Vec<String>) -> (String, Vec<String>) {
    let ordered = columns.iter().any(|column| column == ORDER);
    let dumped: Vec<String> = columns.into_iter().filter(|column| column != ORDER).collect();
    let order = if ordered { format!(" ORDER BY {ORDER}") } else { String::new() };
    (format!("SELECT {} FROM {name}{order}", dumped.join(", ")), dumped)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What no backup holds, and why.
    const LEFT_OUT: &[(&str, &str)] = &[
        ("browsers", "bound browsers end with a restore: one may have been unbound since"),
        ("browser_secrets", "the same"),
        ("device_sessions", "open"),
        ("nonces", "of a minute; a new epoch makes older ones worthless"),
        ("sign_ins", "pending"),
        ("pushes", "pending"),
        ("sessions", "open"),
        ("app_codes", "pending"),
        ("app_sessions", "open"),
        ("enrolments", "pending"),
        ("introduction_links", "pending"),
        ("migrations", "made when the rows are loaded"),
    ];

    #[test]
    fn every_table_is_kept_or_left_out_for_a_reason() {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            db.execute_batch(migration.sqlite).unwrap();
        }
        let mut tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
        let tables: Vec<String> = tables.query_map((), |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        for table in &tables {
            let (kept, left) = (KEPT.contains(&&**table), LEFT_OUT.iter().any(|(name, _)| name == table));
            assert!(kept != left, "say whether a backup holds {table}");
        }
        assert!(KEPT.iter().all(|name| tables.iter().any(|table| table == name)));
    }

    #[test]
    fn only_tables_and_columns_that_are_known_are_loaded() {
        let columns = ["id".to_owned(), "name".to_owned()];
        assert_eq!(insert("users", &columns, &columns).unwrap(), "INSERT INTO users (id, name) VALUES ($1, $2)");
        assert!(insert("sessions", &columns, &columns).is_err());
        assert!(insert("users", &columns, &columns[..1]).is_err());
        assert!(insert("users", &[], &columns).is_err());
    }
}

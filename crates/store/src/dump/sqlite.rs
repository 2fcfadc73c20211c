//! Dumps of SQLite files.

use std::path::Path;

use nod_engine::ports::{StoreError, StoreResult};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, TransactionBehavior, params_from_iter};
use tokio::sync::mpsc::{Receiver, Sender};

use super::{Cell, KEPT, MARK, Piece, ROWS_AT_ONCE, SETTLE, broken_off, insert, nobody_listens, select, unknown};
use crate::sqlite::{Clock, connection, failure, make_file, schema};

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Sends what a backup holds of the database at `path`, as it is at one moment. Others may write meanwhile. Blocks.
///
/// # Errors
/// When the file cannot be read, or when nobody takes the pieces any more.
pub fn dump_sqlite(path: &Path, clock: Clock, out: &Sender<Piece>) -> StoreResult<()> {
    let failed = |error: rusqlite::Error| failure(&error);
    let mut db = connection::open(path, connection::Role::Reader, clock).map_err(failed)?;
    let tx = db.transaction_with_behavior(TransactionBehavior::Deferred).map_err(failed)?;
    for name in KEPT {
        let (select, columns) = select(name, columns(&tx, name)?);
        let width = columns.len();
        send(out, Piece::Table { name: (*name).to_owned(), columns })?;
        let mut statement = tx.prepare(&select).map_err(failed)?;
        let mut rows = statement.query(()).map_err(failed)?;
        let mut batch = Vec::with_capacity(ROWS_AT_ONCE);
        while let Some(row) = rows.next().map_err(failed)? {
            let cells = (0..width).map(|at| row.get_ref(at).map_err(failed).and_then(|value| cell(value, name)));
            batch.push(cells.collect::<StoreResult<Vec<Cell>>>()?);
            if batch.len() == ROWS_AT_ONCE {
                send(out, Piece::Rows(std::mem::take(&mut batch)))?;
            }
        }
        if !batch.is_empty() {
            send(out, Piece::Rows(batch))?;
        }
    }
    send(out, Piece::End)
}

fn send(out: &Sender<Piece>, piece: Piece) -> StoreResult<()> {
    out.blocking_send(piece).map_err(|_| nobody_listens())
}

fn columns(db: &Connection, table: &str) -> StoreResult<Vec<String>> {
    let read = || {
        let mut statement = db.prepare_cached("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
        statement.query_map((table,), |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()
    };
    read().map_err(|error| failure(&error))
}

fn cell(value: ValueRef<'_>, table: &str) -> StoreResult<Cell> {
    let nonsense = || {
        StoreError(format!(
            "a row of {table} holds what Nod never wrote; find it, or copy the database file with Nod stopped"
        ))
    };
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Int(value),
        ValueRef::Text(text) => Cell::Text(std::str::from_utf8(text).map_err(|_| nonsense())?.to_owned()),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_owned()),
        ValueRef::Real(_) => return Err(nonsense()),
    })
}

/// Makes a database at `path` from a dump that was made at `made_at`, in one transaction; `mark` is remembered. Blocks.
///
/// # Errors
/// When the dump is not whole or not of this kind, or the file cannot be written. What is at `path` is then of no use.
pub fn load_sqlite(
    path: &Path,
    clock: Clock,
    made_at: u32,
    mark: &[u8],
    pieces: &mut Receiver<Piece>,
) -> StoreResult<()> {
    let failed = |error: rusqlite::Error| failure(&error);
    make_file(path).map_err(|error| StoreError(format!("{}: {error}", path.display())))?;
    let mut db = connection::open(path, connection::Role::Writer, clock).map_err(failed)?;
    schema::migrate_to(&mut db, made_at).map_err(|error| StoreError(error.to_string()))?;
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let mut statement = None;
    loop {
        match pieces.blocking_recv().ok_or_else(broken_off)? {
            Piece::Table { name, columns: given } => {
                let sql = insert(&name, &given, &columns(&tx, &name)?)?.replace('$', "?");
                statement = Some(tx.prepare(&sql).map_err(failed)?);
            }
            Piece::Rows(rows) => {
                let statement = statement.as_mut().ok_or_else(|| unknown("rows of no table"))?;
                for row in rows {
                    statement.execute(params_from_iter(&row)).map_err(failed)?;
                }
            }
            Piece::End => break,
        }
    }
    drop(statement);
    for sql in SETTLE {
        tx.execute(sql.sqlite, ()).map_err(failed)?;
    }
    tx.execute(MARK.sqlite, (mark,)).map_err(failed)?;
    tx.commit().map_err(failed)
}

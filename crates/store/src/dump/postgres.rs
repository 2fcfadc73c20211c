//! Dumps of PostgreSQL databases.

use deadpool_postgres::{Client, Transaction};
use futures_util::{StreamExt as _, pin_mut};
use nod_engine::ports::{StoreError, StoreResult};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{IsolationLevel, Row};

use super::{Cell, KEPT, MARK, Piece, ROWS_AT_ONCE, SETTLE, broken_off, insert, nobody_listens, select, unknown};
use crate::postgres::{Options, PostgresError, connect, pg_failure, schema};
use crate::sql::nonsense;

/// A dump takes as long as it takes: the limits of everyday statements do not count.
const NO_LIMITS: &str = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";

impl ToSql for Cell {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) => value.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }
    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(kind)
    }
    to_sql_checked!();
}

async fn client(options: &Options) -> Result<Client, PostgresError> {
    connect::database(options)?.client().await
}

fn refused(error: &PostgresError) -> StoreError {
    StoreError(error.to_string())
}

/// Sends what a backup holds of the database, as it is at one moment. Others may write meanwhile.
///
/// # Errors
/// When it cannot be read, or when nobody takes the pieces any more.
pub async fn dump_postgres(options: &Options, out: Sender<Piece>) -> StoreResult<()> {
    let failed = |error: tokio_postgres::Error| pg_failure(&error);
    let mut client = client(options).await.map_err(|error| refused(&error))?;
    let snapshot = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let tx = snapshot.start().await.map_err(failed)?;
    tx.batch_execute(NO_LIMITS).await.map_err(failed)?;
    let send = async |piece| out.send(piece).await.map_err(|_| nobody_listens());
    for name in KEPT {
        let (select, columns) = select(name, columns(&tx, name).await?);
        let width = columns.len();
        send(Piece::Table { name: (*name).to_owned(), columns }).await?;
        let rows = tx.query_raw(&select, std::iter::empty::<i64>()).await.map_err(failed)?;
        pin_mut!(rows);
        let mut batch = Vec::with_capacity(ROWS_AT_ONCE);
        while let Some(row) = rows.next().await {
            let row = row.map_err(failed)?;
            batch.push((0..width).map(|at| cell(&row, at)).collect::<StoreResult<Vec<Cell>>>()?);
            if batch.len() == ROWS_AT_ONCE {
                send(Piece::Rows(std::mem::take(&mut batch))).await?;
            }
        }
        if !batch.is_empty() {
            send(Piece::Rows(batch)).await?;
        }
    }
    send(Piece::End).await
}

async fn columns(tx: &Transaction<'_>, table: &str) -> StoreResult<Vec<String>> {
    let asked = "SELECT attname::TEXT FROM pg_attribute
                 WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
    let rows = tx.query(asked, &[&table]).await.map_err(|error| pg_failure(&error))?;
    rows.iter().map(|row| row.try_get(0).map_err(|error| pg_failure(&error))).collect()
}

fn cell(row: &Row, at: usize) -> StoreResult<Cell> {
    let kind = row.columns().get(at).map(tokio_postgres::Column::type_).ok_or_else(|| nonsense(at, "place"))?;
    let wrong = |_| nonsense(at, "value");
    let cell = if *kind == Type::INT8 {
        row.try_get::<_, Option<i64>>(at).map_err(wrong)?.map(Cell::Int)
    } else if *kind == Type::BYTEA {
        row.try_get::<_, Option<Vec<u8>>>(at).map_err(wrong)?.map(Cell::Bytes)
    } else {
        row.try_get::<_, Option<String>>(at).map_err(wrong)?.map(Cell::Text)
    };
    Ok(cell.unwrap_or(Cell::Null))
}

/// Fills an empty database from a dump that was made at `made_at`, in one transaction; `mark` is remembered.
///
/// # Errors
/// When the database is not empty, when the dump is not whole or not of this kind, or the database fails. It is then as before.
pub async fn load_postgres(
    options: &Options,
    made_at: u32,
    mark: &[u8],
    pieces: &mut Receiver<Piece>,
) -> StoreResult<()> {
    let failed = |error: tokio_postgres::Error| pg_failure(&error);
    let mut client = client(options).await.map_err(|error| refused(&error))?;
    let tx = client.transaction().await.map_err(failed)?;
    tx.batch_execute(NO_LIMITS).await.map_err(failed)?;
    let there = tx.query_one("SELECT to_regclass('users') IS NOT NULL", &[]).await.map_err(failed)?;
    if there.try_get(0).map_err(failed)? {
        return Err(StoreError("the database is not empty: make a new one, and name that in nod.toml".into()));
    }
    schema::migrate_to(&tx, made_at).await.map_err(|error| StoreError(error.to_string()))?;
    let mut statement = None;
    loop {
        match pieces.recv().await.ok_or_else(broken_off)? {
            Piece::Table { name, columns: given } => {
                let sql = insert(&name, &given, &columns(&tx, &name).await?)?;
                statement = Some(tx.prepare(&sql).await.map_err(failed)?);
            }
            Piece::Rows(rows) => {
                let statement = statement.as_ref().ok_or_else(|| unknown("rows of no table"))?;
                let width = statement.params().len();
                if rows.iter().any(|row| row.len() != width) {
                    return Err(unknown("a row of another width than its table"));
                }
                // In one stream: an answer is awaited for all of them together.
                let inserts = rows.iter().map(|row| tx.execute_raw(statement, row));
                for inserted in futures_util::future::join_all(inserts).await {
                    inserted.map_err(failed)?;
                }
            }
            Piece::End => break,
        }
    }
    for sql in SETTLE {
        tx.execute(sql.postgres, &[]).await.map_err(failed)?;
    }
    tx.execute(MARK.postgres, &[&mark]).await.map_err(failed)?;
    tx.commit().await.map_err(failed)
}

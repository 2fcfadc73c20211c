//! The PostgreSQL database: one transaction that takes all rows, and reads them back.

use std::error::Error as StdError;

use deadpool_postgres::{Client, Transaction};
use rusqlite::types::ValueRef;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Error, Row, Statement};

use super::MoveError;
use super::source::{Source, Table};

/// Rows that are read back at once.
const PAGE_ROWS: i32 = 1_000;

/// Where a table is not the same in both databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Difference {
    /// The first such row, counted from 1.
    pub(super) row: u64,
}

/// A value of SQLite on its way into a column of PostgreSQL. Both write numbers, text and bytes alike, so it goes as it is.
#[derive(Debug)]
pub(super) struct Cell<'r>(ValueRef<'r>);

/// A value as a parameter.
pub(super) const fn parameter<'r>(value: &ValueRef<'r>) -> Cell<'r> {
    Cell(*value)
}

impl ToSql for Cell<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self.0 {
            ValueRef::Null => return Ok(IsNull::Yes),
            ValueRef::Integer(number) => out.extend_from_slice(&number.to_be_bytes()),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => out.extend_from_slice(bytes),
            ValueRef::Real(_) => {
                return Err("a fraction stands in the SQLite file, and no column of Nod's takes one".into());
            }
        }
        Ok(IsNull::No)
    }
    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(kind)
    }
    to_sql_checked!();
}

/// A value of PostgreSQL as it came.
struct Raw<'r>(&'r [u8]);

impl<'r> FromSql<'r> for Raw<'r> {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(raw))
    }
    fn accepts(kind: &Type) -> bool {
        <Cell<'_> as ToSql>::accepts(kind)
    }
}

fn is_same(theirs: &Row, ours: &[ValueRef<'_>]) -> Result<bool, Error> {
    for (at, value) in ours.iter().enumerate() {
        let raw: Option<Raw<'_>> = theirs.try_get(at)?;
        let same = match (value, raw) {
            (ValueRef::Null, None) => true,
            (ValueRef::Integer(number), Some(Raw(raw))) => number.to_be_bytes() == *raw,
            (ValueRef::Text(bytes) | ValueRef::Blob(bytes), Some(Raw(raw))) => *bytes == raw,
            _ => false,
        };
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The transaction.
pub(super) struct Target<'c> {
    tx: Transaction<'c>,
}

impl<'c> Target<'c> {
    /// Begins, and keeps everybody else from writing to these tables.
    pub(super) async fn begin(client: &'c mut Client, tables: &[Table]) -> Result<Self, Error> {
        let tx = client.transaction().await?;
        let names: Vec<String> = tables.iter().map(|table| format!("\"{}\"", table.name)).collect();
        // A large table takes longer than any statement of a running server may.
        tx.batch_execute(&format!(
            "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
             LOCK TABLE {} IN EXCLUSIVE MODE",
            names.join(", ")
        ))
        .await?;
        Ok(Self { tx })
    }

    /// Whether no table holds a row.
    pub(super) async fn is_empty(&self, tables: &[Table]) -> Result<bool, Error> {
        for table in tables {
            let sql = format!("SELECT 1 FROM \"{}\" LIMIT 1", table.name);
            if self.tx.query_opt(&sql, &[]).await?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Where the rows of a table go.
    pub(super) async fn sink(&self, table: &Table) -> Result<BinaryCopyInWriter, Error> {
        let columns = self.tx.prepare(&table.select()).await?;
        let kinds: Vec<Type> = columns.columns().iter().map(|column| column.type_().clone()).collect();
        let copy = format!("COPY \"{}\" ({}) FROM STDIN (FORMAT binary)", table.name, table.column_list());
        Ok(BinaryCopyInWriter::new(self.tx.copy_in(&copy).await?, &kinds))
    }

    /// Rows that come later are numbered behind those that were moved.
    pub(super) async fn go_on_counting(&self, table: &Table) -> Result<(), Error> {
        let counted =
            "SELECT column_name::TEXT, pg_get_serial_sequence(table_name, column_name) FROM information_schema.columns
            WHERE table_schema = current_schema AND table_name = $1 AND is_identity = 'YES'";
        for row in self.tx.query(counted, &[&table.name]).await? {
            let (column, sequence): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let sql = format!("SELECT setval($1::TEXT::REGCLASS, max(\"{column}\")) FROM \"{}\"", table.name);
            self.tx.query(&sql, &[&sequence]).await?;
        }
        Ok(())
    }

    /// Reads a table from both databases in the same order, and compares every row.
    pub(super) async fn compare(&self, source: &Source, table: &Table) -> Result<Option<Difference>, MoveError> {
        let failed = |error: Error| MoveError::Table { table: table.name.clone(), reason: super::failure(&error) };
        let mut select = source.select(table)?;
        let mut ours = select.query(()).map_err(|error| source.failed(&error))?;
        let theirs: Statement = self.tx.prepare(&table.select()).await.map_err(failed)?;
        let portal = self.tx.bind(&theirs, &[]).await.map_err(failed)?;
        let mut row = 0;
        loop {
            let page = self.tx.query_portal(&portal, PAGE_ROWS).await.map_err(failed)?;
            for theirs in &page {
                row += 1;
                let Some(ours) = ours.next().map_err(|error| source.failed(&error))? else {
                    return Ok(Some(Difference { row }));
                };
                let cells = table.cells(ours).map_err(|error| source.failed(&error))?;
                if !is_same(theirs, &cells).map_err(failed)? {
                    return Ok(Some(Difference { row }));
                }
            }
            if page.is_empty() {
                let more = ours.next().map_err(|error| source.failed(&error))?.is_some();
                return Ok(more.then_some(Difference { row: row + 1 }));
            }
        }
    }

    /// Keeps everything.
    pub(super) async fn commit(self) -> Result<(), Error> {
        self.tx.commit().await
    }
}

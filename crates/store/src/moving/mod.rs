//! Moving an installation from SQLite to PostgreSQL: every row as it is, and every row compared.
//!
//! The file is held so that nobody else can open it; all rows are copied and read back in one transaction, so a move that was
//! interrupted has changed nothing. After `COMMIT` the file gets a mark that every later opening refuses, so that an
//! installation does not go on in two places.

mod source;
mod target;

use std::path::{Path, PathBuf};

use tokio_postgres::Error;

use crate::postgres::{self, Options, PostgresError};
use crate::sqlite::Clock;
use source::{Source, Table};
use target::{Difference, Target};

/// Rows between two words of progress.
const TELL_EVERY: u64 = 50_000;

/// How far a move is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Rows of a table that were sent.
    Copied {
        /// Which table.
        table: &'a str,
        /// So many rows.
        rows: u64,
        /// Of so many.
        of: u64,
    },
    /// All rows of a table were read back, and are the same.
    Compared {
        /// Which table.
        table: &'a str,
        /// So many rows.
        rows: u64,
    },
}

/// What was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Tables and their rows.
    pub tables: Vec<(String, u64)>,
    /// The rows had come there by a move that was interrupted at its very end: this one has compared them.
    pub were_there: bool,
}

/// Why nothing was moved. The SQLite file is what it was.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// Another process has the file open.
    #[error("{path} is in use by another process: stop the server and end other commands first", path = .0.display())]
    InUse(PathBuf),
    /// It was moved before.
    #[error("the installation in {path} was moved to PostgreSQL before", path = .0.display())]
    MovedBefore(PathBuf),
    /// The file cannot be read.
    #[error("cannot move {path}: {reason}", path = .path.display())]
    Source {
        /// Which file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The PostgreSQL database cannot be used.
    #[error(transparent)]
    Target(#[from] PostgresError),
    /// It holds something else.
    #[error(
        "the database {address} is not empty, and does not hold this installation: its table {table} differs in row {row}; \
         name an empty database"
    )]
    NotEmpty {
        /// Database and hosts.
        address: String,
        /// The first table that differs.
        table: String,
        /// Its first row that differs, counted from 1 in the order of the table's key.
        row: u64,
    },
    /// What came back is not what was sent.
    #[error(
        "row {row} of the table {table} came back from PostgreSQL as another one, so nothing was kept there; \
         look for triggers or rules on that table"
    )]
    Differs {
        /// The first table that differs.
        table: String,
        /// Its first row that differs.
        row: u64,
    },
    /// A table could not be moved.
    #[error("the table {table}: {reason}")]
    Table {
        /// Which.
        table: String,
        /// What is wrong and what to do.
        reason: String,
    },
}

/// Moves the installation in the SQLite file `from` to the PostgreSQL database. `tell` hears how far it is.
///
/// # Errors
/// [`MoveError`]; nothing has changed then, and the same again may be tried.
pub async fn move_to_postgres(
    from: &Path,
    clock: Clock,
    to: &Options,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Moved, MoveError> {
    let mut source = Source::freeze(from, clock)?;
    let tables = source.tables()?;
    let opened = postgres::single(to).await?;
    let mut client = opened.client;
    let failed = |error: &Error| PostgresError::Refused { address: opened.address.clone(), reason: failure(error) };
    let target = Target::begin(&mut client, &tables).await.map_err(|error| failed(&error))?;
    let were_there = !target.is_empty(&tables).await.map_err(|error| failed(&error))?;
    let mut moved = Vec::new();
    if !were_there {
        for table in &tables {
            copy(&source, &target, table, tell).await?;
        }
    }
    for table in &tables {
        let rows = source.count(table)?;
        match target.compare(&source, table).await? {
            None => tell(Progress::Compared { table: &table.name, rows }),
            Some(Difference { row }) if were_there => {
                return Err(MoveError::NotEmpty { address: opened.address, table: table.name.clone(), row });
            }
            Some(Difference { row }) => return Err(MoveError::Differs { table: table.name.clone(), row }),
        }
        moved.push((table.name.clone(), rows));
    }
    target.commit().await.map_err(|error| failed(&error))?;
    source.mark_moved()?;
    Ok(Moved { tables: moved, were_there })
}

/// Sends all rows of a table.
async fn copy(
    source: &Source,
    target: &Target<'_>,
    table: &Table,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<(), MoveError> {
    let of = source.count(table)?;
    let mut rows = 0;
    let failed = |error: Error| MoveError::Table { table: table.name.clone(), reason: failure(&error) };
    let mut select = source.select(table)?;
    let mut ours = select.query(()).map_err(|error| source.failed(&error))?;
    let mut sink = std::pin::pin!(target.sink(table).await.map_err(failed)?);
    while let Some(row) = ours.next().map_err(|error| source.failed(&error))? {
        let cells = table.cells(row).map_err(|error| source.failed(&error))?;
        sink.as_mut().write_raw(cells.iter().map(target::parameter)).await.map_err(failed)?;
        rows += 1;
        if rows % TELL_EVERY == 0 && rows < of {
            tell(Progress::Copied { table: &table.name, rows, of });
        }
    }
    sink.as_mut().finish().await.map_err(failed)?;
    target.go_on_counting(table).await.map_err(failed)?;
    tell(Progress::Copied { table: &table.name, rows, of });
    Ok(())
}

fn failure(error: &Error) -> String {
    postgres::pg_failure(error).0
}

//! Nod's rows on disk: all SQL is here. SQLite for one node, PostgreSQL for several; both run the same statements.

mod dump;
mod inspect;
mod migrations;
mod moving;
mod names;
mod port;
mod postgres;
mod reads;
mod rows;
mod sql;
mod sqlite;
mod sweep;
mod writes;

pub use dump::{Cell, Piece, SCHEMA, dump_postgres, dump_sqlite, load_postgres, load_sqlite, pieces};
pub use inspect::{Inspected, inspect_postgres, inspect_sqlite};
pub use moving::{MoveError, Moved, Progress, move_to_postgres};
pub use postgres::{DEFAULT_CONNECTIONS, Options as PostgresOptions, PostgresError, PostgresStore, asks_for_tls};
pub use sqlite::{Clock, OpenError, SqliteStore};

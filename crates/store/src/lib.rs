//! Nod's rows on disk: all SQL is here. SQLite for one node.

mod sqlite;

pub use sqlite::{Clock, OpenError, SqliteStore};

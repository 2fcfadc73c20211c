//! The `database` table: SQLite in the data folder unless a PostgreSQL database is named.

use std::path::{Path, PathBuf};

use nod_store::DEFAULT_CONNECTIONS;
use serde::Deserialize;

/// Most connections that one node may keep: more than a server stands, and surely a slip.
const MOST_CONNECTIONS: usize = 1_000;
/// How the URL of a PostgreSQL database begins.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// Where the rows are.
#[derive(Clone)]
pub(crate) enum Database {
    /// One file in the data folder, for one node.
    Sqlite,
    /// A server, for any number of nodes.
    Postgres {
        /// `postgres://user@host/name`. May hold a password.
        url: String,
        /// File with the password.
        password_file: Option<PathBuf>,
        /// File with the authorities that vouch for its certificate, where those of the system do not.
        ca: Option<PathBuf>,
        /// Connections of this node.
        connections: usize,
        /// Hear of other nodes' changes at once.
        listen: bool,
    },
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may hold a password (INV-24).
        f.write_str(match self {
            Self::Sqlite => "Sqlite",
            Self::Postgres { .. } => "Postgres",
        })
    }
}

/// The table as written.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    url: Option<String>,
    password_file: Option<PathBuf>,
    ca: Option<PathBuf>,
    connections: Option<usize>,
    listen: Option<bool>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may hold a password (INV-24).
        f.debug_struct("Table").finish_non_exhaustive()
    }
}

impl Table {
    /// What it means; files are relative to the folder `beside`. An error names the key and says what is wrong.
    pub(super) fn checked(self, beside: &Path) -> Result<Database, (&'static str, String)> {
        let Some(url) = self.url else {
            let lonely = self.password_file.is_some()
                || self.ca.is_some()
                || self.connections.is_some()
                || self.listen.is_some();
            let why = "the keys of `database` need `url`: without it the database is a file in data_dir";
            return if lonely { Err(("database", why.to_owned())) } else { Ok(Database::Sqlite) };
        };
        if !SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
            return Err(("url", "database.url must begin with postgres://".to_owned()));
        }
        let connections = self.connections.unwrap_or(DEFAULT_CONNECTIONS);
        if !(1..=MOST_CONNECTIONS).contains(&connections) {
            return Err(("connections", format!("database.connections must be between 1 and {MOST_CONNECTIONS}")));
        }
        if self.ca.is_some() && !nod_store::asks_for_tls(&url) {
            return Err(("ca", "database.ca counts for TLS only: end database.url with ?sslmode=require".to_owned()));
        }
        let in_folder = |file: Option<PathBuf>| file.map(|file| beside.join(file));
        let (password_file, ca) = (in_folder(self.password_file), in_folder(self.ca));
        Ok(Database::Postgres { url, password_file, ca, connections, listen: self.listen.unwrap_or(true) })
    }
}

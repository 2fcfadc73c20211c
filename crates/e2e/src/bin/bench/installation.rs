//! The installation that is measured: the same in the server's process and in the one that fills its database.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use nod_core::Timestamp;
use nod_engine::ports::{Entropy, Store};
use nod_engine::{Engine, Outcome, Passwords, Settings, Vault};
use nod_store::{DEFAULT_CONNECTIONS, PostgresOptions, PostgresStore, SqliteStore};
use zeroize::Zeroizing;

/// Public address.
pub(crate) const ORIGIN: &str = "https://nod.bench.example.org";
/// Its host.
pub(crate) const HOST: &str = "nod.bench.example.org";
const DATA_KEY: [u8; 32] = [7; 32];

/// The operating system's randomness.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

impl nod_phone::Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

/// Says yes for every known user: argon2's cost is set by its parameters, not by the server, and is measured apart.
struct Unhashed;

#[async_trait::async_trait]
impl Passwords for Unhashed {
    async fn verify(&self, hash: Option<String>, _: Zeroizing<String>, _: &str) -> Outcome<bool> {
        Ok(hash.is_some())
    }
    async fn hash(&self, _: Zeroizing<String>, _: &str) -> Outcome<String> {
        Ok("unhashed".to_owned())
    }
}

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_millis()).unwrap())
}

pub(crate) fn vault() -> Vault {
    Vault::new(&DATA_KEY)
}

pub(crate) fn store(database: &Path) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(database, Arc::new(now)).unwrap())
}

/// A SQLite file, or a PostgreSQL database by its URL.
pub(crate) async fn open(database: &str) -> Arc<dyn Store> {
    if !database.starts_with("postgres://") {
        return store(Path::new(database));
    }
    let (url, password) = (database.to_owned(), None);
    let options = PostgresOptions { url, password, tls: None, connections: DEFAULT_CONNECTIONS, listen: true };
    Arc::new(PostgresStore::open(&options).await.unwrap())
}

pub(crate) fn engine(store: Arc<dyn Store>) -> Engine {
    let settings = Settings {
        origin: ORIGIN.to_owned(),
        rp_id: HOST.to_owned(),
        server_name: "Bench".to_owned(),
        number_always: false,
        vapid_public_key: vec![4; 65],
    };
    Engine::new(store, Arc::new(OsEntropy), Arc::new(Unhashed), vault(), settings)
}

/// A folder for databases on the disk where the build lies: a memory file system would make every flush free.
pub(crate) fn folder() -> tempfile::TempDir {
    let build = std::env::current_exe().unwrap();
    tempfile::Builder::new().prefix("nod-bench-").tempdir_in(build.parent().unwrap()).unwrap()
}

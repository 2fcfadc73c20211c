//! The store on SQLite: the suite that every store must pass, files and migrations, other processes, and kill -9.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use nod_store::SqliteStore;
use nod_testkit::TestClock;
use tempfile::TempDir;

fn make(clock: TestClock) -> (SqliteStore, TempDir) {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(&folder.path().join("nod.db"), Arc::new(move || clock.now())).unwrap();
    (store, folder)
}

mod suite {
    nod_testkit::conformance!(super::make);
}

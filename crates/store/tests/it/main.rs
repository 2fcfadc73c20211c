//! The stores on disk: the suite that every store must pass, files and migrations, other processes and nodes, and kill -9.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod files;
mod kill;
mod postgres;
mod processes;
mod simulation;
mod story;
mod tampers;

use std::path::Path;
use std::sync::Arc;

use nod_store::{OpenError, SqliteStore};
use nod_testkit::TestClock;
use tempfile::TempDir;

/// Opens the database at `path`; it lives by `clock`.
fn open(path: &Path, clock: &TestClock) -> Result<SqliteStore, OpenError> {
    let clock = clock.clone();
    SqliteStore::open(path, Arc::new(move || clock.now()))
}

fn make(clock: TestClock) -> (SqliteStore, TempDir) {
    let folder = TempDir::new().unwrap();
    let store = open(&folder.path().join("nod.db"), &clock).unwrap();
    (store, folder)
}

mod suite {
    nod_testkit::conformance!(super::make);
}

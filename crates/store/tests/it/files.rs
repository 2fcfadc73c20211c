//! The file: its mode, its schema, what is refused, and rows that make no sense.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nod_core::people::User;
use nod_engine::ports::{CommitError, Store, Write};
use nod_testkit::TestClock;
use nod_testkit::conformance::Bed;
use nod_testkit::conformance::rows::*;
use rusqlite::Connection;
use tempfile::TempDir;

use super::open;

/// Runs SQL on the file as somebody with an editor for databases would.
fn edit(path: &Path, sql: &str) {
    let db = Connection::open(path).unwrap();
    db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    db.execute_batch(sql).unwrap();
}

fn refusal(path: &Path) -> String {
    open(path, &TestClock::default()).unwrap_err().to_string()
}

#[tokio::test]
async fn what_was_committed_is_there_when_reopened() {
    let (folder, clock) = (TempDir::new().unwrap(), TestClock::default());
    let path = folder.path().join("nod.db");
    let bed = Bed::new(open(&path, &clock).unwrap(), clock.clone());
    bed.asked().await;
    drop(bed);
    let again = open(&path, &clock).unwrap();
    assert_eq!(again.challenge(ASKED).await, Ok(Some(challenge(71, &sign_in(61, ANNA)))));
    assert_eq!(again.user(ANNA).await, Ok(Some(user(1))));
}

#[tokio::test]
async fn the_files_are_their_owners_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("nod.db");
    std::fs::write(&path, b"").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let store = open(&path, &TestClock::default()).unwrap();
    store.commit(vec![Write::AddUser(user(1))]).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap()).collect();
    assert!(files.len() > 1, "the log stands beside the file while the store is open");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[test]
fn a_newer_database_is_refused_with_advice() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("nod.db");
    drop(open(&path, &TestClock::default()).unwrap());
    edit(&path, "INSERT INTO migrations VALUES (999, 'hash_chain', x'00', 0)");
    // The row's checksum is not even of the right length: that it is newer is what counts.
    edit(&path, "UPDATE migrations SET checksum = zeroblob(32) WHERE version = 999");
    let refusal = refusal(&path);
    let expected = "made by a newer Nod: it has schema 999 (hash_chain), this binary knows";
    let advice = "install the version that made it, or restore a backup";
    assert!(refusal.contains(expected) && refusal.contains(advice), "{refusal}");
}

#[test]
fn an_edited_migration_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("nod.db");
    drop(open(&path, &TestClock::default()).unwrap());
    edit(&path, "UPDATE migrations SET checksum = zeroblob(32)");
    let refusal = refusal(&path);
    assert!(refusal.contains("migration 1 (foundation) is not the one of this binary"), "{refusal}");
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("nod.db");
    std::fs::write(&path, "this is a letter, not a database; ".repeat(100)).unwrap();
    assert!(refusal(&path).contains("the file is damaged"), "{}", refusal(&path));
    let nowhere = folder.path().join("missing/nod.db");
    assert!(refusal(&nowhere).contains("check that its folder exists"), "{}", refusal(&nowhere));
}

#[tokio::test]
async fn rows_that_make_no_sense_are_failures() {
    let (folder, clock) = (TempDir::new().unwrap(), TestClock::default());
    let path = folder.path().join("nod.db");
    let bed = Bed::new(open(&path, &clock).unwrap(), clock);
    bed.asked().await;
    edit(
        &path,
        "UPDATE challenges SET number = '12x456';
         UPDATE devices SET platform = 'toaster', id = x'0B';
         UPDATE sign_ins SET state = 'proved';
         UPDATE users SET created_at = 3, id = zeroblob(17);",
    );
    assert!(
        bed.store.challenge(ASKED).await.unwrap_err().0.contains("impossible number"),
        "never one without a number"
    );
    assert!(bed.store.devices_of(ANNA).await.is_err());
    assert!(bed.store.sign_in(SIGN_IN).await.is_err(), "proved, by no passkey");
    assert!(bed.store.users().await.is_err());
    // The store lives on.
    bed.accepts([Write::AddUser(user(5))]).await;
}

#[tokio::test]
async fn a_failing_write_is_no_conflict_and_harms_nobody_else() {
    let (folder, clock) = (TempDir::new().unwrap(), TestClock::default());
    let path = folder.path().join("nod.db");
    let bed = Bed::new(open(&path, &clock).unwrap(), clock);
    bed.anna().await;
    edit(&path, "CREATE TRIGGER full BEFORE INSERT ON meta BEGIN SELECT RAISE(FAIL, 'no room'); END");
    let failing = vec![
        changing(User { password_hash: Some("half".into()), ..user(1) }),
        Write::SetMeta { key: "k".into(), value: vec![] },
    ];
    let failed = bed.store.commit(failing).await;
    assert!(matches!(&failed, Err(CommitError::Store(error)) if error.0.contains("no room")), "{failed:?}");
    assert_eq!(bed.store.user(ANNA).await, Ok(Some(user(1))));
    bed.accepts([Write::AddUser(user(2))]).await;
}

//! Two stores on one file, as the server and its command line are: both write, and each hears of the other's changes.

use std::sync::Arc;
use std::time::Duration;

use nod_core::limits::Limit;
use nod_core::{Millis, UserId};
use nod_engine::ports::{CommitError, Store, Topic, Write};
use nod_testkit::TestClock;
use nod_testkit::conformance::rows::*;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::open;

/// Far more than the store's 200 ms between two looks.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_writers_share_guards_and_rows() {
    let (folder, clock) = (TempDir::new().unwrap(), TestClock::default());
    let path = folder.path().join("nod.db");
    let stores = [Arc::new(open(&path, &clock).unwrap()), Arc::new(open(&path, &clock).unwrap())];
    let limit = Limit { count: 20, window: Millis(60_000) };
    let mut racers = JoinSet::new();
    for racer in 0..100_u8 {
        let store = Arc::clone(&stores[usize::from(racer % 2)]);
        racers.spawn(async move {
            let counted = Write::Count { bucket: "b".into(), limit };
            store.commit(vec![Write::AddUser(user(racer)), counted]).await
        });
    }
    let mut accepted = 0;
    for outcome in racers.join_all().await {
        match outcome {
            Ok(()) => accepted += 1,
            Err(refused) => assert_eq!(refused, CommitError::Conflict { index: 1 }),
        }
    }
    assert_eq!(accepted, 20);
    for store in &stores {
        assert_eq!(store.users().await.unwrap().len(), 20, "each sees the other's rows");
        assert_eq!(store.count("b", limit).await, Ok(20));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_by_another_process_wake_everybody() {
    let (folder, clock) = (TempDir::new().unwrap(), TestClock::default());
    let path = folder.path().join("nod.db");
    let (server, command) = (open(&path, &clock).unwrap(), open(&path, &clock).unwrap());
    server.commit(vec![Write::AddUser(user(1))]).await.unwrap();
    let mut waiter = server.wakes().wait_for(Topic::User(UserId([9; 16])));
    command.commit(vec![Write::AddUser(user(2))]).await.unwrap();
    tokio::time::timeout(PATIENCE, waiter.changed()).await.unwrap();
    assert_eq!(server.users().await.unwrap().len(), 2);

    // Its own commits are not somebody else's: nobody is woken who did not ask for them.
    let mut idle = server.wakes().wait_for(Topic::User(UserId([9; 16])));
    let looks = Duration::from_millis(700);
    for n in 3..6 {
        server.commit(vec![Write::AddUser(user(n))]).await.unwrap();
    }
    assert!(tokio::time::timeout(looks, idle.changed()).await.is_err());
}

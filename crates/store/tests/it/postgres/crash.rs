//! The database dies: what was answered is there afterwards.

use nod_core::audit::{Event, EventKind};
use nod_engine::ports::{Store, Write};
use nod_testkit::TestClock;
use nod_testkit::conformance::rows::*;
use nod_testkit::postgres::Cluster;

use super::open;

/// Commits before the crash.
const COMMITS: u8 = 20;

/// Nothing is written behind the commits' backs meanwhile: what is there afterwards was flushed before its answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answered_commits_and_events_that_were_read_outlive_a_crash() {
    let Some(mut cluster) = Cluster::start_with(&["wal_writer_delay=10s"]) else { return };
    let (url, clock) = (cluster.database(), TestClock::default());
    let store = open(&url, &clock, true).await;
    for n in 0..COMMITS {
        let event = Event::new(EventKind::UserAdded, clock.now()).user(user(n).id, "somebody");
        store.commit(vec![Write::AddUser(user(n)), Write::Audit(event)]).await.unwrap();
    }
    cluster.crash();
    let store = open(&url, &clock, true).await;
    assert_eq!(store.users().await.unwrap().len(), usize::from(COMMITS));
    assert_eq!(store.audit_after(0, 100).await.unwrap().len(), usize::from(COMMITS));

    // Written by a commit that nobody has an answer to yet, and read.
    let unflushed =
        "SET synchronous_commit = off; INSERT INTO audit SELECT place + 1, kind, at, user_id, user_name, app_id,
        app_name, device_id, device_name, address, detail, hash FROM audit ORDER BY place DESC LIMIT 1";
    assert_eq!(cluster.psql(&url, unflushed), "");
    let read = store.audit_after(0, 100).await.unwrap().len();
    cluster.crash();
    assert_eq!(cluster.psql(&url, "SELECT count(*) FROM audit"), read.to_string());
}

/// Looks at the audit of one who has nothing to send.
const LOOKS: u64 = 100;
/// Bytes that one wait for the disk adds to the log of writes, at least.
const WAIT_BYTES: u64 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_looks_again_and_sees_nothing_new_writes_nothing() {
    let Some(cluster) = Cluster::start() else { return };
    let (url, clock) = (cluster.database(), TestClock::default());
    let store = open(&url, &clock, true).await;
    let event = Event::new(EventKind::UserAdded, clock.now()).user(user(1).id, "somebody");
    store.commit(vec![Write::AddUser(user(1)), Write::Audit(event)]).await.unwrap();
    assert_eq!(store.audit_after(0, 100).await.unwrap().len(), 1);
    let written = || cluster.psql(&url, "SELECT pg_current_wal_insert_lsn() - '0/0'").parse::<u64>().unwrap();
    let before = written();
    for _ in 0..LOOKS {
        assert_eq!(store.audit_after(0, 100).await.unwrap().len(), 1);
    }
    // The database itself notes something now and then.
    assert!(written() - before < LOOKS * WAIT_BYTES, "{} bytes", written() - before);
}

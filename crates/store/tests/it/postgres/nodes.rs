//! Several nodes on one database: guards, rows and counters are shared, and each hears of the others' changes.

use std::sync::Arc;
use std::time::Duration;

use nod_core::challenge::{ChallengeState, Decision};
use nod_core::limits::Limit;
use nod_core::people::{User, UserState};
use nod_core::sign_in::SignInState;
use nod_core::{ChallengeId, Millis, SignInId};
use nod_engine::ports::{CommitError, Store, Topic, Write};
use nod_testkit::TestClock;
use nod_testkit::conformance::Bed;
use nod_testkit::conformance::rows::*;
use nod_testkit::postgres::Cluster;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::open;

/// A node must hear of a change within this time, by notification or by its poll twice a second.
const PATIENCE: Duration = Duration::from_secs(20);
/// That it is a notification which is heard is seen by many changes in a row: polls would take twice the time they get.
const CHANGES: u32 = 80;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_share_guards_rows_and_counters() {
    let Some(cluster) = Cluster::start() else { return };
    let (url, clock) = (cluster.database(), TestClock::default());
    let stores = [Arc::new(open(&url, &clock, true).await), Arc::new(open(&url, &clock, true).await)];
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

/// Guards that read other rows than the one they change: the race is between two nodes, many times over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guards_on_other_rows_hold_between_nodes() {
    let Some(cluster) = Cluster::start() else { return };
    let (url, clock) = (cluster.database(), TestClock::default());
    let one = Bed::new(open(&url, &clock, true).await, clock.clone());
    let other = open(&url, &clock, true).await;
    one.phone().await;
    for round in 100..140 {
        // Two prompts of one user without a number: never side by side (INV-08).
        let (left, right) = (sign_in(round, ANNA), sign_in(round + 80, ANNA));
        one.accepts([Write::AddSignIn(left.clone()), Write::AddSignIn(right.clone())]).await;
        let open = |n, owner| vec![Write::OpenChallenge(challenge(n, owner))];
        let (a, b) = tokio::join!(one.store.commit(open(round, &left)), other.commit(open(round + 80, &right)));
        assert!(a.is_ok() != b.is_ok(), "round {round}: {a:?} {b:?}");
        let (won, lost) = if a.is_ok() { (round, round + 80) } else { (round + 80, round) };

        // A sign-in is proved by passkey, or asks the phone, never both.
        let to = ChallengeState::Withdrawn;
        let end = |n| Write::EndChallenge {
            challenge: ChallengeId([n; 16]),
            to: to.clone(),
            sign_in: SignInId([n; 16]),
            user: ANNA,
        };
        one.accepts([end(won)]).await;
        let id = SignInId([lost; 16]);
        let passkey = passkey(11, &device(11, ANNA)).id;
        let prove = Write::ProveSignIn {
            sign_in: id,
            to: SignInState::Proved { passkey, keep_browser: false },
            checksum: CHANGED,
        };
        let owner = sign_in(lost, ANNA);
        let (a, b) = tokio::join!(one.store.commit(vec![prove]), other.commit(open(lost, &owner)));
        assert!(a.is_ok() != b.is_ok(), "round {round}: {a:?} {b:?}");
        if b.is_ok() {
            one.accepts([end(lost)]).await;
        }
    }

    // Whoever is disabled has no session afterwards, however the two commits meet.
    for round in 0..40 {
        let disable = vec![
            changing(User { state: UserState::Disabled, ..user(1) }),
            Write::EndSessionsOf { user: ANNA, browser: None },
        ];
        let start = vec![Write::AddSession(session(round, ANNA))];
        let (a, _) = tokio::join!(one.store.commit(disable), other.commit(start));
        assert_eq!(a, Ok(()));
        assert_eq!(one.store.sessions_of(ANNA).await, Ok(vec![]), "round {round}");
        one.accepts([changing(user(1))]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn begun_on_one_answered_on_another_collected_on_the_first() {
    let Some(cluster) = Cluster::start() else { return };
    for listen in [true, false] {
        let (url, clock) = (cluster.database(), TestClock::default());
        let page = Bed::new(open(&url, &clock, listen).await, clock.clone());
        let phone = open(&url, &clock, listen).await;
        let mut rung = phone.wakes().wait_for(Topic::User(ANNA));
        page.asked().await;
        timeout(PATIENCE, rung.changed()).await.unwrap();
        assert_eq!(phone.pending_for(ANNA).await.unwrap().len(), 1);
        let mut answered = page.store.wakes().wait_for(Topic::SignIn(SIGN_IN));
        let mut other = page.store.wakes().wait_for(Topic::SignIn(SignInId([62; 16])));
        phone.commit(vec![answering(1, approved())]).await.unwrap();
        timeout(PATIENCE, answered.changed()).await.unwrap();
        page.accepts([consuming(), Write::FinishSignIn { sign_in: SIGN_IN, proved: false }]).await;
        let again = phone.commit(vec![consuming()]).await;
        assert_eq!(again, Err(CommitError::Conflict { index: 0 }), "collected once");
        // Only those are woken whom the change is about.
        assert!(timeout(Duration::ZERO, other.changed()).await.is_err());
        let denied = ChallengeState::Denied(answer(11, Decision::Deny, at(20)));
        assert!(phone.commit(vec![answering(1, denied)]).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notifications_are_faster_than_the_poll() {
    let Some(cluster) = Cluster::start() else { return };
    let (url, clock) = (cluster.database(), TestClock::default());
    let (speaker, hearer) = (open(&url, &clock, true).await, open(&url, &clock, true).await);
    speaker.commit(vec![Write::AddUser(user(1))]).await.unwrap();
    let mut waiter = hearer.wakes().wait_for(Topic::User(ANNA));
    let change = || speaker.commit(vec![changing(User { password_hash: Some("h".into()), ..user(1) })]);
    // The first may come before either listens; then the poll brings it.
    change().await.unwrap();
    timeout(PATIENCE, waiter.changed()).await.unwrap();
    let all = async {
        for _ in 0..CHANGES {
            change().await.unwrap();
            waiter.changed().await;
        }
    };
    timeout(Duration::from_secs(u64::from(CHANGES) / 4), all).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_connections_are_replaced_and_wake_everybody() {
    let Some(cluster) = Cluster::start() else { return };
    let (url, clock) = (cluster.database(), TestClock::default());
    let store = open(&url, &clock, true).await;
    store.commit(vec![Write::AddUser(user(1))]).await.unwrap();
    let name = url.rsplit('/').next().unwrap();
    let mut waiter = store.wakes().wait_for(Topic::Outbox);
    let end = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}' AND application_name = 'nod'"
    );
    assert_ne!(cluster.psql(&url, &end), "0");
    timeout(PATIENCE, waiter.changed()).await.unwrap();
    store.commit(vec![Write::AddUser(user(2))]).await.unwrap();
    assert_eq!(store.users().await.unwrap().len(), 2);
}

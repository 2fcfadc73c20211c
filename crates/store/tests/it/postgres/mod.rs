//! The store on PostgreSQL: the same suite, stories and simulation; several nodes on one database; what is refused.

mod crash;
mod dump;
mod nodes;
mod refusals;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use nod_store::{PostgresOptions, PostgresStore};
use nod_testkit::before::Hook;
use nod_testkit::postgres::Cluster;
use nod_testkit::sim::{self, Tally};
use nod_testkit::{Before, TestClock};
use tokio::runtime::Runtime;
use tokio_postgres::NoTls;

/// Stories told to PostgreSQL: fewer than to a file, as each statement is a trip to the server.
const STORIES: std::ops::Range<u64> = 100..102;
/// Seeds of the simulation in an ordinary run; `NOD_FULL` runs a hundred times as many.
const SEEDS: u64 = 4;
const FIRST_SEED: u64 = 7_000_000;
/// Fewer than in production, so that many tests fit on one server, and racers have to wait for one.
const CONNECTIONS: usize = 8;

/// Where the connections of the tests' own clocks live: also for tests that run in no executor.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

fn options(url: &str, listen: bool) -> PostgresOptions {
    PostgresOptions { url: url.to_owned(), password: None, tls: None, connections: CONNECTIONS, listen }
}

/// Tells the database what the test's clock shows, where that has changed.
struct Tick {
    clock: TestClock,
    told: AtomicI64,
    client: tokio_postgres::Client,
}

#[async_trait::async_trait]
impl Hook for Tick {
    async fn before(&self) {
        let now = self.clock.now().0;
        if self.told.load(Ordering::SeqCst) != now {
            self.client.execute("UPDATE test_clock SET now = $1", &[&now]).await.unwrap();
            self.told.store(now, Ordering::SeqCst);
        }
    }
}

type Ticking = Before<PostgresStore, Tick>;

/// A store on the database that lives by `clock`: another `nod_now()` stands in the place of the real one.
async fn open(url: &str, clock: &TestClock, listen: bool) -> Ticking {
    let inner = Arc::new(PostgresStore::open(&options(url, listen)).await.unwrap());
    let url = url.to_owned();
    let client = RUNTIME.spawn(async move {
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        RUNTIME.spawn(connection);
        client
            .batch_execute(
                "CREATE TABLE IF NOT EXISTS test_clock (now BIGINT NOT NULL);
                 INSERT INTO test_clock SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM test_clock);
                 CREATE OR REPLACE FUNCTION nod_now() RETURNS BIGINT LANGUAGE sql VOLATILE AS
                    'SELECT now FROM test_clock'",
            )
            .await
            .unwrap();
        client
    });
    let hook = Tick { clock: clock.clone(), told: AtomicI64::new(0), client: client.await.unwrap() };
    Before { inner, hook }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_passes() {
    let Some(cluster) = Cluster::start() else { return };
    let make = async |clock: TestClock| (open(&cluster.database(), &clock, true).await, ());
    nod_testkit::conformance_in_turn!(make);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_passes_without_listening() {
    let Some(cluster) = Cluster::start() else { return };
    let make = async |clock: TestClock| (open(&cluster.database(), &clock, false).await, ());
    nod_testkit::conformance_in_turn!(make);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_and_postgresql_agree_on_random_stories() {
    let Some(cluster) = Cluster::start() else { return };
    let mut accepted = BTreeMap::new();
    for seed in STORIES {
        let clock = TestClock::default();
        let store = open(&cluster.database(), &clock, true).await;
        crate::story::tell(seed, &store, &clock, &mut accepted).await;
    }
    assert!(accepted.len() > 30, "a story needs a plot: {accepted:?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the environment chooses the size of a test run or one seed to repeat")]
fn simulation_over_postgresql() {
    let Some(cluster) = Cluster::start() else { return };
    let one = std::env::var("NOD_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let count = if std::env::var_os("NOD_FULL").is_some() { SEEDS * 100 } else { SEEDS };
    let mut tally = Tally::default();
    for seed in one.map_or(FIRST_SEED..FIRST_SEED + count, |seed| seed..seed + 1) {
        let clock = TestClock::default();
        let store = nod_testkit::stepped::block_on(open(&cluster.database(), &clock, true));
        match sim::run(seed, Arc::new(store), clock) {
            Ok(run) => tally = tally.and(run),
            Err(found) => panic!("seed {}: {}; repeat with NOD_SEED={}", found.seed, found.found, found.seed),
        }
    }
    println!("{count} seeds: {tally:?}");
    assert!(one.is_some() || tally.prompts > 0 && tally.answered > 0, "too little happened: {tally:?}");
}

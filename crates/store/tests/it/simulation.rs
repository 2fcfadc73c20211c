//! Whole sign-ins under every trouble the dice know, over real SQLite.

use std::sync::Arc;

use nod_testkit::TestClock;
use nod_testkit::sim::{self, Tally};

/// Seeds of an ordinary run; `NOD_FULL` runs a hundred times as many. Other seeds than the store in memory has.
const SEEDS: u64 = 60;
const FIRST_SEED: u64 = 5_000_000;

#[test]
#[expect(clippy::disallowed_methods, reason = "the environment chooses the size of a test run or one seed to repeat")]
fn simulation_over_sqlite() {
    let one = std::env::var("NOD_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let count = if std::env::var_os("NOD_FULL").is_some() { SEEDS * 100 } else { SEEDS };
    let mut tally = Tally::default();
    for seed in one.map_or(FIRST_SEED..FIRST_SEED + count, |seed| seed..seed + 1) {
        let clock = TestClock::default();
        let (store, _folder) = super::make(clock.clone());
        match sim::run(seed, Arc::new(store), clock) {
            Ok(run) => tally = tally.and(run),
            Err(found) => panic!("seed {}: {}; repeat with NOD_SEED={}", found.seed, found.found, found.seed),
        }
    }
    println!("{count} seeds: {tally:?}");
    if one.is_none() {
        let enough = [tally.grants, tally.prompts, tally.answered, tally.refused, tally.crashes, tally.unbound];
        assert!(enough.iter().all(|figure| *figure > count / 10), "too little happened: {tally:?}");
    }
}

//! Whole sign-ins under every trouble the dice know, over the store in memory.

use std::sync::Arc;

use nod_testkit::sim::{self, Tally};
use nod_testkit::{MemoryStore, TestClock};

/// Seeds of an ordinary run; `NOD_FULL` runs a thousand times as many.
const SEEDS: u64 = 1_000;
/// A long run says how far it is after so many seeds.
const SAY_EVERY: u64 = 10_000;

#[expect(clippy::expect_used, reason = "a test helper")]
/// Runs the seeds on as many threads as there are cores.
fn seeds(count: u64) -> Result<Tally, sim::Violation> {
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let share = |first: u64| {
        let mut sum = Tally::default();
        for seed in (first..count).step_by(threads as usize) {
            let clock = TestClock::default();
            sum = sum.and(sim::run(seed, Arc::new(MemoryStore::new(clock.clone())), clock)?);
            if seed % SAY_EVERY == 0 && seed > 0 {
                println!("{seed} of {count} seeds hold");
            }
        }
        Ok(sum)
    };
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..threads).map(|first| scope.spawn(move || share(first))).collect();
        runs.into_iter().try_fold(Tally::default(), |sum, run| Ok(sum.and(run.join().expect("no run panics")?)))
    })
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the environment chooses the size of a test run or one seed to repeat")]
fn simulation_over_memory() {
    if let Ok(seed) = std::env::var("NOD_SEED") {
        let clock = TestClock::default();
        let seed = seed.parse().expect("NOD_SEED is a number");
        println!("{:?}", sim::run(seed, Arc::new(MemoryStore::new(clock.clone())), clock).expect("repeats"));
        return;
    }
    let count = if std::env::var_os("NOD_FULL").is_some() { SEEDS * 1_000 } else { SEEDS };
    let tally = match seeds(count) {
        Ok(tally) => tally,
        Err(found) => panic!("seed {}: {}; repeat with NOD_SEED={}", found.seed, found.found, found.seed),
    };
    println!("{count} seeds: {tally:?}");
    // A simulation in which nothing happens proves nothing.
    let enough = [tally.grants, tally.prompts, tally.answered, tally.refused, tally.crashes, tally.unbound];
    assert!(enough.iter().all(|figure| *figure > count / 10), "too little happened: {tally:?}");
}

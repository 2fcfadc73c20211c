//! A seeded simulation of whole sign-ins: two engines on one store, people with slow, lossy and lying phones, an attacker who
//! knows the password, an administrator who takes things away, and engines that stop between any two steps.
//!
//! The engines are the real ones; only the clock, the randomness and the store's scheduling are the seed's. Every run first
//! draws which kinds of trouble it has at all, so that rare ones meet often in some runs. A failing seed repeats exactly.

mod ledger;
mod people;
mod world;

use std::sync::Arc;

use nod_engine::ports::Store;

use crate::TestClock;
pub use ledger::Tally;
use world::World;

/// Steps after which a run ends even if somebody still waits.
const MAX_STEPS: u64 = 6_000;

/// A property that did not hold, with the seed that shows it again.
#[derive(Debug)]
pub struct Violation {
    /// The run's seed.
    pub seed: u64,
    /// What was found.
    pub found: String,
}

/// Runs one seed over an empty store whose clock is `clock`.
///
/// # Errors
/// The first [`Violation`].
pub fn run<S: Store + 'static>(seed: u64, store: Arc<S>, clock: TestClock) -> Result<Tally, Violation> {
    let mut world = World::new(seed, store, clock);
    world.settle_in();
    world.plan();
    let mut steps = 0;
    while steps < MAX_STEPS && world.step() {
        steps += 1;
        if let Some(found) = world.check() {
            return Err(Violation { seed, found });
        }
    }
    Ok(world.tally(steps))
}

//! The store in memory passes the suite that every store must pass.

mod simulation;

use nod_testkit::{MemoryStore, TestClock};

fn make(clock: TestClock) -> (MemoryStore, ()) {
    (MemoryStore::new(clock), ())
}

nod_testkit::conformance!(make);

//! What tests of several crates share: a clock that is moved by hand, seeded entropy, a store in memory, yield points for the
//! simulation, and the suite that every store must pass.

pub mod before;
pub mod broken;
mod calls;
pub mod clock;
pub mod conformance;
pub mod entropy;
pub mod exim;
pub mod folk;
pub mod memory;
pub mod postgres;
pub mod sim;
pub mod stepped;
#[expect(clippy::disallowed_methods, reason = "tests look tools up on PATH")]
pub mod tools;

pub use before::Before;
pub use broken::Broken;
pub use clock::TestClock;
pub use entropy::SeededEntropy;
pub use memory::MemoryStore;
pub use stepped::Stepped;

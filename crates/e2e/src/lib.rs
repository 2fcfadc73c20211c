//! Harness for tests of the whole product: real browsers, a real message bus, a real web server, and a stand-in for
//! the browsers' push services.
//!
//! Everything blocks and panics with a sentence that says what was awaited: a test has nobody else to tell. Each piece
//! listens on the loopback only, has folders of its own and ends its processes when dropped, so tests do not meet.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "test code: a broken assumption ends the test, deadlines need the clock, and nothing here ships"
)]

mod autopush;
pub mod bus;
pub mod cdp;
pub mod chromium;
pub mod firefox;
pub mod folder;
pub mod marionette;
pub mod nginx;
pub mod page;
pub mod process;
pub mod product;
pub mod push_check;
pub mod push_receiver;
pub mod push_stub;
pub mod skip;
pub use nod_testkit::tools;
pub mod web;

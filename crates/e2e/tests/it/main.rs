//! Tests of the harness itself, and of what the browsers let a plain-HTTP site on `*.localhost` do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod chromium;
mod firefox;
mod nginx;
mod product;
mod push;
mod sender;
mod site;

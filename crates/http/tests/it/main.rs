//! Requests through the whole router, over a store in memory.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod bad_input;
mod device_flow;
mod forward_auth;
mod hosts;
mod pages;
mod people;
mod probe;
mod secrets;
mod serving;
mod tls;
mod watching;
mod world;

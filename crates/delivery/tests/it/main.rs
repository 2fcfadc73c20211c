//! The Web Push transport, seen from a strict push service, a browser and an attacker.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod address;
mod encryption;
mod gate;
mod mail;
mod payload;
mod send;
mod stub;
mod support;
mod tls;
mod vapid;
mod webhook;

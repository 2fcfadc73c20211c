//! The `nod` binary from outside: commands, server, terminal phone, demo. Each test has its own folder and ports.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod acme;
mod acme_hostile;
mod audit;
mod authority;
mod backup;
mod cli;
mod codes;
mod database_tls;
mod demo;
mod doctor;
mod faults;
mod forward;
mod harness;
mod import;
mod import_tokens;
mod key;
mod keys;
mod logs;
mod mail;
mod migrate;
mod nodes;
mod people;
mod phone;
mod postgres;
mod recovery;
mod server;
mod tls;
mod upgrade;
mod visitor;
mod watching;
mod webhook;

//! The use cases of Nod (sign in, answer, enrol, administer) and the ports they need.
//!
//! A use case reads facts, lets `nod-core` decide, and makes one commit: state change, outbox and audit together. Nothing is
//! sent from inside a request; the delivery worker does that. This crate knows no HTTP and no SQL.

pub mod ports;

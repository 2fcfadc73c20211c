//! The domain of Nod: users, devices, browsers, applications, sign-ins and challenges, as types and pure functions.
//!
//! Nothing here does I/O, reads a clock or makes randomness: time and entropy are arguments. Nothing here knows HTTP, SQL,
//! JOSE or WebAuthn; signed objects are opaque bytes, verified by `nod-engine` before the domain hears of them.

pub mod access;
pub mod audit;
pub mod challenge;
mod checksum;
pub mod enrolment;
pub mod id;
pub mod keys;
pub mod limits;
pub mod network;
pub mod oath;
pub mod people;
pub mod policy;
pub mod possession;
pub mod push;
pub mod recovery;
pub mod sign_in;
pub mod text;
pub mod time;

pub use checksum::{Checksum, UNSEALED};
pub use id::*;
pub use time::{Millis, Timestamp};

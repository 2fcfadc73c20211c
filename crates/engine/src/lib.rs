//! The use cases of Nod (sign in, answer, enrol, administer) and the ports they need.
//!
//! A use case reads facts, lets `nod-core` decide, and makes one commit: state change, outbox and audit together. Nothing is
//! sent from inside a request; the delivery worker does that. This crate knows no HTTP and no SQL.

mod access;
mod admin;
mod answer;
pub mod audit;
mod deliver;
mod device;
mod engine;
mod enrol;
mod fault;
mod guard;
mod import;
mod import_tokens;
mod introduce;
mod keys;
mod meters;
mod oath;
mod password;
mod portal;
pub mod ports;
mod probe;
mod recovery;
mod restore;
mod rotate;
mod seals;
mod self_test;
mod sign_in;
mod vault;

pub use access::Admitted;
pub use device::Phone;
pub use engine::{Engine, Settings};
pub use enrol::{LINK_BY_LETTER, Standing};
pub use fault::{Fault, Outcome};
pub use import::{BadPart, NewUser, NewUsers, Part};
pub use import_tokens::{GivenToken, NewTokens};
pub use meters::Meters;
pub use oath::{NewToken, read_secret, secret_text};
pub use password::{Argon2Queue, BadHash, Passwords};
pub use probe::StoreProbe;
pub use recovery::ShownCode;
pub use restore::Replayed;
pub use rotate::{Foreign, Resealed};
pub use seals::{Fields, Sealed};
pub use sign_in::{Asking, AuthnRequest, Begun, Finished};
pub use vault::{DATA_KEY_BYTES, DataKeys, Made, Unsealable, Vault, fresh_secret, hash_secret};

/// The target of spans that are made for traces and stand in no log. Their fields are fixed words, routes and codes (INV-24).
pub const SPANS: &str = "nod_spans";

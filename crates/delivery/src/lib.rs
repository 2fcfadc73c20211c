//! Senders to addresses outside: [`web_push`] tells a phone that something waits for it, [`webhook`] tells a program of the
//! operator's what happened, [`mail`] hands letters to the operator's mail server.
//!
//! This crate knows the protocols of push services, webhooks and mail, their encryption, signatures and keys, and how to reach an
//! address on somebody's word without being turned against the network it stands in ([`gate`], INV-26).
//!
//! It does not know what a sign-in is. Web Push sees no user, application, place or number, so it cannot put one on a lock
//! screen (INV-04). It keeps no state beyond pooled connections and cached tokens. It reads no clock and makes no
//! randomness of its own (TLS and ECDSA nonces stay inside their library). It never decides to send, resend or drop:
//! it reports a [`web_push::Outcome`] or a [`webhook::Answer`] and its caller decides, and limits how many sends run at once.

mod client;
pub mod gate;
pub mod mail;
pub mod web_push;
pub mod webhook;

pub use client::{
    CONNECT_TIMEOUT, Limits, MAX_IDLE_PER_HOST, MAX_RESPONSE_BYTES, MAX_RETRY_AFTER, PING_INTERVAL, PING_TIMEOUT,
    POOL_IDLE_TIMEOUT, SetupError, TOTAL_TIMEOUT,
};

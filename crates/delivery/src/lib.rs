//! Transports that tell a phone that something waits for it. One module per transport; today [`web_push`].
//!
//! This crate knows push-service protocols, their encryption and keys, and how to reach an address that a stranger
//! gave without being turned against the network it stands in (INV-26).
//!
//! It does not know what a sign-in is. It sees no user, application, place or number, so it cannot put one on a lock
//! screen (INV-04). It keeps no state beyond pooled connections and cached tokens. It reads no clock and makes no
//! randomness of its own (TLS and ECDSA nonces stay inside their library). It never decides to send, resend or drop:
//! it reports a [`web_push::Outcome`] and its caller decides, and limits how many sends run at once.

pub mod web_push;

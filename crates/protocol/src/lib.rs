//! Wire formats of Nod, each in one place: signed answers and device sign-in (JWS), WebAuthn, enrolment codes,
//! and the bodies of the device API and of the pages.
//!
//! Nothing here reads a clock, opens a socket or draws random bytes: callers pass entropy in and judge expiry themselves.
//! Parsing and verifying are different types, so an unverified answer cannot be mistaken for a verified one.
//! `docs/device-api.md` is the contract; `vectors/` holds golden vectors for it.

pub mod answer;
pub mod b64;
pub mod checkpoint;
pub mod context;
pub mod device_api;
pub mod device_sign_in;
pub mod digits;
pub mod enrolment;
pub mod jwk;
mod jws;
pub mod pages;
pub mod portal;
pub mod webauthn;

pub use b64::{B64, Bytes32, Id};
pub use digits::SixDigits;
pub use jwk::{Jwk, KeyError, SigningKey, Thumbprint};
pub use jws::{JWS_MAX_BYTES, JwsError};

/// SHA-256 (FIPS 180-4) of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut out = [0; 32];
    // SHA-256 is always 32 bytes; zip cannot panic, unlike copy_from_slice.
    for (to, from) in out.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    out
}

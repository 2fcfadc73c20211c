//! Web Push (RFC 8030) with message encryption (RFC 8291) and VAPID (RFC 8292).
//!
//! The message is a doorbell: an opaque id, an expiry and a generic text (INV-04). Everything else is fetched by the
//! phone over its own connection. A push service can delay, drop, repeat or invent doorbells, and none of that gives
//! it anything.

mod client;
mod encrypt;
mod keys;
mod payload;
mod retry;
mod ringer;
mod subscription;
mod vapid;

pub use client::{BuildError, MAX_TTL_S, Outcome, RetryCause, WebPush, WebPushConfig};
pub use encrypt::{BODY_BYTES, EncryptError, MAX_CONTENT_BYTES, MessageKeys, PADDED_BYTES, encrypt};
pub use payload::{Kind, MAX_BADGE, Message, OriginError, PublicOrigin, PushId, PushIdError, render};
pub use retry::{BASE_DELAY, MAX_ATTEMPTS, MAX_DELAY, MAX_REFUSALS, retry_delay};
pub use subscription::{Endpoint, MAX_ENDPOINT_BYTES, Subscription, SubscriptionError};
pub use vapid::{
    MAX_CACHED_AUDIENCES, SubjectError, TOKEN_LIFETIME_S, TOKEN_RENEW_S, VapidError, VapidKey, VapidSigner,
    VapidSubject,
};

pub(crate) use nod_engine::ports::Entropy;

//! Web Push (RFC 8030) with message encryption (RFC 8291) and VAPID (RFC 8292).
//!
//! The message is a doorbell: an opaque id, an expiry and a generic text (INV-04). Everything else is fetched by the
//! phone over its own connection. A push service can delay, drop, repeat or invent doorbells, and none of that gives
//! it anything.

mod address;
mod client;
mod encrypt;
mod gate;
mod keys;
mod payload;
mod retry;
mod ringer;
mod subscription;
mod vapid;

pub use address::AddressClass;
pub use client::{
    BuildError, CONNECT_TIMEOUT, Limits, MAX_IDLE_PER_HOST, MAX_RESPONSE_BYTES, MAX_TTL_S, Outcome, PING_INTERVAL,
    PING_TIMEOUT, POOL_IDLE_TIMEOUT, RetryCause, SetupError, TOTAL_TIMEOUT, WebPush, WebPushConfig,
};
pub use encrypt::{BODY_BYTES, EncryptError, MAX_CONTENT_BYTES, MessageKeys, PADDED_BYTES, encrypt};
pub use gate::{Gate, GateError, INSECURE_WARNING, Lookup, MAX_ADDRESSES, Resolver, SystemResolver};
pub use payload::{Kind, MAX_BADGE, Message, OriginError, PublicOrigin, PushId, PushIdError, render};
pub use retry::{BASE_DELAY, MAX_ATTEMPTS, MAX_DELAY, MAX_REFUSALS, MAX_RETRY_AFTER, retry_delay};
pub use subscription::{Endpoint, MAX_ENDPOINT_BYTES, Subscription, SubscriptionError};
pub use vapid::{
    MAX_CACHED_AUDIENCES, SubjectError, TOKEN_LIFETIME_S, TOKEN_RENEW_S, VapidError, VapidKey, VapidSigner,
    VapidSubject,
};

pub(crate) use nod_engine::ports::Entropy;

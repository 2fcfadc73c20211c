//! Names of enum values in the store. They are kept for ever: a rename needs a migration.

use nod_core::access::Method;
use nod_core::challenge::Decision;
use nod_core::oath::{Algorithm, OathState};
use nod_core::people::UserState;
use nod_core::possession::{BoundBy, DeviceState, Notifications, Platform};
use nod_core::push::{PushKind, PushState, Stage};
use nod_core::recovery::RecoveryKind;

/// A value with a name in the store.
pub(crate) trait Named: Sized + Copy {
    /// The name.
    fn name(self) -> &'static str;
    /// The value of this name.
    fn named(name: &str) -> Option<Self>;
}

macro_rules! names {
    ($($kind:ident { $($value:ident = $name:literal),* $(,)? })*) => {$(
        impl Named for $kind {
            fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)*
                }
            }
            fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$value),)*
                    _ => None,
                }
            }
        }
    )*};
}

names! {
    UserState { Active = "active", Disabled = "disabled" }
    Platform { Android = "android", Ios = "ios", Desktop = "desktop", Terminal = "terminal" }
    DeviceState { Pending = "pending", Active = "active", Revoked = "revoked" }
    Notifications { Unknown = "unknown", Granted = "granted", Unavailable = "unavailable" }
    BoundBy { Passkey = "passkey", Link = "link" }
    Decision { Approve = "approve", Deny = "deny", DenyFraud = "deny_fraud" }
    PushKind { Request = "request", SelfTest = "self_test", Notice = "notice" }
    PushState { Queued = "queued", Claimed = "claimed", Accepted = "accepted", Dropped = "dropped" }
    Stage {
        Sent = "sent",
        Accepted = "accepted",
        WorkerWoke = "worker_woke",
        Shown = "shown",
        Fetched = "fetched",
        Answered = "answered",
        Failed = "failed",
    }
    Method { Push = "push", PushNumber = "push_number", Passkey = "passkey", Code = "code" }
    Algorithm { Sha1 = "sha1", Sha256 = "sha256", Sha512 = "sha512" }
    RecoveryKind { Code = "code", Pass = "pass" }
    OathState { Pending = "pending", Active = "active" }
}

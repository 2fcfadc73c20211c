//! Typed identifiers: 128 bits, random or the time and 80 random bits, 22 characters of base64url in text. A user id cannot be passed where a device id is wanted.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text that is not an identifier: it must be 22 characters of base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier: expected 22 characters of base64url")]
pub struct BadId;

/// Reads 22 characters of base64url into 16 bytes.
fn parse(text: &str) -> Result<[u8; 16], BadId> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadId)?;
    bytes.try_into().map_err(|_| BadId)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                parse(text).map(Self)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A person with an account.
    UserId;
    /// A named set of users.
    GroupId;
    /// A protected application.
    AppId;
    /// A phone (or terminal) that can answer.
    DeviceId;
    /// A browser profile known for one user.
    BrowserId;
    /// A passkey row (not the WebAuthn credential id).
    PasskeyId;
    /// What makes one-time codes for a user.
    OathId;
    /// A recovery code or access pass that has not been used.
    RecoveryId;
    /// Where pushes for a phone go.
    SubscriptionId;
    /// One attempt to reach one app.
    SignInId;
    /// One second-factor question.
    ChallengeId;
    /// One queued push.
    PushId;
    /// A browser session at Nod's own origin.
    SessionId;
    /// One enrolment of one phone.
    EnrolmentId;
}

/// SHA-256 of a secret. The secret itself is never stored (INV-19, D01).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretHash(pub [u8; 32]);

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_text_and_bad_text_is_refused() {
        let id = DeviceId([7; 16]);
        assert_eq!(id.to_string().len(), 22);
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in [
            "",
            "AAAA",
            "AAAAAAAAAAAAAAAAAAAAAA=",
            "AAAAAAAAAAAAAAAAAAAAAB",
            "!AAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(bad.parse::<DeviceId>(), Err(BadId), "{bad}");
        }
    }
}

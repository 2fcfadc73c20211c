//! Byte strings as base64url without padding (RFC 4648 section 5), strict: one spelling for one value.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is not the expected byte string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum B64Error {
    /// Characters outside the alphabet, padding, or trailing bits that are not zero.
    #[error("not base64url without padding")]
    Alphabet,
    /// Valid base64url of another length.
    #[error("wrong length: expected {expected} bytes")]
    Length {
        /// Bytes that were expected.
        expected: usize,
    },
}

/// Encodes bytes.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes text of any length; padding and non-canonical trailing bits are errors.
pub fn decode(text: &str) -> Result<Vec<u8>, B64Error> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| B64Error::Alphabet)
}

/// Decodes text that must hold exactly `N` bytes.
pub fn decode_array<const N: usize>(text: &str) -> Result<[u8; N], B64Error> {
    // Refuse by length first, so that a huge text is not decoded.
    if text.len() != (N * 4).div_ceil(3) {
        return Err(B64Error::Length { expected: N });
    }
    decode(text)?.try_into().map_err(|_| B64Error::Length { expected: N })
}

macro_rules! fixed_bytes {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $bytes]);

        impl $name {
            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&$crate::b64::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = $crate::b64::B64Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::b64::decode_array(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::b64::ParseVisitor::new(concat!(stringify!($bytes), " bytes as base64url")))
            }
        }
    };
}
pub(crate) use fixed_bytes;

/// Deserialises a string through `FromStr`, borrowed or owned.
pub(crate) struct ParseVisitor<T> {
    expected: &'static str,
    target: std::marker::PhantomData<T>,
}

impl<T> ParseVisitor<T> {
    pub(crate) const fn new(expected: &'static str) -> Self {
        Self { expected, target: std::marker::PhantomData }
    }
}

impl<T> serde::de::Visitor<'_> for ParseVisitor<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

fixed_bytes! {
    /// An id: 128 bits, written as exactly 22 characters.
    Id, 16
}

fixed_bytes! {
    /// 32 bytes (a nonce or a SHA-256 value), written as exactly 43 characters.
    Bytes32, 32
}

/// A byte string of any length; on the wire base64url without padding.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct B64(pub Vec<u8>);

impl B64 {
    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for B64 {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for B64 {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for B64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(&self.0))
    }
}

impl fmt::Debug for B64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "B64({self})")
    }
}

impl FromStr for B64 {
    type Err = B64Error;
    fn from_str(text: &str) -> Result<Self, B64Error> {
        decode(text).map(Self)
    }
}

impl Serialize for B64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for B64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ParseVisitor::new("bytes as base64url"))
    }
}

//! Six digits: the number of number mode and the confirmation of an enrolment.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::b64::ParseVisitor;

/// How many six-digit values exist.
pub const SIX_DIGITS_COUNT: u64 = 1_000_000;

/// Longest text that a person may type for six digits, in bytes (spaces and hyphens included).
pub const TYPED_DIGITS_MAX_BYTES: usize = 32;

/// Six decimal digits, leading zeros kept. On the wire a string of exactly six ASCII digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SixDigits(u32);

/// A text that is not six digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected six digits")]
pub struct NotSixDigits;

impl SixDigits {
    /// Takes 64 bits of entropy (or of a hash) modulo 10^6; the bias is below 2^-44.
    pub fn from_bits(bits: u64) -> Self {
        Self(u32::try_from(bits % SIX_DIGITS_COUNT).unwrap_or(0))
    }

    /// Reads what a person typed: spaces and hyphens between digits are forgiven.
    pub fn parse_typed(text: &str) -> Result<Self, NotSixDigits> {
        if text.len() > TYPED_DIGITS_MAX_BYTES {
            return Err(NotSixDigits);
        }
        text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>().parse()
    }

    /// In two groups for reading: `123 456`.
    pub fn grouped(&self) -> String {
        format!("{:03} {:03}", self.0 / 1000, self.0 % 1000)
    }
}

impl fmt::Display for SixDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

impl FromStr for SixDigits {
    type Err = NotSixDigits;
    fn from_str(text: &str) -> Result<Self, NotSixDigits> {
        if text.len() != 6 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotSixDigits);
        }
        text.parse().map(Self).map_err(|_| NotSixDigits)
    }
}

impl Serialize for SixDigits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SixDigits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ParseVisitor::new("six digits as a string"))
    }
}

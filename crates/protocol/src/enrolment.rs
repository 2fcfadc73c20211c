//! What a person reads and types while enrolling a phone: the 8-character code and the confirmation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::b64::{Id, ParseVisitor};
use crate::digits::SixDigits;
use crate::jwk::Thumbprint;

/// Characters of a code: 8 times 5 bits.
pub const CODE_CHARS: usize = 8;

/// Longest text that a person may type for a code, in bytes (spaces and hyphens included).
pub const TYPED_CODE_MAX_BYTES: usize = 64;

// Capital letters and digits without I, O, 0 and 1. L stays, because 32 symbols make whole bits; a typed I or 1 is read as L.
const ALPHABET: [char; 32] = [
    'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y',
    'Z', '2', '3', '4', '5', '6', '7', '8', '9',
];

/// An enrolment code: 40 bits as 8 characters that are hard to confuse. A secret until it is used.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EnrolmentCode([u8; CODE_CHARS]);

/// A text that is no enrolment code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code has 8 letters and digits, without I, O, 0 and 1")]
pub struct NotACode;

impl EnrolmentCode {
    /// Writes 40 bits of entropy as a code.
    pub fn from_entropy(entropy: [u8; 5]) -> Self {
        let bits = entropy.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let mut symbols = [0; CODE_CHARS];
        for (position, symbol) in symbols.iter_mut().rev().enumerate() {
            // Five bits always fit a byte.
            *symbol = u8::try_from(bits >> (5 * position) & 31).unwrap_or(0);
        }
        Self(symbols)
    }

    /// In two groups for reading: `ABCD-2345`.
    pub fn grouped(&self) -> String {
        let mut text = self.to_string();
        text.insert(CODE_CHARS / 2, '-');
        text
    }
}

impl fmt::Display for EnrolmentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for symbol in self.0 {
            let letter = ALPHABET.get(usize::from(symbol)).ok_or(fmt::Error)?;
            write!(f, "{letter}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for EnrolmentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolmentCode(…)")
    }
}

impl FromStr for EnrolmentCode {
    type Err = NotACode;

    /// Case does not matter; spaces and hyphens are skipped.
    fn from_str(text: &str) -> Result<Self, NotACode> {
        if text.len() > TYPED_CODE_MAX_BYTES {
            return Err(NotACode);
        }
        let mut typed = text.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let mut symbols = [0; CODE_CHARS];
        for symbol in &mut symbols {
            let letter = match typed.next().ok_or(NotACode)?.to_ascii_uppercase() {
                'I' | '1' => 'L',
                other => other,
            };
            let value = ALPHABET.iter().position(|known| *known == letter).ok_or(NotACode)?;
            *symbol = u8::try_from(value).map_err(|_| NotACode)?;
        }
        if typed.next().is_some() { Err(NotACode) } else { Ok(Self(symbols)) }
    }
}

impl Serialize for EnrolmentCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EnrolmentCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ParseVisitor::new("an enrolment code of 8 characters"))
    }
}

const CONFIRMATION_DOMAIN: &[u8] = b"nod enrolment confirmation v1\0";

/// The confirmation that the phone shows and the person types in the asking browser: the first 8 bytes (big-endian) of
/// SHA-256("nod enrolment confirmation v1" || 0x00 || enrolment id || device id || key thumbprint), modulo 10^6.
///
/// It is no secret; it ties the confirmation to one device key. A key cannot be ground to match another phone's digits,
/// because the server draws the device id after it has seen the key.
pub fn confirmation(enrolment: &Id, device: &Id, key: &Thumbprint) -> SixDigits {
    let parts: [&[u8]; 4] = [CONFIRMATION_DOMAIN, enrolment.as_bytes(), device.as_bytes(), key.as_bytes()];
    let hash = crate::sha256(&parts.concat());
    SixDigits::from_bits(hash.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
}

//! Codes for somebody who has lost the phone: printed recovery codes, and passes that a help desk reads out.
//!
//! Both are typed, so a relay can carry them: from an unknown browser they give no more than a phone on hold (INV-19).

use crate::checksum::Checksum;
use crate::id::{RecoveryId, UserId};
use crate::time::Timestamp;

/// Random bytes of a recovery code: 120 bits, 24 characters of base 32.
pub const CODE_BYTES: usize = 15;
/// Random bytes of a pass, which is read out and lives for an hour at most: 60 bits, 12 characters of base 32. Who sees the prefix has
/// 40 bits to guess, and ten tries in an hour.
pub const PASS_BYTES: usize = 8;
/// Characters of a pass: what its bytes give, without the last one.
pub const PASS_CHARACTERS: usize = 12;
/// Characters at the front of either that name it and are no secret.
pub const PREFIX_CHARACTERS: usize = 4;
/// Characters of a group, as either is written.
const GROUP: usize = 4;
/// Longest text that is looked at, in bytes: a code with a separator between any two characters.
const MAX_TYPED_BYTES: usize = 64;

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryKind {
    /// One of a printed set.
    Code,
    /// Made by an administrator for the next minutes.
    Pass,
}

/// A code that has not been used. Using it removes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryCode {
    /// Identity.
    pub id: RecoveryId,
    /// Whose.
    pub user: UserId,
    /// Which of the two.
    pub kind: RecoveryKind,
    /// Its first characters, by which people tell one from another.
    pub prefix: String,
    /// SHA-256 of its characters, sealed under the data key: one-way, and nothing to guess against without that key (INV-19).
    pub hash: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself; never for a printed one.
    pub expires_at: Option<Timestamp>,
    /// Over the whole row (INV-21).
    pub checksum: Checksum,
}

impl RecoveryCode {
    /// Whether it may be used at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| !end.has_passed(now))
    }
}

/// A code in groups, as it is printed and read out.
#[must_use]
pub fn grouped(characters: &str) -> String {
    let mut text = String::with_capacity(characters.len() + characters.len() / GROUP);
    for (place, character) in characters.chars().enumerate() {
        if place > 0 && place % GROUP == 0 {
            text.push('-');
        }
        text.push(character);
    }
    text
}

/// The characters of a code as somebody typed it: case and separators do not matter, and what base 32 leaves out is read as what it
/// looks like. Anything else is no code.
#[must_use]
pub fn read_typed(typed: &str) -> Option<String> {
    if typed.len() > MAX_TYPED_BYTES {
        return None;
    }
    let mut characters = String::with_capacity(typed.len());
    for character in typed.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '.' | '\u{2010}'..='\u{2015}')) {
        characters.push(match character.to_ascii_uppercase() {
            '0' => 'O',
            '1' => 'I',
            '8' => 'B',
            letter @ ('A'..='Z' | '2'..='7') => letter,
            _ => return None,
        });
    }
    Some(characters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_are_read_as_people_write_them() {
        for typed in ["ABCD-EFGH-2345", "abcd efgh 2345", " abcd\u{2013}efgh.2345\n", "ABCDEFGH2345"] {
            assert_eq!(read_typed(typed).as_deref(), Some("ABCDEFGH2345"), "{typed}");
        }
        assert_eq!(read_typed("0180").as_deref(), Some("OIBO"));
        for none in ["ABCD_EFGH", "ÄBCD", "ABC9", &"A".repeat(65)] {
            assert_eq!(read_typed(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(characters in "[A-Z2-7]{0,24}") {
            prop_assert_eq!(read_typed(&grouped(&characters)), Some(characters));
        }
    }
}

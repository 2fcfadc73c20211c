//! One-time codes of OATH: by counter (HOTP, RFC 4226) and by time (TOTP, RFC 6238).
//!
//! A token is whatever makes the codes: an app on a phone or a piece of hardware. It knows no more than a secret that Nod knows too,
//! so a code can be typed into the wrong page: what it may open is decided by [`crate::policy::may_type_code`].

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use crate::checksum::Checksum;
use crate::id::{OathId, UserId};
use crate::limits;
use crate::time::Timestamp;

/// Seconds that a code of TOTP stands for, where nothing else is said (RFC 6238 section 5.2).
pub const DEFAULT_STEP_SECONDS: u32 = 30;
/// Steps that tokens may have, in seconds.
pub const STEP_SECONDS: std::ops::RangeInclusive<u32> = 10..=120;
/// Digits that a code may have (RFC 4226 section 5.3: at least 6).
pub const DIGITS: std::ops::RangeInclusive<u32> = 6..=8;
/// Bytes that a secret may have (RFC 4226 section 4: at least 128 bits; tokens with 80 exist and are refused).
pub const SECRET_BYTES: std::ops::RangeInclusive<usize> = 16..=64;
/// Longest text that a person may type for a code, in bytes: spaces and hyphens included.
const TYPED_MAX_BYTES: usize = 32;
/// Steps before and after the present one whose codes are taken: a clock that is off, or a slow hand (RFC 6238 section 5.2).
const STEPS_AROUND: u32 = 1;

/// The hash inside the HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// What nearly every token has.
    Sha1,
    /// RFC 6238 section 1.2.
    Sha256,
    /// RFC 6238 section 1.2.
    Sha512,
}

/// What moves a token from one code to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moving {
    /// Time: so many seconds each (TOTP).
    Time {
        /// Seconds of a step.
        step: u32,
    },
    /// A press of its button (HOTP).
    Press,
}

/// Where in its life a token is. One that is removed has no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OathState {
    /// No right code was seen yet; opens nothing.
    Pending,
    /// May be used.
    Active,
}

/// A token of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OathToken {
    /// Identity.
    pub id: OathId,
    /// Whose.
    pub user: UserId,
    /// Shown name.
    pub name: String,
    /// What moves it.
    pub moving: Moving,
    /// The hash inside the HMAC.
    pub algorithm: Algorithm,
    /// Digits of a code.
    pub digits: u32,
    /// The secret, sealed for this row (INV-21).
    pub secret: Vec<u8>,
    /// Where in its life.
    pub state: OathState,
    /// The first step or count whose code is still good. It only goes up.
    pub next: u64,
    /// When it was added.
    pub created_at: Timestamp,
    /// When a code of it was last right.
    pub last_used_at: Option<Timestamp>,
    /// Over all but the name and the last use (INV-21).
    pub checksum: Checksum,
}

/// What a typed code turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Right; from now on this is the first good step or count.
    Right {
        /// The token's new `next`.
        next: u64,
    },
    /// It was right once, and is used up.
    Used,
    /// None of this token's.
    Wrong,
}

impl OathToken {
    /// Codes that would be taken at one moment. How many guesses are allowed follows from it.
    #[must_use]
    pub const fn candidates(&self) -> u32 {
        match self.moving {
            Moving::Time { .. } => 2 * STEPS_AROUND + 1,
            Moving::Press => limits::HOTP_LOOK_AHEAD,
        }
    }

    /// Finds the count of a token with a button again by two of its codes in a row (RFC 4226 section 7.4); gives the new `next`. One
    /// code would be guessed too easily over so many. A token that counts time is never lost.
    #[must_use]
    pub fn resync(&self, secret: &[u8], typed: [&str; 2]) -> Option<u64> {
        let (Moving::Press, [Some(first), Some(second)]) =
            (self.moving, typed.map(|text| digits_of(text, self.digits)))
        else {
            return None;
        };
        let expected = |counter| code(self.algorithm, secret, counter, self.digits);
        let last = self.next.saturating_add(u64::from(limits::HOTP_RESYNC_WINDOW));
        (self.next..last).find(|at| expected(*at) == first && expected(at + 1) == second).map(|at| at + 2)
    }

    /// Judges a typed code by the opened secret, at the store's time. All candidates are computed, whichever is right.
    #[must_use]
    pub fn judge(&self, secret: &[u8], typed: &str, now: Timestamp) -> Seen {
        let (first, last) = match self.moving {
            Moving::Time { step } => {
                let at = step_of(now, step);
                (at.saturating_sub(STEPS_AROUND.into()), at.saturating_add(STEPS_AROUND.into()))
            }
            Moving::Press => (self.next, self.next.saturating_add(u64::from(limits::HOTP_LOOK_AHEAD) - 1)),
        };
        let Some(typed) = digits_of(typed, self.digits) else { return Seen::Wrong };
        let mut seen = Seen::Wrong;
        for counter in first..=last {
            let expected = code(self.algorithm, secret, counter, self.digits);
            if verify_slices_are_equal(expected.as_bytes(), typed.as_bytes()).is_err() {
                continue;
            }
            if counter >= self.next {
                seen = Seen::Right { next: counter.saturating_add(1) };
            } else if seen == Seen::Wrong {
                seen = Seen::Used;
            }
        }
        seen
    }
}

/// The step of TOTP at this time (RFC 6238 section 4.2, T0 = 0).
#[must_use]
pub fn step_of(now: Timestamp, step_seconds: u32) -> u64 {
    u64::try_from(now.unix_seconds()).unwrap_or(0) / u64::from(step_seconds.max(1))
}

/// What a person typed as plain digits, when it is so many of them: spaces and hyphens between are forgiven.
fn digits_of(typed: &str, digits: u32) -> Option<String> {
    if typed.len() > TYPED_MAX_BYTES {
        return None;
    }
    let plain: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    (plain.len() == digits as usize && plain.bytes().all(|byte| byte.is_ascii_digit())).then_some(plain)
}

/// The code of one step or count (RFC 4226 section 5.3), leading zeros kept.
#[must_use]
pub fn code(algorithm: Algorithm, secret: &[u8], counter: u64, digits: u32) -> String {
    let algorithm = match algorithm {
        Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Algorithm::Sha256 => hmac::HMAC_SHA256,
        Algorithm::Sha512 => hmac::HMAC_SHA512,
    };
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret), &counter.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or(0) & 0x0f);
    let word = tag.iter().skip(offset).take(4).fold(0_u32, |word, byte| (word << 8) | u32::from(*byte));
    let width = digits as usize;
    format!("{:0width$}", (word & 0x7fff_ffff) % 10_u32.pow(digits.min(9)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: &[u8] = b"12345678901234567890";

    fn token(moving: Moving, next: u64) -> OathToken {
        OathToken {
            id: OathId([1; 16]),
            user: UserId([2; 16]),
            name: "App".to_owned(),
            moving,
            algorithm: Algorithm::Sha1,
            digits: 6,
            secret: Vec::new(),
            state: OathState::Active,
            next,
            created_at: Timestamp(0),
            last_used_at: None,
            checksum: crate::UNSEALED,
        }
    }

    #[test]
    fn hotp_of_rfc_4226_appendix_d() {
        let expected =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (counter, expected) in (0..).zip(expected) {
            assert_eq!(code(Algorithm::Sha1, SHORT, counter, 6), expected);
        }
    }

    #[test]
    fn totp_of_rfc_6238_appendix_b() {
        let (middle, long): (Vec<u8>, Vec<u8>) =
            (SHORT.iter().cycle().take(32).copied().collect(), SHORT.iter().cycle().take(64).copied().collect());
        for (seconds, sha1, sha256, sha512) in [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ] {
            let step = step_of(Timestamp(seconds * 1_000), 30);
            assert_eq!(code(Algorithm::Sha1, SHORT, step, 8), sha1);
            assert_eq!(code(Algorithm::Sha256, &middle, step, 8), sha256);
            assert_eq!(code(Algorithm::Sha512, &long, step, 8), sha512);
        }
    }

    #[test]
    fn a_code_is_good_for_its_step_and_one_on_either_side_and_never_twice() {
        let token = |next| token(Moving::Time { step: 30 }, next);
        let typed = code(Algorithm::Sha1, SHORT, 100, 6);
        for (step, expected) in [
            (98, Seen::Wrong),
            (99, Seen::Right { next: 101 }),
            (100, Seen::Right { next: 101 }),
            (101, Seen::Right { next: 101 }),
            (102, Seen::Wrong),
        ] {
            let now = Timestamp(step * 30_000 + 29_999);
            assert_eq!(token(0).judge(SHORT, &typed, now), expected, "{step}");
        }
        let now = Timestamp(100 * 30_000);
        assert_eq!(token(101).judge(SHORT, &typed, now), Seen::Used, "C02");
        let older = code(Algorithm::Sha1, SHORT, 99, 6);
        assert_eq!(token(101).judge(SHORT, &older, now), Seen::Used, "C04");
        assert_eq!(token(101).judge(SHORT, &code(Algorithm::Sha1, SHORT, 101, 6), now), Seen::Right { next: 102 });
    }

    #[test]
    fn c10_a_token_with_a_button_may_run_a_little_ahead_and_further_needs_two_codes() {
        let token = token(Moving::Press, 5);
        let shown = |count: u64| code(Algorithm::Sha1, SHORT, count, 6);
        let ahead = u64::from(limits::HOTP_LOOK_AHEAD);
        assert_eq!(token.judge(SHORT, &shown(5 + ahead - 1), Timestamp(0)), Seen::Right { next: 5 + ahead });
        assert_eq!(token.judge(SHORT, &shown(5 + ahead), Timestamp(0)), Seen::Wrong, "beyond the look-ahead");
        assert_eq!(token.judge(SHORT, &shown(4), Timestamp(0)), Seen::Wrong, "used up");
        let resync = |first: u64, second: u64| token.resync(SHORT, [&shown(first), &shown(second)]);
        assert_eq!(resync(100, 101), Some(102));
        assert_eq!(resync(100, 102), None, "not in a row");
        assert_eq!(resync(100, 100), None, "one code twice");
        assert_eq!(resync(3, 4), None, "used up");
        assert_eq!(resync(5 + 200, 5 + 201), None, "too far");
    }

    #[test]
    fn typing_is_forgiven_but_not_guessing() {
        let token = token(Moving::Press, 0);
        for (typed, expected) in [
            ("755224", Seen::Right { next: 1 }),
            (" 755 224 ", Seen::Right { next: 1 }),
            ("755-224", Seen::Right { next: 1 }),
            ("55224", Seen::Wrong),
            ("0755224", Seen::Wrong),
            ("75522٤", Seen::Wrong),
            ("", Seen::Wrong),
            ("755224                                 ", Seen::Wrong),
        ] {
            assert_eq!(token.judge(SHORT, typed, Timestamp(0)), expected, "{typed:?}");
        }
    }
}

//! Every number that bounds something, with its unit (threat model section 8).

use crate::time::Millis;

/// Life of a challenge asked from a browser.
pub const CHALLENGE_LIFE: Millis = Millis::seconds(120);
/// Life of a sign-in, password to session; several challenges may follow each other in it. An approval is worth nothing after
/// its sign-in's end (INV-10).
pub const SIGN_IN_LIFE: Millis = Millis::minutes(10);
/// Challenges one sign-in may open, one after the other.
pub const CHALLENGES_PER_SIGN_IN: u32 = 5;
/// Pushes one challenge may send to one phone ("send again" included).
pub const PUSHES_PER_CHALLENGE: u32 = 3;
/// The phone is rung a second time after this span when it has not fetched the request.
pub const PUSH_AGAIN_AFTER: Millis = Millis::seconds(10);
/// Refusals in a row after which a push subscription is dropped.
pub const MAX_PUSH_REFUSALS: u32 = 5;
/// How long a denial keeps the user's next sign-ins in number mode.
pub const NUMBER_MODE_AFTER_DENIAL: Millis = Millis::hours(1);
/// Sign-ins of one user pending at the same time.
pub const MAX_PENDING_PER_USER: usize = 5;

/// Wrong passwords for one name from one kind of source.
pub const PASSWORD_TRIES_PER_NAME: Limit = Limit { count: 10, window: Millis::hours(1) };
/// Wrong passwords from one source address, any name.
pub const PASSWORD_TRIES_PER_SOURCE: Limit = Limit { count: 100, window: Millis::hours(1) };
/// Prompts without success, per user and kind of source.
pub const PROMPTS_SHORT: Limit = Limit { count: 3, window: Millis::minutes(10) };
/// Prompts without success, per user and kind of source, over a day.
pub const PROMPTS_LONG: Limit = Limit { count: 10, window: Millis::hours(24) };
/// Guesses at enrolment codes from one source address.
pub const CODE_TRIES_PER_SOURCE: Limit = Limit { count: 20, window: Millis::hours(1) };
/// Wrong enrolment codes in all, after which a wrong one gets no other answer than "too many" (a right one still counts, so that
/// a flood keeps nobody out). With ten codes shown at once and 40 bits each, as many guesses hit once in a hundred years.
pub const CODE_TRIES_IN_ALL: Limit = Limit { count: 100_000, window: Millis::hours(1) };
/// Digits tried for one phone that joined, before it is refused.
pub const CONFIRMATION_TRIES: Limit = Limit { count: 3, window: Millis::minutes(60) };
/// Passwords tried with introduction links of one account.
pub const INTRODUCTION_TRIES: Limit = Limit { count: 5, window: Millis::minutes(15) };
/// Bad proofs (passkey, signed answer) that one account's audit takes; more are refused without a line.
pub const BAD_PROOFS: Limit = Limit { count: 20, window: Millis::minutes(10) };
/// Lines of the audit about one stored row that is not as it was written (INV-21).
pub const REFUSED_ROWS: Limit = Limit { count: 1, window: Millis::hours(1) };
/// Self-test pushes of one phone.
pub const SELF_TESTS: Limit = Limit { count: 10, window: Millis::hours(1) };

/// Codes of a token with a button that are taken ahead of the last one: presses that nobody typed.
pub const HOTP_LOOK_AHEAD: u32 = 8;
/// Codes of such a token that are looked through for two in a row, when it has run further ahead (C10).
pub const HOTP_RESYNC_WINDOW: u32 = 200;
/// Security keys and passkeys of one user.
pub const KEYS_PER_USER: usize = 10;
/// How often it is told of one key that there may be a copy.
pub const KEY_COPIES_TOLD: Limit = Limit { count: 1, window: Millis::hours(1) };
/// How long the challenge of a sign-in without a user name is good: as long as a ceremony may take.
pub const NAMELESS_CHALLENGE_LIFE: Millis = Millis::minutes(5);
/// Such a challenge is used once.
pub const NAMELESS_CHALLENGE_USES: Limit = Limit { count: 1, window: Millis::minutes(10) };
/// Tokens of one user.
pub const OATH_TOKENS_PER_USER: usize = 5;
/// Wrong codes of one user before the next one has to wait.
pub const CODES_WITHOUT_PAUSE: u32 = 2;
/// From then on: one code in so long.
pub const CODE_PAUSE: Limit = Limit { count: 1, window: Millis::seconds(5) };
/// Wrong codes of one user within an hour (INV-07).
const CODE_TRIES_SHORT: Limit = Limit { count: 10, window: Millis::hours(1) };
/// Wrong guesses in a window of a day times the codes that would be taken at one moment. Two windows may touch one day, so that
/// this is 9 in 100,000 a day for codes of six digits (C01).
const CODE_CHANCES_A_DAY: u32 = 45;
/// Wrong codes of one user in a row, however slowly (NIST SP 800-63B-4, 3.2.2): then no code is taken until a token is confirmed anew.
pub const CODE_TRIES_IN_A_ROW: Limit = Limit { count: 100, window: Millis::days(36_500) };

/// Wrong codes of one user in an hour and in a day, where so many codes would be taken at one moment (INV-07).
#[must_use]
pub const fn code_tries(candidates: u32) -> [Limit; 2] {
    let a_day = CODE_CHANCES_A_DAY / if candidates == 0 { 1 } else { candidates };
    let an_hour = if a_day < CODE_TRIES_SHORT.count { a_day } else { CODE_TRIES_SHORT.count };
    [Limit { count: an_hour, ..CODE_TRIES_SHORT }, Limit { count: a_day, window: Millis::hours(24) }]
}

/// Recovery codes of one set.
pub const RECOVERY_CODES: usize = 10;
/// So many left, and it is time for a new set.
pub const FEW_RECOVERY_CODES: usize = 3;
/// Recovery codes and passes of one user: a set, and passes that have not ended yet.
pub const RECOVERY_ROWS_PER_USER: usize = 2 * RECOVERY_CODES;

/// Longest life of a pass that a help desk reads out.
pub const PASS_LIFE: Millis = Millis::minutes(60);
/// Wrong recovery codes and passes of one user from one kind of source (E14). A code has 100 bits that are not known.
pub const RECOVERY_TRIES_SHORT: Limit = Limit { count: 10, window: Millis::hours(1) };
/// The same over a day.
pub const RECOVERY_TRIES_LONG: Limit = Limit { count: 30, window: Millis::hours(24) };
/// How long a phone is on hold that came by a recovery code typed in an unknown browser (INV-15, F14).
pub const RECOVERY_HOLD: Millis = Millis::hours(24);

/// Life of an administrator's enrolment link.
pub const ENROLMENT_LINK_LIFE: Millis = Millis::hours(72);
/// Letters with a link to enrol that one person gets by runs over a group. Less than a day: a run at the same hour of the next day, a
/// little earlier even, is another day's.
pub const LETTER_WITH_LINK: Limit = Limit { count: 1, window: Millis::hours(20) };
/// Life of an enrolment session once the link is opened.
pub const ENROLMENT_SESSION_LIFE: Millis = Millis::minutes(60);
/// Life of the code that the phone scans or types.
pub const ENROLMENT_CODE_LIFE: Millis = Millis::minutes(10);
/// Wrong passwords in one enrolment session before the link is void.
pub const ENROLMENT_PASSWORD_TRIES: u32 = 5;
/// Life of an administrator's introduction link.
pub const INTRODUCTION_LINK_LIFE: Millis = Millis::minutes(10);

/// A bound browser ends after so long without use.
pub const BROWSER_IDLE: Millis = Millis::days(30);
/// A bound browser ends after so long in any case.
pub const BROWSER_LIFE: Millis = Millis::days(90);
/// The previous browser secret still counts for so long after a rotation (a reply may have been lost).
pub const BROWSER_ROTATION_GRACE: Millis = Millis::seconds(10);

/// A session ends after so long without use.
pub const SESSION_IDLE: Millis = Millis::hours(1);
/// A session ends after so long in any case.
pub const SESSION_LIFE: Millis = Millis::hours(24);
/// How fresh a sign-in must be to change factors (INV-15).
pub const FRESH_SIGN_IN: Millis = Millis::minutes(10);
/// How long after a sign-in its owner can say that it was not theirs.
pub const REPORT_WITHIN: Millis = Millis::days(1);
/// How long unknown browsers are refused after such a report, unless somebody allows them again.
pub const UNKNOWN_REFUSED: Limit = Limit { count: 1, window: Millis::days(30) };
/// A phone that is off may be told of a change for so long.
pub const NOTICE_LIFE: Millis = Millis::hours(24);
/// How long the app lists what has changed.
pub const NOTICES_KEPT: Millis = Millis::days(7);
/// The one-time code between Nod and a protected app's host.
pub const APP_CODE_LIFE: Millis = Millis::seconds(60);

/// Server nonce for a device sign-in.
pub const DEVICE_NONCE_LIFE: Millis = Millis::seconds(60);
/// A device session.
pub const DEVICE_SESSION_LIFE: Millis = Millis::hours(12);
/// Accounts that one device session may cover.
pub const DEVICES_PER_SESSION: usize = 8;
/// Active and pending phones of one user.
pub const DEVICES_PER_USER: usize = 10;
/// A WebAuthn challenge for introduction or sign-in.
pub const PASSKEY_CHALLENGE_LIFE: Millis = Millis::minutes(5);

/// So many in a window of so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many are let through.
    pub count: u32,
    /// Length of the window, which starts with the first.
    pub window: Millis,
}

/// What counts as one source: an IPv4 address, or the /64 of an IPv6 address, since one subscriber holds all of it.
#[must_use]
pub fn source_of(address: &str) -> String {
    match address.parse() {
        Ok(std::net::IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Ok(std::net::IpAddr::V6(v6)) => v6.to_ipv4_mapped().map_or_else(String::new, |v4| v4.to_string()),
        Ok(v4) => v4.to_string(),
        Err(_) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::source_of;

    #[test]
    fn one_subscriber_is_one_source() {
        for (address, source) in [
            ("203.0.113.9", "203.0.113.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("command line", "command line"),
        ] {
            assert_eq!(source_of(address), source);
        }
    }
}

//! Users and groups, and what a password must be.

use crate::checksum::Checksum;
use crate::id::{GroupId, UserId};
use crate::time::Timestamp;

/// Whether a user may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserState {
    /// May sign in.
    Active,
    /// May not; sessions and pending sign-ins end at once.
    Disabled,
}

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Identity.
    pub id: UserId,
    /// Sign-in name, in its canonical spelling.
    pub name: String,
    /// Shown name.
    pub display_name: String,
    /// May sign in or not.
    pub state: UserState,
    /// Argon2id in PHC form, once a password was chosen; or as another system stored it, until its owner signs in.
    pub password_hash: Option<String>,
    /// Every sign-in asks for the number.
    pub number_always: bool,
    /// May enrol `nod phone`, whose user verification is its own word.
    pub terminal_phone: bool,
    /// Where notices and links go by e-mail, as [`crate::text::mail_address`] spells it.
    pub mail: Option<String>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Over all but the shown name (INV-21).
    pub checksum: Checksum,
}

/// A named set of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Identity.
    pub id: GroupId,
    /// Name in its canonical spelling.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// That somebody is in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Which group.
    pub group: GroupId,
    /// Who.
    pub user: UserId,
    /// Over the whole row (INV-21).
    pub checksum: Checksum,
}

/// Fewest characters of a password. Below it a password is refused.
pub const MIN_PASSWORD_CHARS: usize = 8;
/// Characters we advise when the password stands alone (NIST SP 800-63B-4, 3.1.1.2).
pub const ADVISED_PASSWORD_CHARS: usize = 15;
/// Most bytes of a password that are hashed; more is refused, never cut.
pub const MAX_PASSWORD_BYTES: usize = 256;

/// Why a password was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// Shorter than [`MIN_PASSWORD_CHARS`].
    #[error("the password is too short: use at least 8 characters, better 15 or more (a few words in a row do well)")]
    TooShort,
    /// Longer than [`MAX_PASSWORD_BYTES`].
    #[error("the password is longer than 256 bytes: use a shorter one")]
    TooLong,
    /// In every attacker's list, or made of the user's own name.
    #[error("this password is one of the first that attackers try: choose another")]
    KnownBad,
}

/// Judges a new password for `user_name`.
///
/// # Errors
/// [`BadPassword`] says what is wrong and what to do.
pub fn check_new_password(password: &str, user_name: &str) -> Result<(), BadPassword> {
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(BadPassword::TooLong);
    }
    if password.chars().count() < MIN_PASSWORD_CHARS {
        return Err(BadPassword::TooShort);
    }
    if is_known_bad(&password.to_lowercase(), &user_name.to_lowercase()) {
        return Err(BadPassword::KnownBad);
    }
    Ok(())
}

/// Passwords of at least eight characters that head every published list, without digits or marks at their ends.
const KNOWN_BAD: &str = include_str!("known_bad_passwords.txt");

fn is_known_bad(password: &str, user_name: &str) -> bool {
    let first = password.chars().next();
    let core = password.trim_matches(|c: char| !c.is_alphabetic());
    let repeated = password.chars().all(|c| Some(c) == first);
    let name = user_name.split('@').next().unwrap_or(user_name);
    let of_name = !name.is_empty() && (core == name || password == format!("{name}{name}"));
    repeated
        || of_name
        || is_run(password)
        || KNOWN_BAD.lines().any(|bad| bad == password || (!core.is_empty() && bad == core))
}

/// `12345678`, `abcdefgh`, `87654321`: each character one step from the last.
fn is_run(password: &str) -> bool {
    let codes: Vec<u32> = password.chars().map(u32::from).collect();
    let steps = |up: i64| codes.windows(2).all(|pair| matches!(pair, [a, b] if i64::from(*b) - i64::from(*a) == up));
    codes.len() > 1 && (steps(1) || steps(-1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_judged() {
        for (password, expected) in [
            ("short", Err(BadPassword::TooShort)),
            ("äöüäöüä", Err(BadPassword::TooShort)),
            ("Password2024!", Err(BadPassword::KnownBad)),
            ("aaaaaaaaaaaa", Err(BadPassword::KnownBad)),
            ("123456789", Err(BadPassword::KnownBad)),
            ("anna.berg2026", Err(BadPassword::KnownBad)),
            ("qwertyuiop", Err(BadPassword::KnownBad)),
            ("four plain words here", Ok(())),
        ] {
            assert_eq!(check_new_password(password, "anna.berg@example.com"), expected, "{password}");
        }
        assert_eq!(check_new_password(&"long".repeat(65), "a"), Err(BadPassword::TooLong));
    }
}

//! Text that comes from outside and is shown (INV-30): control and direction characters out, length limited.

/// The longest name shown to a person, in characters.
pub const MAX_SHOWN_CHARS: usize = 64;
/// The longest user name, in bytes.
pub const MAX_USER_NAME_BYTES: usize = 64;

/// What a stranger's text looks like when shown: one line, no control or direction characters, at most [`MAX_SHOWN_CHARS`].
#[must_use]
pub fn shown(text: &str) -> String {
    let mut clean = String::new();
    let mut space = true;
    for character in text.chars().filter(|c| !is_hidden(*c)).take(MAX_SHOWN_CHARS) {
        let blank = character.is_whitespace();
        if !blank {
            clean.push(character);
        } else if !space {
            clean.push(' ');
        }
        space = blank;
    }
    clean.truncate(clean.trim_end().len());
    clean
}

/// Control characters, direction marks and overrides, zero-width characters, tags and private use.
fn is_hidden(character: char) -> bool {
    (character.is_control() && !character.is_whitespace())
        || matches!(character,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E000}'..='\u{F8FF}' | '\u{E0000}'..='\u{10FFFF}')
}

/// Why a name was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Nothing was given.
    #[error("the name is empty")]
    Empty,
    /// Longer than [`MAX_USER_NAME_BYTES`].
    #[error("the name is longer than 64 bytes")]
    TooLong,
    /// A character that a user name may not hold.
    #[error("a name holds letters, digits and . _ - @ + only, and starts with a letter or digit")]
    Character,
}

/// The one spelling under which a user, group or app name is stored and looked up: trimmed and lower case.
///
/// # Errors
/// [`BadName`] says what is wrong with it.
pub fn canonical_name(text: &str) -> Result<String, BadName> {
    let name = text.trim().to_ascii_lowercase();
    if name.is_empty() {
        return Err(BadName::Empty);
    }
    if name.len() > MAX_USER_NAME_BYTES {
        return Err(BadName::TooLong);
    }
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+'));
    if plain && name.starts_with(|c: char| c.is_ascii_alphanumeric()) { Ok(name) } else { Err(BadName::Character) }
}

/// Longest mail address, in bytes (RFC 5321 section 4.5.3.1.3, without its brackets).
pub const MAX_MAIL_ADDRESS_BYTES: usize = 254;
/// Longest part before the @, in bytes (RFC 5321 section 4.5.3.1.1).
const MAX_MAIL_LOCAL_BYTES: usize = 64;
/// Longest label of a host name, in bytes (RFC 1035 section 2.3.4).
const MAX_LABEL_BYTES: usize = 63;

/// No mail address that Nod writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no plain mail address: write it as name@your-domain (international domains as xn--...)")]
pub struct BadMailAddress;

/// A mail address in the one spelling under which it is stored: one plain address, its domain in lower case.
///
/// Comments, quoted names and address literals (RFC 5322 section 3.4.1) are refused: nobody has them, and other programs read them
/// each in their own way.
///
/// # Errors
/// [`BadMailAddress`].
pub fn mail_address(text: &str) -> Result<String, BadMailAddress> {
    let (local, domain) = text.trim().split_once('@').ok_or(BadMailAddress)?;
    let is_atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let atoms = local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom));
    let is_label = |label: &str| {
        (1..=MAX_LABEL_BYTES).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let fits = local.len() <= MAX_MAIL_LOCAL_BYTES && local.len() + 1 + domain.len() <= MAX_MAIL_ADDRESS_BYTES;
    if !atoms || !fits || !domain.split('.').all(is_label) {
        return Err(BadMailAddress);
    }
    Ok(format!("{local}@{}", domain.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn mail_addresses_are_plain_ones() {
        for (given, expected) in [
            (" Anna.Berg+nod@Example.COM ", Ok("Anna.Berg+nod@example.com")),
            ("o'hara@mail.example", Ok("o'hara@mail.example")),
            ("root@localhost", Ok("root@localhost")),
            ("anna", Err(BadMailAddress)),
            ("@example.com", Err(BadMailAddress)),
            ("anna@", Err(BadMailAddress)),
            ("anna@@example.com", Err(BadMailAddress)),
            ("anna@a@example.com", Err(BadMailAddress)),
            (".anna@example.com", Err(BadMailAddress)),
            ("an..na@example.com", Err(BadMailAddress)),
            ("Anna <anna@example.com>", Err(BadMailAddress)),
            ("anna@example.com,eve@example.com", Err(BadMailAddress)),
            ("anna@example.com\r\nBcc: eve@example.com", Err(BadMailAddress)),
            ("anna\n@example.com", Err(BadMailAddress)),
            ("\"anna berg\"@example.com", Err(BadMailAddress)),
            ("anna@[192.0.2.1]", Err(BadMailAddress)),
            ("anna@-example.com", Err(BadMailAddress)),
            ("anna@example..com", Err(BadMailAddress)),
            ("änna@example.com", Err(BadMailAddress)),
        ] {
            assert_eq!(mail_address(given).as_deref(), expected.as_ref().map(|text| *text), "{given:?}");
        }
        let long = |local: usize, label: usize| format!("{}@{}.example", "a".repeat(local), "b".repeat(label));
        assert!(mail_address(&long(64, 63)).is_ok());
        assert!(mail_address(&long(65, 10)).is_err() && mail_address(&long(1, 64)).is_err());
        assert!(mail_address(&format!("{}{}", long(64, 63), ".cc".repeat(50))).is_err());
    }

    use super::*;

    #[test]
    fn hostile_text_is_made_plain() {
        for (given, expected) in [
            ("Payroll", "Payroll"),
            ("  Pay\r\n roll\t", "Pay roll"),
            ("a\u{202E}lloryaP\u{202C}b", "alloryaPb"),
            ("\u{200B}\u{FEFF}", ""),
            ("x\u{1b}[31mred", "x[31mred"),
            ("Überweisung – Łódź 日本", "Überweisung – Łódź 日本"),
        ] {
            assert_eq!(shown(given), expected);
        }
        assert_eq!(shown(&"x".repeat(10_000)).chars().count(), MAX_SHOWN_CHARS);
    }

    #[test]
    fn names_have_one_spelling() {
        assert_eq!(canonical_name(" Anna.Berg@Example.com ").as_deref(), Ok("anna.berg@example.com"));
        assert_eq!(canonical_name(" "), Err(BadName::Empty));
        assert_eq!(canonical_name(&"a".repeat(65)), Err(BadName::TooLong));
        for bad in ["-anna", "anna berg", "anna\n", "änna", "a/b", "a'--"] {
            let wrong = canonical_name(bad);
            assert!(bad == "anna\n" || wrong == Err(BadName::Character), "{bad}: {wrong:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn shown_text_is_stable_and_short(text in ".*") {
            let once = shown(&text);
            proptest::prop_assert_eq!(shown(&once), once.clone());
            proptest::prop_assert!(once.chars().count() <= MAX_SHOWN_CHARS && !once.chars().any(|c| c.is_control()));
        }
    }
}

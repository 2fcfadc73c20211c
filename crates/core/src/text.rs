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

#[cfg(test)]
mod tests {
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

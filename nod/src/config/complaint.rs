//! What is wrong with a configuration, where, and what was probably meant.

use std::path::{Path, PathBuf};

/// How many changed letters still count as a slip.
const MAX_SLIPS: usize = 3;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// No file at any of the usual places.
    #[error("there is no nod.toml here and no /etc/nod/nod.toml; give one with --config, or make one with: nod init")]
    Nowhere,
    /// The file cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Too large to be a configuration.
    #[error("{path} is too large to be a configuration file", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Root would leave files that the server cannot read, in a folder whose owner chooses what their names lead to.
    #[error(
        "{folder} belongs to user {owner}, and this is root: run the command as its owner, for example: runuser -u nod -- nod ...",
        folder = folder.display()
    )]
    Root {
        /// The data folder.
        folder: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// Something in it is wrong.
    #[error("{path}:{line}:{column}: {what}", path = path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong, and the nearest right key.
        what: String,
    },
}

/// Turns the parser's words into ours.
pub(super) fn wrong(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    ConfigError::Wrong { path: path.to_owned(), line, column, what: words(error.message()) }
}

/// A complaint about a key that is well formed and wrong all the same. Its line is where it first stands, or the first.
pub(super) fn at_key(path: &Path, text: &str, key: &str, what: String) -> ConfigError {
    let stands = |line: &str| line.trim_start().trim_start_matches('[').starts_with(key);
    let line = text.lines().position(stands).map_or(1, |at| at + 1);
    ConfigError::Wrong { path: path.to_owned(), line, column: 1, what }
}

/// "unknown field `a`, expected `b` or `c`" becomes a sentence with the nearest key.
fn words(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field ") else { return without_value(message) };
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let Some(unknown) = quoted.next() else { return without_value(message) };
    let known: Vec<&str> = quoted.collect();
    match known.iter().map(|key| (distance(unknown, key), key)).min() {
        Some((slips, key)) if slips <= MAX_SLIPS => format!("there is no key `{unknown}`; did you mean `{key}`?"),
        _ => {
            let known: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
            format!("there is no key `{unknown}`; known keys here: {}", known.join(", "))
        }
    }
}

/// "invalid type: string "...", expected a number" without the value, which may be a secret in the wrong place (INV-24).
fn without_value(message: &str) -> String {
    let of_value = ["invalid type: ", "invalid value: "].into_iter().find(|start| message.starts_with(start));
    match (of_value, message.find('"'), message.rfind('"')) {
        (Some(_), Some(from), Some(to)) if from < to => {
            let (before, after) = (message.get(..from), message.get(to + 1..));
            format!("{}{}", before.unwrap_or_default().trim_end(), after.unwrap_or_default())
        }
        _ => message.to_owned(),
    }
}

/// Letters to change, add or take away to get from `a` to `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut previous = i + 1;
        let mut next = vec![previous];
        for (right, above) in b.chars().zip(row.iter().skip(1)) {
            let change = diagonal + usize::from(left != right);
            previous = change.min(previous + 1).min(above + 1);
            diagonal = *above;
            next.push(previous);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn slips_are_counted() {
        for (a, b, slips) in [("origin", "origin", 0), ("orign", "origin", 1), ("kitten", "sitting", 3), ("", "abc", 3)]
        {
            assert_eq!(distance(a, b), slips, "{a} {b}");
        }
    }
}

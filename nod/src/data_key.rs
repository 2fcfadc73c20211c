//! The data keys: 256 bits each, never in the database, so that a copy of the database alone opens nothing (INV-21).
//!
//! One place counts, the first that is there: the systemd credential `nod-data-key`, the environment's `NOD_DATA_KEY`, the file
//! `data.key` in the data folder. Each holds one key, or during a rotation several, one a line: the first makes everything new.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use nod_engine::{DATA_KEY_BYTES, DataKeys};
use nod_protocol::{b64, sha256};
use zeroize::Zeroizing;

use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::system;

/// Its file in the data folder.
pub(crate) const DATA_KEY: &str = "data.key";
/// The name of the systemd credential.
const CREDENTIAL: &str = "nod-data-key";
/// Most keys at a time: the one that seals, and those that rows still hold under.
const MOST_KEYS: usize = 4;
/// Bytes of the hash that stands for a key where people read.
const ID_BYTES: usize = 4;

/// Bytes of one data key.
pub(crate) type Key = Zeroizing<[u8; DATA_KEY_BYTES]>;

/// Where the data key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A systemd credential.
    Credential(PathBuf),
    /// `NOD_DATA_KEY`.
    Environment,
    /// The file in the data folder, there or not.
    File(PathBuf),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Credential(path) => write!(f, "the systemd credential {}", path.display()),
            Self::Environment => f.write_str("the environment variable NOD_DATA_KEY"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Place {
    /// The one that counts.
    pub(crate) fn of(config: &Config) -> Self {
        if let Some(path) = system::credential(CREDENTIAL) {
            return Self::Credential(path);
        }
        match system::data_key() {
            Some(_) => Self::Environment,
            None => Self::File(config.data_dir.join(DATA_KEY)),
        }
    }

    /// Whether there is something.
    pub(crate) fn exists(&self) -> bool {
        match self {
            Self::Credential(_) | Self::Environment => true,
            Self::File(path) => path.exists(),
        }
    }

    /// The keys there, the sealing one first.
    pub(crate) fn read(&self) -> Result<Vec<Key>, KeyError> {
        let text = match self {
            Self::Environment => system::data_key().unwrap_or_default(),
            // systemd gives credentials the mode that it thinks right, in a folder that only the service enters.
            Self::Credential(path) => read_text(path)?,
            Self::File(path) => {
                let metadata =
                    fs::metadata(path).map_err(|source| KeyError::Unreadable { path: path.clone(), source })?;
                check_mode(path, &metadata)?;
                read_text(path)?
            }
        };
        parse(&text).ok_or_else(|| KeyError::Damaged { place: self.to_string() })
    }
}

fn read_text(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let text = fs::read_to_string(path).map_err(|source| KeyError::Unreadable { path: path.to_owned(), source });
    text.map(Zeroizing::new)
}

/// The keys in a text, if it holds nothing else.
pub(crate) fn parse(text: &str) -> Option<Vec<Key>> {
    let keys = text.split_whitespace().map(|word| b64::decode_array(word).ok().map(Zeroizing::new));
    let keys: Vec<Key> = keys.collect::<Option<_>>()?;
    (1..=MOST_KEYS).contains(&keys.len()).then_some(keys)
}

/// The text of these keys.
pub(crate) fn text(keys: &[Key]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    for key in keys {
        text.push_str(&Zeroizing::new(b64::encode(key.as_slice())));
        text.push('\n');
    }
    text
}

/// What stands for a key where people read: it tells nothing of the key.
pub(crate) fn id(key: &Key) -> String {
    let hash = sha256(&[b"nod data key id".as_slice(), key.as_slice()].concat());
    hash.iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// The keys of this installation, for its vault.
pub(crate) fn load(config: &Config) -> Outcome<DataKeys> {
    data_keys(Place::of(config).read()?)
}

/// The first seals, the others are accepted.
pub(crate) fn data_keys(keys: Vec<Key>) -> Outcome<DataKeys> {
    let mut keys = keys.into_iter();
    let sealing = keys.next().ok_or_else(|| Failure::new("there is no data key"))?;
    Ok(DataKeys { sealing, accepted: keys.collect() })
}

/// Makes a file that its owner alone may read; one that exists is refused.
pub(crate) fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes a new file of keys.
pub(crate) fn write_new(path: &Path, keys: &[Key]) -> Outcome {
    let write = || {
        let mut file = private_file(path)?;
        file.write_all(text(keys).as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// What is wrong with the data key. Never its content (INV-24).
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("{path}: {source}; without its data key a database opens nothing: put the key back", path = path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path} may be read by other users (mode {mode:o}); run: chmod 600 {path}", path = path.display())]
    TooOpen { path: PathBuf, mode: u32 },
    #[error("{place} holds no data key: each line must be one of 43 characters, and there may be {MOST_KEYS} at most")]
    Damaged { place: String },
}

/// Whether a file with a secret is its owner's alone.
pub(crate) fn check_mode(path: &Path, metadata: &fs::Metadata) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::TooOpen { path: path.to_owned(), mode }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written_and_nothing_else_is_one() {
        let keys = vec![Zeroizing::new([1; 32]), Zeroizing::new([2; 32])];
        assert_eq!(parse(&text(&keys)).unwrap(), keys);
        assert_ne!(id(&keys[0]), id(&keys[1]));
        for wrong in ["", "abc", "# a comment", &format!("{}x", &*text(&keys)), &text(&keys).repeat(3)] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }
}

//! The data keys: 256 bits each, never in the database, so that a copy of the database alone opens nothing (INV-21).
//!
//! One place counts, the first that is there: the systemd credential `nod-data-key`, the environment's `NOD_DATA_KEY`, the file
//! `data.key` in the data folder. Each holds one key, or during a rotation several, one a line: the first makes everything new, the
//! others are accepted, and one behind the word `next` will be first after the next rotation.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nod_engine::{DATA_KEY_BYTES, DataKeys};
use nod_protocol::{b64, sha256};
use zeroize::Zeroizing;

use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::private_file::{self, PrivateFileError};
use crate::system;

/// Its file in the data folder.
pub(crate) const DATA_KEY: &str = "data.key";
/// The name of the systemd credential.
const CREDENTIAL: &str = "nod-data-key";
/// Most keys at a time: the one that seals, and those that rows still hold under.
const MOST_KEYS: usize = 4;
/// The word before a key that waits for the next rotation.
const NEXT: &str = "next";
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

    /// The keys there.
    pub(crate) fn read(&self) -> Result<KeyRing, KeyError> {
        let text = match self {
            Self::Environment => system::data_key().unwrap_or_default(),
            // systemd gives credentials the mode that it thinks right, in a folder that only the service enters.
            Self::Credential(path) => private_file::read_as_it_is(path)?,
            Self::File(path) => private_file::read(path)?,
        };
        KeyRing::parse(&text).ok_or_else(|| KeyError::Damaged { place: self.to_string() })
    }
}

/// The keys of an installation as they are written down.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct KeyRing {
    /// The first seals, the others are accepted. Never empty.
    keys: Vec<Key>,
    /// Accepted, and to seal from the next rotation on.
    next: Option<Key>,
}

impl KeyRing {
    /// One key alone.
    pub(crate) fn of(key: Key) -> Self {
        Self { keys: vec![key], next: None }
    }

    /// The keys in a text, if it holds nothing else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut ring = Self { keys: Vec::new(), next: None };
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            let waits = word == NEXT;
            let word = if waits { words.next()? } else { word };
            let key = Zeroizing::new(b64::decode_array(word).ok()?);
            if ring.next.is_some() {
                return None;
            }
            if waits {
                ring.next = Some(key);
            } else {
                ring.keys.push(key);
            }
        }
        let fits = !ring.keys.is_empty() && ring.all().count() <= MOST_KEYS;
        fits.then_some(ring)
    }

    /// The text of these keys.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        for (at, key) in self.all().enumerate() {
            if at == self.keys.len() {
                text.push_str(NEXT);
                text.push(' ');
            }
            text.push_str(&Zeroizing::new(b64::encode(key.as_slice())));
            text.push('\n');
        }
        text
    }

    /// All of them: the one that seals first, the one that waits last.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().chain(&self.next)
    }

    /// What each is for.
    pub(crate) fn roles(&self) -> impl Iterator<Item = (&Key, Role)> {
        let role = |(at, key)| match at {
            0 => (key, Role::Seals),
            at if at < self.keys.len() => (key, Role::Opens),
            _ => (key, Role::Waits),
        };
        self.all().enumerate().map(role)
    }

    /// Whether there are keys beside the one that seals and the one that waits.
    pub(crate) fn has_old(&self) -> bool {
        self.keys.len() > 1
    }

    /// Whether a key waits.
    pub(crate) const fn has_next(&self) -> bool {
        self.next.is_some()
    }

    /// With a new key that waits; none when one waits already or there are too many.
    pub(crate) fn with_next(&self, key: Key) -> Option<Self> {
        let room = self.next.is_none() && self.keys.len() < MOST_KEYS;
        room.then(|| Self { next: Some(key), ..self.clone() })
    }

    /// The waiting key seals from now on.
    pub(crate) fn promoted(&self) -> Option<Self> {
        let next = self.next.clone()?;
        Some(Self { keys: std::iter::once(next).chain(self.keys.iter().cloned()).collect(), next: None })
    }

    /// Without those that only open what is old.
    pub(crate) fn without_old(&self) -> Self {
        Self { keys: self.keys.iter().take(1).cloned().collect(), next: self.next.clone() }
    }

    /// For the vault.
    pub(crate) fn data_keys(&self) -> Option<DataKeys> {
        let mut all = self.all().cloned();
        Some(DataKeys { sealing: all.next()?, accepted: all.collect() })
    }
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It makes everything new.
    Seals,
    /// What is old still holds under it.
    Opens,
    /// It seals from the next rotation on.
    Waits,
}

/// Changes with the file's content; looking at it costs no reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(u64, i64, i64, u64);

/// What the file of keys looks like now.
pub(crate) fn stamp(path: &Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = fs::metadata(path).ok()?;
    Some(Stamp(metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.size()))
}

/// What stands for a key where people read: it tells nothing of the key.
pub(crate) fn id(key: &Key) -> String {
    let hash = sha256(&[b"nod data key id".as_slice(), key.as_slice()].concat());
    hash.iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// The keys of this installation, for its vault.
pub(crate) fn load(config: &Config) -> Outcome<DataKeys> {
    let keys = Place::of(config).read()?.data_keys();
    keys.ok_or_else(|| Failure::new("there is no data key"))
}

/// Writes a new file of keys, and gives it to `owner` if that is not the user who runs this.
fn write_for(path: &Path, keys: &KeyRing, owner: Option<(u32, u32)>) -> std::io::Result<()> {
    let mut file = private_file::create(path)?;
    file.write_all(keys.text().as_bytes())?;
    // The very file, whatever has its name by now: the folder may be somebody's who would like to own another one.
    let made = file.metadata()?;
    if let Some((user, group)) = owner.filter(|owner| *owner != (made.uid(), made.gid())) {
        std::os::unix::fs::fchown(&file, Some(user), Some(group))?;
    }
    file.sync_all()
}

/// Writes a new file of keys.
pub(crate) fn write_new(path: &Path, keys: &KeyRing) -> Outcome {
    write_for(path, keys, None).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// Writes these in the place of what the file held: whoever reads it finds the old ones or the new, never less. The file stays
/// its owner's, also where root replaces it: a server that cannot read it any more would judge every row wrong.
pub(crate) fn replace(path: &Path, keys: &KeyRing) -> Outcome {
    let partial = path.with_extension("key.partial");
    // Left by a try that was broken off.
    let _ = fs::remove_file(&partial);
    let replace = || {
        let now = fs::symlink_metadata(path)?;
        write_for(&partial, keys, Some((now.uid(), now.gid())))?;
        fs::rename(&partial, path)?;
        fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    replace().map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// What is wrong with the data key. Never its content (INV-24).
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("{0}; without its data key a database opens nothing: put the key back, its owner's alone")]
    File(#[from] PrivateFileError),
    #[error("{place} holds no data key: each line must be one of 43 characters, and there may be {MOST_KEYS} at most")]
    Damaged { place: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written_and_nothing_else_is_one() {
        let (first, second) = (Zeroizing::new([1; 32]), Zeroizing::new([2; 32]));
        assert_ne!(id(&first), id(&second));
        let one = KeyRing::of(first.clone());
        let waiting = one.with_next(second.clone()).unwrap();
        let promoted = waiting.promoted().unwrap();
        for ring in [&one, &waiting, &promoted] {
            assert!(KeyRing::parse(&ring.text()).unwrap() == *ring);
        }
        let roles: Vec<Role> = waiting.roles().map(|(_, role)| role).collect();
        assert_eq!(roles, [Role::Seals, Role::Waits]);
        assert!(promoted.data_keys().unwrap().sealing == second && promoted.without_old() == KeyRing::of(second));
        let text = one.text();
        let next = format!("next {}", &*text);
        for wrong in ["", "abc", "next", &next, &format!("{}x", &*text), &text.repeat(5), &format!("{next}{}", &*text)]
        {
            assert!(KeyRing::parse(wrong).is_none(), "{wrong}");
        }
    }
}

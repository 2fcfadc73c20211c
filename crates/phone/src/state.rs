//! The state file: accounts with their private keys, readable by their owner alone.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nod_protocol::device_api::UserBody;
use nod_protocol::{B64, Id, KeyError, SigningKey};
use serde::{Deserialize, Serialize};

use crate::origin::Origin;
use crate::softkey::SoftPasskey;

/// The form of the file that this program writes.
pub const STATE_VERSION: u32 = 1;

/// Largest state file that is read, in bytes.
pub const STATE_MAX_BYTES: u64 = 1024 * 1024;

/// A state file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others may read the keys in it.
    #[error("{path} may be read by other users (mode {mode:o}); run: chmod 600 {path}")]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not a state file, or a damaged one.
    #[error("{path} is damaged or no state file of nod phone ({reason}); move it away and enrol again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where reading stopped.
        reason: String,
    },
    /// Written by a newer program.
    #[error("{path} was written by a newer nod phone (version {version}); update this one")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        version: u32,
    },
}

/// One enrolled device: a user on a server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The server's public origin.
    pub origin: Origin,
    /// The server's name.
    pub server_name: String,
    /// The device's id there.
    pub device: Id,
    /// The user there.
    pub user: UserBody,
    /// The passkey, once the enrolment has made it.
    pub passkey: Option<SoftPasskey>,
    pkcs8: B64,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({} at {}, device {})", self.user.name, self.origin, self.device)
    }
}

impl Account {
    pub(crate) fn new(
        origin: Origin,
        server_name: String,
        device: Id,
        user: UserBody,
        key: &SigningKey,
    ) -> Result<Self, KeyError> {
        Ok(Self { origin, server_name, device, user, passkey: None, pkcs8: B64(key.to_pkcs8()?) })
    }

    pub(crate) fn signing_key(&self) -> Result<SigningKey, KeyError> {
        SigningKey::from_pkcs8(self.pkcs8.as_bytes())
    }
}

/// Everything that `nod phone` remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhoneState {
    /// Always [`STATE_VERSION`].
    pub version: u32,
    /// The accounts, oldest first.
    pub accounts: Vec<Account>,
}

impl Default for PhoneState {
    fn default() -> Self {
        Self { version: STATE_VERSION, accounts: Vec::new() }
    }
}

impl PhoneState {
    /// Reads the file; a missing one is an empty state.
    pub fn load(path: &Path) -> Result<Self, StateError> {
        let io_error = |source| StateError::Io { path: path.to_owned(), source };
        let damaged = |reason: String| StateError::Damaged { path: path.to_owned(), reason };
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(io_error(error)),
        };
        check_mode(path, &metadata)?;
        if metadata.len() > STATE_MAX_BYTES {
            return Err(damaged("it is too large".to_owned()));
        }
        let bytes = fs::read(path).map_err(io_error)?;
        let version: Version = serde_json::from_slice(&bytes).map_err(|error| damaged(position(&error)))?;
        if version.version > STATE_VERSION {
            return Err(StateError::Newer { path: path.to_owned(), version: version.version });
        }
        let state: Self = serde_json::from_slice(&bytes).map_err(|error| damaged(position(&error)))?;
        for account in &state.accounts {
            account.signing_key().map_err(|_| damaged(format!("the key of {} is not valid", account.device)))?;
        }
        Ok(state)
    }

    /// Writes the file whole or not at all: a new file beside it, synced, then renamed over it.
    pub fn save(&self, path: &Path) -> Result<(), StateError> {
        let io_error = |source| StateError::Io { path: path.to_owned(), source };
        let mut name = path.file_name().ok_or_else(|| io_error(io::ErrorKind::InvalidInput.into()))?.to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let beside = path.with_file_name(name);
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| io_error(error.into()))?;
        // Left by a process of the same id that was killed here.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(error)),
            _ => {}
        }
        let written = write_private(&beside, &bytes).and_then(|()| fs::rename(&beside, path));
        if let Err(error) = written {
            // The first error is the one to tell.
            let _ = fs::remove_file(&beside);
            return Err(io_error(error));
        }
        sync_directory(path).map_err(io_error)
    }

    /// The account of a device.
    pub fn account(&self, device: &Id) -> Option<&Account> {
        self.accounts.iter().find(|account| account.device == *device)
    }

    /// Adds an account, or puts a newer form of it in its place.
    pub fn put(&mut self, account: Account) {
        match self.accounts.iter_mut().find(|known| known.device == account.device) {
            Some(known) => *known = account,
            None => self.accounts.push(account),
        }
    }

    /// Forgets an account.
    pub fn forget(&mut self, device: &Id) {
        self.accounts.retain(|account| account.device != *device);
    }
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// Where reading stopped, without the text (which may hold keys).
fn position(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

#[cfg(unix)]
fn check_mode(path: &Path, metadata: &fs::Metadata) -> Result<(), StateError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(StateError::TooOpen { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &fs::Metadata) -> Result<(), StateError> {
    Ok(())
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(parent)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

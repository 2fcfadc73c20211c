//! The data key: 256 bits that are never in the database, so that a copy of the database alone opens nothing (INV-21).

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use nod_engine::DATA_KEY_BYTES;
use nod_protocol::b64;
use zeroize::Zeroizing;

use crate::failure::{Failure, Outcome};

/// Its file in the data folder.
pub(crate) const DATA_KEY: &str = "data.key";

/// Makes a file that its owner alone may read; one that exists is refused.
pub(crate) fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes a new one.
pub(crate) fn write(path: &Path, key: &[u8; DATA_KEY_BYTES]) -> Outcome {
    let text = Zeroizing::new(b64::encode(key));
    let write = || {
        let mut file = private_file(path)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    };
    write().map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// What is wrong with the data key's file. Never its content (INV-24).
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("{path}: {source}; without its data key a database opens nothing: put the key back", path = path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path} may be read by other users (mode {mode:o}); run: chmod 600 {path}", path = path.display())]
    TooOpen { path: PathBuf, mode: u32 },
    #[error("{path} holds no data key: it must be one line of 43 characters", path = path.display())]
    Damaged { path: PathBuf },
}

/// Reads it.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<[u8; DATA_KEY_BYTES]>, KeyError> {
    let unreadable = |source| KeyError::Unreadable { path: path.to_owned(), source };
    check_mode(path, &fs::metadata(path).map_err(unreadable)?)?;
    let text = Zeroizing::new(fs::read_to_string(path).map_err(unreadable)?);
    let key = b64::decode_array(text.trim()).map_err(|_| KeyError::Damaged { path: path.to_owned() })?;
    Ok(Zeroizing::new(key))
}

#[cfg(unix)]
/// Whether a file with a secret is its owner's alone.
pub(crate) fn check_mode(path: &Path, metadata: &fs::Metadata) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::TooOpen { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
/// Whether a file with a secret is its owner's alone.
pub(crate) fn check_mode(_: &Path, _: &fs::Metadata) -> Result<(), KeyError> {
    Ok(())
}

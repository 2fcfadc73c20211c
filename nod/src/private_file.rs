//! Files that hold a secret: their owner's alone (INV-24).

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Largest that is read, in bytes: keys, passwords and tokens have some hundred.
const MAX_BYTES: u64 = 64 * 1024;

/// Why such a file was not read. Never its content.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrivateFileError {
    #[error("{path}: {source}", path = path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path} may be read by other users (mode {mode:o}); run: chmod 600 {path}", path = path.display())]
    TooOpen { path: PathBuf, mode: u32 },
}

/// Makes one; one that exists is refused.
pub(crate) fn create(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// The text of one whose mode somebody else answers for, up to 64 KiB.
///
/// # Errors
/// When it cannot be read, is larger, or is no text.
pub(crate) fn read_as_it_is(path: &Path) -> Result<Zeroizing<String>, PrivateFileError> {
    let unreadable = |source| PrivateFileError::Unreadable { path: path.to_owned(), source };
    text(fs::File::open(path).map_err(unreadable)?).map_err(unreadable)
}

/// Its text, up to 64 KiB. The mode is that of the file that is read, whatever has its name by then.
///
/// # Errors
/// When it cannot be read, is larger, is no text, or other users may read it.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, PrivateFileError> {
    let unreadable = |source| PrivateFileError::Unreadable { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(PrivateFileError::TooOpen { path: path.to_owned(), mode });
    }
    text(file).map_err(unreadable)
}

fn text(file: fs::File) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("more than {MAX_BYTES} bytes")));
    }
    Ok(text)
}

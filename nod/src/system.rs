//! The world outside, met here and nowhere else: the clock, the operating system's randomness, the environment.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use nod_core::Timestamp;
use zeroize::Zeroizing;

/// The operating system's time.
#[expect(clippy::disallowed_methods, reason = "the binary makes the clock; everything else is given the store's")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |span| span.as_millis());
    Timestamp(i64::try_from(since).unwrap_or(i64::MAX))
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OsEntropy;

#[expect(clippy::disallowed_methods, reason = "the binary makes the randomness; everything else is given it")]
fn fill(bytes: &mut [u8]) {
    if let Err(error) = getrandom::fill(bytes) {
        // A secret made without randomness would be worse than a stop.
        eprintln!("error: the operating system gave no randomness: {error}");
        std::process::abort();
    }
}

impl nod_engine::ports::Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        fill(bytes);
    }
}

impl nod_phone::Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        fill(bytes);
    }
}

#[expect(clippy::disallowed_methods, reason = "the environment is read by the binary, and in this file alone")]
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The data key, `NOD_DATA_KEY`. It stays in the environment of this process.
pub(crate) fn data_key() -> Option<Zeroizing<String>> {
    variable("NOD_DATA_KEY").and_then(|value| value.into_os_string().into_string().ok()).map(Zeroizing::new)
}

/// The file of a credential that systemd gave this service (`LoadCredential=` and its kin).
pub(crate) fn credential(name: &str) -> Option<PathBuf> {
    let folder = variable("CREDENTIALS_DIRECTORY").filter(|path| path.is_absolute())?;
    Some(folder.join(name)).filter(|file| file.exists())
}

/// Where `nod phone` keeps its keys when it is not told (XDG base directories).
pub(crate) fn phone_state_file() -> Option<PathBuf> {
    let state = variable("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let state = state.or_else(|| variable("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("nod/phone.json"))
}

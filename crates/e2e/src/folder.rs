//! A temporary folder that is gone afterwards, also when a killed browser's helpers still write into it for a moment.

use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const TRIES: u32 = 100;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A folder of its own for one process; removed on drop.
#[derive(Debug)]
pub struct Folder {
    // `None` only while being dropped.
    inner: Option<TempDir>,
}

impl Folder {
    /// Makes an empty folder.
    ///
    /// # Panics
    /// When the system has no room for one.
    #[must_use]
    pub fn new() -> Self {
        Self { inner: Some(tempfile::Builder::new().prefix("nod-e2e-").tempdir().unwrap()) }
    }

    /// Where it is.
    ///
    /// # Panics
    /// Never while the folder lives.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.inner.as_ref().expect("not dropped yet").path()
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let Some(path) = self.inner.take().map(TempDir::keep) else { return };
        for _ in 0..TRIES {
            if std::fs::remove_dir_all(&path).is_ok() || !path.exists() {
                return;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        eprintln!("cannot remove {}", path.display());
    }
}

//! Files that are not there yet: what is not finished is removed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// What SQLite writes beside a database.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {error}", path.display()))
}

/// Makes a name in a folder last.
fn sync_folder(path: &Path) -> Outcome {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let sync = || fs::File::open(folder)?.sync_all();
    sync().map_err(|error| failed(folder, &error))
}

/// A file that gets its name when it is complete.
pub(crate) struct Partial {
    at: PathBuf,
    to: PathBuf,
}

impl Partial {
    /// For `to`, which must not exist. What an earlier try left behind is removed.
    pub(crate) fn new(to: &Path) -> Outcome<Self> {
        if to.exists() {
            return Err(Failure::new(format!("{} exists already; nothing was changed", to.display())));
        }
        let partial = Self { at: beside(to, ".partial"), to: to.to_owned() };
        partial.remove();
        Ok(partial)
    }

    /// Where it is until then.
    pub(crate) fn path(&self) -> &Path {
        &self.at
    }

    /// Gives it its name.
    pub(crate) fn keep(self) -> Outcome {
        if BESIDE.iter().any(|suffix| beside(&self.at, suffix).exists()) {
            return Err(Failure::new(format!("{} is still in use", self.at.display())));
        }
        // Whatever got the name meanwhile keeps it.
        let free = rustix::fs::RenameFlags::NOREPLACE;
        let renamed = rustix::fs::renameat_with(rustix::fs::CWD, &self.at, rustix::fs::CWD, &self.to, free);
        renamed.map_err(|error| failed(&self.to, &error.into()))?;
        sync_folder(&self.to)
    }

    fn remove(&self) {
        for path in BESIDE.iter().map(|suffix| beside(&self.at, suffix)).chain([self.at.clone()]) {
            // It may not be there.
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        self.remove();
    }
}

/// A database that is made to be thrown away.
pub(crate) struct Scratch(Partial);

impl Scratch {
    /// In this folder.
    pub(crate) fn new(folder: &Path) -> Outcome<Self> {
        Ok(Self(Partial::new(&folder.join("backup-check.db"))?))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

//! Files, their modes and owners, and room on the disk.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::Findings;
use crate::config::{Config, Database};
use crate::data_key::Place;
use crate::installation::DATABASE;

/// Less free room than this, in bytes, is a problem: a commit may fail soon.
const LITTLE_ROOM: u64 = 100 * 1024 * 1024;
/// Less than this, in bytes, is a warning.
const SOME_ROOM: u64 = 1024 * 1024 * 1024;
/// Bytes of a mebibyte, for people.
const MIB: u64 = 1024 * 1024;

pub(super) fn examine(config: &Config, findings: &mut Findings) {
    let folder = &config.data_dir;
    match fs::metadata(folder) {
        Err(error) => {
            let what = format!("{}: {error}", folder.display());
            findings.problem("files", what, "make an installation with: nod init");
            return;
        }
        Ok(metadata) if !metadata.is_dir() => {
            findings.problem("files", format!("{} is no folder", folder.display()), "set data_dir in nod.toml");
            return;
        }
        Ok(metadata) => private(folder, &metadata, "700", findings),
    }
    match Place::of(config) {
        Place::File(path) => secret(&path, findings),
        place => findings.ok("files", format!("the data key comes from {place}")),
    }
    match &config.database {
        Database::Sqlite => secret(&folder.join(DATABASE), findings),
        Database::Postgres { password_file: Some(file), .. } => secret(file, findings),
        Database::Postgres { password_file: None, .. } => {}
    }
    configuration(config, findings);
    room(folder, findings);
    if let Some(beside) = config.checkpoint_file.parent().filter(|beside| beside != folder) {
        match fs::metadata(beside) {
            Ok(_) => room(beside, findings),
            Err(error) => findings.problem(
                "files",
                format!("{}: {error}", beside.display()),
                "make the folder of audit.checkpoint_file, or name another in nod.toml",
            ),
        }
    }
}

/// A file that only the user who runs Nod may read.
fn secret(path: &Path, findings: &mut Findings) {
    match fs::metadata(path) {
        Ok(metadata) => private(path, &metadata, "600", findings),
        Err(error) => {
            let advice = "put it back from a copy, or restore a backup with: nod restore FILE";
            findings.problem("files", format!("{}: {error}", path.display()), advice);
        }
    }
}

fn private(path: &Path, metadata: &Metadata, mode: &str, findings: &mut Findings) {
    let (shown, user) = (path.display(), rustix::process::geteuid().as_raw());
    let open = metadata.mode() & 0o077;
    if open != 0 {
        let what = format!("{shown} may be read by other users (mode {:o})", metadata.mode() & 0o777);
        findings.problem("files", what, format!("run: chmod {mode} {shown}"));
    } else if metadata.uid() != user && user != 0 {
        let what = format!("{shown} belongs to user {}, and this is user {user}", metadata.uid());
        findings.problem("files", what, "run commands as the user who runs the server, for example with sudo -u");
    } else {
        findings.ok("files", format!("{shown} is its owner's alone"));
    }
}

/// The configuration is no secret, unless a password stands in it.
fn configuration(config: &Config, findings: &mut Findings) {
    let Ok(metadata) = fs::metadata(&config.path) else { return };
    let Ok(text) = fs::read_to_string(&config.path) else { return };
    let shown = config.path.display();
    if metadata.mode() & 0o077 != 0 && text.lines().any(has_password) {
        let what = format!("{shown} holds a password in a URL and may be read by other users");
        findings.problem(
            "files",
            what,
            format!("run: chmod 600 {shown}; the database's has a file of its own in password_file"),
        );
    }
}

/// Whether a line of a configuration names a URL with a password, however wrongly that is encoded.
fn has_password(line: &str) -> bool {
    let line = line.trim_start();
    let in_authority = |rest: &str| rest.rsplit_once('@').is_some_and(|(before, _)| before.contains(':'));
    !line.starts_with('#')
        && (line.contains("password=") || line.split_once("://").is_some_and(|(_, rest)| in_authority(rest)))
}

fn room(folder: &Path, findings: &mut Findings) {
    let shown = folder.display();
    match rustix::fs::statvfs(folder) {
        Err(error) => findings.warning("disk", format!("{shown}: {error}"), "look with: df"),
        Ok(system) => {
            let free = system.f_bavail.saturating_mul(system.f_frsize);
            let what = format!("{} MiB are free at {shown}", free / MIB);
            match free {
                ..LITTLE_ROOM => findings.problem("disk", what, "free some space: when it is full nobody can sign in"),
                LITTLE_ROOM..SOME_ROOM => findings.warning("disk", what, "free some space, or move data_dir"),
                _ => findings.ok("disk", what),
            }
        }
    }
}

//! `nod backup`: an encrypted copy of what an installation needs, taken while the server runs.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use nod_core::Timestamp;
use serde::Serialize;

use super::{open, passwords};
use crate::backup::{self, Header, Lock, Partial, Place, Scratch, Tally, passphrase_from};
use crate::cli::Common;
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::installation::{check_key, open_file, open_vault};
use crate::output::{self, Time};

/// Write an encrypted backup while the server runs, and read it back
///
/// The file is an age file, opened by a passphrase or by the holders of age keys. Before it gets its name it is read back and
/// restored into a database that is thrown away. It never holds the data key: keep a copy of that elsewhere. Sessions, pending
/// sign-ins, enrolments and bound browsers are left out, since none of them outlives a restore.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  nod backup nod-2026-11-24.age\n  nod backup /mnt/backup/nod.age --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudqhw…\n  nod backup /mnt/backup/nod.age --passphrase-file /etc/nod/backup-passphrase"
)]
pub(crate) struct BackupArguments {
    /// The file to make; one that exists is not overwritten
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// An age recipient whose key opens the file; may be given several times
    #[arg(long, value_name = "AGE1...", conflicts_with = "passphrase_file")]
    recipient: Vec<String>,
    /// A file whose first line is the passphrase
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Made<'a> {
    file: &'a std::path::Path,
    bytes: u64,
    made_at: Time,
    users: u64,
    phones: u64,
    apps: u64,
    events: u64,
    rows: u64,
}

/// Runs it.
pub(crate) async fn run(common: &Common, arguments: BackupArguments) -> Outcome {
    let partial = Partial::new(&arguments.file)?;
    let installation = open(common).await?;
    let config = &installation.config;
    let lock = Arc::new(lock(&arguments).await?);
    let vault = Arc::new(open_vault(config)?);
    let header = Header::now(config.address.origin());
    let made_at = Timestamp(header.made_at);
    let written =
        backup::write(Place::of(config)?, header, partial.path(), Arc::clone(&lock), Arc::clone(&vault)).await?;
    let check = read_back(config, &partial, &lock, &vault)
        .await
        .map_err(|failure| failure.during("the backup was written, but cannot be restored, so it was removed"))?;
    if check != written {
        return Err(Failure::new(
            "the backup does not read back as it was written, so it was removed: is the disk sound?",
        ));
    }
    let bytes = std::fs::metadata(partial.path())?.len();
    partial.keep()?;
    show(common, &arguments, &written, bytes, made_at)
}

async fn lock(arguments: &BackupArguments) -> Outcome<Lock> {
    if !arguments.recipient.is_empty() {
        return Lock::recipients(&arguments.recipient);
    }
    match &arguments.passphrase_file {
        Some(file) => Lock::passphrase(&passphrase_from(file)?),
        None => Lock::passphrase(&passwords::new_passphrase("the backup").await?),
    }
}

/// Opens the file as a restore would, and loads it.
async fn read_back(config: &Config, partial: &Partial, lock: &Lock, vault: &Arc<nod_engine::Vault>) -> Outcome<Tally> {
    let scratch = Scratch::new(&config.data_dir)?;
    let into = Place::File(scratch.path().to_owned());
    let opener = Arc::new(lock.opener());
    let (_, tally) = backup::load(partial.path(), opener, Arc::clone(vault), into, Vec::new()).await?;
    check_key(&*open_file(scratch.path())?, vault).await?;
    Ok(tally)
}

fn show(common: &Common, arguments: &BackupArguments, tally: &Tally, bytes: u64, made_at: Timestamp) -> Outcome {
    let rows = tally.tables.iter().map(|(_, rows)| rows).sum();
    if common.json {
        return output::json(&Made {
            file: &arguments.file,
            bytes,
            made_at: Time(made_at),
            users: tally.rows("users"),
            phones: tally.rows("devices"),
            apps: tally.rows("apps"),
            events: tally.rows("audit"),
            rows,
        });
    }
    output::line(format!("Wrote {} and read it back.", arguments.file.display()));
    output::facts(&[
        ("users", tally.rows("users").to_string()),
        ("phones", tally.rows("devices").to_string()),
        ("apps", tally.rows("apps").to_string()),
        ("events", tally.rows("audit").to_string()),
        ("rows in all", rows.to_string()),
        ("bytes", bytes.to_string()),
    ]);
    output::line(
        "\nThe data key is not in it. Keep a copy in another place (nod key export FILE): without it nothing can be restored.",
    );
    Ok(())
}

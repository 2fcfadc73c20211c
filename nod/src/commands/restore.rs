//! `nod restore`: an installation made from a backup.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use nod_core::Timestamp;
use nod_engine::ports::{Entropy, random};
use nod_engine::{Replayed, Vault};
use serde::Serialize;

use super::{audit, passwords};
use crate::backup::{self, Header, Opener, Partial, Place, Tally, passphrase_from};
use crate::checkpoints;
use crate::cli::Common;
use crate::config::{Config, Database};
use crate::data_key::{self, DATA_KEY};
use crate::failure::{Failure, Outcome};
use crate::installation::{DATABASE, Installation, check_host, open_file, open_store, open_vault};
use crate::output::{self, Time, local};
use crate::restores;
use crate::system::OsEntropy;

/// Bytes of what tells the time since this restore from those before.
const EPOCH_BYTES: usize = 16;

/// Make an installation from a backup
///
/// Needs nod.toml, the data key in the data folder, and nothing else there (or an empty PostgreSQL database). After it everybody
/// signs in anew and introduces their browsers again: nothing that was pending or open outlives a restore. What was revoked
/// after the backup was made is not in it; give the exported audit with --audit, and it is revoked again.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  nod restore nod-2026-11-24.age\n  nod restore nod-2026-11-24.age --audit /mnt/elsewhere/audit.jsonl\n  nod restore /mnt/backup/nod.age --identity key.txt"
)]
pub(crate) struct RestoreArguments {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A file of age identities, for a backup that was made for a recipient
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    identity: Option<PathBuf>,
    /// A file whose first line is the passphrase
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// The audit as `nod audit export` wrote it, for the time behind the backup
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
}

/// What became of it.
#[derive(Serialize)]
struct Restored {
    made_at: Time,
    made_by: String,
    users: u64,
    phones: u64,
    apps: u64,
    events: u64,
    events_from_audit: u64,
    events_lost: i64,
    revoked_again: Vec<String>,
    to_do: Vec<String>,
}

/// Runs it.
pub(crate) async fn run(common: &Common, arguments: RestoreArguments) -> Outcome {
    let config = Config::load(common.config.as_deref())?;
    must_be_empty(&config)?;
    if !data_key::Place::of(&config).exists() {
        let path = config.data_dir.join(DATA_KEY);
        return Err(Failure::new(format!(
            "{} is missing: no backup opens without the data key of its installation",
            path.display()
        ))
        .next("nod key import FILE"));
    }
    let vault = Arc::new(open_vault(&config)?);
    let opener = Arc::new(opener(&arguments).await?);
    // Before anything is made: the passphrase is right, and the backup is of this version or an older one.
    backup::header(&arguments.file, Arc::clone(&opener)).await?;
    let restored = match config.database {
        Database::Sqlite => {
            let partial = Partial::new(&config.data_dir.join(DATABASE))?;
            let place = Place::File(partial.path().to_owned());
            let restored = into(&config, &arguments, opener, vault, place, Some(partial.path())).await?;
            partial.keep()?;
            restored
        }
        Database::Postgres { .. } => into(&config, &arguments, opener, vault, Place::of(&config)?, None).await?,
    };
    show(common, &arguments, &config, restored)
}

async fn opener(arguments: &RestoreArguments) -> Outcome<Opener> {
    if let Some(file) = &arguments.identity {
        return Opener::identity_file(file);
    }
    let text = match &arguments.passphrase_file {
        Some(file) => passphrase_from(file)?,
        None => passwords::known_passphrase("Passphrase of the backup").await?,
    };
    Ok(Opener::passphrase(&text))
}

/// The data key and the file of checkpoints may be there, and nothing else.
fn must_be_empty(config: &Config) -> Outcome {
    let folder = config.data_dir.display();
    let failed = |error: std::io::Error| Failure::new(format!("{folder}: {error}; make it, and put {DATA_KEY} there"));
    for entry in fs::read_dir(&config.data_dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if path != config.data_dir.join(DATA_KEY) && path != config.checkpoint_file {
            let name = entry.file_name();
            return Err(Failure::new(format!(
                "{folder} is not empty ({} is there): a restore goes into an empty folder with {DATA_KEY} alone; move the old \
                 data away, or name another data_dir in nod.toml",
                name.display()
            )));
        }
    }
    Ok(())
}

/// Loads the rows, and does what has to follow on a restore before anybody may use them.
async fn into(
    config: &Config,
    arguments: &RestoreArguments,
    opener: Arc<Opener>,
    vault: Arc<Vault>,
    place: Place,
    file: Option<&Path>,
) -> Outcome<Restored> {
    let epoch = random::<EPOCH_BYTES>(&OsEntropy as &dyn Entropy).to_vec();
    let (header, tally) = backup::load(&arguments.file, opener, vault, place, epoch).await?;
    let store = match file {
        Some(path) => open_file(path)?,
        None => open_store(config).await?,
    };
    check_host(&*store, config, false).await?;
    let installation = Installation::over(config.clone(), store).await?;
    let replayed = match &arguments.audit {
        Some(path) => audit::replay(&installation.engine, path).await?,
        None => Replayed::default(),
    };
    let signed = if config.checkpoint_file.exists() {
        checkpoints::read(&config.checkpoint_file, installation.checkpoint_key())?.signed
    } else {
        Vec::new()
    };
    let last_signed = signed.iter().map(|checkpoint| checkpoint.at).max().unwrap_or(0);
    let detail = detail(&header, &tally, &replayed);
    let checkpoint = installation.engine.note_restore(detail, Timestamp(last_signed)).await?;
    restores::finish(&**installation.engine.store(), &installation.sign(&checkpoint)?).await?;
    let known = signed.iter().map(|checkpoint| checkpoint.count).max().unwrap_or(0);
    Ok(told(header, &tally, replayed, known - checkpoint.restored_from.unwrap_or(0)))
}

/// What the audit says about it.
fn detail(header: &Header, tally: &Tally, replayed: &Replayed) -> String {
    let made =
        jiff::Timestamp::from_millisecond(header.made_at).map_or_else(|_| "?".to_owned(), |time| time.to_string());
    let version = nod_core::text::shown(&header.version);
    let events = tally.rows("audit");
    let more = match replayed.events {
        0 => String::new(),
        more => format!(", and {more} events of the exported audit behind it"),
    };
    format!("made at {made} by Nod {version}, with {events} events{more}; all sessions and bound browsers ended")
}

fn told(header: Header, tally: &Tally, replayed: Replayed, lost: i64) -> Restored {
    Restored {
        made_at: Time(Timestamp(header.made_at)),
        made_by: header.version,
        users: tally.rows("users"),
        phones: tally.rows("devices"),
        apps: tally.rows("apps"),
        events: tally.rows("audit"),
        events_from_audit: replayed.events,
        events_lost: lost.max(0),
        revoked_again: replayed.again,
        to_do: replayed.to_do,
    }
}

fn show(common: &Common, arguments: &RestoreArguments, config: &Config, restored: Restored) -> Outcome {
    if common.json {
        return output::json(&restored);
    }
    output::line(format!("Restored {} into {}.", arguments.file.display(), config.data_dir.display()));
    output::facts(&[
        ("made at", local(restored.made_at.0)),
        ("users", restored.users.to_string()),
        ("phones", restored.phones.to_string()),
        ("apps", restored.apps.to_string()),
        ("events", restored.events.to_string()),
        ("from the audit", restored.events_from_audit.to_string()),
    ]);
    listed("\nRevoked again, as the audit tells:", &restored.revoked_again);
    listed("\nNot in the backup, to be done again by hand where it is still wanted:", &restored.to_do);
    if restored.events_lost > 0 {
        output::line(format!(
            "\nwarning: at least {} events behind the backup are lost. What was revoked then (phones, accounts, passwords, groups) \
             is as it was before: go through nod device list and nod user list, or restore again with --audit FILE.",
            restored.events_lost
        ));
    }
    output::line("\nAll sessions have ended, and every browser has to be introduced again.");
    output::line("Next: nod serve");
    Ok(())
}

fn listed(heading: &str, sentences: &[String]) {
    if sentences.is_empty() {
        return;
    }
    output::line(heading);
    for sentence in sentences {
        output::line(format!("  {}", output::one_line(sentence)));
    }
}

//! `nod key`: the data key, without which a database opens nothing.

mod rotation;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::passwords;
use crate::backup::{self, Lock, Opener, Partial, passphrase_from};
use crate::cli::Common;
use crate::config::Config;
use crate::data_key::{self, DATA_KEY, Key, KeyRing, Place, Role};
use crate::failure::{Failure, Outcome};
use crate::installation::private_folder;
use crate::output;

/// The data key: show which, export, import, rotate
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Show where the data key comes from, and the id of each key there
    #[command(after_long_help = "Examples:\n  nod key list\n  nod key list --json")]
    List,
    /// Write the data key to a file that a passphrase opens, to be kept where the backups are not
    #[command(after_long_help = "Examples:\n  nod key export /media/safe/nod-key.age")]
    Export(FileArguments),
    /// Add a new data key that waits for the next rotation, for installations of several nodes
    ///
    /// It is accepted at once and makes nothing yet. Copy the file to every node, then run nod key rotate on one.
    #[command(after_long_help = "Examples:\n  nod key add")]
    Add,
    /// Replace the data key while the server runs, and make everything anew under the new one
    ///
    /// The old key stays accepted until nod key retire. A running server on this machine takes the new one up by itself.
    #[command(after_long_help = "Examples:\n  nod key rotate")]
    Rotate,
    /// Remove old data keys, once nothing needs them any more
    #[command(after_long_help = "Examples:\n  nod key retire")]
    Retire,
    /// Put an exported data key into the data folder of another machine
    #[command(
        after_long_help = "Examples:\n  nod key import /media/safe/nod-key.age\n  nod restore nod-2026-11-24.age"
    )]
    Import(FileArguments),
}

/// A file with a key, and its passphrase.
#[derive(Debug, Args)]
pub(crate) struct FileArguments {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A file whose first line is the passphrase
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

#[derive(Serialize)]
struct View<'a> {
    place: String,
    file: Option<&'a Path>,
    keys: Vec<KeyView>,
}

#[derive(Serialize)]
struct KeyView {
    id: String,
    role: &'static str,
}

/// Runs it.
pub(crate) async fn run(common: &Common, command: KeyCommand) -> Outcome {
    let config = Config::load(common.config.as_deref())?;
    match command {
        KeyCommand::List => {
            let place = Place::of(&config);
            show(common, &place, None, &place.read()?)
        }
        KeyCommand::Add => rotation::add(&config).and_then(|(place, keys)| show(common, &place, None, &keys)),
        KeyCommand::Rotate => rotation::rotate(common, config).await,
        KeyCommand::Retire => rotation::retire(common, config).await,
        KeyCommand::Export(arguments) => export(common, &config, &arguments).await,
        KeyCommand::Import(arguments) => import(common, &config, &arguments).await,
    }
}

async fn export(common: &Common, config: &Config, arguments: &FileArguments) -> Outcome {
    let place = Place::of(config);
    let keys = place.read()?;
    let partial = Partial::new(&arguments.file)?;
    let passphrase = match &arguments.passphrase_file {
        Some(file) => passphrase_from(file)?,
        None => passwords::new_passphrase("the exported key").await?,
    };
    let lock = Arc::new(Lock::passphrase(&passphrase)?);
    backup::write_secret(partial.path(), lock, keys.text()).await?;
    partial.keep()?;
    show(common, &place, Some(&arguments.file), &keys)?;
    if !common.json {
        output::line(format!(
            "\nWrote {}. Keep it where the backups are not: whoever has both, and the passphrases, has everything.",
            arguments.file.display()
        ));
    }
    Ok(())
}

async fn import(common: &Common, config: &Config, arguments: &FileArguments) -> Outcome {
    let path = config.data_dir.join(DATA_KEY);
    if path.exists() {
        return Err(
            Failure::new(format!("{} exists already; nothing was changed", path.display())).next("nod key list")
        );
    }
    let passphrase = match &arguments.passphrase_file {
        Some(file) => passphrase_from(file)?,
        None => passwords::known_passphrase("Passphrase of the exported key").await?,
    };
    let opener = Arc::new(Opener::passphrase(&passphrase));
    let text = backup::read_secret(&arguments.file, opener).await?;
    let not_a_key = || Failure::new(format!("{} holds no data key", arguments.file.display()));
    let keys = KeyRing::parse(&text).ok_or_else(not_a_key)?;
    private_folder(&config.data_dir)?;
    data_key::write_new(&path, &keys)?;
    let place = Place::of(config);
    if place != Place::File(path.clone()) {
        eprintln!("warning: {place} counts before {}", path.display());
    }
    show(common, &Place::File(path), Some(&arguments.file), &keys)
}

fn show(common: &Common, place: &Place, file: Option<&Path>, keys: &KeyRing) -> Outcome {
    let view = |(key, role): (&Key, Role)| KeyView { id: data_key::id(key), role: word(role) };
    let keys: Vec<KeyView> = keys.roles().map(view).collect();
    if common.json {
        return output::json(&View { place: place.to_string(), file, keys });
    }
    output::line(format!("The data key is in {place}."));
    let rows: Vec<_> = keys.into_iter().map(|key| [key.id, key.role.to_owned()]).collect();
    output::table(["key", "what it does"], &rows);
    Ok(())
}

const fn word(role: Role) -> &'static str {
    match role {
        Role::Seals => "seals",
        Role::Opens => "opens what is old",
        Role::Waits => "waits",
    }
}

//! `nod key`: the data key, without which a database opens nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::passwords;
use crate::backup::{self, Lock, Opener, Partial, passphrase_from};
use crate::cli::Common;
use crate::config::Config;
use crate::data_key::{self, DATA_KEY, Key, Place};
use crate::failure::{Failure, Outcome};
use crate::installation::private_folder;
use crate::output;

/// The data key: show which, export, import
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Show where the data key comes from, and the id of each key there
    #[command(after_long_help = "Examples:\n  nod key list\n  nod key list --json")]
    List,
    /// Write the data key to a file that a passphrase opens, to be kept where the backups are not
    #[command(after_long_help = "Examples:\n  nod key export /media/safe/nod-key.age")]
    Export(FileArguments),
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
    seals: bool,
}

/// Runs it.
pub(crate) async fn run(common: &Common, command: KeyCommand) -> Outcome {
    let config = Config::load(common.config.as_deref())?;
    match command {
        KeyCommand::List => {
            let place = Place::of(&config);
            show(common, &place, None, &place.read()?)
        }
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
    backup::write_secret(partial.path(), lock, data_key::text(&keys)).await?;
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
    let keys = data_key::parse(&text).ok_or_else(not_a_key)?;
    private_folder(&config.data_dir)?;
    data_key::write_new(&path, &keys)?;
    let place = Place::of(config);
    if place != Place::File(path.clone()) {
        eprintln!("warning: {place} counts before {}", path.display());
    }
    show(common, &Place::File(path), Some(&arguments.file), &keys)
}

fn show(common: &Common, place: &Place, file: Option<&Path>, keys: &[Key]) -> Outcome {
    let view = |(at, key): (usize, &Key)| KeyView { id: data_key::id(key), seals: at == 0 };
    let keys: Vec<KeyView> = keys.iter().enumerate().map(view).collect();
    if common.json {
        return output::json(&View { place: place.to_string(), file, keys });
    }
    output::line(format!("The data key is in {place}."));
    let row = |key: KeyView| [key.id, if key.seals { "seals what is new" } else { "opens what is old" }.to_owned()];
    output::table(["key", "what for"], &keys.into_iter().map(row).collect::<Vec<_>>());
    Ok(())
}

//! `nod migrate`: an installation from one kind of database to another.

use std::sync::Arc;

use clap::Subcommand;
use nod_store::{MoveError, Moved, Progress};
use serde::Serialize;

use crate::cli::Common;
use crate::config::Config;
use crate::data_key;
use crate::failure::{Failure, Outcome};
use crate::installation::{self, Installation};
use crate::output;

/// Move an installation to another kind of database
#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Move everything from the SQLite file to the PostgreSQL database that nod.toml names
    ///
    /// Stop the server first: the command refuses a file that another process has open, and keeps everybody else out while it works.
    /// It copies every row, reads every row back and compares it, all in one transaction: interrupted at any point, it has changed
    /// nothing and can be run again. The database must be empty. In the end the SQLite file is marked, so that no server goes on
    /// with it by mistake; keep it until you are content. Phones, browsers and sessions stay as they are, data.key too.
    #[command(
        after_long_help = "Steps:\n  1. stop nod serve\n  2. name the database in nod.toml:\n       [database]\n       url = \"postgres://nod@localhost/nod\"\n  3. nod migrate sqlite-to-postgres\n  4. nod serve\n\nThe guide for several nodes says how to make the database, and what comes after."
    )]
    SqliteToPostgres,
}

#[derive(Serialize)]
struct Done {
    were_there: bool,
    tables: Vec<Rows>,
    rows: u64,
}

#[derive(Serialize)]
struct Rows {
    table: String,
    rows: u64,
}

/// Runs it.
pub(crate) async fn run(common: &Common, command: MigrateCommand) -> Outcome {
    let MigrateCommand::SqliteToPostgres = command;
    let config = Config::load(common.config.as_deref())?;
    let moved = move_rows(&config).await?;
    // Opens what came: host, data key and sealed keys fit together.
    Installation::open(config).await?;
    report(common, moved)
}

async fn move_rows(config: &Config) -> Outcome<Moved> {
    let Some(options) = installation::postgres_options(config)? else {
        let file = config.path.display();
        return Err(Failure::misuse(format!(
            "{file} names no PostgreSQL database to move to: add [database] with url = \"postgres://nod@localhost/nod\""
        )));
    };
    let path = config.data_dir.join(installation::DATABASE);
    if !path.exists() {
        let (file, folder) = (installation::DATABASE, config.data_dir.display());
        return Err(Failure::new(format!("there is no {file} in {folder}: nothing to move")));
    }
    // Without it nothing that is moved could be opened.
    data_key::load(config)?;
    let mut tell = |progress: Progress<'_>| eprintln!("{}", words(&progress));
    let moved = nod_store::move_to_postgres(&path, Arc::new(crate::system::now), &options, &mut tell).await;
    moved.map_err(|error| match error {
        MoveError::MovedBefore(_) => Failure::from(error).next("nod serve"),
        other => other.into(),
    })
}

fn words(progress: &Progress<'_>) -> String {
    match progress {
        Progress::Copied { table, rows, of } => format!("{table:<20}{rows:>12} of {of} copied"),
        Progress::Compared { table, rows } => format!("{table:<20}{rows:>12} compared, the same"),
    }
}

fn report(common: &Common, moved: Moved) -> Outcome {
    let rows = moved.tables.iter().map(|(_, rows)| rows).sum();
    let count = moved.tables.len();
    if common.json {
        let tables = moved.tables.into_iter().map(|(table, rows)| Rows { table, rows }).collect();
        return output::json(&Done { were_there: moved.were_there, tables, rows });
    }
    if moved.were_there {
        output::line(format!(
            "All {rows} rows of {count} tables were in PostgreSQL already, each compared: an earlier move is now complete."
        ));
    } else {
        output::line(format!("Moved {rows} rows of {count} tables to PostgreSQL; each was read back and compared."));
    }
    output::line(
        "The SQLite file is marked as moved: no server starts with it any more. Keep it until you are content.",
    );
    output::line(
        "\nNext: nod serve\nFor a second node: copy nod.toml and data.key there, change `listen`, and run nod serve.",
    );
    Ok(())
}

//! `nod user import`: accounts from a file.

use std::path::PathBuf;

use clap::Args;
use nod_engine::{Engine, NewUser};

use super::table::{self, Column, Row};
use super::{Refusal, progress, quoted, read, refused, tell};
use crate::cli::Common;
use crate::failure::{Next as _, Outcome};

const COLUMNS: &[Column] = &[
    Column { name: "name", required: true, also: &[] },
    optional("display_name"),
    optional("mail"),
    optional("groups"),
    optional("terminal_phone"),
    optional("password_hash"),
];

const fn optional(name: &'static str) -> Column {
    Column { name, required: false, also: &[] }
}

/// Add all accounts of a CSV file, or none of them
#[derive(Debug, Args)]
#[command(
    after_long_help = "The first line names the columns: name, and any of display_name, mail, groups (parted by spaces; they\nmust be there), terminal_phone (on or off) and password_hash (argon2, bcrypt, scrypt, PBKDF2 or SHA-512-crypt). Every row that cannot be taken is told with its reason.\nAccounts that are there already are refused, not changed.\n\nExamples:\n  nod user import people.csv --dry-run\n  nod user import people.csv"
)]
pub(crate) struct UsersArguments {
    /// The file; /dev/stdin is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Judge every row and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs it.
pub(crate) async fn run(common: &Common, engine: &Engine, arguments: UsersArguments) -> Outcome {
    let UsersArguments { file, dry_run } = arguments;
    let again = format!("nod user import {} --dry-run", file.display());
    let mut table = table::read(&read(&file)?, COLUMNS);
    progress(table.count, "judging every row");
    let (mut new, mut lines) = (Vec::new(), Vec::new());
    for row in &table.rows {
        match new_user(row) {
            Ok(user) => {
                new.push(user);
                lines.push(row.line);
            }
            Err(refusal) => table.refusals.push(refusal),
        }
    }
    let users = match engine.judge_users(&new).await.or_next(&*again)? {
        Ok(users) if table.refusals.is_empty() => users,
        judged => {
            let bad = judged.err().unwrap_or_default();
            table.refusals.extend(bad.into_iter().map(|bad| Refusal::of(bad, &lines)));
            return Err(refused(common.json, dry_run, table.count, table.refusals, &again));
        }
    };
    let names = users.names();
    if !dry_run {
        progress(names.len(), "adding them in one commit");
        engine.add_users(users).await.or_next(again)?;
    }
    tell(common.json, dry_run, &names, "account")
}

fn new_user(row: &Row) -> Result<NewUser, Refusal> {
    let owned = |column| row.cell(column).map(str::to_owned);
    let terminal_phone = match row.cell("terminal_phone").map(str::to_ascii_lowercase).as_deref() {
        None | Some("off") => false,
        Some("on") => true,
        Some(other) => {
            let reason = format!("{} is neither on nor off", quoted(other));
            return Err(Refusal::new(row.line, Some("terminal_phone"), reason, "write on or off, or leave it empty"));
        }
    };
    let groups = row.cell("groups").unwrap_or_default();
    let groups = groups.split([' ', ',', ';']).filter(|group| !group.is_empty()).map(str::to_owned).collect();
    Ok(NewUser {
        name: owned("name").unwrap_or_default(),
        display_name: owned("display_name"),
        mail: owned("mail"),
        groups,
        terminal_phone,
        password_hash: owned("password_hash"),
    })
}

//! Files of many rows: read whole, every refused row told with its reason, and taken in one commit or not at all.

mod pskc;
mod table;
pub(super) mod tokens;
pub(super) mod users;

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use nod_engine::{BadPart, Part};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::failure::{Failure, Outcome};
use crate::output::{self, one_line};

/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 32 * 1024 * 1024;
/// Most rows of one file: its commit holds every other one back for a second or two.
const MAX_ROWS: usize = 20_000;
/// From so many rows on, a terminal is told what is being done.
const LONG: usize = 1_000;
/// Most characters of a refused cell that is repeated. A longer one may be a secret in the wrong column (INV-24).
const SHOWN_CHARS: usize = 15;

/// Why a row is not taken.
#[derive(Debug, Serialize)]
struct Refusal {
    /// Where it begins, counted from 1.
    line: u64,
    /// The column, where one is to blame.
    column: Option<&'static str>,
    /// What is wrong.
    reason: String,
    /// What to do about it.
    remedy: String,
}

impl Refusal {
    fn new(line: u64, column: Option<&'static str>, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { line, column, reason: reason.into(), remedy: remedy.into() }
    }

    /// What the engine refuses, with the line that it came from.
    fn of(bad: BadPart, lines: &[u64]) -> Self {
        let column = match bad.part {
            Part::Name => Some("name"),
            Part::Mail => Some("mail"),
            Part::Groups => Some("groups"),
            Part::PasswordHash => Some("password_hash"),
            Part::User => Some("user"),
            Part::Secret => Some("secret"),
            Part::Shape => None,
        };
        Self::new(lines.get(bad.index).copied().unwrap_or(0), column, bad.reason, bad.remedy)
    }
}

/// What became of a file.
#[derive(Serialize)]
struct ImportView<'a> {
    dry_run: bool,
    rows: usize,
    added: &'a [String],
    refused: &'a [Refusal],
}

/// Tells what was added, or would be.
fn tell(json: bool, dry_run: bool, added: &[String], noun: &str) -> Outcome {
    if json {
        return output::json(&ImportView { dry_run, rows: added.len(), added, refused: &[] });
    }
    let many = counted(added.len(), noun);
    output::line(match dry_run {
        true => format!("Every row is good: {many} would be added. Nothing was changed."),
        false => format!("{many} added."),
    });
    Ok(())
}

/// Tells every refusal, in the order of the file. Nothing was changed.
fn refused(json: bool, dry_run: bool, rows: usize, mut refusals: Vec<Refusal>, again: &str) -> Failure {
    refusals.sort_by_key(|refusal| refusal.line);
    if json {
        let view = ImportView { dry_run, rows, added: &[], refused: &refusals };
        if let Err(failure) = output::json(&view) {
            return failure;
        }
    } else {
        for Refusal { line, column, reason, remedy } in &refusals {
            let column = column.map(|column| format!(", {column}")).unwrap_or_default();
            output::line(format!("line {line}{column}: {}: {}", one_line(reason), one_line(remedy)));
        }
    }
    let many = counted(refusals.len(), "reason");
    Failure::new(format!("{many} to refuse the file, all of them above: nothing was changed")).next(again)
}

/// "1 row", "2 rows".
fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Where a person waits for a long file: what is being done.
fn progress(rows: usize, what: &str) {
    if rows >= LONG && std::io::stderr().is_terminal() {
        eprintln!("{rows} rows: {what} ...");
    }
}

/// The text of a file. It may hold secrets.
///
/// # Errors
/// When it cannot be read, is too large, or is UTF-16.
fn read(path: &Path) -> Outcome<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let shown = path.display().to_string();
    let file = std::fs::File::open(path).map_err(|error| Failure::from(error).during(&shown))?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| Failure::from(error).during(&shown))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::new(format!("{shown} has more than {} MiB: split it", MAX_BYTES >> 20)));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Failure::new(format!("{shown} is UTF-16: save it as UTF-8")));
    }
    Ok(bytes)
}

/// A cell as it may be repeated: in quotes, if it is short.
fn quoted(cell: &str) -> String {
    let length = cell.chars().count();
    if length > SHOWN_CHARS { format!("a cell of {length} characters") } else { format!("\"{cell}\"") }
}

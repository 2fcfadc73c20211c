//! The database: whether it is sound, of this binary's schema, opens with the data key, and is not older than its checkpoints.

use std::time::Duration;

use nod_store::{Inspected, SCHEMA};
use tokio::time::timeout;

use super::Findings;
use super::services::apart;
use crate::checkpoints;
use crate::config::{Config, Database};
use crate::data_key::DATA_KEY;
use crate::failure::Outcome;
use crate::installation::{DATABASE, Installation, postgres_options};

/// Longest wait for the integrity check, which reads the whole file.
const CHECK_WITHIN: Duration = Duration::from_secs(60);
/// Edited rows that are named; more are counted.
const ROWS_NAMED: usize = 8;

pub(super) async fn examine(config: &Config, findings: &mut Findings) -> Option<Installation> {
    let inspected = match timeout(CHECK_WITHIN, inspect(config)).await {
        Ok(Ok(inspected)) => inspected,
        Ok(Err(failure)) => {
            let advice = "do what it says; where the rows are lost, put a backup back with: nod restore FILE";
            findings.problem("database", failure.words(), advice);
            return None;
        }
        Err(_) => {
            let what = format!("the integrity check takes longer than {} s", CHECK_WITHIN.as_secs());
            findings.warning("database", what, "run it at a quiet time: sqlite3 nod.db 'PRAGMA quick_check'");
            return None;
        }
    };
    if !report(&inspected, findings) {
        return None;
    }
    match Installation::open(config.clone()).await {
        Ok(installation) => {
            findings.ok("database", "it opens with the data key");
            audit(config, &installation, findings).await;
            checksums(&installation, findings).await;
            Some(installation)
        }
        Err(failure) => {
            let advice = failure.next_command().map_or_else(
                || format!("do what it says; is {DATA_KEY} the key of this installation?"),
                |next| format!("run: {next}"),
            );
            findings.problem("database", failure.words(), advice);
            None
        }
    }
}

async fn inspect(config: &Config) -> Outcome<Inspected> {
    match (&config.database, postgres_options(config)?) {
        (Database::Sqlite, _) | (_, None) => {
            let path = config.data_dir.join(DATABASE);
            Ok(tokio::task::spawn_blocking(move || nod_store::inspect_sqlite(&path)).await??)
        }
        (Database::Postgres { .. }, Some(options)) => Ok(nod_store::inspect_postgres(&options).await?),
    }
}

/// Whether it may be opened: opening would migrate an older one.
fn report(inspected: &Inspected, findings: &mut Findings) -> bool {
    let engine = &inspected.engine;
    for complaint in &inspected.complaints {
        let advice = "stop Nod, keep a copy of the file, and restore a backup with: nod restore FILE";
        findings.problem("database", format!("{engine}: {complaint}"), advice);
    }
    if let Some(now) = inspected.now {
        apart("the database's clock", now, findings);
    }
    let schema = inspected.schema.map_or_else(|| "none".to_owned(), |schema| schema.to_string());
    if inspected.is_moved() {
        let what = format!("{engine}: this file was moved to PostgreSQL and is out of date");
        findings.problem("database", what, "name that database in nod.toml (`url` in `[database]`)");
        return false;
    }
    if inspected.is_newer() {
        let what = format!("{engine}, schema {schema}; this binary knows {SCHEMA}");
        findings.problem("database", what, "install the version of Nod that made it, or a newer one");
        return false;
    }
    if inspected.is_older() {
        let what = format!("{engine}, schema {schema}; this binary brings {SCHEMA}");
        findings.warning("database", what, "make a backup with the version that made it; nod serve then migrates it");
        return false;
    }
    if inspected.complaints.is_empty() {
        findings.ok("database", format!("{engine}, schema {schema}, sound"));
    }
    inspected.complaints.is_empty()
}

/// Whether the audit reaches as far as its checkpoints. `nod audit verify` walks all of it.
async fn audit(config: &Config, installation: &Installation, findings: &mut Findings) {
    let last = installation.engine.store().audit(None, 1).await;
    let count = last.ok().and_then(|events| events.into_iter().next()).map_or(0, |(sequence, _)| sequence);
    if !config.checkpoint_file.exists() {
        let what = format!("{count} events, and no checkpoint yet");
        return findings.warning("audit", what, "nod serve writes the first at its start; ship the file elsewhere");
    }
    let signed = match checkpoints::last(&config.checkpoint_file, installation.checkpoint_key()) {
        Ok(signed) => signed.map_or(0, |signed| signed.count),
        Err(error) => {
            let what = format!("{}: {error}", config.checkpoint_file.display());
            return findings.problem("audit", what, "give the user who runs Nod the right to read and write it");
        }
    };
    if signed > count {
        let what = format!(
            "the audit ends with event {count}, and a checkpoint covers {signed}: an older database was put back"
        );
        findings.problem("audit", what, "run: nod audit verify; a backup is put back with nod restore FILE");
    } else {
        findings.ok("audit", format!("{count} events, the last checkpoint covers {signed}"));
    }
}

/// Rows that grant something and are not as Nod wrote them (INV-21).
async fn checksums(installation: &Installation, findings: &mut Findings) {
    match installation.engine.foreign_rows().await {
        Ok(rows) if rows.is_empty() => findings.ok("database", "every row that grants something is as Nod wrote it"),
        Ok(rows) => {
            let named: Vec<String> =
                rows.iter().take(ROWS_NAMED).map(|row| format!("{} {}", row.table, row.row)).collect();
            let more = if rows.len() > ROWS_NAMED { ", ..." } else { "" };
            let what =
                format!("{} rows are not as Nod wrote them and are refused: {}{more}", rows.len(), named.join("; "));
            let advice = "find out who writes to the database, then put a backup back with: nod restore FILE";
            findings.problem("database", what, advice);
        }
        Err(failure) => findings.problem("database", failure.to_string(), "do what it says"),
    }
}

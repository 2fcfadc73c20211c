//! `nod audit verify`: whether the audit is what was written (INV-22).

use std::path::{Path, PathBuf};

use clap::Args;
use nod_core::Timestamp;
use nod_engine::audit::{Finding, LostToRestore, Report};
use nod_protocol::Jwk;
use serde::Serialize;

use super::super::open;
use crate::checkpoints::{self, Found};
use crate::cli::Common;
use crate::failure::{Failure, Outcome};
use crate::output::{self, Time, local};

/// Progress is told each time so many events have been walked.
const TELL_EVERY: i64 = 100_000;

/// Check that nothing in the audit was edited, deleted, moved or cut off
///
/// Each event carries a hash of itself and of the one before. The chain of these is walked from the first event to the last and
/// compared with the signed checkpoints, which alone show a tail that was cut off or a chain that was hashed anew: give the copy
/// that you keep on another machine. Ends with code 1 and names each place when something does not hold.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  nod audit verify\n  nod audit verify --checkpoints /mnt/elsewhere/audit-checkpoints.jsonl --json"
)]
pub(crate) struct VerifyArguments {
    /// File of checkpoints [default: the one that the server writes, if it is there]
    #[arg(long, value_name = "FILE")]
    checkpoints: Option<PathBuf>,
}

#[derive(Serialize)]
struct Verdict<'a> {
    holds: bool,
    count: i64,
    head: String,
    checkpoints: usize,
    last_checkpoint: Option<LastView>,
    findings: Vec<FindingView>,
    more_findings: u64,
    lost_to_restores: Vec<LostView>,
    /// The public key of the checkpoints, for a check without Nod.
    checkpoint_key: &'a Jwk,
}

#[derive(Serialize)]
struct LastView {
    at: Time,
    count: i64,
}

#[derive(Serialize)]
struct LostView {
    restored_at: Time,
    first: i64,
    last: i64,
}

#[derive(Serialize)]
struct FindingView {
    kind: &'static str,
    first: i64,
    last: i64,
    sentence: String,
}

/// Runs it.
pub(super) async fn run(common: &Common, arguments: VerifyArguments) -> Outcome {
    let installation = open(common).await?;
    let key = installation.checkpoint_key();
    let file = match &arguments.checkpoints {
        Some(file) => Some(file),
        None => Some(&installation.config.checkpoint_file).filter(|file| file.exists()),
    };
    let found = file.map(|file| checkpoints::read(file, key)).transpose()?.unwrap_or_default();
    let mut told = 0;
    let seen = |sequence: i64| {
        if sequence >= told + TELL_EVERY {
            told = sequence;
            eprintln!("{sequence} events walked");
        }
    };
    let restores = checkpoints::of_restores(&**installation.engine.store(), key).await?;
    let signed = found.signed.iter().chain(&restores).cloned().collect();
    let report = installation.engine.verify_audit(signed, seen).await?;
    let findings = findings(&report, &found, file.map(PathBuf::as_path));
    warn(&found, file.map(PathBuf::as_path));
    let wrong = findings.len() as u64 + report.more;
    show(common, &report, &found, findings, key)?;
    match wrong {
        0 => Ok(()),
        1 => Err(Failure::new("the audit is not what was written, in 1 place")),
        places => Err(Failure::new(format!("the audit is not what was written, in {places} places"))),
    }
}

/// What is not wrong, but weakens the answer.
fn warn(found: &Found, file: Option<&Path>) {
    if let (Some(file), [first, rest @ ..]) = (file, found.torn.as_slice()) {
        eprintln!("warning: {} line(s) of {} are no checkpoint; the first is {first}", rest.len() + 1, file.display());
    }
    if found.signed.is_empty() {
        eprintln!(
            "warning: without a checkpoint a tail that was cut off cannot be seen; give one with --checkpoints FILE"
        );
    }
}

fn show(common: &Common, report: &Report, found: &Found, findings: Vec<FindingView>, key: &Jwk) -> Outcome {
    let last = report.checkpoint.as_ref().map(|last| (Timestamp(last.at), last.count));
    if common.json {
        return output::json(&Verdict {
            holds: findings.is_empty(),
            count: report.count,
            head: report.head.to_string(),
            checkpoints: found.signed.len(),
            last_checkpoint: last.map(|(at, count)| LastView { at: Time(at), count }),
            findings,
            more_findings: report.more,
            lost_to_restores: report.lost.iter().map(lost).collect(),
            checkpoint_key: key,
        });
    }
    for finding in &findings {
        output::line(&finding.sentence);
    }
    if report.more > 0 {
        output::line(format!("… and {} more.", report.more));
    }
    for LostToRestore { first, last, at } in &report.lost {
        let what = events(*first, *last, "was lost when an older backup was", "were lost when an older backup was");
        output::line(format!("{what} restored, at {}.", local(*at)));
    }
    if findings.is_empty() {
        output::line("The audit holds.");
        let last = last.map_or_else(|| "none".to_owned(), |(at, count)| format!("{}, of {count} events", local(at)));
        output::facts(&[
            ("events", report.count.to_string()),
            ("head", report.head.to_string()),
            ("last checkpoint", last),
        ]);
    }
    Ok(())
}

fn lost(lost: &LostToRestore) -> LostView {
    LostView { restored_at: Time(lost.at), first: lost.first, last: lost.last }
}

fn findings(report: &Report, found: &Found, file: Option<&Path>) -> Vec<FindingView> {
    let forged = |line: &usize| {
        let number = i64::try_from(*line).unwrap_or(i64::MAX);
        let file = file.unwrap_or(Path::new("")).display();
        let sentence = format!("Line {line} of {file} is a checkpoint that this installation did not sign.");
        FindingView { kind: "forged_checkpoint", first: number, last: number, sentence }
    };
    report.findings.iter().map(view).chain(found.forged.iter().map(forged)).collect()
}

/// `Event 5` or `Events 5 to 7`, with the verb that fits.
fn events(first: i64, last: i64, one: &str, many: &str) -> String {
    if first == last { format!("Event {first} {one}") } else { format!("Events {first} to {last} {many}") }
}

fn view(finding: &Finding) -> FindingView {
    let (kind, first, last, sentence) = match *finding {
        Finding::Missing { first, last } => (
            "missing",
            first,
            last,
            events(first, last, "is missing: it was deleted.", "are missing: they were deleted."),
        ),
        Finding::Broken { first, last } => {
            let what = events(first, last, "does not follow from", "do not follow from");
            let before = first.saturating_sub(1);
            let words = format!(
                "{what} what stands before: edited, inserted or moved; or event {before} was edited and its hash made to fit."
            );
            ("broken", first, last, words)
        }
        Finding::Rewritten { after, count, at } => {
            let at = local(at);
            let place = events(after.saturating_add(1), count, "was", "were");
            let words = format!(
                "{place} changed or replaced and hashed anew: event {count} is another than the checkpoint of {at} signed."
            );
            ("rewritten", after.saturating_add(1), count, words)
        }
        Finding::CutTail { last, count, at } => {
            let at = local(at);
            let place = events(last.saturating_add(1), count, "was", "were");
            let words = format!(
                "{place} cut off: the audit ends with event {last}, and the checkpoint of {at} covers {count}. \
                 Or an older backup was restored."
            );
            ("cut_tail", last.saturating_add(1), count, words)
        }
    };
    FindingView { kind, first, last, sentence }
}

//! `nod audit export`: the audit for other machines, one event one line whatever its fields hold (D08).

use std::io::{self, BufWriter, Write as _};

use clap::{Args, ValueEnum};

use super::super::open;
use crate::cli::Common;
use crate::event_view::EventView;
use crate::failure::{Failure, Outcome};
use crate::syslog;

/// Events that are read at a time.
const PAGE: u32 = 1_000;

/// Write events to standard output, oldest first, for another machine
///
/// JSON lines hold every field and the event's hash. Syslog lines are RFC 5424 with the fields as structured data and the sentence
/// as message. To go on later, give the number of the last event with --after.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  nod audit export > audit.jsonl\n  nod audit export --after 1042\n  nod audit export --format syslog"
)]
pub(crate) struct ExportArguments {
    /// How events are written
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Only events behind this number
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    after: i64,
}

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object a line.
    Jsonl,
    /// RFC 5424.
    Syslog,
}

/// Runs it.
pub(super) async fn run(common: &Common, arguments: ExportArguments) -> Outcome {
    let installation = open(common).await?;
    let host = installation.config.address.host();
    let mut out = BufWriter::new(io::stdout());
    let mut after = arguments.after;
    loop {
        let links = installation.engine.store().audit_after(after, PAGE).await?;
        if links.is_empty() {
            let _ = out.flush();
            return Ok(());
        }
        for link in links {
            after = link.sequence;
            let (Some(event), Some(hash)) = (link.event, link.hash) else {
                let _ = out.flush();
                let what = format!("event {after} holds what Nod never wrote; those behind it: --after {after}");
                return Err(Failure::new(what).next("nod audit verify"));
            };
            let line = match arguments.format {
                Format::Jsonl => EventView::of(after, event).line(Some(hash))?,
                Format::Syslog => syslog::message(host, after, &event, hash),
            };
            if writeln!(out, "{line}").is_err() {
                // A reader that went away (`| head`) is no error.
                return Ok(());
            }
        }
    }
}

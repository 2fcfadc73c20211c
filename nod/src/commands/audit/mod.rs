//! `nod audit`: what happened, whether the record of it holds, and taking it elsewhere.

mod export;
mod import;
mod verify;

pub(super) use import::replay;

use clap::Subcommand;

use super::open;
use crate::cli::Common;
use crate::event_view::EventView;
use crate::failure::{Next as _, Outcome};
use crate::output::{self, local, one_line};

/// What happened, in sentences
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List the last events, oldest first
    #[command(after_long_help = "Examples:\n  nod audit list\n  nod audit list --limit 500 --json")]
    List {
        /// How many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    Verify(verify::VerifyArguments),
    Export(export::ExportArguments),
}

/// Runs it.
pub(crate) async fn run(common: &Common, command: AuditCommand) -> Outcome {
    match command {
        AuditCommand::List { limit } => list(common, limit).await,
        AuditCommand::Verify(arguments) => verify::run(common, arguments).await,
        AuditCommand::Export(arguments) => export::run(common, arguments).await,
    }
}

async fn list(common: &Common, limit: u32) -> Outcome {
    let installation = open(common).await?;
    let mut events = installation.engine.store().audit(None, limit).await.or_next("nod audit verify")?;
    events.reverse();
    if common.json {
        return output::json(
            &events.into_iter().map(|(sequence, event)| EventView::of(sequence, event)).collect::<Vec<_>>(),
        );
    }
    for (_, event) in events {
        output::line(format!("{}  {}", local(event.at), one_line(&event.sentence())));
    }
    Ok(())
}

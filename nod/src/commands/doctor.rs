//! `nod doctor`.

use clap::Args;
use serde::Serialize;

use crate::cli::Common;
use crate::config::Config;
use crate::doctor::{self, Finding, Level};
use crate::failure::{Failure, Outcome};
use crate::output;

/// Space in front of the advice.
const INDENT: &str = "         ";

/// Find what is wrong: host, certificate, push services, clock, database, disk, files
///
/// Changes nothing. Each finding is ok, a warning or a problem, and says what to do. Ends with code 1 when there is a problem. Run it
/// as the user who runs the server, on the machine where it runs.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  nod doctor\n  nod doctor --offline\n  nod doctor --json")]
pub(crate) struct DoctorArguments {
    /// Ask nobody outside: no public host, no push service
    #[arg(long)]
    offline: bool,
}

#[derive(Serialize)]
struct Verdict {
    healthy: bool,
    findings: Vec<Finding>,
}

/// Runs it.
pub(crate) async fn run(common: &Common, arguments: DoctorArguments) -> Outcome {
    let config = Config::load(common.config.as_deref())?;
    let findings = doctor::examine(&config, arguments.offline).await;
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (problems, warnings) = (count(Level::Problem), count(Level::Warning));
    if common.json {
        output::json(&Verdict { healthy: problems == 0, findings })?;
    } else {
        for finding in &findings {
            output::line(format!("{:<9}{:<13}{}", finding.level.word(), finding.area, output::one_line(&finding.what)));
            if let Some(advice) = &finding.advice {
                output::line(format!("{INDENT}{:<13}{}", "", output::one_line(advice)));
            }
        }
        output::line(format!("\nproblems: {problems}, warnings: {warnings}"));
    }
    match problems {
        0 => Ok(()),
        1 => Err(Failure::new("there is 1 problem")),
        more => Err(Failure::new(format!("there are {more} problems"))),
    }
}

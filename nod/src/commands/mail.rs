//! `nod mail`.

use clap::Subcommand;
use nod_core::text::mail_address;
use serde::Serialize;

use crate::cli::Common;
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::mail::{self, letters};
use crate::output;

/// Letters to people, by your mail server
#[derive(Debug, Subcommand)]
pub(crate) enum MailCommand {
    /// Write a test letter to an address
    #[command(after_long_help = "Examples:\n  nod mail test anna@your-domain.example")]
    Test {
        /// Where to
        address: String,
    },
}

#[derive(Serialize)]
struct SentView<'a> {
    sent_to: &'a str,
}

/// Runs it.
pub(crate) async fn run(common: &Common, command: MailCommand) -> Outcome {
    let MailCommand::Test { address } = command;
    let config = Config::load(common.config.as_deref())?;
    let address = mail_address(&address).map_err(|error| Failure::misuse(error.to_string()))?;
    mail::send(&config, &mail::fresh(&address, letters::test(&config))).await?;
    if common.json {
        return output::json(&SentView { sent_to: &address });
    }
    output::line(format!("The mail server took a test letter to {address}."));
    Ok(())
}

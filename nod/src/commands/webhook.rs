//! `nod webhook`.

use clap::Subcommand;
use serde::Serialize;

use crate::cli::Common;
use crate::config::{Config, Webhook};
use crate::failure::{Failure, Outcome};
use crate::forward::{Hook, said};
use crate::output::{self, one_line};
use crate::system;

/// Programs that are told of each event
#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// Send a sample to a webhook of nod.toml and show what it answers
    ///
    /// The sample has the kind `test` and is signed as every event is. Ends with code 1 unless the answer is 2xx.
    #[command(after_long_help = "Examples:\n  nod webhook test chat\n  nod webhook test chat --json")]
    Test {
        /// Its name in nod.toml
        name: String,
    },
}

#[derive(Serialize)]
struct AnswerView {
    webhook: String,
    status: u16,
    taken: bool,
    body: String,
}

/// Runs it.
pub(crate) async fn run(common: &Common, command: WebhookCommand) -> Outcome {
    let WebhookCommand::Test { name } = command;
    let config = Config::load(common.config.as_deref())?;
    let settings = named(&config, &name)?;
    let answer = Hook::open(settings)?.test(system::now(), &config.server_name).await?;
    if common.json {
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        output::json(&AnswerView { webhook: name.clone(), status: answer.status, taken: answer.is_taken(), body })?;
    } else if answer.is_taken() {
        output::line(format!("the webhook {name} took it: {}{}", answer.status, said(&answer)));
    }
    if answer.is_taken() {
        return Ok(());
    }
    Err(Failure::new(format!("the webhook {name} answered {}{}", answer.status, said(&answer))))
}

fn named<'c>(config: &'c Config, name: &str) -> Outcome<&'c Webhook> {
    config.webhooks.iter().find(|webhook| webhook.name == name).ok_or_else(|| {
        let names: Vec<&str> = config.webhooks.iter().map(|webhook| &*webhook.name).collect();
        let known = if names.is_empty() { "it has none".to_owned() } else { format!("it has: {}", names.join(", ")) };
        Failure::new(format!("{} has no webhook {}; {known}", config.path.display(), one_line(name)))
    })
}

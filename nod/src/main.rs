//! The `nod` binary: configuration, wiring, commands. The rules of sign-in are in `nod-core` and `nod-engine`.

mod acme;
mod backup;
mod certificate;
mod checkpoints;
mod cli;
mod commands;
mod config;
mod data_key;
mod demo;
mod doctor;
mod event_view;
mod failure;
mod forward;
mod installation;
mod key_watch;
mod listeners;
mod log;
mod mail;
mod output;
mod private_file;
mod restores;
mod server;
mod syslog;
mod system;
mod trace;
mod trust;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::failure::Outcome;

/// How long the runtime waits for blocking work (a question at the terminal, a database write) at the end.
const LAST_WAIT: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The server reads first how it is to log.
    if !matches!(cli.command, Command::Serve(_)) {
        log::start(log::Form::Text, log::Level::Warn, None);
    }
    // The first installation wins; there is no other in this process.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failure::Failure::from(error).tell(),
    };
    let done = runtime.block_on(run(cli));
    runtime.shutdown_timeout(LAST_WAIT);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

async fn run(cli: Cli) -> Outcome {
    let Cli { common, command } = cli;
    match command {
        Command::Init(arguments) => commands::init::run(&common, arguments).await,
        Command::Serve(arguments) => commands::serve::run(&common, arguments).await,
        Command::User(command) => commands::user::run(&common, command).await,
        Command::Group(command) => commands::group::run(&common, command).await,
        Command::Device(command) => commands::device::run(&common, command).await,
        Command::Browser(command) => commands::browser::run(&common, command).await,
        Command::App(command) => commands::app::run(&common, command).await,
        Command::Audit(command) => commands::audit::run(&common, command).await,
        Command::Webhook(command) => commands::webhook::run(&common, command).await,
        Command::Mail(command) => commands::mail::run(&common, command).await,
        Command::Key(command) => commands::key::run(&common, command).await,
        Command::Doctor(arguments) => commands::doctor::run(&common, arguments).await,
        Command::Backup(arguments) => commands::backup::run(&common, arguments).await,
        Command::Restore(arguments) => commands::restore::run(&common, arguments).await,
        Command::Migrate(command) => commands::migrate::run(&common, command).await,
        Command::Completion(arguments) => commands::manual::completion(&arguments),
        Command::Manual(arguments) => commands::manual::manual(&arguments),
        Command::Phone(command) => commands::phone::run(&common, command).await,
        Command::Demo(arguments) => demo::run(arguments).await,
    }
}

//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::{
    app, audit, backup, browser, device, doctor, group, init, key, mail, manual, migrate, phone, restore, serve, user,
    webhook,
};
use crate::demo::DemoArguments;

/// Commands by what they are for. A test holds it against the real ones.
const GROUPS: &str = "\
Try it:
  demo      Everything in a temporary folder: server, sample site, one user. Nothing is left behind

Run a server:
  init      Ask three questions, write nod.toml, make the data and the first administrator's link
  serve     Run the server
  doctor    Find what is wrong, and what to do about it
  key       The data key: show which, export, import, rotate
  backup    Write an encrypted backup while the server runs, and read it back
  restore   Make an installation from a backup
  migrate   Move the installation from SQLite to PostgreSQL

People and what they hold:
  user      Accounts: add, list, show, change, disable, password, enrol a phone, one-time codes
  group     Groups, which decide who may open an app
  device    Phones: list, revoke
  browser   Browsers that may ask a phone: list, unbind, introduce
  mail      Letters to people: test

What is protected, and what happened:
  app       Protected apps: add, list, remove
  audit     What happened, in sentences
  webhook   Programs that are told of it: test

This program:
  completion  Completions for a shell
  manual      Manual pages of all commands

On the other side:
  phone     An authenticator in this terminal, for people without a suitable phone and for tests";

const FIRST_STEPS: &str = "\
First steps:
  nod demo                          see a sign-in from browser to phone and back
  nod init                          make your own installation
  nod serve                         run it
  nod user add anna                 add a person
  nod user enrol anna               show the link by which anna's phone is enrolled
  nod app add wiki --origin https://wiki.your-domain

`nod COMMAND --help` says more about a command, with examples.";

const TEMPLATE: &str = "{about-with-newline}\n{usage-heading} {usage}\n\n{before-help}Options:\n{options}{after-help}";

/// Nod: multi-factor authentication by push, on your own server.
#[derive(Debug, Parser)]
#[command(
    name = "nod",
    version,
    about = "Nod: sign in with a nod on your phone. Self-hosted multi-factor authentication.",
    help_template = TEMPLATE,
    before_help = GROUPS,
    after_help = FIRST_STEPS,
    arg_required_else_help = true,
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Configuration file [default: ./nod.toml, then /etc/nod/nod.toml]
    #[arg(long, global = true, env = "NOD_CONFIG", value_name = "PATH", hide_env = true)]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON for programs instead of text for people
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// `on` or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnOff {
    /// Yes.
    On,
    /// No.
    Off,
}

impl OnOff {
    /// As a truth value.
    pub(crate) const fn is_on(self) -> bool {
        matches!(self, Self::On)
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(init::InitArguments),
    Serve(serve::ServeArguments),
    Doctor(doctor::DoctorArguments),
    #[command(subcommand)]
    Key(key::KeyCommand),
    Backup(backup::BackupArguments),
    Restore(restore::RestoreArguments),
    #[command(subcommand)]
    User(user::UserCommand),
    #[command(subcommand)]
    Group(group::GroupCommand),
    #[command(subcommand)]
    Device(device::DeviceCommand),
    #[command(subcommand)]
    Browser(browser::BrowserCommand),
    #[command(subcommand)]
    App(app::AppCommand),
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    #[command(subcommand)]
    Mail(mail::MailCommand),
    #[command(subcommand)]
    Migrate(migrate::MigrateCommand),
    Completion(manual::CompletionArguments),
    Manual(manual::ManualArguments),
    #[command(subcommand)]
    Phone(phone::PhoneCommand),
    Demo(DemoArguments),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound_and_help_names_every_command() {
        let command = Cli::command();
        command.clone().debug_assert();
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let named = GROUPS.lines().any(|line| line.trim_start().starts_with(&format!("{} ", sub.get_name())));
            assert!(named, "{} is not in the help", sub.get_name());
            check_help(sub);
        }
    }

    /// Every command at the end of a branch says what it does and shows an example.
    fn check_help(command: &clap::Command) {
        assert!(command.get_about().is_some(), "{} has no help", command.get_name());
        let subs: Vec<_> = command.get_subcommands().filter(|sub| sub.get_name() != "help").collect();
        if subs.is_empty() {
            let example = command.get_after_long_help().is_some_and(|help| help.to_string().contains("nod "));
            assert!(example, "{} shows no example", command.get_name());
        }
        for sub in subs {
            check_help(sub);
        }
    }
}

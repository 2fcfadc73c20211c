//! `nod phone`: an authenticator in the terminal.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use nod_phone::{Account, EnrolBrowser, EnrolLink, Enrolled, Origin, Phone, PhoneState};
use nod_protocol::enrolment::EnrolmentCode;
use nod_protocol::pages::{EnrolStatus, EnrolStep};
use serde::Serialize;

use super::passwords;
use super::phone_wait::{self, WaitArguments};
use crate::cli::Common;
use crate::failure::{Failure, Next as _, Outcome};
use crate::output;
use crate::system::{OsEntropy, phone_state_file};

/// How long a person may take to type the confirmation in the browser.
const CONFIRM_TIME: Duration = Duration::from_secs(10 * 60);
/// What stands behind an approval of this program.
const OWN_WORD: &str = "\
This program approves with a passkey in a file. That somebody was verified is its own word: no fingerprint, face or PIN
stands behind it. An administrator allows it per account (nod user set NAME --terminal-phone on).";

/// An authenticator in this terminal, for people without a suitable phone and for tests
#[derive(Debug, Subcommand)]
pub(crate) enum PhoneCommand {
    /// Enrol this terminal as a phone, by link or by the code that the browser shows
    #[command(
        after_long_help = "With an administrator's link (ORIGIN/enrol#...) this program is browser and phone in one: it asks for the\npassword and enrols itself. With the code or link that an enrolment page shows, it is the phone alone, and\nthe six digits that it prints are typed in the browser.\n\nExamples:\n  nod phone enrol 'https://nod.your-domain/enrol#...'\n  nod phone enrol ABCD2345 --server https://nod.your-domain"
    )]
    Enrol(EnrolArguments),
    /// List the accounts on this phone
    #[command(after_long_help = "Example:\n  nod phone list")]
    List {
        #[command(flatten)]
        file: StateFile,
    },
    /// Wait for the next request, show it, answer it
    #[command(
        after_long_help = "Without --approve, --deny or --fraud it asks.\n\nExamples:\n  nod phone wait\n  nod phone wait --approve --number 123456 --timeout 60"
    )]
    Wait(WaitArguments),
}

/// Where the keys are.
#[derive(Debug, Args)]
pub(crate) struct StateFile {
    /// File with this phone's keys [default: nod/phone.json in $XDG_STATE_HOME or ~/.local/state]
    #[arg(long = "state", value_name = "FILE")]
    path: Option<PathBuf>,
}

impl StateFile {
    /// The file in use.
    pub(super) fn path(&self) -> Outcome<PathBuf> {
        let path = self.path.clone().or_else(phone_state_file);
        path.ok_or_else(|| Failure::misuse("there is no home folder to keep the keys in; give a file with --state"))
    }
}

/// What `nod phone enrol` takes.
#[derive(Debug, Args)]
pub(crate) struct EnrolArguments {
    /// Administrator's link, or the link or code that the enrolment page shows
    #[arg(value_name = "LINK|CODE")]
    link: String,
    #[command(flatten)]
    file: StateFile,
    /// How this phone is called
    #[arg(long, value_name = "NAME", default_value = "Terminal")]
    name: String,
    /// Address of the server, where only a code is given
    #[arg(long, value_name = "ORIGIN")]
    server: Option<Origin>,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
}

/// Runs it.
pub(crate) async fn run(common: &Common, command: PhoneCommand) -> Outcome {
    match command {
        PhoneCommand::Enrol(arguments) => enrol(common, arguments).await,
        PhoneCommand::List { file } => list(common, &PhoneState::load(&file.path()?)?),
        PhoneCommand::Wait(arguments) => phone_wait::run(common, arguments).await,
    }
}

/// The client that phones use.
pub(crate) fn http_client() -> Outcome<reqwest::Client> {
    Ok(nod_phone::http_client(reqwest::Client::builder())?)
}

#[derive(Serialize)]
struct AccountView<'a> {
    device: String,
    user: &'a str,
    display_name: &'a str,
    server: &'a str,
    origin: &'a str,
}

fn view(account: &Account) -> AccountView<'_> {
    AccountView {
        device: account.device.to_string(),
        user: &account.user.name,
        display_name: &account.user.display_name,
        server: &account.server_name,
        origin: account.origin.as_str(),
    }
}

fn list(common: &Common, state: &PhoneState) -> Outcome {
    if common.json {
        return output::json(&state.accounts.iter().map(view).collect::<Vec<_>>());
    }
    if state.accounts.is_empty() {
        output::line("No account is on this phone yet. Enrol one: nod phone enrol LINK");
        return Ok(());
    }
    let rows: Vec<[String; 4]> = state
        .accounts
        .iter()
        .map(|account| {
            let user = &account.user;
            [user.name.clone(), user.display_name.clone(), account.server_name.clone(), account.origin.to_string()]
        })
        .collect();
    output::table(["user", "shown as", "server", "address"], &rows);
    Ok(())
}

/// Opens a folder for the keys that nobody else can read.
fn make_folder(path: &Path) -> Outcome {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| Failure::new(format!("{}: {error}", folder.display())))
}

async fn enrol(common: &Common, arguments: EnrolArguments) -> Outcome {
    let path = arguments.file.path()?;
    // Read before anything is asked of the server: a file that cannot be used must not cost the link.
    let mut state = PhoneState::load(&path)?;
    make_folder(&path)?;
    let http = http_client()?;
    let (origin, code, browser) = match arguments.link.parse() {
        Ok(EnrolLink::Token { origin, token }) => {
            let (browser, status) = EnrolBrowser::open(http.clone(), origin.clone(), token)
                .await
                .or_next("ask your administrator for a new link: nod user enrol NAME")?;
            let (browser, code) = prove(browser, status, &arguments).await?;
            (origin, code, Some(browser))
        }
        Ok(EnrolLink::Code { origin, code }) => (origin, code, None),
        Err(not_a_link) => {
            let code: EnrolmentCode = arguments.link.parse().map_err(|_| Failure::misuse(not_a_link.to_string()))?;
            let origin = arguments
                .server
                .clone()
                .ok_or_else(|| Failure::misuse("a code alone does not say which server; add --server https://HOST"))?;
            (origin, code, None)
        }
    };
    eprintln!("{OWN_WORD}");
    let (mut phone, enrolled) = Phone::enrol(http, Arc::new(OsEntropy), &origin, code, &arguments.name).await?;
    phone.finish_enrolment(&enrolled).await?;
    // The keys must not be lost once the server takes them as active.
    state.put(phone.account().clone());
    state.save(&path)?;
    if let Err(failure) = confirm(common, &phone, &enrolled, browser).await {
        state.forget(&phone.account().device);
        state.save(&path)?;
        return Err(failure);
    }
    if common.json {
        return output::json(&view(phone.account()));
    }
    let account = phone.account();
    output::line(format!("This terminal now answers for {} at {}.", account.user.display_name, account.server_name));
    let state = arguments.file.path.map_or_else(String::new, |path| format!(" --state {}", path.display()));
    output::line(format!("Wait for a request: nod phone wait{state}"));
    Ok(())
}

/// Gives or chooses the password and asks for a code, as the enrolment page would.
async fn prove(
    mut browser: EnrolBrowser,
    status: EnrolStatus,
    arguments: &EnrolArguments,
) -> Outcome<(EnrolBrowser, EnrolmentCode)> {
    let user = status.user.clone().unwrap_or_default();
    let again = "nod phone enrol LINK --password-stdin";
    let status = match status.step {
        EnrolStep::Password => {
            let question = format!("Password of {user}");
            let password = passwords::known_password(arguments.password_stdin, &question, again).await?;
            browser.password(&password).await?
        }
        EnrolStep::ChoosePassword => {
            let password = passwords::new_password(arguments.password_stdin, &user, again).await?;
            browser.password(&password).await?
        }
        _ => status,
    };
    let status = if status.code.is_some() { status } else { browser.code().await? };
    let code = status.code.ok_or_else(|| Failure::new("the server shows no code; ask for a new link"))?;
    Ok((browser, code))
}

/// Confirms the six digits: by ourselves where we are the browser as well, else the person does in theirs.
async fn confirm(common: &Common, phone: &Phone, enrolled: &Enrolled, browser: Option<EnrolBrowser>) -> Outcome {
    match browser {
        Some(mut browser) => {
            let status = browser.wait_step(&[EnrolStep::Confirm]).await?;
            if status.step != EnrolStep::Confirm {
                return Err(Failure::new("the enrolment ended; ask for a new link"));
            }
            browser.confirm(enrolled.confirmation).await?;
        }
        None => {
            let digits = enrolled.confirmation.grouped();
            let sentence = format!("Type these digits in the browser: {digits}");
            if common.json { eprintln!("{sentence}") } else { output::line(sentence) }
        }
    }
    tokio::time::timeout(CONFIRM_TIME, phone.wait_active())
        .await
        .map_err(|_| Failure::new("the digits were not confirmed in time; start again in the browser"))?
        .or_next("ask your administrator for a new link: nod user enrol NAME")
}

//! `nod user`: accounts.

use clap::{Args, Subcommand};
use nod_core::people::{User, UserState};
use nod_core::possession::{Device, DeviceState};
use nod_core::text::mail_address;
use nod_engine::Engine;
use serde::Serialize;

use super::code::{self, CodeCommand};
use super::enrol::{self, EnrolArguments};
use super::import::users::{self, UsersArguments};
use super::security_key::{self, KeyCommand};
use super::{named_user, open, passwords, recovery};
use crate::cli::{Common, OnOff};
use crate::failure::{Failure, Next as _, Outcome};
use crate::installation::Installation;
use crate::mail;
use crate::output::{self, Time, local, on_off};

/// Accounts: add, list, show, change, disable, password, enrol a phone or security key, one-time codes
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add an account; it has no phone yet and opens nothing
    #[command(
        after_long_help = "Examples:\n  nod user add anna\n  nod user add anna --display-name \"Anna Berg\" --mail anna@your-domain.example\n\nThen: nod user enrol anna"
    )]
    Add(AddArguments),
    Import(UsersArguments),
    /// List all accounts
    #[command(after_long_help = "Examples:\n  nod user list\n  nod user list --json")]
    List,
    /// Show one account with its phones, browsers, groups and sessions
    #[command(after_long_help = "Example:\n  nod user show anna")]
    Show {
        /// User name
        name: String,
    },
    /// Change what an account may and must do
    #[command(
        after_long_help = "Examples:\n  nod user set anna --number-always on\n  nod user set anna --terminal-phone off\n  nod user set anna --mail anna@your-domain.example"
    )]
    Set(SetArguments),
    /// Disable an account; its sessions and pending sign-ins end at once
    #[command(after_long_help = "Example:\n  nod user disable anna")]
    Disable {
        /// User name
        name: String,
    },
    /// Enable an account again
    #[command(after_long_help = "Example:\n  nod user enable anna")]
    Enable {
        /// User name
        name: String,
    },
    /// Take sign-ins from unknown browsers again, after the person has reported one as not theirs
    #[command(after_long_help = "Example:\n  nod user allow-unknown anna")]
    AllowUnknown {
        /// User name
        name: String,
    },
    /// Set a password; ends the account's sessions, touches no phone
    #[command(after_long_help = "Examples:\n  nod user passwd anna\n  pwgen 20 1 | nod user passwd anna --stdin")]
    Passwd {
        /// User name
        name: String,
        /// Read the password from standard input
        #[arg(long)]
        stdin: bool,
    },
    /// Make the single-use link by which a phone or a security key is enrolled, and wait until it is; or write to a whole group
    #[command(
        after_long_help = "The link lasts 72 hours and works once. Give it to the person; it opens in a browser on a computer\nor on the phone itself. An earlier link of the same account ends. With --json it prints the link and ends.\n\nExamples:\n  nod user enrol anna\n  nod user enrol anna --mail\n  nod user enrol anna --json\n  nod user enrol --group staff --mail --by 2027-01-31\n  nod user enrol --group staff --mail --remind\n  nod user enrol --group staff --status"
    )]
    Enrol(EnrolArguments),
    /// Make a pass that the help desk reads out to somebody who lost the phone and the codes: it lets them add a new phone, once
    #[command(
        after_long_help = "The pass goes where a recovery code goes: sign-in page, password, \"I don't have my phone\". In a browser that Nod\nknows the new phone works at once; in any other it is on hold for 24 hours. The person is told by mail and on\ntheir phones, and can stop it. Somebody who has never had a phone, or whom you see in person, gets a link instead:\nnod user enrol NAME.\n\nExample:\n  nod user pass anna --reason \"ticket 4711, called back at her desk\""
    )]
    Pass {
        /// User name
        name: String,
        /// Why; it stands in the audit and in the letter to the person
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// How long it is good for
        #[arg(long, value_name = "1-60", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=60))]
        minutes: u32,
    },
    /// How many recovery codes an account has left, or take them away; nobody but their owner makes or sees them
    #[command(
        after_long_help = "The person makes the codes in the portal, after a sign-in with a phone or passkey.\n\nExamples:\n  nod user recovery anna\n  nod user recovery anna --revoke"
    )]
    Recovery {
        /// User name
        name: String,
        /// Take all of them away, and passes that were not used
        #[arg(long)]
        revoke: bool,
    },
    /// One-time codes: add, confirm, list, resync, rename, remove the tokens that make them
    #[command(subcommand)]
    Code(CodeCommand),
    /// Security keys and passkeys: list, rename, remove; people add them with the link of nod user enrol, or in their account page
    #[command(subcommand)]
    Key(KeyCommand),
}

/// What `nod user add` takes.
#[derive(Debug, Args)]
pub(crate) struct AddArguments {
    /// User name: letters, digits and . _ - @ +
    name: String,
    /// Name as people read it
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// May enrol `nod phone`, whose user verification is its own word
    #[arg(long, value_enum, default_value_t = OnOff::Off, value_name = "on|off", hide_possible_values = true)]
    terminal_phone: OnOff,
    /// Where notices about the account, and the link to enrol a phone, go by mail
    #[arg(long, value_name = "ADDRESS")]
    mail: Option<String>,
    /// Read a first password from standard input; without it the person chooses one while enrolling
    #[arg(long)]
    password_stdin: bool,
}

/// What `nod user set` takes.
#[derive(Debug, Args)]
pub(crate) struct SetArguments {
    /// User name
    name: String,
    /// Every sign-in asks for the number on the screen
    #[arg(long, value_enum, value_name = "on|off", hide_possible_values = true)]
    number_always: Option<OnOff>,
    /// May enrol `nod phone`, whose user verification is its own word
    #[arg(long, value_enum, value_name = "on|off", hide_possible_values = true)]
    terminal_phone: Option<OnOff>,
    /// Where notices about the account go by mail, or none
    #[arg(long, value_name = "ADDRESS|none")]
    mail: Option<String>,
}

#[derive(Serialize)]
struct UserView {
    id: String,
    name: String,
    display_name: String,
    state: &'static str,
    has_password: bool,
    number_always: bool,
    terminal_phone: bool,
    mail: Option<String>,
    phones: usize,
    created_at: Time,
}

fn view(user: &User, devices: &[Device]) -> UserView {
    UserView {
        id: user.id.to_string(),
        name: user.name.clone(),
        display_name: user.display_name.clone(),
        state: state_word(user.state),
        has_password: user.password_hash.is_some(),
        number_always: user.number_always,
        terminal_phone: user.terminal_phone,
        mail: user.mail.clone(),
        phones: devices.iter().filter(|device| device.state == DeviceState::Active).count(),
        created_at: Time(user.created_at),
    }
}

const fn state_word(state: UserState) -> &'static str {
    match state {
        UserState::Active => "active",
        UserState::Disabled => "disabled",
    }
}

/// Runs it.
pub(crate) async fn run(common: &Common, command: UserCommand) -> Outcome {
    let installation = open(common).await?;
    let engine = &installation.engine;
    match command {
        UserCommand::Add(arguments) => add(common, engine, arguments).await,
        UserCommand::Import(arguments) => users::run(common, engine, arguments).await,
        UserCommand::List => list(common, engine).await,
        UserCommand::Show { name } => show(common, engine, &name).await,
        UserCommand::Set(arguments) => set(common, &installation, arguments).await,
        UserCommand::Disable { name } => set_state(common, engine, &name, UserState::Disabled).await,
        UserCommand::Enable { name } => set_state(common, engine, &name, UserState::Active).await,
        UserCommand::AllowUnknown { name } => {
            let user = named_user(engine, &name).await?;
            engine.allow_unknown(&user, "by an administrator").await.or_next(format!("nod user show {}", user.name))?;
            say(common, engine, &user.name, "Unknown browsers are taken again; they are introduced with a passkey.")
                .await
        }
        UserCommand::Passwd { name, stdin } => {
            let user = named_user(engine, &name).await?;
            let again = format!("nod user passwd {} --stdin", user.name);
            let password = passwords::new_password(stdin, &user.name, &again).await?;
            engine.set_password(&user, password).await.or_next(format!("nod user passwd {}", user.name))?;
            say(common, engine, &user.name, "The password is set; sessions of this account have ended.").await
        }
        UserCommand::Enrol(arguments) => enrol::start(common, &installation, arguments).await,
        UserCommand::Pass { name, reason, minutes } => recovery::pass(common, engine, &name, &reason, minutes).await,
        UserCommand::Recovery { name, revoke } => recovery::codes(common, engine, &name, revoke).await,
        UserCommand::Code(command) => code::run(common, engine, command).await,
        UserCommand::Key(command) => security_key::run(common, engine, command).await,
    }
}

/// Prints the account as it stands now, or a sentence.
async fn say(common: &Common, engine: &Engine, name: &str, sentence: &str) -> Outcome {
    if !common.json {
        output::line(sentence);
        return Ok(());
    }
    let user = named_user(engine, name).await?;
    let devices = engine.store().devices_of(user.id).await?;
    output::json(&view(&user, &devices))
}

async fn add(common: &Common, engine: &Engine, arguments: AddArguments) -> Outcome {
    let password = match arguments.password_stdin {
        true => {
            let again = format!("nod user add {} --password-stdin", arguments.name);
            Some(passwords::new_password(true, &arguments.name, &again).await?)
        }
        false => None,
    };
    if let Some(password) = &password {
        // Before the account exists, so that a bad password leaves nothing behind.
        nod_core::people::check_new_password(password, &arguments.name)?;
    }
    let mail = arguments.mail.as_deref().map(mail_address).transpose()?;
    let display = arguments.display_name.as_deref();
    let user = engine
        .add_user(&arguments.name, display, arguments.terminal_phone.is_on())
        .await
        .or_next(format!("nod user show {}", arguments.name))?;
    if let Some(password) = password {
        engine.set_password(&user, password).await.or_next(format!("nod user passwd {}", user.name))?;
    }
    if let Some(mail) = &mail {
        engine.set_mail(&user, Some(mail)).await.or_next(format!("nod user show {}", user.name))?;
    }
    let name = &user.name;
    say(common, engine, name, &format!("The account {name} is there. Enrol a phone: nod user enrol {name}")).await
}

async fn list(common: &Common, engine: &Engine) -> Outcome {
    let mut views = Vec::new();
    for user in engine.store().users().await? {
        let devices = engine.store().devices_of(user.id).await?;
        views.push(view(&user, &devices));
    }
    if common.json {
        return output::json(&views);
    }
    if views.is_empty() {
        output::line("There is no account yet. Add one: nod user add NAME");
        return Ok(());
    }
    let rows: Vec<[String; 6]> = views
        .into_iter()
        .map(|view| {
            let password = if view.has_password { "set" } else { "not yet" };
            let phones = view.phones.to_string();
            let number = on_off(view.number_always);
            [view.name, view.display_name, view.state.into(), phones, password.into(), number.into()]
        })
        .collect();
    output::table(["name", "shown as", "state", "phones", "password", "number always"], &rows);
    Ok(())
}

#[derive(Serialize)]
struct Details {
    #[serde(flatten)]
    user: UserView,
    groups: Vec<String>,
    devices: Vec<super::device::DeviceView>,
    browsers: Vec<super::browser::BrowserView>,
    sessions: Vec<SessionView>,
}

#[derive(Serialize)]
struct SessionView {
    id: String,
    browser: String,
    address: String,
    started_at: Time,
    last_seen_at: Time,
}

async fn details(engine: &Engine, user: &User) -> Outcome<Details> {
    let store = engine.store();
    let devices = store.devices_of(user.id).await?;
    let mut groups = Vec::new();
    for group in store.groups().await? {
        if store.member(group.id, user.id).await?.is_some() {
            groups.push(group.name);
        }
    }
    let now = store.now().await?;
    let browsers = store.browsers_of(user.id).await?;
    let sessions = store.sessions_of(user.id).await?.into_iter().map(|session| SessionView {
        id: session.id.to_string(),
        browser: session.agent,
        address: session.address,
        started_at: Time(session.created_at),
        last_seen_at: Time(session.last_seen_at),
    });
    Ok(Details {
        user: view(user, &devices),
        groups,
        devices: devices.iter().map(|device| super::device::view(device, &user.name)).collect(),
        browsers: browsers.iter().map(|browser| super::browser::view(browser, &user.name, now)).collect(),
        sessions: sessions.collect(),
    })
}

async fn show(common: &Common, engine: &Engine, name: &str) -> Outcome {
    let user = named_user(engine, name).await?;
    let details = details(engine, &user).await?;
    if common.json {
        return output::json(&details);
    }
    let groups = if details.groups.is_empty() { "none".to_owned() } else { details.groups.join(", ") };
    let mut rows = vec![
        ("name", user.name.clone()),
        ("shown as", user.display_name.clone()),
        ("state", state_word(user.state).to_owned()),
        ("password", if user.password_hash.is_some() { "set" } else { "not yet" }.to_owned()),
        ("number always", on_off(user.number_always).to_owned()),
        ("terminal phone", on_off(user.terminal_phone).to_owned()),
        ("mail", user.mail.clone().unwrap_or_else(|| "none".to_owned())),
        ("groups", groups),
        ("added", local(user.created_at)),
    ];
    for device in &details.devices {
        rows.push(("phone", format!("{} ({}, {})", device.name, device.platform, device.state)));
    }
    for key in engine.store().security_keys_of(user.id).await? {
        rows.push(("security key", key.name));
    }
    for token in engine.store().oath_tokens_of(user.id).await? {
        rows.push(("token", token.name));
    }
    rows.push(("recovery codes", engine.recovery_codes_left(user.id).await?.to_string()));
    for browser in &details.browsers {
        rows.push(("browser", format!("{} (bound by {})", browser.label, browser.bound_by)));
    }
    for session in &details.sessions {
        let started = local(session.started_at.0);
        rows.push(("session", format!("{} at {}, since {started}", session.browser, session.address)));
    }
    output::facts(&rows);
    if details.user.phones == 0 {
        output::line(format!("No phone is enrolled. Enrol one: nod user enrol {}", user.name));
    }
    Ok(())
}

async fn set(common: &Common, installation: &Installation, arguments: SetArguments) -> Outcome {
    let engine = &installation.engine;
    let user = named_user(engine, &arguments.name).await?;
    let SetArguments { number_always, terminal_phone, mail, .. } = arguments;
    if number_always.is_none() && terminal_phone.is_none() && mail.is_none() {
        return Err(Failure::misuse("nothing to change").next("nod user set --help"));
    }
    let next = || format!("nod user show {}", user.name);
    if number_always.is_some() || terminal_phone.is_some() {
        let number = number_always.map_or(user.number_always, OnOff::is_on);
        let terminal = terminal_phone.map_or(user.terminal_phone, OnOff::is_on);
        engine.set_user_options(&user, number, terminal).await.or_next(next())?;
    }
    if let Some(mail) = mail {
        let address = (mail != "none").then_some(&*mail);
        engine.set_mail(&user, address).await.or_next(next())?;
    }
    let now = named_user(engine, &user.name).await?;
    tell_old_address(installation, &user, now.mail.as_deref()).await;
    let (number, terminal) = (on_off(now.number_always), on_off(now.terminal_phone));
    let mail = now.mail.unwrap_or_else(|| "none".to_owned());
    let sentence = format!("{}: number always {number}, terminal phone {terminal}, mail {mail}.", user.name);
    say(common, engine, &user.name, &sentence).await
}

/// The person learns of the change where they have been written to so far (INV-15).
async fn tell_old_address(installation: &Installation, user: &User, to: Option<&str>) {
    let Some(old) = user.mail.as_deref().filter(|old| Some(*old) != to) else { return };
    if installation.config.mail.is_none() {
        return;
    }
    let letter = mail::fresh(old, mail::letters::moved(&installation.config, user));
    if let Err(failure) = mail::send(&installation.config, &letter).await {
        eprintln!("warning: {old} could not be told of the change: {}", failure.words());
    }
}

async fn set_state(common: &Common, engine: &Engine, name: &str, to: UserState) -> Outcome {
    let user = named_user(engine, name).await?;
    engine.set_user_state(&user, to).await.or_next(format!("nod user show {}", user.name))?;
    let sentence = match to {
        UserState::Active => format!("{} may sign in again.", user.name),
        UserState::Disabled => format!("{} is disabled; sessions and pending sign-ins have ended.", user.name),
    };
    say(common, engine, &user.name, &sentence).await
}

//! `nod user enrol`: the link, and what becomes of it.

use std::time::Duration;

use clap::Args;
use jiff::civil::Date;
use nod_core::enrolment::EnrolmentState;
use nod_core::people::User;
use nod_core::{DeviceId, EnrolmentId, Timestamp, limits};
use nod_delivery::mail::MailError;
use nod_engine::Engine;
use serde::Serialize;

use super::campaign::{self, Campaign};
use super::named_user;
use crate::cli::Common;
use crate::failure::{Failure, Next as _, Outcome};
use crate::installation::Installation;
use crate::mail::{self, letters};
use crate::output::{self, Time, local, qr};
use crate::system;

/// Looked at again after this span even when nobody woke us.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct LinkView<'a> {
    user: &'a str,
    link: &'a str,
    expires_at: Time,
}

/// A link by which one phone of `user` may be enrolled, and its end.
pub(crate) async fn make_link(engine: &Engine, user: &User) -> Outcome<(EnrolmentId, String, Timestamp)> {
    let (id, secret) = engine.open_enrolment(user.id).await.or_next(format!("nod user show {}", user.name))?;
    let expires_at = engine.store().now().await?.after(limits::ENROLMENT_LINK_LIFE);
    Ok((id, format!("{}/enrol#{secret}", engine.settings().origin), expires_at))
}

#[derive(Serialize)]
struct SentView<'a> {
    user: &'a str,
    sent_to: &'a str,
    expires_at: Time,
}

/// What `nod user enrol` takes.
#[derive(Debug, Args)]
pub(crate) struct EnrolArguments {
    /// User name
    #[arg(required_unless_present = "group", conflicts_with = "group")]
    name: Option<String>,
    /// Print the link and end
    #[arg(long)]
    no_wait: bool,
    /// Send the link to the account's mail address instead of printing it
    #[arg(long)]
    mail: bool,
    /// Everybody of this group who has no phone yet
    #[arg(long, value_name = "GROUP", conflicts_with = "no_wait")]
    group: Option<String>,
    /// Write again to those who have not opened their link; a new one takes its place
    #[arg(long, requires_all = ["group", "mail"])]
    remind: bool,
    /// Name this day in the letters: "Please do it by ..."
    #[arg(long, value_name = "YYYY-MM-DD", requires_all = ["group", "mail"])]
    by: Option<Date>,
    /// List who of the group has a phone and who is left
    #[arg(long, requires = "group", conflicts_with = "mail")]
    status: bool,
}

/// Runs it.
pub(crate) async fn start(common: &Common, installation: &Installation, arguments: EnrolArguments) -> Outcome {
    let EnrolArguments { name, no_wait, mail, group, remind, by, status } = arguments;
    if let Some(group) = group {
        if status {
            return campaign::status(common, &installation.engine, &group).await;
        }
        if !mail {
            let next = format!("nod user enrol --group {group} --status");
            return Err(Failure::misuse("a group is written to, with --mail, or listed, with --status").next(next));
        }
        if by.is_some_and(|day| day < today()) {
            return Err(Failure::misuse("the day after --by is over: name one to come"));
        }
        return campaign::send(common, installation, Campaign { group, remind, by }).await;
    }
    let user = named_user(&installation.engine, name.as_deref().unwrap_or_default()).await?;
    if mail {
        return by_mail(common, installation, &user).await;
    }
    run(common, installation, &user, !no_wait).await
}

fn today() -> Date {
    let now = jiff::Timestamp::from_millisecond(system::now().0).unwrap_or_default();
    now.to_zoned_datetime(jiff::tz::TimeZone::system()).date()
}

/// What became of a letter with a link.
pub(super) enum Sent {
    /// The mail server took it, for this address; the link ends then.
    To(String, Timestamp),
    /// Somebody who was written to within a day is not written to again.
    Lately,
    /// It was not sent, and its link has ended; after a time-out nobody knows, and the link stands.
    Failed(MailError),
}

/// Makes a link and sends it. The link is there before the letter is: who has one is not sent another by a run that goes on
/// where an earlier one has ended.
pub(super) async fn send_link(
    installation: &Installation,
    user: &User,
    request: &letters::Request,
    one_of_many: bool,
) -> Outcome<Sent> {
    let (config, engine) = (&installation.config, &installation.engine);
    let set = format!("nod user set {} --mail ADDRESS", user.name);
    let to =
        user.mail.as_deref().ok_or_else(|| Failure::new(format!("{} has no mail address", user.name)).next(set))?;
    // Before the link is made: an earlier one ends with it.
    let mailer = mail::open(config, mail::settings(config)?)?;
    let next = || format!("nod user show {}", user.name);
    let Some((secret, expires_at)) = engine.open_enrolment_by_letter(user.id, one_of_many).await.or_next(next())?
    else {
        return Ok(Sent::Lately);
    };
    let link = format!("{}/enrol#{secret}", engine.settings().origin);
    let letter = mail::fresh(to, letters::link(config, user, &link, expires_at, request));
    if let Err(error) = mailer.send(&letter).await {
        // It may have been taken all the same: then its link must work, and another letter would be one too many.
        if matches!(error, MailError::Timeout) {
            return Ok(Sent::Failed(error));
        }
        let why = nod_core::text::shown(&format!("link to enrol: {error}"));
        engine.letter_not_sent(user, &why).await.or_next(next())?;
        return Ok(Sent::Failed(error));
    }
    Ok(Sent::To(to.to_owned(), expires_at))
}

/// Makes the link and sends it to the account's mail address.
async fn by_mail(common: &Common, installation: &Installation, user: &User) -> Outcome {
    let (to, expires_at) = match send_link(installation, user, &letters::Request::default(), false).await? {
        Sent::To(to, expires_at) => (to, expires_at),
        Sent::Failed(error) => return Err(mail::explained(&error)),
        Sent::Lately => return Err(Failure::new(format!("{} was written to a moment ago", user.name))),
    };
    let to = to.as_str();
    if common.json {
        return output::json(&SentView { user: &user.name, sent_to: to, expires_at: Time(expires_at) });
    }
    output::line(format!("The link for {} went to {to}. It works once, until {}.", user.name, local(expires_at)));
    Ok(())
}

/// Prints a link with its QR code.
pub(crate) fn show_link(link: &str, expires_at: Timestamp) {
    if let Some(code) = qr(link) {
        output::line(code);
    }
    output::line(link);
    output::line(format!("It works once, until {}.", local(expires_at)));
}

/// Makes the link, prints it and, where wanted, waits until a phone is enrolled.
async fn run(common: &Common, installation: &Installation, user: &User, wait: bool) -> Outcome {
    let engine = &installation.engine;
    let (id, link, expires_at) = make_link(engine, user).await?;
    if common.json {
        output::json(&LinkView { user: &user.name, link: &link, expires_at: Time(expires_at) })?;
    } else {
        output::line(format!("Link for {} to enrol a phone:", user.name));
        show_link(&link, expires_at);
    }
    if !wait || common.json {
        return Ok(());
    }
    output::line("Waiting. Ctrl-C stops the waiting only; the link stays good.");
    tokio::select! {
        done = follow(engine, user, id) => done,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// Tells each step of an enrolment until it is over.
async fn follow(engine: &Engine, user: &User, id: EnrolmentId) -> Outcome {
    let mut told = String::new();
    let again = format!("nod user enrol {}", user.name);
    let mut waiter = engine.watch_user(user.id);
    loop {
        let enrolment = engine.enrolment(id).await.or_next(again.as_str())?;
        let now = engine.store().now().await?;
        let over = matches!(
            enrolment.state,
            EnrolmentState::Confirmed(_) | EnrolmentState::Introduced(_) | EnrolmentState::Keyed(_)
        );
        if !over && enrolment.expires_at.has_passed(now) {
            return Err(Failure::new("the enrolment has expired").next(again));
        }
        let words = step_words(engine, user, enrolment.state).await?;
        if words != told && !words.is_empty() {
            output::line(&words);
        }
        told = words;
        match enrolment.state {
            EnrolmentState::Ended => return Err(Failure::new("the enrolment was replaced or given up").next(again)),
            _ if over => return Ok(()),
            // Another process may have changed it: the store looks about once a second, and so do we.
            _ => drop(tokio::time::timeout(LOOK_AGAIN, waiter.changed()).await),
        }
    }
}

async fn step_words(engine: &Engine, user: &User, state: EnrolmentState) -> Outcome<String> {
    Ok(match state {
        EnrolmentState::Issued | EnrolmentState::Ended => String::new(),
        EnrolmentState::Opened => "The link was opened; the password is being asked for.".to_owned(),
        EnrolmentState::Proved | EnrolmentState::Coded { .. } => {
            "The password was right; the code for the phone is on the screen.".to_owned()
        }
        EnrolmentState::Joined(device) => {
            format!("{} joined; the six digits on it are to be confirmed in the browser.", phone(engine, device).await?)
        }
        EnrolmentState::Keyed(key) => {
            let keys = engine.store().security_keys_of(user.id).await?;
            let name = keys
                .into_iter()
                .find(|added| added.id == key)
                .map_or_else(|| "A security key".to_owned(), |added| added.name);
            format!("{name} is added for {}: a security key or passkey in place of a phone.", user.name)
        }
        EnrolmentState::Confirmed(device) | EnrolmentState::Introduced(device) => {
            format!("{} is enrolled for {}.", phone(engine, device).await?, user.name)
        }
    })
}

async fn phone(engine: &Engine, device: DeviceId) -> Outcome<String> {
    Ok(engine.store().device(device).await?.map_or_else(|| "A phone".to_owned(), |device| device.name))
}

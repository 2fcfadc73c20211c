//! `nod user enrol`: the link, and what becomes of it.

use std::time::Duration;

use nod_core::enrolment::EnrolmentState;
use nod_core::people::User;
use nod_core::{DeviceId, EnrolmentId, Timestamp, limits};
use nod_engine::Engine;
use serde::Serialize;

use crate::cli::Common;
use crate::failure::{Failure, Next as _, Outcome};
use crate::installation::Installation;
use crate::mail;
use crate::output::{self, Time, local, qr};

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

/// Makes the link and sends it to the account's mail address.
pub(crate) async fn by_mail(common: &Common, installation: &Installation, user: &User) -> Outcome {
    let config = &installation.config;
    let set = format!("nod user set {} --mail ADDRESS", user.name);
    let to =
        user.mail.as_deref().ok_or_else(|| Failure::new(format!("{} has no mail address", user.name)).next(set))?;
    // Before the link is made: an earlier one ends with it.
    mail::open(config, mail::settings(config)?)?;
    let (_, link, expires_at) = make_link(&installation.engine, user).await?;
    mail::send(config, &mail::fresh(to, mail::letters::link(config, user, &link, expires_at))).await?;
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
pub(crate) async fn run(common: &Common, installation: &Installation, user: &User, wait: bool) -> Outcome {
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
        let over = matches!(enrolment.state, EnrolmentState::Confirmed(_) | EnrolmentState::Introduced(_));
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
        EnrolmentState::Confirmed(device) | EnrolmentState::Introduced(device) => {
            format!("{} is enrolled for {}.", phone(engine, device).await?, user.name)
        }
    })
}

async fn phone(engine: &Engine, device: DeviceId) -> Outcome<String> {
    Ok(engine.store().device(device).await?.map_or_else(|| "A phone".to_owned(), |device| device.name))
}

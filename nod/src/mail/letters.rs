//! What Nod writes to people: every letter's words.

use jiff::civil::Date;
use nod_core::Timestamp;
use nod_core::audit::{Event, EventKind};
use nod_core::people::User;
use nod_engine::LINK_BY_LETTER;

use super::{plain, when};
use crate::config::Config;

/// Subject and text.
pub(crate) type Words = (String, String);

/// That letters arrive.
pub(crate) fn test(config: &Config) -> Words {
    let text = "This is a test. Nod can write to this address, and there is nothing to do.";
    (format!("A test from {}", plain(&config.server_name)), whole(config, None, text))
}

/// What a letter with a link says beside the link.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// An earlier letter was not followed.
    pub(crate) reminder: bool,
    /// The day by which it should be done.
    pub(crate) by: Option<Date>,
}

/// The link by which somebody's phone is enrolled.
pub(crate) fn link(config: &Config, user: &User, link: &str, expires_at: Timestamp, request: &Request) -> Words {
    let again = if request.reminder { "Your phone is not set up for signing in yet. " } else { "" };
    let by = request.by.map(|day| format!("Please do it by {}. ", day.strftime("%-d %B %Y"))).unwrap_or_default();
    let text = format!(
        "{again}Set up your phone for signing in: it takes two minutes. {by}Open this link on your computer or on the phone itself:\n\
         \n\
         {link}\n\
         \n\
         It works once, until {}. Do not pass it on: whoever opens it first enrols a phone for you. If it has been used and \
         not by you, tell your administrator.",
        when(expires_at)
    );
    let reminder = if request.reminder { "Reminder: set" } else { "Set" };
    (format!("{reminder} up your phone for {}", plain(&config.server_name)), whole(config, Some(user), &text))
}

/// To the old address, that letters go to another one from now on.
pub(crate) fn moved(config: &Config, user: &User) -> Words {
    let text = "An administrator has changed your mail address. Letters about your account no longer come here.\n\
                \n\
                If nobody told you of that, ask your administrator.";
    ("Your mail address was changed".to_owned(), whole(config, Some(user), text))
}

/// What a person is told of what happened to their account; none for what is not told by mail.
#[expect(clippy::too_many_lines, reason = "a table: one letter for each kind of event")]
pub(crate) fn notice(config: &Config, user: &User, event: &Event) -> Option<Words> {
    let device = event.device.as_ref().map_or_else(|| "a phone".to_owned(), |(_, name)| plain(name));
    let from = event.address.as_ref().map(|address| format!(" from {}", plain(address))).unwrap_or_default();
    let detail = plain(&event.detail);
    let (subject, happened) = match event.kind {
        // The letter with the link tells it.
        EventKind::EnrolmentOpened if event.detail == LINK_BY_LETTER => return None,
        EventKind::EnrolmentOpened => (
            "A phone or security key may be added to your account",
            "A link was made that adds a phone or a security key to your account.".to_owned(),
        ),
        EventKind::DeviceEnrolled => (
            "A phone was added to your account",
            format!("{device} was added to your account and can approve sign-ins."),
        ),
        EventKind::DeviceRevoked => {
            ("A phone was removed from your account", format!("{device} can no longer approve your sign-ins."))
        }
        EventKind::TokenActivated => (
            "One-time codes can open your account",
            format!("Codes of the token {detail} can now take the place of your phone."),
        ),
        EventKind::TokenRemoved => {
            ("A token was removed from your account", format!("Codes of the token {detail} open nothing any more."))
        }
        EventKind::KeyAdded => (
            "A security key was added to your account",
            format!("The security key or passkey {detail} was added{from}. It can sign in to your account by itself."),
        ),
        EventKind::KeyRemoved => (
            "A security key was removed from your account",
            format!("The security key or passkey {detail} can no longer sign in to your account."),
        ),
        EventKind::KeyCloned => (
            "There may be a copy of your security key",
            format!(
                "The counter of your security key {detail} went back{from}: somebody may use a copy. It was refused. Remove the \
                 key from your account, and tell your administrator."
            ),
        ),
        EventKind::CodeThrottled => (
            "Somebody tries codes for your account",
            format!(
                "Too many wrong codes were typed for your account{from}. Whoever did knows your password: choose a new one."
            ),
        ),
        EventKind::BrowserBound => (
            "A new browser can ask your phone",
            format!("A browser was introduced{from}: {detail}. It can ask your phone now."),
        ),
        EventKind::BrowserCloned => (
            "A copy of your browser was seen",
            format!(
                "Somebody used a copy of your browser ({detail}){from}. Neither can ask your phone any more; introduce yours again."
            ),
        ),
        EventKind::PasswordSet => {
            ("Your password was changed", "Your password was changed, and you were signed out.".to_owned())
        }
        EventKind::FraudReported => (
            "A sign-in was reported as not yours",
            format!(
                "You said \"this wasn't me\" about a sign-in{from}, with {device}. Somebody knows your password: choose a new one."
            ),
        ),
        EventKind::SignInReported => (
            "A past sign-in was reported as not yours",
            format!(
                "You said \"this wasn't me\" about a past sign-in{from}: {detail}. Somebody knows your password: choose a new one."
            ),
        ),
        EventKind::UserDisabled => {
            ("Your account was disabled", "Your account was disabled and signed out.".to_owned())
        }
        EventKind::UserEnabled => ("Your account was enabled", "Your account can be used again.".to_owned()),
        _ => recovery(event.kind, &device, &from, &detail)?,
    };
    let text = format!(
        "{happened}\n\
         It happened on {}.\n\
         \n\
         If that was you, there is nothing to do. If not, tell your administrator at once.",
        when(event.at)
    );
    Some((subject.to_owned(), whole(config, Some(user), &text)))
}

/// The same of recovery codes and what they bring in.
fn recovery(kind: EventKind, device: &str, from: &str, detail: &str) -> Option<(&'static str, String)> {
    Some(match kind {
        EventKind::RecoveryMade => (
            "New recovery codes were made",
            "New recovery codes were made for your account. Older ones open nothing any more.".to_owned(),
        ),
        EventKind::PassMade => (
            "A pass was made for your account",
            format!(
                "An administrator made a pass by which one phone may be added to your account, {detail}. With your password it works \
                 once. If you did not ask for it, tell your administrator."
            ),
        ),
        EventKind::RecoveryUsed => (
            "A recovery code was used on your account",
            format!(
                "Somebody gave your password and {detail}{from}, to add a phone. If it was not you, stop it now: open Nod on your \
                 phone, then Answers, or your account page, and press \"This wasn't me\"."
            ),
        ),
        EventKind::DeviceHeld => (
            "A phone on hold was added to your account",
            format!(
                "{device} was added to your account by a recovery code. It can approve nothing for 24 hours. If it is not yours, \
                 stop it now: open Nod on your phone, then Answers, or your account page, and press \"This wasn't me\"."
            ),
        ),
        EventKind::HoldLifted => (
            "A phone is no longer on hold",
            format!("{device} was used in a browser that is known, and can approve your sign-ins."),
        ),
        EventKind::RecoveryCancelled => (
            "A recovery was stopped",
            format!(
                "You said \"this wasn't me\" about a recovery, {detail}. What it brought in is gone, and so are your recovery codes. \
                 Somebody knows your password: choose a new one."
            ),
        ),
        EventKind::RecoveryThrottled => (
            "Somebody tries recovery codes for your account",
            format!(
                "Too many wrong recovery codes were typed for your account{from}. Whoever did knows your password: choose a new one."
            ),
        ),
        EventKind::RecoveryRevoked => (
            "Your recovery codes were taken away",
            "An administrator took your recovery codes away. They open nothing any more.".to_owned(),
        ),
        _ => return None,
    })
}

/// With who is spoken to and who speaks.
fn whole(config: &Config, user: Option<&User>, text: &str) -> String {
    let hello = user.map(|user| format!("Hello {},\n\n", plain(&user.display_name))).unwrap_or_default();
    format!(
        "{hello}{text}\n\n{}\n{}\n\nNobody will ever ask you for a code or a number by mail or by telephone.\n",
        plain(&config.server_name),
        config.address.origin()
    )
}

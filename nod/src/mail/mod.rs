//! Letters to people through the operator's mail server: links and notices.

pub(crate) mod letters;
mod notices;

use nod_core::{Timestamp, text};
use nod_delivery::mail::{Letter, MailConfig, MailError, Mailer};
use nod_engine::ports::{Entropy, random};
use nod_protocol::b64;
use zeroize::Zeroizing;

use crate::config::{self, Config};
use crate::failure::{Failure, Outcome};
use crate::system::{self, OsEntropy};
use crate::{private_file, trust};

pub(crate) use notices::{NAME as NOTICES, Notices};

/// The systemd credential of the password is named so.
const CREDENTIAL: &str = "nod-mail";

/// What the configuration says about mail; without it an error that says what to do.
pub(crate) fn settings(config: &Config) -> Outcome<&config::Mail> {
    config.mail.as_ref().ok_or_else(|| {
        let file = config.path.display();
        Failure::new(format!("{file} names no mail server: write a table [mail] with server and from"))
    })
}

/// The way to the configured mail server.
pub(crate) fn open(config: &Config, settings: &config::Mail) -> Outcome<Mailer> {
    let roots = settings.ca.as_deref().map(trust::certificates).transpose()?.unwrap_or_default();
    let login = settings.user.clone().map(|user| password(settings).map(|password| (user, password))).transpose()?;
    Ok(Mailer::new(MailConfig {
        host: settings.host.clone(),
        port: settings.port,
        security: settings.security,
        login,
        from: settings.from.clone(),
        from_name: config.server_name.clone(),
        own_host: config.address.host().to_owned(),
        roots,
    })?)
}

/// A letter whose id nothing else has.
pub(crate) fn fresh(to: &str, (subject, text): (String, String)) -> Letter {
    let id = b64::encode(random::<16>(&OsEntropy as &dyn Entropy));
    Letter { to: to.to_owned(), subject, text, id, at: system::now() }
}

/// Sends a letter by the configured server.
///
/// # Errors
/// Where there is none, or it does not take the letter: with the next command.
pub(crate) async fn send(config: &Config, letter: &Letter) -> Outcome {
    let mailer = open(config, settings(config)?)?;
    mailer.send(letter).await.map_err(|error| explained(&error))
}

/// With what to do about it.
pub(crate) fn explained(error: &MailError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error {
        MailError::Refused(_) | MailError::Deferred(_) | MailError::Letter(_) => failure,
        MailError::Unusable(_) | MailError::Timeout => failure.next("nod doctor"),
    }
}

/// From the systemd credential, otherwise from its file, without the end of its line.
fn password(settings: &config::Mail) -> Outcome<Zeroizing<String>> {
    let read = match (system::credential(CREDENTIAL), &settings.password_file) {
        // systemd gives credentials the mode that it thinks right, in a folder that only the service enters.
        (Some(path), _) => private_file::read_as_it_is(&path)?,
        (None, Some(path)) => private_file::read(path)?,
        (None, None) => {
            let what = format!(
                "[mail] has a user and no password: set password_file, or give the service the credential {CREDENTIAL}"
            );
            return Err(Failure::new(what));
        }
    };
    Ok(Zeroizing::new(read.trim_end_matches(['\r', '\n']).to_owned()))
}

/// A time for people who read the letter somewhere: with its zone.
fn when(time: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(time.0) {
        Ok(time) => time.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%-d %B %Y, %H:%M %Z").to_string(),
        Err(_) => "-".to_owned(),
    }
}

/// A name as it may stand in a letter.
fn plain(name: &str) -> String {
    text::shown(name)
}

//! Those to whom events of the audit are sent: whether they are reached, and what waits for them.

use super::Findings;
use crate::config::{self, Config, Webhook};
use crate::forward::{self, Hook};
use crate::installation::Installation;
use crate::mail;
use crate::output::local;

/// Events that wait longer than this, in milliseconds, are a problem: the other side was away for many tries.
const LONG: i64 = 5 * 60 * 1_000;

pub(super) async fn examine(
    config: &Config,
    installation: Option<&Installation>,
    offline: bool,
    findings: &mut Findings,
) {
    if config.syslog.is_some() {
        waiting(installation, forward::SYSLOG, "look at the log of nod serve, and at the collector", findings).await;
    }
    if let Some(settings) = &config.mail {
        mail_server(config, settings, offline, findings).await;
        waiting(installation, mail::NOTICES, "look at the log of nod serve, and at the mail server", findings).await;
    }
    for webhook in &config.webhooks {
        let name = &webhook.name;
        if reach(webhook, offline, findings).await {
            let advice = format!("run: nod webhook test {name}");
            waiting(installation, &forward::webhook_name(name), &advice, findings).await;
        }
    }
}

/// Whether the mail server can be used.
async fn mail_server(config: &Config, settings: &config::Mail, offline: bool, findings: &mut Findings) {
    let mailer = match mail::open(config, settings) {
        Ok(mailer) => mailer,
        Err(failure) => {
            return findings.problem(
                "mail",
                failure.words(),
                "nod serve does not start like this; see [mail] in nod.toml",
            );
        }
    };
    if offline {
        return findings.ok("mail", "it has what it needs");
    }
    match mailer.reach().await {
        Ok(()) => findings.ok("mail", format!("{} takes letters", settings.host)),
        Err(error) => {
            let advice = "letters wait until it can be used; see [mail] in nod.toml, then run: nod mail test ADDRESS";
            findings.problem("mail", error.to_string(), advice);
        }
    }
}

/// Whether this webhook can be used.
async fn reach(webhook: &Webhook, offline: bool, findings: &mut Findings) -> bool {
    let name = &webhook.name;
    let hook = match Hook::open(webhook) {
        Ok(hook) => hook,
        Err(failure) => {
            let advice = format!("nod serve does not start like this; see [[webhook]] {name} in nod.toml");
            findings.problem("webhook", format!("{name}: {}", failure.words()), advice);
            return false;
        }
    };
    if offline {
        findings.ok("webhook", format!("{name} has its secret"));
        return true;
    }
    match hook.reach().await {
        // It need not know HEAD: any answer shows that somebody is there.
        Ok(_) => findings.ok("webhook", format!("{name} is reached")),
        Err(failure) => {
            let advice = format!("events wait until it is; run: nod webhook test {name}");
            findings.problem("webhook", format!("{name} is not reached: {}", failure.words()), advice);
        }
    }
    true
}

/// What waits, and since when.
async fn waiting(installation: Option<&Installation>, to: &str, advice: &str, findings: &mut Findings) {
    let Some(installation) = installation else { return };
    let waits = match forward::waiting(&installation.engine, to).await {
        Ok(waits) => waits,
        Err(error) => return findings.problem("audit", format!("{to}: {error}"), "see what is said of the database"),
    };
    match waits {
        None => findings.ok("audit", format!("{to}: nothing was sent yet; the running server begins")),
        Some((0, _)) => findings.ok("audit", format!("{to}: all was sent")),
        Some((count, since)) => {
            let since_words = since.map_or_else(String::new, |since| format!(", the first since {}", local(since)));
            let what = format!("{to}: {count} events wait to be sent{since_words}");
            let age = since.map_or(0, |since| crate::system::now().0.saturating_sub(since.0));
            if age > LONG {
                findings.problem("audit", what, advice);
            } else {
                findings.ok("audit", what);
            }
        }
    }
}

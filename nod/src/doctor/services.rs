//! Push services: the contact they are given, whether they are reached, and whether their clock and ours agree.

use std::error::Error as _;
use std::time::Duration;

use nod_delivery::web_push::VapidSubject;
use reqwest::header::DATE;
use reqwest::{Client, Proxy, redirect};

use super::Findings;
use crate::config::Config;
use crate::failure::Outcome;

/// Where pushes to almost all phones go. Any answer will do: nothing is sent.
const SERVICES: [(&str, &str); 3] = [
    ("Google (Android, Chrome)", "https://fcm.googleapis.com/"),
    ("Apple (iPhone)", "https://web.push.apple.com/"),
    ("Mozilla (Firefox)", "https://updates.push.services.mozilla.com/"),
];
/// Longest wait for a connection, name look-up and TLS included.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Longest wait for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Clocks that are further apart, in milliseconds, are a warning.
const APART: u64 = 2_000;
/// Clocks that are further apart, in milliseconds, are a problem.
const FAR_APART: u64 = 60_000;

/// What the configuration says about pushes.
pub(super) fn settings(config: &Config, findings: &mut Findings) {
    match VapidSubject::parse(&config.push.contact) {
        Ok(subject) => findings.ok("push", format!("push services are told to write to {}", subject.as_str())),
        Err(error) => findings.problem("push", error.to_string(), "set push.contact in nod.toml"),
    }
    if config.push.allow_insecure_endpoints {
        let what = "push.allow_insecure_endpoints is on: whoever enrols a phone can make Nod call inner addresses";
        findings.problem("push", what, "take it out of nod.toml; it is for tests");
    }
}

/// Asks each push service, through the egress proxy where one is set.
pub(super) async fn reach(config: &Config, findings: &mut Findings) {
    let client = match client(config) {
        Ok(client) => client,
        Err(failure) => return findings.problem("push", failure.words(), "set push.egress_proxy in nod.toml"),
    };
    let through = if config.push.egress_proxy.is_some() { " through the egress proxy" } else { "" };
    let ask = async |(name, url): (&'static str, &'static str)| (name, client.get(url).send().await);
    let [first, second, third] = SERVICES;
    let (first, second, third) = tokio::join!(ask(first), ask(second), ask(third));
    let mut clock = None;
    for (name, answer) in [first, second, third] {
        match answer {
            Ok(answer) => {
                let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
                clock = clock.or_else(|| date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()));
                findings.ok("push", format!("{name} is reached{through}"));
            }
            Err(error) => {
                let what = format!("{name} is not reached{through}: {}", cause(&error));
                let advice =
                    "phones of that kind get no push: let this machine (or the proxy) connect to port 443 outside";
                findings.problem("push", what, advice);
            }
        }
    }
    if let Some(clock) = clock {
        apart("a push service's clock", clock.timestamp().as_millisecond(), findings);
    }
}

fn client(config: &Config) -> Outcome<Client> {
    let mut builder = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_WITHIN)
        .timeout(ANSWER_WITHIN)
        .tls_backend_preconfigured(super::certificate::Watching::new()?.config()?);
    if let Some(proxy) = &config.push.egress_proxy {
        builder = builder.proxy(Proxy::all(proxy.clone())?);
    }
    Ok(builder.build()?)
}

/// What is at the bottom of a failed request. Never its address, which may be a proxy's with a password (INV-24).
pub(super) fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", ANSWER_WITHIN.as_secs());
    }
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| "the request failed".to_owned(), ToString::to_string)
}

/// Compares this machine's clock with another, in milliseconds since 1970.
pub(super) fn apart(whose: &str, theirs: i64, findings: &mut Findings) {
    let apart = crate::system::now().0.abs_diff(theirs);
    let what = format!("this machine's clock and {whose} are {}.{} s apart", apart / 1_000, apart % 1_000 / 100);
    let advice = "let both follow the same time servers (chrony, systemd-timesyncd)";
    match apart {
        0..APART => findings.ok("clock", what),
        APART..FAR_APART => findings.warning("clock", what, advice),
        _ => findings.problem("clock", what, advice),
    }
}

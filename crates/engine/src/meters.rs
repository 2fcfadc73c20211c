//! What the engine counts for whoever watches an installation. Names of people, phones and apps are never labels (INV-24): a
//! label has one of a few fixed values.

use nod_core::challenge::{Challenge, ChallengeState, Decision};
use nod_core::push::{Stage, Subscription};
use nod_core::{Timestamp, access::Method};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use url::Host;

use crate::ports::Rung;

/// Upper ends of the time from question to answer, in seconds; a challenge lives two minutes.
const ANSWER_SECONDS: [f64; 10] = [1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 40.0, 80.0, 120.0];
/// Upper ends of the time that a push service takes, in seconds.
const PUSH_SECONDS: [f64; 9] = [0.01, 0.03, 0.1, 0.2, 0.4, 0.8, 1.6, 5.0, 15.0];

/// Outcomes, each with the factors that it can have.
const EXPECTED: [(&[Met], &[&str]); 5] = [
    (&[Met::WrongNumber], &["push_number"]),
    (&[Met::PasswordRefused, Met::Throttled, Met::Busy, Met::AppRefused], &["password"]),
    (&[Met::Denied, Met::FraudReported, Met::Expired, Met::Withdrawn], &["push", "push_number"]),
    (&[Met::Granted], &["push", "push_number", "passkey", "code"]),
    (&[Met::WrongCode, Met::Throttled], &["code"]),
];
/// Stages that are told by push service.
const STAGES: [&str; 8] = ["sent", "accepted", "gone", "refused", "unreachable", "blocked", "worker_woke", "shown"];
/// Push services.
const SERVICES: [&str; 5] = ["google", "mozilla", "apple", "microsoft", "other"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SignInLabels {
    outcome: &'static str,
    factor: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    stage: &'static str,
    service: &'static str,
}

/// Counters of one engine. Clones count together.
#[derive(Debug, Clone)]
pub struct Meters {
    sign_ins: Family<SignInLabels, Counter>,
    asked: Counter,
    fetched: Counter,
    answer: Histogram,
    stages: Family<StageLabels, Counter>,
    push: Histogram,
}

impl Default for Meters {
    fn default() -> Self {
        let (sign_ins, stages) = (Family::default(), Family::default());
        // A series that begins at its first event would hide that event from whoever looks at its growth.
        for (outcomes, factors) in EXPECTED {
            for (outcome, factor) in outcomes.iter().flat_map(|met| factors.iter().map(|factor| (met.name(), *factor)))
            {
                sign_ins.get_or_create_owned(&SignInLabels { outcome, factor });
            }
        }
        for (stage, service) in STAGES.iter().flat_map(|stage| SERVICES.iter().map(|service| (*stage, *service))) {
            stages.get_or_create_owned(&StageLabels { stage, service });
        }
        Self {
            sign_ins,
            asked: Counter::default(),
            fetched: Counter::default(),
            answer: Histogram::new(ANSWER_SECONDS),
            stages,
            push: Histogram::new(PUSH_SECONDS),
        }
    }
}

/// How a sign-in went on or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Met {
    /// A session was issued.
    Granted,
    /// The phone said no.
    Denied,
    /// The phone's owner reported it.
    FraudReported,
    /// Another number than the one shown was typed.
    WrongNumber,
    /// A one-time code was wrong or used up.
    WrongCode,
    /// Nobody answered.
    Expired,
    /// The person gave up in the browser.
    Withdrawn,
    /// Name or password was wrong.
    PasswordRefused,
    /// Too many tries.
    Throttled,
    /// The password queue was full.
    Busy,
    /// The app does not admit the person.
    AppRefused,
}

impl Met {
    const fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::FraudReported => "fraud_reported",
            Self::WrongNumber => "wrong_number",
            Self::WrongCode => "wrong_code",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::PasswordRefused => "password_refused",
            Self::Throttled => "throttled",
            Self::Busy => "busy",
            Self::AppRefused => "app_refused",
        }
    }
}

impl Meters {
    /// Enters everything into the list from which `/metrics` is written.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("nod_sign_ins", "Sign-ins by outcome and deciding factor", self.sign_ins.clone());
        registry.register("nod_challenges_asked", "Questions put to phones", self.asked.clone());
        registry.register("nod_challenges_fetched", "Questions that a phone opened", self.fetched.clone());
        registry.register("nod_answer_seconds", "Time from the question to the phone's answer", self.answer.clone());
        registry.register("nod_push_stages", "Stages that pushes reached, by push service", self.stages.clone());
        registry.register("nod_push_seconds", "Time that push services took to answer", self.push.clone());
    }

    /// What the password decided.
    pub(crate) fn password(&self, met: Met) {
        self.count(met, "password");
    }

    /// A one-time code did not open anything.
    pub(crate) fn code(&self, met: Met) {
        self.count(met, "code");
    }

    /// What a challenge came to without an answer.
    pub(crate) fn challenge(&self, challenge: &Challenge, met: Met) {
        self.count(met, factor_of(challenge));
    }

    /// A session was issued.
    pub(crate) fn granted(&self, method: Method) {
        let factor = match method {
            Method::Push => "push",
            Method::PushNumber => "push_number",
            Method::Passkey => "passkey",
            Method::Code => "code",
        };
        self.count(Met::Granted, factor);
    }

    /// A phone was asked.
    pub(crate) fn asked(&self) {
        self.asked.inc();
    }

    /// A phone fetched what it is asked.
    pub(crate) fn fetched(&self) {
        self.fetched.inc();
    }

    /// A phone answered. An approval becomes a sign-in only when it is collected.
    pub(crate) fn answered(&self, challenge: &Challenge, to: &ChallengeState) {
        let Some(answer) = to.answer() else { return };
        self.answer.observe(seconds(challenge.created_at, answer.at));
        match to {
            ChallengeState::Failed(_) => self.challenge(challenge, Met::WrongNumber),
            ChallengeState::Denied(answer) if answer.decision == Decision::DenyFraud => {
                self.challenge(challenge, Met::FraudReported);
            }
            ChallengeState::Denied(_) => self.challenge(challenge, Met::Denied),
            _ => {}
        }
    }

    /// A push service was asked and said this.
    pub(crate) fn rung(&self, to: &Subscription, rung: Rung, took: (Timestamp, Timestamp)) {
        self.push.observe(seconds(took.0, took.1));
        let stage = match rung {
            Rung::Accepted => "accepted",
            Rung::Gone => "gone",
            Rung::Refused => "refused",
            Rung::Retry(_) => "unreachable",
            Rung::Blocked => "blocked",
        };
        let service = service(&to.endpoint);
        self.stage("sent", service);
        self.stage(stage, service);
    }

    /// A phone reported a stage of a push.
    pub(crate) fn reported(&self, to: Option<&Subscription>, stage: Stage) {
        let stage = match stage {
            Stage::WorkerWoke => "worker_woke",
            Stage::Shown => "shown",
            // No phone reports the others.
            Stage::Sent | Stage::Accepted | Stage::Fetched | Stage::Answered | Stage::Failed => return,
        };
        self.stage(stage, to.map_or("other", |to| service(&to.endpoint)));
    }

    fn count(&self, met: Met, factor: &'static str) {
        self.sign_ins.get_or_create(&SignInLabels { outcome: met.name(), factor }).inc();
    }

    fn stage(&self, stage: &'static str, service: &'static str) {
        self.stages.get_or_create(&StageLabels { stage, service }).inc();
    }
}

const fn factor_of(challenge: &Challenge) -> &'static str {
    if challenge.number.is_some() { "push_number" } else { "push" }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    // Whole days in milliseconds are exact in a double.
    to.0.saturating_sub(from.0).max(0) as f64 / 1_000.0
}

/// Whose push service an endpoint is. The endpoint itself opens something and is never told (INV-24).
fn service(endpoint: &str) -> &'static str {
    const OWNERS: [(&str, &str); 6] = [
        ("googleapis.com", "google"),
        ("google.com", "google"),
        ("mozilla.com", "mozilla"),
        ("mozaws.net", "mozilla"),
        ("push.apple.com", "apple"),
        ("windows.com", "microsoft"),
    ];
    let host = match url::Url::parse(endpoint).ok().and_then(|url| url.host().map(|host| host.to_owned())) {
        Some(Host::Domain(host)) => host,
        _ => return "other",
    };
    let owned = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    OWNERS.iter().find(|(domain, _)| owned(domain)).map_or("other", |(_, owner)| owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_told_by_their_owner_only() {
        for (endpoint, owner) in [
            ("https://fcm.googleapis.com/fcm/send/abc", "google"),
            ("https://updates.push.services.mozilla.com/wpush/v2/abc", "mozilla"),
            ("https://web.push.apple.com/abc", "apple"),
            ("https://wns2-by3p.notify.windows.com/w/?token=abc", "microsoft"),
            ("https://notgoogle.com.example.org/abc", "other"),
            ("https://evilmozilla.com/abc", "other"),
            ("http://127.0.0.1:9/abc", "other"),
            ("nonsense", "other"),
        ] {
            assert_eq!(service(endpoint), owner, "{endpoint}");
        }
    }
}

//! `nod doctor`: what is wrong with an installation and its surroundings, and what to do about it.

mod acme;
mod certificate;
mod database;
mod files;
mod followers;
mod network;
mod services;

use serde::Serialize;

use crate::config::Config;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Nothing to do.
    Ok,
    /// It works, but look at it.
    Warning,
    /// It does not work, or is not safe.
    Problem,
}

impl Level {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// What was found in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// Which part of the installation.
    pub(crate) area: &'static str,
    /// How bad.
    pub(crate) level: Level,
    /// What is so.
    pub(crate) what: String,
    /// What to do, unless it is well.
    pub(crate) advice: Option<String>,
}

/// Findings as they come.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, area: &'static str, what: impl Into<String>) {
        self.0.push(Finding { area, level: Level::Ok, what: what.into(), advice: None });
    }
    fn warning(&mut self, area: &'static str, what: impl Into<String>, advice: impl Into<String>) {
        self.0.push(Finding { area, level: Level::Warning, what: what.into(), advice: Some(advice.into()) });
    }
    fn problem(&mut self, area: &'static str, what: impl Into<String>, advice: impl Into<String>) {
        self.0.push(Finding { area, level: Level::Problem, what: what.into(), advice: Some(advice.into()) });
    }
}

/// Looks at everything; nothing outside of this machine but the database when `offline`. Changes nothing.
pub(crate) async fn examine(config: &Config, offline: bool) -> Vec<Finding> {
    let mut findings = Findings::default();
    files::examine(config, &mut findings);
    let installation = database::examine(config, &mut findings).await;
    services::settings(config, &mut findings);
    network::listeners(config, &mut findings).await;
    acme::examine(config, installation.as_ref(), &mut findings).await;
    followers::examine(config, installation.as_ref(), offline, &mut findings).await;
    if !offline {
        network::public_host(config, installation.as_ref(), &mut findings).await;
        services::reach(config, &mut findings).await;
    }
    findings.0
}

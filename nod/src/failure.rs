//! How a command ends when it did not work: what was wrong, the next useful command, an exit code.

use std::process::ExitCode;

use crate::config::ConfigError;

/// Exit code when the thing asked for did not work.
const FAILED: u8 = 1;
/// Exit code when the command line or the configuration is wrong; clap uses the same.
const MISUSED: u8 = 2;

/// What a command gives.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// A command that did not work.
#[derive(Debug)]
pub(crate) struct Failure {
    error: anyhow::Error,
    next: Option<String>,
    code: u8,
}

impl Failure {
    /// It did not work, for this reason.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self::from(anyhow::Error::msg(reason.into()))
    }

    /// The command line asks for something that makes no sense.
    pub(crate) fn misuse(reason: impl Into<String>) -> Self {
        Self { code: MISUSED, ..Self::new(reason) }
    }

    /// It happened during this.
    pub(crate) fn during(mut self, what: &str) -> Self {
        self.error = self.error.context(what.to_owned());
        self
    }

    /// With the next useful command.
    pub(crate) fn next(mut self, command: impl Into<String>) -> Self {
        self.next = Some(command.into());
        self
    }

    /// What was wrong, without the next command.
    pub(crate) fn words(&self) -> String {
        format!("{:#}", self.error)
    }

    /// The next useful command, if one is known.
    pub(crate) fn next_command(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// Tells on standard error and gives the exit code.
    pub(crate) fn tell(&self) -> ExitCode {
        eprintln!("error: {}", self.words());
        if let Some(next) = &self.next {
            eprintln!("next:  {next}");
        }
        ExitCode::from(self.code)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error: anyhow::Error = error.into();
        let code = if error.is::<ConfigError>() { MISUSED } else { FAILED };
        Self { error, next: None, code }
    }
}

/// Adds the next useful command to an error.
pub(crate) trait Next<T> {
    /// With the next useful command.
    fn or_next(self, command: impl Into<String>) -> Outcome<T>;
}

impl<T, E: Into<Failure>> Next<T> for Result<T, E> {
    fn or_next(self, command: impl Into<String>) -> Outcome<T> {
        self.map_err(|error| error.into().next(command))
    }
}

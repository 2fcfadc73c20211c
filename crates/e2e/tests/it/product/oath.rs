//! Codes by time as `oathtool` makes them.

use nod_e2e::tools::OATHTOOL;
use std::process::Command;

/// A secret with all that its codes depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Oath {
    /// In base32.
    pub(crate) secret: &'static str,
    /// `SHA-1`, `SHA-256` or `SHA-512`.
    pub(crate) algorithm: &'static str,
    pub(crate) digits: u32,
    /// Seconds.
    pub(crate) period: u32,
}

impl Oath {
    /// The code at a time, in seconds of Unix time.
    #[track_caller]
    pub(crate) fn code(&self, at: u64) -> String {
        let mut command = Command::new(OATHTOOL.find().expect("oathtool is installed"));
        command.arg(format!("--totp={}", self.algorithm.replace('-', "").to_lowercase()));
        command.arg(format!("--digits={}", self.digits)).arg(format!("--time-step-size={}s", self.period));
        command.arg(format!("--now=@{at}")).args(["--base32", self.secret]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The link that a site gives for it.
    pub(crate) fn link(&self, site: &str, account: &str) -> String {
        let Self { secret, algorithm, digits, period } = self;
        let algorithm = algorithm.replace('-', "");
        format!(
            "otpauth://totp/{site}:{account}?secret={secret}&issuer={site}&algorithm={algorithm}&digits={digits}&period={period}"
        )
    }
}

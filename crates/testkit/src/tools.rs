//! Programs that the tests drive: where they are, how to get them, and what happens when one is missing.
//!
//! One rule for `cargo xtask test` (which compiles this file too) and for each test: a missing tool skips with a line
//! that says so; with `CI=true` it fails, unless `ci-skips.toml` lists the tool with a reason.

use std::path::PathBuf;

/// A program (or library) from outside that tests need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    /// Name used in messages and in `ci-skips.toml`.
    pub name: &'static str,
    /// File names to look for on the search path; for a library, in the library folders.
    pub files: &'static [&'static str],
    /// Debian package that brings it, or [`NPM`] and a package of npm with its version.
    pub package: &'static str,
}

/// Begins the name of a package that comes from npm.
pub const NPM: &str = "npm:";

/// Firefox ESR, driven by Marionette.
pub const FIREFOX: Tool = Tool { name: "firefox", files: &["firefox-esr", "firefox"], package: "firefox-esr" };
/// Chromium, driven by the DevTools protocol.
pub const CHROMIUM: Tool = Tool { name: "chromium", files: &["chromium", "chromium-browser"], package: "chromium" };
/// The message bus daemon on which browsers show notifications.
pub const DBUS: Tool = Tool { name: "dbus-daemon", files: &["dbus-daemon"], package: "dbus" };
/// The library through which Firefox reaches the notification daemon.
pub const LIBNOTIFY: Tool = Tool { name: "libnotify", files: &["libnotify.so.4"], package: "libnotify4" };
/// The web server in front of the protected application.
pub const NGINX: Tool = Tool { name: "nginx", files: &["nginx"], package: "nginx-light" };
/// An independent implementation of one-time codes.
pub const OATHTOOL: Tool = Tool { name: "oathtool", files: &["oathtool"], package: "oathtool" };
/// The database that several nodes share.
pub const POSTGRESQL: Tool = Tool { name: "postgresql", files: &["postgres"], package: "postgresql" };

/// Networks inside the machine, for the tests with faults.
pub const IP: Tool = Tool { name: "ip", files: &["ip"], package: "iproute2" };
/// The packet filter that makes a network silent.
pub const NFT: Tool = Tool { name: "nft", files: &["nft"], package: "nftables" };
/// The ACME server of tests, with its stand-in for name servers.
pub const PEBBLE: Tool = Tool { name: "pebble", files: &["pebble"], package: "pebble" };
/// The mail server of tests.
pub const EXIM: Tool = Tool { name: "exim", files: &["exim4"], package: "exim4-daemon-light" };

/// The rules of accessibility that pages are held against; a script that tests put into them.
pub const AXE: Tool = Tool { name: "axe-core", files: &["axe-core/axe.min.js"], package: "npm:axe-core@4.14.1" };

/// Every tool, in the order in which they are reported.
pub const ALL: [Tool; 12] =
    [FIREFOX, CHROMIUM, DBUS, LIBNOTIFY, NGINX, OATHTOOL, POSTGRESQL, IP, NFT, PEBBLE, EXIM, AXE];

/// Administrators' folders are searched as well: `nginx` lives there and they are often not in a user's `PATH`. Debian keeps
/// the servers of PostgreSQL in a folder for each version, on nobody's `PATH`.
const EXTRA_FOLDERS: [&str; 7] = [
    "/usr/sbin",
    "/sbin",
    "/usr/local/sbin",
    "/usr/lib/postgresql/18/bin",
    "/usr/lib/postgresql/17/bin",
    "/usr/lib/postgresql/16/bin",
    "/usr/lib/postgresql/15/bin",
];
const LIBRARY_FOLDERS: [&str; 8] = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/lib64",
    "/lib",
    // Where npm puts what is installed for everybody.
    "/usr/local/lib/node_modules",
    "/usr/lib/node_modules",
];

const CI_SKIPS: &str = include_str!("../../../ci-skips.toml");

impl Tool {
    /// Where the tool is, or `None` when it is not installed.
    #[must_use]
    pub fn find(&self) -> Option<PathBuf> {
        let search = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&search)
            .chain(EXTRA_FOLDERS.iter().chain(&LIBRARY_FOLDERS).map(PathBuf::from))
            .flat_map(|folder| self.files.iter().map(move |file| folder.join(file)))
            .find(|path| path.is_file())
    }

    /// One sentence: what is missing and how to get it.
    #[must_use]
    pub fn missing(&self) -> String {
        match self.package.strip_prefix(NPM) {
            Some(package) => format!("{} is missing; npm install --global {package}", self.name),
            None => {
                format!("{} is missing; on Debian: apt-get install --no-install-recommends {}", self.name, self.package)
            }
        }
    }
}

/// Whether this run is a CI run (`CI=true`), where a skip is a failure.
#[must_use]
pub fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1")
}

/// The reason for which `name` may be skipped in CI, from `ci-skips.toml`.
#[must_use]
pub fn allowed_skip(name: &str) -> Option<String> {
    reason_in(CI_SKIPS, name)
}

fn reason_in(listing: &str, name: &str) -> Option<String> {
    listing
        .lines()
        .filter_map(|line| line.trim().split_once('='))
        .filter(|(key, _)| key.trim() == name)
        .map(|(_, reason)| reason.trim().trim_matches('"').trim().to_owned())
        .find(|reason| !reason.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_needs_a_reason() {
        let listing = "# nginx = \"commented out\"\nfirefox = \"no display libraries\"\nchromium = \"\"\n";
        assert_eq!(reason_in(listing, "firefox").as_deref(), Some("no display libraries"));
        assert_eq!(reason_in(listing, "chromium"), None);
        assert_eq!(reason_in(listing, "nginx"), None);
    }

    #[test]
    fn an_absent_tool_is_not_found_and_says_how_to_get_it() {
        let tool = Tool { name: "unheard-of", files: &["unheard-of-program"], package: "unheard" };
        assert_eq!(tool.find(), None);
        assert!(tool.missing().contains("apt-get install --no-install-recommends unheard"));
        let tool = Tool { package: "npm:unheard@1.0.0", ..tool };
        assert!(tool.missing().contains("npm install --global unheard@1.0.0"));
    }
}

//! The table `mail`: the server that takes letters to people.

use std::path::{Path, PathBuf};

use nod_core::text::mail_address;
use nod_delivery::mail::Security;
use serde::Deserialize;
use url::{Host, Url};

/// Where servers take letters over TLS (RFC 8314 section 7.3).
const TLS_PORT: u16 = 465;
/// Where servers take letters over STARTTLS (RFC 6409 section 3.1).
const STARTTLS_PORT: u16 = 587;
/// Longest user name, in bytes.
const MAX_USER_BYTES: usize = 255;

/// A mail server, checked.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    /// Host name or address.
    pub(crate) host: String,
    /// Port.
    pub(crate) port: u16,
    /// How the way there is protected.
    pub(crate) security: Security,
    /// Who writes, where the server wants to know.
    pub(crate) user: Option<String>,
    /// File of the password, where no systemd credential is.
    pub(crate) password_file: Option<PathBuf>,
    /// Address that letters come from.
    pub(crate) from: String,
    /// PEM file of the authority that vouches for the server, where the system's do not.
    pub(crate) ca: Option<PathBuf>,
}

/// The table as written.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    #[serde(deserialize_with = "super::web_address::one")]
    server: Url,
    from: String,
    user: Option<String>,
    password_file: Option<PathBuf>,
    ca: Option<PathBuf>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a password until it is checked (INV-24).
        f.write_str("Mail(..)")
    }
}

impl Table {
    /// With files relative to this folder. An error names the key and says what is wrong.
    pub(super) fn checked(self, folder: &Path) -> Result<Mail, (&'static str, String)> {
        let (host, local) = host(&self.server).ok_or_else(|| {
            let what = "server must be smtps://host (TLS) or smtp://host (STARTTLS), with a port where it is another than \
                        465 or 587; user and password have keys of their own";
            ("server", what.to_owned())
        })?;
        let (security, usual) = match (self.server.scheme(), local) {
            ("smtps", _) => (Security::Tls, TLS_PORT),
            (_, true) => (Security::None, STARTTLS_PORT),
            (_, false) => (Security::StartTls, STARTTLS_PORT),
        };
        let from = mail_address(&self.from).map_err(|error| ("from", error.to_string()))?;
        if self.user.as_ref().is_some_and(|user| user.is_empty() || user.len() > MAX_USER_BYTES) {
            return Err(("user", format!("user has 1 to {MAX_USER_BYTES} bytes")));
        }
        if self.user.is_none() && self.password_file.is_some() {
            return Err(("password_file", "password_file needs `user`: whose password it holds".to_owned()));
        }
        let beside = |file: PathBuf| folder.join(file);
        Ok(Mail {
            host,
            port: self.server.port().unwrap_or(usual),
            security,
            user: self.user,
            password_file: self.password_file.map(beside),
            from,
            ca: self.ca.map(beside),
        })
    }
}

/// The host, and whether it is this very machine by its address.
fn host(server: &Url) -> Option<(String, bool)> {
    let bare = matches!(server.path(), "" | "/")
        && server.username().is_empty()
        && server.password().is_none()
        && server.query().is_none()
        && server.fragment().is_none();
    if !bare || !matches!(server.scheme(), "smtp" | "smtps") {
        return None;
    }
    // Of a scheme that it does not know the library parses no host.
    match Host::parse(server.host_str()?).ok()? {
        Host::Domain(name) => {
            let local = name == "localhost";
            Some((name, local))
        }
        Host::Ipv4(address) => Some((address.to_string(), address.is_loopback())),
        Host::Ipv6(address) => Some((address.to_string(), address.is_loopback())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(lines: &str) -> Result<Mail, (&'static str, String)> {
        let table: Table = toml::from_str(&format!("from = \"nod@example.com\"\n{lines}")).unwrap();
        table.checked(Path::new("/etc/nod"))
    }

    #[test]
    fn the_address_says_how_the_way_is_protected() {
        for (given, host, port, security) in [
            ("smtps://mail.example.com", "mail.example.com", 465, Security::Tls),
            ("smtp://mail.example.com", "mail.example.com", 587, Security::StartTls),
            ("smtp://mail.example.com:25/", "mail.example.com", 25, Security::StartTls),
            ("smtp://10.1.2.3:25", "10.1.2.3", 25, Security::StartTls),
            ("smtps://[2001:db8::1]", "2001:db8::1", 465, Security::Tls),
            ("smtp://127.0.0.1:25", "127.0.0.1", 25, Security::None),
            ("smtp://[::1]:25", "::1", 25, Security::None),
            ("smtp://localhost:25", "localhost", 25, Security::None),
            ("smtps://localhost", "localhost", 465, Security::Tls),
        ] {
            let mail = checked(&format!("server = \"{given}\"")).unwrap();
            assert_eq!((&*mail.host, mail.port, mail.security), (host, port, security), "{given}");
        }
    }

    #[test]
    fn what_is_no_mail_server_is_refused_and_not_repeated() {
        for given in
            ["https://mail.example.com", "smtp://nod:hunter2@mail.example.com", "smtp://mail.example.com/?tls=no"]
        {
            let (key, what) = checked(&format!("server = \"{given}\"")).unwrap_err();
            assert!(key == "server" && what.contains("smtps://host") && !what.contains("hunter2"), "{given}: {what}");
        }
        let (key, what) = checked("server = \"smtps://m.example\"\npassword_file = \"p\"").unwrap_err();
        assert!(key == "password_file" && what.contains("`user`"), "{what}");
        let table: Table = toml::from_str("from = \"Nod <nod@example.com>\"\nserver = \"smtps://m.example\"").unwrap();
        assert_eq!(table.checked(Path::new("")).unwrap_err().0, "from");
        let mail =
            checked("server = \"smtps://m.example\"\nuser = \"nod\"\npassword_file = \"p\"\nca = \"ca.pem\"").unwrap();
        assert_eq!(mail.password_file.unwrap(), Path::new("/etc/nod/p"));
        assert_eq!(mail.ca.unwrap(), Path::new("/etc/nod/ca.pem"));
    }
}

//! Proxies in front and TLS, in the configuration.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use nod_core::network::{BadNetwork, Network};
use rustls::pki_types::ServerName;
use serde::Deserialize;
use url::Url;

/// Where collectors of syslog over TLS listen (RFC 5425 section 4.1).
const SYSLOG_PORT: u16 = 6514;

/// An address or a range of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Range(pub(crate) Network);

impl TryFrom<String> for Range {
    type Error = BadNetwork;
    fn try_from(text: String) -> Result<Self, BadNetwork> {
        text.trim().parse().map(Self)
    }
}

/// The authority that most certificates of the web come from.
const PUBLIC_DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// TLS that ends here.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    /// Where the certificate comes from.
    pub(crate) source: Source,
    /// Where plain HTTP is led to the public address, if anywhere.
    pub(crate) redirect: Option<SocketAddr>,
}

/// Where the certificate comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// PEM files that somebody renews.
    Files {
        /// The server's own certificate first, then those that lead to its authority.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// An ACME server.
    Acme(Acme),
}

/// An ACME server (RFC 8555).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acme {
    /// Address of its directory.
    #[serde(default = "public_directory")]
    pub(crate) directory: Url,
    /// `mailto:` address that it may write to.
    pub(crate) contact: Option<String>,
    /// PEM file of the authority that vouches for the ACME server itself, where the system's do not.
    pub(crate) ca: Option<PathBuf>,
}

impl Acme {
    /// The directory as it may be told: what may be a secret in it is left out (INV-24).
    pub(crate) fn shown(&self) -> String {
        let port = self.directory.port().map_or_else(String::new, |port| format!(":{port}"));
        format!("https://{}{port}{}", self.directory.host_str().unwrap_or_default(), self.directory.path())
    }
}

#[expect(clippy::expect_used, reason = "a constant, which a test parses")]
fn public_directory() -> Url {
    PUBLIC_DIRECTORY.parse().expect("a URL")
}

/// The table as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsTable {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    redirect: Option<SocketAddr>,
    acme: Option<Acme>,
}

impl TlsTable {
    /// What it means; files are relative to the folder `beside`. An error says what is wrong.
    pub(super) fn checked(self, beside: &Path) -> Result<Tls, String> {
        let source = match (self.certificate, self.key, self.acme) {
            (Some(certificate), Some(key), None) => {
                Source::Files { certificate: beside.join(certificate), key: beside.join(key) }
            }
            (None, None, Some(acme)) if acme.directory.scheme() != "https" => {
                return Err("the directory of tls.acme must be https://".to_owned());
            }
            (None, None, Some(acme)) => Source::Acme(Acme { ca: acme.ca.map(|file| beside.join(file)), ..acme }),
            _ => return Err("[tls] needs `certificate` and `key`, or instead of both a table [tls.acme]".to_owned()),
        };
        Ok(Tls { source, redirect: self.redirect })
    }
}

/// Where events of the audit go as syslog over TLS.
#[derive(Debug, Clone)]
pub(crate) struct Syslog {
    /// Who collects them.
    pub(crate) collector: SyslogCollector,
    /// PEM file of the authorities that may vouch for the collector, where the system's do not.
    pub(crate) ca: Option<PathBuf>,
}

/// An address `tls://host:6514`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct SyslogCollector {
    /// Name or IP address, which its certificate must be for.
    pub(crate) host: String,
    /// TCP port.
    pub(crate) port: u16,
}

/// No address of a collector.
#[derive(Debug, thiserror::Error)]
#[error("a collector is written tls://host:6514: TLS, a host and no more")]
pub(crate) struct BadCollector;

impl TryFrom<String> for SyslogCollector {
    type Error = BadCollector;
    fn try_from(text: String) -> Result<Self, BadCollector> {
        let url = Url::parse(&text).map_err(|_| BadCollector)?;
        let bare = url.username().is_empty() && url.password().is_none() && matches!(url.path(), "" | "/");
        if url.scheme() != "tls" || !bare || url.query().is_some() || url.fragment().is_some() {
            return Err(BadCollector);
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        ServerName::try_from(host.as_str()).map_err(|_| BadCollector)?;
        Ok(Self { host, port: url.port().unwrap_or(SYSLOG_PORT) })
    }
}

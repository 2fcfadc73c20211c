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

/// TLS that ends here.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// PEM file, the server's own certificate first, then those that lead to its authority.
    pub(crate) certificate: PathBuf,
    /// PEM file.
    pub(crate) key: PathBuf,
    /// Where plain HTTP is led to the public address, if anywhere.
    pub(crate) redirect: Option<SocketAddr>,
}

impl Tls {
    /// With files relative to this folder.
    pub(super) fn beside(self, folder: &Path) -> Self {
        Self { certificate: folder.join(self.certificate), key: folder.join(self.key), ..self }
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

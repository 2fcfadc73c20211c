//! Proxies in front and TLS, in the configuration.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use nod_http::{BadNetwork, Network};
use serde::Deserialize;

/// An address or range of proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Proxy(pub(crate) Network);

impl TryFrom<String> for Proxy {
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

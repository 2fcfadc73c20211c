//! Proxies in front, in the configuration.

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

//! Where a request comes from (INV-25): the socket, or the right-most untrusted entry of X-Forwarded-For when the socket's
//! peer is a configured proxy.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use nod_core::network::Network;

use crate::fault::Refusal;
use crate::limits::FORWARDED_ENTRIES;
use crate::state::AppState;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The other end of the socket. `serve` puts it into every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Proxies whose word counts. None by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

impl FromIterator<Network> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

impl TrustedProxies {
    /// Whether this address is a configured proxy's.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The client's address. An entry that is no address ends the walk: what is left of it was not written by a proxy of ours.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return peer;
        }
        let lines: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or("?")).collect();
        let mut client = peer;
        for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')).take(FORWARDED_ENTRIES) {
            let Some(address) = entry_address(entry.trim()) else { return client };
            client = address;
            if !self.trusts(address) {
                return address;
            }
        }
        client
    }
}

/// An address, or an address with a port as some proxies write it.
fn entry_address(entry: &str) -> Option<IpAddr> {
    let address = entry.parse().or_else(|_| entry.parse::<SocketAddr>().map(|socket| socket.ip())).ok()?;
    Some(IpAddr::to_canonical(&address))
}

/// The client's address, as an extractor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client(pub IpAddr);

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromRequestParts<AppState> for Client {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let peer = peer(parts)?;
        Ok(Self(state.proxies().client(peer.0.ip(), &parts.headers)))
    }
}

/// The socket's peer.
///
/// # Errors
/// `unavailable` when the listener did not say it: without it no limit by source would hold.
pub(crate) fn peer(parts: &Parts) -> Result<Peer, Refusal> {
    let peer = parts.extensions.get::<Peer>().copied();
    peer.ok_or_else(|| {
        tracing::error!("the listener did not give the peer's address");
        Refusal::unavailable()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_counts_only_from_a_proxy_and_only_its_right_end() {
        let proxies: TrustedProxies = ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()].into_iter().collect();
        for (peer, lines, expected) in [
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["192.0.2.66, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["192.0.2.66", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["192.0.2.66, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.66, unknown, 10.9.9.9"], "10.9.9.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["[2001:db8::5]:4711"], "2001:db8::5"),
            ("::1", &["198.51.100.1:80"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
        ] {
            let headers: HeaderMap = lines
                .iter()
                .map(|line| (http::HeaderName::from_static(FORWARDED_FOR), line.parse().unwrap()))
                .collect();
            let client = proxies.client(peer.parse().unwrap(), &headers);
            assert_eq!(client, expected.parse::<IpAddr>().unwrap(), "{peer} {lines:?}");
        }
        assert!(!TrustedProxies::default().trusts("127.0.0.1".parse().unwrap()));
    }
}

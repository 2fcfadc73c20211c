//! What stands between a socket and HTTP: the PROXY protocol of configured peers (INV-25), then TLS.

use std::io;
use std::net::SocketAddr;

use proxy_header::io::ProxiedStream;
use proxy_header::{ParseConfig, Protocol};
use tokio::net::TcpStream;

use crate::client::TrustedProxies;
use crate::tls::Tls;

/// Longest PROXY header that a peer may send is 64 KiB by its own length field; nothing of it but the addresses is kept.
const HEADER: ParseConfig = ParseConfig { include_tlvs: false, allow_v1: true, allow_v2: true };

/// How a listener's connections begin. Without anything set: plain HTTP.
#[derive(Debug, Clone, Default)]
pub struct Transport {
    /// TLS, if it ends here.
    pub tls: Option<Tls>,
    /// Peers that put a PROXY header (version 1 or 2) before everything else. From any other it is not read.
    pub proxy_protocol: TrustedProxies,
    /// Proxies, which bring many visitors each: their connections are not counted by source.
    pub proxies: TrustedProxies,
}

impl Transport {
    /// Reads the PROXY header where the peer must send one. Gives the stream behind it, and who is at its other end: what the
    /// header says, or the peer itself (also when it speaks for itself, as in a health check).
    ///
    /// # Errors
    /// When the header is missing or malformed.
    pub(crate) async fn source(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> io::Result<(ProxiedStream<TcpStream>, SocketAddr)> {
        if !self.proxy_protocol.trusts(peer.ip()) {
            return Ok((ProxiedStream::unproxied(stream), peer));
        }
        let stream = ProxiedStream::create_from_tokio(stream, HEADER).await?;
        let source = match stream.proxy_header().proxied_address() {
            None => peer,
            Some(address) if address.protocol == Protocol::Stream => address.source,
            Some(_) => return Err(io::Error::other("a PROXY header for another protocol than TCP")),
        };
        Ok((stream, source))
    }

    /// Whether many visitors stand behind this address.
    pub(crate) fn is_shared(&self, source: SocketAddr) -> bool {
        self.proxies.trusts(source.ip()) || self.proxy_protocol.trusts(source.ip())
    }
}

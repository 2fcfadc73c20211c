//! The sockets of a server, bound before anything runs.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::config::Config;
use crate::failure::{Failure, Outcome};

/// What a server listens on.
pub(crate) struct Listeners {
    /// Browsers, phones and proxies.
    pub(crate) public: TcpListener,
    /// Operators.
    pub(crate) internal: Option<TcpListener>,
    /// Plain HTTP beside TLS, which is led there.
    pub(crate) redirect: Option<TcpListener>,
}

impl Listeners {
    /// All that the configuration names.
    pub(crate) async fn bind(config: &Config) -> Outcome<Self> {
        let redirect = config.tls.as_ref().and_then(|tls| tls.redirect);
        Ok(Self {
            public: bind(config.listen, "listen").await?,
            internal: maybe(config.internal, "internal.listen").await?,
            redirect: maybe(redirect, "tls.redirect").await?,
        })
    }

    /// The public one alone.
    pub(crate) const fn only(public: TcpListener) -> Self {
        Self { public, internal: None, redirect: None }
    }

    /// Where they are, in words: programs that start us wait for the last line.
    pub(crate) fn told(&self, origin: &str) -> Outcome<Vec<String>> {
        let mut lines = Vec::new();
        if let Some(internal) = &self.internal {
            lines.push(format!("metrics and health on {}", internal.local_addr()?));
        }
        if let Some(redirect) = &self.redirect {
            lines.push(format!("plain HTTP on {} leads to {origin}", redirect.local_addr()?));
        }
        lines.push(format!("listening on {} as {origin}", self.public.local_addr()?));
        Ok(lines)
    }
}

async fn maybe(address: Option<SocketAddr>, key: &str) -> Outcome<Option<TcpListener>> {
    match address {
        Some(address) => Ok(Some(bind(address, key).await?)),
        None => Ok(None),
    }
}

async fn bind(address: SocketAddr, key: &str) -> Outcome<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| Failure::new(format!("cannot listen on {address}: {error}; change `{key}` in nod.toml")))
}

//! The gate for addresses that are contacted on somebody's word: push endpoints and webhooks (INV-26, P21).
//!
//! There is one look-up per connection, its answers are checked, and the connection goes to the checked address
//! itself, so a name that changes its mind between check and connect gains nothing. Literal addresses are checked
//! before anything is opened. Redirects are never followed.

mod address;

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use nod_core::network::Network;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

pub use address::AddressClass;

/// Most addresses taken from one look-up; the rest is ignored.
pub const MAX_ADDRESSES: usize = 8;
/// Said at start when insecure endpoints are allowed.
pub const INSECURE_WARNING: &str = "push.allow_insecure_endpoints is on: anybody who can enrol a phone can make this \
     server send requests to private addresses and over plain http. Use it for tests and closed networks only.";
/// Names that mean something inside a network only. Matter most behind an egress proxy, which resolves for us.
const INTERNAL_SUFFIXES: [&str; 13] = [
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "private",
    "corp",
    "lan",
    "home",
    "home.arpa",
    "test",
    "invalid",
    "onion",
];

/// Why an address is not contacted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// Longer than [`crate::web_push::MAX_ENDPOINT_BYTES`].
    #[error("the address is too long")]
    TooLong,
    /// Not an absolute address, or with a user name, a fragment or port 0.
    #[error("not an absolute https address without user name and fragment")]
    NotAnAddress,
    /// Not `https`.
    #[error("only https addresses are allowed")]
    Scheme,
    /// A name of the inner network.
    #[error("the host is a name of an inner network")]
    InternalName,
    /// A literal or resolved address that is not public.
    #[error("the host leads to a {0} address")]
    Address(AddressClass),
    /// A name without addresses.
    #[error("the host has no address")]
    NoAddress,
    /// The service answered with a redirect.
    #[error("the service answered with a redirect ({status}), which is never followed")]
    Redirect {
        /// HTTP status.
        status: u16,
    },
}

/// The rules: what may be contacted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gate {
    allow_insecure: bool,
    admitted: Arc<[Network]>,
}

impl Gate {
    /// `allow_insecure` admits plain http, inner names, loopback and private ranges; nothing else.
    #[must_use]
    pub fn new(allow_insecure: bool) -> Self {
        Self { allow_insecure, admitted: Arc::default() }
    }

    /// Admits loopback and private addresses of these networks, which an operator named; nothing else that is not public.
    #[must_use]
    pub fn admitting(networks: impl IntoIterator<Item = Network>) -> Self {
        Self { allow_insecure: false, admitted: networks.into_iter().collect() }
    }

    /// The sentence for the log at start, if the gate is open wider than it should be.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        self.allow_insecure.then_some(INSECURE_WARNING)
    }

    /// Checks what can be seen without a look-up: scheme, inner names, literal addresses.
    ///
    /// # Errors
    /// The rule that refused it.
    pub fn check_url(&self, url: &Url) -> Result<(), GateError> {
        match url.scheme() {
            "https" => {}
            "http" if self.allow_insecure => {}
            _ => return Err(GateError::Scheme),
        }
        match url.host() {
            Some(Host::Ipv4(address)) => self.check_address(address.into()),
            Some(Host::Ipv6(address)) => self.check_address(address.into()),
            // With networks of its own the addresses behind a name decide.
            Some(Host::Domain(name)) if self.allow_insecure || !self.admitted.is_empty() || !is_internal(name) => {
                Ok(())
            }
            Some(Host::Domain(_)) => Err(GateError::InternalName),
            None => Err(GateError::NotAnAddress),
        }
    }

    /// Checks one address.
    ///
    /// # Errors
    /// [`GateError::Address`] with the class of a refused one.
    pub fn check_address(&self, address: IpAddr) -> Result<(), GateError> {
        match AddressClass::of(address) {
            AddressClass::Global => Ok(()),
            AddressClass::Loopback | AddressClass::Private if self.allow_insecure || self.admits(address) => Ok(()),
            class => Err(GateError::Address(class)),
        }
    }

    fn admits(&self, address: IpAddr) -> bool {
        self.admitted.iter().any(|network| network.contains(address))
    }

    /// Checks the answers of one look-up. One bad address refuses all: an honest name has none.
    ///
    /// # Errors
    /// The first bad address, or [`GateError::NoAddress`].
    pub fn check_answers(&self, answers: Vec<IpAddr>) -> Result<Vec<SocketAddr>, GateError> {
        if answers.is_empty() {
            return Err(GateError::NoAddress);
        }
        for address in &answers {
            self.check_address(*address)?;
        }
        Ok(answers.into_iter().take(MAX_ADDRESSES).map(|address| SocketAddr::new(address, 0)).collect())
    }
}

fn is_internal(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    if !name.contains('.') {
        return true;
    }
    INTERNAL_SUFFIXES.iter().any(|suffix| is_under(name, suffix))
}

/// Whether `name` is `domain` or a name below it.
pub(crate) fn is_under(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The answer of a look-up.
pub type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Turns names into addresses. A trait so that tests can lie.
pub trait Resolver: Send + Sync {
    /// All addresses of `host`.
    fn lookup(&self, host: &str) -> Lookup;
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn lookup(&self, host: &str) -> Lookup {
        let host = host.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|found| found.ip()).collect()) })
    }
}

/// Hands the HTTP client checked addresses only; the client connects to what it is handed.
pub(crate) struct GatedResolver {
    pub(crate) gate: Gate,
    pub(crate) resolver: Arc<dyn Resolver>,
}

impl Resolve for GatedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let gate = self.gate.clone();
        let lookup = self.resolver.lookup(name.as_str());
        Box::pin(async move {
            let addresses = gate.check_answers(lookup.await?)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Behind an egress proxy the only name to resolve is the proxy's, which the operator chose; any other is refused, so
/// that a connection around the proxy cannot happen.
pub(crate) struct ProxyResolver {
    pub(crate) proxy_host: String,
    pub(crate) resolver: Arc<dyn Resolver>,
}

impl Resolve for ProxyResolver {
    fn resolve(&self, name: Name) -> Resolving {
        if !name.as_str().eq_ignore_ascii_case(&self.proxy_host) {
            return Box::pin(std::future::ready(Err(GateError::InternalName.into())));
        }
        let lookup = self.resolver.lookup(name.as_str());
        Box::pin(async move {
            let addresses = lookup.await?.into_iter().take(MAX_ADDRESSES).map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

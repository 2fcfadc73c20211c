//! What may be the public address: its host is the WebAuthn relying party id and part of every origin.

use serde::Deserialize;
use url::{Host, Url};

/// Why an address is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HostError {
    /// Not a URL, or more than scheme, host and port.
    #[error(
        "write the address as https://HOST or https://HOST:PORT, without a path: for instance https://nod.your-domain"
    )]
    Form,
    /// Not https.
    #[error("{0} must begin with https:// (plain http is for *.localhost only, where no network is crossed)")]
    Scheme(String),
    /// An IP address.
    #[error(
        "{0} is an IP address; passkeys belong to a name, so Nod needs one that phones can resolve, for instance nod.your-domain"
    )]
    IpAddress(String),
    /// One label.
    #[error(
        "{0} is a single label; phones outside cannot resolve it and passkeys need a full name, for instance nod.your-domain"
    )]
    SingleLabel(String),
    /// `.local`.
    #[error(
        "{0} ends in .local, which only machines of one network segment resolve and no authority certifies; use a name of your domain"
    )]
    Local(String),
}

/// The public address in its one spelling.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct PublicAddress {
    origin: String,
    host: String,
}

impl PublicAddress {
    /// Checks an address by the rules for the public host.
    pub(crate) fn parse(text: &str) -> Result<Self, HostError> {
        let (url, host) = origin_of(text)?;
        match url.host() {
            Some(Host::Domain(_)) => {}
            _ => return Err(HostError::IpAddress(host)),
        }
        let name = host.trim_end_matches('.');
        if !name.contains('.') {
            return Err(HostError::SingleLabel(host));
        }
        if name.rsplit('.').next() == Some("local") {
            return Err(HostError::Local(host));
        }
        Ok(Self { origin: url.origin().ascii_serialization(), host })
    }

    /// The origin, for example `https://nod.example.com`.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The host without port: the relying party id.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

impl TryFrom<String> for PublicAddress {
    type Error = HostError;
    fn try_from(text: String) -> Result<Self, HostError> {
        Self::parse(&text)
    }
}

/// The origin of a protected app. Names inside a network and addresses are fine here: only browsers of that network go there.
pub(crate) fn app_origin(text: &str) -> Result<(String, String), HostError> {
    let (url, host) = origin_of(text)?;
    Ok((url.origin().ascii_serialization(), host))
}

fn origin_of(text: &str) -> Result<(Url, String), HostError> {
    let text = text.trim();
    let url = Url::parse(text).map_err(|_| HostError::Form)?;
    let host = url.host_str().ok_or(HostError::Form)?.to_owned();
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(HostError::Form);
    }
    match url.scheme() {
        "https" => {}
        "http" if host.ends_with(".localhost") => {}
        _ => return Err(HostError::Scheme(text.to_owned())),
    }
    Ok((url, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_addresses_have_one_spelling() {
        for (given, origin, host) in [
            ("https://nod.example.com", "https://nod.example.com", "nod.example.com"),
            (" https://NOD.Example.com:443/ ", "https://nod.example.com", "nod.example.com"),
            ("https://nod.example.com:8443", "https://nod.example.com:8443", "nod.example.com"),
            ("http://nod.localhost:8080", "http://nod.localhost:8080", "nod.localhost"),
        ] {
            let address = PublicAddress::parse(given).unwrap();
            assert_eq!((address.origin(), address.host()), (origin, host));
        }
    }

    #[test]
    fn bad_addresses_are_refused_by_name() {
        for (given, expected) in [
            ("nod.example.com", HostError::Form),
            ("https://nod.example.com/path", HostError::Form),
            ("https://me@nod.example.com", HostError::Form),
            ("http://nod.example.com", HostError::Scheme("http://nod.example.com".into())),
            ("http://localhost:8080", HostError::Scheme("http://localhost:8080".into())),
            ("https://203.0.113.9", HostError::IpAddress("203.0.113.9".into())),
            ("https://0x7f.1", HostError::IpAddress("127.0.0.1".into())),
            ("https://[2001:db8::1]", HostError::IpAddress("[2001:db8::1]".into())),
            ("https://nod", HostError::SingleLabel("nod".into())),
            ("https://nod.", HostError::SingleLabel("nod.".into())),
            ("https://nod.local", HostError::Local("nod.local".into())),
        ] {
            assert_eq!(PublicAddress::parse(given), Err(expected), "{given}");
        }
    }
}

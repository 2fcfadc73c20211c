//! Which host a request is for, and which one is ours.

use http::header::HOST;
use http::request::Parts;

/// The configured public address. Nothing in a request changes it (E17).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicAddress {
    origin: String,
    host: String,
    secure: bool,
}

/// Not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the public origin must look like https://nod.example.com, without a path and in lower case")]
pub struct BadOrigin;

impl PublicAddress {
    /// Reads `https://host[:port]` or `http://host[:port]`.
    ///
    /// # Errors
    /// [`BadOrigin`] for anything with a path, user name, upper case or default port.
    pub fn from_origin(origin: &str) -> Result<Self, BadOrigin> {
        let (host, secure, default_port) = match (origin.strip_prefix("https://"), origin.strip_prefix("http://")) {
            (Some(host), _) => (host, true, ":443"),
            (_, Some(host)) => (host, false, ":80"),
            _ => return Err(BadOrigin),
        };
        if plain(host).as_deref() != Some(host) || host.ends_with(default_port) {
            return Err(BadOrigin);
        }
        Ok(Self { origin: origin.to_owned(), host: host.to_owned(), secure })
    }

    /// `scheme://host[:port]`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
    /// Whether browsers reach us by https.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }
    /// Whether a request's host is this one, exactly (the default port may be written out).
    #[must_use]
    pub fn is_host(&self, host: &str) -> bool {
        let default_port = if self.secure { ":443" } else { ":80" };
        host.strip_suffix(default_port).unwrap_or(host) == self.host
    }
}

/// The host of a request in lower case: its only Host header, or the `:authority` of HTTP/2. Two that differ are none.
pub(crate) fn requested(parts: &Parts) -> Option<String> {
    let mut named = parts.headers.get_all(HOST).iter();
    let header = named.next();
    if named.next().is_some() {
        return None;
    }
    match (header, parts.uri.authority()) {
        (Some(header), None) => plain(header.to_str().ok()?),
        (None, Some(authority)) => plain(authority.as_str()),
        (Some(header), Some(authority)) => {
            let (header, authority) = (plain(header.to_str().ok()?)?, plain(authority.as_str())?);
            (header == authority).then_some(header)
        }
        (None, None) => None,
    }
}

/// A host with or without port in lower case, if it holds nothing else.
pub(crate) fn plain(host: &str) -> Option<String> {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    (!host.is_empty() && host.len() <= 255 && host.chars().all(letters)).then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_host_is_ours() {
        let public = PublicAddress::from_origin("https://nod.example.com").unwrap();
        for host in ["nod.example.com", "nod.example.com:443"] {
            assert!(public.is_host(host), "{host}");
        }
        for host in
            ["nod.example.com.", "nod.example.com:80", "xnod.example.com", "example.com", "nod.example.com:4430", ""]
        {
            assert!(!public.is_host(host), "{host}");
        }
        let demo = PublicAddress::from_origin("http://nod.localhost:8080").unwrap();
        assert!(demo.is_host("nod.localhost:8080") && !demo.is_host("nod.localhost"));
    }

    #[test]
    fn origins_are_origins() {
        for bad in [
            "nod.example.com",
            "https://",
            "https://nod.example.com/",
            "https://Nod.example.com",
            "https://a@b",
            "ftp://a",
            "https://nod.example.com:443",
            "http://nod.localhost:80",
            "https://a b",
            "https://a?b",
            "https://a\r\nb",
        ] {
            assert_eq!(PublicAddress::from_origin(bad), Err(BadOrigin), "{bad}");
        }
    }

    #[test]
    fn two_hosts_are_none() {
        let parts = |uri: &str, hosts: &[&str]| {
            let mut request = http::Request::builder().uri(uri);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            request.body(()).unwrap().into_parts().0
        };
        assert_eq!(requested(&parts("/", &["A.example"])).as_deref(), Some("a.example"));
        assert_eq!(requested(&parts("http://a.example/", &[])).as_deref(), Some("a.example"));
        assert_eq!(requested(&parts("http://a.example/", &["A.example"])).as_deref(), Some("a.example"));
        for (uri, hosts) in [
            ("/", &[][..]),
            ("/", &["a", "a"]),
            ("http://a.example/", &["b.example"]),
            ("/", &["a/b"]),
            ("/", &["u@a"]),
            ("http://u@a.example/", &[]),
            ("/", &[""]),
        ] {
            assert_eq!(requested(&parts(uri, hosts)), None, "{uri} {hosts:?}");
        }
    }
}

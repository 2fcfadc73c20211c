//! The server's origin, and the links that carry one.

use std::fmt;
use std::str::FromStr;

use nod_protocol::enrolment::EnrolmentCode;
use serde::{Deserialize, Serialize};

use crate::error::PhoneError;

/// Longest accepted link, in bytes.
pub const LINK_MAX_BYTES: usize = 2048;

/// A server's origin in its one spelling, `https://host` or `https://host:port`. Plain `http` is taken for `localhost`,
/// `*.localhost` and loopback addresses only (secure contexts, section 3.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    text: String,
    host: String,
}

impl Origin {
    /// The text that is signed and compared.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host without port: the WebAuthn RP ID.
    pub fn host(&self) -> &str {
        &self.host
    }

    fn from_url(url: &reqwest::Url) -> Result<Self, PhoneError> {
        let host = url.host_str().ok_or(PhoneError::BadLink("it has no host"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(PhoneError::BadLink("it carries a user name or password"));
        }
        let loopback = host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" || host == "[::1]";
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err(PhoneError::BadLink("plain http is for localhost only; use https")),
            _ => return Err(PhoneError::BadLink("it must begin with https://")),
        }
        Ok(Self { text: url.origin().ascii_serialization(), host: host.to_owned() })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Origin {
    type Err = PhoneError;

    fn from_str(text: &str) -> Result<Self, PhoneError> {
        let url = parse_url(text)?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(PhoneError::BadLink("an address has no path, for example https://nod.example.com"));
        }
        Self::from_url(&url)
    }
}

impl TryFrom<String> for Origin {
    type Error = PhoneError;
    fn try_from(text: String) -> Result<Self, PhoneError> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.text
    }
}

/// A link by which an enrolment begins.
#[derive(Clone, PartialEq, Eq)]
pub enum EnrolLink {
    /// `ORIGIN/enrol#TOKEN`: for the asking browser.
    Token {
        /// The server.
        origin: Origin,
        /// A secret.
        token: String,
    },
    /// `ORIGIN/authenticator#enrol=CODE`: for the phone.
    Code {
        /// The server.
        origin: Origin,
        /// A secret until it is used.
        code: EnrolmentCode,
    },
}

impl fmt::Debug for EnrolLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token { origin, .. } => write!(f, "EnrolLink::Token({origin})"),
            Self::Code { origin, .. } => write!(f, "EnrolLink::Code({origin})"),
        }
    }
}

impl FromStr for EnrolLink {
    type Err = PhoneError;

    fn from_str(text: &str) -> Result<Self, PhoneError> {
        let url = parse_url(text)?;
        let origin = Origin::from_url(&url)?;
        let fragment = url.fragment().unwrap_or_default();
        match url.path() {
            "/enrol" if !fragment.is_empty() => Ok(Self::Token { origin, token: fragment.to_owned() }),
            "/enrol" => Err(PhoneError::BadLink("the part after # is missing")),
            "/authenticator" => {
                let code = fragment.strip_prefix("enrol=").ok_or(PhoneError::BadLink("the code is missing"))?;
                Ok(Self::Code { origin, code: code.parse().map_err(|_| PhoneError::BadLink("the code is not one"))? })
            }
            _ => Err(PhoneError::BadLink("it is no enrolment link")),
        }
    }
}

fn parse_url(text: &str) -> Result<reqwest::Url, PhoneError> {
    if text.len() > LINK_MAX_BYTES {
        return Err(PhoneError::BadLink("it is too long"));
    }
    text.trim().parse().map_err(|_| PhoneError::BadLink("it is not a URL"))
}

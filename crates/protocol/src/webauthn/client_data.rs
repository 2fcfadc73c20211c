//! CollectedClientData (WebAuthn level 3, section 5.8.1).

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{CLIENT_DATA_MAX_BYTES, WebAuthnError};
use crate::b64::B64;

/// Which ceremony the client ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientDataType {
    /// `webauthn.create`.
    Create,
    /// `webauthn.get`.
    Get,
}

impl ClientDataType {
    /// The text on the wire, compared exactly.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }
}

/// What the client (the browser) says about the ceremony. Unknown members are tolerated, as the specification demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientData {
    /// The ceremony.
    pub ceremony: ClientDataType,
    /// The challenge, decoded.
    pub challenge: B64,
    /// The origin of the page.
    pub origin: String,
    /// Whether an ancestor frame was of another origin; absent means false. A `topOrigin` member counts as true.
    pub cross_origin: bool,
}

impl ClientData {
    /// Parses `clientDataJSON`. A byte order mark is skipped ("UTF-8 decode", section 7.1 step 5). Of a duplicated member the
    /// last counts, as in every browser's JSON; the signature covers the bytes, not our reading.
    pub fn parse(bytes: &[u8]) -> Result<Self, WebAuthnError> {
        if bytes.len() > CLIENT_DATA_MAX_BYTES {
            return Err(WebAuthnError::Malformed("the client data is too long"));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let members = (&mut deserializer)
            .deserialize_map(MembersVisitor)
            .map_err(|_| WebAuthnError::Malformed("the client data is not the JSON of client data"))?;
        deserializer.end().map_err(|_| WebAuthnError::Malformed("bytes after the client data"))?;
        let ceremony = match members.ceremony.as_deref() {
            Some("webauthn.create") => ClientDataType::Create,
            Some("webauthn.get") => ClientDataType::Get,
            Some(_) => return Err(WebAuthnError::WrongType),
            None => return Err(WebAuthnError::Malformed("the client data has no type")),
        };
        Ok(Self {
            ceremony,
            challenge: members.challenge.ok_or(WebAuthnError::Malformed("the client data has no challenge"))?,
            origin: members.origin.ok_or(WebAuthnError::Malformed("the client data has no origin"))?,
            cross_origin: members.cross_origin,
        })
    }

    /// Writes client data as a browser does (section 5.8.1.1): for software passkeys and tests.
    pub fn to_bytes(&self) -> Vec<u8> {
        let text = serde_json::Value::from(self.origin.as_str());
        format!(
            r#"{{"type":"{}","challenge":"{}","origin":{text},"crossOrigin":{}}}"#,
            self.ceremony.as_str(),
            self.challenge,
            self.cross_origin
        )
        .into_bytes()
    }
}

#[derive(Default)]
struct Members {
    ceremony: Option<String>,
    challenge: Option<B64>,
    origin: Option<String>,
    cross_origin: bool,
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("client data")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Members::default();
        let mut top_origin = false;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "type" => members.ceremony = Some(map.next_value()?),
                "challenge" => members.challenge = Some(map.next_value()?),
                "origin" => members.origin = Some(map.next_value()?),
                "crossOrigin" => members.cross_origin = map.next_value::<Option<bool>>()?.unwrap_or(false),
                "topOrigin" => top_origin = map.next_value::<Option<String>>()?.is_some(),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        members.cross_origin |= top_origin;
        Ok(members)
    }
}

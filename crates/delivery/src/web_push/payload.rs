//! What is sent: Declarative Web Push JSON, read by Safari itself and by the worker elsewhere.
//!
//! Generic words and an opaque id only (INV-04, P18): a lock screen shows no user, application, host or number.

use std::fmt;

use serde::Serialize;
use url::{Host, Url};

/// Magic number of Declarative Web Push.
const DECLARATIVE_WEB_PUSH: u16 = 8030;
/// Where the authenticator lives on the public origin.
const AUTHENTICATOR_PATH: &str = "/authenticator";
/// Length of a [`PushId`], in characters. Fits `Topic`, which allows 32.
const ID_CHARS: usize = 22;
/// Longest public origin, in bytes. Keeps every payload below [`super::MAX_CONTENT_BYTES`].
const MAX_ORIGIN_BYTES: usize = 280;
/// Highest number shown on the app's icon.
pub const MAX_BADGE: u32 = 99;

/// Not 22 characters of base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a push id has {ID_CHARS} characters of A-Z, a-z, 0-9, `-` and `_`")]
pub struct PushIdError;

/// The opaque id that a doorbell carries. Not a secret: it opens nothing without the device's own session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PushId(Box<str>);

impl PushId {
    /// Checks length and alphabet.
    ///
    /// # Errors
    /// [`PushIdError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, PushIdError> {
        let ok = text.len() == ID_CHARS && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if ok { Ok(Self(text.into())) } else { Err(PushIdError) }
    }

    /// The 22 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PushId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a public origin is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Not `https://host[:port]` alone.
    #[error("the public origin must be https://host or https://host:port, without a path")]
    Form,
    /// Too long for a push message.
    #[error("the public origin is longer than {MAX_ORIGIN_BYTES} bytes")]
    TooLong,
}

/// The origin that serves the authenticator, for the link that a tap opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicOrigin(String);

impl PublicOrigin {
    /// Accepts `https://host[:port]`, and `http` on `localhost` names, which browsers treat as secure.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        if text.len() > MAX_ORIGIN_BYTES {
            return Err(OriginError::TooLong);
        }
        let url = Url::parse(text).map_err(|_| OriginError::Form)?;
        let local =
            matches!(url.host(), Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost"));
        let origin = url.origin().ascii_serialization();
        // Anything beside scheme, host and port makes the texts differ.
        if text.trim_end_matches('/') != origin || !(url.scheme() == "https" || (url.scheme() == "http" && local)) {
            return Err(OriginError::Form);
        }
        Ok(Self(origin))
    }

    /// The origin without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the doorbell rings for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A sign-in waits for an answer.
    Request,
    /// The user or an administrator tests whether the phone can be reached.
    Test,
    /// Something about an account has changed.
    Notice,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Test => "test",
            Self::Notice => "notice",
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Request => ("Sign-in request", "Tap to see it and answer."),
            Self::Test => ("Test notification", "This phone can be reached. Tap to confirm."),
            Self::Notice => ("Your account has changed", "Tap to see what."),
        }
    }
}

/// One doorbell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it rings for.
    pub kind: Kind,
    /// The request's opaque id; also `Topic` and notification tag, so that a resend replaces the first.
    pub id: PushId,
    /// When the request dies, in milliseconds since the Unix epoch. Gives the TTL.
    pub expires_ms: i64,
    /// Requests pending for this phone, for the icon's badge; capped at [`MAX_BADGE`].
    pub pending: u32,
}

#[derive(Serialize)]
struct Payload<'a> {
    web_push: u16,
    notification: Notification<'a>,
    app_badge: u32,
    mutable: bool,
    nod: Hint<'a>,
}

#[derive(Serialize)]
struct Notification<'a> {
    title: &'static str,
    body: &'static str,
    navigate: String,
    tag: &'a str,
    silent: bool,
}

#[derive(Serialize)]
struct Hint<'a> {
    kind: &'static str,
    id: &'a str,
    expires: i64,
}

/// The JSON text of a message. `nod.expires` is in milliseconds since the Unix epoch.
///
/// # Errors
/// Only what `serde_json` reports; no field of it can fail today.
pub fn render(message: &Message, origin: &PublicOrigin) -> Result<Vec<u8>, serde_json::Error> {
    let (title, body) = message.kind.words();
    let kind = message.kind.name();
    let id = message.id.as_str();
    serde_json::to_vec(&Payload {
        web_push: DECLARATIVE_WEB_PUSH,
        notification: Notification {
            title,
            body,
            navigate: format!("{}{AUTHENTICATOR_PATH}#{kind}={id}", origin.0),
            tag: id,
            silent: false,
        },
        app_badge: message.pending.min(MAX_BADGE),
        mutable: true,
        nod: Hint { kind, id, expires: message.expires_ms },
    })
}

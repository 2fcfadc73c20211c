//! What a browser hands over from `PushManager.subscribe`.

use std::fmt;

use aws_lc_rs::agreement::{ECDH_P256, ParsedPublicKey, UnparsedPublicKey};
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use url::Url;
use zeroize::Zeroizing;

use super::keys::POINT_BYTES;
use crate::gate::GateError;

/// Longest endpoint, in bytes.
pub const MAX_ENDPOINT_BYTES: usize = 2048;

/// Browsers give base64url without padding; some libraries add it.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a subscription is refused. The texts never repeat the input: an endpoint is a capability (INV-24).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionError {
    /// The endpoint is not acceptable.
    #[error("push endpoint: {0}")]
    Endpoint(#[from] GateError),
    /// `p256dh` is not a point of P-256.
    #[error("`p256dh` must be an uncompressed P-256 point (65 bytes) in base64url")]
    Key,
    /// `auth` does not have 16 bytes.
    #[error("`auth` must be 16 bytes in base64url")]
    Auth,
}

/// A parsed push address. Whether it may be contacted is the business of [`super::Gate`].
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
    audience: String,
}

impl Endpoint {
    /// Parses an absolute `http` or `https` address without user name and fragment.
    ///
    /// # Errors
    /// The [`GateError`] that tells what is wrong.
    pub fn parse(text: &str) -> Result<Self, GateError> {
        if text.len() > MAX_ENDPOINT_BYTES {
            return Err(GateError::TooLong);
        }
        let url = Url::parse(text).map_err(|_| GateError::NotAnAddress)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(GateError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(GateError::NotAnAddress);
        }
        if url.host().is_none() || url.port() == Some(0) {
            return Err(GateError::NotAnAddress);
        }
        let audience = url.origin().ascii_serialization();
        Ok(Self { url, audience })
    }

    /// The whole address. A capability: whoever knows it can send (INV-24).
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// `scheme://host[:port]`, the port only if it is not the scheme's own (RFC 8292 section 2).
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({}/…)", self.audience)
    }
}

/// One browser's push address with the keys that encrypt to it (RFC 8291 section 2).
#[derive(Clone)]
pub struct Subscription {
    endpoint: Endpoint,
    public: [u8; POINT_BYTES],
    auth: Zeroizing<[u8; 16]>,
}

impl Subscription {
    /// Parses the three fields of `PushSubscription.toJSON()`.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn parse(endpoint: &str, p256dh: &str, auth: &str) -> Result<Self, SubscriptionError> {
        let endpoint = Endpoint::parse(endpoint)?;
        let mut public = [0; POINT_BYTES];
        decode(p256dh, &mut public).ok_or(SubscriptionError::Key)?;
        // aws-lc also takes the hybrid and compressed forms; push allows the uncompressed one alone.
        let parsed = ParsedPublicKey::try_from(UnparsedPublicKey::new(&ECDH_P256, public.as_slice()))
            .map_err(|_| SubscriptionError::Key)?;
        if public.first() != Some(&4) || parsed.alg() != &ECDH_P256 {
            return Err(SubscriptionError::Key);
        }
        let mut secret = Zeroizing::new([0; 16]);
        decode(auth, secret.as_mut()).ok_or(SubscriptionError::Auth)?;
        Ok(Self { endpoint, public, auth: secret })
    }

    /// Where to send.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The browser's public key, `p256dh`.
    #[must_use]
    pub fn public(&self) -> &[u8; POINT_BYTES] {
        &self.public
    }

    /// The authentication secret, `auth`.
    #[must_use]
    pub fn auth(&self) -> &[u8; 16] {
        &self.auth
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Decodes exactly `out.len()` bytes.
fn decode(text: &str, out: &mut [u8]) -> Option<()> {
    // The longest field has 65 bytes, 88 characters with padding.
    if text.len() > 88 {
        return None;
    }
    let bytes = Zeroizing::new(BASE64URL.decode(text).ok()?);
    if bytes.len() != out.len() {
        return None;
    }
    out.copy_from_slice(&bytes);
    Some(())
}

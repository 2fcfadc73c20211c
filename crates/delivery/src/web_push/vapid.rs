//! VAPID (RFC 8292): who sends, signed for one push service at a time.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::Entropy;
use super::keys::{self, POINT_BYTES};
use crate::gate::is_under;

/// Lifetime of a token, in seconds. RFC 8292 allows 24 hours; half of it leaves room for wrong clocks on either side.
pub const TOKEN_LIFETIME_S: i64 = 12 * 3600;
/// A cached token with less than this left is replaced, in seconds.
pub const TOKEN_RENEW_S: i64 = 3600;
/// Most push services whose token is kept. Endpoints are named by phones, so the cache must not grow with them.
pub const MAX_CACHED_AUDIENCES: usize = 256;
/// Longest subject, in bytes.
const MAX_SUBJECT_BYTES: usize = 256;
/// Names that never reach anybody outside (RFC 2606, RFC 6761, RFC 6762). Apple answers 403 `BadJwtToken` to them.
const UNREACHABLE_SUFFIXES: [&str; 6] = ["localhost", "local", "invalid", "test", "example", "internal"];
const EXAMPLE_DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];

/// Why a contact cannot be the VAPID subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// Neither `mailto:` nor `https:`.
    #[error("the push contact must start with `mailto:` or `https:`; use for instance mailto:it@your-domain")]
    Scheme,
    /// A `mailto:` without exactly one usable address.
    #[error(
        "the push contact is not one plain mail address (international names as xn--...); use for instance mailto:it@your-domain"
    )]
    Address,
    /// An `https:` address that does not parse or carries a user name.
    #[error("the push contact is not a usable https address; use for instance https://your-domain/contact")]
    Link,
    /// An IP address or a name without a dot.
    #[error("the push contact's host `{0}` is not a public name; Apple refuses it and iPhones would get no push")]
    NotPublic(String),
    /// A name reserved for tests or local networks.
    #[error("the push contact's host `{0}` is reserved; Apple refuses it and iPhones would get no push")]
    Reserved(String),
    /// Too long.
    #[error("the push contact is longer than {MAX_SUBJECT_BYTES} bytes")]
    TooLong,
}

/// The operator's contact, sent to every push service (RFC 8292 section 2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VapidSubject(String);

impl VapidSubject {
    /// Accepts `mailto:` and `https:` contacts on a public name; refuses what Apple's push service would refuse, so
    /// that a bad contact stops the start and not the iPhones alone.
    ///
    /// # Errors
    /// Says what is wrong and what to write instead.
    pub fn parse(text: &str) -> Result<Self, SubjectError> {
        if text.len() > MAX_SUBJECT_BYTES {
            return Err(SubjectError::TooLong);
        }
        let host = if let Some(address) = text.strip_prefix("mailto:") {
            mail_host(address)?
        } else if text.starts_with("https:") {
            link_host(text)?
        } else {
            return Err(SubjectError::Scheme);
        };
        public_name(&host)?;
        Ok(Self(text.to_owned()))
    }

    /// The subject as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn mail_host(address: &str) -> Result<String, SubjectError> {
    let (local, domain) = address.split_once('@').ok_or(SubjectError::Address)?;
    let plain = |c: char| c.is_ascii_graphic() && !"\"(),:;<>[]\\@?&#%".contains(c);
    if local.is_empty() || domain.is_empty() || !address.replacen('@', "", 1).chars().all(plain) {
        return Err(SubjectError::Address);
    }
    match Host::parse(domain) {
        Ok(Host::Domain(name)) => Ok(name),
        Ok(other) => Err(SubjectError::NotPublic(other.to_string())),
        Err(_) => Err(SubjectError::Address),
    }
}

fn link_host(text: &str) -> Result<String, SubjectError> {
    let url = Url::parse(text).map_err(|_| SubjectError::Link)?;
    // The claim is sent as typed: "https:host" parses like "https://host"; push services read the claim more strictly.
    if !text.starts_with("https://") || !text.is_ascii() || !url.username().is_empty() || url.password().is_some() {
        return Err(SubjectError::Link);
    }
    match url.host() {
        Some(Host::Domain(name)) => Ok(name.to_owned()),
        Some(other) => Err(SubjectError::NotPublic(other.to_string())),
        None => Err(SubjectError::Link),
    }
}

fn public_name(host: &str) -> Result<(), SubjectError> {
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let last = name.rsplit('.').next().unwrap_or_default();
    if UNREACHABLE_SUFFIXES.contains(&last) || EXAMPLE_DOMAINS.iter().any(|domain| is_under(&name, domain)) {
        return Err(SubjectError::Reserved(name));
    }
    if !name.contains('.') || name.split('.').any(str::is_empty) {
        return Err(SubjectError::NotPublic(name));
    }
    Ok(())
}

/// What can go wrong with the VAPID key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VapidError {
    /// The stored bytes are no PKCS#8 P-256 key.
    #[error(
        "the push key is not a P-256 key in PKCS#8; restore it from a backup (a new one makes every phone re-subscribe)"
    )]
    Key,
    /// No valid key could be drawn.
    #[error("the source of randomness gave no usable key; check the system's entropy source")]
    Randomness,
    /// The cryptographic library refused to sign.
    #[error("the cryptographic library refused to sign the push token")]
    Sign,
}

/// The installation's push key. One for ever: every subscription is bound to it.
pub struct VapidKey {
    signing: EncodingKey,
    pkcs8: Zeroizing<Vec<u8>>,
    public: [u8; POINT_BYTES],
}

impl VapidKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`VapidError::Randomness`] if the source is broken.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, VapidError> {
        let (scalar, private) = keys::draw(entropy).ok_or(VapidError::Randomness)?;
        let public = keys::public_point(&private).ok_or(VapidError::Key)?;
        let alg = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(alg, scalar.as_ref(), &public)
            .map_err(|_| VapidError::Key)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| VapidError::Key)?;
        Self::from_pkcs8(pkcs8.as_ref())
    }

    /// Loads a stored key (DER).
    ///
    /// # Errors
    /// [`VapidError::Key`] if it is not a P-256 key in PKCS#8.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, VapidError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(|_| VapidError::Key)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| VapidError::Key)?;
        Ok(Self { signing: EncodingKey::from_ec_der(der), pkcs8: Zeroizing::new(der.to_vec()), public })
    }

    /// The key as PKCS#8 DER, for the store. A secret (INV-24).
    #[must_use]
    pub fn to_pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public key as the browser wants it in `applicationServerKey`: the uncompressed point in base64url.
    #[must_use]
    pub fn public_base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.public)
    }
}

impl std::fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VapidKey").field("public", &self.public_base64url()).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    exp: i64,
    sub: &'a str,
}

struct Cached {
    issued_s: i64,
    header: HeaderValue,
}

/// Makes `Authorization` headers and keeps them for hours: signing costs more than the rest of a push.
pub struct VapidSigner {
    key: VapidKey,
    public: String,
    subject: VapidSubject,
    cache: RwLock<HashMap<Box<str>, Cached>>,
}

impl VapidSigner {
    /// A signer with an empty cache.
    #[must_use]
    pub fn new(key: VapidKey, subject: VapidSubject) -> Self {
        let public = key.public_base64url();
        Self { key, public, subject, cache: RwLock::new(HashMap::new()) }
    }

    /// The public key in base64url.
    #[must_use]
    pub fn public_base64url(&self) -> &str {
        &self.public
    }

    /// `vapid t=..., k=...` (RFC 8292 section 3) for one audience, the endpoint's origin. Marked sensitive, so that
    /// HTTP tracing hides it.
    ///
    /// # Errors
    /// [`VapidError::Sign`] if the library refuses.
    pub fn authorization(&self, audience: &str, now_ms: i64) -> Result<HeaderValue, VapidError> {
        let now_s = now_ms.div_euclid(1000);
        let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = cache.get(audience)
            && usable(found.issued_s, now_s)
        {
            return Ok(found.header.clone());
        }
        drop(cache);

        let header = self.sign(audience, now_s)?;
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= MAX_CACHED_AUDIENCES && !cache.contains_key(audience) {
            let oldest = cache.iter().min_by_key(|(_, cached)| cached.issued_s).map(|(name, _)| name.clone());
            if let Some(name) = oldest {
                cache.remove(&name);
            }
        }
        cache.insert(audience.into(), Cached { issued_s: now_s, header: header.clone() });
        Ok(header)
    }

    fn sign(&self, audience: &str, now_s: i64) -> Result<HeaderValue, VapidError> {
        let claims = Claims { aud: audience, exp: now_s.saturating_add(TOKEN_LIFETIME_S), sub: self.subject.as_str() };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.key.signing)
            .map_err(|_| VapidError::Sign)?;
        let mut header =
            HeaderValue::try_from(format!("vapid t={token}, k={}", self.public)).map_err(|_| VapidError::Sign)?;
        header.set_sensitive(true);
        Ok(header)
    }
}

/// Neither from the future (a clock set back must not lengthen a token past the allowed day) nor nearly expired.
fn usable(issued_s: i64, now_s: i64) -> bool {
    (0..TOKEN_LIFETIME_S - TOKEN_RENEW_S).contains(&now_s.saturating_sub(issued_s))
}

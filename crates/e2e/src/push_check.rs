//! What a push service checks before it takes a message (RFC 8030, 8188, 8291, 8292), as strictly as the strictest.

use crate::web::Request;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use std::time::{SystemTime, UNIX_EPOCH};

/// Longest encrypted body, in bytes (RFC 8291, section 4).
const MAX_BODY_BYTES: usize = 4096;
/// Salt 16, record size 4, key length 1, key 65 (RFC 8188, section 2.1), and at least padding delimiter and tag.
const MIN_BODY_BYTES: usize = 86 + 1 + 16;
/// Longest life of a VAPID token, in seconds (RFC 8292, section 2).
const MAX_TOKEN_SECONDS: u64 = 24 * 60 * 60;
/// Longest topic, in characters (RFC 8030, section 5.4).
const MAX_TOPIC: usize = 32;

/// What the sender asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Seconds to keep the message for a browser that is away.
    pub ttl: u32,
    /// `very-low`, `low`, `normal` or `high`.
    pub urgency: Option<String>,
    /// A newer message of this topic replaces an older one that waits.
    pub topic: Option<String>,
    /// The sender's VAPID public key, as sent (base64url).
    pub key: String,
    /// The contact that the sender names.
    pub subject: String,
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    exp: u64,
    sub: String,
}

/// Why a message is refused: the status that a push service answers, and the reason.
pub type Refusal = (u16, String);

/// Checks a `POST` on an endpoint. `origin` is the endpoint's scheme, host and port; `pinned` the key that the browser
/// gave when it subscribed.
///
/// # Errors
/// The status with which a push service refuses this, and why.
pub fn check(request: &Request, origin: &str, pinned: Option<&str>) -> Result<Terms, Refusal> {
    let header = |name: &str| request.header(name);
    let ttl = header("ttl").ok_or((400, "no TTL".to_owned()))?;
    let ttl = ttl.parse().map_err(|_| (400, format!("TTL is not a number of seconds: {ttl}")))?;
    if header("content-encoding") != Some("aes128gcm") {
        return Err((400, format!("Content-Encoding is {:?}, not aes128gcm", header("content-encoding"))));
    }
    if request.body.len() > MAX_BODY_BYTES {
        return Err((413, format!("the body has {} bytes, more than {MAX_BODY_BYTES}", request.body.len())));
    }
    if request.body.len() < MIN_BODY_BYTES || request.body[20] != 65 {
        return Err((400, "the body has no aes128gcm header with a P-256 key".to_owned()));
    }
    let urgency = header("urgency").map(str::to_owned);
    if let Some(other) = &urgency
        && !["very-low", "low", "normal", "high"].contains(&other.as_str())
    {
        return Err((400, format!("unknown Urgency: {other}")));
    }
    let topic = header("topic").map(str::to_owned);
    let in_alphabet = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if let Some(other) = &topic
        && (other.is_empty() || other.len() > MAX_TOPIC || !other.chars().all(in_alphabet))
    {
        return Err((400, format!("Topic is not up to {MAX_TOPIC} characters of base64url: {other}")));
    }
    let (key, subject) = check_vapid(header("authorization").unwrap_or_default(), origin, pinned)?;
    Ok(Terms { ttl, urgency, topic, key, subject })
}

fn check_vapid(authorization: &str, origin: &str, pinned: Option<&str>) -> Result<(String, String), Refusal> {
    let denied = |why: String| (403, why);
    let parameters = authorization.strip_prefix("vapid ").ok_or((401, "no vapid authorization".to_owned()))?;
    let value = |name: &str| {
        let mut pairs = parameters.split(',').filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let (Some(token), Some(key)) = (value("t"), value("k")) else {
        return Err((401, "vapid authorization without t or k".to_owned()));
    };
    if let Some(pinned) = pinned
        && key.trim_end_matches('=') != pinned.trim_end_matches('=')
    {
        return Err(denied("the key is not the one of the subscription".to_owned()));
    }
    let point = URL_SAFE_NO_PAD.decode(key).map_err(|error| denied(format!("k is not base64url: {error}")))?;
    if point.len() != 65 || point[0] != 4 {
        return Err(denied("k is not an uncompressed P-256 point".to_owned()));
    }
    let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let verifier = DecodingKey::from_ec_components(&coordinate(&point[1..33]), &coordinate(&point[33..]))
        .map_err(|error| denied(format!("k: {error}")))?;
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_audience(&[origin]);
    rules.set_required_spec_claims(&["aud", "exp", "sub"]);
    rules.leeway = 0;
    let claims = jsonwebtoken::decode::<Claims>(token, &verifier, &rules)
        .map_err(|error| denied(format!("the token for {origin} is refused: {error}")))?
        .claims;
    if claims.aud != origin {
        return Err(denied(format!("aud is {}, not {origin}", claims.aud)));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    if claims.exp > now + MAX_TOKEN_SECONDS {
        return Err(denied("the token lives longer than 24 hours".to_owned()));
    }
    check_subject(&claims.sub).map_err(denied)?;
    Ok((key.to_owned(), claims.sub))
}

/// Apple refuses contacts that cannot be reached.
fn check_subject(subject: &str) -> Result<(), String> {
    let host = match (subject.strip_prefix("mailto:"), subject.strip_prefix("https:")) {
        (Some(address), _) => address.rsplit_once('@').map(|(_, host)| host.to_owned()),
        (_, Some(_)) => url::Url::parse(subject).ok().and_then(|url| url.host_str().map(str::to_owned)),
        _ => None,
    };
    let host = host.ok_or_else(|| format!("sub is neither mailto: nor https: {subject}"))?;
    let unreachable = host == "localhost" || [".localhost", ".local", ".invalid"].iter().any(|end| host.ends_with(end));
    if unreachable || host.contains(' ') || subject.contains(['<', '>']) {
        return Err(format!("sub names a contact that cannot be reached: {subject}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts() {
        for good in ["mailto:admin@example.com", "https://example.com/contact"] {
            assert_eq!(check_subject(good), Ok(()), "{good}");
        }
        for bad in
            ["admin@example.com", "mailto:admin", "mailto:root@localhost", "https://nod.local/", "mailto: <a@b.c>"]
        {
            assert!(check_subject(bad).is_err(), "{bad}");
        }
    }
}

use std::thread;

use http::HeaderValue;
use nod_delivery::web_push::{
    MAX_CACHED_AUDIENCES, SubjectError, TOKEN_LIFETIME_S, TOKEN_RENEW_S, VapidError, VapidKey, VapidSigner,
    VapidSubject,
};

use crate::stub::check_vapid;
use crate::support::{NOW_MS, Seeded};

const AUDIENCE: &str = "https://push.corp-site.net:8443";

fn signer() -> VapidSigner {
    let key = VapidKey::generate(&Seeded::new(9)).unwrap();
    VapidSigner::new(key, VapidSubject::parse("mailto:it@corp-site.net").unwrap())
}

fn claims(header: &HeaderValue, audience: &str) -> serde_json::Value {
    check_vapid(header.to_str().unwrap(), audience).unwrap().0
}

#[test]
fn a_token_verifies_and_names_audience_expiry_and_contact() {
    let signer = signer();
    let header = signer.authorization(AUDIENCE, NOW_MS).unwrap();
    assert!(header.is_sensitive(), "HTTP tracing would print it");
    let (claims, key) = check_vapid(header.to_str().unwrap(), AUDIENCE).unwrap();
    assert_eq!(key, signer.public_base64url());
    assert_eq!(claims["exp"], NOW_MS / 1000 + TOKEN_LIFETIME_S);
    assert_eq!(claims["sub"], "mailto:it@corp-site.net");
    assert!(check_vapid(header.to_str().unwrap(), "https://push.corp-site.net").is_err(), "the port belongs to it");
}

#[test]
fn a_token_is_kept_until_its_last_hour_and_not_across_a_clock_set_back() {
    let signer = signer();
    let first = signer.authorization(AUDIENCE, NOW_MS).unwrap();
    let last_use = NOW_MS + (TOKEN_LIFETIME_S - TOKEN_RENEW_S) * 1000 - 1;
    assert_eq!(signer.authorization(AUDIENCE, last_use).unwrap(), first);
    let renewed = signer.authorization(AUDIENCE, last_use + 1).unwrap();
    assert_ne!(renewed, first);
    let set_back = signer.authorization(AUDIENCE, NOW_MS - 3_600_000).unwrap();
    assert_eq!(claims(&set_back, AUDIENCE)["exp"], NOW_MS / 1000 - 3600 + TOKEN_LIFETIME_S);
}

#[test]
fn audiences_have_their_own_tokens_and_the_cache_is_bounded() {
    let signer = signer();
    let first = signer.authorization("https://a0.net", NOW_MS).unwrap();
    for n in 1..=MAX_CACHED_AUDIENCES {
        let audience = format!("https://a{n}.net");
        let header = signer.authorization(&audience, NOW_MS + n as i64 * 1000).unwrap();
        assert_eq!(claims(&header, &audience)["aud"], audience);
    }
    // The oldest was dropped: asked again it is signed anew (ECDSA is randomised), the newest is still there.
    assert_ne!(signer.authorization("https://a0.net", NOW_MS).unwrap(), first);
    let newest = format!("https://a{MAX_CACHED_AUDIENCES}.net");
    let late = NOW_MS + MAX_CACHED_AUDIENCES as i64 * 1000;
    assert_eq!(signer.authorization(&newest, late).unwrap(), signer.authorization(&newest, late).unwrap());
}

#[test]
fn many_threads_share_one_token() {
    let signer = signer();
    let first = signer.authorization(AUDIENCE, NOW_MS).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(signer.authorization(AUDIENCE, NOW_MS + 1).unwrap(), first));
        }
    });
}

#[test]
fn a_key_survives_the_store_and_stays_out_of_debug_output() {
    let key = VapidKey::generate(&Seeded::new(4)).unwrap();
    let again = VapidKey::from_pkcs8(key.to_pkcs8()).unwrap();
    assert_eq!(again.public_base64url(), key.public_base64url());
    assert_eq!(again.public_base64url().len(), 87);
    assert!(again.public_base64url().starts_with('B'), "an uncompressed point");
    let same_seed = VapidKey::generate(&Seeded::new(4)).unwrap();
    assert_eq!(same_seed.to_pkcs8(), key.to_pkcs8(), "randomness is an argument");
    assert_eq!(VapidKey::from_pkcs8(b"nonsense").err(), Some(VapidError::Key));
    assert_eq!(format!("{key:?}"), format!("VapidKey {{ public: \"{}\", .. }}", key.public_base64url()));
}

#[test]
fn contacts() {
    for good in [
        "mailto:it@corp-site.net",
        "mailto:it+push@mail.corp-site.co.uk",
        "https://corp-site.net",
        "https://corp-site.net/contact",
        "mailto:it@xn--mnchen-3ya.de",
    ] {
        assert!(VapidSubject::parse(good).is_ok(), "{good}");
    }
    let reserved = |name: &str| Some(SubjectError::Reserved(name.into()));
    let not_public = |name: &str| Some(SubjectError::NotPublic(name.into()));
    for (bad, why) in [
        ("", Some(SubjectError::Scheme)),
        ("it@corp-site.net", Some(SubjectError::Scheme)),
        ("http://corp-site.net", Some(SubjectError::Scheme)),
        ("tel:+4912345", Some(SubjectError::Scheme)),
        ("mailto:", Some(SubjectError::Address)),
        ("mailto:it", Some(SubjectError::Address)),
        ("mailto:@corp-site.net", Some(SubjectError::Address)),
        ("mailto:it@", Some(SubjectError::Address)),
        ("mailto:it@a@corp-site.net", Some(SubjectError::Address)),
        ("mailto:it <it@corp-site.net>", Some(SubjectError::Address)),
        ("mailto:it@corp-site.net?subject=x", Some(SubjectError::Address)),
        ("mailto:it@m\u{fc}nchen.de", Some(SubjectError::Address)),
        ("https://m\u{fc}nchen.de", Some(SubjectError::Link)),
        ("mailto:it@localhost", reserved("localhost")),
        ("mailto:it@nod.local", reserved("nod.local")),
        ("mailto:it@nod.LOCAL", reserved("nod.local")),
        ("mailto:it@nod.invalid", reserved("nod.invalid")),
        ("mailto:it@nod.test", reserved("nod.test")),
        ("mailto:it@nod.example", reserved("nod.example")),
        ("mailto:it@example.com", reserved("example.com")),
        ("mailto:it@mail.example.org", reserved("mail.example.org")),
        ("mailto:it@server", not_public("server")),
        ("mailto:it@192.0.2.1", not_public("192.0.2.1")),
        ("https://localhost/contact", reserved("localhost")),
        ("https://127.0.0.1", not_public("127.0.0.1")),
        ("https://user:pw@corp-site.net", Some(SubjectError::Link)),
        ("https:corp-site.net", Some(SubjectError::Link)),
        ("https://", Some(SubjectError::Link)),
    ] {
        assert_eq!(VapidSubject::parse(bad).err(), why, "{bad}");
    }
    assert_eq!(VapidSubject::parse(&format!("mailto:{}@a.net", "x".repeat(300))).err(), Some(SubjectError::TooLong));
}

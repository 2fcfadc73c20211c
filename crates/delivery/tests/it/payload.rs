//! What a push says: INV-04, P18.

use nod_delivery::gate::{Gate, GateError};
use nod_delivery::web_push::{
    Endpoint, Kind, MAX_CONTENT_BYTES, MAX_ENDPOINT_BYTES, Message, OriginError, PublicOrigin, PushId, Subscription,
    SubscriptionError, VapidSubject, render,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Browser, ID, NOW_MS, ORIGIN, message};

fn rendered(message: &Message) -> Value {
    serde_json::from_slice(&render(message, &PublicOrigin::parse(ORIGIN).unwrap()).unwrap()).unwrap()
}

/// P18: this is all that a lock screen or a push service that broke the encryption could see.
#[test]
fn the_whole_doorbell() {
    assert_eq!(
        rendered(&message()),
        json!({
            "web_push": 8030,
            "notification": {
                "title": "Sign-in request",
                "body": "Tap to see it and answer.",
                "navigate": format!("{ORIGIN}/authenticator#request={ID}"),
                "tag": ID,
                "silent": false,
            },
            "app_badge": 2,
            "mutable": true,
            "nod": {"kind": "request", "id": ID, "expires": NOW_MS + 45_500},
        })
    );
}

#[test]
fn a_test_push_says_so() {
    let test = rendered(&Message { kind: Kind::Test, pending: 5000, ..message() });
    assert_eq!(test["nod"]["kind"], "test");
    assert_eq!(test["notification"]["navigate"], format!("{ORIGIN}/authenticator#test={ID}"));
    assert_eq!(test["app_badge"], 99);
}

#[test]
fn the_longest_message_fits_one_push() {
    let origin = PublicOrigin::parse(&format!("https://{}.net", vec!["a".repeat(63); 4].join("."))).unwrap();
    for kind in [Kind::Request, Kind::Test] {
        let longest = Message { kind, expires_ms: i64::MIN, pending: u32::MAX, ..message() };
        assert!(render(&longest, &origin).unwrap().len() <= MAX_CONTENT_BYTES);
    }
}

#[test]
fn ids_are_22_characters_of_base64url() {
    assert_eq!(PushId::parse(ID).unwrap().as_str(), ID);
    for bad in ["", "short", "AbCdEfGhIjKlMnOpQr-_123", "AbCdEfGhIjKlMnOpQr-/12", "AbCdEfGhIjKlMnOpQr-\u{e9}1"] {
        assert!(PushId::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn origins() {
    for (text, kept) in [
        ("https://nod.corp-site.net", "https://nod.corp-site.net"),
        ("https://nod.corp-site.net/", "https://nod.corp-site.net"),
        ("https://nod.corp-site.net:8443", "https://nod.corp-site.net:8443"),
        ("http://nod.localhost:8080", "http://nod.localhost:8080"),
    ] {
        assert_eq!(PublicOrigin::parse(text).unwrap().as_str(), kept);
    }
    for bad in [
        "",
        "nod.corp-site.net",
        "http://nod.corp-site.net",
        "https://nod.corp-site.net/path",
        "https://nod.corp-site.net?x",
        "https://nod.corp-site.net#x",
        "https://user@nod.corp-site.net",
        "ftp://nod.corp-site.net",
        "javascript:alert(1)",
    ] {
        assert_eq!(PublicOrigin::parse(bad), Err(OriginError::Form), "{bad}");
    }
}

#[test]
fn endpoints_and_their_audience() {
    for (text, audience) in [
        ("https://push.corp-site.net/x", "https://push.corp-site.net"),
        ("https://push.corp-site.net:443/x", "https://push.corp-site.net"),
        ("https://Push.Corp-Site.net:8443/x?y=z", "https://push.corp-site.net:8443"),
        ("http://127.0.0.1:80/x", "http://127.0.0.1"),
        ("https://[2606:4700::1]:8443/x", "https://[2606:4700::1]:8443"),
    ] {
        assert_eq!(Endpoint::parse(text).unwrap().audience(), audience);
    }
    for (bad, why) in [
        ("", GateError::NotAnAddress),
        ("/x", GateError::NotAnAddress),
        ("https://", GateError::NotAnAddress),
        ("https://a.net:0/x", GateError::NotAnAddress),
        ("https://a.net:99999/x", GateError::NotAnAddress),
        ("https://me@a.net/x", GateError::NotAnAddress),
        ("https://:pw@a.net/x", GateError::NotAnAddress),
        ("https://a.net/x#y", GateError::NotAnAddress),
        ("file:///etc/passwd", GateError::Scheme),
        ("gopher://a.net/x", GateError::Scheme),
        ("unix:/run/x.sock", GateError::Scheme),
    ] {
        assert_eq!(Endpoint::parse(bad), Err(why), "{bad}");
    }
    let long = format!("https://a.net/{}", "x".repeat(MAX_ENDPOINT_BYTES));
    assert_eq!(Endpoint::parse(&long), Err(GateError::TooLong));
}

#[test]
fn subscriptions() {
    let parse = |key: &str, auth: &str| Subscription::parse("https://a.net/secret-path", key, auth).err();
    let (key, auth) = (
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
    );
    assert_eq!(parse(key, auth), None);
    assert_eq!(parse(&format!("{key}="), &format!("{auth}==")), None, "padding is harmless");
    assert_eq!(parse("", auth), Some(SubscriptionError::Key));
    assert_eq!(parse(key.strip_suffix("IAiw4").unwrap(), auth), Some(SubscriptionError::Key));
    assert_eq!(parse(&key.replace("BCV", "BCW"), auth), Some(SubscriptionError::Key), "not on the curve");
    assert_eq!(parse(&"A".repeat(5000), auth), Some(SubscriptionError::Key));
    assert_eq!(parse(key, "BTBZ"), Some(SubscriptionError::Auth));
    assert_eq!(parse(key, "not base64url!"), Some(SubscriptionError::Auth));
    let bad_endpoint = Subscription::parse("https://secret@a.net/", key, auth).unwrap_err();
    assert!(!bad_endpoint.to_string().contains("secret"), "INV-24");
}

/// INV-24: an endpoint is a capability, `auth` a secret.
#[test]
fn debug_output_keeps_secrets() {
    let browser = Browser::new(1);
    let text = format!("{:?}", browser.subscription("https://a.net/secret-path"));
    assert_eq!(text, "Subscription { endpoint: Endpoint(https://a.net/…), .. }");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    /// Strangers' texts are refused or kept in bounds; nothing panics, nothing insecure passes.
    #[test]
    fn any_text_is_judged(text in "\\PC{0,60}|(https?|mailto|ftp)://?[a-z0-9.@:\\[\\]%_-]{0,40}(/[ -~]{0,20})?") {
        if let Ok(endpoint) = Endpoint::parse(&text)
            && Gate::new(false).check_url(endpoint.url()).is_ok()
        {
            prop_assert!(endpoint.audience().starts_with("https://"));
            prop_assert!(endpoint.url().username().is_empty() && endpoint.url().fragment().is_none());
        }
        if let Ok(origin) = PublicOrigin::parse(&text) {
            prop_assert_eq!(PublicOrigin::parse(origin.as_str()).unwrap(), origin);
        }
        if let Ok(subject) = VapidSubject::parse(&text) {
            prop_assert!(subject.as_str().is_ascii() && subject.as_str().contains('.'));
        }
        prop_assert!(Subscription::parse("https://a.net/x", &text, &text).is_err());
    }
}

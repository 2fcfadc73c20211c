//! Bodies of the device API against the contract's text.

use nod_protocol::device_api::{
    AnswerRequest, EnrolRequest, ErrorBody, ErrorCode, Notifications, SessionRequest, StageRequest,
    SubscriptionRequest, paths,
};
use nod_protocol::pages::{EnrolStatus, SignInStatus};
use nod_protocol::{Id, Jwk};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answers::key;

/// Reads the body, and checks that it is written the same again and that an unknown member is refused.
fn check<T: Serialize + DeserializeOwned>(body: Value) {
    let read: T = serde_json::from_value(body.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), body);
    let mut more = body;
    more["more"] = json!(1);
    assert!(serde_json::from_value::<T>(more).is_err(), "an unknown member was taken");
}

#[test]
fn requests_have_the_form_of_the_contract() {
    let jwk: Jwk = *key(1).jwk();
    let id = Id([1; 16]);
    check::<EnrolRequest>(json!({"code": "ABCD2345", "name": "Pixel 9", "platform": "android", "key": jwk}));
    check::<SessionRequest>(json!({"devices": ["a.b.c"]}));
    check::<StageRequest>(json!({"request": id, "stage": "worker_woke"}));
    check::<AnswerRequest>(json!({"answer": "a.b.c", "assertion": null}));
    check::<SubscriptionRequest>(json!({"subscription": null, "notifications": "unavailable"}));
    check::<SubscriptionRequest>(json!({
        "subscription": {"endpoint": "https://push.example/1", "expirationTime": null,
            "keys": {"p256dh": "AAAA", "auth": "AAAA"}},
        "notifications": "granted"}));
}

#[test]
fn a_member_that_may_be_null_must_still_be_there() {
    assert!(serde_json::from_value::<AnswerRequest>(json!({"answer": "a.b.c"})).is_err());
    assert!(serde_json::from_value::<SubscriptionRequest>(json!({"notifications": "granted"})).is_err());
    assert!(serde_json::from_value::<Notifications>(json!("denied")).is_err());
}

#[test]
fn statuses_have_the_form_of_the_contract() {
    let sign_in = json!({"phase": "waiting", "outcome": null, "devices": ["Pixel 9"], "number": "012345", "sent": true,
        "reached": false, "opened": false, "answered": false, "expires_at": 2, "now": 1, "can_resend": false,
        "can_type_code": false, "can_recover": true, "held_until": null, "known_browser": false, "app": "Wiki", "location": null});
    let read: SignInStatus = serde_json::from_value(sign_in.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), sign_in);
    let enrol = json!({"step": "confirm", "user": "ann", "code": "ABCD2345", "link": "l", "qr": "<svg/>", "expires_at": 2,
        "now": 1, "device": {"name": "Pixel 9", "missing": ["passkey", "notifications", "confirmation"]},
        "on_hold": true, "held_until": 3, "can_use_key": false});
    let read: EnrolStatus = serde_json::from_value(enrol.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), enrol);
}

#[test]
fn errors_have_their_codes_and_statuses() {
    let words: Vec<(Value, u16)> =
        ErrorCode::ALL.iter().map(|code| (serde_json::to_value(code).unwrap(), code.status())).collect();
    let contract = [
        ("bad_request", 400),
        ("not_signed_in", 401),
        ("bad_signature", 401),
        ("forbidden", 403),
        ("not_found", 404),
        ("conflict", 409),
        ("gone", 410),
        ("too_large", 413),
        ("wrong_number", 422),
        ("wrong_code", 422),
        ("too_many", 429),
        ("unavailable", 503),
    ];
    assert_eq!(words, contract.map(|(word, status)| (json!(word), status)));
    let body = ErrorBody { error: ErrorCode::Gone, message: "Too late.".to_owned() };
    assert_eq!(serde_json::to_value(body).unwrap(), json!({"error": "gone", "message": "Too late."}));
}

#[test]
fn filled_paths_match_their_patterns() {
    let id = Id([1; 16]);
    let text = id.to_string();
    for (filled, pattern) in [
        (paths::enrol_state(&id), paths::ENROL_STATE),
        (paths::request(&id), paths::REQUEST),
        (paths::answer(&id), paths::ANSWER),
        (paths::self_test(&id), paths::SELF_TEST_STATE),
        (paths::device(&id), paths::DEVICE),
    ] {
        let from_pattern =
            ["{device}", "{id}", "{test}"].iter().fold(pattern.to_owned(), |p, name| p.replace(name, &text));
        assert_eq!(filled, from_pattern);
    }
}

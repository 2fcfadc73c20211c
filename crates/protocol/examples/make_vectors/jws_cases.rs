//! Answers and device sign-in.

use nod_protocol::answer::{AnswerPayload, Decision, sign_answer};
use nod_protocol::checkpoint::{CheckpointPayload, sign_checkpoint};
use nod_protocol::device_sign_in::{DeviceSignInPayload, sign_device_sign_in};
use nod_protocol::{Bytes32, Id, SigningKey, b64, sha256};
use serde_json::{Value, json};

use crate::{ORIGIN, accept, device_key, other_key, refuse};

fn payload(decision: Decision, number: Option<&str>) -> AnswerPayload {
    AnswerPayload {
        challenge: Id([0xA1; 16]),
        version: 3,
        nonce: Bytes32([0xB2; 32]),
        decision,
        context_sha256: Bytes32(sha256(b"the context bytes as sent")),
        number: number.map(|digits| digits.parse().unwrap()),
        device: Id([0xD4; 16]),
        kid: device_key().jwk().thumbprint(),
        origin: ORIGIN.to_owned(),
        exp: 1_790_000_060,
    }
}

fn header(typ: &str) -> String {
    format!(r#"{{"alg":"ES256","typ":"{typ}","kid":"{}"}}"#, device_key().jwk().thumbprint())
}

/// Signs any header and payload, right or wrong.
fn sign_raw(key: &SigningKey, header: &str, payload: &[u8]) -> String {
    let input = format!("{}.{}", b64::encode(header), b64::encode(payload));
    let signature = key.sign_jws(input.as_bytes()).unwrap();
    format!("{input}.{}", b64::encode(signature))
}

fn input(jws: &str) -> Value {
    json!({"jws": jws, "key": device_key().jwk()})
}

fn signature_refusals(typ: &str, good: &str, payload: &str) -> Vec<Value> {
    let key = device_key();
    let parts: Vec<&str> = good.split('.').collect();
    let signature = b64::decode(parts[2]).unwrap();
    let resigned = |bytes: &[u8]| input(&format!("{}.{}.{}", parts[0], parts[1], b64::encode(bytes)));
    let mut flipped = signature.clone();
    flipped[40] ^= 1;
    let der = key.sign_webauthn(format!("{}.{}", parts[0], parts[1]).as_bytes()).unwrap();
    let other_payload = payload.replace("nod.example.com", "evil.example.com");
    vec![
        refuse("another key is offered", "wrong_key", json!({"jws": good, "key": other_key().jwk()})),
        refuse(
            "signed by another key under this kid",
            "bad_signature",
            input(&sign_raw(&other_key(), &header(typ), payload.as_bytes())),
        ),
        refuse(
            "payload exchanged",
            "bad_signature",
            input(&format!("{}.{}.{}", parts[0], b64::encode(other_payload), parts[2])),
        ),
        refuse("one bit of the signature", "bad_signature", resigned(&flipped)),
        refuse("signature of zeros", "bad_signature", resigned(&[0; 64])),
        refuse("signature cut short", "malformed", resigned(&signature[..63])),
        refuse("signature in DER", "malformed", resigned(&der)),
        refuse("signature missing", "malformed", input(&format!("{}.{}.", parts[0], parts[1]))),
        refuse("two parts", "malformed", input(&format!("{}.{}", parts[0], parts[1]))),
        refuse("four parts", "malformed", input(&format!("{good}.AAAA"))),
        refuse("empty text", "malformed", input("")),
        refuse("padding", "malformed", input(&format!("{good}=="))),
        refuse("white space around", "malformed", input(&format!(" {good}"))),
        refuse("longer than 4096 bytes", "too_long", input(&format!("{good}{}", "A".repeat(4096)))),
    ]
}

fn header_refusals(typ: &str, other_typ: &str, payload: &str) -> Vec<Value> {
    let key = device_key();
    let kid = key.jwk().thumbprint();
    let other_kid = other_key().jwk().thumbprint();
    let headed = |header: String| input(&sign_raw(&key, &header, payload.as_bytes()));
    vec![
        refuse("alg none", "wrong_algorithm", headed(format!(r#"{{"alg":"none","typ":"{typ}","kid":"{kid}"}}"#))),
        refuse("alg HS256", "wrong_algorithm", headed(format!(r#"{{"alg":"HS256","typ":"{typ}","kid":"{kid}"}}"#))),
        refuse("alg ES384", "wrong_algorithm", headed(format!(r#"{{"alg":"ES384","typ":"{typ}","kid":"{kid}"}}"#))),
        refuse("typ of another object", "wrong_type", headed(header(other_typ))),
        refuse("typ JWT", "wrong_type", headed(header("JWT"))),
        refuse("typ in capitals", "wrong_type", headed(header(&typ.to_uppercase()))),
        refuse("typ missing", "malformed", headed(format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#))),
        refuse("kid missing", "malformed", headed(format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#))),
        refuse(
            "kid of another key",
            "wrong_key",
            headed(format!(r#"{{"alg":"ES256","typ":"{typ}","kid":"{other_kid}"}}"#)),
        ),
        refuse(
            "crit in the header",
            "malformed",
            headed(format!(r#"{{"alg":"ES256","typ":"{typ}","kid":"{kid}","crit":["b64"],"b64":true}}"#)),
        ),
        refuse(
            "jwk in the header",
            "malformed",
            headed(format!(r#"{{"alg":"ES256","typ":"{typ}","kid":"{kid}","jwk":{}}}"#, json!(key.jwk()))),
        ),
        refuse(
            "alg twice in the header",
            "malformed",
            headed(format!(r#"{{"alg":"none","alg":"ES256","typ":"{typ}","kid":"{kid}"}}"#)),
        ),
        refuse("header is no JSON", "malformed", headed("ES256".to_owned())),
    ]
}

fn payload_refusals(typ: &str, payload: &str) -> Vec<Value> {
    let key = device_key();
    let paid = |payload: &[u8]| input(&sign_raw(&key, &header(typ), payload));
    vec![
        refuse("unknown member", "malformed", paid(payload.replacen('{', r#"{"more":1,"#, 1).as_bytes())),
        refuse("white space in the payload", "malformed", paid(payload.replacen(':', ": ", 1).as_bytes())),
        refuse(
            "origin twice",
            "malformed",
            paid(payload.replacen(r#""origin""#, &format!(r#""origin":"{ORIGIN}","origin""#), 1).as_bytes()),
        ),
        refuse("escaped spelling", "malformed", paid(payload.replacen("https:", "https\\u003a", 1).as_bytes())),
        refuse("bytes after the payload", "malformed", paid(format!("{payload}{{}}").as_bytes())),
        refuse("payload is an array", "malformed", paid(format!("[{payload}]").as_bytes())),
        refuse("payload is not UTF-8", "malformed", paid(&[payload.as_bytes(), b"\xff"].concat())),
        refuse("deeply nested payload", "malformed", paid("[".repeat(2000).as_bytes())),
    ]
}

/// Must-fail cases that are the same for every signed object. `good` is a valid JWS over `payload`.
fn common_refusals(typ: &str, other_typ: &str, good: &str, payload: &str) -> Vec<Value> {
    [signature_refusals(typ, good, payload), header_refusals(typ, other_typ, payload), payload_refusals(typ, payload)]
        .concat()
}

/// Cases for answers, and for the WebAuthn challenge that follows from each good one.
pub(crate) fn answers() -> (Vec<Value>, Vec<Value>) {
    let key = device_key();
    let good = [
        ("approve with number", payload(Decision::Approve, Some("042137"))),
        ("approve", payload(Decision::Approve, None)),
        ("deny", payload(Decision::Deny, None)),
        ("deny_fraud", payload(Decision::DenyFraud, None)),
    ];
    let mut cases = Vec::new();
    let mut challenges = Vec::new();
    for (name, payload) in good {
        let bytes = payload.to_bytes().unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let jws = sign_answer(&key, &payload).unwrap();
        let hash = b64::encode(sha256(&bytes));
        let signing_input = jws.rsplit_once('.').unwrap().0;
        let output = json!({"payload": text, "payload_sha256": hash, "signing_input": signing_input});
        cases.push(accept(name, input(&jws), output));
        challenges.push(accept(name, json!({"payload": text}), json!({"challenge": hash})));
    }
    let approve = payload(Decision::Approve, Some("042137"));
    let jws = sign_answer(&key, &approve).unwrap();
    let text = String::from_utf8(approve.to_bytes().unwrap()).unwrap();
    cases.extend(common_refusals("nod-answer+jwt", "nod-device+jwt", &jws, &text));
    let edited = |from: &str, to: &str| {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "nothing replaced: {from}");
        input(&sign_raw(&key, &header("nod-answer+jwt"), changed.as_bytes()))
    };
    let own_kid = key.jwk().thumbprint().to_string();
    let other_kid = other_key().jwk().thumbprint().to_string();
    cases.extend([
        refuse("number with a denial", "malformed", edited(r#""approve""#, r#""deny""#)),
        refuse("unknown decision", "malformed", edited(r#""approve""#, r#""Approve""#)),
        refuse("number as a number", "malformed", edited(r#""042137""#, "42137")),
        refuse("number of five digits", "malformed", edited(r#""042137""#, r#""42137""#)),
        refuse("number null", "malformed", edited(r#""042137""#, "null")),
        refuse("version as text", "malformed", edited(r#""version":3"#, r#""version":"3""#)),
        refuse("version negative", "malformed", edited(r#""version":3"#, r#""version":-3"#)),
        refuse("exp with a fraction", "malformed", edited("1790000060", "1790000060.0")),
        refuse("nonce missing", "malformed", edited(r#""nonce""#, r#""once""#)),
        refuse("nonce of 16 bytes", "malformed", edited(&b64::encode([0xB2; 32]), &b64::encode([0xB2; 16]))),
        refuse(
            "challenge with padding",
            "malformed",
            edited(&b64::encode([0xA1; 16]), &format!("{}==", b64::encode([0xA1; 16]))),
        ),
        refuse("kid of the payload of another key", "wrong_key", edited(&own_kid, &other_kid)),
        refuse("version missing", "malformed", edited(r#""version":3,"#, "")),
    ]);
    let reordered = text.replacen(r#""version":3,"#, "", 1).replacen('{', r#"{"version":3,"#, 1);
    cases.push(refuse(
        "version first",
        "malformed",
        input(&sign_raw(&key, &header("nod-answer+jwt"), reordered.as_bytes())),
    ));
    (cases, challenges)
}

/// Cases for checkpoints of the audit.
pub(crate) fn checkpoints() -> Vec<Value> {
    let key = device_key();
    let payload = CheckpointPayload {
        head: Bytes32([0xE5; 32]),
        count: 1_042,
        at: 1_790_000_000_123,
        origin: ORIGIN.to_owned(),
        restored_from: None,
    };
    let text = String::from_utf8(payload.to_bytes().unwrap()).unwrap();
    let jws = sign_checkpoint(&key, &payload).unwrap();
    let signing_input = jws.rsplit_once('.').unwrap().0;
    let mut cases = vec![accept("checkpoint", input(&jws), json!({"payload": text, "signing_input": signing_input}))];
    cases.extend(common_refusals("nod-checkpoint+jwt", "nod-device+jwt", &jws, &text));
    for (name, count) in [("no events", "0"), ("count negative", "-1"), ("count as text", "\"1042\"")] {
        let changed = text.replacen("1042", count, 1);
        cases.push(refuse(
            name,
            "malformed",
            input(&sign_raw(&key, &header("nod-checkpoint+jwt"), changed.as_bytes())),
        ));
    }
    cases
}

/// Cases for device sign-in.
pub(crate) fn sign_ins() -> Vec<Value> {
    let key = device_key();
    let payload =
        DeviceSignInPayload { nonce: b64::encode([0xC3; 32]), device: Id([0xD4; 16]), origin: ORIGIN.to_owned() };
    let text = String::from_utf8(payload.to_bytes().unwrap()).unwrap();
    let jws = sign_device_sign_in(&key, &payload).unwrap();
    let signing_input = jws.rsplit_once('.').unwrap().0;
    let mut cases = vec![accept("sign-in", input(&jws), json!({"payload": text, "signing_input": signing_input}))];
    cases.extend(common_refusals("nod-device+jwt", "nod-answer+jwt", &jws, &text));
    let empty = text.replacen(&payload.nonce, "", 1);
    cases.push(refuse("empty nonce", "malformed", input(&sign_raw(&key, &header("nod-device+jwt"), empty.as_bytes()))));
    cases
}

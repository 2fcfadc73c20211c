//! Contexts, keys, codes and confirmations.

use nod_protocol::context::Context;
use nod_protocol::{Id, Thumbprint, b64, enrolment, sha256};
use serde_json::{Value, json};

use crate::{ORIGIN, accept, device_key, refuse};

fn context() -> Context {
    Context {
        v: 1,
        user: "ann".to_owned(),
        display_name: "Ann Ärmel \u{1F511}".to_owned(),
        app: "Wiki \"intern\"".to_owned(),
        action: "sign in".to_owned(),
        origin: ORIGIN.to_owned(),
        browser: "Chrome on Windows".to_owned(),
        address: "203.0.113.9".to_owned(),
        place: "unknown".to_owned(),
        new: vec!["network".to_owned(), "browser".to_owned()],
        at: 1_790_000_000_000,
    }
}

/// Cases for contexts.
pub(crate) fn contexts() -> Vec<Value> {
    let good = context();
    let bytes = good.context_bytes().unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let input = |bytes: &[u8]| json!({"bytes": b64::encode(bytes)});
    let output = |bytes: &[u8]| json!({"context": good, "sha256": b64::encode(sha256(bytes))});
    let spaced = text.replacen(':', ": ", 1);
    let edited = |from: &str, to: &str| input(text.replacen(from, to, 1).as_bytes());
    vec![
        accept("as the server writes it", input(&bytes), output(&bytes)),
        accept("another spelling has another hash", input(spaced.as_bytes()), output(spaced.as_bytes())),
        refuse("version 2", "unknown_version", edited(r#""v":1"#, r#""v":2"#)),
        refuse("version 2 with members unknown today", "unknown_version", edited(r#""v":1"#, r#""v":2,"more":[]"#)),
        refuse("version missing", "malformed", edited(r#""v":1,"#, "")),
        refuse("unknown member", "malformed", edited(r#""v":1"#, r#""v":1,"more":1"#)),
        refuse("member missing", "malformed", edited(r#""app""#, r#""application""#)),
        refuse("member twice", "malformed", edited(r#""user":"ann""#, r#""user":"eve","user":"ann""#)),
        refuse("time as text", "malformed", edited("1790000000000", r#""1790000000000""#)),
        refuse("bytes after", "malformed", input(format!("{text} x").as_bytes())),
        refuse("not UTF-8", "malformed", input(&[&bytes[..20], b"\xff", &bytes[20..]].concat())),
        refuse("empty", "malformed", input(b"")),
        refuse("longer than 8 KiB", "too_long", input(format!("{text}{}", " ".repeat(8192)).as_bytes())),
    ]
}

/// Cases for keys.
pub(crate) fn jwks() -> Vec<Value> {
    let jwk = *device_key().jwk();
    let text = serde_json::to_string(&jwk).unwrap();
    let output = json!({"thumbprint": jwk.thumbprint(), "point": b64::encode(jwk.point())});
    let input = |text: String| json!({"jwk": text});
    let edited = |from: &str, to: &str| input(text.replacen(from, to, 1));
    let (x, y) = (b64::encode(jwk.x()), b64::encode(jwk.y()));
    let exported = format!(r#"{{"crv":"P-256","ext":true,"key_ops":["verify"],"kty":"EC","x":"{x}","y":"{y}"}}"#);
    vec![
        accept("minimal", input(text.clone()), output.clone()),
        accept("as WebCrypto exports it", input(exported), output),
        refuse("private key", "malformed", edited(r#""kty""#, r#""d":"AA","kty""#)),
        refuse("unknown member", "malformed", edited(r#""kty""#, r#""more":1,"kty""#)),
        refuse("another curve", "malformed", edited("P-256", "P-384")),
        refuse("another type", "malformed", edited(r#""EC""#, r#""OKP""#)),
        refuse(
            "coordinates exchanged",
            "malformed",
            input(format!(r#"{{"kty":"EC","crv":"P-256","x":"{y}","y":"{x}"}}"#)),
        ),
        refuse(
            "point at zero",
            "malformed",
            input(format!(r#"{{"kty":"EC","crv":"P-256","x":"{0}","y":"{0}"}}"#, b64::encode([0; 32]))),
        ),
        refuse("coordinate not below the field's order", "malformed", edited(&x, &b64::encode([0xFF; 32]))),
        refuse("coordinate of 31 bytes", "malformed", edited(&x, &b64::encode([1; 31]))),
        refuse("coordinate with padding", "malformed", edited(&x, &format!("{x}="))),
        refuse("coordinate missing", "malformed", edited(r#""y""#, r#""z""#)),
        refuse("no object", "malformed", input("[]".to_owned())),
    ]
}

/// Cases for codes.
pub(crate) fn codes() -> Vec<Value> {
    let read = |name: &str, typed: &str, code: &str| accept(name, json!({"typed": typed}), json!({"code": code}));
    let wrong = |name: &str, typed: &str| refuse(name, "malformed", json!({"typed": typed}));
    vec![
        read("as shown", "ABCD2345", "ABCD2345"),
        read("small letters", "abcd2345", "ABCD2345"),
        read("with a hyphen", "ABCD-2345", "ABCD2345"),
        read("with spaces", "  ab cd 23 45 ", "ABCD2345"),
        read("i, I and 1 are read as L", "iI1LabcD", "LLLLABCD"),
        wrong("empty", ""),
        wrong("seven characters", "ABCD234"),
        wrong("nine characters", "ABCD23456"),
        wrong("zero", "ABCD2340"),
        wrong("letter O", "ABCD234O"),
        wrong("other signs", "ABCD_2345"),
        wrong("letters beyond ASCII", "ÄBCD2345"),
        wrong("far too long", &"A".repeat(100)),
        wrong("spaces without end", &" ".repeat(100)),
    ]
}

/// Cases for confirmations.
pub(crate) fn confirmations() -> Vec<Value> {
    let case = |name: &str, enrolment: u8, device: u8, kid: Thumbprint| {
        let (enrolment, device) = (Id([enrolment; 16]), Id([device; 16]));
        let confirmation = enrolment::confirmation(&enrolment, &device, &kid);
        accept(
            name,
            json!({"enrolment": enrolment, "device": device, "kid": kid}),
            json!({"confirmation": confirmation}),
        )
    };
    let kid = device_key().jwk().thumbprint();
    vec![case("first", 1, 2, kid), case("ids exchanged", 2, 1, kid), case("another key", 1, 2, Thumbprint([0; 32]))]
}

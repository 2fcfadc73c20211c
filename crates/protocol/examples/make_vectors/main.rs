//! Writes the golden vectors: `cargo run -p nod-protocol --example make_vectors`, or with a kind behind `--` that one alone.
//!
//! Keys and payloads are fixed; ECDSA signatures are drawn anew at each run and recorded, so a run changes the files even
//! where the format did not change. Run it only after a change of the format, and read the difference.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a tool for developers, run by hand")]

mod jws_cases;
mod other_cases;
mod webauthn_cases;

use nod_protocol::SigningKey;
use serde_json::{Value, json};

/// The device key of every vector.
pub(crate) fn device_key() -> SigningKey {
    SigningKey::from_entropy(&[0x11; 32]).unwrap()
}

/// The key of someone else.
pub(crate) fn other_key() -> SigningKey {
    SigningKey::from_entropy(&[0x22; 32]).unwrap()
}

/// The passkey of every vector.
pub(crate) fn passkey() -> SigningKey {
    SigningKey::from_entropy(&[0x33; 32]).unwrap()
}

pub(crate) const ORIGIN: &str = "https://nod.example.com";
pub(crate) const RP_ID: &str = "nod.example.com";

/// One case that must be accepted.
pub(crate) fn accept(name: &str, input: Value, output: Value) -> Value {
    json!({"name": name, "input": input, "expect": "ok", "output": output})
}

/// One case that must be refused, with its class.
pub(crate) fn refuse(name: &str, class: &str, input: Value) -> Value {
    json!({"name": name, "input": input, "expect": class})
}

fn write(kind: &str, about: &str, cases: Vec<Value>) {
    if std::env::args().nth(1).is_some_and(|only| only != kind) {
        return;
    }
    let path = format!("{}/vectors/{kind}.json", env!("CARGO_MANIFEST_DIR"));
    let file = json!({"kind": kind, "about": about, "cases": cases});
    let text = format!("{}\n", serde_json::to_string_pretty(&file).unwrap());
    std::fs::write(&path, text).unwrap();
    println!("{kind}: {} cases", cases.len());
}

fn main() {
    let (answers, challenges) = jws_cases::answers();
    write(
        "answer",
        "nod-answer+jwt: parse, then verify with the key. output: payload as text, its SHA-256, what is signed.",
        answers,
    );
    write(
        "device_sign_in",
        "nod-device+jwt: parse, then verify with the key. output: payload as text.",
        jws_cases::sign_ins(),
    );
    write(
        "checkpoint",
        "nod-checkpoint+jwt: parse, then verify with the key. output: payload as text.",
        jws_cases::checkpoints(),
    );
    write(
        "webauthn_challenge",
        "The WebAuthn challenge of an approval is the SHA-256 of the answer's payload bytes.",
        challenges,
    );
    write(
        "assertion",
        "ASSERTION by the passkey. public_key is a COSE_Key, jwk the same key for WebCrypto.",
        webauthn_cases::assertions(),
    );
    write(
        "registration",
        "REGISTRATION of a passkey. output: credential id and COSE_Key to store.",
        webauthn_cases::registrations(),
    );
    write(
        "context",
        "CONTEXT bytes as sent. output: what to show, and the hash that an answer carries.",
        other_cases::contexts(),
    );
    write(
        "jwk",
        "Public P-256 JWK as text. output: RFC 7638 thumbprint and the uncompressed point.",
        other_cases::jwks(),
    );
    write("enrolment_code", "An enrolment code as typed. output: the code.", other_cases::codes());
    write(
        "confirmation",
        "The confirmation of an enrolment from its ids and the key's thumbprint.",
        other_cases::confirmations(),
    );
}

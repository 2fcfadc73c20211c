//! Golden vectors: every case of every file, in one loop. The same files are read by the PWA's JavaScript.

use nod_protocol::answer::ParsedAnswer;
use nod_protocol::checkpoint::ParsedCheckpoint;
use nod_protocol::context::Context;
use nod_protocol::device_sign_in::ParsedDeviceSignIn;
use nod_protocol::enrolment::{EnrolmentCode, confirmation};
use nod_protocol::webauthn::{AssertionJson, RegistrationJson, RelyingParty, verify_assertion, verify_registration};
use nod_protocol::{B64, Jwk, b64, sha256};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

type Outcome = Result<Value, &'static str>;

fn member<T: DeserializeOwned>(input: &Value, name: &str) -> Result<T, &'static str> {
    serde_json::from_value(input[name].clone()).map_err(|_| "malformed")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn answer(input: &Value) -> Outcome {
    let jws: String = member(input, "jws")?;
    let parsed = ParsedAnswer::parse(&jws).map_err(|e| e.class())?;
    let verified = parsed.verify(&member(input, "key")?).map_err(|e| e.class())?;
    Ok(json!({
        "payload": text(verified.payload_bytes()),
        "payload_sha256": b64::encode(verified.payload_sha256()),
        "signing_input": jws.rsplit_once('.').unwrap().0,
    }))
}

fn device_sign_in(input: &Value) -> Outcome {
    let jws: String = member(input, "jws")?;
    let parsed = ParsedDeviceSignIn::parse(&jws).map_err(|e| e.class())?;
    let verified = parsed.verify(&member(input, "key")?).map_err(|e| e.class())?;
    let payload = text(&verified.payload().to_bytes().unwrap());
    Ok(json!({"payload": payload, "signing_input": jws.rsplit_once('.').unwrap().0}))
}

fn checkpoint(input: &Value) -> Outcome {
    let jws: String = member(input, "jws")?;
    let parsed = ParsedCheckpoint::parse(&jws).map_err(|e| e.class())?;
    let payload = parsed.verify(&member(input, "key")?).map_err(|e| e.class())?;
    Ok(json!({"payload": text(&payload.to_bytes().unwrap()), "signing_input": jws.rsplit_once('.').unwrap().0}))
}

fn rp(input: &Value) -> Result<RelyingParty, &'static str> {
    Ok(RelyingParty { id: member(input, "rp_id")?, origin: member(input, "origin")? })
}

fn assertion(input: &Value) -> Outcome {
    let object: AssertionJson = member(input, "assertion")?;
    let challenge: B64 = member(input, "challenge")?;
    let key: B64 = member(input, "public_key")?;
    let verified =
        verify_assertion(&object, challenge.as_bytes(), &rp(input)?, key.as_bytes()).map_err(|e| e.class())?;
    Ok(json!({
        "credential_id": B64(verified.credential_id),
        "user_handle": verified.user_handle.map(B64),
        "backed_up": verified.backed_up,
    }))
}

fn registration(input: &Value) -> Outcome {
    let object: RegistrationJson = member(input, "registration")?;
    let challenge: B64 = member(input, "challenge")?;
    let passkey = verify_registration(&object, challenge.as_bytes(), &rp(input)?).map_err(|e| e.class())?;
    Ok(json!({"credential_id": B64(passkey.credential_id), "public_key": B64(passkey.public_key)}))
}

fn context(input: &Value) -> Outcome {
    let bytes: B64 = member(input, "bytes")?;
    let context = Context::parse(bytes.as_bytes()).map_err(|e| e.class())?;
    Ok(json!({"context": context, "sha256": b64::encode(sha256(bytes.as_bytes()))}))
}

fn run(kind: &str, input: &Value) -> Outcome {
    match kind {
        "answer" => answer(input),
        "checkpoint" => checkpoint(input),
        "device_sign_in" => device_sign_in(input),
        "webauthn_challenge" => {
            let payload: String = member(input, "payload")?;
            Ok(json!({"challenge": b64::encode(sha256(payload.as_bytes()))}))
        }
        "assertion" => assertion(input),
        "registration" => registration(input),
        "context" => context(input),
        "jwk" => {
            let jwk: Jwk = serde_json::from_str(&member::<String>(input, "jwk")?).map_err(|_| "malformed")?;
            Ok(json!({"thumbprint": jwk.thumbprint(), "point": b64::encode(jwk.point())}))
        }
        "enrolment_code" => {
            let code: EnrolmentCode = member::<String>(input, "typed")?.parse().map_err(|_| "malformed")?;
            Ok(json!({"code": code}))
        }
        "confirmation" => {
            let digits = confirmation(&member(input, "enrolment")?, &member(input, "device")?, &member(input, "kid")?);
            Ok(json!({"confirmation": digits}))
        }
        other => panic!("no runner for vectors of kind {other}"),
    }
}

#[test]
fn every_golden_vector_holds() {
    let mut files = 0;
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors")).unwrap() {
        let file: Value = serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
        let kind = file["kind"].as_str().unwrap();
        files += 1;
        for case in file["cases"].as_array().unwrap() {
            let expected = match case["expect"].as_str().unwrap() {
                "ok" => Ok(case["output"].clone()),
                class => Err(class),
            };
            let outcome = run(kind, &case["input"]);
            if outcome.as_ref().map_err(|class| *class) != expected.as_ref().map_err(|class| *class) {
                wrong.push(format!("{kind}, {}: expected {expected:?}, got {outcome:?}", case["name"]));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(files, 10, "a file is missing");
}

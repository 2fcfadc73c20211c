//! Registrations and assertions.

use nod_protocol::webauthn::{AttestedCredential, AuthenticatorData, ClientData, ClientDataType, CredentialKey, Flags};
use nod_protocol::{B64, b64, sha256};
use serde_json::{Value, json};

use crate::{ORIGIN, RP_ID, accept, other_key, passkey, refuse};

const CHALLENGE: [u8; 32] = [0x5A; 32];
const CREDENTIAL: [u8; 20] = [0x6B; 20];
const USER_HANDLE: [u8; 16] = [0x7C; 16];
const UP_UV: u8 = Flags::UP | Flags::UV;

fn client_data(ceremony: ClientDataType) -> ClientData {
    ClientData { ceremony, challenge: B64(CHALLENGE.to_vec()), origin: ORIGIN.to_owned(), cross_origin: false }
}

fn auth_data(flags: u8) -> AuthenticatorData {
    AuthenticatorData {
        rp_id_hash: sha256(RP_ID.as_bytes()),
        flags: Flags(flags),
        counter: 0,
        attested: None,
        extensions: None,
    }
}

fn attested(flags: u8) -> AuthenticatorData {
    let public_key = CredentialKey::Es256(*passkey().jwk()).to_cose().unwrap();
    let attested = AttestedCredential { aaguid: [0; 16], credential_id: CREDENTIAL.to_vec(), public_key };
    AuthenticatorData { attested: Some(attested), ..auth_data(flags | Flags::AT) }
}

fn assertion(client_data: &[u8], auth_data: &[u8]) -> Value {
    let signed = [auth_data, &sha256(client_data)].concat();
    let id = b64::encode(CREDENTIAL);
    json!({"id": id, "rawId": id, "type": "public-key", "response": {
        "clientDataJSON": b64::encode(client_data),
        "authenticatorData": b64::encode(auth_data),
        "signature": b64::encode(passkey().sign_webauthn(&signed).unwrap()),
        "userHandle": b64::encode(USER_HANDLE),
    }})
}

fn input(name: &str, object: &Value) -> Value {
    let key = passkey();
    let cose = CredentialKey::Es256(*key.jwk()).to_cose().unwrap();
    json!({name: object, "challenge": b64::encode(CHALLENGE), "rp_id": RP_ID, "origin": ORIGIN,
        "public_key": b64::encode(cose), "jwk": key.jwk()})
}

/// Client data that must be refused in the same way by both ceremonies.
fn client_data_refusals(ceremony: ClientDataType) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let good = client_data(ceremony);
    let other_type = match ceremony {
        ClientDataType::Create => ClientDataType::Get,
        ClientDataType::Get => ClientDataType::Create,
    };
    let text = String::from_utf8(good.to_bytes()).unwrap();
    let with = |from: &str, to: &str| text.replacen(from, to, 1).into_bytes();
    vec![
        ("the other ceremony", "wrong_type", ClientData { ceremony: other_type, ..good.clone() }.to_bytes()),
        ("type with a space", "wrong_type", with("webauthn.", " webauthn.")),
        ("type missing", "malformed", with(r#""type""#, r#""kind""#)),
        ("another challenge", "wrong_challenge", ClientData { challenge: B64(vec![1; 32]), ..good.clone() }.to_bytes()),
        (
            "challenge cut short",
            "wrong_challenge",
            ClientData { challenge: B64(vec![0x5A; 31]), ..good.clone() }.to_bytes(),
        ),
        ("challenge with padding", "malformed", with(r#"","origin"#, r#"=","origin"#)),
        ("origin with a port", "wrong_origin", with(ORIGIN, "https://nod.example.com:8443")),
        ("origin over http", "wrong_origin", with("https://", "http://")),
        ("origin with a slash", "wrong_origin", with(ORIGIN, "https://nod.example.com/")),
        ("origin of a subdomain", "wrong_origin", with(ORIGIN, "https://a.nod.example.com")),
        ("origin in capitals", "wrong_origin", with(ORIGIN, "https://NOD.example.com")),
        ("cross origin", "cross_origin", ClientData { cross_origin: true, ..good.clone() }.to_bytes()),
        ("top origin", "cross_origin", with(r#""crossOrigin":false"#, r#""topOrigin":"https://evil.example.com""#)),
        ("cross origin as text", "malformed", with("false", r#""false""#)),
        ("client data is no JSON", "malformed", b"webauthn".to_vec()),
        ("bytes after the client data", "malformed", format!("{text}{{}}").into_bytes()),
        ("client data is not UTF-8", "malformed", [text.as_bytes(), b"\xff"].concat()),
        ("deeply nested client data", "malformed", "[".repeat(3000).into_bytes()),
        ("client data too long", "malformed", format!("{text}{}", " ".repeat(4096)).into_bytes()),
    ]
}

/// Cases for assertions.
pub(crate) fn assertions() -> Vec<Value> {
    let client = client_data(ClientDataType::Get).to_bytes();
    let data = auth_data(UP_UV).to_bytes();
    let good = assertion(&client, &data);
    let synced = assertion(&client, &auth_data(UP_UV | Flags::BE | Flags::BS).to_bytes());
    let text = String::from_utf8(client.clone()).unwrap();
    let more = text.replacen("}", r#","other_keys_can_be_added_here":"yes"}"#, 1).into_bytes();
    let output = |backed_up: bool| json!({"credential_id": b64::encode(CREDENTIAL), "user_handle": b64::encode(USER_HANDLE), "backed_up": backed_up});
    let of = |object: &Value| input("assertion", object);
    let mut cases = vec![
        accept("device-bound passkey", of(&good), output(false)),
        accept("synced passkey", of(&synced), output(true)),
        accept("client data with more members", of(&assertion(&more, &data)), output(false)),
    ];
    for (name, class, bytes) in client_data_refusals(ClientDataType::Get) {
        cases.push(refuse(name, class, of(&assertion(&bytes, &data))));
    }
    let with_data = |data: &[u8]| of(&assertion(&client, data));
    let other_rp = AuthenticatorData { rp_id_hash: sha256(b"example.com"), ..auth_data(UP_UV) };
    cases.extend([
        refuse("another relying party", "wrong_rp", with_data(&other_rp.to_bytes())),
        refuse("user not present", "not_present", with_data(&auth_data(Flags::UV).to_bytes())),
        refuse("user not verified", "not_verified", with_data(&auth_data(Flags::UP).to_bytes())),
        refuse("backed up but not eligible", "backup_flags", with_data(&auth_data(UP_UV | Flags::BS).to_bytes())),
        refuse("authenticator data cut short", "malformed", with_data(&data[..36])),
        refuse("authenticator data with bytes after", "malformed", with_data(&[&data[..], &[0]].concat())),
        refuse("extensions promised and missing", "malformed", with_data(&auth_data(UP_UV | Flags::ED).to_bytes())),
        refuse("credential promised and missing", "malformed", with_data(&auth_data(UP_UV | Flags::AT).to_bytes())),
    ]);
    let changed = |pointer: &str, value: Value| {
        let mut object = good.clone();
        *object.pointer_mut(pointer).unwrap() = value;
        of(&object)
    };
    let mut counter = data.clone();
    counter[36] = 9;
    let other_signature = other_key().sign_webauthn(&[&data[..], &sha256(&client)].concat()).unwrap();
    let raw_signature = passkey().sign_jws(&[&data[..], &sha256(&client)].concat()).unwrap();
    cases.extend([
        refuse(
            "counter changed after signing",
            "bad_signature",
            changed("/response/authenticatorData", json!(b64::encode(counter))),
        ),
        refuse(
            "signed by another key",
            "bad_signature",
            changed("/response/signature", json!(b64::encode(other_signature))),
        ),
        refuse(
            "signature as r and s",
            "bad_signature",
            changed("/response/signature", json!(b64::encode(raw_signature))),
        ),
        refuse("signature empty", "bad_signature", changed("/response/signature", json!(""))),
        refuse("signature too long", "malformed", changed("/response/signature", json!(b64::encode([0; 2000])))),
        refuse("user handle too long", "malformed", changed("/response/userHandle", json!(b64::encode([0; 65])))),
        refuse("id differs from rawId", "malformed", changed("/id", json!("AAAA"))),
        refuse("another type", "malformed", changed("/type", json!("password"))),
        refuse("response missing", "malformed", changed("/response", json!(null))),
        refuse("signature as a number", "malformed", changed("/response/signature", json!(7))),
    ]);
    let mut empty_challenge = of(&good);
    empty_challenge["challenge"] = json!("");
    cases.push(refuse("nothing expected", "wrong_challenge", empty_challenge));
    cases
}

fn registration(client_data: &[u8], attestation_object: &[u8]) -> Value {
    let id = b64::encode(CREDENTIAL);
    let object = json!({"id": id, "rawId": id, "type": "public-key", "response": {
        "clientDataJSON": b64::encode(client_data), "attestationObject": b64::encode(attestation_object)}});
    let mut input = input("registration", &object);
    let members = input.as_object_mut().unwrap();
    members.remove("public_key");
    members.remove("jwk");
    input
}

fn attestation_object(format: &str, statement: Vec<(ciborium::Value, ciborium::Value)>, auth_data: &[u8]) -> Vec<u8> {
    let object = ciborium::Value::Map(vec![
        ("fmt".into(), format.into()),
        ("attStmt".into(), ciborium::Value::Map(statement)),
        ("authData".into(), auth_data.to_vec().into()),
    ]);
    let mut out = Vec::new();
    ciborium::into_writer(&object, &mut out).unwrap();
    out
}

/// Cases for registrations.
pub(crate) fn registrations() -> Vec<Value> {
    let client = client_data(ClientDataType::Create).to_bytes();
    let data = attested(UP_UV).to_bytes();
    let none = attestation_object("none", Vec::new(), &data);
    let packed =
        attestation_object("packed", vec![("alg".into(), (-7).into()), ("sig".into(), vec![0_u8; 70].into())], &data);
    let cose = CredentialKey::Es256(*passkey().jwk()).to_cose().unwrap();
    let output = json!({"credential_id": b64::encode(CREDENTIAL), "public_key": b64::encode(&cose)});
    let mut cases = vec![
        accept("no attestation", registration(&client, &none), output.clone()),
        accept("an attestation that is not looked at", registration(&client, &packed), output),
    ];
    for (name, class, bytes) in client_data_refusals(ClientDataType::Create) {
        cases.push(refuse(name, class, registration(&bytes, &none)));
    }
    let with_data =
        |data: &AuthenticatorData| registration(&client, &attestation_object("none", Vec::new(), &data.to_bytes()));
    let with_key = |public_key: Vec<u8>| {
        let mut data = attested(UP_UV);
        data.attested.as_mut().unwrap().public_key = public_key;
        with_data(&data)
    };
    let mut other_id = attested(UP_UV);
    other_id.attested.as_mut().unwrap().credential_id = vec![1; 20];
    let mut off_curve = cose.clone();
    *off_curve.last_mut().unwrap() ^= 1;
    let mut es384 = cose.clone();
    es384.splice(4..5, [0x38, 0x22]);
    let twice = [&[0xa6, 0x01, 0x02][..], &cose[1..]].concat();
    cases.extend([
        refuse("user not present", "not_present", with_data(&attested(Flags::UV))),
        refuse("user not verified", "not_verified", with_data(&attested(Flags::UP))),
        refuse("backed up but not eligible", "backup_flags", with_data(&attested(UP_UV | Flags::BS))),
        refuse("no credential in it", "malformed", with_data(&auth_data(UP_UV))),
        refuse("another credential in it", "wrong_credential", with_data(&other_id)),
        refuse("point not on the curve", "unsupported_key", with_key(off_curve)),
        refuse("algorithm ES384", "unsupported_key", with_key(es384)),
        refuse("COSE key with a member twice", "malformed", with_key(twice)),
        refuse("COSE key is an array", "malformed", with_key(vec![0x81, 0x01])),
        refuse(
            "COSE key nested too deeply",
            "malformed",
            with_key([vec![0xa1, 0x01], vec![0x81; 40], vec![0]].concat()),
        ),
        refuse("attestation object cut short", "malformed", registration(&client, &none[..none.len() - 1])),
        refuse("attestation object with bytes after", "malformed", registration(&client, &[&none[..], &[0]].concat())),
        refuse("attestation object empty", "malformed", registration(&client, b"")),
        refuse("attestation object nested too deeply", "malformed", registration(&client, &vec![0x81; 9000])),
        refuse(
            "attestation object too long",
            "malformed",
            registration(&client, &attestation_object("none", vec![("x".into(), vec![0_u8; 13_000].into())], &data)),
        ),
        refuse(
            "length beyond the end",
            "malformed",
            registration(&client, &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ),
    ]);
    cases
}

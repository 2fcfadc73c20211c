//! Registration and assertion: what must pass and each way of failing.

use nod_protocol::B64;
use nod_protocol::webauthn::{
    AssertionJson, AssertionResponseJson, AttestedCredential, AuthenticatorData, ClientData, ClientDataType,
    CredentialKey, Flags, NewPasskey, PublicKeyType, RegistrationJson, RegistrationResponseJson, RelyingParty,
    WebAuthnError, creation_options, request_options, verify_assertion, verify_registration,
};

use crate::answers::key;

const CHALLENGE: [u8; 32] = [5; 32];
const CREDENTIAL: [u8; 16] = [6; 16];

fn rp() -> RelyingParty {
    RelyingParty { id: "nod.example.com".to_owned(), origin: "https://nod.example.com".to_owned() }
}

fn client_data(ceremony: ClientDataType) -> ClientData {
    ClientData { ceremony, challenge: B64(CHALLENGE.to_vec()), origin: rp().origin, cross_origin: false }
}

fn auth_data(flags: u8) -> AuthenticatorData {
    AuthenticatorData {
        rp_id_hash: nod_protocol::sha256(b"nod.example.com"),
        flags: Flags(flags),
        counter: 0,
        attested: None,
        extensions: None,
    }
}

fn cose() -> Vec<u8> {
    CredentialKey::Es256(*key(11).jwk()).to_cose().unwrap()
}

fn assertion(client_data: &[u8], auth_data: &[u8]) -> AssertionJson {
    let mut signed = auth_data.to_vec();
    signed.extend(nod_protocol::sha256(client_data));
    AssertionJson {
        id: B64(CREDENTIAL.to_vec()).to_string(),
        raw_id: B64(CREDENTIAL.to_vec()),
        kind: PublicKeyType::PublicKey,
        response: AssertionResponseJson {
            client_data_json: B64(client_data.to_vec()),
            authenticator_data: B64(auth_data.to_vec()),
            signature: B64(key(11).sign_webauthn(&signed).unwrap()),
            user_handle: Some(B64(b"user".to_vec())),
        },
    }
}

fn registration(client_data: &[u8], auth_data: &[u8]) -> RegistrationJson {
    let object = ciborium::Value::Map(vec![
        ("fmt".into(), "none".into()),
        ("attStmt".into(), ciborium::Value::Map(vec![])),
        ("authData".into(), auth_data.to_vec().into()),
    ]);
    let mut attestation_object = Vec::new();
    ciborium::into_writer(&object, &mut attestation_object).unwrap();
    RegistrationJson {
        id: B64(CREDENTIAL.to_vec()).to_string(),
        raw_id: B64(CREDENTIAL.to_vec()),
        kind: PublicKeyType::PublicKey,
        response: RegistrationResponseJson {
            client_data_json: B64(client_data.to_vec()),
            attestation_object: B64(attestation_object),
        },
    }
}

fn attested(flags: u8) -> AuthenticatorData {
    AuthenticatorData {
        attested: Some(AttestedCredential { aaguid: [0; 16], credential_id: CREDENTIAL.to_vec(), public_key: cose() }),
        ..auth_data(flags | Flags::AT)
    }
}

const GOOD: u8 = Flags::UP | Flags::UV | Flags::BE | Flags::BS;

#[test]
fn a_registration_gives_a_passkey_that_asserts() {
    let registration =
        registration(&client_data(ClientDataType::Create).to_bytes(), &attested(Flags::UP | Flags::UV).to_bytes());
    let passkey = verify_registration(&registration, &CHALLENGE, &rp()).unwrap();
    let expected = NewPasskey {
        credential_id: CREDENTIAL.to_vec(),
        public_key: cose(),
        aaguid: [0; 16],
        counter: auth_data(0).counter,
        backup_eligible: false,
        backed_up: false,
        user_verified: true,
    };
    assert_eq!(passkey, expected);
    let assertion = assertion(&client_data(ClientDataType::Get).to_bytes(), &auth_data(GOOD).to_bytes());
    let verified = verify_assertion(&assertion, &CHALLENGE, &rp(), &passkey.public_key).unwrap();
    assert_eq!(verified.user_handle.as_deref(), Some(b"user".as_slice()));
    assert_eq!(verified.counter, auth_data(0).counter);
    assert!(verified.backed_up && verified.backup_eligible && verified.user_verified);
}

#[test]
fn extension_data_after_the_key_is_told_apart() {
    let data = AuthenticatorData { extensions: Some(vec![0xa0]), ..attested(GOOD | Flags::ED) };
    let parsed = AuthenticatorData::parse(&data.to_bytes()).unwrap();
    assert_eq!(parsed, data);
    let mut longer = data.to_bytes();
    longer.push(0);
    assert!(matches!(AuthenticatorData::parse(&longer), Err(WebAuthnError::Malformed(_))));
}

#[test]
fn each_wrong_client_data_is_refused() {
    let good = client_data(ClientDataType::Get);
    let cases = [
        (ClientData { ceremony: ClientDataType::Create, ..good.clone() }, WebAuthnError::WrongType),
        (ClientData { challenge: B64(vec![1; 32]), ..good.clone() }, WebAuthnError::WrongChallenge),
        (ClientData { challenge: B64(vec![]), ..good.clone() }, WebAuthnError::WrongChallenge),
        (ClientData { origin: "https://nod.example.com:443".to_owned(), ..good.clone() }, WebAuthnError::WrongOrigin),
        (ClientData { origin: "https://evil.example.com".to_owned(), ..good.clone() }, WebAuthnError::WrongOrigin),
        (ClientData { origin: "http://nod.example.com".to_owned(), ..good.clone() }, WebAuthnError::WrongOrigin),
        (ClientData { cross_origin: true, ..good }, WebAuthnError::CrossOrigin),
    ];
    for (client_data, expected) in cases {
        let assertion = assertion(&client_data.to_bytes(), &auth_data(GOOD).to_bytes());
        assert_eq!(verify_assertion(&assertion, &CHALLENGE, &rp(), &cose()), Err(expected), "{client_data:?}");
    }
    let empty = ClientData { challenge: B64(vec![]), ..client_data(ClientDataType::Get) };
    let assertion = assertion(&empty.to_bytes(), &auth_data(GOOD).to_bytes());
    assert_eq!(verify_assertion(&assertion, &[], &rp(), &cose()), Err(WebAuthnError::WrongChallenge));
}

#[test]
fn each_wrong_authenticator_data_is_refused() {
    let other_rp = AuthenticatorData { rp_id_hash: nod_protocol::sha256(b"evil.example.com"), ..auth_data(GOOD) };
    let cases = [
        (other_rp, WebAuthnError::WrongRp),
        (auth_data(Flags::UV), WebAuthnError::NotPresent),
        (auth_data(Flags::UP), WebAuthnError::NotVerified),
        (auth_data(Flags::UP | Flags::UV | Flags::BS), WebAuthnError::BackupFlags),
    ];
    for (data, expected) in cases {
        let assertion = assertion(&client_data(ClientDataType::Get).to_bytes(), &data.to_bytes());
        assert_eq!(verify_assertion(&assertion, &CHALLENGE, &rp(), &cose()), Err(expected), "{data:?}");
    }
}

#[test]
fn a_changed_byte_anywhere_breaks_the_signature() {
    let good = assertion(&client_data(ClientDataType::Get).to_bytes(), &auth_data(GOOD).to_bytes());
    assert!(verify_assertion(&good, &CHALLENGE, &rp(), &cose()).is_ok());
    let mut counter = good.clone();
    counter.response.authenticator_data.0[36] ^= 1;
    assert_eq!(verify_assertion(&counter, &CHALLENGE, &rp(), &cose()), Err(WebAuthnError::BadSignature));
    let mut signature = good.clone();
    *signature.response.signature.0.last_mut().unwrap() ^= 1;
    assert_eq!(verify_assertion(&signature, &CHALLENGE, &rp(), &cose()), Err(WebAuthnError::BadSignature));
    let mut spaced = good.clone();
    spaced.response.client_data_json.0.push(b' ');
    assert_eq!(verify_assertion(&spaced, &CHALLENGE, &rp(), &cose()), Err(WebAuthnError::BadSignature));
    let other = CredentialKey::Es256(*key(12).jwk()).to_cose().unwrap();
    assert_eq!(verify_assertion(&good, &CHALLENGE, &rp(), &other), Err(WebAuthnError::BadSignature));
}

#[test]
fn a_registration_of_another_credential_or_without_one_is_refused() {
    let client = client_data(ClientDataType::Create).to_bytes();
    let mut other = registration(&client, &attested(GOOD).to_bytes());
    other.raw_id = B64(vec![9; 16]);
    other.id = other.raw_id.to_string();
    assert_eq!(verify_registration(&other, &CHALLENGE, &rp()), Err(WebAuthnError::WrongCredential));
    let mut differ = registration(&client, &attested(GOOD).to_bytes());
    differ.id = "AAAA".to_owned();
    assert!(matches!(verify_registration(&differ, &CHALLENGE, &rp()), Err(WebAuthnError::Malformed(_))));
    let none = registration(&client, &auth_data(GOOD).to_bytes());
    assert!(matches!(verify_registration(&none, &CHALLENGE, &rp()), Err(WebAuthnError::Malformed(_))));
    let get = registration(&client_data(ClientDataType::Get).to_bytes(), &attested(GOOD).to_bytes());
    assert_eq!(verify_registration(&get, &CHALLENGE, &rp()), Err(WebAuthnError::WrongType));
}

#[test]
fn keys_of_each_kind_round_trip_and_unknown_ones_are_refused() {
    let mut modulus = vec![0xC5; 256];
    modulus[255] = 1;
    for key in [CredentialKey::Es256(*key(11).jwk()), CredentialKey::Rs256 { modulus, exponent: vec![1, 0, 1] }] {
        assert_eq!(CredentialKey::from_cose(&key.to_cose().unwrap()), Ok(key));
    }
    let short = CredentialKey::Rs256 { modulus: vec![0xC5; 128], exponent: vec![1, 0, 1] }.to_cose().unwrap();
    assert_eq!(CredentialKey::from_cose(&short), Err(WebAuthnError::UnsupportedKey));
    let mut other_algorithm = cose();
    assert_eq!(other_algorithm[4], 0x26);
    other_algorithm[4] = 0x38;
    assert!(CredentialKey::from_cose(&other_algorithm).is_err());
    let mut off_curve = cose();
    *off_curve.last_mut().unwrap() ^= 1;
    assert_eq!(CredentialKey::from_cose(&off_curve), Err(WebAuthnError::UnsupportedKey));
}

#[test]
fn an_ed25519_passkey_asserts() {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    let pair = Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap();
    let key = CredentialKey::EdDsa(pair.public_key().as_ref().try_into().unwrap());
    let client = client_data(ClientDataType::Get).to_bytes();
    let data = auth_data(GOOD).to_bytes();
    let mut assertion = assertion(&client, &data);
    let signed = [data, nod_protocol::sha256(&client).to_vec()].concat();
    assertion.response.signature = B64(pair.sign(&signed).as_ref().to_vec());
    let cose = key.to_cose().unwrap();
    assert!(verify_assertion(&assertion, &CHALLENGE, &rp(), &cose).is_ok());
    assertion.response.signature.0[0] ^= 1;
    assert_eq!(verify_assertion(&assertion, &CHALLENGE, &rp(), &cose), Err(WebAuthnError::BadSignature));
}

#[test]
fn an_rs256_passkey_asserts() {
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    // RSAPublicKey (RFC 8017 A.1.1): SEQUENCE, INTEGER with a leading zero and 256 bytes, INTEGER 65537.
    let der = aws_lc_rs::signature::KeyPair::public_key(&pair).as_ref().to_vec();
    assert_eq!(der[265..], [2, 3, 1, 0, 1]);
    let (modulus, exponent) = (der[9..265].to_vec(), vec![1, 0, 1]);
    let key = CredentialKey::Rs256 { modulus, exponent };
    let client = client_data(ClientDataType::Get).to_bytes();
    let data = auth_data(GOOD).to_bytes();
    let mut assertion = assertion(&client, &data);
    let signed = [data, nod_protocol::sha256(&client).to_vec()].concat();
    let mut signature = vec![0; pair.public_modulus_len()];
    #[expect(clippy::disallowed_methods, reason = "PKCS#1 v1.5 takes the generator by signature, and draws nothing")]
    let random = aws_lc_rs::rand::SystemRandom::new();
    pair.sign(&aws_lc_rs::signature::RSA_PKCS1_SHA256, &random, &signed, &mut signature).unwrap();
    assertion.response.signature = B64(signature);
    let cose = key.to_cose().unwrap();
    assert!(verify_assertion(&assertion, &CHALLENGE, &rp(), &cose).is_ok());
    assertion.response.signature.0[9] ^= 1;
    assert_eq!(verify_assertion(&assertion, &CHALLENGE, &rp(), &cose), Err(WebAuthnError::BadSignature));
}

#[test]
fn deep_and_doubled_cbor_is_refused() {
    let deep = [vec![0xa1, 0x01], vec![0x81; 5000], vec![0x00]].concat();
    assert!(matches!(CredentialKey::from_cose(&deep[..1000]), Err(WebAuthnError::Malformed(_))));
    let object = [b"\xa1\x63fmt".to_vec(), vec![0x81; 5000], vec![0x00]].concat();
    assert!(matches!(nod_protocol::webauthn::parse_attestation_object(&object), Err(WebAuthnError::Malformed(_))));
    let doubled = [0xa2, 0x01, 0x02, 0x01, 0x02];
    assert!(matches!(CredentialKey::from_cose(&doubled), Err(WebAuthnError::Malformed(_))));
}

#[test]
fn client_data_tolerates_what_the_specification_lets_browsers_add() {
    let json = br#"{"type":"webauthn.get","challenge":"BQ","origin":"https://a","other_keys_can_be_added_here":[{}],"crossOrigin":null}"#;
    let parsed = ClientData::parse(json).unwrap();
    assert_eq!(parsed.challenge.as_bytes(), [5]);
    assert!(!parsed.cross_origin);
    let framed = br#"{"type":"webauthn.get","challenge":"BQ","origin":"https://a","topOrigin":"https://b"}"#;
    assert!(ClientData::parse(framed).unwrap().cross_origin);
    let payment = br#"{"type":"payment.get","challenge":"BQ","origin":"https://a"}"#;
    assert_eq!(ClientData::parse(payment), Err(WebAuthnError::WrongType));
}

#[test]
fn options_have_the_json_form_of_level_3() {
    let rp = serde_json::from_str(r#"{"id":"nod.example.com","name":"Nod"}"#).unwrap();
    let user = serde_json::from_str(r#"{"id":"AQI","name":"ann","displayName":"Ann"}"#).unwrap();
    let creation = serde_json::to_value(creation_options(rp, user, &[1, 2], &[[3_u8]])).unwrap();
    assert_eq!(
        creation,
        serde_json::json!({
            "rp": {"id": "nod.example.com", "name": "Nod"},
            "user": {"id": "AQI", "name": "ann", "displayName": "Ann"},
            "challenge": "AQI",
            "pubKeyCredParams": [
                {"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -8}, {"type": "public-key", "alg": -257}],
            "timeout": 120_000,
            "excludeCredentials": [{"type": "public-key", "id": "Aw"}],
            "authenticatorSelection": {
                "residentKey": "required", "requireResidentKey": true, "userVerification": "required"},
            "attestation": "none",
        })
    );
    let request = serde_json::to_value(request_options("nod.example.com", &[1], &[[3_u8]], &["hybrid"])).unwrap();
    assert_eq!(
        request,
        serde_json::json!({
            "challenge": "AQ", "timeout": 120_000, "rpId": "nod.example.com",
            "allowCredentials": [{"type": "public-key", "id": "Aw"}],
            "userVerification": "required", "hints": ["hybrid"],
        })
    );
}

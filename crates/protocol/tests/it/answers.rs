//! Answers, device sign-in, keys, codes.

use nod_protocol::answer::{AnswerPayload, Decision, ParsedAnswer, sign_answer};
use nod_protocol::device_sign_in::{DeviceSignInPayload, ParsedDeviceSignIn, sign_device_sign_in};
use nod_protocol::enrolment::{EnrolmentCode, confirmation};
use nod_protocol::{Bytes32, Id, Jwk, JwsError, KeyError, SigningKey, SixDigits, Thumbprint};

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_entropy(&[seed; 32]).unwrap()
}

pub(crate) fn payload(key: &SigningKey) -> AnswerPayload {
    AnswerPayload {
        challenge: Id([1; 16]),
        version: 1,
        nonce: Bytes32([2; 32]),
        decision: Decision::Approve,
        context_sha256: Bytes32([3; 32]),
        number: Some("042137".parse().unwrap()),
        device: Id([4; 16]),
        kid: key.jwk().thumbprint(),
        origin: "https://nod.example.com".to_owned(),
        exp: 1_800_000_000,
    }
}

#[test]
fn an_answer_verifies_with_its_key_and_no_other() {
    let key_a = key(7);
    let payload = payload(&key_a);
    let text = sign_answer(&key_a, &payload).unwrap();
    let parsed = ParsedAnswer::parse(&text).unwrap();
    assert_eq!(parsed.claimed_device(), payload.device);
    let verified = parsed.verify(key_a.jwk()).unwrap();
    assert_eq!(verified.payload(), &payload);
    assert_eq!(*verified.payload_sha256(), nod_protocol::sha256(verified.payload_bytes()));
    assert_eq!(parsed.verify(key(8).jwk()), Err(JwsError::WrongKey));
    assert_eq!(sign_answer(&key(8), &payload), Err(JwsError::WrongKey));
}

#[test]
fn the_payload_has_the_order_of_the_contract() {
    let bytes = payload(&key(7)).to_bytes().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let names: Vec<&str> = text.trim_matches(['{', '}']).split(',').map(|m| m.split('"').nth(1).unwrap()).collect();
    let contract =
        ["challenge", "version", "nonce", "decision", "context_sha256", "number", "device", "kid", "origin", "exp"];
    assert_eq!(names, contract);
}

#[test]
fn the_number_goes_with_an_approval_only() {
    let key = key(7);
    let payload = AnswerPayload { decision: Decision::Deny, ..payload(&key) };
    let text = sign_answer(&key, &payload).unwrap();
    assert!(matches!(ParsedAnswer::parse(&text), Err(JwsError::Malformed(_))));
}

#[test]
fn a_device_sign_in_is_no_answer_and_the_reverse() {
    let key = key(7);
    let payload = DeviceSignInPayload {
        nonce: "abc".to_owned(),
        device: Id([4; 16]),
        origin: "https://nod.example.com".to_owned(),
    };
    let text = sign_device_sign_in(&key, &payload).unwrap();
    let verified = ParsedDeviceSignIn::parse(&text).unwrap().verify(key.jwk()).unwrap();
    assert_eq!(verified.payload(), &payload);
    assert_eq!(ParsedAnswer::parse(&text), Err(JwsError::WrongType));
    let answer = sign_answer(&key, &self::payload(&key)).unwrap();
    assert_eq!(ParsedDeviceSignIn::parse(&answer), Err(JwsError::WrongType));
}

#[test]
fn a_key_survives_pkcs8_and_jwk() {
    let key = key(9);
    let again = SigningKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
    assert_eq!(key.jwk(), again.jwk());
    assert_eq!(key.to_scalar().unwrap(), [9; 32]);
    let text = serde_json::to_string(key.jwk()).unwrap();
    assert_eq!(serde_json::from_str::<Jwk>(&text).unwrap(), *key.jwk());
    assert_eq!(Jwk::from_point(&key.jwk().point()), Ok(*key.jwk()));
}

#[test]
fn bad_keys_are_refused() {
    assert_eq!(SigningKey::from_entropy(&[0; 32]).unwrap_err(), KeyError::BadPrivateKey);
    assert_eq!(SigningKey::from_entropy(&[255; 32]).unwrap_err(), KeyError::BadPrivateKey);
    assert_eq!(Jwk::from_coordinates([1; 32], [2; 32]), Err(KeyError::NotOnCurve));
    let mut compressed = key(9).jwk().point()[..33].to_vec();
    compressed[0] = 2;
    assert_eq!(Jwk::from_point(&compressed), Err(KeyError::NotOnCurve));
}

#[test]
fn the_thumbprint_is_that_of_rfc_7638() {
    // The P-256 key of RFC 7517 appendix A.1; its thumbprint computed with Python's hashlib over the canonical JSON.
    let jwk: Jwk = serde_json::from_str(
        r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"}"#,
    )
    .unwrap();
    assert_eq!(jwk.thumbprint().to_string(), "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s");
}

#[test]
fn codes_are_read_as_people_type_them() {
    let code = EnrolmentCode::from_entropy([0x01, 0x23, 0x45, 0x67, 0x89]);
    let text = code.to_string();
    assert_eq!(text.len(), 8);
    assert_eq!(format!(" {} ", code.grouped().to_lowercase()).parse(), Ok(code));
    assert_eq!("abcd il45".parse::<EnrolmentCode>().unwrap().to_string(), "ABCDLL45");
    for wrong in ["", "ABCD234", "ABCD23456", "ABCD2340", "ABCD234O", "ÄBCD2345"] {
        assert!(wrong.parse::<EnrolmentCode>().is_err(), "{wrong}");
    }
    assert_eq!(EnrolmentCode::from_entropy([0; 5]).to_string(), "AAAAAAAA");
    assert_eq!(EnrolmentCode::from_entropy([255; 5]).to_string(), "99999999");
}

#[test]
fn the_confirmation_depends_on_each_part() {
    let base = confirmation(&Id([1; 16]), &Id([2; 16]), &Thumbprint([3; 32]));
    assert_ne!(base, confirmation(&Id([9; 16]), &Id([2; 16]), &Thumbprint([3; 32])));
    assert_ne!(base, confirmation(&Id([1; 16]), &Id([9; 16]), &Thumbprint([3; 32])));
    assert_ne!(base, confirmation(&Id([1; 16]), &Id([2; 16]), &Thumbprint([9; 32])));
}

#[test]
fn six_digits_keep_their_zeros() {
    let digits = SixDigits::from_bits(7_000_042);
    assert_eq!(digits.to_string(), "000042");
    assert_eq!(digits.grouped(), "000 042");
    assert_eq!(SixDigits::parse_typed(" 000-042 "), Ok(digits));
    for wrong in ["", "42", "0000042", "00004a", "+00042", "٠٠٠٠٤٢"] {
        assert!(wrong.parse::<SixDigits>().is_err(), "{wrong}");
    }
}

#[test]
fn ids_have_one_spelling() {
    let text = Id([255; 16]).to_string();
    assert_eq!(text.len(), 22);
    assert_eq!(text.parse(), Ok(Id([255; 16])));
    // The last character holds two bits of value: the other spellings of it are refused.
    assert!(format!("{}x", &text[..21]).parse::<Id>().is_err());
    assert!(format!("{text}==").parse::<Id>().is_err());
    assert!(text[..21].parse::<Id>().is_err());
}

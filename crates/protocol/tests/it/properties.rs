//! Round trips of every codec, and arbitrary bytes that must never panic.

use nod_protocol::answer::{AnswerPayload, Decision, ParsedAnswer, sign_answer};
use nod_protocol::checkpoint::ParsedCheckpoint;
use nod_protocol::context::Context;
use nod_protocol::device_api::{
    AnswerRequest, EnrolPasskeyRequest, EnrolRequest, RequestBody, SelfTestRequest, SessionRequest, StageRequest,
    SubscriptionRequest,
};
use nod_protocol::device_sign_in::ParsedDeviceSignIn;
use nod_protocol::enrolment::EnrolmentCode;
use nod_protocol::webauthn::{
    AssertionJson, AttestedCredential, AuthenticatorData, ClientData, ClientDataType, CredentialKey, Flags,
    parse_attestation_object,
};
use nod_protocol::{B64, Bytes32, Id, Jwk, SixDigits};
use proptest::prelude::*;

use crate::answers::key;

fn decision() -> impl Strategy<Value = Decision> {
    prop_oneof![Just(Decision::Approve), Just(Decision::Deny), Just(Decision::DenyFraud)]
}

fn context() -> impl Strategy<Value = Context> {
    let texts = proptest::collection::vec(".{0,40}", 8);
    (texts, proptest::collection::vec(".{0,20}", 0..4), any::<i64>()).prop_map(|(mut texts, new, at)| {
        let mut next = || texts.pop().unwrap();
        Context {
            v: 1,
            user: next(),
            display_name: next(),
            app: next(),
            action: next(),
            origin: next(),
            browser: next(),
            address: next(),
            place: next(),
            new,
            at,
        }
    })
}

proptest! {
    #[test]
    fn byte_strings_round_trip(id: [u8; 16], hash: [u8; 32], bytes: Vec<u8>) {
        prop_assert_eq!(Id(id).to_string().parse(), Ok(Id(id)));
        prop_assert_eq!(Bytes32(hash).to_string().parse(), Ok(Bytes32(hash)));
        prop_assert_eq!(B64(bytes.clone()).to_string().parse(), Ok(B64(bytes)));
    }

    #[test]
    fn a_text_that_parses_as_an_id_is_its_only_spelling(text in "[A-Za-z0-9_-]{22}") {
        if let Ok(id) = text.parse::<Id>() {
            prop_assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn answers_round_trip(
        challenge: [u8; 16], version: u32, nonce: [u8; 32], decision in decision(), hash: [u8; 32],
        number in proptest::option::of(0..1_000_000_u64), device: [u8; 16], origin in ".{0,80}", exp: i64,
    ) {
        let key = key(21);
        let payload = AnswerPayload {
            challenge: Id(challenge), version, nonce: Bytes32(nonce), decision, context_sha256: Bytes32(hash),
            number: number.filter(|_| decision == Decision::Approve).map(SixDigits::from_bits),
            device: Id(device), kid: key.jwk().thumbprint(), origin, exp,
        };
        let jws = sign_answer(&key, &payload).unwrap();
        let verified = ParsedAnswer::parse(&jws).unwrap().verify(key.jwk()).unwrap();
        prop_assert_eq!(verified.payload(), &payload);
    }

    #[test]
    fn contexts_round_trip(context in context()) {
        let bytes = context.context_bytes().unwrap();
        prop_assert_eq!(Context::parse(&bytes).unwrap().context_bytes().unwrap(), bytes);
    }

    #[test]
    fn codes_and_digits_round_trip(entropy: [u8; 5], bits: u64) {
        let code = EnrolmentCode::from_entropy(entropy);
        prop_assert_eq!(code.grouped().to_lowercase().parse(), Ok(code));
        let digits = SixDigits::from_bits(bits);
        prop_assert_eq!(SixDigits::parse_typed(&digits.grouped()), Ok(digits));
    }

    #[test]
    fn keys_round_trip(scalar: [u8; 32]) {
        if let Ok(key) = nod_protocol::SigningKey::from_entropy(&scalar) {
            let cose = CredentialKey::Es256(*key.jwk());
            prop_assert_eq!(CredentialKey::from_cose(&cose.to_cose().unwrap()), Ok(cose));
            prop_assert_eq!(Jwk::from_point(&key.jwk().point()), Ok(*key.jwk()));
        }
    }

    #[test]
    fn client_data_round_trips(challenge: Vec<u8>, origin in ".{0,100}", cross_origin: bool, create: bool) {
        let ceremony = if create { ClientDataType::Create } else { ClientDataType::Get };
        let data = ClientData { ceremony, challenge: B64(challenge), origin, cross_origin };
        prop_assert_eq!(ClientData::parse(&data.to_bytes()), Ok(data));
    }

    #[test]
    fn authenticator_data_round_trips(
        rp_id_hash: [u8; 32], flags: u8, counter: u32, aaguid: [u8; 16],
        credential_id in proptest::collection::vec(any::<u8>(), 1..200),
    ) {
        let flags = Flags(flags);
        let public_key = CredentialKey::Es256(*key(22).jwk()).to_cose().unwrap();
        let data = AuthenticatorData {
            rp_id_hash, flags, counter,
            attested: flags.attested().then_some(AttestedCredential { aaguid, credential_id, public_key }),
            extensions: flags.extensions().then_some(vec![0xa1, 0x61, 0x61, 0xf5]),
        };
        prop_assert_eq!(AuthenticatorData::parse(&data.to_bytes()), Ok(data));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = ClientData::parse(&bytes);
        let _ = AuthenticatorData::parse(&bytes);
        let _ = parse_attestation_object(&bytes);
        let _ = CredentialKey::from_cose(&bytes);
        let _ = Context::parse(&bytes);
        let _ = Jwk::from_point(&bytes);
        let _ = nod_protocol::SigningKey::from_pkcs8(&bytes);
        let _ = serde_json::from_slice::<AssertionJson>(&bytes);
    }

    #[test]
    fn arbitrary_texts_never_panic(text in ".*", one in "[A-Za-z0-9_-]{0,60}", two in "[A-Za-z0-9_-]{0,60}") {
        for text in [text, format!("{one}.{two}.{one}")] {
            let _ = ParsedAnswer::parse(&text);
            let _ = ParsedDeviceSignIn::parse(&text);
            let _ = ParsedCheckpoint::parse(&text);
            let _ = text.parse::<EnrolmentCode>();
            let _ = SixDigits::parse_typed(&text);
            let _ = text.parse::<Id>();
            let _ = serde_json::from_str::<Jwk>(&text);
        }
    }

    #[test]
    fn arbitrary_json_never_panics_in_bodies(text in r#"\{("(devices|code|answer|device|subscription|request)":("[a-z]{0,9}"|null|\[\]|\{\}|1),?){0,4}\}"#) {
        let _ = serde_json::from_str::<EnrolRequest>(&text);
        let _ = serde_json::from_str::<SessionRequest>(&text);
        let _ = serde_json::from_str::<AnswerRequest>(&text);
        let _ = serde_json::from_str::<EnrolPasskeyRequest>(&text);
        let _ = serde_json::from_str::<SubscriptionRequest>(&text);
        let _ = serde_json::from_str::<StageRequest>(&text);
        let _ = serde_json::from_str::<SelfTestRequest>(&text);
        let _ = serde_json::from_str::<RequestBody>(&text);
    }
}

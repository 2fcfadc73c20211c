//! A phone in software: device key and passkey, over the wire formats of `nod-protocol`.

use nod_core::DeviceId;
use nod_engine::{Engine, Fault};
use nod_protocol::answer::{AnswerPayload, Decision, sign_answer};
use nod_protocol::device_api::{
    AnswerRequest, EnrolRequest, Notifications, Platform, RequestBody, RequestState, SubscriptionRequest,
};
use nod_protocol::device_sign_in::{DeviceSignInPayload, sign_device_sign_in};
use nod_protocol::enrolment::EnrolmentCode;
use nod_protocol::webauthn::{
    AssertionJson, AssertionResponseJson, AttestedCredential, AuthenticatorData, ClientData, ClientDataType,
    CredentialKey, Flags, PublicKeyType, RegistrationJson, RegistrationResponseJson,
};
use nod_protocol::{B64, Bytes32, SigningKey, SixDigits, b64, sha256};

use super::world::{HOST, ORIGIN};

/// A phone that has joined an enrolment.
pub(super) struct SoftPhone {
    key: SigningKey,
    passkey: SigningKey,
    credential: Vec<u8>,
    user: Vec<u8>,
    pub(super) device: DeviceId,
    pub(super) confirmation: SixDigits,
    pub(super) token: String,
}

impl SoftPhone {
    /// Redeems the code and gives everything but the confirmation.
    pub(super) async fn join(engine: &Engine, code: EnrolmentCode, seed: u8) -> Self {
        let key = SigningKey::from_entropy(&[seed; 32]).unwrap();
        let passkey = SigningKey::from_entropy(&[seed + 1; 32]).unwrap();
        let request =
            EnrolRequest { code, name: format!("Phone {seed}"), platform: Platform::Android, key: *key.jwk() };
        let answer = engine.join(&request, "198.51.100.7").await.unwrap();
        let mut phone = Self {
            key,
            passkey,
            credential: vec![seed; 32],
            user: answer.passkey.user.id.0.clone(),
            device: DeviceId(answer.device.0),
            confirmation: answer.confirmation,
            token: String::new(),
        };
        phone.open_session(engine).await;
        let session = engine.phone(&phone.token).await.unwrap();
        let registration = phone.register(&answer.passkey.challenge.0);
        engine.enrol_passkey(&session, phone.device, &registration).await.unwrap();
        let silent = SubscriptionRequest { subscription: None, notifications: Notifications::Unavailable };
        engine.set_subscription(&session, &silent).await.unwrap();
        phone
    }

    /// A device session of its own; the last one may have ended.
    pub(super) async fn open_session(&mut self, engine: &Engine) {
        let nonce = engine.device_nonce().await.unwrap().nonce;
        let device = nod_protocol::Id(self.device.0);
        let payload = DeviceSignInPayload { nonce, device, origin: ORIGIN.to_owned() };
        let statement = sign_device_sign_in(&self.key, &payload).unwrap();
        self.token = engine.device_sign_in(&[statement]).await.unwrap().token;
    }

    fn register(&self, challenge: &[u8]) -> RegistrationJson {
        let attested = AttestedCredential {
            aaguid: [0; 16],
            credential_id: self.credential.clone(),
            public_key: CredentialKey::Es256(*self.passkey.jwk()).to_cose().unwrap(),
        };
        let data = authenticator_data(Some(attested));
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        object.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend_from_slice(&data);
        RegistrationJson {
            id: b64::encode(&self.credential),
            raw_id: B64(self.credential.clone()),
            kind: PublicKeyType::PublicKey,
            response: RegistrationResponseJson {
                client_data_json: B64(client_data(ClientDataType::Create, challenge, ORIGIN)),
                attestation_object: B64(object),
            },
        }
    }

    /// What the passkey signs for a page at our origin.
    pub(super) fn assert(&self, challenge: &[u8]) -> AssertionJson {
        self.assert_at(challenge, ORIGIN)
    }

    /// What the passkey would sign for a page at `origin`, if a browser let it.
    pub(super) fn assert_at(&self, challenge: &[u8], origin: &str) -> AssertionJson {
        let client_data = client_data(ClientDataType::Get, challenge, origin);
        let data = authenticator_data(None);
        let signature = self.passkey.sign_webauthn(&[data.as_slice(), &sha256(&client_data)].concat()).unwrap();
        AssertionJson {
            id: b64::encode(&self.credential),
            raw_id: B64(self.credential.clone()),
            kind: PublicKeyType::PublicKey,
            response: AssertionResponseJson {
                client_data_json: B64(client_data),
                authenticator_data: B64(data),
                signature: B64(signature),
                user_handle: Some(B64(self.user.clone())),
            },
        }
    }

    /// Requests that wait for this phone.
    pub(super) async fn pending(&self, engine: &Engine) -> Vec<RequestBody> {
        let session = engine.phone(&self.token).await.unwrap();
        engine.pending(&session).await.unwrap().requests
    }

    /// Answers the only request that waits.
    pub(super) async fn answer(
        &self,
        engine: &Engine,
        decision: Decision,
        number: Option<SixDigits>,
    ) -> Result<RequestState, Fault> {
        let session = engine.phone(&self.token).await?;
        let pending = self.pending(engine).await;
        let [request] = pending.as_slice() else { panic!("one request, not {}", pending.len()) };
        let payload = AnswerPayload {
            challenge: request.id,
            version: request.version,
            nonce: request.nonce,
            decision,
            context_sha256: Bytes32(sha256(&request.context.0)),
            number,
            device: request.device,
            kid: self.key.jwk().thumbprint(),
            origin: ORIGIN.to_owned(),
            exp: request.expires_at / 1000,
        };
        let assertion = (decision == Decision::Approve).then(|| self.assert(&sha256(&payload.to_bytes().unwrap())));
        let body = AnswerRequest { answer: sign_answer(&self.key, &payload).unwrap(), assertion };
        engine.answer(&session, nod_core::ChallengeId(request.id.0), &body).await
    }
}

fn authenticator_data(attested: Option<AttestedCredential>) -> Vec<u8> {
    let at = if attested.is_some() { Flags::AT } else { 0 };
    AuthenticatorData {
        rp_id_hash: sha256(HOST.as_bytes()),
        flags: Flags(Flags::UP | Flags::UV | at),
        counter: 0,
        attested,
        extensions: None,
    }
    .to_bytes()
}

fn client_data(ceremony: ClientDataType, challenge: &[u8], origin: &str) -> Vec<u8> {
    let challenge = B64(challenge.to_vec());
    ClientData { ceremony, challenge, origin: origin.to_owned(), cross_origin: false }.to_bytes()
}

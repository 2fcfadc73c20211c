//! A security key in software that does wrong on request: attack O16's authenticator.

use std::sync::Arc;

use nod_protocol::webauthn::{
    AssertionJson, AssertionResponseJson, AttestedCredential, AuthenticatorData, ClientDataType, CredentialKey, Flags,
    PublicKeyType, RegistrationJson, RegistrationResponseJson,
};
use nod_protocol::{B64, SigningKey, b64, sha256};
use serde_json::{Value, json};

use super::world::{HOST, ORIGIN, challenge};

/// What is wrong with a ceremony.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bend {
    /// Nothing: the benign twin.
    Straight,
    /// A page of another origin.
    Origin,
    /// The same host, another port.
    Port,
    /// For another relying party.
    Rp,
    /// Client data of the other ceremony.
    Type,
    /// In a frame of another origin.
    Framed,
    /// No user verification.
    NotVerified,
    /// No user presence.
    NotPresent,
    /// Backed up without being eligible.
    BackupFlags,
    /// Eligible for backup, and was not when it was added.
    NowSynced,
    /// Another challenge.
    Challenge,
    /// The signature of another key.
    OtherKey,
    /// One bit of the signature.
    Flipped,
    /// A credential id that nobody has.
    Unknown,
    /// The handle of another account.
    Handle,
    /// Another algorithm than the key is of.
    Algorithm,
}

/// One credential.
#[derive(Clone)]
pub(super) struct SoftKey {
    key: Arc<SigningKey>,
    other: Arc<SigningKey>,
    pub(super) credential: Vec<u8>,
    pub(super) user: Vec<u8>,
    /// What the next signature carries; 0 keeps none.
    pub(super) counter: u32,
}

impl SoftKey {
    pub(super) fn new(seed: u8) -> Self {
        Self {
            key: Arc::new(SigningKey::from_entropy(&[seed; 32]).unwrap()),
            other: Arc::new(SigningKey::from_entropy(&[seed + 1; 32]).unwrap()),
            credential: vec![seed; 32],
            user: Vec::new(),
            counter: 1,
        }
    }

    /// The same at another count.
    pub(super) fn counting(&self, counter: u32) -> Self {
        Self { counter, ..self.clone() }
    }

    /// Makes the credential as the options ask for it.
    pub(super) fn register(&mut self, options: &Value, bend: Bend) -> RegistrationJson {
        self.user = b64::decode(options["user"]["id"].as_str().unwrap()).unwrap();
        let mut public_key = CredentialKey::Es256(*self.key.jwk()).to_cose().unwrap();
        if bend == Bend::Algorithm {
            // The label 3 (alg) says RS256 (-257) in place of ES256 (-7): one byte becomes three.
            let at = public_key.windows(2).position(|pair| pair == [0x03, 0x26]).unwrap();
            public_key.splice(at + 1..at + 2, [0x39, 0x01, 0x00]);
        }
        let credential_id = self.credential.clone();
        let data = self.data(Some(AttestedCredential { aaguid: [0xA5; 16], credential_id, public_key }), bend);
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        object.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend_from_slice(&data);
        let raw_id = self.raw_id(bend);
        RegistrationJson {
            id: b64::encode(&raw_id),
            raw_id: B64(raw_id),
            kind: PublicKeyType::PublicKey,
            response: RegistrationResponseJson {
                client_data_json: B64(client_data(ClientDataType::Create, &challenge(options), bend)),
                attestation_object: B64(object),
            },
        }
    }

    /// Signs what the options ask for.
    pub(super) fn assert(&self, options: &Value, bend: Bend) -> AssertionJson {
        let client_data = client_data(ClientDataType::Get, &challenge(options), bend);
        let data = self.data(None, bend);
        let key = if bend == Bend::OtherKey { &self.other } else { &self.key };
        let mut signature = key.sign_webauthn(&[data.as_slice(), &sha256(&client_data)].concat()).unwrap();
        match bend {
            Bend::Flipped => *signature.last_mut().unwrap() ^= 1,
            // As long as one of Ed25519.
            Bend::Algorithm => signature = vec![7; 64],
            _ => {}
        }
        let raw_id = self.raw_id(bend);
        let handle = if bend == Bend::Handle { vec![9; 16] } else { self.user.clone() };
        AssertionJson {
            id: b64::encode(&raw_id),
            raw_id: B64(raw_id),
            kind: PublicKeyType::PublicKey,
            response: AssertionResponseJson {
                client_data_json: B64(client_data),
                authenticator_data: B64(data),
                signature: B64(signature),
                user_handle: Some(B64(handle)),
            },
        }
    }

    fn raw_id(&self, bend: Bend) -> Vec<u8> {
        if bend == Bend::Unknown { vec![0xEE; 32] } else { self.credential.clone() }
    }

    fn data(&self, attested: Option<AttestedCredential>, bend: Bend) -> Vec<u8> {
        let mut flags = Flags::UP | Flags::UV | if attested.is_some() { Flags::AT } else { 0 };
        match bend {
            Bend::NotVerified => flags &= !Flags::UV,
            Bend::NotPresent => flags &= !Flags::UP,
            Bend::BackupFlags => flags |= Flags::BS,
            Bend::NowSynced => flags |= Flags::BE,
            _ => {}
        }
        let rp = if bend == Bend::Rp { "evil.example" } else { HOST };
        let (rp_id_hash, counter) = (sha256(rp.as_bytes()), self.counter);
        AuthenticatorData { rp_id_hash, flags: Flags(flags), counter, attested, extensions: None }.to_bytes()
    }
}

fn client_data(ceremony: ClientDataType, challenge: &[u8], bend: Bend) -> Vec<u8> {
    let ceremony = match (bend, ceremony) {
        (Bend::Type, ClientDataType::Get) => ClientDataType::Create,
        (Bend::Type, ClientDataType::Create) => ClientDataType::Get,
        (_, straight) => straight,
    };
    let origin = match bend {
        Bend::Origin => "https://nod.example.com.evil.example".to_owned(),
        Bend::Port => format!("{ORIGIN}:8443"),
        _ => ORIGIN.to_owned(),
    };
    let mut challenge = challenge.to_vec();
    if bend == Bend::Challenge {
        challenge[0] ^= 1;
    }
    let (challenge, framed) = (b64::encode(&challenge), bend == Bend::Framed);
    json!({"type": ceremony.as_str(), "challenge": challenge, "origin": origin, "crossOrigin": framed})
        .to_string()
        .into()
}

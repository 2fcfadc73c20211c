//! People with a phone, a passkey and a bound browser, written straight into the store as an enrolment would leave them.

use nod_core::people::{User, UserState};
use nod_core::possession::{
    BoundBy, Browser, BrowserSecret, Device, DeviceSession, DeviceState, Notifications, Passkey, Platform,
};
use nod_core::push::Subscription;
use nod_core::{BrowserId, DeviceId, PasskeyId, SubscriptionId, UNSEALED, UserId, limits};
use nod_engine::ports::{Store, Write, random};
use nod_engine::{Vault, fresh_secret};
use nod_phone::{Origin, SoftPasskey, keys};
use nod_protocol::answer::{AnswerPayload, Decision, sign_answer};
use nod_protocol::device_api::{AnswerRequest, RequestBody};
use nod_protocol::webauthn::{RelyingParty, RpJson, UserJson, creation_options, verify_registration};
use nod_protocol::{B64, Bytes32, Id, SigningKey, sha256};

use crate::installation::{self, HOST, ORIGIN, OsEntropy};

/// People written in one commit.
const BATCH: usize = 100;

/// Somebody who signs in.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) user: UserId,
    pub(crate) device: Id,
    pub(crate) key: SigningKey,
    pub(crate) passkey: SoftPasskey,
    pub(crate) passkey_public: Vec<u8>,
    /// Device session.
    pub(crate) token: String,
    /// Bound-browser cookie, the newest.
    pub(crate) browser: String,
}

/// Writes people; with a push service's address, pushes for number N go to `/push/N` there.
pub(crate) async fn seed(store: &dyn Store, count: usize, push: Option<&str>) -> Vec<Person> {
    let vault = installation::vault();
    let mut people = Vec::with_capacity(count);
    while people.len() < count {
        let mut writes = Vec::new();
        for _ in 0..BATCH.min(count - people.len()) {
            let endpoint = push.map(|address| format!("http://{address}/push/{}", people.len()));
            people.push(person(&vault, people.len(), endpoint, &mut writes));
        }
        store.commit(writes).await.unwrap();
    }
    people
}

fn person(vault: &Vault, number: usize, endpoint: Option<String>, writes: &mut Vec<Write>) -> Person {
    let now = installation::now();
    let name = format!("person{number}");
    let (user, device) = (UserId(random(&OsEntropy)), DeviceId(random(&OsEntropy)));
    let key = keys::new_key(&OsEntropy).unwrap();
    writes.push(Write::AddUser(vault.sealed(User {
        id: user,
        name: name.clone(),
        display_name: name.clone(),
        state: UserState::Active,
        password_hash: Some("unhashed".to_owned()),
        number_always: false,
        terminal_phone: true,
        mail: None,
        created_at: now,
        checksum: UNSEALED,
    })));
    let subscription = endpoint.map(|endpoint| {
        let id = SubscriptionId(random(&OsEntropy));
        let p256dh = keys::new_key(&OsEntropy).unwrap().jwk().point().to_vec();
        let auth = random::<16>(&OsEntropy).to_vec();
        writes.push(Write::PutSubscription(Subscription { id, endpoint, p256dh, auth, refusals: 0 }));
        id
    });
    let jwk = serde_json::to_string(key.jwk()).unwrap();
    let phone = vault.sealed(Device {
        held_until: None,
        id: device,
        user,
        name: "Pixel 9".to_owned(),
        platform: Platform::Android,
        state: DeviceState::Pending,
        checksum: UNSEALED,
        key: jwk,
        notifications: if subscription.is_some() { Notifications::Granted } else { Notifications::Unavailable },
        subscription,
        created_at: now,
        last_seen_at: now,
    });
    let checksum = vault.checksum(&Device { state: DeviceState::Active, ..phone.clone() });
    writes.push(Write::AddDevice(phone));
    let (passkey, made) = passkey(&name, user);
    writes.push(Write::AddPasskey(vault.sealed(Passkey {
        id: PasskeyId(random(&OsEntropy)),
        user,
        device,
        checksum: UNSEALED,
        credential_id: made.credential_id,
        public_key: made.public_key.clone(),
        backup_eligible: false,
        created_at: now,
    })));
    writes.push(Write::ActivateDevice { device, user, held_until: None, checksum });
    let browser = bind(vault, user, writes);
    let (token, secret) = fresh_secret(&OsEntropy);
    let expires_at = now.after(limits::DEVICE_SESSION_LIFE);
    let session = DeviceSession { secret, device, expires_at, checksum: UNSEALED };
    writes.push(Write::AddDeviceSession(vault.sealed(session)));
    let device = Id(device.0);
    Person { name, user, device, key, passkey, passkey_public: made.public_key, token, browser }
}

fn passkey(name: &str, user: UserId) -> (SoftPasskey, nod_protocol::webauthn::NewPasskey) {
    let rp = RpJson { id: HOST.to_owned(), name: "Bench".to_owned() };
    let owner = UserJson { id: B64(user.0.to_vec()), name: name.to_owned(), display_name: name.to_owned() };
    let challenge = random::<32>(&OsEntropy);
    let options = creation_options(rp, owner, &challenge, &[] as &[Vec<u8>]);
    let (passkey, registration) = SoftPasskey::register(&options, &origin(), &OsEntropy).unwrap();
    let made = verify_registration(&registration, &challenge, &relying_party()).unwrap();
    (passkey, made)
}

fn bind(vault: &Vault, user: UserId, writes: &mut Vec<Write>) -> String {
    let now = installation::now();
    let id = BrowserId(random(&OsEntropy));
    let (cookie, hash) = fresh_secret(&OsEntropy);
    let browser = vault.sealed(Browser {
        id,
        user,
        label: "Firefox on Linux".to_owned(),
        bound_by: BoundBy::Passkey,
        bound: true,
        created_at: now,
        last_used_at: now,
        checksum: UNSEALED,
    });
    let secret = BrowserSecret { hash, browser: id, issued_at: now, retired: false, checksum: UNSEALED };
    writes.push(Write::BindBrowser(browser, vault.sealed(secret)));
    cookie
}

pub(crate) fn origin() -> Origin {
    ORIGIN.parse().unwrap()
}

pub(crate) fn relying_party() -> RelyingParty {
    RelyingParty { id: HOST.to_owned(), origin: ORIGIN.to_owned() }
}

impl Person {
    /// A signed approval with user verification.
    pub(crate) fn approve(&self, request: &RequestBody) -> AnswerRequest {
        let payload = AnswerPayload {
            challenge: request.id,
            version: request.version,
            nonce: request.nonce,
            decision: Decision::Approve,
            context_sha256: Bytes32(sha256(request.context.as_bytes())),
            number: None,
            device: self.device,
            kid: self.key.jwk().thumbprint(),
            origin: ORIGIN.to_owned(),
            exp: request.expires_at.div_euclid(1000),
        };
        let assertion = self.passkey.assert(&sha256(&payload.to_bytes().unwrap()), &origin()).unwrap();
        AnswerRequest { answer: sign_answer(&self.key, &payload).unwrap(), assertion: Some(assertion) }
    }
}

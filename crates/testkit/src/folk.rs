//! People with enrolled phones and introduced browsers, made through the engine itself: for the simulation and for tests.

use std::cell::RefCell;
use std::sync::Arc;

use async_trait::async_trait;
use nod_core::{DeviceId, UserId};
use nod_engine::ports::{Entropy, Store};
use nod_engine::{Asking, AuthnRequest, Engine, Fault, Outcome, Passwords, Settings, Vault};
use nod_phone::{Origin, SoftPasskey, keys};
use nod_protocol::answer::{AnswerPayload, Decision, sign_answer};
use nod_protocol::device_api::{
    AnswerRequest, EnrolRequest, Notifications, Platform, PushKeys, PushSubscription, RequestBody, SubscriptionRequest,
};
use nod_protocol::device_sign_in::{DeviceSignInPayload, sign_device_sign_in};
use nod_protocol::{B64, Bytes32, Id, SigningKey, SixDigits, sha256};
use zeroize::Zeroizing;

use crate::SeededEntropy;

/// Where Nod stands in tests.
pub const ORIGIN: &str = "https://nod.example.com";
/// Everybody's password.
pub const PASSWORD: &str = "four plain words here";

/// Passwords without the work: the hash is the password.
#[derive(Debug)]
pub struct Plain;

#[async_trait]
impl Passwords for Plain {
    async fn verify(&self, hash: Option<String>, password: Zeroizing<String>, _source: &str) -> Outcome<bool> {
        Ok(hash.as_deref() == Some(password.as_str()))
    }
    async fn hash(&self, password: Zeroizing<String>, _source: &str) -> Outcome<String> {
        Ok(password.to_string())
    }
}

/// An engine at [`ORIGIN`] over `store`, with a data key of its own kind.
pub fn engine(store: Arc<dyn Store>, seed: u64) -> Engine {
    let settings = Settings {
        origin: ORIGIN.to_owned(),
        rp_id: "nod.example.com".to_owned(),
        server_name: "Simulated".to_owned(),
        number_always: false,
        vapid_public_key: Vec::new(),
    };
    Engine::new(store, Arc::new(SeededEntropy::new(seed)), Arc::new(Plain), Vault::new(&[9; 32]), settings)
}

/// One person.
#[derive(Debug)]
pub struct Person {
    /// User name.
    pub name: &'static str,
    /// Whose account.
    pub user: UserId,
    /// Enrolled phones.
    pub phones: Vec<SimPhone>,
    /// The bound browser's cookie.
    pub cookie: RefCell<Option<String>>,
}

/// One phone.
pub struct SimPhone {
    /// Device key.
    pub key: SigningKey,
    /// Passkey made at enrolment.
    pub passkey: SoftPasskey,
    /// Device id.
    pub device: Id,
    /// Device session's token.
    pub token: String,
    /// What it shows while it joins.
    pub confirmation: SixDigits,
}

impl std::fmt::Debug for SimPhone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SimPhone({})", self.device)
    }
}

/// The phone library's entropy over the dice.
struct Dice<'a>(&'a SeededEntropy);

impl nod_phone::Entropy for Dice<'_> {
    fn fill(&self, bytes: &mut [u8]) {
        Entropy::fill(self.0, bytes);
    }
}

/// [`ORIGIN`] as the phone library has it.
#[must_use]
pub fn origin() -> Origin {
    ORIGIN.parse().unwrap_or_else(|_| unreachable!("a constant"))
}

/// Adds a person, enrols so many phones, and introduces the browser, all through the engine.
///
/// # Panics
/// When the engine refuses any of it.
pub async fn enrolled(engine: &Engine, dice: &SeededEntropy, name: &'static str, phones: u64) -> Person {
    let user = engine.add_user(name, None, true).await.unwrap_or_else(|error| unreachable!("{error}")).id;
    let mut person = Person { name, user, phones: Vec::new(), cookie: RefCell::default() };
    for _ in 0..phones {
        let (phone, cookie) = enrol(engine, dice, user).await.unwrap_or_else(|error| unreachable!("{error}"));
        person.phones.push(phone);
        person.cookie.replace(cookie);
    }
    person
}

/// Enrols one more phone and introduces the asking browser with its passkey; gives the phone and the browser's cookie.
///
/// # Errors
/// The engine's.
pub async fn enrol(engine: &Engine, dice: &SeededEntropy, user: UserId) -> Outcome<(SimPhone, Option<String>)> {
    let (_, link) = engine.open_enrolment(user).await?;
    let cookie = engine.open_link(&link).await?;
    let (enrolment, owner) = engine.enrolment_of(&cookie).await?;
    engine.enrolment_password(&enrolment, &owner, Zeroizing::new(PASSWORD.to_owned()), "192.0.2.1").await?;
    let phone = joined(engine, dice, &cookie).await?;
    let (enrolment, _) = engine.enrolment_of(&cookie).await?;
    engine.confirm(&enrolment, &owner, &phone.confirmation.to_string()).await?;
    let (enrolment, _) = engine.enrolment_of(&cookie).await?;
    let options = engine.enrolment_passkey_options(&enrolment).await?;
    let assertion = phone
        .passkey
        .assert(options.challenge.as_bytes(), &origin())
        .map_err(|error| Fault::BadRequest(error.to_string()))?;
    let asking = Asking { cookie: None, agent: "Firefox on Linux", address: "192.0.2.1" };
    let bound = engine.introduce_after_enrolment(&enrolment, &owner, Some(&assertion), &asking).await?;
    Ok((phone, bound))
}

/// Joins a phone to the proved enrolment of this cookie: everything but the confirmation.
///
/// # Errors
/// The engine's.
pub async fn joined(engine: &Engine, dice: &SeededEntropy, cookie: &str) -> Outcome<SimPhone> {
    let bad = |why: String| Fault::BadRequest(why);
    let (enrolment, _) = engine.enrolment_of(cookie).await?;
    let (code, _) = engine.enrolment_code(&enrolment).await?;
    let key = keys::new_key(&Dice(dice)).map_err(|error| bad(error.to_string()))?;
    let request = EnrolRequest { code, name: "Pixel 9".to_owned(), platform: Platform::Android, key: *key.jwk() };
    let joined = engine.join(&request, "192.0.2.2").await?;
    let nonce = engine.device_nonce().await?.nonce;
    let payload = DeviceSignInPayload { nonce, device: joined.device, origin: ORIGIN.to_owned() };
    let statement = sign_device_sign_in(&key, &payload).map_err(|error| bad(error.to_string()))?;
    let token = engine.device_sign_in(&[statement]).await?.token;
    let phone = engine.phone(&token).await?;
    let (passkey, registration) =
        SoftPasskey::register(&joined.passkey, &origin(), &Dice(dice)).map_err(|error| bad(error.to_string()))?;
    engine.enrol_passkey(&phone, DeviceId(joined.device.0), &registration).await?;
    let keys = PushKeys { p256dh: B64(vec![4; 65]), auth: B64(vec![5; 16]) };
    let endpoint = format!("https://push.example.com/{}", joined.device);
    let subscription = Some(PushSubscription { endpoint, expiration_time: None, keys });
    engine
        .set_subscription(&phone, &SubscriptionRequest { subscription, notifications: Notifications::Granted })
        .await?;
    Ok(SimPhone { key, passkey, device: joined.device, token, confirmation: joined.confirmation })
}

/// Adds a security key that belongs to no phone, by an administrator's link.
///
/// # Errors
/// The engine's.
pub async fn key(engine: &Engine, dice: &SeededEntropy, user: UserId) -> Outcome<SoftPasskey> {
    let (_, link) = engine.open_enrolment(user).await?;
    let cookie = engine.open_link(&link).await?;
    let (enrolment, owner) = engine.enrolment_of(&cookie).await?;
    engine.enrolment_password(&enrolment, &owner, Zeroizing::new(PASSWORD.to_owned()), "192.0.2.1").await?;
    let (enrolment, owner) = engine.enrolment_of(&cookie).await?;
    let options = engine.enrolment_key_options(&enrolment, &owner).await?;
    let (key, registration) = SoftPasskey::register(&options, &origin(), &Dice(dice))
        .map_err(|error| Fault::BadRequest(error.to_string()))?;
    engine.enrol_key(&enrolment, &owner, &registration, "Blue key", "192.0.2.1").await?;
    Ok(key)
}

impl SimPhone {
    /// A signed answer to what the phone was shown; `context` is what it claims to have shown. None when it cannot be signed.
    pub fn answer(
        &self,
        request: &RequestBody,
        decision: Decision,
        number: Option<&str>,
        context: &[u8],
    ) -> Option<AnswerRequest> {
        let payload = AnswerPayload {
            challenge: request.id,
            version: request.version,
            nonce: request.nonce,
            decision,
            context_sha256: Bytes32(sha256(context)),
            number: number.and_then(|digits| SixDigits::parse_typed(digits).ok()),
            device: self.device,
            kid: self.key.jwk().thumbprint(),
            origin: ORIGIN.to_owned(),
            exp: request.expires_at.div_euclid(1000),
        };
        let challenge = sha256(&payload.to_bytes().ok()?);
        let assertion =
            if decision != Decision::Deny { Some(self.passkey.assert(&challenge, &origin()).ok()?) } else { None };
        Some(AnswerRequest { answer: sign_answer(&self.key, &payload).ok()?, assertion })
    }
}

impl Person {
    /// A sign-in of this person with the right password, from a browser with this cookie.
    #[must_use]
    pub fn request(&self, browser_cookie: Option<String>) -> AuthnRequest {
        AuthnRequest {
            user_name: self.name.to_owned(),
            password: Zeroizing::new(PASSWORD.to_owned()),
            app: None,
            return_to: "/".to_owned(),
            binding: None,
            browser_cookie,
            address: "192.0.2.1".to_owned(),
            agent: "Firefox on Linux".to_owned(),
        }
    }
}

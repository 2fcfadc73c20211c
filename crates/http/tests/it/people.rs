//! A person with a phone, and a browser that signs in. The phone speaks HTTP; the browser's side goes through the engine.

use http::Method;
use http::header::AUTHORIZATION;
use nod_core::people::User;
use nod_core::{SecretHash, SignInId};
use nod_engine::{Asking, AuthnRequest, Begun};
use nod_phone::{SoftPasskey, keys};
use nod_protocol::answer::{AnswerPayload, Decision, sign_answer};
use nod_protocol::device_api::{
    AnswerRequest, DeviceState, DeviceStateAnswer, EnrolAnswer, EnrolPasskeyRequest, EnrolRequest, EnrolState, Missing,
    NonceAnswer, Notifications, Platform, RequestBody, SessionAnswer, SessionRequest, SubscriptionRequest, paths,
};
use nod_protocol::device_sign_in::{DeviceSignInPayload, sign_device_sign_in};
use nod_protocol::{Bytes32, Id, SigningKey, sha256};
use zeroize::Zeroizing;

use crate::world::{NOD, ORIGIN, WithJson as _, World, to};

/// Everybody's password.
pub(crate) const PASSWORD: &str = "four plain words here";

/// The phone library's entropy over the world's.
pub(crate) struct Dice<'a>(pub(crate) &'a World);

impl nod_phone::Entropy for Dice<'_> {
    fn fill(&self, bytes: &mut [u8]) {
        nod_engine::ports::Entropy::fill(&*self.0.entropy, bytes);
    }
}

/// A phone with an active device.
pub(crate) struct Phone {
    pub(crate) key: SigningKey,
    pub(crate) passkey: SoftPasskey,
    pub(crate) device: Id,
    pub(crate) token: String,
}

/// Somebody enrolled, and the cookie of their bound browser.
pub(crate) struct Person {
    pub(crate) user: User,
    pub(crate) phone: Phone,
    pub(crate) browser: Option<String>,
}

fn origin() -> nod_phone::Origin {
    ORIGIN.parse().unwrap()
}

/// Adds a person and enrols a phone over HTTP, every step checked.
pub(crate) async fn enrolled(world: &World, name: &str) -> Person {
    let engine = &world.engine;
    let user = engine.add_user(name, None, true).await.unwrap();
    let (_, link) = engine.open_enrolment(user.id).await.unwrap();
    let cookie = engine.open_link(&link).await.unwrap();
    let (enrolment, owner) = engine.enrolment_of(&cookie).await.unwrap();
    engine.enrolment_password(&enrolment, &owner, Zeroizing::new(PASSWORD.to_owned()), "192.0.2.1").await.unwrap();
    let (enrolment, owner) = engine.enrolment_of(&cookie).await.unwrap();
    let (code, _) = engine.enrolment_code(&enrolment).await.unwrap();

    let key = keys::new_key(&Dice(world)).unwrap();
    let body = EnrolRequest { code, name: "Pixel 9".to_owned(), platform: Platform::Terminal, key: *key.jwk() };
    let answer = world.send(to(NOD, Method::POST, paths::ENROL).json(&body)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let joined: EnrolAnswer = answer.json();
    let token = signed_in(world, &key, joined.device).await.token;

    let (passkey, credential) = SoftPasskey::register(&joined.passkey, &origin(), &Dice(world)).unwrap();
    let body = EnrolPasskeyRequest { device: joined.device, credential };
    let answer = world.send(with(&token, Method::POST, paths::ENROL_PASSKEY).json(&body)).await;
    assert_eq!(answer.json::<DeviceStateAnswer>().state, DeviceState::Pending);
    let body = SubscriptionRequest { subscription: None, notifications: Notifications::Unavailable };
    assert_eq!(world.send(with(&token, Method::PUT, paths::SUBSCRIPTION).json(&body)).await.status, 204);
    let state = paths::enrol_state(&joined.device);
    let missing: EnrolState = world.send(with(&token, Method::GET, &state).empty()).await.json();
    assert_eq!((missing.state, missing.missing), (DeviceState::Pending, vec![Missing::Confirmation]));

    let (enrolment, _) = engine.enrolment_of(&cookie).await.unwrap();
    engine.confirm(&enrolment, &owner, &joined.confirmation.to_string()).await.unwrap();
    let done: EnrolState = world.send(with(&token, Method::GET, &state).empty()).await.json();
    assert_eq!((done.state, done.missing), (DeviceState::Active, vec![]));
    let (enrolment, _) = engine.enrolment_of(&cookie).await.unwrap();
    let options = engine.enrolment_passkey_options(&enrolment).await.unwrap();
    let assertion = passkey.assert(options.challenge.as_bytes(), &origin()).unwrap();
    let asking = Asking { cookie: None, agent: "Firefox on Linux", address: "192.0.2.1" };
    let browser = engine.introduce_after_enrolment(&enrolment, &owner, Some(&assertion), &asking);
    let browser = browser.await.unwrap();
    Person { user, phone: Phone { key, passkey, device: joined.device, token }, browser }
}

/// Signs a device in.
pub(crate) async fn signed_in(world: &World, key: &SigningKey, device: Id) -> SessionAnswer {
    let nonce = world.send(to(NOD, Method::POST, paths::NONCE).empty()).await.json::<NonceAnswer>().nonce;
    let payload = DeviceSignInPayload { nonce, device, origin: ORIGIN.to_owned() };
    let body = SessionRequest { devices: vec![sign_device_sign_in(key, &payload).unwrap()] };
    let answer = world.send(to(NOD, Method::POST, paths::SESSION).json(&body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let session: SessionAnswer = answer.json();
    assert_eq!(answer.cookie("__Host-nod-device").as_ref(), Some(&session.token));
    session
}

/// A request with a device session's token.
pub(crate) fn with(token: &str, method: Method, path: &str) -> http::request::Builder {
    to(NOD, method, path).header(AUTHORIZATION, format!("Bearer {token}"))
}

impl Person {
    /// Begins a sign-in in the bound browser; gives the sign-in cookie.
    pub(crate) async fn begin(
        &mut self,
        world: &World,
        app: Option<(nod_core::AppId, SecretHash)>,
        path: &str,
    ) -> String {
        let request = AuthnRequest {
            user_name: self.user.name.clone(),
            password: Zeroizing::new(PASSWORD.to_owned()),
            app: app.map(|(id, _)| id),
            return_to: path.to_owned(),
            binding: app.map(|(_, binding)| binding),
            browser_cookie: self.browser.clone(),
            address: "192.0.2.1".to_owned(),
            agent: "Firefox on Linux".to_owned(),
        };
        match world.engine.begin(request).await.unwrap() {
            Begun::Started { token, browser_cookie } => {
                self.browser = browser_cookie.or_else(|| self.browser.clone());
                token
            }
            other => panic!("{other:?}"),
        }
    }

    /// Signs in with the phone; gives session cookie and location.
    pub(crate) async fn sign_in(
        &mut self,
        world: &World,
        app: Option<(nod_core::AppId, SecretHash)>,
        path: &str,
    ) -> (String, String) {
        let token = self.begin(world, app, path).await;
        let id = self.challenge(world, &token).await;
        let request: RequestBody =
            world.send(with(&self.phone.token, Method::GET, &paths::request(&id)).empty()).await.json();
        let body = self.phone.answer(&request, Decision::Approve);
        let answer = world.send(with(&self.phone.token, Method::POST, &paths::answer(&id)).json(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sign_in = world.engine.sign_in_of(&token).await.unwrap();
        let finished = world.engine.finish(&sign_in, None).await.unwrap();
        (finished.session, finished.location)
    }

    /// The challenge of a sign-in.
    pub(crate) async fn challenge(&self, world: &World, token: &str) -> Id {
        let id: SignInId = token.split('.').next().unwrap().parse().unwrap();
        let challenges = world.engine.store().challenges_of(id).await.unwrap();
        Id(challenges[0].id.0)
    }
}

impl Phone {
    /// A signed answer.
    pub(crate) fn answer(&self, request: &RequestBody, decision: Decision) -> AnswerRequest {
        let payload = AnswerPayload {
            challenge: request.id,
            version: request.version,
            nonce: request.nonce,
            decision,
            context_sha256: Bytes32(sha256(request.context.as_bytes())),
            number: None,
            device: self.device,
            kid: self.key.jwk().thumbprint(),
            origin: ORIGIN.to_owned(),
            exp: request.expires_at.div_euclid(1000),
        };
        let assertion = (decision == Decision::Approve)
            .then(|| self.passkey.assert(&sha256(&payload.to_bytes().unwrap()), &origin()).unwrap());
        AnswerRequest { answer: sign_answer(&self.key, &payload).unwrap(), assertion }
    }
}

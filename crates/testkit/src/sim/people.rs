//! People, their browsers and phones; an attacker; an administrator who takes things away.

use std::cell::RefCell;
use std::rc::Rc;

use nod_core::people::UserState;
use nod_core::{ChallengeId, DeviceId, SignInId, UserId};
use nod_engine::ports::{Entropy, Store};
use nod_engine::{Asking, AuthnRequest, Begun, Engine, Fault, Outcome};
use nod_phone::{Origin, SoftPasskey, keys};
use nod_protocol::answer::{AnswerPayload, Decision, sign_answer};
use nod_protocol::device_api::{
    AnswerRequest, EnrolRequest, Notifications, Platform, PushKeys, PushSubscription, RequestBody, SubscriptionRequest,
};
use nod_protocol::device_sign_in::{DeviceSignInPayload, sign_device_sign_in};
use nod_protocol::pages::SignInPhase;
use nod_protocol::{B64, Bytes32, Id, SigningKey, SixDigits, sha256};
use zeroize::Zeroizing;

use super::world::{ORIGIN, Shared};
use crate::SeededEntropy;

/// A password that the simulated hash takes as it is.
const PASSWORD: &str = "four plain words here";
/// Looks at the screen before somebody gives up.
const PATIENCE: u32 = 60;

/// One person.
pub(super) struct Person {
    name: &'static str,
    pub(super) user: UserId,
    pub(super) phones: Vec<SimPhone>,
    /// The bound browser's cookie.
    cookie: RefCell<Option<String>>,
}

/// One phone.
pub(super) struct SimPhone {
    key: SigningKey,
    passkey: SoftPasskey,
    device: Id,
    token: String,
}

/// The phone library's entropy over the dice.
struct Dice<'a>(&'a SeededEntropy);

impl nod_phone::Entropy for Dice<'_> {
    fn fill(&self, bytes: &mut [u8]) {
        Entropy::fill(self.0, bytes);
    }
}

fn origin() -> Origin {
    ORIGIN.parse().unwrap_or_else(|_| unreachable!("a constant"))
}

/// Adds a person, enrols one or two phones, and introduces the browser, all through the engine.
pub(super) async fn enrolled(engine: &Engine, dice: &SeededEntropy, name: &'static str) -> Person {
    let user = engine.add_user(name, None, true).await.unwrap_or_else(|error| unreachable!("{error}")).id;
    let mut person = Person { name, user, phones: Vec::new(), cookie: RefCell::default() };
    for _ in 0..=dice.below(2) {
        let (phone, cookie) = enrol(engine, dice, user).await.unwrap_or_else(|error| unreachable!("{error}"));
        person.phones.push(phone);
        person.cookie.replace(cookie);
    }
    person
}

async fn enrol(engine: &Engine, dice: &SeededEntropy, user: UserId) -> Outcome<(SimPhone, Option<String>)> {
    let bad = |why: String| Fault::BadRequest(why);
    let (_, link) = engine.open_enrolment(user).await?;
    let cookie = engine.open_link(&link).await?;
    let (enrolment, owner) = engine.enrolment_of(&cookie).await?;
    engine.enrolment_password(&enrolment, &owner, Zeroizing::new(PASSWORD.to_owned()), "192.0.2.1").await?;
    let (enrolment, owner) = engine.enrolment_of(&cookie).await?;
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
    let (enrolment, _) = engine.enrolment_of(&cookie).await?;
    engine.confirm(&enrolment, &owner, &joined.confirmation.to_string()).await?;
    let (enrolment, _) = engine.enrolment_of(&cookie).await?;
    let options = engine.enrolment_passkey_options(&enrolment).await?;
    let assertion = passkey.assert(options.challenge.as_bytes(), &origin()).map_err(|error| bad(error.to_string()))?;
    let asking = Asking { cookie: None, agent: "Firefox on Linux", address: "192.0.2.1" };
    let bound = engine.introduce_after_enrolment(&enrolment, &owner, Some(&assertion), &asking);
    Ok((SimPhone { key, passkey, device: joined.device, token }, bound.await?))
}

impl Person {
    fn request(&self, browser_cookie: Option<String>) -> AuthnRequest {
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

fn sign_in_id(token: &str) -> Option<SignInId> {
    token.split('.').next()?.parse().ok()
}

/// Somebody signs in from their bound browser and watches the screen.
pub(super) async fn sign_in<S: Store + 'static>(shared: Rc<Shared<S>>, person: usize) {
    shared.pause(200).await;
    let Some(person) = shared.people.get(person) else { return };
    let cookie = person.cookie.borrow().clone();
    let begun = shared.engine().begin(person.request(cookie)).await;
    let Ok(Begun::Started { token, browser_cookie }) = begun else { return };
    // Now and then the reply is lost, and the browser keeps the older cookie.
    if browser_cookie.is_some() && !shared.one_in(10) {
        person.cookie.replace(browser_cookie);
    }
    let Some(id) = sign_in_id(&token) else { return };
    shared.ledger.borrow_mut().sign_ins.push((id, true));
    for _ in 0..PATIENCE {
        shared.pause(10).await;
        let Ok(sign_in) = shared.engine().sign_in_of(&token).await else { return };
        let Ok(status) = shared.engine().status(&sign_in).await else { return };
        let newest = shared.inner.challenges_of(id).await.ok().and_then(|all| all.into_iter().next());
        if let Some((challenge, number)) = newest.zip(status.number) {
            shared.ledger.borrow_mut().screens.insert(challenge.id, number.to_string());
        }
        match status.phase {
            SignInPhase::Ready => {
                for _ in 0..=shared.dice.below(2) {
                    shared.spawn(collect(Rc::clone(&shared), token.clone(), id));
                }
                return;
            }
            SignInPhase::Ended if shared.one_in(2) => drop(shared.engine().again(&sign_in).await),
            SignInPhase::Waiting if shared.one_in(40) => drop(shared.engine().cancel(&sign_in).await),
            SignInPhase::Waiting if shared.one_in(20) => drop(shared.engine().resend(&sign_in).await),
            SignInPhase::Waiting => {}
            _ => return,
        }
    }
}

/// One try to collect the result.
async fn collect<S: Store + 'static>(shared: Rc<Shared<S>>, token: String, id: SignInId) {
    shared.pause(6).await;
    let Ok(sign_in) = shared.engine().sign_in_of(&token).await else { return };
    if shared.engine().finish(&sign_in, None).await.is_ok() {
        let mut ledger = shared.ledger.borrow_mut();
        *ledger.collected.entry(id).or_default() += 1;
        ledger.tally.grants += 1;
    }
}

/// Somebody who knows the password tries from a browser of their own, or with a stolen old cookie of another user.
pub(super) async fn attack<S: Store + 'static>(shared: Rc<Shared<S>>, person: usize) {
    shared.pause(200).await;
    let Some(victim) = shared.people.get(person) else { return };
    let foreign = shared.people.get(person ^ 1).and_then(|other| other.cookie.borrow().clone());
    let cookie = if shared.one_in(2) { foreign } else { None };
    let Ok(Begun::Started { token, .. }) = shared.engine().begin(victim.request(cookie)).await else { return };
    let Some(id) = sign_in_id(&token) else { return };
    shared.ledger.borrow_mut().sign_ins.push((id, false));
    shared.ledger.borrow_mut().tally.unbound += 1;
    for _ in 0..20 {
        shared.pause(15).await;
        let Ok(sign_in) = shared.engine().sign_in_of(&token).await else { return };
        drop(shared.engine().again(&sign_in).await);
        drop(shared.engine().resend(&sign_in).await);
        shared.spawn(collect(Rc::clone(&shared), token.clone(), id));
    }
}

/// Somebody uses their passkey in an unknown browser.
pub(super) async fn introduce<S: Store + 'static>(shared: Rc<Shared<S>>, person: usize) {
    shared.pause(400).await;
    let Some(person) = shared.people.get(person) else { return };
    let Some(phone) = person.phones.first() else { return };
    let Ok(Begun::Started { token, .. }) = shared.engine().begin(person.request(None)).await else { return };
    let Some(id) = sign_in_id(&token) else { return };
    shared.ledger.borrow_mut().sign_ins.push((id, false));
    let Ok(sign_in) = shared.engine().sign_in_of(&token).await else { return };
    let Ok(options) = shared.engine().passkey_options(&sign_in).await else { return };
    let Ok(assertion) = phone.passkey.assert(options.challenge.as_bytes(), &origin()) else { return };
    drop(shared.engine().prove_passkey(&sign_in, &assertion, shared.one_in(2)).await);
    for _ in 0..=shared.dice.below(2) {
        shared.spawn(collect(Rc::clone(&shared), token.clone(), id));
    }
}

/// A phone lists what waits and somebody decides, sooner or later, rightly or wrongly.
pub(super) async fn watch_phone<S: Store + 'static>(shared: Rc<Shared<S>>, person: usize, phone: usize) {
    let Some(own) = shared.people.get(person).and_then(|person| person.phones.get(phone)) else { return };
    let mut sent: Vec<(ChallengeId, AnswerRequest)> = Vec::new();
    for _ in 0..40 {
        shared.pause(30).await;
        let Ok(session) = shared.engine().phone(&own.token).await else { return };
        let Ok(pending) = shared.engine().pending(&session).await else { return };
        for request in pending.requests {
            if shared.one_in(4) {
                continue;
            }
            let id = ChallengeId(request.id.0);
            let Ok(request) = shared.engine().request(&session, id).await else { continue };
            shared.ledger.borrow_mut().tally.prompts += 1;
            shared.pause(40).await;
            let Some(body) = decide(&shared, own, &request) else { continue };
            sent.push((id, body.clone()));
            for _ in 0..=shared.dice.below(2) {
                shared.spawn(give(Rc::clone(&shared), own.token.clone(), id, body.clone()));
            }
        }
        if let Some((id, body)) = sent.first().filter(|_| shared.troubles.replays && shared.one_in(4)) {
            shared.spawn(give(Rc::clone(&shared), own.token.clone(), *id, body.clone()));
        }
    }
}

/// One answer on its way.
async fn give<S: Store + 'static>(shared: Rc<Shared<S>>, token: String, id: ChallengeId, body: AnswerRequest) {
    shared.pause(12).await;
    let Ok(session) = shared.engine().phone(&token).await else { return };
    let taken = shared.engine().answer(&session, id, &body).await.is_ok();
    let tally = &mut shared.ledger.borrow_mut().tally;
    if taken { tally.answered += 1 } else { tally.refused += 1 }
}

/// What the person does, signed. An honest approval is entered into the ledger.
fn decide<S: Store + 'static>(shared: &Shared<S>, phone: &SimPhone, request: &RequestBody) -> Option<AnswerRequest> {
    let id = ChallengeId(request.id.0);
    let seen = shared.ledger.borrow().screens.get(&id).cloned();
    let decision = match shared.dice.below(20) {
        0 | 1 => Decision::Deny,
        2 => Decision::DenyFraud,
        _ => Decision::Approve,
    };
    let approve = decision == Decision::Approve;
    let guess = || format!("{:06}", shared.dice.below(1_000_000));
    let number = (approve && request.number_required)
        .then(|| if shared.one_in(6) { guess() } else { seen.unwrap_or_else(guess) });
    let forged = shared.troubles.forgers && shared.one_in(5);
    let context = if forged { b"another text than was sent".as_slice() } else { request.context.as_bytes() };
    let payload = AnswerPayload {
        challenge: request.id,
        version: request.version,
        nonce: request.nonce,
        decision,
        context_sha256: Bytes32(sha256(context)),
        number: number.as_deref().and_then(|digits| SixDigits::parse_typed(digits).ok()),
        device: phone.device,
        kid: phone.key.jwk().thumbprint(),
        origin: ORIGIN.to_owned(),
        exp: request.expires_at.div_euclid(1000),
    };
    let challenge = sha256(&payload.to_bytes().ok()?);
    let assertion = if approve { Some(phone.passkey.assert(&challenge, &origin()).ok()?) } else { None };
    if approve && !forged {
        shared.ledger.borrow_mut().approvals.insert((id, request.version, number));
    }
    Some(AnswerRequest { answer: sign_answer(&phone.key, &payload).ok()?, assertion })
}

/// An administrator takes a phone, a browser or an account away, at a bad moment.
pub(super) async fn take_away<S: Store + 'static>(shared: Rc<Shared<S>>) {
    shared.pause(600).await;
    let nth = shared.dice.below(shared.people.len() as u64) as usize;
    let Some(person) = shared.people.get(nth) else { return };
    let engine = shared.engine();
    match shared.dice.below(3) {
        0 => {
            let Some(phone) = person.phones.first() else { return };
            drop(engine.revoke_device(person.user, DeviceId(phone.device.0)).await);
        }
        1 => {
            for browser in engine.store().browsers_of(person.user).await.unwrap_or_default() {
                drop(engine.unbind_browser(person.user, browser.id).await);
            }
        }
        _ => {
            let Ok(user) = engine.user_named(person.name).await else { return };
            drop(engine.set_user_state(&user, UserState::Disabled).await);
            shared.pause(100).await;
            drop(engine.set_user_state(&user, UserState::Active).await);
        }
    }
}

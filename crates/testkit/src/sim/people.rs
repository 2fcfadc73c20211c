//! People, their browsers and phones; an attacker; an administrator who takes things away.

use std::rc::Rc;

use nod_core::people::UserState;
use nod_core::{ChallengeId, DeviceId, SignInId};
use nod_engine::Begun;
use nod_engine::ports::Store;
use nod_protocol::answer::Decision;
use nod_protocol::device_api::{AnswerRequest, RequestBody};
use nod_protocol::pages::SignInPhase;

use super::world::Shared;
use crate::folk::{SimPhone, origin};

/// Looks at the screen before somebody gives up.
const PATIENCE: u32 = 60;

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
    while shared.is_busy() {
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
    let answer = phone.answer(request, decision, number.as_deref(), context)?;
    if approve && !forged {
        shared.ledger.borrow_mut().approvals.insert((id, request.version, number));
    }
    Some(answer)
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

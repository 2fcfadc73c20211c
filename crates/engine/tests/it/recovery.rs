//! Recovery codes: INV-15, INV-18, INV-19; attacks E13, E14, E15, F14, each with its benign twin.

use std::collections::BTreeSet;
use std::sync::Arc;

use nod_core::access::Session;
use nod_core::people::{User, UserState};
use nod_core::possession::{Device, DeviceState};
use nod_core::recovery::{RecoveryKind, read_typed};
use nod_core::sign_in::SignIn;
use nod_core::{ChallengeId, DeviceId, Millis, limits};
use nod_engine::ports::Store as _;
use nod_engine::{Asking, Begun, DataKeys, Fault, Outcome};
use nod_protocol::answer::Decision;
use nod_protocol::pages::{EnrolStep, SignInPhase};
use nod_testkit::folk::{self, SimPhone};

use crate::{Scene, kind};

impl Scene {
    /// Anna's account.
    pub(crate) async fn owner(&self) -> User {
        self.engine.user_named("anna").await.unwrap()
    }

    /// A session that her phone approved just now, in her own browser.
    pub(crate) async fn signed_in(&self) -> Session {
        self.clock.advance(limits::BROWSER_ROTATION_GRACE);
        let (sign_in, request) = self.asked().await;
        self.give(&request, &self.signed(&request, Decision::Approve)).await.unwrap();
        let cookie = self.engine.finish(&sign_in, None).await.unwrap().session;
        self.engine.session(&cookie).await.unwrap().0
    }

    /// A fresh set of codes, as they are printed.
    pub(crate) async fn codes(&self) -> Vec<String> {
        let (codes, _) = self.engine.make_recovery_codes(&self.signed_in().await, &self.owner().await).await.unwrap();
        codes.iter().map(|code| code.to_string()).collect()
    }

    /// A sign-in with Anna's password in a browser that nobody knows.
    async fn elsewhere(&self) -> SignIn {
        let (token, _) = self.begin(None).await;
        self.engine.sign_in_of(&token).await.unwrap()
    }

    /// One in her own browser, whether her phone is asked or was asked too often.
    async fn at_her_own(&self) -> SignIn {
        self.clock.advance(limits::BROWSER_ROTATION_GRACE);
        let cookie = self.anna.cookie.borrow().clone();
        let (token, cookie) = self.begin(cookie).await;
        self.anna.cookie.replace(cookie);
        self.engine.sign_in_of(&token).await.unwrap()
    }

    /// Adds a phone in the window of this enrolment cookie.
    async fn adds_phone(&self, cookie: &str) -> Outcome<SimPhone> {
        let phone = folk::joined(&self.engine, &self.dice, cookie).await?;
        let (enrolment, owner) = self.engine.enrolment_of(cookie).await?;
        self.engine.confirm(&enrolment, &owner, &phone.confirmation.to_string()).await?;
        Ok(phone)
    }

    async fn row(&self, phone: &SimPhone) -> Device {
        self.store.device(DeviceId(phone.device.0)).await.unwrap().unwrap()
    }

    /// Whether this phone's passkey goes through a sign-in in its browser to a session.
    async fn opens(&self, sign_in: &SignIn, phone: &SimPhone) -> Outcome<()> {
        let options = self.engine.passkey_options(sign_in).await?;
        let assertion = phone.passkey.assert(options.challenge.as_bytes(), &folk::origin()).unwrap();
        self.engine.prove_passkey(sign_in, &assertion, true).await?;
        let proved = self.store.sign_in(sign_in.id).await.unwrap().unwrap();
        self.engine.finish(&proved, None).await.map(|_| ())
    }

    async fn lose_all_phones(&self) {
        for device in self.store.devices_of(self.anna.user).await.unwrap() {
            self.engine.revoke_device(self.anna.user, device.id).await.unwrap();
        }
    }
}

/// The benign twin of F14: a code at home, and the new phone is there at once.
#[tokio::test]
async fn in_a_known_browser_a_code_adds_a_phone_at_once() {
    let scene = Scene::new().await;
    let codes = scene.codes().await;
    scene.lose_all_phones().await;
    let sign_in = scene.at_her_own().await;
    let status = scene.engine.status(&sign_in).await.unwrap();
    assert!(status.phase == SignInPhase::Locked && status.can_recover);
    let typed = codes[3].to_lowercase().replace('-', " ");
    let cookie = scene.engine.recover(&sign_in, &typed).await.unwrap();
    let (enrolment, anna) = scene.engine.enrolment_of(&cookie).await.unwrap();
    assert!(!scene.engine.enrolment_status(&enrolment, &anna).await.unwrap().on_hold);
    let phone = scene.adds_phone(&cookie).await.unwrap();
    let (enrolment, _) = scene.engine.enrolment_of(&cookie).await.unwrap();
    let status = scene.engine.enrolment_status(&enrolment, &anna).await.unwrap();
    assert_eq!((status.step, status.held_until), (EnrolStep::Done, None));
    assert_eq!(scene.row(&phone).await.held_until, None);
    assert_eq!(scene.engine.recovery_codes_left(anna.id).await.unwrap(), limits::RECOVERY_CODES - 1);
    let next = scene.at_her_own().await;
    assert_eq!(scene.engine.status(&next).await.unwrap().phase, SignInPhase::Waiting, "it is rung");
    let session = scene.engine.phone(&phone.token).await.unwrap();
    let request = scene.engine.pending(&session).await.unwrap().requests.remove(0);
    let answer = phone.answer(&request, Decision::Approve, None, request.context.as_bytes()).unwrap();
    scene.engine.answer(&session, ChallengeId(request.id.0), &answer).await.unwrap();
    scene.engine.finish(&next, None).await.unwrap();
    assert_eq!(kind(scene.engine.recover(&scene.at_her_own().await, &codes[3]).await), "wrong code", "once");
}

/// F14: a deceived person has given the password and a code away. The attacker gets a phone on hold, and nothing by it.
#[tokio::test]
async fn f14_a_code_given_away_opens_nothing_from_an_unknown_browser() {
    let scene = Scene::new().await;
    let codes = scene.codes().await;
    let before = (
        scene.store.sessions_of(scene.anna.user).await.unwrap(),
        scene.store.browsers_of(scene.anna.user).await.unwrap(),
    );
    let cookie = scene.engine.recover(&scene.elsewhere().await, &codes[0]).await.unwrap();
    let (enrolment, anna) = scene.engine.enrolment_of(&cookie).await.unwrap();
    assert!(scene.engine.enrolment_status(&enrolment, &anna).await.unwrap().on_hold);
    let thief = scene.adds_phone(&cookie).await.unwrap();
    let held = scene.row(&thief).await;
    assert_eq!(held.held_until, Some(scene.clock.now().after(limits::RECOVERY_HOLD)), "INV-15");
    // The window binds nothing (INV-19, E18).
    let (enrolment, _) = scene.engine.enrolment_of(&cookie).await.unwrap();
    assert_eq!(scene.engine.enrolment_status(&enrolment, &anna).await.unwrap().step, EnrolStep::Done);
    assert_eq!(kind(scene.engine.enrolment_passkey_options(&enrolment).await), "conflict");
    let asking = Asking { cookie: None, agent: "Firefox on Linux", address: "192.0.2.66" };
    assert_eq!(kind(scene.engine.introduce_after_enrolment(&enrolment, &anna, None, &asking).await), "conflict");
    // The phone's passkey introduces nobody, also where the client says that it may.
    assert_eq!(kind(scene.opens(&scene.elsewhere().await, &thief).await), "bad signature");
    // The owner's own sign-in neither rings nor shows at it.
    let (_, request) = scene.asked().await;
    let session = scene.engine.phone(&thief.token).await.unwrap();
    let pending = scene.engine.pending(&session).await.unwrap();
    assert!(pending.requests.is_empty() && pending.held_until.is_some());
    assert_eq!(kind(scene.engine.request(&session, ChallengeId(request.id.0)).await), "not found");
    for decision in [Decision::Approve, Decision::Deny, Decision::DenyFraud] {
        let answer = thief.answer(&request, decision, None, request.context.as_bytes()).unwrap();
        let answered = scene.engine.answer(&session, ChallengeId(request.id.0), &answer).await;
        assert_eq!(kind(answered), "not found", "{decision:?}");
    }
    assert!(scene.engine.notices(&session).await.unwrap().is_empty());
    let after = (scene.store.sessions_of(anna.id).await.unwrap(), scene.store.browsers_of(anna.id).await.unwrap());
    assert_eq!(before, after, "F14, INV-18: no session, no browser, nothing of the owner's gone");
    assert_eq!(scene.row(&scene.anna.phones[0]).await.state, DeviceState::Active, "INV-18");
}

/// E15, F14: the owner is told at once, and the owner's word wins before and after a phone was added.
#[tokio::test]
async fn e15_any_other_phone_takes_a_recovery_back() {
    for stage in ["window", "joined", "held"] {
        let scene = Scene::new().await;
        let codes = scene.codes().await;
        let cookie = scene.engine.recover(&scene.elsewhere().await, &codes[0]).await.unwrap();
        let own = scene.phone().await.unwrap();
        let told = scene.engine.notices(&own).await.unwrap();
        assert!(told[0].kind == "recovery_used" && told[0].can_cancel && told[0].from == "192.0.2.1", "{told:?}");
        let (enrolment, anna) = scene.engine.enrolment_of(&cookie).await.unwrap();
        let thief = match stage {
            "window" => None,
            "joined" => Some(folk::joined(&scene.engine, &scene.dice, &cookie).await.unwrap()),
            _ => Some(scene.adds_phone(&cookie).await.unwrap()),
        };
        if let Some(thief) = &thief {
            let session = scene.engine.phone(&thief.token).await.unwrap();
            let by_itself = scene.engine.cancel_recovery(&session, DeviceId(thief.device.0)).await;
            assert_eq!(kind(by_itself), "not found", "a phone on hold takes nothing back");
        }
        let device = DeviceId(scene.anna.phones[0].device.0);
        scene.engine.cancel_recovery(&own, device).await.unwrap();
        assert_eq!(kind(scene.engine.cancel_recovery(&own, device).await), "conflict", "{stage}");
        if let Some(thief) = &thief {
            assert_eq!(scene.row(thief).await.state, DeviceState::Revoked, "{stage}");
            assert_eq!(kind(scene.engine.phone(&thief.token).await), "not signed in");
            let (now, owner) = (scene.engine.enrolment_of(&cookie).await, &anna);
            if let Ok((enrolment, _)) = now {
                let late = scene.engine.confirm(&enrolment, owner, &thief.confirmation.to_string()).await;
                assert_eq!(kind(late), "conflict", "{stage}");
            }
        }
        assert_eq!(kind(scene.engine.enrolment_code(&enrolment).await), "conflict", "{stage}: the window is closed");
        let next = scene.engine.recover(&scene.elsewhere().await, &codes[1]).await;
        assert_eq!(kind(next), "wrong code", "whoever has one code may have the sheet");
        assert!(scene.events().await.contains(&"recovery_cancelled"), "{stage}");
        scene.clock.advance(limits::RECOVERY_HOLD);
        assert_eq!(scene.engine.notices(&own).await.unwrap().iter().filter(|told| told.can_cancel).count(), 0);
    }
}

/// E15: cancelling races with the last step of the thief, on two nodes; whoever is first, nothing of the recovery stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e15_the_owners_word_wins_also_at_the_same_moment() {
    for round in 0..16 {
        let scene = Scene::new().await;
        let other = folk::engine(scene.store.clone(), 77);
        let codes = scene.codes().await;
        let cookie = scene.engine.recover(&scene.elsewhere().await, &codes[0]).await.unwrap();
        let thief = folk::joined(&scene.engine, &scene.dice, &cookie).await.unwrap();
        let (enrolment, owner) = scene.engine.enrolment_of(&cookie).await.unwrap();
        let (own, device) = (scene.phone().await.unwrap(), DeviceId(scene.anna.phones[0].device.0));
        let digits = thief.confirmation.to_string();
        let engine = scene.engine.clone();
        let mut race = tokio::task::JoinSet::new();
        // Whether the thief's last step is in time is not decided; that the owner's word is taken is.
        race.spawn(async move { other.confirm(&enrolment, &owner, &digits).await.map_or(true, |()| true) });
        race.spawn(async move { engine.cancel_recovery(&own, device).await.is_ok() });
        assert!(race.join_all().await.into_iter().all(|done| done), "{round}");
        assert_eq!(scene.row(&thief).await.state, DeviceState::Revoked, "{round}");
    }
}

/// E15 without another phone: the owner's browser, which is known, has the last word; and the person's own phone need not wait.
#[tokio::test]
async fn e15_a_known_browser_takes_it_back_or_ends_the_hold() {
    let scene = Scene::new().await;
    let codes = scene.codes().await;
    let (session, anna) = (scene.signed_in().await, scene.owner().await);
    let known = scene.anna.cookie.borrow().clone();
    scene.lose_all_phones().await;
    let cookie = scene.engine.recover(&scene.elsewhere().await, &codes[0]).await.unwrap();
    let thief = scene.adds_phone(&cookie).await.unwrap();
    let waits = scene.engine.status(&scene.elsewhere().await).await.unwrap();
    assert!(waits.phase == SignInPhase::Locked && waits.held_until.is_some(), "the page says until when");
    assert!(scene.engine.portal(&session, &anna, known.as_deref()).await.unwrap().recovery_open);
    scene.clock.advance(limits::FRESH_SIGN_IN);
    let stolen = scene.engine.cancel_own_recovery(&session, &anna, None).await;
    assert_eq!(kind(stolen), "forbidden", "E19: a copied session alone does not");
    scene.engine.cancel_own_recovery(&session, &anna, known.as_deref()).await.unwrap();
    assert_eq!(scene.row(&thief).await.state, DeviceState::Revoked);

    // The benign twin: typed elsewhere, then the passkey of that phone used at home.
    let scene = Scene::new().await;
    let codes = scene.codes().await;
    scene.lose_all_phones().await;
    let cookie = scene.engine.recover(&scene.elsewhere().await, &codes[0]).await.unwrap();
    let phone = scene.adds_phone(&cookie).await.unwrap();
    let home = scene.at_her_own().await;
    assert_eq!(scene.engine.status(&home).await.unwrap().phase, SignInPhase::Introduce);
    scene.opens(&home, &phone).await.unwrap();
    assert_eq!(scene.row(&phone).await.held_until, None);
    assert!(scene.events().await.contains(&"hold_lifted"));
    let next = scene.at_her_own().await;
    assert_eq!(scene.engine.status(&next).await.unwrap().phase, SignInPhase::Waiting, "it is rung");
}

#[tokio::test]
async fn a_hold_ends_by_the_clock_and_by_a_recovery_at_home() {
    let scene = Scene::new().await;
    let codes = scene.codes().await;
    let cookie = scene.engine.recover(&scene.elsewhere().await, &codes[0]).await.unwrap();
    let phone = scene.adds_phone(&cookie).await.unwrap();
    scene.clock.advance(Millis(limits::RECOVERY_HOLD.0 - 1));
    assert_eq!(kind(scene.opens(&scene.elsewhere().await, &phone).await), "bad signature");
    scene.clock.advance(Millis(1));
    scene.opens(&scene.elsewhere().await, &phone).await.unwrap();

    let cookie = scene.engine.recover(&scene.elsewhere().await, &codes[1]).await.unwrap();
    let thief = scene.adds_phone(&cookie).await.unwrap();
    scene.engine.recover(&scene.at_her_own().await, &codes[2]).await.unwrap();
    assert_eq!(scene.row(&thief).await.state, DeviceState::Revoked, "what is known better wins");
    assert_eq!(scene.row(&phone).await.state, DeviceState::Active);
}

/// A bound browser that is unbound before the end is an unknown one (INV-12).
#[tokio::test]
async fn a_browser_that_is_forgotten_meanwhile_vouches_for_nothing() {
    let scene = Scene::new().await;
    let codes = scene.codes().await;
    let sign_in = scene.at_her_own().await;
    let cookie = scene.engine.recover(&sign_in, &codes[0]).await.unwrap();
    let phone = folk::joined(&scene.engine, &scene.dice, &cookie).await.unwrap();
    scene.engine.unbind_browser(scene.anna.user, sign_in.browser.unwrap()).await.unwrap();
    let (enrolment, anna) = scene.engine.enrolment_of(&cookie).await.unwrap();
    scene.engine.confirm(&enrolment, &anna, &phone.confirmation.to_string()).await.unwrap();
    assert!(scene.row(&phone).await.held_until.is_some());
}

/// E13, over two engines as two nodes are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e13_64_uses_of_one_code_on_two_nodes_have_one_success() {
    let scene = Scene::new().await;
    let other = folk::engine(scene.store.clone(), 77);
    let typed = Arc::new(scene.codes().await.remove(0));
    let mut sign_ins = Vec::new();
    for _ in 0..8 {
        sign_ins.push(scene.elsewhere().await);
    }
    let mut race = tokio::task::JoinSet::new();
    for n in 0..64 {
        let engine = if n % 2 == 0 { scene.engine.clone() } else { other.clone() };
        let (sign_in, typed) = (sign_ins[n % sign_ins.len()].clone(), Arc::clone(&typed));
        race.spawn(async move { engine.recover(&sign_in, &typed).await.is_ok() });
    }
    assert_eq!(race.join_all().await.into_iter().filter(|won| *won).count(), 1, "E13");
    assert_eq!(scene.engine.recovery_codes_left(scene.anna.user).await.unwrap(), limits::RECOVERY_CODES - 1);
}

/// What somebody is told of a code that is not right, whatever is not right about it.
fn said(fault: Fault) -> String {
    match fault {
        Fault::WrongCode(words) => words.to_owned(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn e14_guessing_stops_at_the_cap_and_tells_nothing() {
    let scene = Scene::new().await;
    let codes = scene.codes().await;
    let other = folk::engine(scene.store.clone(), 77);
    let mut wrong = codes[0].clone();
    wrong.replace_range(wrong.len() - 4.., "AAAA");
    let mut told = BTreeSet::new();
    for n in 0..limits::RECOVERY_TRIES_SHORT.count {
        let engine = if n % 2 == 0 { &scene.engine } else { &other };
        // A right group in front, none of the account's, and nothing that is a code.
        let guess = ["AAAA-AAAA-AAAA-AAAA-AAAA-AAAA", &wrong, "", "Ä"][n as usize % 4];
        told.insert(said(engine.recover(&scene.elsewhere().await, guess).await.unwrap_err()));
        scene.clock.advance(limits::CODE_PAUSE.window);
    }
    assert_eq!(told.len(), 1, "E14: {told:?}");
    assert_eq!(kind(scene.engine.recover(&scene.elsewhere().await, &codes[0]).await), "too many", "also a right one");
    assert_eq!(kind(other.recover(&scene.elsewhere().await, &wrong).await), "too many", "INV-07");
    assert_eq!(scene.events().await.iter().filter(|kind| **kind == "recovery_throttled").count(), 1);
    // Somebody who never made codes hears the same (INV-29, behind the password).
    let ben = folk::enrolled(&scene.engine, &scene.dice, "ben", 1).await;
    let Begun::Started { token, .. } = scene.engine.begin(ben.request(None)).await.unwrap() else { panic!() };
    let none = scene.engine.sign_in_of(&token).await.unwrap();
    assert!(scene.engine.status(&none).await.unwrap().can_recover);
    assert!(told.contains(&said(scene.engine.recover(&none, &wrong).await.unwrap_err())), "E14");
    // The benign twin: the owner at home counts apart (A05), and the hour passes.
    let home = scene.at_her_own().await;
    assert_eq!(kind(scene.engine.recover(&home, &wrong).await), "wrong code");
    scene.engine.recover(&home, &codes[0]).await.unwrap();
    scene.clock.advance(limits::RECOVERY_TRIES_SHORT.window);
    scene.engine.recover(&scene.elsewhere().await, &codes[1]).await.unwrap();
}

#[tokio::test]
async fn thirty_wrong_codes_a_day_and_a_pause_between() {
    let scene = Scene::new().await;
    let guess = || async { kind(scene.engine.recover(&scene.elsewhere().await, "AAAA").await) };
    assert_eq!((guess().await, guess().await, guess().await), ("wrong code", "wrong code", "wrong code"));
    assert_eq!(guess().await, "too many", "a pause");
    let mut wrong = 3;
    for _ in 0..20 {
        scene.clock.advance(Millis::minutes(61));
        for _ in 0..limits::RECOVERY_TRIES_SHORT.count {
            wrong += u32::from(guess().await == "wrong code");
            scene.clock.advance(limits::CODE_PAUSE.window);
        }
    }
    assert_eq!(wrong, limits::RECOVERY_TRIES_LONG.count, "E14");
}

#[tokio::test]
async fn codes_are_of_one_account_and_of_an_open_sign_in() {
    let scene = Scene::new().await;
    let codes = scene.codes().await;
    let ben = folk::enrolled(&scene.engine, &scene.dice, "ben", 1).await;
    let Begun::Started { token, .. } = scene.engine.begin(ben.request(None)).await.unwrap() else { panic!() };
    let bens = scene.engine.sign_in_of(&token).await.unwrap();
    assert_eq!(kind(scene.engine.recover(&bens, &codes[0]).await), "wrong code", "C07");
    let over = scene.elsewhere().await;
    scene.engine.recover(&over, &codes[0]).await.unwrap();
    assert_eq!(kind(scene.engine.recover(&over, &codes[1]).await), "conflict", "one window for one sign-in");
    let (denied, request) = scene.asked().await;
    scene.give(&request, &scene.signed(&request, Decision::DenyFraud)).await.unwrap();
    assert_eq!(kind(scene.engine.recover(&denied, &codes[1]).await), "conflict", "INV-02: the phone has spoken");
}

/// The key is replaced: codes on paper stay good.
#[tokio::test]
async fn codes_outlive_the_data_key() {
    let scene = Scene::new().await;
    let codes = scene.codes().await;
    let (old, new) = ([9; 32].into(), zeroize::Zeroizing::new([10; 32]));
    scene.engine.vault().replace(&DataKeys { sealing: new.clone(), accepted: vec![old] });
    scene.engine.reseal(|_| {}).await.unwrap();
    scene.engine.vault().replace(&DataKeys { sealing: new, accepted: Vec::new() });
    scene.engine.recover(&scene.elsewhere().await, &codes[9]).await.unwrap();
}

#[tokio::test]
async fn codes_are_made_in_a_fresh_session_and_shown_once() {
    let scene = Scene::new().await;
    let (session, anna) = (scene.signed_in().await, scene.owner().await);
    let (codes, _) = scene.engine.make_recovery_codes(&session, &anna).await.unwrap();
    assert_eq!(scene.events().await[0], "recovery_made");
    let read: BTreeSet<String> = codes.iter().map(|code| read_typed(code).unwrap()).collect();
    assert_eq!(read.len(), limits::RECOVERY_CODES);
    assert!(read.iter().all(|code| code.len() == 24) && codes.iter().all(|code| code.split('-').count() == 6));
    let rows = scene.store.recovery_codes_of(anna.id).await.unwrap();
    for code in &read {
        let row = rows.iter().find(|row| code.starts_with(&row.prefix)).unwrap();
        assert!(row.kind == RecoveryKind::Code && row.expires_at.is_none());
        let hash = nod_protocol::sha256(code.as_bytes());
        let holds = |part: &[u8]| row.hash.windows(part.len()).any(|window| window == part);
        assert!(!holds(code.as_bytes()) && !holds(&hash), "INV-19, D01: nothing to guess against without the key");
    }
    scene.clock.advance(Millis(1));
    scene.engine.make_recovery_codes(&session, &anna).await.unwrap();
    let again = scene.store.recovery_codes_of(anna.id).await.unwrap();
    assert!(again.len() == rows.len() && again.iter().all(|new| rows.iter().all(|old| old.id != new.id)), "void");
    scene.clock.advance(limits::FRESH_SIGN_IN);
    assert_eq!(kind(scene.engine.make_recovery_codes(&session, &anna).await), "forbidden", "INV-15");
    assert_eq!(scene.store.recovery_codes_of(anna.id).await.unwrap(), again);
}

#[tokio::test]
async fn phones_hear_of_new_codes_and_an_administrator_takes_them_away() {
    let scene = Scene::new().await;
    let anna = scene.owner().await;
    assert_eq!(kind(scene.engine.revoke_recovery(&anna).await), "conflict", "there are none");
    scene.clock.advance(Millis(1));
    scene.codes().await;
    assert_eq!(scene.engine.recovery_codes_left(anna.id).await.unwrap(), limits::RECOVERY_CODES);
    scene.engine.revoke_recovery(&anna).await.unwrap();
    assert_eq!(scene.engine.recovery_codes_left(anna.id).await.unwrap(), 0);
    let told = scene.engine.notices(&scene.phone().await.unwrap()).await.unwrap();
    let kinds: Vec<&str> = told.iter().map(|notice| notice.kind.as_str()).collect();
    assert!(kinds.contains(&"recovery_made") && kinds.contains(&"recovery_revoked"), "INV-15: {kinds:?}");
}

/// F13: what a help desk was talked into is worth no more than a code.
#[tokio::test]
async fn a_pass_is_good_once_for_minutes_and_no_better_than_a_code() {
    let scene = Scene::new().await;
    let anna = scene.owner().await;
    let make = |reason: &'static str, minutes| scene.engine.make_pass(&anna, reason, minutes);
    assert_eq!(kind(make(" \u{202e}", 15).await), "bad request", "INV-23: without a reason");
    assert_eq!((kind(make("x", 0).await), kind(make("x", 61).await)), ("bad request", "bad request"), "INV-23");
    scene.codes().await;
    let (first, _) = make("ticket 1", 15).await.unwrap();
    let (pass, _) = make("ticket 2", 15).await.unwrap();
    let (_, event) = scene.store.audit(None, 1).await.unwrap().remove(0);
    assert_eq!(
        event.sentence(),
        "An administrator made a pass by which anna may add one phone, good for 15 minutes: ticket 2."
    );
    assert!(!event.sentence().contains(pass.as_str()), "INV-24");
    let told = scene.engine.notices(&scene.phone().await.unwrap()).await.unwrap();
    assert_eq!(told[0].kind, "pass_made", "INV-23: the person is told");
    assert_eq!(read_typed(&pass).unwrap().len(), 12);
    assert_eq!(kind(scene.engine.recover(&scene.elsewhere().await, &first).await), "wrong code", "replaced");
    let cookie = scene.engine.recover(&scene.elsewhere().await, &pass).await.unwrap();
    let phone = scene.adds_phone(&cookie).await.unwrap();
    assert!(scene.row(&phone).await.held_until.is_some(), "F13, INV-19");
    assert_eq!(kind(scene.engine.recover(&scene.elsewhere().await, &pass).await), "wrong code", "once");
    assert_eq!(scene.engine.recovery_codes_left(anna.id).await.unwrap(), limits::RECOVERY_CODES, "codes stay");
    let (late, end) = make("ticket 3", 60).await.unwrap();
    scene.clock.set(end);
    assert_eq!(kind(scene.engine.recover(&scene.elsewhere().await, &late).await), "wrong code", "INV-23: too late");
}

/// E15: who calls the help desk in time is safe: shutting the account, or a link for a new phone, ends what a thief waits for.
#[tokio::test]
async fn e15_an_administrator_who_acts_ends_the_hold() {
    for by_link in [false, true] {
        let scene = Scene::new().await;
        let codes = scene.codes().await;
        let cookie = scene.engine.recover(&scene.elsewhere().await, &codes[0]).await.unwrap();
        let thief = scene.adds_phone(&cookie).await.unwrap();
        if by_link {
            let (new, _) = folk::enrol(&scene.engine, &scene.dice, scene.anna.user).await.unwrap();
            assert_eq!(scene.row(&new).await.held_until, None);
        } else {
            scene.engine.set_user_state(&scene.owner().await, UserState::Disabled).await.unwrap();
            scene.clock.advance(limits::RECOVERY_HOLD);
            scene.engine.set_user_state(&scene.owner().await, UserState::Active).await.unwrap();
        }
        assert_eq!(scene.row(&thief).await.state, DeviceState::Revoked, "by link: {by_link}");
    }
}

/// A phone that came after a recovery elsewhere hears of it all the same, while it can be stopped.
#[tokio::test]
async fn a_new_phone_hears_of_a_recovery_that_it_can_stop() {
    let scene = Scene::new().await;
    let codes = scene.codes().await;
    let cookie = scene.engine.recover(&scene.elsewhere().await, &codes[0]).await.unwrap();
    scene.adds_phone(&cookie).await.unwrap();
    let session = scene.signed_in().await;
    let own = scene.engine.open_own_enrolment(&session).await.unwrap();
    scene.clock.advance(Millis::minutes(1));
    let new = scene.adds_phone(&own).await.unwrap();
    let told = scene.engine.notices(&scene.engine.phone(&new.token).await.unwrap()).await.unwrap();
    assert!(told.iter().any(|notice| notice.kind == "device_held" && notice.can_cancel), "{told:?}");
}

/// A window does not outlive the session that opened it, whoever read it before (two nodes, a slow request).
#[tokio::test]
async fn a_window_ends_with_the_session_that_opened_it() {
    let scene = Scene::new().await;
    let session = scene.signed_in().await;
    let cookie = scene.engine.open_own_enrolment(&session).await.unwrap();
    let (read_before, anna) = scene.engine.enrolment_of(&cookie).await.unwrap();
    let phone = folk::joined(&scene.engine, &scene.dice, &cookie).await.unwrap();
    let (joined, _) = scene.engine.enrolment_of(&cookie).await.unwrap();
    scene.engine.end_session(anna.id, session.id, "a test").await.unwrap();
    assert_eq!(kind(scene.engine.confirm(&joined, &anna, &phone.confirmation.to_string()).await), "conflict");
    assert_eq!(scene.row(&phone).await.state, DeviceState::Pending);
    assert_eq!(kind(scene.engine.enrolment_code(&read_before).await), "conflict");
}

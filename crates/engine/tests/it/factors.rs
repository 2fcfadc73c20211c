//! Accounts and factors: INV-15 to INV-18, INV-21, E02, E03, E18.

use nod_core::enrolment::{Enrolment, EnrolmentState};
use nod_core::limits;
use nod_core::people::UserState;
use nod_core::possession::{DeviceState, Platform};
use nod_core::{DeviceId, UserId};
use nod_engine::ports::{Store as _, Write};
use nod_engine::{Asking, Begun};
use nod_protocol::answer::Decision;
use nod_protocol::pages::SignInPhase;
use nod_testkit::folk;

use crate::{Scene, kind};

#[tokio::test]
async fn an_account_without_factors_is_locked_until_a_window_is_opened() {
    let scene = Scene::new().await;
    let dora = scene.engine.add_user("dora", None, false).await.unwrap();
    scene.engine.set_password(&dora, folk::PASSWORD.to_owned().into()).await.unwrap();
    scene.clock.advance(nod_core::Millis::days(400));
    let mut request = scene.anna.request(None);
    request.user_name = "dora".to_owned();
    let Begun::Started { token, .. } = scene.engine.begin(request).await.unwrap() else {
        panic!("the password is right")
    };
    let sign_in = scene.engine.sign_in_of(&token).await.unwrap();
    assert_eq!(scene.engine.status(&sign_in).await.unwrap().phase, SignInPhase::Locked, "INV-17, E03");
    assert_eq!(kind(scene.engine.passkey_options(&sign_in).await), "forbidden");
    assert_eq!(kind(scene.engine.finish(&sign_in, None).await), "conflict");
}

#[tokio::test]
async fn a_link_is_exchanged_once_and_replaced_by_the_next() {
    let scene = Scene::new().await;
    let (_, old) = scene.engine.open_enrolment(scene.anna.user).await.unwrap();
    let (_, link) = scene.engine.open_enrolment(scene.anna.user).await.unwrap();
    assert_eq!(kind(scene.engine.open_link(&old).await), "not found");
    let mut race = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (engine, link) = (scene.engine.clone(), link.clone());
        race.spawn(async move { engine.open_link(&link).await.is_ok() });
    }
    assert_eq!(race.join_all().await.into_iter().filter(|won| *won).count(), 1, "INV-16, E02");
    let (_, late) = scene.engine.open_enrolment(scene.anna.user).await.unwrap();
    scene.clock.advance(limits::ENROLMENT_LINK_LIFE);
    assert_eq!(kind(scene.engine.open_link(&late).await), "not found");
}

#[tokio::test]
async fn five_wrong_passwords_void_the_link() {
    let scene = Scene::new().await;
    let (_, link) = scene.engine.open_enrolment(scene.anna.user).await.unwrap();
    let cookie = scene.engine.open_link(&link).await.unwrap();
    let (enrolment, user) = scene.engine.enrolment_of(&cookie).await.unwrap();
    let try_one = |password: &str| {
        let password = password.to_owned().into();
        scene.engine.enrolment_password(&enrolment, &user, password, "192.0.2.1")
    };
    for _ in 0..limits::ENROLMENT_PASSWORD_TRIES {
        assert_eq!(kind(try_one("wrong").await), "forbidden");
    }
    assert_eq!(kind(try_one(folk::PASSWORD).await), "forbidden", "the right one comes too late");
}

/// Somebody who writes to the database makes a row that is over, which is given out unjudged, and sets its state while the use case
/// that read it waits for the lock.
#[tokio::test]
async fn a_row_that_was_read_while_it_was_over_gets_no_checksum() {
    let scene = Scene::new().await;
    let (_, link) = scene.engine.open_enrolment(scene.anna.user).await.unwrap();
    let cookie = scene.engine.open_link(&link).await.unwrap();
    let (opened, user) = scene.engine.enrolment_of(&cookie).await.unwrap();
    scene.engine.enrolment_password(&opened, &user, folk::PASSWORD.to_owned().into(), "192.0.2.1").await.unwrap();
    let (proved, _) = scene.engine.enrolment_of(&cookie).await.unwrap();
    let read = Enrolment { state: EnrolmentState::Ended, ..proved.clone() };
    assert_eq!(kind(scene.engine.enrolment_code(&read).await), "conflict", "INV-21");
    assert!(scene.engine.enrolment_code(&proved).await.is_ok());
}

#[tokio::test]
async fn adding_a_phone_needs_a_fresh_sign_in() {
    let scene = Scene::new().await;
    let (sign_in, request) = scene.asked().await;
    scene.give(&request, &scene.signed(&request, Decision::Approve)).await.unwrap();
    let cookie = scene.engine.finish(&sign_in, None).await.unwrap().session;
    let (session, _) = scene.engine.session(&cookie).await.unwrap();
    assert!(scene.engine.open_own_enrolment(&session).await.is_ok());
    scene.clock.advance(limits::FRESH_SIGN_IN);
    assert_eq!(kind(scene.engine.open_own_enrolment(&session).await), "forbidden", "INV-15, E04");
}

#[tokio::test]
async fn a_relayed_enrolment_does_not_bind_the_attackers_browser() {
    let scene = Scene::new().await;
    let (_, link) = scene.engine.open_enrolment(scene.anna.user).await.unwrap();
    let attacker = scene.engine.open_link(&link).await.unwrap();
    // The victim does everything the attacker's page asks for; the phone becomes hers, the browser stays unknown.
    let (enrolment, user) = scene.engine.enrolment_of(&attacker).await.unwrap();
    scene.engine.enrolment_password(&enrolment, &user, folk::PASSWORD.to_owned().into(), "198.51.100.7").await.unwrap();
    let asking = Asking { cookie: None, agent: "Chrome on Windows", address: "198.51.100.7" };
    let (enrolment, _) = scene.engine.enrolment_of(&attacker).await.unwrap();
    let early = scene.engine.introduce_after_enrolment(&enrolment, &user, None, &asking).await;
    assert_eq!(kind(early), "conflict", "not before the phone is active");
    let (token, _) = scene.begin(None).await;
    let sign_in = scene.engine.sign_in_of(&token).await.unwrap();
    assert_eq!(scene.engine.status(&sign_in).await.unwrap().phase, SignInPhase::Introduce, "E18");
}

#[tokio::test]
async fn an_edited_row_grants_nothing() {
    let scene = Scene::new().await;
    let (sign_in, request) = scene.asked().await;
    // By SQL: a device row that names another key, or that was moved to another account.
    let ben = folk::enrolled(&scene.engine, &scene.dice, "ben", 1).await;
    let row = scene.store.device(DeviceId(ben.phones[0].device.0)).await.unwrap().unwrap();
    let moved = nod_core::possession::Device {
        id: DeviceId([7; 16]),
        user: scene.anna.user,
        state: DeviceState::Active,
        ..row
    };
    scene.store.commit(vec![Write::AddDevice(moved)]).await.unwrap();
    let session = scene.engine.vault().sealed(nod_core::possession::DeviceSession {
        secret: nod_engine::hash_secret("stolen"),
        device: DeviceId([7; 16]),
        expires_at: sign_in.expires_at,
        checksum: nod_core::UNSEALED,
    });
    scene.store.commit(vec![Write::AddDeviceSession(session)]).await.unwrap();
    assert_eq!(kind(scene.engine.phone("stolen").await), "not signed in", "INV-21, E05, D02");
    // By who has the data key as well: a challenge marked approved without a signature that holds.
    let forged = nod_core::challenge::Answer {
        device: DeviceId(scene.anna.phones[0].device.0),
        decision: nod_core::challenge::Decision::Approve,
        jws: "e30.e30.e30".to_owned(),
        assertion: None,
        at: scene.clock.now(),
    };
    let write = Write::AnswerChallenge {
        challenge: nod_core::ChallengeId(request.id.0),
        version: 1,
        checksum: scene.approved(&request, &forged).await,
        to: nod_core::challenge::ChallengeState::Approved(forged),
        sign_in: sign_in.id,
        user: scene.anna.user,
    };
    scene.store.commit(vec![write]).await.unwrap();
    assert_eq!(kind(scene.engine.finish(&sign_in, None).await), "forbidden", "verified again when it is collected");
    assert!(scene.events().await.contains(&"tampered"));
}

#[tokio::test]
async fn a_denial_or_a_wrong_number_edited_into_an_approval_grants_nothing() {
    for wrong_number in [false, true] {
        let scene = Scene::new().await;
        let user = scene.engine.user_named("anna").await.unwrap();
        scene.engine.set_user_options(&user, wrong_number, false).await.unwrap();
        let (sign_in, request) = scene.asked().await;
        let phone = &scene.anna.phones[0];
        let (decision, number) =
            if wrong_number { (Decision::Approve, Some("000000")) } else { (Decision::Deny, None) };
        let body = phone.answer(&request, decision, number, request.context.as_bytes()).unwrap();
        // The row as who has the data key would leave it: approved, with the honest phone's own signature.
        let answer = nod_core::challenge::Answer {
            device: DeviceId(phone.device.0),
            decision: nod_core::challenge::Decision::Approve,
            jws: body.answer.clone(),
            assertion: body.assertion.as_ref().map(|assertion| serde_json::to_string(assertion).unwrap()),
            at: scene.clock.now(),
        };
        let write = Write::AnswerChallenge {
            challenge: nod_core::ChallengeId(request.id.0),
            version: 1,
            checksum: scene.approved(&request, &answer).await,
            to: nod_core::challenge::ChallengeState::Approved(answer),
            sign_in: sign_in.id,
            user: user.id,
        };
        scene.store.commit(vec![write]).await.unwrap();
        assert_eq!(kind(scene.engine.finish(&sign_in, None).await), "forbidden", "D02, INV-21");
    }
}

#[tokio::test]
async fn a_window_ends_with_the_session_that_opened_it() {
    for by_password in [false, true] {
        let scene = Scene::new().await;
        let (sign_in, request) = scene.asked().await;
        scene.give(&request, &scene.signed(&request, Decision::Approve)).await.unwrap();
        let cookie = scene.engine.finish(&sign_in, None).await.unwrap().session;
        let (session, user) = scene.engine.session(&cookie).await.unwrap();
        let window = scene.engine.open_own_enrolment(&session).await.unwrap();
        assert!(scene.engine.enrolment_of(&window).await.is_ok());
        if by_password {
            scene.engine.set_password(&user, "another plain sentence".to_owned().into()).await.unwrap();
        } else {
            scene.engine.end_session(user.id, session.id, "a test").await.unwrap();
        }
        assert_eq!(kind(scene.engine.enrolment_of(&window).await), "not signed in", "E04");
    }
}

#[tokio::test]
async fn setting_a_password_touches_no_factor_and_ends_sessions() {
    let scene = Scene::new().await;
    let (sign_in, request) = scene.asked().await;
    scene.give(&request, &scene.signed(&request, Decision::Approve)).await.unwrap();
    let session = scene.engine.finish(&sign_in, None).await.unwrap().session;
    let devices = scene.store.devices_of(scene.anna.user).await.unwrap();
    let user = scene.engine.user_named("anna").await.unwrap();
    scene.engine.set_password(&user, "another plain sentence".to_owned().into()).await.unwrap();
    assert_eq!(scene.store.devices_of(scene.anna.user).await.unwrap(), devices, "INV-18, E08");
    assert_eq!(kind(scene.engine.session(&session).await), "not signed in");
}

#[tokio::test]
async fn a_terminal_needs_leave_and_disabling_ends_everything() {
    let scene = Scene::new().await;
    let user = scene.engine.user_named("anna").await.unwrap();
    scene.engine.set_user_options(&user, false, false).await.unwrap();
    assert!(scene.store.devices_of(user.id).await.unwrap().iter().all(|device| device.platform != Platform::Terminal));
    let (_, link) = scene.engine.open_enrolment(user.id).await.unwrap();
    let cookie = scene.engine.open_link(&link).await.unwrap();
    let (waiting, request) = scene.asked().await;
    scene.engine.set_user_state(&user, UserState::Disabled).await.unwrap();
    assert_eq!(scene.state(&request).await, "withdrawn");
    let waiting = scene.store.sign_in(waiting.id).await.unwrap().unwrap();
    assert_eq!(scene.engine.status(&waiting).await.unwrap().phase, SignInPhase::Ended);
    assert_eq!(kind(scene.engine.set_user_state(&user, UserState::Disabled).await), "conflict");
    assert!(scene.engine.enrolment_of(&cookie).await.is_err());
    assert_eq!(kind(scene.engine.open_enrolment(user.id).await), "not found");
    assert_eq!(kind(scene.engine.open_enrolment(UserId([9; 16])).await), "not found");
}

#[tokio::test]
async fn an_approval_for_practice_is_checked_and_opens_nothing() {
    let scene = Scene::new().await;
    let (engine, own) = (&scene.engine, &scene.anna.phones[0]);
    let phone = engine.phone(&own.token).await.unwrap();
    let (second, _) = folk::enrol(engine, &scene.dice, scene.anna.user).await.unwrap();
    let other = engine.phone(&second.token).await.unwrap();
    let test = engine.start_self_test(&phone, DeviceId(own.device.0)).await.unwrap();
    let over = |challenge: &[u8], by: &folk::SimPhone| by.passkey.assert(challenge, &folk::origin()).unwrap();
    assert_eq!(kind(engine.answer_self_test(&other, test, &over(&test.0, &second)).await), "not found");
    assert_eq!(kind(engine.answer_self_test(&phone, test, &over(&test.0, &second)).await), "bad signature");
    assert_eq!(kind(engine.answer_self_test(&phone, test, &over(&[0; 16], own)).await), "bad signature");
    assert_eq!(engine.self_test(&phone, test).await.unwrap().answered_at, None);
    engine.answer_self_test(&phone, test, &over(&test.0, own)).await.unwrap();
    assert_eq!(engine.self_test(&phone, test).await.unwrap().answered_at, Some(scene.clock.now().0));
    assert_eq!(
        kind(engine.answer_self_test(&phone, nod_protocol::Id([9; 16]), &over(&[9; 16], own)).await),
        "not found"
    );
    assert!(scene.store.sessions_of(scene.anna.user).await.unwrap().is_empty());
}

/// `nod device revoke -Yx…` would be taken for an option.
#[tokio::test]
async fn no_id_begins_like_an_option() {
    let scene = Scene::new().await;
    for n in 0..600 {
        let user = scene.engine.add_user(&format!("user{n}"), None, false).await.unwrap();
        assert!(!user.id.to_string().starts_with('-'), "{}", user.id);
    }
}

//! Browsers and prompts: INV-08, INV-11, INV-12, INV-14, F01, F16, P15, A05, "this wasn't me".

use nod_core::limits;
use nod_core::people::UserState;
use nod_engine::ports::Store as _;
use nod_engine::{Asking, Begun, Fault};
use nod_protocol::answer::Decision;
use nod_protocol::pages::SignInPhase;
use nod_testkit::folk;

use crate::{Scene, kind};

#[tokio::test]
async fn an_unknown_browser_rings_nobody_whatever_it_claims() {
    let scene = Scene::new().await;
    let ben = folk::enrolled(&scene.engine, &scene.dice, "ben", 1).await;
    let bens = ben.cookie.borrow().clone();
    for cookie in [None, bens, Some("A".repeat(43)), Some(String::new()), Some(".....".to_owned())] {
        let (token, _) = scene.begin(cookie.clone()).await;
        let sign_in = scene.engine.sign_in_of(&token).await.unwrap();
        assert_eq!(scene.engine.status(&sign_in).await.unwrap().phase, SignInPhase::Introduce, "INV-11: {cookie:?}");
        assert_eq!(kind(scene.engine.again(&sign_in).await), "forbidden");
        assert_eq!(kind(scene.engine.resend(&sign_in).await), "conflict");
        assert_eq!(scene.store.challenges_of(sign_in.id).await.unwrap(), vec![]);
    }
    assert_eq!(scene.store.due_pushes(9).await.unwrap(), vec![], "F01: the phone stays silent");
}

#[tokio::test]
async fn a_copied_browser_unbinds_both_copies() {
    let scene = Scene::new().await;
    scene.clock.advance(limits::BROWSER_ROTATION_GRACE);
    let stolen = scene.anna.cookie.borrow().clone();
    // The owner goes on: the secret rotates, and the next use retires the stolen one.
    let (_, mine) = scene.begin(stolen.clone()).await;
    scene.clock.advance(limits::BROWSER_ROTATION_GRACE);
    let (_, mine) = scene.begin(mine).await;
    let (token, given) = scene.begin(stolen.clone()).await;
    assert_eq!(given, stolen, "nothing new for the copy");
    let sign_in = scene.engine.sign_in_of(&token).await.unwrap();
    assert_eq!(scene.engine.status(&sign_in).await.unwrap().phase, SignInPhase::Introduce, "INV-12, F16");
    assert!(scene.events().await.contains(&"browser_cloned"), "the user is told");
    let (token, _) = scene.begin(mine).await;
    let sign_in = scene.engine.sign_in_of(&token).await.unwrap();
    assert_eq!(scene.engine.status(&sign_in).await.unwrap().phase, SignInPhase::Introduce, "the owner's copy too");
}

#[tokio::test]
async fn an_unbound_browser_collects_nothing_that_was_under_way() {
    let scene = Scene::new().await;
    let (first, seen) = scene.asked().await;
    scene.give(&seen, &scene.signed(&seen, Decision::Approve)).await.unwrap();
    let (second, waiting) = scene.asked().await;
    let browser = scene.store.browsers_of(scene.anna.user).await.unwrap().remove(0);
    scene.engine.unbind_browser(scene.anna.user, browser.id).await.unwrap();
    assert_eq!(kind(scene.engine.finish(&first, None).await), "forbidden", "approved before, collected never");
    assert_eq!(scene.state(&waiting).await, "withdrawn", "the phone is asked no more");
    assert_eq!(kind(scene.give(&waiting, &scene.signed(&waiting, Decision::Approve)).await), "conflict");
    assert!(scene.engine.finish(&second, None).await.is_err(), "INV-10, INV-12");
}

#[tokio::test]
async fn a_wrong_number_keeps_the_number() {
    let scene = Scene::new().await;
    let (_, first) = scene.asked().await;
    let (second, request) = scene.asked().await;
    assert!(request.number_required);
    let body = scene.anna.phones[0].answer(&request, Decision::Approve, Some("000000"), request.context.as_bytes());
    assert_eq!(kind(scene.give(&request, &body.unwrap()).await), "wrong number");
    let raised = scene.engine.request(&scene.phone().await.unwrap(), nod_core::ChallengeId(first.id.0)).await.unwrap();
    let deny = scene.signed(&raised, Decision::Deny);
    scene.give(&raised, &deny).await.unwrap();
    scene.at(1);
    scene.engine.again(&second).await.unwrap();
    assert!(scene.engine.status(&second).await.unwrap().number.is_some());
}

#[tokio::test]
async fn a_report_of_fraud_needs_the_phones_owner() {
    let scene = Scene::new().await;
    let (_, request) = scene.asked().await;
    let mut body = scene.signed(&request, Decision::DenyFraud);
    body.assertion = None;
    assert_eq!(kind(scene.give(&request, &body).await), "bad signature", "E19");
    assert_eq!(scene.store.browsers_of(scene.anna.user).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_neighbour_cannot_shut_a_bound_browser_out() {
    let scene = Scene::new().await;
    for n in 0..=limits::PASSWORD_TRIES_PER_SOURCE.count {
        let mut request = scene.anna.request(None);
        request.user_name = format!("guess{n}");
        request.password = "wrong".to_owned().into();
        let _ = scene.engine.begin(request).await;
    }
    assert!(matches!(scene.engine.begin(scene.anna.request(None)).await, Err(Fault::TooMany { .. })));
    let (sign_in, _) = scene.asked().await;
    assert_eq!(scene.engine.status(&sign_in).await.unwrap().phase, SignInPhase::Waiting, "A05");
}

#[tokio::test]
async fn without_a_link_no_password_is_looked_at() {
    let scene = Scene::new().await;
    let asking = Asking { cookie: None, agent: "Firefox on Linux", address: "198.51.100.7" };
    let before = scene.events().await.len();
    for _ in 0..50 {
        let password = folk::PASSWORD.to_owned().into();
        let outcome = scene.engine.introduce_by_link("nonsense", "anna", password, &asking).await;
        assert_eq!(kind(outcome), "forbidden");
    }
    assert_eq!(scene.events().await.len(), before, "A03, A08: no row for a stranger");
    assert!(
        matches!(scene.engine.begin(scene.anna.request(None)).await, Ok(Begun::Started { .. })),
        "no name is locked"
    );
    let link = scene.engine.make_introduction_link(scene.anna.user).await.unwrap();
    for _ in 0..limits::INTRODUCTION_TRIES.count {
        let outcome = scene.engine.introduce_by_link(&link, "anna", "wrong".to_owned().into(), &asking).await;
        assert_eq!(kind(outcome), "forbidden");
    }
    let late = scene.engine.introduce_by_link(&link, "anna", folk::PASSWORD.to_owned().into(), &asking).await;
    assert_eq!(kind(late), "too many");
}

#[tokio::test]
async fn a_lost_reply_does_not_look_like_a_copy() {
    let scene = Scene::new().await;
    let first = scene.anna.cookie.borrow().clone();
    for _ in 0..4 {
        scene.clock.advance(limits::BROWSER_ROTATION_GRACE);
        let (token, next) = scene.begin(first.clone()).await;
        assert_ne!(next, first, "it rotates");
        let sign_in = scene.engine.sign_in_of(&token).await.unwrap();
        assert_eq!(scene.engine.status(&sign_in).await.unwrap().phase, SignInPhase::Waiting);
        scene.engine.cancel(&sign_in).await.unwrap();
        scene.clock.advance(limits::PROMPTS_LONG.window);
    }
    assert!(!scene.events().await.contains(&"browser_cloned"));
}

#[tokio::test]
async fn one_browser_serves_several_people() {
    let scene = Scene::new().await;
    let ben = folk::enrolled(&scene.engine, &scene.dice, "ben", 1).await;
    // Ben introduces Anna's browser by an administrator's link.
    let link = scene.engine.make_introduction_link(ben.user).await.unwrap();
    let shared = scene.anna.cookie.borrow().clone();
    let asking = Asking { cookie: shared.as_deref(), agent: "Firefox on Linux", address: "192.0.2.1" };
    let password = || folk::PASSWORD.to_owned().into();
    let shared = scene.engine.introduce_by_link(&link, "ben", password(), &asking).await.unwrap();
    assert_eq!(kind(scene.engine.introduce_by_link(&link, "ben", password(), &asking).await), "forbidden", "once");
    for person in [&scene.anna, &ben] {
        let begun = scene.engine.begin(person.request(Some(shared.clone()))).await.unwrap();
        let Begun::Started { token, .. } = begun else { panic!("{begun:?}") };
        let sign_in = scene.engine.sign_in_of(&token).await.unwrap();
        assert_eq!(scene.engine.status(&sign_in).await.unwrap().phase, SignInPhase::Waiting, "{}", person.name);
        assert!(scene.engine.this_browser(Some(&shared), person.user).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn two_sign_ins_at_once_both_need_the_number() {
    let scene = Scene::new().await;
    let (first, seen) = scene.asked().await;
    let stale = scene.signed(&seen, Decision::Approve);
    let (second, _) = scene.asked().await;
    for sign_in in [&first, &second] {
        assert!(scene.engine.status(sign_in).await.unwrap().number.is_some(), "INV-08");
    }
    assert_eq!(kind(scene.give(&seen, &stale).await), "conflict", "an answer to the older version is refused");
    let pending = scene.engine.pending(&scene.phone().await.unwrap()).await.unwrap().requests;
    assert!(pending.len() == 2 && pending.iter().all(|request| request.number_required && request.others == 1));
}

#[tokio::test]
async fn this_was_not_me_ends_the_browser_that_asked() {
    let scene = Scene::new().await;
    let (signed_in, request) = scene.asked().await;
    scene.give(&request, &scene.signed(&request, Decision::Approve)).await.unwrap();
    let session = scene.engine.finish(&signed_in, None).await.unwrap().session;
    let (sign_in, request) = scene.asked().await;
    scene.give(&request, &scene.signed(&request, Decision::DenyFraud)).await.unwrap();
    assert_eq!(kind(scene.engine.again(&sign_in).await), "forbidden");
    assert_eq!(kind(scene.engine.session(&session).await), "not signed in", "what that browser had opened is shut");
    assert_eq!(scene.store.browsers_of(scene.anna.user).await.unwrap(), vec![]);
    assert!(scene.events().await.contains(&"fraud_reported"));
}

#[tokio::test]
async fn prompts_without_success_run_out() {
    let scene = Scene::new().await;
    for _ in 0..limits::PROMPTS_SHORT.count {
        let (sign_in, _) = scene.asked().await;
        assert_eq!(scene.engine.status(&sign_in).await.unwrap().phase, SignInPhase::Waiting);
        scene.engine.cancel(&sign_in).await.unwrap();
    }
    let cookie = scene.anna.cookie.borrow().clone();
    let (token, _) = scene.begin(cookie).await;
    let sign_in = scene.engine.sign_in_of(&token).await.unwrap();
    assert_eq!(scene.engine.status(&sign_in).await.unwrap().phase, SignInPhase::Introduce, "the passkey still opens");
    scene.clock.advance(limits::PROMPTS_SHORT.window);
    let (sign_in, _) = scene.asked().await;
    assert_eq!(scene.engine.status(&sign_in).await.unwrap().phase, SignInPhase::Waiting);
}

#[tokio::test]
async fn guessing_passwords_stops_and_the_owners_browser_still_gets_in() {
    let scene = Scene::new().await;
    let guess = |cookie: Option<String>| {
        let mut request = scene.anna.request(cookie);
        request.password = "wrong".to_owned().into();
        request.address = "198.51.100.7".to_owned();
        request
    };
    for _ in 0..limits::PASSWORD_TRIES_PER_NAME.count {
        assert!(matches!(scene.engine.begin(guess(None)).await, Ok(Begun::Refused)));
    }
    assert!(
        matches!(scene.engine.begin(guess(None)).await, Err(Fault::TooMany { .. })),
        "counted before it is looked at"
    );
    let throttled = scene.events().await.iter().filter(|kind| **kind == "password_throttled").count();
    assert_eq!(throttled, 1, "one line for a flood (A08)");
    let (sign_in, _) = scene.asked().await;
    assert_eq!(scene.engine.status(&sign_in).await.unwrap().phase, SignInPhase::Waiting, "A05");
}

#[tokio::test]
async fn a_disabled_account_looks_like_a_wrong_password() {
    let scene = Scene::new().await;
    let user = scene.engine.user_named("anna").await.unwrap();
    let (sign_in, request) = scene.asked().await;
    scene.engine.set_user_state(&user, UserState::Disabled).await.unwrap();
    let cookie = scene.anna.cookie.borrow().clone();
    assert!(matches!(scene.engine.begin(scene.anna.request(cookie)).await, Ok(Begun::Refused)), "INV-29");
    assert!(scene.give(&request, &scene.signed(&request, Decision::Approve)).await.is_err(), "D12");
    assert!(scene.engine.finish(&sign_in, None).await.is_err());
}

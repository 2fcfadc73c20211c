//! Answers: INV-01 to INV-03, INV-05, INV-07, INV-09, INV-10, and attacks P05 to P14.

use nod_core::{ChallengeId, DeviceId};
use nod_engine::ports::Store as _;
use nod_protocol::answer::Decision;
use nod_protocol::device_api::{AnswerRequest, RequestState};
use nod_testkit::folk;

use crate::{Scene, kind};

#[tokio::test]
async fn an_approval_is_collected_once_by_the_sign_in_that_asked() {
    let scene = Scene::new().await;
    let (sign_in, request) = scene.asked().await;
    assert_eq!(kind(scene.engine.finish(&sign_in, None).await), "conflict", "not approved yet");
    let body = scene.signed(&request, Decision::Approve);
    assert_eq!(scene.give(&request, &body).await.unwrap(), RequestState::Approved);
    // INV-05: a guessed secret collects nothing.
    let guess = format!("{}.{}", sign_in.id, "A".repeat(43));
    assert_eq!(kind(scene.engine.sign_in_of(&guess).await), "not signed in");
    let done = scene.engine.finish(&sign_in, None).await.unwrap();
    assert_eq!(done.location, "/portal");
    assert!(scene.engine.session(&done.session).await.is_ok());
    // INV-02: consumed once, also for a copy read before.
    assert_eq!(kind(scene.engine.finish(&sign_in, None).await), "conflict");
    assert_eq!(scene.state(&request).await, "consumed");
}

#[tokio::test]
async fn a_repeated_answer_has_the_same_result_and_no_second_effect() {
    let scene = Scene::new().await;
    let (sign_in, request) = scene.asked().await;
    let body = scene.signed(&request, Decision::Approve);
    for _ in 0..3 {
        assert_eq!(scene.give(&request, &body).await.unwrap(), RequestState::Approved, "P05");
    }
    scene.engine.finish(&sign_in, None).await.unwrap();
    assert_eq!(scene.give(&request, &body).await.unwrap(), RequestState::Approved);
    let events = scene.events().await;
    assert_eq!(events.iter().filter(|kind| **kind == "approved").count(), 1);
    assert_eq!(events.iter().filter(|kind| **kind == "signed_in").count(), 1);
}

/// Its first giving was heard of before it was on disk: a promoted standby may know nothing of it.
#[tokio::test]
async fn a_repeated_answer_is_acknowledged_only_when_it_is_durable() {
    let scene = Scene::new().await;
    let (_, request) = scene.asked().await;
    let body = scene.signed(&request, Decision::Approve);
    assert_eq!(scene.give(&request, &body).await.unwrap(), RequestState::Approved);
    scene.store.stick();
    assert_eq!(kind(scene.give(&request, &body).await), "store");
}

#[tokio::test]
async fn denied_stays_denied() {
    let scene = Scene::new().await;
    let (sign_in, request) = scene.asked().await;
    let (deny, approve) = (scene.signed(&request, Decision::Deny), scene.signed(&request, Decision::Approve));
    assert_eq!(scene.give(&request, &deny).await.unwrap(), RequestState::Denied);
    assert_eq!(kind(scene.give(&request, &approve).await), "conflict", "P09");
    assert_eq!(kind(scene.engine.finish(&sign_in, None).await), "conflict");
    assert_eq!(scene.state(&request).await, "denied");
}

#[tokio::test]
async fn late_is_late_by_the_stores_clock() {
    let scene = Scene::new().await;
    let (_, request) = scene.asked().await;
    let body = scene.signed(&request, Decision::Approve);
    let life = request.expires_at - request.now;
    scene.at(life);
    assert_eq!(kind(scene.give(&request, &body).await), "gone", "P08, INV-06");
    scene.at(-1);
    assert_eq!(scene.give(&request, &body).await.unwrap(), RequestState::Approved);
}

#[tokio::test]
async fn an_approval_older_than_its_sign_in_is_worth_nothing() {
    let scene = Scene::new().await;
    let (sign_in, request) = scene.asked().await;
    let body = scene.signed(&request, Decision::Approve);
    scene.give(&request, &body).await.unwrap();
    scene.clock.set(sign_in.expires_at);
    assert_eq!(kind(scene.engine.finish(&sign_in, None).await), "gone", "INV-10");
}

#[tokio::test]
async fn what_was_not_shown_is_not_signed_for() {
    let scene = Scene::new().await;
    let (_, request) = scene.asked().await;
    let phone = &scene.anna.phones[0];
    let honest = request.context.as_bytes();
    let mut other = request.clone();
    other.nonce.0[0] ^= 1;
    let mut later = request.clone();
    later.expires_at += 60_000;
    let mut foreign = request.clone();
    foreign.id.0[0] ^= 1;
    let cases: [(&str, AnswerRequest); 4] = [
        ("another text", phone.answer(&request, Decision::Approve, None, b"{}").unwrap()),
        ("another nonce", phone.answer(&other, Decision::Approve, None, honest).unwrap()),
        ("another end", phone.answer(&later, Decision::Approve, None, honest).unwrap()),
        ("another request", phone.answer(&foreign, Decision::Approve, None, honest).unwrap()),
    ];
    for (what, body) in cases {
        assert_eq!(kind(scene.give(&request, &body).await), "bad signature", "{what}: INV-03, P06, P07");
        assert_eq!(scene.state(&request).await, "pending", "{what}");
    }
    let answer = scene.signed(&request, Decision::Approve).answer;
    let mut letters = answer.into_bytes();
    let last = letters.len() - 5;
    letters[last] = if letters[last] == b'A' { b'B' } else { b'A' };
    let bent =
        AnswerRequest { answer: String::from_utf8(letters).unwrap(), ..scene.signed(&request, Decision::Approve) };
    assert_eq!(kind(scene.give(&request, &bent).await), "bad signature");
    assert!(scene.events().await.contains(&"answer_refused"));
}

#[tokio::test]
async fn no_approval_without_user_verification_over_this_very_answer() {
    let scene = Scene::new().await;
    let (_, first) = scene.asked().await;
    let elsewhere = scene.signed(&first, Decision::Approve).assertion;
    scene.give(&first, &scene.signed(&first, Decision::Approve)).await.unwrap();
    let (_, request) = scene.asked().await;
    let honest = scene.signed(&request, Decision::Approve);
    for assertion in [None, elsewhere] {
        let body = AnswerRequest { assertion, ..honest.clone() };
        assert_eq!(kind(scene.give(&request, &body).await), "bad signature", "INV-09");
    }
    assert_eq!(scene.give(&request, &honest).await.unwrap(), RequestState::Approved);
}

#[tokio::test]
async fn one_wrong_number_ends_the_request() {
    let scene = Scene::new().await;
    let user = scene.engine.user_named("anna").await.unwrap();
    scene.engine.set_user_options(&user, true, false).await.unwrap();
    let (sign_in, request) = scene.asked().await;
    assert!(request.number_required);
    let shown = scene.engine.status(&sign_in).await.unwrap().number.unwrap().to_string();
    let wrong = if shown == "000000" { "000001" } else { "000000" };
    let answer =
        |number| scene.anna.phones[0].answer(&request, Decision::Approve, Some(number), request.context.as_bytes());
    assert_eq!(kind(scene.give(&request, &answer(wrong).unwrap()).await), "wrong number", "INV-07, P13");
    assert_eq!(kind(scene.give(&request, &answer(&shown).unwrap()).await), "conflict");
    assert_eq!(scene.state(&request).await, "failed");
    // Another request for the same sign-in needs no password, and another number.
    scene.engine.again(&sign_in).await.unwrap();
    assert_eq!(kind(scene.engine.again(&sign_in).await), "conflict", "one live request at a time");
}

#[tokio::test]
async fn others_and_revoked_phones_find_nothing() {
    let scene = Scene::new().await;
    let ben = folk::enrolled(&scene.engine, &scene.dice, "ben", 1).await;
    let (_, request) = scene.asked().await;
    let id = ChallengeId(request.id.0);
    let bens = scene.engine.phone(&ben.phones[0].token).await.unwrap();
    assert_eq!(kind(scene.engine.request(&bens, id).await), "not found", "P11");
    let forged = ben.phones[0].answer(&request, Decision::Approve, None, request.context.as_bytes()).unwrap();
    assert_eq!(kind(scene.engine.answer(&bens, id, &forged).await), "not found");
    let honest = scene.signed(&request, Decision::Approve);
    assert_eq!(kind(scene.engine.answer(&bens, id, &honest).await), "not found", "Anna's answer over Ben's session");
    // P12: a session that was read before the revocation does not help.
    let before = scene.phone().await.unwrap();
    scene.engine.revoke_device(scene.anna.user, DeviceId(scene.anna.phones[0].device.0)).await.unwrap();
    assert_eq!(kind(scene.engine.answer(&before, id, &honest).await), "not found");
    assert_eq!(kind(scene.phone().await), "not signed in");
    assert_eq!(scene.state(&request).await, "pending");
}

/// Rounds of the race; a full run has a thousand.
#[expect(clippy::disallowed_methods, reason = "the environment chooses the size of a test run")]
fn rounds() -> usize {
    if std::env::var_os("NOD_FULL").is_some() { 1_000 } else { 5 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_answers_at_once_have_one_effect() {
    for _ in 0..rounds() {
        race().await;
    }
}

async fn race() {
    let scene = Scene::new().await;
    let (sign_in, request) = scene.asked().await;
    let (approve, deny) = (scene.signed(&request, Decision::Approve), scene.signed(&request, Decision::Deny));
    let phone = scene.phone().await.unwrap();
    let mut race = tokio::task::JoinSet::new();
    for n in 0..64 {
        let (engine, phone) = (scene.engine.clone(), phone.clone());
        let body = if n % 2 == 0 { approve.clone() } else { deny.clone() };
        race.spawn(async move { engine.answer(&phone, ChallengeId(request.id.0), &body).await.ok() });
    }
    let results: Vec<_> = race.join_all().await.into_iter().flatten().collect();
    assert!(!results.is_empty() && results.iter().all(|state| *state == results[0]), "INV-01, P10: {results:?}");
    let mut collect = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (engine, sign_in) = (scene.engine.clone(), sign_in.clone());
        collect.spawn(async move { engine.finish(&sign_in, None).await.is_ok() });
    }
    let sessions = collect.join_all().await.into_iter().filter(|done| *done).count();
    assert_eq!(sessions, usize::from(results[0] == RequestState::Approved));
    assert_eq!(scene.store.sessions_of(scene.anna.user).await.unwrap().len(), sessions);
}

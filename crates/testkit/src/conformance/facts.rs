//! Reads of several rows at once.
#![allow(missing_docs, clippy::missing_panics_doc, reason = "cases are named by what they check")]

use nod_core::challenge::{Challenge, ChallengeState, Decision};
use nod_core::limits::Limit;
use nod_core::possession::{Device, Notifications};
use nod_core::push::Stage;
use nod_core::sign_in::SignIn;
use nod_core::{ChallengeId, DeviceId, Millis, SignInId, UserId};
use nod_engine::ports::{Errand, Grant, Lately, Question, Store, Write};

use super::Bed;
use super::rows::*;

const BEN: UserId = UserId([2; 16]);
const SHORT: Limit = Limit { count: 9, window: Millis(1_000) };
const LONG: Limit = Limit { count: 9, window: Millis(5_000) };

async fn lately<S: Store>(bed: &Bed<S>, user: UserId, since: i64) -> Lately {
    let prompts = [("short", SHORT), ("long", LONG)];
    bed.store.lately(user, at(since), "203.0.113.99", prompts).await.unwrap_or_else(|error| unreachable!("{error}"))
}

pub async fn denials_are_remembered<S: Store + 'static>(bed: &Bed<S>) {
    bed.asked().await;
    assert!(!lately(bed, ANNA, 0).await.denied);
    bed.accepts([answering(1, ChallengeState::Denied(answer(11, Decision::DenyFraud, at(50))))]).await;
    assert!(lately(bed, ANNA, 50).await.denied);
    assert!(!lately(bed, ANNA, 51).await.denied);
    assert!(!lately(bed, BEN, 0).await.denied);
    bed.ask(62, 72, ANNA).await;
    bed.accepts([Write::AnswerChallenge {
        challenge: ChallengeId([72; 16]),
        version: 1,
        to: ChallengeState::Failed(answer(11, Decision::Approve, at(90))),
        sign_in: SignInId([62; 16]),
        user: ANNA,
        checksum: CHANGED,
    }])
    .await;
    assert!(lately(bed, ANNA, 51).await.denied, "a wrong number counts like a denial");
}

pub async fn prompts_are_counted_in_their_windows<S: Store + 'static>(bed: &Bed<S>) {
    let count = |bucket: &str, limit| Write::Count { bucket: bucket.into(), limit };
    let start = bed.clock.now();
    let none = Lately { denied: false, new_address: false, prompts: [0, 0] };
    assert_eq!(lately(bed, ANNA, 0).await, none);
    bed.accepts([count("short", SHORT), count("short", SHORT), count("long", LONG)]).await;
    bed.clock.set(start.after(Millis(999)));
    assert_eq!(lately(bed, ANNA, 0).await, Lately { prompts: [2, 1], ..none });
    bed.clock.set(start.after(Millis(1_000)));
    assert_eq!(lately(bed, ANNA, 0).await, Lately { prompts: [0, 1], ..none });
    bed.clock.set(start.after(Millis(5_000)));
    assert_eq!(lately(bed, ANNA, 0).await, none);
}

pub async fn a_question_comes_with_its_sign_in_and_user<S: Store + 'static>(bed: &Bed<S>) {
    assert_eq!(bed.store.question(ASKED).await, Ok(None));
    bed.accepts([Write::AddUser(user(2))]).await;
    bed.active_phone(12, BEN).await;
    bed.ask(62, 72, BEN).await;
    bed.asked().await;
    let row = sign_in(61, ANNA);
    let asked = Question { challenge: challenge(71, &row), sign_in: row, user: user(1) };
    assert_eq!(bed.store.question(ASKED).await, Ok(Some(asked.clone())));
    bed.accepts([answering(1, approved())]).await;
    let challenge = Challenge { state: approved(), checksum: CHANGED, ..asked.challenge.clone() };
    assert_eq!(bed.store.question(ASKED).await, Ok(Some(Question { challenge, ..asked })));
}

pub async fn a_grant_comes_with_user_browser_and_newest_challenge<S: Store + 'static>(bed: &Bed<S>) {
    assert_eq!(bed.store.grant(SIGN_IN).await, Ok(None));
    bed.phone().await;
    let (known, plain) = (browser(41, ANNA), sign_in(62, ANNA));
    let row = SignIn { browser: Some(known.id), ..sign_in(61, ANNA) };
    bed.accepts([Write::BindBrowser(known.clone(), secret(1, known.id)), Write::AddSignIn(row.clone())]).await;
    bed.accepts([Write::AddSignIn(plain.clone())]).await;
    let bare = Grant { user: user(1), browser: None, challenge: None };
    assert_eq!(bed.store.grant(plain.id).await, Ok(Some(bare.clone())));
    let begun = Grant { browser: Some(known), ..bare };
    assert_eq!(bed.store.grant(row.id).await, Ok(Some(begun.clone())));
    bed.accepts([Write::OpenChallenge(challenge(71, &row)), ending(ChallengeState::Withdrawn)]).await;
    let newer = challenge(70, &row);
    let newer = Challenge { created_at: newer.created_at.after(Millis(1)), ..newer };
    bed.accepts([Write::OpenChallenge(newer.clone())]).await;
    assert_eq!(bed.store.grant(row.id).await, Ok(Some(Grant { challenge: Some(newer), ..begun })));
}

pub async fn an_errand_knows_what_ringing_needs<S: Store + 'static>(bed: &Bed<S>) {
    bed.asked().await;
    let phone = Device { state: nod_core::possession::DeviceState::Active, checksum: CHANGED, ..device(11, ANNA) };
    let errand = |subject| bed.store.errand(PHONE, subject);
    let test = Errand { device: phone.clone(), subscription: None, challenge: None, fetched: false, pending: 1 };
    let found = errand([8; 16]).await.map(|found| found.map(|it| Errand { device: phone.clone(), ..it }));
    assert_eq!(found, Ok(Some(test)));
    assert_eq!(bed.store.errand(DeviceId([99; 16]), ASKED.0).await, Ok(None));

    let (row, device, notifications) = (subscription(5), PHONE, Notifications::Granted);
    let set = Write::SetNotifications { device, user: ANNA, notifications, subscription: Some(row.id) };
    let seen = |subject, device, stage| Write::Stage { subject, device, stage, at: at(9), sign_in: None, user: ANNA };
    bed.accepts([
        Write::PutSubscription(row.clone()),
        set,
        seen(ASKED.0, DeviceId([99; 16]), Stage::Fetched),
        seen([8; 16], PHONE, Stage::Fetched),
        seen(ASKED.0, PHONE, Stage::Sent),
    ])
    .await;
    let device = Device { notifications, subscription: Some(row.id), ..phone };
    let challenge = challenge(71, &sign_in(61, ANNA));
    let (subscription, end) = (Some(row), challenge.expires_at);
    let asked = Errand { device, subscription, challenge: Some(challenge), fetched: false, pending: 1 };
    assert_eq!(errand(ASKED.0).await, Ok(Some(asked.clone())));
    bed.accepts([seen(ASKED.0, PHONE, Stage::Fetched)]).await;
    bed.clock.set(end);
    assert_eq!(errand(ASKED.0).await, Ok(Some(Errand { fetched: true, pending: 0, ..asked })));
}

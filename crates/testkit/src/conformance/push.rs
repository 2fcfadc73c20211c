//! Subscriptions, queued pushes, stages.
#![allow(missing_docs, clippy::missing_panics_doc, reason = "cases are named by what they check")]

use nod_core::possession::{Device, Notifications};
use nod_core::push::{Push, PushKind, PushState, Stage, Subscription};
use nod_core::{DeviceId, Millis, PushId, SubscriptionId};
use nod_engine::ports::{Store, Write};

use super::Bed;
use super::rows::*;

const SUBJECT: [u8; 16] = [8; 16];

pub async fn subscriptions_are_put_and_dropped<S: Store + 'static>(bed: &Bed<S>) {
    let row = subscription(5);
    let (id, device) = (row.id, PHONE);
    bed.phone().await;
    bed.active_phone(12, ANNA).await;
    bed.accepts([Write::PutSubscription(Subscription { refusals: 3, ..row.clone() })]).await;
    assert_eq!(bed.store.subscription(id).await, Ok(Some(row.clone())), "refusals start at zero");
    bed.accepts([Write::CountRefusal(id), Write::CountRefusal(id), Write::CountRefusal(SubscriptionId([9; 16]))]).await;
    let refused = Subscription { refusals: 2, ..row.clone() };
    assert_eq!(bed.store.subscription(id).await, Ok(Some(refused)));
    bed.accepts([Write::ClearRefusals(id), Write::ClearRefusals(SubscriptionId([9; 16]))]).await;
    assert_eq!(bed.store.subscription(id).await, Ok(Some(row.clone())));
    let moved = Subscription { endpoint: "https://push.example.net/new".into(), ..row.clone() };
    bed.accepts([Write::CountRefusal(id), Write::PutSubscription(moved.clone())]).await;
    assert_eq!(bed.store.subscription(id).await, Ok(Some(moved)));

    let notifications = Notifications::Granted;
    bed.accepts([Write::SetNotifications { device, user: ANNA, notifications, subscription: Some(id) }]).await;
    bed.accepts([Write::DropSubscription(id)]).await;
    assert_eq!(bed.store.subscription(id).await, Ok(None));
    let found = |row: Option<Device>| row.map(|row| (row.notifications, row.subscription));
    assert_eq!(bed.store.device(device).await.map(found), Ok(Some((Notifications::Unavailable, None))));
    bed.accepts([Write::DropSubscription(id)]).await;
}

pub async fn queued_pushes_of_a_subject_are_dropped<S: Store + 'static>(bed: &Bed<S>) {
    let rows = [push(1, SUBJECT, PHONE), push(2, SUBJECT, PHONE), push(3, [6; 16], PHONE)];
    bed.accepts(rows.clone().map(Write::QueuePush)).await;
    bed.clock.set(rows[0].due_at);
    bed.accepts([Write::ClaimPush { push: PushId([1; 16]), lease_until: at(9_000) }]).await;
    bed.accepts([Write::DropPushes { subject: SUBJECT }, Write::DropPushes { subject: [7; 16] }]).await;
    let states = |rows: Vec<nod_core::push::Push>| rows.iter().map(|row| row.state).collect::<Vec<_>>();
    let about = bed.store.pushes_of(SUBJECT).await.map(states);
    assert_eq!(about, Ok(vec![PushState::Claimed, PushState::Dropped]));
    assert_eq!(bed.store.pushes_of([6; 16]).await.map(states), Ok(vec![PushState::Queued]));
}

pub async fn pushes_are_claimed_and_settled<S: Store + 'static>(bed: &Bed<S>) {
    let row = push(1, SUBJECT, PHONE);
    let claim = |n: u8, lease_until| Write::ClaimPush { push: PushId([n; 16]), lease_until };
    let settle = |to| Write::SettlePush { push: PushId([1; 16]), to };
    let requeue = |due_at| Write::RequeuePush { push: PushId([1; 16]), due_at };
    bed.accepts([Write::QueuePush(row.clone())]).await;
    bed.refuses(Write::QueuePush(row.clone())).await;
    bed.refuses(claim(99, at(100))).await;
    bed.just_before(row.due_at);
    bed.refuses(claim(1, at(100))).await;
    bed.refuses(settle(PushState::Accepted)).await;
    bed.refuses(requeue(at(1))).await;
    bed.clock.set(row.due_at);
    bed.accepts([claim(1, at(100))]).await;
    let claimed = Push { state: PushState::Claimed, due_at: at(100), attempts: 1, ..row.clone() };
    assert_eq!(bed.store.pushes_of(SUBJECT).await, Ok(vec![claimed.clone()]));
    // The lease holds others off, and its end gives the push to whoever comes next.
    bed.just_before(at(100));
    bed.refuses(claim(1, at(200))).await;
    bed.clock.set(at(100));
    bed.accepts([claim(1, at(200))]).await;
    bed.accepts([requeue(at(150))]).await;
    let queued = Push { state: PushState::Queued, due_at: at(150), attempts: 2, ..row.clone() };
    assert_eq!(bed.store.pushes_of(SUBJECT).await, Ok(vec![queued]));
    bed.clock.set(at(150));
    bed.accepts([claim(1, at(300))]).await;
    bed.refuses(settle(PushState::Queued)).await;
    bed.refuses(settle(PushState::Claimed)).await;
    bed.accepts([settle(PushState::Accepted)]).await;
    bed.refuses(settle(PushState::Dropped)).await;
    bed.clock.set(at(400));
    bed.refuses(claim(1, at(500))).await;
    let done = Push { state: PushState::Accepted, due_at: at(300), attempts: 3, ..row };
    assert_eq!(bed.store.pushes_of(SUBJECT).await, Ok(vec![done]));
}

pub async fn due_pushes_come_in_order<S: Store + 'static>(bed: &Bed<S>) {
    let due = |n: u8, due: i64| Push { due_at: at(due), ..push(n, SUBJECT, PHONE) };
    assert_eq!((bed.store.next_push_due().await, bed.store.open_pushes().await), (Ok(None), Ok(0)));
    let test = Push { kind: PushKind::SelfTest, state: PushState::Dropped, ..due(5, 1) };
    bed.accepts([
        Write::QueuePush(due(9, 30)),
        Write::QueuePush(due(3, 20)),
        Write::QueuePush(due(2, 20)),
        Write::QueuePush(due(4, 41)),
        Write::QueuePush(test.clone()),
    ])
    .await;
    assert_eq!((bed.store.next_push_due().await, bed.store.open_pushes().await), (Ok(Some(at(20))), Ok(4)));
    assert_eq!(bed.store.due_pushes(10).await, Ok(vec![]));
    bed.clock.set(at(40));
    assert_eq!(bed.store.due_pushes(10).await, Ok(vec![due(3, 20), due(2, 20), due(9, 30)]));
    assert_eq!(bed.store.due_pushes(1).await, Ok(vec![due(3, 20)]));
    bed.accepts([Write::ClaimPush { push: PushId([3; 16]), lease_until: at(45) }]).await;
    bed.accepts([Write::ClaimPush { push: PushId([2; 16]), lease_until: at(90) }]).await;
    bed.clock.set(at(45));
    let leased = Push { state: PushState::Claimed, attempts: 1, ..due(3, 45) };
    assert_eq!(bed.store.due_pushes(10).await, Ok(vec![due(9, 30), due(4, 41), leased.clone()]));
    let held = Push { state: PushState::Claimed, attempts: 1, ..due(2, 90) };
    let all = vec![due(9, 30), leased, held, due(4, 41), test];
    assert_eq!(bed.store.pushes_of(SUBJECT).await, Ok(all), "in the order they were queued");
    assert_eq!(bed.store.pushes_of([99; 16]).await, Ok(vec![]));
    for n in [9, 4] {
        let push = PushId([n; 16]);
        bed.accepts([
            Write::ClaimPush { push, lease_until: at(46) },
            Write::SettlePush { push, to: PushState::Dropped },
        ])
        .await;
    }
    assert_eq!((bed.store.next_push_due().await, bed.store.open_pushes().await), (Ok(Some(at(45))), Ok(2)));
}

pub async fn stages_keep_the_first<S: Store + 'static>(bed: &Bed<S>) {
    let other = DeviceId([12; 16]);
    let stage = |device, stage, ms: i64| Write::Stage {
        subject: SUBJECT,
        device,
        stage,
        at: at(0).after(Millis(ms)),
        sign_in: None,
        user: ANNA,
    };
    bed.accepts([stage(PHONE, Stage::Sent, 20), stage(PHONE, Stage::Sent, 10), stage(other, Stage::Shown, 5)]).await;
    bed.accepts([stage(PHONE, Stage::Sent, 1), stage(PHONE, Stage::Answered, 20)]).await;
    let rest = [Stage::Accepted, Stage::WorkerWoke, Stage::Fetched, Stage::Failed];
    for (ms, kind) in (30..).zip(rest) {
        bed.accepts([stage(PHONE, kind, ms)]).await;
    }
    let mut expected =
        vec![(other, Stage::Shown, at(5)), (PHONE, Stage::Sent, at(20)), (PHONE, Stage::Answered, at(20))];
    expected.extend((30..).zip(rest).map(|(ms, kind)| (PHONE, kind, at(ms))));
    assert_eq!(bed.store.stages(SUBJECT).await, Ok(expected));
    assert_eq!(bed.store.stages([99; 16]).await, Ok(vec![]));
}

pub async fn a_phone_was_last_rung_about<S: Store + 'static>(bed: &Bed<S>) {
    let stage = |subject: u8, device, stage, ms| Write::Stage {
        subject: [subject; 16],
        device,
        stage,
        at: at(ms),
        sign_in: None,
        user: ANNA,
    };
    let other = DeviceId([12; 16]);
    assert_eq!(bed.store.last_rung(PHONE).await, Ok(None));
    bed.accepts([stage(1, PHONE, Stage::Sent, 5), stage(2, PHONE, Stage::Sent, 9), stage(3, PHONE, Stage::Sent, 7)])
        .await;
    bed.accepts([stage(4, PHONE, Stage::Accepted, 20), stage(5, other, Stage::Sent, 30)]).await;
    assert_eq!(bed.store.last_rung(PHONE).await, Ok(Some([2; 16])));
    assert_eq!(bed.store.last_rung(other).await, Ok(Some([5; 16])));
    bed.accepts([stage(6, PHONE, Stage::Sent, 9)]).await;
    assert_eq!(bed.store.last_rung(PHONE).await, Ok(Some([6; 16])), "of two at once the later");
}

//! The store as a whole: atomicity, races, wakes, the sweep.
#![allow(missing_docs, clippy::missing_panics_doc, reason = "cases are named by what they check")]

use std::pin::pin;
use std::task::{Context, Waker};

use nod_core::audit::{Event, EventKind};
use nod_core::challenge::{ChallengeState, Decision};
use nod_core::enrolment::Enrolment;
use nod_core::limits::Limit;
use nod_core::people::{User, UserState};
use nod_core::possession::DeviceState;
use nod_core::push::Stage;
use nod_core::{ChallengeId, EnrolmentId, Millis, PushId, SignInId, limits};
use nod_engine::ports::{Store, Topic, Waiter, Write};

use super::rows::*;
use super::{Bed, RACERS};

pub async fn a_refused_commit_leaves_everything<S: Store + 'static>(bed: &Bed<S>) {
    bed.asked().await;
    let limit = Limit { count: 5, window: Millis(1_000) };
    let end = at(100_000);
    bed.refuses_at(
        10,
        [
            answering(1, approved()),
            consuming(),
            Write::FinishSignIn { sign_in: SIGN_IN, proved: false },
            Write::AddSession(session(1, ANNA)),
            Write::Audit(Event::new(EventKind::SignedIn, at(1))),
            Write::Count { bucket: "b".into(), limit },
            Write::QueuePush(push(1, ASKED.0, PHONE)),
            Write::UseNonce { nonce: hash(1), expires_at: end },
            Write::RevokeDevice { device: PHONE, user: ANNA },
            changing(User { state: UserState::Disabled, ..user(1) }),
            Write::AddUser(user(1)),
            changing(User { password_hash: Some("never".into()), ..user(1) }),
        ],
    )
    .await;
    let state = bed.store.challenge(ASKED).await.map(|row| row.map(|row| row.state));
    assert_eq!(state, Ok(Some(ChallengeState::Pending)));
    assert_eq!(bed.store.sign_in(SIGN_IN).await, Ok(Some(sign_in(61, ANNA))));
    assert_eq!(bed.store.sessions_of(ANNA).await, Ok(vec![]));
    assert_eq!(bed.store.audit(None, 1).await, Ok(vec![]));
    assert_eq!(bed.store.count("b", limit).await, Ok(0));
    assert_eq!(bed.store.pushes_of(ASKED.0).await, Ok(vec![]));
    assert_eq!(bed.store.user(ANNA).await, Ok(Some(user(1))));
    assert_eq!(bed.store.passkeys_of(ANNA).await.map(|rows| rows.len()), Ok(1));
    bed.accepts([Write::UseNonce { nonce: hash(1), expires_at: end }, answering(1, approved())]).await;
}

pub async fn writes_of_a_commit_see_each_other<S: Store + 'static>(bed: &Bed<S>) {
    let owner = sign_in(61, ANNA);
    bed.phone().await;
    bed.accepts([
        Write::AddSignIn(owner.clone()),
        Write::OpenChallenge(challenge(71, &owner)),
        answering(1, approved()),
        consuming(),
        Write::FinishSignIn { sign_in: SIGN_IN, proved: false },
    ])
    .await;
    let nonce = Write::UseNonce { nonce: hash(1), expires_at: at(1_000) };
    bed.refuses_at(1, [nonce.clone(), nonce]).await;
}

pub async fn an_empty_commit_is_accepted<S: Store + 'static>(bed: &Bed<S>) {
    bed.accepts([]).await;
    assert_eq!(bed.store.now().await, Ok(bed.clock.now()));
    bed.clock.advance(Millis(5));
    assert_eq!(bed.store.now().await, Ok(bed.clock.now()));
}

pub async fn races_have_one_winner<S: Store + 'static>(bed: &Bed<S>) {
    bed.asked().await;
    let session = session(1, ANNA);
    bed.accepts([
        Write::AddApp(app(1)),
        Write::AddSession(session.clone()),
        Write::AddAppCode(app_code(1, session.id, app(1).id)),
        Write::AddEnrolment(enrolment(1, ANNA)),
        Write::AddIntroductionLink(link(1, ANNA)),
        Write::QueuePush(push(1, [9; 16], PHONE)),
    ])
    .await;
    bed.clock.set(at(50));
    let won = bed
        .winners(|racer| {
            let deny = ChallengeState::Denied(answer(11, Decision::Deny, at(30)));
            vec![answering(1, if racer % 2 == 0 { approved() } else { deny })]
        })
        .await;
    assert_eq!(won, 1, "AnswerChallenge (INV-01)");
    bed.ask(62, 72, ANNA).await;
    let (challenge, owner) = (ChallengeId([72; 16]), SignInId([62; 16]));
    let to = approved();
    bed.accepts([Write::AnswerChallenge { challenge, version: 1, to, sign_in: owner, user: ANNA, checksum: CHANGED }])
        .await;
    let won = bed.winners(|_| vec![Write::ConsumeChallenge { challenge, sign_in: owner, user: ANNA }]).await;
    assert_eq!(won, 1, "ConsumeChallenge (INV-02)");
    let finish = Write::FinishSignIn { sign_in: owner, proved: false };
    assert_eq!(bed.winners(|_| vec![finish.clone()]).await, 1, "FinishSignIn (INV-05)");
    assert_eq!(bed.winners(|_| vec![Write::UseAppCode { code: hash(1) }]).await, 1, "UseAppCode");
    assert_eq!(bed.winners(|_| vec![Write::UseIntroductionLink { secret: hash(1) }]).await, 1, "UseIntroductionLink");
    let nonce = Write::UseNonce { nonce: hash(7), expires_at: at(60_000) };
    assert_eq!(bed.winners(|_| vec![nonce.clone()]).await, 1, "UseNonce");
    let claim = Write::ClaimPush { push: PushId([1; 16]), lease_until: at(90_000) };
    assert_eq!(bed.winners(|_| vec![claim.clone()]).await, 1, "ClaimPush");
    let won = bed
        .winners(|racer| {
            vec![Write::OpenEnrolment {
                enrolment: EnrolmentId([1; 16]),
                user: ANNA,
                session: hash(100 + u8::try_from(racer).unwrap_or(0)),
                expires_at: at(90_000),
                checksum: CHANGED,
            }]
        })
        .await;
    assert_eq!(won, 1, "OpenEnrolment (INV-16)");
    let try_password = Write::CountEnrolmentPassword { enrolment: EnrolmentId([1; 16]) };
    let won = bed.winners(|_| vec![try_password.clone()]).await;
    assert_eq!(u32::try_from(won), Ok(limits::ENROLMENT_PASSWORD_TRIES));
}

pub async fn counters_let_exactly_the_limit_through<S: Store + 'static>(bed: &Bed<S>) {
    let limit = Limit { count: 10, window: Millis(60_000) };
    let won = bed.winners(|_| vec![Write::Count { bucket: "prompts".into(), limit }]).await;
    assert_eq!(won, 10);
    assert_eq!(bed.store.count("prompts", limit).await, Ok(10));
    // Refused commits are taken back whole, so their counts are not in the way of later ones.
    let taken = Write::UseNonce { nonce: hash(1), expires_at: at(60_000) };
    bed.accepts([taken.clone()]).await;
    let won = bed.winners(|_| vec![Write::Count { bucket: "other".into(), limit }, taken.clone()]).await;
    assert_eq!(won, 0);
    assert_eq!(bed.store.count("other", limit).await, Ok(0));
}

pub async fn racing_sign_ins_share_nothing<S: Store + 'static>(bed: &Bed<S>) {
    bed.phone().await;
    let won = bed
        .winners(|racer| {
            let n = 100 + u8::try_from(racer).unwrap_or(0);
            let owner = sign_in(n, ANNA);
            let asked = challenge(n, &owner);
            let (challenge, sign_in, user) = (asked.id, owner.id, ANNA);
            vec![
                Write::AddSignIn(owner),
                Write::OpenChallenge(asked),
                Write::AnswerChallenge { challenge, version: 1, to: approved(), sign_in, user, checksum: CHANGED },
                Write::ConsumeChallenge { challenge, sign_in, user },
                Write::FinishSignIn { sign_in, proved: false },
                Write::Audit(Event::new(EventKind::SignedIn, at(1))),
            ]
        })
        .await;
    assert_eq!(u32::try_from(won), Ok(RACERS), "independent commits do not conflict");
    assert_eq!(bed.store.answered_by(PHONE, 1_000).await.map(|rows| rows.len()), Ok(won));
    assert_eq!(bed.store.audit(None, 1_000).await.map(|rows| rows.len()), Ok(won));
    let owner = sign_in(61, ANNA);
    bed.accepts([Write::AddSignIn(owner.clone())]).await;
    let open = |racer| vec![Write::OpenChallenge(challenge(u8::try_from(racer).unwrap_or(0), &owner))];
    assert_eq!(bed.winners(open).await, 1, "OpenChallenge: one live challenge per sign-in");
}

fn woken(waiter: &mut Waiter) -> bool {
    pin!(waiter.changed()).as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

pub async fn commits_wake_those_who_wait<S: Store + 'static>(bed: &Bed<S>) {
    bed.asked().await;
    let wakes = bed.store.wakes();
    let mut page = wakes.wait_for(Topic::SignIn(SIGN_IN));
    let mut other = wakes.wait_for(Topic::SignIn(SignInId([62; 16])));
    let mut phone = wakes.wait_for(Topic::User(ANNA));
    let mut outbox = wakes.wait_for(Topic::Outbox);
    bed.refuses_at(1, [answering(1, approved()), Write::AddUser(user(1))]).await;
    assert!(!woken(&mut page) && !woken(&mut phone), "a refused commit wakes nobody");
    bed.accepts([answering(1, approved())]).await;
    assert!(woken(&mut page) && woken(&mut phone));
    assert!(!woken(&mut outbox) && !woken(&mut other) && !woken(&mut page));
    bed.accepts([Write::QueuePush(push(1, [9; 16], PHONE)), Write::CancelSignIn { sign_in: SIGN_IN }]).await;
    assert!(woken(&mut outbox) && woken(&mut page));
    assert!(!woken(&mut other) && !woken(&mut phone));
}

pub async fn the_sweep_removes_what_ended_long_ago<S: Store + 'static>(bed: &Bed<S>) {
    let limit = Limit { count: 5, window: Millis(900) };
    let (session, end) = (session(1, ANNA), at(1_000));
    bed.phone().await;
    bed.clock.set(at(100));
    let short = nod_core::sign_in::SignIn { expires_at: end, ..sign_in(61, ANNA) };
    let asked = nod_core::challenge::Challenge { expires_at: end, ..challenge(71, &short) };
    bed.accepts([
        Write::AddSession(session.clone()),
        Write::AddApp(app(1)),
        Write::AddSignIn(short),
        Write::OpenChallenge(asked),
        Write::UseNonce { nonce: hash(1), expires_at: end },
        Write::AddAppCode(nod_core::access::AppCode { expires_at: end, ..app_code(1, session.id, app(1).id) }),
        Write::AddAppSession(app_session(1, session.id, app(1).id)),
        Write::AddIntroductionLink(nod_core::enrolment::IntroductionLink { expires_at: end, ..link(1, ANNA) }),
        Write::AddDeviceSession(device_session(1, PHONE, end)),
        Write::Count { bucket: "b".into(), limit },
        Write::QueuePush(nod_core::push::Push { expires_at: end, ..push(1, [9; 16], PHONE) }),
        // One of a push, one of a request to a phone that cannot be rung.
        stage([9; 16]),
        stage(ASKED.0),
    ])
    .await;
    bed.just_before(end);
    assert_eq!(bed.store.sweep().await, Ok(0));
    assert_eq!(bed.store.overdue(9).await, Ok(vec![]));
    bed.clock.set(end);
    let overdue = bed.store.overdue(9).await.map(|rows| rows.iter().map(|row| row.id).collect::<Vec<_>>());
    assert_eq!(overdue, Ok(vec![ASKED]));
    assert_eq!(bed.store.overdue(0).await, Ok(vec![]));
    let expire = Write::EndChallenge { challenge: ASKED, to: ChallengeState::Expired, sign_in: SIGN_IN, user: ANNA };
    bed.accepts([expire]).await;
    assert_eq!(bed.store.overdue(9).await, Ok(vec![]));
    let long = end.after(Millis::days(1));
    bed.just_before(long);
    assert_eq!(bed.store.sweep().await, Ok(0));
    assert_eq!(bed.store.pushes_of([9; 16]).await.map(|rows| rows.len()), Ok(1));
    bed.clock.set(long);
    // Nonce, code, link, device session, counter, push, sign-in, and two stages.
    assert_eq!(bed.store.sweep().await, Ok(9));
    assert_eq!(bed.store.stages([9; 16]).await, Ok(vec![]));
    assert_eq!(bed.store.stages(ASKED.0).await, Ok(vec![]));
    assert_eq!(bed.store.sweep().await, Ok(0));
    assert_eq!(bed.store.sign_in(SIGN_IN).await, Ok(None));
    assert_eq!(bed.store.pushes_of([9; 16]).await, Ok(vec![]));
    let state = bed.store.challenge(ASKED).await.map(|row| row.map(|row| row.state));
    assert_eq!(state, Ok(Some(ChallengeState::Expired)), "challenges are kept: they are evidence");
    let over = session.created_at.after(limits::SESSION_LIFE).after(Millis::days(1));
    bed.just_before(over);
    assert_eq!(bed.store.sweep().await, Ok(0));
    bed.clock.set(over);
    assert_eq!(bed.store.sweep().await, Ok(2));
    assert_eq!(bed.store.app_session(hash(1)).await, Ok(None));
    assert_eq!(bed.store.session(session.id).await, Ok(None));
    assert_eq!(bed.store.sweep().await, Ok(0));
}

fn stage(subject: [u8; 16]) -> Write {
    Write::Stage { subject, device: PHONE, stage: Stage::Sent, at: at(100), sign_in: None, user: ANNA }
}

pub async fn the_sweep_ends_set_ups_and_browsers<S: Store + 'static>(bed: &Bed<S>) {
    let (unfinished, browser) = (device(12, ANNA), browser(41, ANNA));
    let begun = Enrolment { expires_at: at(1_000), ..enrolment(1, ANNA) };
    bed.phone().await;
    bed.accepts([
        Write::AddDevice(unfinished.clone()),
        Write::AddPasskey(passkey(22, &unfinished)),
        Write::AddEnrolment(begun.clone()),
        Write::BindBrowser(browser.clone(), secret(51, browser.id)),
    ])
    .await;
    let day = Millis::days(1);
    bed.clock.set(begun.expires_at.after(day));
    assert_eq!(bed.store.sweep().await, Ok(1));
    assert_eq!(bed.store.enrolment(begun.id).await, Ok(None));
    let over = unfinished.created_at.after(limits::ENROLMENT_SESSION_LIFE).after(day);
    bed.just_before(over);
    assert_eq!(bed.store.sweep().await, Ok(0));
    bed.clock.set(over);
    assert_eq!(bed.store.sweep().await, Ok(2), "the passkey goes, the phone is revoked");
    let states = async |id| bed.store.device(id).await.unwrap_or_default().map(|device| device.state);
    assert_eq!(
        (states(unfinished.id).await, states(PHONE).await),
        (Some(DeviceState::Revoked), Some(DeviceState::Active))
    );
    assert_eq!(bed.store.passkeys_of(ANNA).await.map(|rows| rows.len()), Ok(1));
    let over = browser.created_at.after(limits::BROWSER_LIFE).after(day);
    bed.just_before(over);
    assert_eq!(bed.store.sweep().await, Ok(0));
    bed.clock.set(over);
    assert_eq!(bed.store.sweep().await, Ok(2), "the browser and its secret");
    assert_eq!(bed.store.browser_by_secret(hash(51)).await, Ok(None));
    assert_eq!(bed.store.sweep().await, Ok(0));
}

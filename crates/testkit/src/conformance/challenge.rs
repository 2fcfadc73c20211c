//! Challenges: opened, raised, answered, ended, consumed.
#![allow(missing_docs, clippy::missing_panics_doc, reason = "cases are named by what they check")]

use nod_core::challenge::{Challenge, ChallengeState, Decision, Number};
use nod_core::people::UserState;
use nod_core::{ChallengeId, DeviceId, SignInId, Timestamp, UserId};
use nod_engine::ports::{Store, Write};

use super::Bed;
use super::rows::*;

const BEN: UserId = UserId([2; 16]);

pub async fn challenges_open_one_at_a_time<S: Store + 'static>(bed: &Bed<S>) {
    let owner = sign_in(61, ANNA);
    let open = |n: u8| Write::OpenChallenge(challenge(n, &owner));
    bed.anna().await;
    bed.refuses(open(71)).await;
    bed.accepts([Write::AddSignIn(owner.clone()), Write::AddUser(user(2)), open(71)]).await;
    bed.refuses(open(72)).await;
    bed.just_before(challenge(71, &owner).expires_at);
    bed.refuses(open(72)).await;
    // One that ended by the clock stands in nobody's way, though the store has not been told.
    bed.clock.set(challenge(71, &owner).expires_at);
    let fresh = |n: u8| Write::OpenChallenge(Challenge { expires_at: owner.expires_at, ..challenge(n, &owner) });
    bed.accepts([fresh(72)]).await;
    bed.refuses(fresh(73)).await;
    let end = |n: u8| Write::EndChallenge {
        challenge: ChallengeId([n; 16]),
        to: ChallengeState::Superseded,
        sign_in: owner.id,
        user: ANNA,
    };
    bed.accepts([end(72), fresh(73), end(73)]).await;
    bed.refuses(fresh(72)).await;
    bed.refuses(Write::OpenChallenge(Challenge { user: BEN, ..challenge(74, &owner) })).await;
    bed.refuses(Write::OpenChallenge(Challenge { state: approved(), ..challenge(74, &owner) })).await;
    bed.set_anna(UserState::Disabled).await;
    bed.refuses(fresh(74)).await;
    bed.set_anna(UserState::Active).await;
    bed.clock.set(owner.expires_at);
    bed.refuses(fresh(74)).await;
    bed.just_before(owner.expires_at);
    bed.accepts([fresh(74), end(74), Write::CancelSignIn { sign_in: owner.id }]).await;
    bed.refuses(fresh(75)).await;
}

pub async fn challenges_beside_others_have_numbers<S: Store + 'static>(bed: &Bed<S>) {
    let number = Number::parse("271828");
    let open = |n: u8, user, number| Write::OpenChallenge(Challenge { number, ..challenge(n, &sign_in(n, user)) });
    bed.asked().await;
    bed.accepts([Write::AddUser(user(2))]).await;
    for (n, user) in [(62, ANNA), (63, ANNA), (64, BEN), (65, ANNA)] {
        bed.accepts([Write::AddSignIn(sign_in(n, user))]).await;
    }
    // INV-08: neither beside one without a number, nor without a number beside another.
    bed.refuses(open(62, ANNA, None)).await;
    bed.refuses(open(62, ANNA, number)).await;
    let Some(shown) = number else { return };
    let raise = Write::RaiseChallenge {
        challenge: ASKED,
        version: 1,
        number: shown,
        sign_in: SIGN_IN,
        user: ANNA,
        checksum: CHANGED,
    };
    bed.refuses_at(1, [raise.clone(), open(62, ANNA, None)]).await;
    bed.accepts([raise, open(62, ANNA, number)]).await;
    bed.refuses(open(63, ANNA, None)).await;
    bed.accepts([open(63, ANNA, number), open(64, BEN, None)]).await;
    bed.just_before(challenge(62, &sign_in(62, ANNA)).expires_at);
    bed.refuses(open(65, ANNA, None)).await;
    bed.clock.set(challenge(62, &sign_in(62, ANNA)).expires_at);
    bed.accepts([open(65, ANNA, None)]).await;
}

pub async fn challenges_come_back_whole<S: Store + 'static>(bed: &Bed<S>) {
    bed.phone().await;
    let states: [fn(u8) -> ChallengeState; 3] = [
        |_| approved(),
        |_| ChallengeState::Denied(answer(11, Decision::Deny, at(21))),
        |_| ChallengeState::Failed(answer(11, Decision::Approve, at(22))),
    ];
    for (n, state) in (61_u8..).zip(states) {
        let owner = sign_in(n, ANNA);
        let asked = Challenge { number: Number::parse("004711"), version: 7, ..challenge(n, &owner) };
        bed.accepts([Write::AddSignIn(owner.clone()), Write::OpenChallenge(asked.clone())]).await;
        assert_eq!(bed.store.challenge(asked.id).await, Ok(Some(asked.clone())));
        let to = state(n);
        bed.accepts([Write::AnswerChallenge {
            challenge: asked.id,
            version: 7,
            to: to.clone(),
            sign_in: owner.id,
            user: ANNA,
            checksum: CHANGED,
        }])
        .await;
        let answered = Challenge { state: to, checksum: CHANGED, ..asked };
        assert_eq!(bed.store.challenge(answered.id).await, Ok(Some(answered)));
    }
    assert_eq!(bed.store.challenge(ChallengeId([99; 16])).await, Ok(None));
}

pub async fn challenges_are_raised_once<S: Store + 'static>(bed: &Bed<S>) {
    bed.asked().await;
    let Some(number) = Number::parse("000042") else { return };
    let raise = |challenge: u8, version| Write::RaiseChallenge {
        challenge: ChallengeId([challenge; 16]),
        version,
        number,
        sign_in: SIGN_IN,
        user: ANNA,
        checksum: CHANGED,
    };
    bed.refuses(raise(99, 1)).await;
    bed.refuses(raise(71, 2)).await;
    bed.accepts([raise(71, 1)]).await;
    bed.refuses(raise(71, 1)).await;
    bed.refuses(raise(71, 2)).await;
    let raised = Challenge { version: 2, number: Some(number), checksum: CHANGED, ..challenge(71, &sign_in(61, ANNA)) };
    assert_eq!(bed.store.challenge(ASKED).await, Ok(Some(raised)));
    bed.refuses(answering(1, approved())).await;
    bed.accepts([answering(2, approved())]).await;

    bed.ask(62, 72, ANNA).await;
    let other = Write::RaiseChallenge {
        challenge: ChallengeId([72; 16]),
        version: 1,
        number,
        sign_in: SignInId([62; 16]),
        user: ANNA,
        checksum: CHANGED,
    };
    bed.clock.set(challenge(72, &sign_in(62, ANNA)).expires_at);
    bed.refuses(other.clone()).await;
    bed.just_before(challenge(72, &sign_in(62, ANNA)).expires_at);
    bed.accepts([other]).await;
}

pub async fn answers_need_a_pending_challenge<S: Store + 'static>(bed: &Bed<S>) {
    bed.asked().await;
    let end = challenge(71, &sign_in(61, ANNA)).expires_at;
    bed.refuses(answering(2, approved())).await;
    bed.refuses(answering(0, approved())).await;
    bed.clock.set(end);
    bed.refuses(answering(1, approved())).await;
    bed.just_before(end);
    bed.accepts([answering(1, ChallengeState::Denied(answer(11, Decision::DenyFraud, at(20))))]).await;
    // INV-02: nothing moves it again.
    bed.refuses(answering(1, approved())).await;
    bed.refuses(ending(ChallengeState::Withdrawn)).await;
    bed.refuses(consuming()).await;
    for (n, to) in (62..).zip([ChallengeState::Withdrawn, ChallengeState::Superseded]) {
        let question = n + 10;
        bed.ask(n, question, ANNA).await;
        let (challenge, sign_in) = (ChallengeId([question; 16]), SignInId([n; 16]));
        bed.accepts([Write::EndChallenge { challenge, to, sign_in, user: ANNA }]).await;
        bed.refuses(Write::AnswerChallenge {
            challenge,
            version: 1,
            to: approved(),
            sign_in,
            user: ANNA,
            checksum: CHANGED,
        })
        .await;
    }
    let nothing = ChallengeId([99; 16]);
    bed.refuses(Write::AnswerChallenge {
        challenge: nothing,
        version: 1,
        to: approved(),
        sign_in: SIGN_IN,
        user: ANNA,
        checksum: CHANGED,
    })
    .await;
}

pub async fn answers_need_user_and_phone<S: Store + 'static>(bed: &Bed<S>) {
    bed.asked().await;
    bed.accepts([Write::AddUser(user(2)), Write::AddDevice(device(12, ANNA))]).await;
    bed.active_phone(13, BEN).await;
    let by = |device: u8| answering(1, ChallengeState::Approved(answer(device, Decision::Approve, at(20))));
    bed.refuses(by(99)).await;
    bed.refuses(by(12)).await;
    bed.refuses(by(13)).await;
    bed.refuses(Write::AnswerChallenge {
        challenge: ASKED,
        version: 1,
        to: ChallengeState::Approved(answer(13, Decision::Approve, at(20))),
        sign_in: SIGN_IN,
        user: BEN,
        checksum: CHANGED,
    })
    .await;
    bed.set_anna(UserState::Disabled).await;
    bed.refuses(by(11)).await;
    bed.set_anna(UserState::Active).await;
    // INV-01: judged when it is written, not when the phone was asked.
    let revoke = Write::RevokeDevice { device: PHONE, user: ANNA };
    bed.refuses_at(1, [revoke, by(11)]).await;
    bed.accepts([by(11)]).await;
}

pub async fn answers_move_to_answered_states_only<S: Store + 'static>(bed: &Bed<S>) {
    bed.asked().await;
    for to in [
        ChallengeState::Pending,
        ChallengeState::Consumed(answer(11, Decision::Approve, at(20))),
        ChallengeState::Expired,
        ChallengeState::Superseded,
        ChallengeState::Withdrawn,
    ] {
        bed.refuses(answering(1, to)).await;
    }
    bed.accepts([answering(1, approved())]).await;
}

pub async fn challenges_end<S: Store + 'static>(bed: &Bed<S>) {
    bed.asked().await;
    let end = challenge(71, &sign_in(61, ANNA)).expires_at;
    for to in [ChallengeState::Pending, approved(), ChallengeState::Denied(answer(11, Decision::Deny, at(20)))] {
        bed.refuses(ending(to)).await;
    }
    bed.just_before(end);
    bed.refuses(ending(ChallengeState::Expired)).await;
    bed.clock.set(end);
    bed.accepts([ending(ChallengeState::Expired)]).await;
    bed.refuses(ending(ChallengeState::Expired)).await;
    bed.refuses(ending(ChallengeState::Withdrawn)).await;
    let state = bed.store.challenge(ASKED).await.map(|row| row.map(|row| row.state));
    assert_eq!(state, Ok(Some(ChallengeState::Expired)));
}

pub async fn approvals_are_consumed_once<S: Store + 'static>(bed: &Bed<S>) {
    bed.asked().await;
    bed.refuses(consuming()).await;
    bed.accepts([answering(1, approved())]).await;
    bed.refuses(ending(ChallengeState::Withdrawn)).await;
    bed.refuses(Write::ConsumeChallenge { challenge: ASKED, sign_in: SignInId([62; 16]), user: ANNA }).await;
    bed.set_anna(UserState::Disabled).await;
    bed.refuses(consuming()).await;
    bed.set_anna(UserState::Active).await;
    // INV-10: a phone revoked after it approved opens nothing.
    bed.refuses_at(1, [Write::RevokeDevice { device: PHONE, user: ANNA }, consuming()]).await;
    bed.accepts([consuming()]).await;
    bed.refuses(consuming()).await;
    let consumed = Challenge {
        state: ChallengeState::Consumed(answer(11, Decision::Approve, at(20))),
        checksum: nod_core::UNSEALED,
        ..challenge(71, &sign_in(61, ANNA))
    };
    assert_eq!(bed.store.challenge(ASKED).await, Ok(Some(consumed)));
}
/// INV-08: beside another live challenge of the user a new one has a number, and so has every other.
pub async fn challenges_side_by_side_have_numbers<S: Store + 'static>(bed: &Bed<S>) {
    bed.phone().await;
    bed.accepts([Write::AddUser(user(2))]).await;
    let number = Number::parse("471100");
    let (first, second) = (sign_in(71, ANNA), sign_in(72, ANNA));
    let asked = challenge(71, &first);
    bed.accepts([Write::AddSignIn(first), Write::AddSignIn(second.clone()), Write::OpenChallenge(asked.clone())]).await;
    let beside = |number| Write::OpenChallenge(Challenge { number, ..challenge(72, &second) });
    bed.refuses(beside(None)).await;
    bed.refuses(beside(number)).await;
    let raise = Write::RaiseChallenge {
        challenge: asked.id,
        version: 1,
        number: Number::from_random(5),
        sign_in: asked.sign_in,
        user: ANNA,
        checksum: CHANGED,
    };
    bed.refuses_at(1, [raise.clone(), beside(None)]).await;
    bed.accepts([raise, beside(number)]).await;
    let bens = sign_in(73, BEN);
    bed.accepts([Write::AddSignIn(bens.clone()), Write::OpenChallenge(challenge(73, &bens))]).await;
    bed.clock.set(asked.expires_at);
    let third = sign_in(74, ANNA);
    bed.accepts([Write::AddSignIn(third.clone()), Write::OpenChallenge(challenge(74, &third))]).await;
}

pub async fn challenges_are_listed<S: Store + 'static>(bed: &Bed<S>) {
    bed.phone().await;
    bed.accepts([Write::AddUser(user(2))]).await;
    let ids = |rows: Vec<Challenge>| rows.iter().map(|row| row.id.0[0]).collect::<Vec<u8>>();
    let plan: [(u8, UserId, i64); 4] = [(71, ANNA, 30), (72, ANNA, 20), (73, ANNA, 20), (74, BEN, 10)];
    for (n, user, created) in plan {
        let owner = sign_in(n, user);
        let number = Number::parse("471100");
        let asked =
            Challenge { created_at: at(created), expires_at: at(1_000 + i64::from(n)), number, ..challenge(n, &owner) };
        bed.accepts([Write::AddSignIn(owner), Write::OpenChallenge(asked)]).await;
    }
    assert_eq!(bed.store.pending_for(ANNA).await.map(ids), Ok(vec![72, 73, 71]));
    assert_eq!(bed.store.pending_for(BEN).await.map(ids), Ok(vec![74]));
    bed.clock.set(at(1_072));
    assert_eq!(bed.store.pending_for(ANNA).await.map(ids), Ok(vec![73]));
    let answer_by = |n: u8, when: Timestamp| Write::AnswerChallenge {
        challenge: ChallengeId([n; 16]),
        version: 1,
        to: ChallengeState::Denied(answer(11, Decision::Deny, when)),
        sign_in: SignInId([n; 16]),
        user: ANNA,
        checksum: CHANGED,
    };
    bed.clock.set(at(100));
    bed.accepts([answer_by(71, at(50)), answer_by(72, at(60)), answer_by(73, at(50))]).await;
    assert_eq!(bed.store.answered_by(PHONE, 10).await.map(ids), Ok(vec![72, 73, 71]));
    assert_eq!(bed.store.answered_by(PHONE, 2).await.map(ids), Ok(vec![72, 73]));
    assert_eq!(bed.store.answered_by(DeviceId([99; 16]), 10).await.map(ids), Ok(vec![]));
    assert_eq!(bed.store.pending_for(ANNA).await.map(ids), Ok(vec![]));

    let again = Challenge { created_at: at(40), ..challenge(75, &sign_in(71, ANNA)) };
    bed.accepts([Write::OpenChallenge(again)]).await;
    assert_eq!(bed.store.challenges_of(SignInId([71; 16])).await.map(ids), Ok(vec![75, 71]));
    assert_eq!(bed.store.challenges_of(SignInId([99; 16])).await.map(ids), Ok(vec![]));
}

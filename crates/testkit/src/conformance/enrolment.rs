//! Enrolments and introduction links.
#![allow(missing_docs, clippy::missing_panics_doc, reason = "cases are named by what they check")]

use nod_core::enrolment::{Enrolment, EnrolmentState, OpenedBy};
use nod_core::people::UserState;
use nod_core::possession::DeviceState;
use nod_core::{BrowserId, DeviceId, EnrolmentId, Millis, SessionId, Timestamp, UNSEALED, UserId, limits};
use nod_engine::ports::{Store, Write};

use super::Bed;
use super::rows::*;

const BEN: UserId = UserId([2; 16]);
const FIRST: EnrolmentId = EnrolmentId([1; 16]);

const fn coded(n: u8, code_expires_at: Timestamp) -> EnrolmentState {
    EnrolmentState::Coded { code: hash(n), code_expires_at }
}
const fn moving(n: u8, from: EnrolmentState, to: EnrolmentState) -> Write {
    Write::MoveEnrolment { enrolment: EnrolmentId([n; 16]), user: ANNA, from, to, checksum: CHANGED }
}
const fn opening(n: u8, session: u8) -> Write {
    Write::OpenEnrolment {
        enrolment: EnrolmentId([n; 16]),
        user: ANNA,
        session: hash(session),
        expires_at: at(9_000_000_000),
        checksum: CHANGED,
    }
}

pub async fn enrolments_are_added_and_found<S: Store + 'static>(bed: &Bed<S>) {
    bed.refuses(Write::AddEnrolment(enrolment(1, ANNA))).await;
    bed.anna().await;
    bed.accepts([Write::AddEnrolment(enrolment(1, ANNA))]).await;
    assert_eq!(bed.store.enrolments_of(ANNA).await, Ok(vec![enrolment(1, ANNA)]));
    assert_eq!(bed.store.enrolments_of(BEN).await, Ok(vec![]));
    let states = [
        EnrolmentState::Opened,
        EnrolmentState::Proved,
        coded(90, at(500)),
        EnrolmentState::Joined(DeviceId([31; 16])),
        EnrolmentState::Confirmed(DeviceId([32; 16])),
        EnrolmentState::Introduced(DeviceId([33; 16])),
        EnrolmentState::Ended,
    ];
    for (n, state) in (2..).zip(states) {
        let opened_by = match n % 3 {
            0 => OpenedBy::Session(SessionId([n; 16])),
            1 => OpenedBy::Recovery(Some(BrowserId([n; 16]))),
            _ => OpenedBy::Recovery(None),
        };
        let row = Enrolment { state, opened_by, session: Some(hash(n + 100)), password_tries: 3, ..enrolment(n, ANNA) };
        bed.accepts([Write::AddEnrolment(row.clone())]).await;
        assert_eq!(bed.store.enrolment(row.id).await, Ok(Some(row.clone())));
        assert_eq!(bed.store.enrolment_by_link(row.link).await, Ok(Some(row.clone())));
        assert_eq!(bed.store.enrolment_by_session(hash(n + 100)).await, Ok(Some(row)));
    }
    let found = bed.store.enrolment_by_code(hash(90)).await;
    assert_eq!(found.map(|row| row.map(|row| row.id)), Ok(Some(EnrolmentId([4; 16]))));
    assert_eq!(bed.store.enrolment(EnrolmentId([99; 16])).await, Ok(None));
    assert_eq!(bed.store.enrolment_by_link(hash(99)).await, Ok(None));
    assert_eq!(bed.store.enrolment_by_session(hash(99)).await, Ok(None));
    assert_eq!(bed.store.enrolment_by_code(hash(99)).await, Ok(None));
    bed.refuses(Write::AddEnrolment(Enrolment { link: hash(50), ..enrolment(1, ANNA) })).await;
    bed.refuses(Write::AddEnrolment(Enrolment { link: hash(1), ..enrolment(50, ANNA) })).await;
    bed.refuses(Write::AddEnrolment(Enrolment { session: Some(hash(102)), ..enrolment(50, ANNA) })).await;
    bed.set_anna(UserState::Disabled).await;
    bed.refuses(Write::AddEnrolment(enrolment(51, ANNA))).await;
}

pub async fn enrolments_are_opened_once<S: Store + 'static>(bed: &Bed<S>) {
    let row = enrolment(1, ANNA);
    bed.anna().await;
    bed.refuses(opening(1, 101)).await;
    bed.accepts([Write::AddEnrolment(row.clone()), Write::AddEnrolment(enrolment(2, ANNA))]).await;
    let Write::OpenEnrolment { enrolment, session, expires_at, checksum, .. } = opening(1, 101) else { unreachable!() };
    let other = Write::OpenEnrolment { enrolment, user: BEN, session, expires_at, checksum };
    bed.refuses(other).await;
    bed.accepts([opening(1, 101)]).await;
    bed.refuses(opening(1, 102)).await;
    bed.refuses(opening(2, 101)).await;
    let opened = Enrolment {
        session: Some(hash(101)),
        state: EnrolmentState::Opened,
        expires_at: at(9_000_000_000),
        checksum: CHANGED,
        ..row.clone()
    };
    assert_eq!(bed.store.enrolment(FIRST).await, Ok(Some(opened)));
    bed.clock.set(row.expires_at);
    bed.refuses(opening(2, 102)).await;
    bed.just_before(row.expires_at);
    bed.accepts([opening(2, 102)]).await;
}

pub async fn enrolments_move_from_the_named_state<S: Store + 'static>(bed: &Bed<S>) {
    let (phone, other) = (DeviceId([31; 16]), DeviceId([32; 16]));
    bed.accepts([Write::AddUser(user(1)), Write::AddUser(user(2)), Write::AddEnrolment(enrolment(1, ANNA))]).await;
    let (opened, proved) = (EnrolmentState::Opened, EnrolmentState::Proved);
    bed.refuses(moving(99, EnrolmentState::Issued, EnrolmentState::Ended)).await;
    bed.refuses(moving(1, opened, proved)).await;
    bed.accepts([opening(1, 101), moving(1, opened, proved)]).await;
    bed.refuses(moving(1, opened, proved)).await;
    let (from, to, checksum) = (proved, EnrolmentState::Ended, CHANGED);
    bed.refuses(Write::MoveEnrolment { enrolment: FIRST, user: BEN, from, to, checksum }).await;
    bed.accepts([moving(1, proved, coded(40, at(5_000)))]).await;
    let joined = EnrolmentState::Joined(phone);
    bed.refuses(moving(1, coded(41, at(5_000)), joined)).await;
    bed.refuses(moving(1, coded(40, at(5_001)), joined)).await;
    bed.set_anna(UserState::Disabled).await;
    bed.refuses(moving(1, coded(40, at(5_000)), joined)).await;
    bed.set_anna(UserState::Active).await;
    bed.accepts([moving(1, coded(40, at(5_000)), joined)]).await;
    assert_eq!(bed.store.enrolment_by_code(hash(40)).await, Ok(None), "a code is used once");
    let confirmed = EnrolmentState::Confirmed(phone);
    bed.refuses(moving(1, EnrolmentState::Joined(other), confirmed)).await;
    bed.clock.set(at(9_000_000_000));
    bed.refuses(moving(1, joined, confirmed)).await;
    bed.just_before(at(9_000_000_000));
    bed.accepts([moving(1, joined, confirmed)]).await;
    let state = bed.store.enrolment(FIRST).await.map(|row| row.map(|row| (row.state, row.checksum)));
    assert_eq!(state, Ok(Some((confirmed, CHANGED))));
}

pub async fn codes_end_and_are_unique_while_shown<S: Store + 'static>(bed: &Bed<S>) {
    let proved = |n| Write::AddEnrolment(Enrolment { state: EnrolmentState::Proved, ..enrolment(n, ANNA) });
    let end = at(5_000);
    bed.anna().await;
    bed.accepts([proved(1), proved(2), moving(1, EnrolmentState::Proved, coded(40, end))]).await;
    bed.refuses(moving(2, EnrolmentState::Proved, coded(40, end.after(Millis(1))))).await;
    bed.clock.set(end);
    assert_eq!(bed.store.enrolment_by_code(hash(40)).await, Ok(None));
    bed.refuses(moving(1, coded(40, end), EnrolmentState::Joined(PHONE))).await;
    bed.just_before(end);
    let shown = bed.store.enrolment_by_code(hash(40)).await;
    assert_eq!(shown.map(|row| row.map(|row| row.id)), Ok(Some(FIRST)));
    bed.accepts([moving(1, coded(40, end), coded(41, end))]).await;
    bed.accepts([moving(2, EnrolmentState::Proved, coded(40, end))]).await;
    let shown = bed.store.enrolment_by_code(hash(40)).await;
    assert_eq!(shown.map(|row| row.map(|row| row.id)), Ok(Some(EnrolmentId([2; 16]))));
    // A code that has run out can be replaced, by going back.
    bed.clock.set(end);
    bed.refuses(moving(2, coded(40, end), coded(42, end.after(Millis(9))))).await;
    bed.accepts([moving(2, coded(40, end), EnrolmentState::Proved)]).await;
}

pub async fn confirmed_enrolments_do_not_go_back<S: Store + 'static>(bed: &Bed<S>) {
    let phone = DeviceId([31; 16]);
    let add = |n, state| Write::AddEnrolment(Enrolment { state, ..enrolment(n, ANNA) });
    let (confirmed, introduced) = (EnrolmentState::Confirmed(phone), EnrolmentState::Introduced(phone));
    bed.anna().await;
    bed.accepts([add(1, confirmed), add(2, EnrolmentState::Ended)]).await;
    bed.refuses(moving(1, confirmed, EnrolmentState::Joined(phone))).await;
    bed.refuses(moving(1, confirmed, EnrolmentState::Proved)).await;
    bed.accepts([moving(1, confirmed, introduced)]).await;
    bed.refuses(moving(1, introduced, confirmed)).await;
    for to in [EnrolmentState::Issued, EnrolmentState::Opened, EnrolmentState::Proved, confirmed] {
        bed.refuses(moving(2, EnrolmentState::Ended, to)).await;
    }
}

pub async fn enrolment_passwords_are_limited<S: Store + 'static>(bed: &Bed<S>) {
    let count = Write::CountEnrolmentPassword { enrolment: FIRST };
    bed.anna().await;
    bed.refuses(count.clone()).await;
    bed.accepts([Write::AddEnrolment(enrolment(1, ANNA))]).await;
    bed.refuses(count.clone()).await;
    bed.accepts([opening(1, 101)]).await;
    for _ in 0..limits::ENROLMENT_PASSWORD_TRIES {
        bed.accepts([count.clone()]).await;
    }
    bed.refuses(count.clone()).await;
    let tries = bed.store.enrolment(FIRST).await.map(|row| row.map(|row| row.password_tries));
    assert_eq!(tries, Ok(Some(limits::ENROLMENT_PASSWORD_TRIES)));
    bed.accepts([Write::AddEnrolment(Enrolment { state: EnrolmentState::Proved, ..enrolment(2, ANNA) })]).await;
    bed.refuses(Write::CountEnrolmentPassword { enrolment: EnrolmentId([2; 16]) }).await;
}

pub async fn all_enrolments_of_a_user_end<S: Store + 'static>(bed: &Bed<S>) {
    let phone = DeviceId([31; 16]);
    let states = [
        EnrolmentState::Issued,
        EnrolmentState::Opened,
        EnrolmentState::Proved,
        coded(90, at(5_000)),
        EnrolmentState::Joined(phone),
        EnrolmentState::Confirmed(phone),
        EnrolmentState::Introduced(phone),
        EnrolmentState::Ended,
    ];
    bed.phone().await;
    let pending = device(12, ANNA);
    bed.accepts([Write::AddUser(user(2)), Write::AddDevice(pending.clone()), Write::AddDevice(device(13, BEN))]).await;
    bed.accepts([Write::AddPasskey(passkey(22, &pending))]).await;
    for (n, state) in (1..).zip(states) {
        bed.accepts([Write::AddEnrolment(Enrolment { state, ..enrolment(n, ANNA) })]).await;
    }
    bed.accepts([Write::AddEnrolment(enrolment(20, BEN)), Write::EndEnrolmentsOf { user: ANNA }]).await;
    for (n, state) in (1_u8..).zip(states) {
        let expected = if (6..=7).contains(&n) { state } else { EnrolmentState::Ended };
        let found = bed.store.enrolment(EnrolmentId([n; 16])).await;
        // What ended keeps no checksum (INV-21).
        let checksum = if n <= 5 { UNSEALED } else { enrolment(n, ANNA).checksum };
        assert_eq!(found, Ok(Some(Enrolment { state: expected, checksum, ..enrolment(n, ANNA) })));
    }
    assert_eq!(bed.store.enrolment_by_code(hash(90)).await, Ok(None));
    assert_eq!(bed.store.enrolment(EnrolmentId([20; 16])).await, Ok(Some(enrolment(20, BEN))));
    for (device, expected) in [(11, DeviceState::Active), (12, DeviceState::Revoked), (13, DeviceState::Pending)] {
        let found = bed.store.device(DeviceId([device; 16])).await;
        assert_eq!(found.map(|row| row.map(|row| row.state)), Ok(Some(expected)), "{device}");
    }
    assert_eq!(bed.store.passkey_by_credential(&[22, 0, 1, 2]).await, Ok(None));
    bed.accepts([Write::EndEnrolmentsOf { user: ANNA }]).await;
}

pub async fn introduction_links_are_used_once<S: Store + 'static>(bed: &Bed<S>) {
    let row = |n| link(n, ANNA);
    let use_link = |n| Write::UseIntroductionLink { secret: hash(n) };
    let end = row(1).expires_at;
    bed.refuses(Write::AddIntroductionLink(row(1))).await;
    bed.anna().await;
    bed.accepts([Write::AddIntroductionLink(row(1)), Write::AddIntroductionLink(row(2))]).await;
    bed.refuses(Write::AddIntroductionLink(row(1))).await;
    assert_eq!(bed.store.introduction_link(hash(1)).await, Ok(Some(row(1))));
    bed.refuses(use_link(99)).await;
    bed.accepts([use_link(1)]).await;
    bed.refuses(use_link(1)).await;
    assert_eq!(bed.store.introduction_link(hash(1)).await, Ok(None));
    bed.clock.set(end);
    bed.refuses(use_link(2)).await;
    assert_eq!(bed.store.introduction_link(hash(2)).await, Ok(None));
    bed.just_before(end);
    assert_eq!(bed.store.introduction_link(hash(2)).await, Ok(Some(row(2))));
    bed.accepts([use_link(2)]).await;
    bed.set_anna(UserState::Disabled).await;
    bed.refuses(Write::AddIntroductionLink(row(3))).await;
}

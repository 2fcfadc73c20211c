//! Security keys and passkeys that belong to no phone.
#![allow(missing_docs, clippy::missing_panics_doc, reason = "cases are named by what they check")]

use nod_core::enrolment::EnrolmentState;
use nod_core::keys::SecurityKey;
use nod_core::people::UserState;
use nod_core::possession::{DeviceState, Passkey};
use nod_core::sign_in::SignInState;
use nod_core::{PasskeyId, SignInId, UserId, limits};
use nod_engine::ports::{Store, Write};

use super::Bed;
use super::rows::*;

const BEN: UserId = UserId([2; 16]);

pub async fn keys_are_added_and_listed<S: Store + 'static>(bed: &Bed<S>) {
    bed.refuses(Write::AddSecurityKey(security_key(1, ANNA))).await;
    bed.accepts([Write::AddUser(user(1)), Write::AddUser(user(2))]).await;
    let synced = SecurityKey {
        backup_eligible: true,
        counter: u32::MAX,
        created_at: at(12),
        last_used_at: Some(at(14)),
        ..security_key(2, ANNA)
    };
    bed.accepts([Write::AddSecurityKey(security_key(1, ANNA)), Write::AddSecurityKey(synced.clone())]).await;
    // A credential has one row: neither another key of anybody nor a phone's passkey is the same.
    let same = SecurityKey { credential_id: security_key(1, ANNA).credential_id, ..security_key(3, BEN) };
    bed.refuses(Write::AddSecurityKey(same.clone())).await;
    bed.refuses(Write::AddSecurityKey(security_key(1, BEN))).await;
    let phone = nod_core::possession::Device { state: DeviceState::Pending, ..device(11, BEN) };
    bed.accepts([Write::AddDevice(phone.clone())]).await;
    bed.refuses(Write::AddPasskey(Passkey { credential_id: same.credential_id, ..passkey(21, &phone) })).await;
    bed.refuses(Write::AddPasskey(passkey(1, &phone))).await;
    bed.accepts([Write::AddPasskey(passkey(21, &phone))]).await;
    let taken = SecurityKey { credential_id: passkey(21, &phone).credential_id, ..security_key(3, BEN) };
    bed.refuses(Write::AddSecurityKey(taken)).await;
    bed.refuses(Write::AddSecurityKey(security_key(21, BEN))).await;
    bed.accepts([Write::AddSecurityKey(security_key(3, BEN))]).await;

    assert_eq!(bed.store.security_keys_of(ANNA).await, Ok(vec![synced.clone(), security_key(1, ANNA)]));
    assert_eq!(bed.store.security_key_by_credential(&synced.credential_id).await, Ok(Some(synced)));
    assert_eq!(bed.store.security_key_by_credential(&[1, 9]).await, Ok(None));
    for n in 30..38 {
        bed.accepts([Write::AddSecurityKey(security_key(n, ANNA))]).await;
    }
    assert_eq!(bed.store.security_keys_of(ANNA).await.map(|all| all.len()), Ok(limits::KEYS_PER_USER));
    bed.refuses(Write::AddSecurityKey(security_key(38, ANNA))).await;
    let key = security_key(30, ANNA).id;
    bed.refuses(Write::RemoveSecurityKey { key, user: BEN }).await;
    bed.accepts([Write::RemoveSecurityKey { key, user: ANNA }]).await;
    bed.refuses(Write::RemoveSecurityKey { key, user: ANNA }).await;
    bed.set_anna(UserState::Disabled).await;
    bed.refuses(Write::AddSecurityKey(security_key(30, ANNA))).await;
}

pub async fn keys_change_from_what_they_were<S: Store + 'static>(bed: &Bed<S>) {
    let first = security_key(1, ANNA);
    let change = |to: &SecurityKey| Write::ChangeSecurityKey { from: first.checksum, to: to.clone() };
    let whole = SecurityKey {
        name: "Other".into(),
        counter: 8,
        last_used_at: Some(at(50)),
        checksum: CHANGED,
        ..first.clone()
    };
    bed.accepts([Write::AddUser(user(1)), Write::AddUser(user(2))]).await;
    bed.refuses(change(&whole)).await;
    bed.accepts([Write::AddSecurityKey(first.clone())]).await;
    bed.refuses(change(&SecurityKey { user: BEN, ..whole.clone() })).await;
    bed.refuses(change(&SecurityKey { counter: 6, ..whole.clone() })).await;
    bed.refuses(Write::ChangeSecurityKey { from: [99; 32], to: whole.clone() }).await;
    let never = SecurityKey { public_key: vec![0], credential_id: vec![0], backup_eligible: true, ..whole.clone() };
    bed.accepts([change(&never)]).await;
    assert_eq!(bed.store.security_keys_of(ANNA).await, Ok(vec![whole.clone()]), "what it is never changes");
    bed.refuses(change(&whole)).await;
    bed.set_anna(UserState::Disabled).await;
    bed.refuses(Write::ChangeSecurityKey { from: CHANGED, to: SecurityKey { counter: 9, ..whole } }).await;
}

pub async fn keys_open_while_they_stand<S: Store + 'static>(bed: &Bed<S>) {
    bed.accepts([Write::AddUser(user(1)), Write::AddUser(user(2)), Write::AddSecurityKey(security_key(1, ANNA))]).await;
    bed.accepts([Write::AddSecurityKey(security_key(2, BEN))]).await;
    for n in 61..64 {
        bed.accepts([Write::AddSignIn(sign_in(n, ANNA))]).await;
    }
    let prove = |n: u8, key: u8| {
        let to = SignInState::Proved { passkey: PasskeyId([key; 16]), keep_browser: false };
        Write::ProveSignIn { sign_in: SignInId([n; 16]), to, checksum: CHANGED }
    };
    let finish = |n: u8| Write::FinishSignIn { sign_in: SignInId([n; 16]), proved: true };
    bed.accepts([prove(61, 1), prove(62, 2), prove(63, 1), finish(61)]).await;
    bed.refuses(finish(61)).await;
    // Another user's key; one that was removed.
    bed.refuses(finish(62)).await;
    bed.accepts([Write::RemoveSecurityKey { key: security_key(1, ANNA).id, user: ANNA }]).await;
    bed.refuses(finish(63)).await;
}

pub async fn enrolments_end_with_a_key<S: Store + 'static>(bed: &Bed<S>) {
    bed.accepts([Write::AddUser(user(1))]).await;
    let window = enrolment(71, ANNA);
    bed.accepts([Write::AddEnrolment(window.clone())]).await;
    let keyed = EnrolmentState::Keyed(PasskeyId([9; 16]));
    let go = |from, to| Write::MoveEnrolment { enrolment: window.id, user: ANNA, from, to, checksum: CHANGED };
    bed.accepts([go(window.state, EnrolmentState::Proved), go(EnrolmentState::Proved, keyed)]).await;
    assert_eq!(bed.store.enrolment(window.id).await.map(|row| row.map(|row| row.state)), Ok(Some(keyed)));
    for to in [EnrolmentState::Proved, EnrolmentState::Ended, EnrolmentState::Keyed(PasskeyId([8; 16]))] {
        bed.refuses(go(keyed, to)).await;
    }
    assert_eq!(bed.store.sealed_rows(nod_engine::ports::Table::Enrolments).await, Ok(vec![]), "it is over");
    bed.accepts([Write::EndEnrolmentsOf { user: ANNA }]).await;
    assert_eq!(bed.store.enrolment(window.id).await.map(|row| row.map(|row| row.state)), Ok(Some(keyed)));
}

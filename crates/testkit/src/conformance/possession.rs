//! Phones, passkeys, device sessions, nonces, browsers.
#![allow(missing_docs, clippy::missing_panics_doc, reason = "cases are named by what they check")]

use nod_core::challenge::ChallengeState;
use nod_core::people::UserState;
use nod_core::possession::{BoundBy, Browser, BrowserSecret, Device, DeviceState, Notifications, Passkey, Platform};
use nod_core::push::{Push, PushState};
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{BrowserId, DeviceId, Millis, PasskeyId, SignInId, SubscriptionId, UNSEALED, UserId, limits};
use nod_engine::ports::{Store, Write};

use super::Bed;
use super::rows::*;

const BEN: UserId = UserId([2; 16]);
const NOBODY: UserId = UserId([99; 16]);

pub async fn devices_are_added_and_listed<S: Store + 'static>(bed: &Bed<S>) {
    bed.refuses(Write::AddDevice(device(11, ANNA))).await;
    bed.accepts([Write::AddUser(user(1)), Write::AddUser(user(2))]).await;
    let subscription = Some(SubscriptionId([5; 16]));
    let newer = Device {
        platform: Platform::Terminal,
        notifications: Notifications::Granted,
        subscription,
        created_at: at(500),
        ..device(10, ANNA)
    };
    let android = Device { platform: Platform::Android, ..device(13, ANNA) };
    let desktop = Device { platform: Platform::Desktop, state: DeviceState::Revoked, ..device(12, ANNA) };
    for row in [&newer, &android, &desktop] {
        bed.accepts([Write::AddDevice(row.clone())]).await;
    }
    bed.accepts([Write::AddDevice(device(14, BEN))]).await;
    bed.refuses(Write::AddDevice(device(13, BEN))).await;
    assert_eq!(bed.store.device(newer.id).await, Ok(Some(newer.clone())));
    assert_eq!(bed.store.device(DeviceId([99; 16])).await, Ok(None));
    assert_eq!(bed.store.devices_of(ANNA).await, Ok(vec![desktop, android, newer]));
    bed.set_anna(UserState::Disabled).await;
    bed.refuses(Write::AddDevice(device(15, ANNA))).await;
}

pub async fn devices_are_changed_by_their_user_only<S: Store + 'static>(bed: &Bed<S>) {
    bed.accepts([Write::AddUser(user(1)), Write::AddDevice(device(11, ANNA)), Write::AddUser(user(2))]).await;
    let rename = |device: u8, user| Write::RenameDevice { device: DeviceId([device; 16]), user, name: "New".into() };
    let subscription = Some(SubscriptionId([5; 16]));
    let set = |device: u8, user, notifications, subscription| Write::SetNotifications {
        device: DeviceId([device; 16]),
        user,
        notifications,
        subscription,
    };
    bed.accepts([rename(11, ANNA), set(11, ANNA, Notifications::Granted, subscription)]).await;
    bed.accepts([Write::SeeDevice { device: PHONE, at: at(77) }]).await;
    bed.accepts([Write::SeeDevice { device: DeviceId([99; 16]), at: at(77) }]).await;
    for (device, user) in [(11, BEN), (99, ANNA)] {
        bed.refuses(rename(device, user)).await;
        bed.refuses(set(device, user, Notifications::Granted, None)).await;
    }
    let changed = Device {
        name: "New".into(),
        notifications: Notifications::Granted,
        subscription,
        last_seen_at: at(77),
        ..device(11, ANNA)
    };
    assert_eq!(bed.store.device(PHONE).await, Ok(Some(changed)));
    bed.accepts([Write::RevokeDevice { device: PHONE, user: ANNA }]).await;
    bed.refuses(rename(11, ANNA)).await;
    bed.refuses(set(11, ANNA, Notifications::Granted, None)).await;
}

pub async fn activation_needs_everything<S: Store + 'static>(bed: &Bed<S>) {
    let phone = device(11, ANNA);
    let activate = |user| Write::ActivateDevice { device: PHONE, user, held_until: None, checksum: CHANGED };
    let set = |notifications| Write::SetNotifications { device: PHONE, user: ANNA, notifications, subscription: None };
    bed.anna().await;
    bed.refuses(activate(ANNA)).await;
    bed.accepts([Write::AddDevice(phone.clone()), set(Notifications::Unavailable)]).await;
    bed.refuses(activate(ANNA)).await;
    bed.accepts([Write::AddPasskey(passkey(21, &phone)), set(Notifications::Unknown)]).await;
    bed.refuses(activate(ANNA)).await;
    bed.accepts([set(Notifications::Unavailable)]).await;
    bed.refuses(activate(BEN)).await;
    bed.accepts([activate(ANNA)]).await;
    bed.refuses(activate(ANNA)).await;
    let active =
        Device { state: DeviceState::Active, notifications: Notifications::Unavailable, checksum: CHANGED, ..phone };
    assert_eq!(bed.store.device(PHONE).await, Ok(Some(active)));
    bed.accepts([Write::RevokeDevice { device: PHONE, user: ANNA }]).await;
    bed.refuses(activate(ANNA)).await;
}

pub async fn holds_are_set_lifted_and_revoked<S: Store + 'static>(bed: &Bed<S>) {
    bed.anna().await;
    bed.accepts([Write::AddUser(user(2))]).await;
    let now = bed.store.now().await.unwrap_or(at(0));
    let until = now.after(Millis::hours(1));
    let hold = |n: u8, user, end| {
        let (phone, notifications) = (device(n, user), Notifications::Unavailable);
        let id = phone.id;
        [
            Write::AddDevice(phone.clone()),
            Write::AddPasskey(passkey(n, &phone)),
            Write::SetNotifications { device: id, user, notifications, subscription: None },
            Write::AddDeviceSession(device_session(n, id, until)),
            Write::ActivateDevice { device: id, user, held_until: end, checksum: CHANGED },
        ]
    };
    let id = |n: u8| DeviceId([n; 16]);
    let ended = Some(now);
    for (n, owner, end) in
        [(11, ANNA, None), (12, ANNA, Some(until)), (13, ANNA, Some(until)), (14, ANNA, ended), (15, BEN, Some(until))]
    {
        bed.accepts(hold(n, owner, end)).await;
        assert_eq!(bed.store.device(id(n)).await.map(|row| row.and_then(|row| row.held_until)), Ok(end));
    }
    let held = bed.store.device_session(hash(12)).await.map(|rows| rows.first().and_then(|row| row.0.held_until));
    assert_eq!(held, Ok(Some(until)), "with its session");
    let lift = |n, user| Write::LiftHold { device: id(n), user, checksum: [77; 32] };
    bed.refuses(lift(11, ANNA)).await;
    bed.refuses(lift(12, BEN)).await;
    bed.accepts([lift(12, ANNA)]).await;
    bed.refuses(lift(12, ANNA)).await;
    let lifted = bed.store.device(id(12)).await.map(|row| row.map(|row| (row.held_until, row.checksum)));
    assert_eq!(lifted, Ok(Some((None, [77; 32]))));
    bed.accepts([Write::RevokeHeld { user: ANNA }]).await;
    for (n, state) in [
        (11, DeviceState::Active),
        (12, DeviceState::Active),
        (13, DeviceState::Revoked),
        (14, DeviceState::Active),
        (15, DeviceState::Active),
    ] {
        assert_eq!(bed.store.device(id(n)).await.map(|row| row.map(|row| row.state)), Ok(Some(state)), "{n}");
    }
    assert_eq!(bed.store.passkeys_of(ANNA).await.map(|all| all.len()), Ok(3), "a passkey falls with its phone");
    assert_eq!(bed.store.device_session(hash(13)).await, Ok(Vec::new()));
    bed.refuses(lift(13, ANNA)).await;
}

pub async fn revoking_takes_what_fell_with_the_phone<S: Store + 'static>(bed: &Bed<S>) {
    bed.phone().await;
    bed.active_phone(12, ANNA).await;
    let other = DeviceId([12; 16]);
    let end = at(1_000_000);
    let claimed = Write::ClaimPush { push: push(4, [1; 16], PHONE).id, lease_until: end };
    bed.clock.set(at(12));
    bed.accepts([
        Write::AddDeviceSession(device_session(3, PHONE, end)),
        Write::AddDeviceSession(device_session(3, other, end)),
        Write::QueuePush(push(3, [1; 16], PHONE)),
        Write::QueuePush(push(4, [1; 16], PHONE)),
        Write::QueuePush(push(5, [1; 16], other)),
        claimed,
    ])
    .await;
    let revoke = |device, user| Write::RevokeDevice { device, user };
    bed.refuses(revoke(PHONE, BEN)).await;
    bed.refuses(revoke(DeviceId([99; 16]), ANNA)).await;
    bed.accepts([revoke(PHONE, ANNA)]).await;
    bed.refuses(revoke(PHONE, ANNA)).await;
    let state = bed.store.device(PHONE).await.map(|device| device.map(|device| device.state));
    assert_eq!(state, Ok(Some(DeviceState::Revoked)));
    let left = bed.store.passkeys_of(ANNA).await.unwrap_or_default();
    assert_eq!(left.iter().map(|passkey| passkey.device).collect::<Vec<_>>(), [other]);
    assert_eq!(bed.store.passkey_by_credential(&[11, 0, 1, 2]).await, Ok(None));
    assert_eq!(covered(bed, 3).await, [other]);
    let pushes = bed.store.pushes_of([1; 16]).await.unwrap_or_default();
    let states: Vec<PushState> = pushes.iter().map(|push: &Push| push.state).collect();
    assert_eq!(states, [PushState::Dropped, PushState::Claimed, PushState::Queued], "the worker settles what it holds");
    bed.refuses(Write::AddDeviceSession(device_session(4, PHONE, end))).await;
}

pub async fn passkeys_are_new<S: Store + 'static>(bed: &Bed<S>) {
    let (phone, second) = (device(11, ANNA), Device { created_at: at(400), ..device(12, ANNA) });
    bed.anna().await;
    bed.refuses(Write::AddPasskey(passkey(21, &phone))).await;
    bed.accepts([Write::AddDevice(phone.clone()), Write::AddDevice(second.clone()), Write::AddUser(user(2))]).await;
    bed.refuses(Write::AddPasskey(Passkey { user: BEN, ..passkey(21, &phone) })).await;
    bed.accepts([Write::AddPasskey(passkey(21, &phone))]).await;
    bed.refuses(Write::AddPasskey(passkey(22, &phone))).await;
    bed.refuses(Write::AddPasskey(Passkey { credential_id: vec![21, 0, 1, 2], ..passkey(22, &second) })).await;
    bed.refuses(Write::AddPasskey(Passkey { id: PasskeyId([21; 16]), ..passkey(22, &second) })).await;
    let later = Passkey { backup_eligible: false, created_at: at(300), ..passkey(20, &second) };
    bed.accepts([Write::AddPasskey(later.clone())]).await;
    assert_eq!(bed.store.passkeys_of(ANNA).await, Ok(vec![passkey(21, &phone), later.clone()]));
    assert_eq!(bed.store.passkeys_of(BEN).await, Ok(vec![]));
    assert_eq!(bed.store.passkey_by_credential(&later.credential_id).await, Ok(Some(later)));
    assert_eq!(bed.store.passkey_by_credential(&[21, 0, 1]).await, Ok(None));
    // A phone that is active already gets no passkey.
    bed.active_phone(13, ANNA).await;
    bed.refuses(Write::AddPasskey(passkey(23, &device(13, ANNA)))).await;
}

pub async fn device_sessions_end<S: Store + 'static>(bed: &Bed<S>) {
    bed.phone().await;
    let pending = device(12, ANNA);
    let end = at(5_000);
    let add = |device, expires_at| Write::AddDeviceSession(device_session(3, device, expires_at));
    bed.refuses(add(DeviceId([99; 16]), end)).await;
    bed.accepts([Write::AddDevice(pending.clone()), add(pending.id, end.after(Millis(1))), add(PHONE, end)]).await;
    assert_eq!(covered(bed, 3).await, [PHONE, pending.id]);
    assert_eq!(bed.store.device_session(hash(4)).await, Ok(vec![]));
    bed.just_before(end);
    assert_eq!(covered(bed, 3).await, [PHONE, pending.id]);
    bed.clock.set(end);
    assert_eq!(covered(bed, 3).await, [pending.id]);
    bed.accepts([add(PHONE, end.after(Millis(1)))]).await;
    assert_eq!(covered(bed, 3).await, [PHONE, pending.id], "covered again");
    let whole = bed.store.device(pending.id).await.unwrap_or_default();
    let row = device_session(3, pending.id, end.after(Millis(1)));
    assert_eq!(bed.store.device_session(hash(3)).await.unwrap_or_default().pop(), whole.zip(Some(row)));
}

/// The devices that a device session covers.
async fn covered<S: Store + 'static>(bed: &Bed<S>, secret: u8) -> Vec<DeviceId> {
    let devices = bed.store.device_session(hash(secret)).await.unwrap_or_default();
    devices.into_iter().map(|(device, _)| device.id).collect()
}

pub async fn nonces_are_used_once<S: Store + 'static>(bed: &Bed<S>) {
    let use_nonce = |n| Write::UseNonce { nonce: hash(n), expires_at: at(1_000) };
    bed.accepts([use_nonce(1)]).await;
    bed.refuses(use_nonce(1)).await;
    bed.just_before(at(1_000));
    bed.accepts([use_nonce(2)]).await;
    bed.clock.set(at(1_000));
    bed.refuses(use_nonce(3)).await;
    bed.refuses(Write::UseNonce { nonce: hash(1), expires_at: at(9_000) }).await;
}

pub async fn browsers_are_bound_and_found<S: Store + 'static>(bed: &Bed<S>) {
    let first = browser(41, ANNA);
    bed.refuses(Write::BindBrowser(first.clone(), secret(51, first.id))).await;
    bed.accepts([Write::AddUser(user(1)), Write::AddUser(user(2))]).await;
    bed.accepts([Write::BindBrowser(first.clone(), secret(51, first.id))]).await;
    bed.refuses(Write::BindBrowser(browser(42, ANNA), secret(51, BrowserId([42; 16])))).await;
    bed.refuses(Write::BindBrowser(first.clone(), secret(52, first.id))).await;
    let older = Browser { bound_by: BoundBy::Passkey, created_at: at(6), ..browser(43, ANNA) };
    bed.accepts([Write::BindBrowser(older.clone(), secret(53, older.id))]).await;
    bed.accepts([Write::BindBrowser(browser(44, BEN), secret(54, BrowserId([44; 16])))]).await;
    assert_eq!(bed.store.browser(older.id).await, Ok(Some(older.clone())));
    assert_eq!(bed.store.browser(BrowserId([99; 16])).await, Ok(None));
    assert_eq!(bed.store.browser_by_secret(hash(51)).await, Ok(Some((first.clone(), secret(51, first.id)))));
    assert_eq!(bed.store.browser_by_secret(hash(99)).await, Ok(None));
    assert_eq!(bed.store.browsers_of(ANNA).await, Ok(vec![older, first]));
    bed.set_anna(UserState::Disabled).await;
    bed.refuses(Write::BindBrowser(browser(45, ANNA), secret(55, BrowserId([45; 16])))).await;
    bed.refuses(Write::BindBrowser(browser(46, NOBODY), secret(56, BrowserId([46; 16])))).await;
}

pub async fn browser_secrets_rotate<S: Store + 'static>(bed: &Bed<S>) {
    let row = browser(41, ANNA);
    let other = browser(42, ANNA);
    bed.anna().await;
    bed.accepts([
        Write::BindBrowser(row.clone(), secret(51, row.id)),
        Write::BindBrowser(other.clone(), secret(50, other.id)),
    ])
    .await;
    let later = |n: i64| row.last_used_at.after(Millis(n * limits::BROWSER_ROTATION_GRACE.0));
    let next = |n: u8, when| BrowserSecret { issued_at: when, ..secret(n, row.id) };
    let rotate = |used: u8, next| Write::RotateBrowser { browser: row.id, used: hash(used), next, checksum: CHANGED };
    bed.refuses(rotate(50, next(52, later(1)))).await;
    bed.refuses(rotate(99, next(52, later(1)))).await;
    bed.refuses(rotate(51, next(50, later(1)))).await;
    bed.accepts([rotate(51, next(52, later(1)))]).await;
    let retired = async |n: u8| {
        let found = bed.store.browser_by_secret(hash(n)).await.unwrap_or_default();
        found.map(|(_, secret)| secret.retired)
    };
    assert_eq!((retired(51).await, retired(52).await), (Some(false), Some(false)), "the reply may have been lost");
    let seen = bed.store.browser(row.id).await.map(|row| row.map(|row| row.last_used_at));
    assert_eq!(seen, Ok(Some(later(1))));
    bed.refuses(rotate(51, next(55, later(2).before(Millis(1))))).await;
    // The reply was lost: the older one is shown again, and the one that never arrived retires.
    bed.accepts([rotate(51, next(53, later(2)))]).await;
    assert_eq!((retired(51).await, retired(52).await, retired(53).await), (Some(false), Some(true), Some(false)));
    bed.accepts([rotate(53, next(54, later(3)))]).await;
    assert_eq!((retired(51).await, retired(53).await, retired(54).await), (Some(true), Some(false), Some(false)));
    bed.refuses(rotate(51, next(55, later(4)))).await;
    assert_eq!(retired(50).await, Some(false), "another browser's secret is left alone");
}

pub async fn browsers_are_unbound<S: Store + 'static>(bed: &Bed<S>) {
    let row = browser(41, ANNA);
    bed.anna().await;
    bed.accepts([Write::BindBrowser(row.clone(), secret(51, row.id))]).await;
    let from_it = |n: u8| SignIn { browser: Some(row.id), ..sign_in(n, ANNA) };
    let (open, proved) = (from_it(61), from_it(62));
    let (sign_in, passkey, checksum) = (proved.id, PasskeyId([7; 16]), CHANGED);
    let prove = Write::ProveSignIn { sign_in, to: SignInState::Proved { passkey, keep_browser: false }, checksum };
    bed.accepts([
        Write::AddSignIn(open.clone()),
        Write::OpenChallenge(challenge(71, &open)),
        Write::AddSignIn(proved.clone()),
        prove,
    ])
    .await;
    let unbind = |browser, user| Write::UnbindBrowser { browser, user };
    bed.refuses(unbind(row.id, BEN)).await;
    bed.refuses(unbind(BrowserId([99; 16]), ANNA)).await;
    bed.accepts([unbind(row.id, ANNA)]).await;
    bed.refuses(unbind(row.id, ANNA)).await;
    let state = async |n: u8| bed.store.sign_in(SignInId([n; 16])).await.map(|row| row.map(|row| row.state));
    assert_eq!(state(61).await, Ok(Some(SignInState::Cancelled)), "what it had under way is over");
    assert!(matches!(state(62).await, Ok(Some(SignInState::Proved { .. }))), "a passkey needs no bound browser");
    let asked = bed.store.challenge(ASKED).await.map(|row| row.map(|row| row.state));
    assert_eq!(asked, Ok(Some(ChallengeState::Withdrawn)));
    bed.refuses(Write::FinishSignIn { sign_in: open.id, proved: false }).await;
    // What ended keeps no checksum (INV-21).
    let unbound = Browser { bound: false, checksum: UNSEALED, ..row.clone() };
    let retired = BrowserSecret { retired: true, checksum: UNSEALED, ..secret(51, row.id) };
    assert_eq!(bed.store.browser_by_secret(hash(51)).await, Ok(Some((unbound, retired))));
    assert_eq!(bed.store.browsers_of(ANNA).await, Ok(vec![]));
    let (used, next, checksum) = (hash(51), secret(52, row.id), CHANGED);
    bed.refuses(Write::RotateBrowser { browser: row.id, used, next, checksum }).await;
}

pub async fn browsers_end_by_the_clock<S: Store + 'static>(bed: &Bed<S>) {
    let row = browser(41, ANNA);
    bed.anna().await;
    bed.accepts([Write::BindBrowser(row.clone(), secret(51, row.id))]).await;
    let idle = row.last_used_at.after(limits::BROWSER_IDLE);
    let rotate = |used: u8, next: u8, issued_at| Write::RotateBrowser {
        browser: row.id,
        used: hash(used),
        next: BrowserSecret { issued_at, ..secret(next, row.id) },
        checksum: CHANGED,
    };
    bed.clock.set(idle);
    bed.refuses(rotate(51, 52, idle)).await;
    assert_eq!(bed.store.browsers_of(ANNA).await, Ok(vec![]));
    bed.just_before(idle);
    assert_eq!(bed.store.browsers_of(ANNA).await, Ok(vec![row.clone()]));
    let life = row.created_at.after(limits::BROWSER_LIFE);
    bed.accepts([rotate(51, 52, life.before(limits::BROWSER_ROTATION_GRACE))]).await;
    bed.clock.set(life);
    bed.refuses(rotate(52, 53, life)).await;
    assert_eq!(bed.store.browsers_of(ANNA).await, Ok(vec![]));
    bed.just_before(life);
    bed.accepts([rotate(52, 53, life)]).await;
    bed.clock.set(life);
    bed.accepts([Write::UnbindBrowser { browser: row.id, user: ANNA }]).await;
}

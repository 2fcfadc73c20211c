//! Sign-ins and challenges.
#![allow(missing_docs, clippy::missing_panics_doc, reason = "cases are named by what they check")]

use nod_core::people::UserState;
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{AppId, BrowserId, PasskeyId, SignInId, UserId};
use nod_engine::ports::{Store, Write};

use super::Bed;
use super::rows::*;

const BEN: UserId = UserId([2; 16]);

pub async fn sign_ins_are_added<S: Store + 'static>(bed: &Bed<S>) {
    bed.refuses(Write::AddSignIn(sign_in(61, ANNA))).await;
    bed.accepts([Write::AddUser(user(1)), Write::AddUser(user(2))]).await;
    let browser = browser(41, ANNA);
    let whole = SignIn {
        app: Some(AppId([3; 16])),
        binding: Some(hash(9)),
        browser: Some(browser.id),
        state: SignInState::Proved { passkey: PasskeyId([7; 16]), keep_browser: true },
        ..sign_in(62, ANNA)
    };
    bed.refuses(Write::AddSignIn(whole.clone())).await;
    bed.accepts([Write::BindBrowser(browser.clone(), secret(51, browser.id))]).await;
    bed.refuses(Write::AddSignIn(SignIn { user: BEN, ..whole.clone() })).await;
    bed.accepts([Write::AddSignIn(sign_in(61, ANNA)), Write::AddSignIn(whole.clone())]).await;
    bed.refuses(Write::AddSignIn(sign_in(61, ANNA))).await;
    assert_eq!(bed.store.sign_in(whole.id).await, Ok(Some(whole.clone())));
    assert_eq!(bed.store.sign_in(SIGN_IN).await, Ok(Some(sign_in(61, ANNA))));
    assert_eq!(bed.store.sign_in(SignInId([99; 16])).await, Ok(None));
    bed.accepts([Write::UnbindBrowser { browser: browser.id, user: ANNA }]).await;
    let from = |browser| SignIn { browser: Some(browser), ..sign_in(63, ANNA) };
    bed.refuses(Write::AddSignIn(from(browser.id))).await;
    bed.refuses(Write::AddSignIn(from(BrowserId([99; 16])))).await;
    bed.set_anna(UserState::Disabled).await;
    bed.refuses(Write::AddSignIn(sign_in(63, ANNA))).await;
}

pub async fn sign_ins_are_proved<S: Store + 'static>(bed: &Bed<S>) {
    let prove = |n: u8| Write::ProveSignIn {
        sign_in: SignInId([n; 16]),
        to: SignInState::Proved { passkey: PasskeyId([7; 16]), keep_browser: true },
        checksum: CHANGED,
    };
    let end = sign_in(62, ANNA).expires_at;
    bed.asked().await;
    bed.refuses(prove(99)).await;
    bed.refuses(prove(61)).await;
    bed.accepts([answering(1, approved())]).await;
    bed.refuses(prove(61)).await;
    bed.accepts([consuming(), prove(61)]).await;
    bed.refuses(prove(61)).await;
    let proved = SignInState::Proved { passkey: PasskeyId([7; 16]), keep_browser: true };
    let state = bed.store.sign_in(SIGN_IN).await.map(|row| row.map(|row| row.state));
    assert_eq!(state, Ok(Some(proved)));

    // A challenge that nobody answered in time does not stand in the way.
    bed.ask(62, 72, ANNA).await;
    bed.accepts([Write::AddSignIn(sign_in(63, ANNA))]).await;
    let question = challenge(72, &sign_in(62, ANNA)).expires_at;
    bed.just_before(question);
    bed.refuses(prove(62)).await;
    bed.clock.set(question);
    bed.accepts([prove(62)]).await;
    bed.clock.set(end);
    bed.refuses(prove(63)).await;
    bed.just_before(end);
    bed.accepts([prove(63)]).await;
}

pub async fn sign_ins_are_finished_once<S: Store + 'static>(bed: &Bed<S>) {
    let finish = |n: u8, proved| Write::FinishSignIn { sign_in: SignInId([n; 16]), proved };
    let prove = |n: u8| Write::ProveSignIn {
        sign_in: SignInId([n; 16]),
        to: SignInState::Proved { passkey: PasskeyId([11; 16]), keep_browser: false },
        checksum: CHANGED,
    };
    let end = sign_in(61, ANNA).expires_at;
    bed.phone().await;
    bed.refuses(finish(99, false)).await;
    for n in 61..=66 {
        bed.accepts([Write::AddSignIn(sign_in(n, ANNA))]).await;
    }
    bed.refuses(finish(61, true)).await;
    bed.accepts([finish(61, false)]).await;
    bed.refuses(finish(61, false)).await;
    bed.accepts([prove(62)]).await;
    bed.refuses(finish(62, false)).await;
    bed.accepts([finish(62, true)]).await;
    bed.refuses(finish(62, true)).await;
    let state = bed.store.sign_in(SignInId([62; 16])).await.map(|row| row.map(|row| row.state));
    assert_eq!(state, Ok(Some(SignInState::Finished)));
    bed.set_anna(UserState::Disabled).await;
    bed.refuses(finish(63, false)).await;
    bed.set_anna(UserState::Active).await;
    bed.accepts([prove(64)]).await;
    bed.clock.set(end);
    bed.refuses(finish(63, false)).await;
    bed.refuses(finish(64, true)).await;
    bed.just_before(end);
    bed.accepts([finish(63, false), finish(64, true)]).await;
    bed.accepts([Write::CancelSignIn { sign_in: SignInId([65; 16]) }]).await;
    bed.refuses(finish(65, false)).await;
    // The phone goes between the proof and the session.
    bed.accepts([prove(66), Write::RevokeDevice { device: PHONE, user: ANNA }]).await;
    bed.refuses(finish(66, true)).await;
}

pub async fn sign_ins_are_cancelled<S: Store + 'static>(bed: &Bed<S>) {
    let cancel = |n: u8| Write::CancelSignIn { sign_in: SignInId([n; 16]) };
    let proved = SignInState::Proved { passkey: PasskeyId([7; 16]), keep_browser: false };
    bed.anna().await;
    bed.refuses(cancel(61)).await;
    bed.accepts([Write::AddSignIn(sign_in(61, ANNA)), cancel(61)]).await;
    bed.refuses(cancel(61)).await;
    bed.accepts([Write::AddSignIn(SignIn { state: proved, ..sign_in(62, ANNA) }), cancel(62)]).await;
    bed.accepts([Write::AddSignIn(SignIn { state: SignInState::Finished, ..sign_in(63, ANNA) })]).await;
    bed.refuses(cancel(63)).await;
    let state = bed.store.sign_in(SIGN_IN).await.map(|row| row.map(|row| row.state));
    assert_eq!(state, Ok(Some(SignInState::Cancelled)));
}

//! Tokens that make one-time codes.
#![allow(missing_docs, clippy::missing_panics_doc, reason = "cases are named by what they check")]

use nod_core::oath::{Moving, OathState, OathToken};
use nod_core::people::UserState;
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{OathId, SignInId, UserId, limits};
use nod_engine::ports::{Store, Write};

use super::Bed;
use super::rows::*;

const BEN: UserId = UserId([2; 16]);

pub async fn tokens_are_added_and_listed<S: Store + 'static>(bed: &Bed<S>) {
    bed.refuses(Write::AddOathToken(oath_token(1, ANNA))).await;
    bed.accepts([Write::AddUser(user(1)), Write::AddUser(user(2))]).await;
    let pressed = OathToken {
        moving: Moving::Press,
        state: OathState::Pending,
        next: 1 << 40,
        created_at: at(12),
        last_used_at: Some(at(14)),
        ..oath_token(2, ANNA)
    };
    bed.accepts([Write::AddOathToken(oath_token(1, ANNA)), Write::AddOathToken(pressed.clone())]).await;
    bed.refuses(Write::AddOathToken(oath_token(1, BEN))).await;
    bed.accepts([Write::AddOathToken(oath_token(3, BEN))]).await;
    assert_eq!(bed.store.oath_token(pressed.id).await, Ok(Some(pressed.clone())));
    assert_eq!(bed.store.oath_token(OathId([99; 16])).await, Ok(None));
    assert_eq!(bed.store.oath_tokens_of(ANNA).await, Ok(vec![pressed, oath_token(1, ANNA)]));
    for n in 10..13 {
        bed.accepts([Write::AddOathToken(oath_token(n, ANNA))]).await;
    }
    assert_eq!(bed.store.oath_tokens_of(ANNA).await.map(|all| all.len()), Ok(limits::OATH_TOKENS_PER_USER));
    bed.refuses(Write::AddOathToken(oath_token(13, ANNA))).await;
    bed.refuses(Write::RemoveOathToken { token: oath_token(10, ANNA).id, user: BEN }).await;
    bed.accepts([Write::RemoveOathToken { token: oath_token(10, ANNA).id, user: ANNA }]).await;
    bed.refuses(Write::RemoveOathToken { token: oath_token(10, ANNA).id, user: ANNA }).await;
    bed.set_anna(UserState::Disabled).await;
    bed.refuses(Write::AddOathToken(oath_token(10, ANNA))).await;
}

fn change(to: OathToken) -> Write {
    Write::ChangeOathToken { from: oath_token(1, ANNA).checksum, to }
}

pub async fn tokens_change_from_what_they_were<S: Store + 'static>(bed: &Bed<S>) {
    let whole = OathToken {
        name: "Other".into(),
        secret: vec![9],
        state: OathState::Pending,
        next: 8,
        last_used_at: Some(at(50)),
        checksum: CHANGED,
        ..oath_token(1, ANNA)
    };
    bed.accepts([Write::AddUser(user(1)), Write::AddUser(user(2))]).await;
    bed.refuses(change(whole.clone())).await;
    bed.accepts([Write::AddOathToken(oath_token(1, ANNA))]).await;
    bed.refuses(change(OathToken { user: BEN, ..whole.clone() })).await;
    bed.refuses(change(OathToken { next: 6, ..whole.clone() })).await;
    bed.refuses(Write::ChangeOathToken { from: [99; 32], to: whole.clone() }).await;
    let never = OathToken { moving: Moving::Press, digits: 6, created_at: at(99), ..whole.clone() };
    bed.accepts([change(never)]).await;
    assert_eq!(bed.store.oath_token(whole.id).await, Ok(Some(whole.clone())), "what it is never changes");
    bed.refuses(change(whole.clone())).await;
    let renamed = OathToken { name: "Third".into(), ..whole.clone() };
    bed.accepts([Write::ChangeOathToken { from: CHANGED, to: renamed.clone() }]).await;
    assert_eq!(bed.store.oath_token(whole.id).await, Ok(Some(renamed)), "a name is not sealed");
    bed.set_anna(UserState::Disabled).await;
    bed.refuses(Write::ChangeOathToken { from: CHANGED, to: OathToken { next: 9, ..whole } }).await;
}

/// A key that is replaced takes nothing from somebody who is disabled for a while.
pub async fn secrets_are_sealed_anew_whoever_is_disabled<S: Store + 'static>(bed: &Bed<S>) {
    bed.accepts([Write::AddUser(user(1)), Write::AddOathToken(oath_token(1, ANNA))]).await;
    bed.set_anna(UserState::Disabled).await;
    let anew = OathToken { secret: vec![7; 9], checksum: CHANGED, ..oath_token(1, ANNA) };
    let more = OathToken { name: "Other".into(), state: OathState::Pending, next: 99, ..anew.clone() };
    bed.refuses(Write::ResealOathToken { from: [99; 32], to: more.clone() }).await;
    bed.accepts([Write::ResealOathToken { from: oath_token(1, ANNA).checksum, to: more }]).await;
    assert_eq!(bed.store.oath_token(anew.id).await, Ok(Some(anew)), "nothing else changes");
}

/// C03.
pub async fn a_code_is_used_by_one_of_many<S: Store + 'static>(bed: &Bed<S>) {
    bed.accepts([Write::AddUser(user(1)), Write::AddOathToken(oath_token(1, ANNA))]).await;
    let used = OathToken { next: 8, checksum: CHANGED, ..oath_token(1, ANNA) };
    assert_eq!(bed.winners(|_| vec![change(used.clone())]).await, 1);
}

pub async fn codes_open_while_token_and_browser_stand<S: Store + 'static>(bed: &Bed<S>) {
    let token = oath_token(1, ANNA);
    let browser = browser(41, ANNA);
    bed.accepts([Write::AddUser(user(1)), Write::AddUser(user(2)), Write::AddOathToken(token.clone())]).await;
    bed.accepts([Write::BindBrowser(browser.clone(), secret(51, browser.id)), Write::AddOathToken(oath_token(2, BEN))])
        .await;
    let from = |n| Write::AddSignIn(SignIn { browser: Some(browser.id), ..sign_in(n, ANNA) });
    let prove = |n: u8, token: u8| {
        let to = SignInState::Coded(OathId([token; 16]));
        Write::ProveSignIn { sign_in: SignInId([n; 16]), to, checksum: CHANGED }
    };
    let finish = |n: u8| Write::FinishSignIn { sign_in: SignInId([n; 16]), proved: true };
    bed.accepts([from(61), from(62), from(63), from(64), Write::AddSignIn(sign_in(65, ANNA))]).await;
    for to in [SignInState::Open, SignInState::Finished, SignInState::Cancelled] {
        bed.refuses(Write::ProveSignIn { sign_in: SignInId([61; 16]), to, checksum: CHANGED }).await;
    }
    bed.accepts([prove(61, 1)]).await;
    bed.refuses(prove(61, 1)).await;
    let state = bed.store.sign_in(SignInId([61; 16])).await.map(|row| row.map(|row| row.state));
    assert_eq!(state, Ok(Some(SignInState::Coded(token.id))));
    bed.accepts([finish(61)]).await;
    bed.refuses(finish(61)).await;
    // Another user's token, an unknown browser, a removed token, an unbound browser.
    bed.accepts([prove(62, 2), prove(65, 1), prove(63, 1)]).await;
    bed.refuses(finish(62)).await;
    bed.refuses(finish(65)).await;
    bed.accepts([Write::RemoveOathToken { token: token.id, user: ANNA }]).await;
    bed.refuses(finish(63)).await;
    bed.accepts([Write::AddOathToken(token), prove(64, 1), Write::UnbindBrowser { browser: browser.id, user: ANNA }])
        .await;
    bed.refuses(finish(64)).await;
}

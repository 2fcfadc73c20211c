//! Recovery codes: made and taken back on the user's own page, used behind the password.

use axum::Json;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use nod_core::limits;
use nod_protocol::pages::{CodeRequest, LocationAnswer};
use nod_protocol::portal::RecoveryCodesAnswer;

use super::callers::{OwnSignIn, SignedIn};
use super::portal::or_sign_in_again;
use crate::body::{JsonBody, NoBody};
use crate::cookies;
use crate::fault::Reply;
use crate::state::AppState;

/// POST `/portal/recovery`: makes a set, which only this answer holds.
pub(super) async fn make(State(state): State<AppState>, who: SignedIn, _: NoBody) -> Reply<Response> {
    let made = state.engine().make_recovery_codes(&who.session, &who.user).await;
    or_sign_in_again(made, |(codes, made_at)| {
        let codes = codes.iter().map(|code| code.to_string()).collect();
        Json(RecoveryCodesAnswer { codes, made_at: made_at.0 }).into_response()
    })
}

/// POST `/portal/recovery/cancel`: "this wasn't me".
pub(super) async fn cancel(
    State(state): State<AppState>,
    who: SignedIn,
    headers: HeaderMap,
    _: NoBody,
) -> Reply<Response> {
    let cookie = cookies::BROWSER.read(&headers);
    let done = state.engine().cancel_own_recovery(&who.session, &who.user, cookie.as_deref()).await;
    or_sign_in_again(done, |()| StatusCode::NO_CONTENT.into_response())
}

/// POST `/sign-in/recover`: the sign-in ends, and this browser may add one phone (INV-19).
pub(super) async fn use_code(
    State(state): State<AppState>,
    own: OwnSignIn,
    JsonBody(body): JsonBody<CodeRequest>,
) -> Reply<Response> {
    let secret = state.engine().recover(&own.sign_in, &body.code).await?;
    let set = AppendHeaders([
        (SET_COOKIE, cookies::ENROL.set(&secret, limits::ENROLMENT_SESSION_LIFE)),
        (SET_COOKIE, cookies::SIGN_IN.clear()),
    ]);
    Ok((set, Json(LocationAnswer { location: "/enrol".to_owned() })).into_response())
}

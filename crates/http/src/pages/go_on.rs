//! The rest of a sign-in: one page, and the endpoints that its script uses. All act on the sign-in of this browser's cookie.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use nod_core::limits;
use nod_protocol::device_api::ErrorCode;
use nod_protocol::pages::{CodeRequest, LocationAnswer, SignInPasskeyRequest, SignInStatus};
use nod_protocol::webauthn::RequestOptions;

use super::callers::OwnSignIn;
use super::views::ContinueView;
use crate::body::{JsonBody, NoBody};
use crate::cookies;
use crate::fault::Reply;
use crate::sse::{self, OpenStream};
use crate::state::AppState;

/// GET `/sign-in/continue`.
pub(super) async fn page(State(state): State<AppState>, own: Reply<OwnSignIn>, headers: HeaderMap) -> Response {
    let site = state.site();
    match own {
        Ok(_) => {
            let view = ContinueView { assets: &site.assets, server: &site.server, words: site.words(&headers) };
            site.page(StatusCode::OK, &view, &site.policies.go_on)
        }
        Err(refusal) if refusal.code == ErrorCode::NotSignedIn => Redirect::to("/sign-in").into_response(),
        Err(refusal) => site.refusal(&refusal, &headers),
    }
}

/// GET `/sign-in/status`.
pub(super) async fn status(State(state): State<AppState>, own: OwnSignIn) -> Reply<Json<SignInStatus>> {
    Ok(Json(own.status(state.engine()).await?))
}

/// GET `/sign-in/events`.
pub(super) async fn events(State(state): State<AppState>, own: OwnSignIn, open: OpenStream) -> Response {
    let engine = state.engine().clone();
    let waiter = engine.watch_sign_in(&own.sign_in);
    let own = Arc::new(own);
    sse::events(open, "state", vec![waiter], move || {
        let (engine, own) = (engine.clone(), Arc::clone(&own));
        async move { own.status(&engine).await }
    })
}

/// POST `/sign-in/resend`.
pub(super) async fn resend(State(state): State<AppState>, own: OwnSignIn, _: NoBody) -> Reply<Json<SignInStatus>> {
    state.engine().resend(&own.sign_in).await?;
    Ok(Json(own.status(state.engine()).await?))
}

/// POST `/sign-in/cancel`.
pub(super) async fn cancel(State(state): State<AppState>, own: OwnSignIn, _: NoBody) -> Reply<Json<SignInStatus>> {
    state.engine().cancel(&own.sign_in).await?;
    Ok(Json(own.status(state.engine()).await?))
}

/// POST `/sign-in/again`.
pub(super) async fn again(State(state): State<AppState>, own: OwnSignIn, _: NoBody) -> Reply<Json<SignInStatus>> {
    state.engine().again(&own.sign_in).await?;
    Ok(Json(own.status(state.engine()).await?))
}

/// POST `/sign-in/passkey/options`.
pub(super) async fn passkey_options(
    State(state): State<AppState>,
    own: OwnSignIn,
    _: NoBody,
) -> Reply<Json<RequestOptions>> {
    Ok(Json(state.engine().passkey_options(&own.sign_in).await?))
}

/// POST `/sign-in/passkey`.
pub(super) async fn passkey(
    State(state): State<AppState>,
    own: OwnSignIn,
    JsonBody(body): JsonBody<SignInPasskeyRequest>,
) -> Reply<Json<SignInStatus>> {
    state.engine().prove_passkey(&own.sign_in, &body.assertion, body.keep_browser).await?;
    Ok(Json(own.status(state.engine()).await?))
}

/// POST `/sign-in/code`.
pub(super) async fn code(
    State(state): State<AppState>,
    own: OwnSignIn,
    JsonBody(body): JsonBody<CodeRequest>,
) -> Reply<Json<SignInStatus>> {
    state.engine().prove_code(&own.sign_in, &body.code).await?;
    Ok(Json(own.status(state.engine()).await?))
}

/// POST `/sign-in/finish`: collects the result, once, and issues the session.
pub(super) async fn finish(
    State(state): State<AppState>,
    headers: HeaderMap,
    own: OwnSignIn,
    _: NoBody,
) -> Reply<Response> {
    let done = state.engine().finish(&own.sign_in, cookies::BROWSER.read(&headers).as_deref()).await?;
    let mut set = vec![
        (SET_COOKIE, cookies::SESSION.set(&done.session, limits::SESSION_LIFE)),
        (SET_COOKIE, cookies::SIGN_IN.clear()),
    ];
    set.extend(done.browser_cookie.map(|secret| (SET_COOKIE, cookies::BROWSER.set(&secret, limits::BROWSER_LIFE))));
    Ok((AppendHeaders(set), Json(LocationAnswer { location: done.location })).into_response())
}

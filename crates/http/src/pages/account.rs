//! The user's own page, and what can be pressed on it. What takes access away needs a live session; what adds a phone needs a
//! fresh one (INV-15).

use axum::Json;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use nod_core::{BrowserId, DeviceId, SessionId, limits};
use nod_engine::{Fault, Outcome};
use nod_protocol::device_api::ErrorCode;
use nod_protocol::pages::LocationAnswer;
use serde::Deserialize;
use serde_json::json;

use super::account_view;
use super::callers::SignedIn;
use crate::body::{InPath, JsonBody, NoBody};
use crate::cookies;
use crate::fault::{Refusal, Reply};
use crate::state::AppState;

/// Where somebody goes who must sign in again.
const SIGN_IN_AGAIN: &str = "/sign-in?fresh=1";

/// Body of POST `/account/devices/{id}/rename`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewName {
    name: String,
}

/// GET `/`: the account page is home.
pub(super) async fn home() -> Redirect {
    Redirect::to("/account")
}

/// GET `/account`.
pub(super) async fn page(State(state): State<AppState>, who: Reply<SignedIn>, headers: HeaderMap) -> Response {
    let answer = match who {
        Err(refusal) if refusal.code == ErrorCode::NotSignedIn => return Redirect::to("/sign-in").into_response(),
        Err(refusal) => Err(refusal),
        Ok(who) => account_view::draw(&state, &who.session, &who.user, &headers).await.map_err(Refusal::from),
    };
    answer.unwrap_or_else(|refusal| state.site().refusal(&refusal))
}

/// POST `/account/enrol`: opens an enrolment in this browser.
pub(super) async fn enrol(State(state): State<AppState>, who: SignedIn, _: NoBody) -> Reply<Response> {
    let opened = state.engine().open_own_enrolment(&who.session).await;
    or_sign_in_again(opened, |secret| {
        let set = AppendHeaders([(SET_COOKIE, cookies::ENROL.set(&secret, limits::ENROLMENT_SESSION_LIFE))]);
        (set, Json(LocationAnswer { location: "/enrol".to_owned() })).into_response()
    })
}

/// The answer, or where to sign in again first.
fn or_sign_in_again<T>(outcome: Outcome<T>, answer: impl FnOnce(T) -> Response) -> Reply<Response> {
    match outcome {
        Ok(done) => Ok(answer(done)),
        Err(Fault::Forbidden(message)) => {
            let body = json!({"error": ErrorCode::Forbidden, "message": message, "location": SIGN_IN_AGAIN});
            Ok((StatusCode::FORBIDDEN, Json(body)).into_response())
        }
        Err(fault) => Err(fault.into()),
    }
}

/// POST `/account/devices/{id}/revoke`.
pub(super) async fn revoke_device(
    State(state): State<AppState>,
    who: SignedIn,
    InPath(id): InPath<DeviceId>,
    _: NoBody,
) -> Reply<Response> {
    let engine = state.engine();
    let done = match engine.check_fresh(&who.session).await {
        Ok(()) => engine.revoke_device(who.user.id, id).await,
        Err(fault) => Err(fault),
    };
    or_sign_in_again(done, |()| StatusCode::NO_CONTENT.into_response())
}

/// POST `/account/devices/{id}/rename`.
pub(super) async fn rename_device(
    State(state): State<AppState>,
    who: SignedIn,
    InPath(id): InPath<DeviceId>,
    JsonBody(body): JsonBody<NewName>,
) -> Reply<StatusCode> {
    state.engine().rename_device(who.user.id, id, &body.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// POST `/account/browsers/{id}/unbind`.
pub(super) async fn unbind_browser(
    State(state): State<AppState>,
    who: SignedIn,
    InPath(id): InPath<BrowserId>,
    _: NoBody,
) -> Reply<Response> {
    let engine = state.engine();
    let done = match engine.check_fresh(&who.session).await {
        Ok(()) => engine.unbind_browser(who.user.id, id).await,
        Err(fault) => Err(fault),
    };
    or_sign_in_again(done, |()| StatusCode::NO_CONTENT.into_response())
}

/// POST `/account/sessions/{id}/end`.
pub(super) async fn end_session(
    State(state): State<AppState>,
    who: SignedIn,
    InPath(id): InPath<SessionId>,
    _: NoBody,
) -> Reply<StatusCode> {
    state.engine().end_session(who.user.id, id, "ended on the account page").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// POST `/account/sign-out`. The cookies of apps die with the session.
pub(super) async fn sign_out(State(state): State<AppState>, who: SignedIn, _: NoBody) -> Reply<Response> {
    state.engine().end_session(who.user.id, who.session.id, "signed out").await?;
    let clear = AppendHeaders([(SET_COOKIE, cookies::SESSION.clear())]);
    Ok((clear, Json(LocationAnswer { location: "/sign-in".to_owned() })).into_response())
}

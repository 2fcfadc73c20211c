//! The user's own page, and what can be pressed on it. What takes access away needs a live session; what changes the set of
//! factors needs a fresh one (INV-15).

use axum::Json;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use http::StatusCode;
use http::header::{HeaderMap, SET_COOKIE};
use nod_core::{BrowserId, DeviceId, SessionId, limits};
use nod_engine::{Fault, Outcome};
use nod_protocol::Id;
use nod_protocol::device_api::{ErrorCode, SelfTestAnswer, SelfTestState};
use nod_protocol::pages::LocationAnswer;
use nod_protocol::portal::{HistoryPage, PortalState, RenameRequest, RevokeRequest};
use serde::Deserialize;
use serde_json::json;

use super::callers::SignedIn;
use super::views::PortalView;
use crate::body::{InPath, InQuery, JsonBody, NoBody};
use crate::cookies;
use crate::fault::Reply;
use crate::state::AppState;

/// Where somebody goes who must sign in again.
const SIGN_IN_AGAIN: &str = "/sign-in?fresh=1";

/// GET `/`: the portal is home.
pub(super) async fn home() -> Redirect {
    Redirect::to("/portal")
}

/// GET `/portal`.
pub(super) async fn page(State(state): State<AppState>, who: Reply<SignedIn>, headers: HeaderMap) -> Response {
    let site = state.site();
    match who {
        Err(refusal) if refusal.code == ErrorCode::NotSignedIn => Redirect::to("/sign-in").into_response(),
        Err(refusal) => site.refusal(&refusal, &headers),
        Ok(_) => {
            let view = PortalView { assets: &site.assets, server: &site.server, words: site.words(&headers) };
            site.page(StatusCode::OK, &view, &site.policies.portal)
        }
    }
}

/// GET `/portal/state`.
pub(super) async fn look(State(state): State<AppState>, who: SignedIn, headers: HeaderMap) -> Reply<Json<PortalState>> {
    let cookie = cookies::BROWSER.read(&headers);
    Ok(Json(state.engine().portal(&who.session, &who.user, cookie.as_deref()).await?))
}

/// Query of GET `/portal/history`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Before {
    before: Option<i64>,
}

/// GET `/portal/history`.
pub(super) async fn history(
    State(state): State<AppState>,
    who: SignedIn,
    InQuery(page): InQuery<Before>,
) -> Reply<Json<HistoryPage>> {
    Ok(Json(state.engine().own_history(&who.session, page.before).await?))
}

/// POST `/portal/history/{place}/not-me`.
pub(super) async fn not_me(
    State(state): State<AppState>,
    who: SignedIn,
    InPath(place): InPath<i64>,
    headers: HeaderMap,
    _: NoBody,
) -> Reply<Response> {
    let cookie = cookies::BROWSER.read(&headers);
    let reported = state.engine().report_sign_in(&who.session, &who.user, place, cookie.as_deref()).await;
    or_sign_in_again(reported, |reported| Json(reported).into_response())
}

/// POST `/portal/allow-unknown`.
pub(super) async fn allow_unknown(
    State(state): State<AppState>,
    who: SignedIn,
    headers: HeaderMap,
    _: NoBody,
) -> Reply<Response> {
    let cookie = cookies::BROWSER.read(&headers);
    or_sign_in_again(state.engine().allow_unknown_from(&who.session, &who.user, cookie.as_deref()).await, no_content)
}

/// POST `/portal/enrol`: opens an enrolment in this browser.
pub(super) async fn enrol(State(state): State<AppState>, who: SignedIn, _: NoBody) -> Reply<Response> {
    let opened_now = state.engine().open_own_enrolment(&who.session).await;
    or_sign_in_again(opened_now, |secret| opened(&secret, "/enrol"))
}

/// The cookie of an enrolment just opened, and the page that it goes on at.
pub(super) fn opened(secret: &str, location: &str) -> Response {
    let set = AppendHeaders([(SET_COOKIE, cookies::ENROL.set(secret, limits::ENROLMENT_SESSION_LIFE))]);
    (set, Json(LocationAnswer { location: location.to_owned() })).into_response()
}

/// The answer, or where to sign in again first.
pub(super) fn or_sign_in_again<T>(outcome: Outcome<T>, answer: impl FnOnce(T) -> Response) -> Reply<Response> {
    match outcome {
        Ok(done) => Ok(answer(done)),
        Err(Fault::Forbidden(message)) => {
            let body = json!({"error": ErrorCode::Forbidden, "message": message, "location": SIGN_IN_AGAIN});
            Ok((StatusCode::FORBIDDEN, Json(body)).into_response())
        }
        Err(fault) => Err(fault.into()),
    }
}

pub(super) fn no_content<T>(_: T) -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// POST `/portal/phones/{id}/revoke`.
pub(super) async fn revoke_phone(
    State(state): State<AppState>,
    who: SignedIn,
    InPath(id): InPath<DeviceId>,
    JsonBody(body): JsonBody<RevokeRequest>,
) -> Reply<Response> {
    or_sign_in_again(state.engine().revoke_own_device(&who.session, id, body.even_last).await, no_content)
}

/// POST `/portal/phones/{id}/rename`.
pub(super) async fn rename_phone(
    State(state): State<AppState>,
    who: SignedIn,
    InPath(id): InPath<DeviceId>,
    JsonBody(body): JsonBody<RenameRequest>,
) -> Reply<StatusCode> {
    state.engine().rename_device(who.user.id, id, &body.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// POST `/portal/phones/{id}/test`: rings the phone.
pub(super) async fn test_phone(
    State(state): State<AppState>,
    who: SignedIn,
    InPath(id): InPath<DeviceId>,
    _: NoBody,
) -> Reply<(StatusCode, Json<SelfTestAnswer>)> {
    let test = state.engine().test_own_device(&who.session, id).await?;
    Ok((StatusCode::ACCEPTED, Json(SelfTestAnswer { test })))
}

/// GET `/portal/tests/{id}`: how far it got.
pub(super) async fn test_state(
    State(state): State<AppState>,
    who: SignedIn,
    InPath(test): InPath<Id>,
) -> Reply<Json<SelfTestState>> {
    Ok(Json(state.engine().own_test(&who.session, test).await?))
}

/// POST `/portal/browsers/{id}/forget`.
pub(super) async fn forget_browser(
    State(state): State<AppState>,
    who: SignedIn,
    InPath(id): InPath<BrowserId>,
    headers: HeaderMap,
    _: NoBody,
) -> Reply<Response> {
    let cookie = cookies::BROWSER.read(&headers);
    or_sign_in_again(state.engine().forget_own_browser(&who.session, id, cookie.as_deref()).await, no_content)
}

/// POST `/portal/sessions/{id}/end`.
pub(super) async fn end_session(
    State(state): State<AppState>,
    who: SignedIn,
    InPath(id): InPath<SessionId>,
    _: NoBody,
) -> Reply<StatusCode> {
    state.engine().end_session(who.user.id, id, "signed out from the portal").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// POST `/portal/sign-out`. The cookies of apps die with the session.
pub(super) async fn sign_out(State(state): State<AppState>, who: SignedIn, _: NoBody) -> Reply<Response> {
    state.engine().end_session(who.user.id, who.session.id, "signed out").await?;
    let clear = AppendHeaders([(SET_COOKIE, cookies::SESSION.clear())]);
    Ok((clear, Json(LocationAnswer { location: "/sign-in".to_owned() })).into_response())
}

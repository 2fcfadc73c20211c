//! Enrolment in the asking browser. All endpoints but the first act on the enrolment of this browser's cookie (INV-16).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use nod_core::limits;
use nod_engine::Asking;
use nod_protocol::pages::{ConfirmRequest, EnrolStatus, OpenRequest, PasswordRequest};
use nod_protocol::webauthn::{AssertionJson, RequestOptions};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::callers::OwnEnrolment;
use super::views::EnrolView;
use super::{agent, qr};
use crate::body::{JsonBody, NoBody};
use crate::client::Client;
use crate::cookies;
use crate::fault::Reply;
use crate::sse::{self, OpenStream};
use crate::state::AppState;

/// Body of POST `/enrol/passkey`: null means "not my computer". The member may be null but must be there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IntroduceHere {
    #[serde(deserialize_with = "Option::deserialize")]
    assertion: Option<AssertionJson>,
}

/// GET `/enrol`. The link's secret stands behind `#` and reaches the server with POST `/enrol/open` only (INV-24).
pub(super) async fn page(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let site = state.site();
    let view = EnrolView { assets: &site.assets, server: &site.server, words: site.words(&headers) };
    site.page(StatusCode::OK, &view, &site.policies.enrol)
}

/// POST `/enrol/open`.
pub(super) async fn open(State(state): State<AppState>, JsonBody(body): JsonBody<OpenRequest>) -> Reply<Response> {
    let secret = state.engine().open_link(&body.token).await?;
    let set = AppendHeaders([(SET_COOKIE, cookies::ENROL.set(&secret, limits::ENROLMENT_SESSION_LIFE))]);
    let own = OwnEnrolment::find(state.engine(), secret).await?;
    Ok((set, Json(own.status(state.engine()).await?)).into_response())
}

/// GET `/enrol/status`.
pub(super) async fn status(State(state): State<AppState>, own: OwnEnrolment) -> Reply<Json<EnrolStatus>> {
    Ok(Json(own.status(state.engine()).await?))
}

/// GET `/enrol/events`.
pub(super) async fn events(State(state): State<AppState>, own: OwnEnrolment, open: OpenStream) -> Response {
    let engine = state.engine().clone();
    let waiter = engine.watch_user(own.user.id);
    let own = Arc::new(own);
    sse::events(open, "state", vec![waiter], move || {
        let (engine, own) = (engine.clone(), Arc::clone(&own));
        async move { own.status(&engine).await }
    })
}

/// POST `/enrol/password`.
pub(super) async fn password(
    State(state): State<AppState>,
    Client(address): Client,
    own: OwnEnrolment,
    JsonBody(body): JsonBody<PasswordRequest>,
) -> Reply<Json<EnrolStatus>> {
    let password = Zeroizing::new(body.password);
    state.engine().enrolment_password(&own.enrolment, &own.user, password, &address.to_string()).await?;
    Ok(Json(own.status(state.engine()).await?))
}

/// POST `/enrol/code`. Only this answer holds the code: the server keeps its hash.
pub(super) async fn code(State(state): State<AppState>, own: OwnEnrolment, _: NoBody) -> Reply<Json<EnrolStatus>> {
    let (code, _) = state.engine().enrolment_code(&own.enrolment).await?;
    let link = format!("{}/authenticator#enrol={code}", state.public().origin());
    let mut status = own.status(state.engine()).await?;
    status.qr = qr::svg(&link);
    status.link = Some(link);
    status.code = Some(code);
    Ok(Json(status))
}

/// POST `/enrol/confirm`.
pub(super) async fn confirm(
    State(state): State<AppState>,
    own: OwnEnrolment,
    JsonBody(body): JsonBody<ConfirmRequest>,
) -> Reply<Json<EnrolStatus>> {
    state.engine().confirm(&own.enrolment, &own.user, &body.confirmation).await?;
    Ok(Json(own.status(state.engine()).await?))
}

/// POST `/enrol/refuse`: the phone shows other digits (E01).
pub(super) async fn refuse(State(state): State<AppState>, own: OwnEnrolment, _: NoBody) -> Reply<Json<EnrolStatus>> {
    state.engine().refuse_device(&own.enrolment, &own.user).await?;
    Ok(Json(own.status(state.engine()).await?))
}

/// POST `/enrol/passkey/options`.
pub(super) async fn passkey_options(
    State(state): State<AppState>,
    own: OwnEnrolment,
    _: NoBody,
) -> Reply<Json<RequestOptions>> {
    Ok(Json(state.engine().enrolment_passkey_options(&own.enrolment).await?))
}

/// POST `/enrol/passkey`: binds this browser only with the new passkey used in it (E18).
pub(super) async fn passkey(
    State(state): State<AppState>,
    Client(address): Client,
    headers: HeaderMap,
    own: OwnEnrolment,
    JsonBody(body): JsonBody<IntroduceHere>,
) -> Reply<Response> {
    let (cookie, agent, address) = (cookies::BROWSER.read(&headers), agent::label_of(&headers), address.to_string());
    let asking = Asking { cookie: cookie.as_deref(), agent: &agent, address: &address };
    let engine = state.engine();
    let bound = engine.introduce_after_enrolment(&own.enrolment, &own.user, body.assertion.as_ref(), &asking).await?;
    let set = bound.map(|cookie| (SET_COOKIE, cookies::BROWSER.set(&cookie, limits::BROWSER_LIFE)));
    Ok((AppendHeaders(set), Json(own.status(engine).await?)).into_response())
}

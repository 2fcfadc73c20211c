//! An administrator's single-use link that introduces one browser.

use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use nod_core::limits;
use nod_engine::Asking;
use nod_protocol::pages::IntroduceRequest;
use zeroize::Zeroizing;

use super::agent;
use super::views::IntroduceView;
use crate::body::JsonBody;
use crate::client::Client;
use crate::cookies;
use crate::fault::Reply;
use crate::state::AppState;

/// GET `/introduce`. The link's secret stands behind `#` (INV-24).
pub(super) async fn page(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let site = state.site();
    let view = IntroduceView { assets: &site.assets, server: &site.server, words: site.words(&headers) };
    site.page(StatusCode::OK, &view, &site.policies.introduce)
}

/// POST `/introduce`.
pub(super) async fn submit(
    State(state): State<AppState>,
    Client(address): Client,
    headers: HeaderMap,
    JsonBody(body): JsonBody<IntroduceRequest>,
) -> Reply<Response> {
    let (cookie, agent, address) = (cookies::BROWSER.read(&headers), agent::label_of(&headers), address.to_string());
    let asking = Asking { cookie: cookie.as_deref(), agent: &agent, address: &address };
    let password = Zeroizing::new(body.password);
    let bound = state.engine().introduce_by_link(&body.token, &body.user, password, &asking).await?;
    let set = AppendHeaders([(SET_COOKIE, cookies::BROWSER.set(&bound, limits::BROWSER_LIFE))]);
    Ok((StatusCode::NO_CONTENT, set).into_response())
}

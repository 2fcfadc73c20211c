//! From an app's host to the sign-in and back.

use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use nod_core::limits;
use nod_engine::hash_secret;
use nod_protocol::b64;
use serde::Deserialize;

use super::app_host::{AppHost, only};
use super::page;
use crate::body::InQuery;
use crate::cookies::{APP, PRE};
use crate::fault::{Refusal, Reply};
use crate::return_path;
use crate::state::AppState;

#[derive(Deserialize)]
pub(super) struct StartQuery {
    #[serde(rename = "return")]
    return_to: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct CallbackQuery {
    #[serde(default)]
    code: String,
}

/// Ties what follows to this browser and sends it to Nod's host, whose address is the configured one (E17).
pub(super) async fn begin(
    State(state): State<AppState>,
    AppHost(app): AppHost,
    InQuery(query): InQuery<StartQuery>,
    headers: HeaderMap,
) -> Reply<Response> {
    // nginx cannot encode a variable for a query, so its word comes in a header.
    let asked = query.return_to.as_deref().or_else(|| only(&headers, "x-original-uri"));
    let return_to = return_path::encoded(return_path::checked(asked.unwrap_or("/")));
    let pre = state.engine().fresh_secret();
    let binding = b64::encode(hash_secret(&pre).0);
    let origin = state.public().origin();
    let location = format!("{origin}/sign-in?app={}&return={return_to}&binding={binding}", app.id);
    let location = HeaderValue::from_str(&location).map_err(|_| Refusal::unavailable())?;
    Ok(redirect(location, vec![PRE.set(&pre, limits::SIGN_IN_LIFE)]))
}

/// Takes the one-time code in the browser that started here, and opens the app's door for it.
pub(super) async fn arrive(
    State(state): State<AppState>,
    AppHost(app): AppHost,
    InQuery(query): InQuery<CallbackQuery>,
    headers: HeaderMap,
) -> Response {
    let pre = PRE.read(&headers).unwrap_or_default();
    match state.engine().redeem_app_code(&app, &query.code, &pre).await {
        Ok(admitted) => {
            let path = HeaderValue::from_str(return_path::checked(&admitted.return_to));
            let path = path.unwrap_or(HeaderValue::from_static("/"));
            redirect(path, vec![APP.set(&admitted.cookie, limits::SESSION_LIFE), PRE.clear()])
        }
        Err(fault) => page::start_again(Refusal::from(fault).status(), state.site().words(&headers)),
    }
}

fn redirect(location: HeaderValue, cookies: Vec<HeaderValue>) -> Response {
    let cookies = AppendHeaders(cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)));
    (StatusCode::SEE_OTHER, [(LOCATION, location)], cookies).into_response()
}

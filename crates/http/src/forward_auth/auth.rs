//! The subrequest: may this visitor pass?

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCEPT, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use nod_core::people::User;
use nod_core::text;
use nod_engine::Fault;
use nod_protocol::device_api::ErrorCode;

use super::app_host::{AppHost, only};
use super::{START, page};
use crate::cookies::APP;
use crate::fault::{Refusal, Reply};
use crate::return_path;
use crate::state::AppState;

/// What Caddy's `forward_auth` tells of the visitor's request.
const CADDY_URI: &str = "x-forwarded-uri";
const CADDY_METHOD: &str = "x-forwarded-method";
/// What our nginx snippet tells; where it is there, the answer is never a redirect, which `auth_request` takes for a failure.
const NGINX_URI: &str = "x-original-uri";

/// 204 with who it is, 401, or 403. Session, account and membership are judged each time (INV-10).
pub(super) async fn check(State(state): State<AppState>, AppHost(app): AppHost, headers: HeaderMap) -> Reply<Response> {
    let admitted = match APP.read(&headers) {
        Some(cookie) => state.engine().admit(&app, &cookie).await,
        None => Err(Fault::NotSignedIn),
    };
    match admitted {
        Ok((_, user)) => pass(&user),
        Err(Fault::NotSignedIn) => Ok(sign_in_first(&headers)),
        Err(Fault::Forbidden(message)) if wants_page(&headers) => {
            let words = state.site().words(&headers);
            let sentence = words.sentence(ErrorCode::Forbidden, &message);
            Ok(page::message(StatusCode::FORBIDDEN, words, &words.door.not_admitted, &sentence))
        }
        Err(fault) => Err(fault.into()),
    }
}

fn pass(user: &User) -> Reply<Response> {
    let name = header(&user.name).ok_or_else(|| Refusal::new(ErrorCode::Forbidden, "this name cannot be passed on"))?;
    let shown = header(&text::shown(&user.display_name)).unwrap_or_else(|| name.clone());
    Ok((StatusCode::NO_CONTENT, [("remote-user", name), ("remote-name", shown)]).into_response())
}

/// Text as a header (W12): one line without control characters, in UTF-8.
fn header(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_bytes(text.as_bytes()).ok().filter(|value| !value.is_empty())
}

/// A browser that opens a page is led to the sign-in where the proxy hands our answer on; anything else gets 401.
fn sign_in_first(headers: &HeaderMap) -> Response {
    let uri = only(headers, CADDY_URI).filter(|_| only(headers, CADDY_METHOD) == Some("GET") && wants_page(headers));
    let Some(uri) = uri else { return Refusal::from(Fault::NotSignedIn).into_response() };
    let start = format!("{START}?return={}", return_path::encoded(return_path::checked(uri)));
    let location = HeaderValue::from_str(&start).unwrap_or(HeaderValue::from_static(START));
    // What is there no longer opens anything.
    (StatusCode::FOUND, [(LOCATION, location), (SET_COOKIE, APP.clear())]).into_response()
}

fn wants_page(headers: &HeaderMap) -> bool {
    !headers.contains_key(NGINX_URI) && only(headers, ACCEPT.as_str()).is_some_and(|kinds| kinds.contains("text/html"))
}

//! Signing out at an app's host ends the session behind it, everywhere.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use nod_engine::Fault;

use super::app_host::AppHost;
use super::page;
use crate::cookies::APP;
use crate::fault::Reply;
use crate::origin;
use crate::state::AppState;

/// A form: no GET changes anything (W03).
pub(super) async fn ask(State(state): State<AppState>, AppHost(app): AppHost, headers: HeaderMap) -> Response {
    page::sign_out(state.site().words(&headers), &app.display_name)
}

/// Ends the session, if there is one, and the cookie in any case.
pub(super) async fn go(State(state): State<AppState>, AppHost(app): AppHost, headers: HeaderMap) -> Reply<Response> {
    if !origin::may_change(&headers, &app.origin) {
        return Err(origin::refusal());
    }
    if let Some(cookie) = APP.read(&headers) {
        match state.engine().admit(&app, &cookie).await {
            Ok((session, user)) => {
                let why = format!("signed out at {}", app.display_name);
                match state.engine().end_session(user.id, session.id, &why).await {
                    Ok(()) | Err(Fault::NotFound(_)) => {}
                    Err(fault) => return Err(fault.into()),
                }
            }
            Err(Fault::NotSignedIn | Fault::Forbidden(_)) => {}
            Err(fault) => return Err(fault.into()),
        }
    }
    let words = state.site().words(&headers);
    let page = page::message(StatusCode::OK, words, &words.door.signed_out, &words.door.signed_out_sentence);
    Ok(([(SET_COOKIE, APP.clear())], page).into_response())
}

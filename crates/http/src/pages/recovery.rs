//! Recovery codes: made on the user's own page.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use nod_protocol::portal::RecoveryCodesAnswer;

use super::callers::SignedIn;
use super::portal::or_sign_in_again;
use crate::body::NoBody;
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

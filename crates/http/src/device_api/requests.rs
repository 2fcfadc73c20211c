//! Requests and answers.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use nod_core::{ChallengeId, DeviceId};
use nod_protocol::device_api::{
    AnswerAnswer, AnswerRequest, CancelRecoveryRequest, HistoryAnswer, NoticesAnswer, PendingAnswer, RequestBody,
};

use super::session::Caller;
use crate::body::{InPath, JsonBody};
use crate::fault::Reply;
use crate::state::AppState;

pub(super) async fn pending(State(state): State<AppState>, caller: Caller) -> Reply<Json<PendingAnswer>> {
    Ok(Json(state.engine().pending(&caller.phone).await?))
}

pub(super) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    InPath(id): InPath<ChallengeId>,
) -> Reply<Json<RequestBody>> {
    Ok(Json(state.engine().request(&caller.phone, id).await?))
}

/// Terminal and durable once the 200 is sent.
pub(super) async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    InPath(id): InPath<ChallengeId>,
    JsonBody(body): JsonBody<AnswerRequest>,
) -> Reply<Json<AnswerAnswer>> {
    let state = state.engine().answer(&caller.phone, id, &body).await?;
    Ok(Json(AnswerAnswer { state }))
}

pub(super) async fn history(State(state): State<AppState>, caller: Caller) -> Reply<Json<HistoryAnswer>> {
    Ok(Json(HistoryAnswer { answers: state.engine().history(&caller.phone).await? }))
}

pub(super) async fn notices(State(state): State<AppState>, caller: Caller) -> Reply<Json<NoticesAnswer>> {
    Ok(Json(NoticesAnswer { notices: state.engine().notices(&caller.phone).await? }))
}

/// POST `/recovery/cancel`.
pub(super) async fn cancel_recovery(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<CancelRecoveryRequest>,
) -> Reply<StatusCode> {
    state.engine().cancel_recovery(&caller.phone, DeviceId(body.device.0)).await?;
    Ok(StatusCode::NO_CONTENT)
}

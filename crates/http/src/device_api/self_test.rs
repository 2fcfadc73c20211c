//! Stages that the worker reports, and the test push.

use axum::Json;
use axum::extract::{Request, State};
use http::StatusCode;
use nod_core::DeviceId;
use nod_core::push::Stage;
use nod_protocol::Id;
use nod_protocol::device_api::{
    self as api, SelfTestAnswer, SelfTestApproval, SelfTestRequest, SelfTestState, StageRequest,
};

use super::session::Caller;
use crate::body::{self, InPath, JsonBody};
use crate::fault::{Refusal, Reply};
use crate::state::AppState;

/// Always 204: a worker cannot do better next time, and nobody learns which ids exist.
pub(super) async fn stage(State(state): State<AppState>, request: Request) -> StatusCode {
    if let Err(refusal) = take_stage(&state, request).await {
        tracing::debug!(code = ?refusal.code, "a stage was not taken");
    }
    StatusCode::NO_CONTENT
}

async fn take_stage(state: &AppState, request: Request) -> Reply<()> {
    let body: StageRequest = body::json(&body::read(request).await?)?;
    let stage = match body.stage {
        api::Stage::WorkerWoke => Stage::WorkerWoke,
        api::Stage::NotificationShown => Stage::Shown,
    };
    state.engine().report_stage(body.request.0, stage).await.map_err(Refusal::from)
}

pub(super) async fn start(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<SelfTestRequest>,
) -> Reply<(StatusCode, Json<SelfTestAnswer>)> {
    let test = state.engine().start_self_test(&caller.phone, DeviceId(body.device.0)).await?;
    Ok((StatusCode::ACCEPTED, Json(SelfTestAnswer { test })))
}

pub(super) async fn state(
    State(state): State<AppState>,
    caller: Caller,
    InPath(test): InPath<Id>,
) -> Reply<Json<SelfTestState>> {
    Ok(Json(state.engine().self_test(&caller.phone, test).await?))
}

pub(super) async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    InPath(test): InPath<Id>,
    JsonBody(body): JsonBody<SelfTestApproval>,
) -> Reply<StatusCode> {
    state.engine().answer_self_test(&caller.phone, test, &body.assertion).await?;
    Ok(StatusCode::NO_CONTENT)
}

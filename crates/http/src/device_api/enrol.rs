//! Enrolment of a phone and its push subscription.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use nod_core::DeviceId;
use nod_protocol::device_api::{
    DeviceStateAnswer, EnrolAnswer, EnrolPasskeyRequest, EnrolRequest, EnrolState, SubscriptionRequest,
};

use super::session::Caller;
use crate::body::{InPath, JsonBody};
use crate::client::Client;
use crate::fault::Reply;
use crate::state::AppState;

pub(super) async fn join(
    State(state): State<AppState>,
    client: Client,
    JsonBody(body): JsonBody<EnrolRequest>,
) -> Reply<(StatusCode, Json<EnrolAnswer>)> {
    let answer = state.engine().join(&body, &client.to_string()).await?;
    Ok((StatusCode::CREATED, Json(answer)))
}

pub(super) async fn passkey(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<EnrolPasskeyRequest>,
) -> Reply<Json<DeviceStateAnswer>> {
    let device = DeviceId(body.device.0);
    let state = state.engine().enrol_passkey(&caller.phone, device, &body.credential).await?;
    Ok(Json(DeviceStateAnswer { state }))
}

pub(super) async fn state(
    State(state): State<AppState>,
    caller: Caller,
    InPath(device): InPath<DeviceId>,
) -> Reply<Json<EnrolState>> {
    Ok(Json(state.engine().enrol_state(&caller.phone, device).await?))
}

pub(super) async fn subscription(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<SubscriptionRequest>,
) -> Reply<StatusCode> {
    state.engine().set_subscription(&caller.phone, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}

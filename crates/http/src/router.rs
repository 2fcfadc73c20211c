//! The router: two faces, chosen by host.

use std::convert::Infallible;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use nod_protocol::device_api::ErrorCode;
use tower::{ServiceExt as _, service_fn};

use crate::fault::{Refusal, Reply};
use crate::routes::{Face, routes};
use crate::state::AppState;
use crate::{headers, host, log, origin};

/// Everything that is answered. Requests need the extension [`crate::Peer`], which [`crate::serve`] gives them.
pub fn router(state: AppState) -> Router {
    let public = state.public().clone();
    let own = face(Face::Own)
        .layer(from_fn_with_state(state.clone(), origin::guard))
        .layer(from_fn_with_state(state.clone(), headers::own))
        .layer(from_fn_with_state(state.clone(), log::requests))
        .with_state(state.clone());
    let apps = face(Face::Apps)
        .layer(from_fn(headers::apps))
        .layer(from_fn_with_state(state.clone(), log::requests))
        .with_state(state);
    let by_host = service_fn(move |request: Request| {
        let (parts, body) = request.into_parts();
        let is_own = host::requested(&parts).is_some_and(|host| public.is_host(&host));
        let face = if is_own { own.clone() } else { apps.clone() };
        async move { Ok::<Response, Infallible>(face.oneshot(Request::from_parts(parts, body)).await.into_response()) }
    });
    Router::new().fallback_service(by_host)
}

fn face(wanted: Face) -> Router<AppState> {
    let mut router = Router::new();
    for (_, route) in routes().filter(|(face, _)| *face == wanted) {
        router = router.route(route.path, (route.handler)());
    }
    router.fallback(nothing).method_not_allowed_fallback(other_method)
}

async fn nothing() -> Refusal {
    Refusal::not_found()
}

async fn other_method() -> Response {
    let refusal = Refusal::new(ErrorCode::BadRequest, "this address does not take that method");
    (StatusCode::METHOD_NOT_ALLOWED, refusal).into_response()
}

/// Whether the server can read its store and will go on. The internal listener says more.
pub(crate) async fn healthy(State(state): State<AppState>) -> Reply<&'static str> {
    if state.stopping() {
        return Err(Refusal::unavailable());
    }
    state.engine().store().next_push_due().await.map_err(nod_engine::Fault::from)?;
    Ok("ok")
}

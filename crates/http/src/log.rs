//! The request log, and the count of requests: method, matched path, status and time. Never a query, a body or a header (INV-24).

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use nod_engine::SPANS;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::meters;
use crate::state::AppState;

/// What stands for a path that we do not have.
const NO_ROUTE: &str = "(none)";

/// Layer of both faces.
pub(crate) async fn requests(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // On at every level: whatever is told of a request can be put together again.
    let id = state.next_request();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let path = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let trace = tracing::info_span!(
        target: SPANS,
        "request",
        otel.kind = "server",
        http.request.method = meters::known(request.method()),
        http.route = path,
        http.response.status_code = tracing::field::Empty,
        id
    );
    let line = tracing::error_span!("request", id);
    let answered = async {
        let response = counted(&state, path, request, next).instrument(line).await;
        tracing::Span::current().record("http.response.status_code", response.status().as_u16());
        response
    };
    answered.instrument(trace).await
}

async fn counted(state: &AppState, path: &str, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let response = next.run(request).await;
    let took = started.elapsed();
    state.meters().answered(&method, path, response.status(), took);
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    tracing::info!(%method, path, status = response.status().as_u16(), micros, "request");
    response
}

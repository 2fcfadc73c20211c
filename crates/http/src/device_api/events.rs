//! The live channel.

use axum::extract::State;
use axum::response::Response;
use nod_protocol::Id;
use nod_protocol::device_api::{PENDING_EVENT, PendingEvent};

use super::session::Caller;
use crate::sse::{OpenStream, events};
use crate::state::AppState;

/// The ids of the pending requests. The phone's rights are looked up anew at each change; without any left it ends.
pub(super) async fn pending(State(state): State<AppState>, caller: Caller, open: OpenStream) -> Response {
    let waiters = state.engine().watch_phone(&caller.phone);
    let (engine, token) = (state.engine().clone(), caller.token);
    events(open, PENDING_EVENT, waiters, move || {
        let (engine, token) = (engine.clone(), token.clone());
        async move {
            let phone = engine.phone(&token).await?;
            let mut ids: Vec<Id> = engine.pending(&phone).await?.requests.iter().map(|request| request.id).collect();
            // Two devices of one user in one session are asked the same.
            ids.sort_unstable_by_key(|id| id.0);
            ids.dedup();
            Ok(PendingEvent { ids })
        }
    })
}

//! The listener for plain HTTP beside one with TLS: it leads to the public address and does nothing else.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::LOCATION;
use http::{HeaderValue, Method, StatusCode};

use crate::host::PublicAddress;

/// Leads every GET to the same path at `public` (RFC 9110 section 15.4.9), never to the host that the request names (E17).
pub fn redirect(public: PublicAddress) -> Router {
    Router::new().fallback(lead).with_state(public)
}

async fn lead(State(public): State<PublicAddress>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        // Whatever it carried has crossed the network in the clear: do not invite it again.
        return (StatusCode::FORBIDDEN, "use https\n").into_response();
    }
    let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    match HeaderValue::from_str(&format!("{}{path}", public.origin())) {
        Ok(location) => (StatusCode::PERMANENT_REDIRECT, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

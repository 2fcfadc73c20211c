//! The listener for plain HTTP beside one with TLS: it leads to the public address, and answers an ACME server's challenge.

use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::LOCATION;
use http::{HeaderValue, Method, StatusCode};

use crate::host::PublicAddress;

/// Where an ACME server looks (RFC 8555 section 8.3).
const CHALLENGES: &str = "/.well-known/acme-challenge/";

/// The challenge that waits to be answered, if one does. Clones share it.
#[derive(Clone, Default)]
pub struct HttpChallenge(Arc<RwLock<Option<(String, String)>>>);

impl HttpChallenge {
    /// From now on who asks for this token is given this answer, and nobody else anything.
    pub fn set(&self, token_and_answer: Option<(String, String)>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = token_and_answer;
    }

    fn answer(&self, path: &str) -> Option<String> {
        let asked = path.strip_prefix(CHALLENGES)?;
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|(token, _)| token == asked).map(|(_, answer)| answer.clone())
    }
}

#[derive(Clone)]
struct Plain {
    public: PublicAddress,
    challenge: HttpChallenge,
}

/// Leads every GET to the same path at `public` (RFC 9110 section 15.4.9), never to the host that the request names (E17).
pub fn redirect(public: PublicAddress, challenge: HttpChallenge) -> Router {
    Router::new().fallback(lead).with_state(Plain { public, challenge })
}

async fn lead(State(plain): State<Plain>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        // Whatever it carried has crossed the network in the clear: do not invite it again.
        return (StatusCode::FORBIDDEN, "use https\n").into_response();
    }
    if let Some(answer) = plain.challenge.answer(request.uri().path()) {
        return answer.into_response();
    }
    let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    match HeaderValue::from_str(&format!("{}{path}", plain.public.origin())) {
        Ok(location) => (StatusCode::PERMANENT_REDIRECT, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

//! The sample site: a page behind a small reverse proxy of our own, which asks Nod about every request as nginx
//! (`auth_request`) and Caddy (`forward_auth`) do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, HOST, LOCATION, TRANSFER_ENCODING, UPGRADE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse as _, Response};
use tokio::net::TcpListener;

use crate::failure::Outcome;

/// Largest body that is passed on, in bytes: `/.nod/*` takes none.
const BODY_BYTES: usize = 16 * 1024;
/// Longest time for one question to Nod.
const ASK_TIME: Duration = Duration::from_secs(10);
/// What belongs to one connection and is never passed on (RFC 9110 section 7.6.1), and what this proxy says itself.
const NOT_PASSED_ON: [HeaderName; 5] = [CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE];

/// The proxy's view of the world.
#[derive(Clone)]
struct Site {
    http: reqwest::Client,
    nod: Arc<str>,
    host: HeaderValue,
}

/// Serves the sample site until `stop` is ready. `nod` is where Nod listens, `host` the site's own name and port.
pub(super) async fn serve(
    listener: TcpListener,
    nod: SocketAddr,
    host: &str,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Outcome {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().timeout(ASK_TIME);
    let site = Site { http: client.build()?, nod: format!("http://{nod}").into(), host: HeaderValue::from_str(host)? };
    let router = Router::new().fallback(answer).with_state(site);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop).await?;
    Ok(())
}

async fn answer(State(site): State<Site>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request) -> Response {
    let path = request.uri().path();
    let answered = if path.starts_with("/.nod/") && path != "/.nod/auth" {
        site.pass_on(peer, request).await
    } else {
        site.protected(peer, &request.into_parts().0).await
    };
    answered.unwrap_or_else(|_| (StatusCode::BAD_GATEWAY, "Nod cannot be reached.\n").into_response())
}

impl Site {
    /// `/.nod/*` goes to Nod as it is, under the site's own name.
    async fn pass_on(&self, peer: SocketAddr, request: Request) -> Outcome<Response> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let body = to_bytes(body, BODY_BYTES).await?;
        let question = self.http.request(parts.method, format!("{}{path}", self.nod));
        let answer = question.headers(self.headers(peer, &parts.headers)).body(body).send().await?;
        handed_on(answer).await
    }

    /// Everything else: asked first, shown only to whom Nod names.
    async fn protected(&self, peer: SocketAddr, request: &Parts) -> Outcome<Response> {
        let path = request.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = self.headers(peer, &request.headers);
        headers.insert("x-original-uri", HeaderValue::from_str(path)?);
        let answer = self.http.get(format!("{}/.nod/auth", self.nod)).headers(headers).send().await?;
        match answer.status() {
            StatusCode::NO_CONTENT => {
                // From Nod's answer alone: what the visitor's request says of itself counts for nothing.
                let named = |name| answer.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
                let user = named("remote-user").unwrap_or_default();
                let shown = named("remote-name").unwrap_or_default();
                Ok(Html(page(&user, &shown)).into_response())
            }
            StatusCode::UNAUTHORIZED => {
                let back: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
                Ok((StatusCode::SEE_OTHER, [(LOCATION, format!("/.nod/start?return={back}"))]).into_response())
            }
            _ => handed_on(answer).await,
        }
    }

    fn headers(&self, peer: SocketAddr, from: &HeaderMap) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in from {
            if !NOT_PASSED_ON.contains(name) && !name.as_str().starts_with("x-") {
                headers.append(name.clone(), value.clone());
            }
        }
        headers.insert(HOST, self.host.clone());
        if let Ok(address) = HeaderValue::from_str(&peer.ip().to_string()) {
            headers.insert("x-forwarded-for", address);
        }
        headers.insert("x-forwarded-proto", HeaderValue::from_static("http"));
        headers
    }
}

async fn handed_on(answer: reqwest::Response) -> Outcome<Response> {
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if !NOT_PASSED_ON.contains(name) {
            response = response.header(name, value);
        }
    }
    Ok(response.body(Body::from(answer.bytes().await?))?)
}

/// The page that is protected.
fn page(user: &str, shown: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Sample site</title>\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem}}</style>\
         <h1>Sample site</h1><p id=\"who\">You are signed in as <strong>{}</strong> ({}).</p>\
         <p>This page is behind Nod. <a href=\"/.nod/sign-out\">Sign out</a></p></html>\n",
        escaped(shown),
        escaped(user)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_text() {
        assert!(page("<b>", "A & B").contains("<strong>A &amp; B</strong> (&lt;b&gt;)"));
    }
}

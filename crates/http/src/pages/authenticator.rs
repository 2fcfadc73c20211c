//! The app on the phone: its page, service worker and manifest. Scope `/authenticator`.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

use super::assets::Assets;
use super::csp::WORKER;
use super::views::AuthenticatorView;
use crate::headers::WITH_CAMERA;
use crate::state::AppState;

/// Lets the worker, which lives one level deeper, serve the page itself (Service Workers, section 6.1.2).
const WORKER_ALLOWED: (HeaderName, &str) = (HeaderName::from_static("service-worker-allowed"), "/authenticator");
/// In the manifest's texts: replaced by the server's name.
const PLACEHOLDER: &str = "SERVER";

/// GET `/authenticator`. Its worker keeps a copy by its own cache; that is no HTTP cache, so `no-store` does not hinder it.
pub(super) async fn page(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let site = state.site();
    let view = AuthenticatorView { assets: &site.assets, server: &site.server, words: site.words(&headers) };
    ([WITH_CAMERA], site.page(StatusCode::OK, &view, &site.policies.authenticator)).into_response()
}

/// GET `/authenticator/worker.js`.
pub(super) async fn worker(State(state): State<AppState>) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (CONTENT_SECURITY_POLICY, state.site().policies.worker.clone()),
    ];
    (headers, [WORKER_ALLOWED], Assets::text(WORKER)).into_response()
}

/// GET `/authenticator/manifest.webmanifest`.
pub(super) async fn manifest(State(state): State<AppState>) -> Response {
    let headers = [(CONTENT_TYPE, "application/manifest+json"), (CACHE_CONTROL, "no-cache")];
    (headers, named(&Assets::text("authenticator/manifest.webmanifest"), &state.site().server)).into_response()
}

/// The manifest with the server's name in its texts; the name stays a JSON string whatever it holds.
fn named(manifest: &str, server: &str) -> String {
    let mut manifest: Value = serde_json::from_str(manifest).unwrap_or_default();
    for member in ["name", "description"] {
        if let Some(Value::String(text)) = manifest.get_mut(member) {
            *text = text.replace(PLACEHOLDER, server);
        }
    }
    manifest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_names_the_server() {
        let text = named(&Assets::text("authenticator/manifest.webmanifest"), "A \"quoted\" \\ name");
        let manifest: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(manifest["name"], "Nod – A \"quoted\" \\ name");
        assert_eq!(manifest["scope"], "/authenticator");
        let assets = Assets::load();
        for icon in manifest["icons"].as_array().unwrap() {
            let path = icon["src"].as_str().unwrap().strip_prefix("/assets/").unwrap();
            assert!(!assets.sri(path).is_empty(), "{path}");
        }
    }
}

//! Headers that every answer carries, unless the handler set its own.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue};

use crate::state::AppState;

/// What an answer that brings no policy of its own may load and do: nothing. Pages bring theirs, with `frame-ancestors` too.
pub const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
macro_rules! permissions {
    ($camera:literal) => {
        concat!(
            "camera=",
            $camera,
            ", microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=(), midi=(), display-capture=(), ",
            "publickey-credentials-get=(self), publickey-credentials-create=(self)"
        )
    };
}
/// What browsers let our pages use: the passkey calls alone.
const PERMISSIONS: &str = permissions!("()");
/// The same for the page that reads QR codes: the camera too.
pub(crate) const WITH_CAMERA: (HeaderName, &str) =
    (HeaderName::from_static("permissions-policy"), permissions!("(self)"));
/// Two years, as the preload lists ask.
const TRANSPORT: &str = "max-age=63072000";

const FIXED: [(HeaderName, &str); 7] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With `no-referrer` browsers send `Origin: null` on our own form posts, and older ones have no Sec-Fetch-Site.
    (REFERRER_POLICY, "same-origin"),
    (X_FRAME_OPTIONS, "DENY"),
    (CONTENT_SECURITY_POLICY, NOTHING),
    // W15: nothing private stays in a cache. Assets set their own.
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
];

/// Layer of Nod's own host.
pub(crate) async fn own(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    add(headers);
    if state.public().is_secure() {
        headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(HeaderValue::from_static(TRANSPORT));
    }
    response
}

/// Layer of apps' hosts. Whether their browsers must use https is the apps' business.
pub(crate) async fn apps(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    // A one-time code stands in the callback's address: it goes nowhere from there.
    response.headers_mut().entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    add(response.headers_mut());
    response
}

fn add(headers: &mut HeaderMap) {
    for (name, value) in FIXED {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

//! Whether a request was made by our own pages (W03, W16).

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{COOKIE, ORIGIN};
use http::{HeaderMap, Method};
use nod_protocol::device_api::ErrorCode;

use crate::fault::Refusal;
use crate::state::AppState;

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Who caused a request, as the browser tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Our own page, or the person at the address bar.
    Own,
    /// Another site, or several answers at once.
    Foreign,
    /// The browser (or program) does not tell.
    Untold,
}

/// `Sec-Fetch-Site` decides where it is sent, as scripts cannot set it; else `Origin`, which a same-origin form post may
/// carry as `null` only where the page forbids referrers (ours does not).
pub(crate) fn cause(headers: &HeaderMap, origin: &str) -> Cause {
    let only = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let first = values.next().map(|value| value.to_str().unwrap_or(""));
        if values.next().is_some() { Some("") } else { first }
    };
    match (only(SEC_FETCH_SITE), only(ORIGIN.as_str())) {
        (Some("same-origin" | "none"), _) => Cause::Own,
        (Some(_), _) => Cause::Foreign,
        (None, Some(given)) if given == origin => Cause::Own,
        (None, Some(_)) => Cause::Foreign,
        (None, None) => Cause::Untold,
    }
}

/// Whether a state-changing request may go on. Programs without cookies need not tell who caused it: no browser adds
/// anything of the person's to their requests.
pub(crate) fn may_change(headers: &HeaderMap, origin: &str) -> bool {
    match cause(headers, origin) {
        Cause::Own => true,
        Cause::Foreign => false,
        Cause::Untold => !headers.contains_key(COOKIE),
    }
}

/// Whether an event stream may be opened (W16): a browser names itself when another site opens one.
pub(crate) fn may_listen(headers: &HeaderMap, origin: &str) -> bool {
    cause(headers, origin) != Cause::Foreign
}

/// What a foreign request is told.
pub(crate) fn refusal() -> Refusal {
    Refusal::new(ErrorCode::Forbidden, "this came from another site: open the page here and try again")
}

/// Layer of Nod's own host: refuses every request that could change something and was not made by our own pages.
pub(crate) async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || may_change(request.headers(), state.public().origin()) {
        next.run(request).await
    } else {
        refusal().into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_change_things() {
        const OWN: &str = "https://nod.example.com";
        for (lines, change, listen) in [
            (&[][..], true, true),
            (&[("cookie", "a=b")], false, true),
            (&[("cookie", "a=b"), ("origin", OWN)], true, true),
            (&[("cookie", "a=b"), ("sec-fetch-site", "same-origin")], true, true),
            (&[("cookie", "a=b"), ("sec-fetch-site", "same-origin"), ("origin", "null")], true, true),
            (&[("cookie", "a=b"), ("sec-fetch-site", "none")], true, true),
            (&[("sec-fetch-site", "same-site")], false, false),
            (&[("sec-fetch-site", "cross-site"), ("origin", OWN)], false, false),
            (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], false, false),
            (&[("origin", "null")], false, false),
            (&[("origin", "https://nod.example.com.evil.example")], false, false),
            (&[("origin", "http://nod.example.com")], false, false),
            (&[("origin", OWN), ("origin", "https://evil.example")], false, false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, value.parse().unwrap());
            }
            assert_eq!((may_change(&headers, OWN), may_listen(&headers, OWN)), (change, listen), "{lines:?}");
        }
    }
}

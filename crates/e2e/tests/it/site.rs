//! The site that the browsers visit.

use nod_e2e::web::{Request, Response, WebServer};

const PAGE: &str = include_str!("pages/page.html");
const SCRIPT: &str = include_str!("pages/page.js");
const WORKER: &str = include_str!("pages/worker.js");

pub(crate) fn start() -> WebServer {
    WebServer::start(answer)
}

fn answer(request: &Request) -> Response {
    match request.path.as_str() {
        "/" | "/opened" => Response::body("text/html; charset=utf-8", PAGE)
            .with("set-cookie", "__Host-session=kept; Path=/; Secure; HttpOnly; SameSite=Lax")
            .with("set-cookie", "__Host-strict=kept; Path=/; Secure; HttpOnly; SameSite=Strict"),
        // Shows which cookies came along with this navigation.
        "/shown" => Response::body("text/html", format!("<p id=cookies>{}</p>", cookies(request))),
        "/page.js" => Response::body("text/javascript", SCRIPT),
        "/worker.js" => Response::body("text/javascript", WORKER),
        "/cookies" => Response::body("text/plain", cookies(request)),
        _ => Response::status(404),
    }
}

fn cookies(request: &Request) -> String {
    request.header("cookie").unwrap_or("none").to_owned()
}

/// What [`facts`] of the test page must give in both browsers for Nod to work on `*.localhost` without TLS.
pub(crate) fn check_facts(facts: &serde_json::Value) {
    assert_eq!(facts["secure"], true, "{facts}");
    assert_eq!(facts["cookies"], "__Host-session=kept; __Host-strict=kept", "{facts}");
    assert_eq!(facts["webCrypto"], 64, "{facts}");
    assert_eq!(facts["worker"], true, "{facts}");
    assert_eq!(facts["permission"], "granted", "{facts}");
    assert_eq!(facts["passkey"], true, "{facts}");
    assert_eq!(facts["assertion"], true, "{facts}");
    assert_eq!(facts["locks"], true, "{facts}");
    assert_eq!(facts["parentPasskey"], "refused", "{facts}");
}

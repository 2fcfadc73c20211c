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
        "/page.js" => Response::body("text/javascript", SCRIPT),
        "/worker.js" => Response::body("text/javascript", WORKER),
        "/cookies" => Response::body("text/plain", request.header("cookie").unwrap_or("none")),
        _ => Response::status(404),
    }
}

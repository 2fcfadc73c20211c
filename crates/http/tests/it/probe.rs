//! Every route without rights. The lists below are kept by hand: a new route that is in none of them fails.

use std::collections::BTreeSet;

use http::Method;
use http::header::{CONTENT_TYPE, COOKIE};
use nod_http::{Access, Face, Route, routes};

use crate::world::{APP, NOD, ORIGIN, PROXY, World, to};

/// What anybody may call, and may call with a secret in the body or address. Everything else must refuse.
const OPEN: &[&str] = &[
    "Get /healthz",
    "Get /api/device/v1/server",
    "Post /api/device/v1/nonce",
    "Post /api/device/v1/session",
    "Post /api/device/v1/enrol",
    "Post /api/device/v1/stages",
    "Get /.nod/start",
    "Get /.nod/callback",
    "Get /.nod/sign-out",
    "Post /.nod/sign-out",
];

/// The same for the pages.
const PAGES: &[&str] = &[
    "Get /",
    "Get /assets/{*path}",
    "Get /sign-in/continue",
    "Get /portal",
    "Get /sign-in",
    "Post /sign-in",
    "Get /sign-in/nameless",
    "Post /sign-in/nameless/options",
    "Post /sign-in/nameless",
    "Get /enrol",
    "Post /enrol/open",
    "Get /introduce",
    "Post /introduce",
    "Get /authenticator",
    "Get /authenticator/worker.js",
    "Get /authenticator/manifest.webmanifest",
];

/// Bodies of the right form, so that nobody's missing rights hide behind a complaint about the body. Elsewhere `{}` is one.
fn right_body(path: &str) -> String {
    let assertion = r#"{"id":"AA","rawId":"AA","type":"public-key",
        "response":{"clientDataJSON":"AA","authenticatorData":"AA","signature":"AA"}}"#;
    let registration = r#"{"id":"AA","rawId":"AA","type":"public-key",
        "response":{"clientDataJSON":"AA","attestationObject":"AA"}}"#;
    match path {
        "/sign-in/passkey" => format!(r#"{{"assertion":{assertion},"keep_browser":true}}"#),
        "/enrol/passkey" => format!(r#"{{"assertion":{assertion}}}"#),
        "/enrol/password" => r#"{"password":"four plain words here"}"#.to_owned(),
        "/enrol/confirm" => r#"{"confirmation":"123456"}"#.to_owned(),
        "/enrol/key" => format!(r#"{{"registration":{registration},"name":"Mine"}}"#),
        "/portal/phones/{id}/rename" | "/portal/keys/{id}/rename" => r#"{"name":"Mine"}"#.to_owned(),
        _ => "{}".to_owned(),
    }
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
/// One of each kind, none worth anything.
const COOKIES: &str = "__Host-nod-session=x; __Host-nod-device=x; __Host-nod-sign-in=AAAAAAAAAAAAAAAAAAAAAA.x; \
                       __Host-nod-enrol=x; __Host-nod-app=x; __Host-nod-browser=x; __Host-nod-pre=x";

fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "AAAAAAAAAAAAAAAAAAAAAA" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn without_rights_nothing_is_given_and_nothing_changes() {
    let world = World::new();
    world.engine.add_app("payroll", None, &format!("https://{APP}"), None).await.unwrap();
    let rows = world.rows();
    let open: BTreeSet<&str> = OPEN.iter().chain(PAGES).copied().collect();
    let mut seen = BTreeSet::new();
    for (face, route) in routes() {
        let name = format!("{:?} {}", route.verb, route.path);
        let is_open = matches!(route.access, Access::Open | Access::Proof);
        assert_eq!(open.contains(name.as_str()), is_open, "{name} is {:?}: keep the lists", route.access);
        if !is_open {
            refused(&world, face, route).await;
        }
        seen.insert(name);
    }
    let gone: Vec<_> = open.iter().filter(|name| !seen.contains(**name)).collect();
    assert!(gone.is_empty(), "in the list but not served: {gone:?}");
    assert_eq!(world.rows(), rows);
}

async fn refused(world: &World, face: Face, route: &Route) {
    let (host, origin) = if face == Face::Own { (NOD, ORIGIN.to_owned()) } else { (APP, format!("https://{APP}")) };
    let path = filled(route.path);
    let right = right_body(route.path);
    let bodies = [(JSON, right.as_str(), true), (JSON, "{}", false), (FORM, "", false), ("", "", false)];
    for (kind, body, is_right) in bodies {
        for cookies in [None, Some(COOKIES)] {
            let mut request = to(host, route.verb.into(), &path).header("origin", &origin).header(CONTENT_TYPE, kind);
            if let Some(cookies) = cookies {
                request = request.header(COOKIE, cookies);
            }
            let answer = world.send_from(request.body(body.to_owned().into()).unwrap(), PROXY).await;
            let status = answer.status.as_u16();
            let denied = matches!(status, 401 | 403 | 404) || (!is_right && status == 400);
            assert!(denied, "{:?} {}: {status} {}", route.verb, route.path, answer.text());
        }
    }
    let other = world.send_from(to(host, Method::PATCH, &path).body("".into()).unwrap(), PROXY).await;
    assert_eq!(other.status, 405, "{}", route.path);
}

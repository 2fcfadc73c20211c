//! Which host gets what, and what every answer carries.

use http::Method;
use nod_protocol::device_api::{ServerInfo, paths};

use crate::people::Dice;
use crate::world::{APP, NOD, ORIGIN, PROXY, VISITOR, WithJson as _, World, get, to};

#[tokio::test]
async fn the_device_api_is_on_our_own_host_only() {
    let world = World::new();
    for host in
        [APP, "nod.example.com.", "nod.example.com:80", "evil.example", "192.0.2.1", "nod.example.com@evil.example"]
    {
        let answer = world.send(to(host, Method::GET, paths::SERVER).empty()).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (404, "not_found"), "{host}");
    }
    for host in [NOD, "nod.example.com:443", "NOD.example.com"] {
        assert_eq!(world.send(to(host, Method::GET, paths::SERVER).empty()).await.status, 200, "{host}");
    }
    for path in
        ["/.nod/auth", "/.nod/start", "/nothing", "/api/device/v1", "/api/device/v1/server/", "//api/device/v1/server"]
    {
        assert_eq!(world.send(get(path).empty()).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn no_header_changes_our_address() {
    let world = World::new();
    let forged = get(paths::SERVER)
        .header("x-forwarded-host", "evil.example")
        .header("x-forwarded-proto", "http")
        .header("forwarded", "host=evil.example");
    let info: ServerInfo = world.send_from(forged.empty(), PROXY).await.json();
    assert_eq!(info.origin, ORIGIN);
}

#[tokio::test]
async fn every_answer_is_locked_down() {
    let world = World::new();
    for (request, status) in [
        (get(paths::SERVER), 200),
        (get("/nothing"), 404),
        (get(paths::PENDING), 401),
        (to(NOD, Method::PATCH, paths::PENDING), 405),
        (to(NOD, Method::POST, paths::NONCE).header("origin", "https://evil.example"), 403),
    ] {
        let answer = world.send(request.empty()).await;
        assert_eq!(answer.status.as_u16(), status);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cache-control", "no-store"),
            ("cross-origin-opener-policy", "same-origin"),
            ("strict-transport-security", "max-age=63072000"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(answer.header(name), value, "{status} {name}");
        }
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
        assert!(answer.header("permissions-policy").contains("camera=()"));
    }
}

#[tokio::test]
async fn health_answers_everywhere() {
    let world = World::new();
    for host in [NOD, APP, "127.0.0.1:8080"] {
        let answer = world.send(to(host, Method::GET, "/healthz").empty()).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "ok"), "{host}");
    }
}

#[tokio::test]
async fn who_tries_codes_is_counted_by_the_address_that_cannot_be_forged() {
    for (peer, forwarded, source) in [
        (VISITOR, "198.51.100.7", "192.0.2.10"),
        (PROXY, "198.51.100.7", "198.51.100.7"),
        (PROXY, "203.0.113.1, 198.51.100.7", "198.51.100.7"),
        (PROXY, "198.51.100.7, 10.0.0.9", "198.51.100.7"),
        (PROXY, "", "10.0.0.1"),
    ] {
        let world = World::new();
        let key = nod_phone::keys::new_key(&Dice(&world)).unwrap();
        let body = serde_json::json!({"code": "ABCD2345", "name": "P", "platform": "ios", "key": key.jwk()});
        let request = to(NOD, Method::POST, paths::ENROL).header("x-forwarded-for", forwarded);
        let answer = world.send_from(request.header("forwarded", "for=203.0.113.2").json(&body), peer).await;
        assert_eq!(answer.error(), "not_found");
        assert!(world.rows().contains(&format!("code/source/{source}\"")), "{peer} {forwarded}: {}", world.rows());
    }
}

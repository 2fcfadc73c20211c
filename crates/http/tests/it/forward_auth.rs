//! A protected app behind a proxy.

use http::Method;
use http::header::{ACCEPT, ACCEPT_LANGUAGE, COOKIE};
use nod_core::access::App;
use nod_core::{AppId, SecretHash};
use nod_protocol::b64;

use crate::people::{Person, enrolled};
use crate::world::{APP, Answer, ORIGIN, PROXY, VISITOR, WithJson as _, World, to};

const HTTPS_APP: &str = "https://payroll.example.com";

async fn app(world: &World) -> App {
    world.engine.add_app("payroll", Some("Payroll"), HTTPS_APP, None).await.unwrap()
}

fn asked(path: &str) -> http::request::Builder {
    to(APP, Method::GET, path)
}

/// What the query of an address says.
fn query(address: &str, name: &str) -> String {
    let (_, query) = address.split_once('?').unwrap();
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap();
    value.replace("%2F", "/").replace("%3F", "?").replace("%3D", "=").replace("%26", "&")
}

/// From the app's host through the sign-in and back; gives the app cookie.
async fn through(world: &World, person: &mut Person, path: &str) -> String {
    let started = world.send_from(asked("/.nod/start").header("x-original-uri", path).empty(), PROXY).await;
    assert_eq!(started.status, 303);
    let pre = started.cookie("__Host-nod-pre").unwrap();
    let location = started.header("location");
    assert!(location.starts_with(&format!("{ORIGIN}/sign-in?app=")), "{location}");
    let id: AppId = query(location, "app").parse().unwrap();
    let binding = SecretHash(b64::decode_array(&query(location, "binding")).unwrap());
    assert_eq!(query(location, "return"), path);
    let (_, back) = person.sign_in(world, Some((id, binding)), path).await;
    let back = back.strip_prefix(HTTPS_APP).unwrap();
    let arrived = world.send_from(asked(back).header(COOKIE, format!("__Host-nod-pre={pre}")).empty(), PROXY).await;
    assert_eq!((arrived.status.as_u16(), arrived.header("location")), (303, path));
    assert_eq!(arrived.cookie("__Host-nod-pre").as_deref(), Some(""));
    let again = world.send_from(asked(back).header(COOKIE, format!("__Host-nod-pre={pre}")).empty(), PROXY).await;
    assert_eq!((again.status.as_u16(), again.cookie("__Host-nod-app")), (401, None), "a code is used once");
    assert!(again.text().contains("href=\"/.nod/start?return=%2F\""));
    arrived.cookie("__Host-nod-app").unwrap()
}

async fn auth(world: &World, host: &str, cookie: &str) -> Answer {
    let request = to(host, Method::GET, "/.nod/auth").header(COOKIE, format!("__Host-nod-app={cookie}"));
    world.send_from(request.header("x-original-uri", "/").empty(), PROXY).await
}

#[tokio::test]
async fn in_and_out_again() {
    let world = World::new();
    app(&world).await;
    let mut anna = enrolled(&world, "anna").await;
    let cookie = through(&world, &mut anna, "/reports?year=2026&all=1").await;
    let passed = auth(&world, APP, &cookie).await;
    assert_eq!(passed.status, 204);
    assert_eq!((passed.header("remote-user"), passed.header("remote-name")), ("anna", "anna"));

    let line = format!("__Host-nod-app={cookie}");
    let ask = world.send_from(asked("/.nod/sign-out").header(COOKIE, &line).empty(), PROXY).await;
    assert!(ask.text().contains("<form method=\"post\" action=\"/.nod/sign-out\">"));
    assert_eq!(ask.header("referrer-policy"), "same-origin");
    let german = asked("/.nod/sign-out").header(COOKIE, &line).header(ACCEPT_LANGUAGE, "de-CH, en;q=0.5").empty();
    let german = world.send_from(german, PROXY).await;
    assert!(german.text().contains("<html lang=\"de\">") && german.text().contains("Anmeldung bei Payroll"));
    assert_eq!(auth(&world, APP, &cookie).await.status, 204, "no GET changes anything");
    let out = |name: &'static str, value: &str| {
        let request = to(APP, Method::POST, "/.nod/sign-out").header(COOKIE, &line).header(name, value).empty();
        world.send_from(request, PROXY)
    };
    assert_eq!(out("origin", ORIGIN).await.status, 403, "another site's form does not sign out");
    assert_eq!(out("sec-fetch-site", "same-site").await.status, 403);
    assert_eq!(auth(&world, APP, &cookie).await.status, 204);
    let done = out("origin", HTTPS_APP).await;
    assert_eq!((done.status.as_u16(), done.cookie("__Host-nod-app").as_deref()), (200, Some("")));
    assert_eq!(auth(&world, APP, &cookie).await.status, 401);
}

#[tokio::test]
async fn the_code_belongs_to_the_browser_that_started() {
    let world = World::new();
    let app = app(&world).await;
    let mut anna = enrolled(&world, "anna").await;
    let binding = SecretHash(nod_protocol::sha256(b"of another browser"));
    let (_, back) = anna.sign_in(&world, Some((app.id, binding)), "/").await;
    let back = back.strip_prefix(HTTPS_APP).unwrap().to_owned();
    for line in ["", "__Host-nod-pre=mine", "__Host-nod-pre=a; __Host-nod-pre=b"] {
        let answer = world.send_from(asked(&back).header(COOKIE, line).empty(), PROXY).await;
        assert_eq!((answer.status.as_u16(), answer.cookie("__Host-nod-app")), (401, None), "{line}");
    }
}

#[tokio::test]
async fn a_cookie_opens_its_own_app_only_and_only_while_the_person_may() {
    let world = World::new();
    let payroll = app(&world).await;
    let staff = world.engine.add_group("staff").await.unwrap();
    let mut anna = enrolled(&world, "anna").await;
    world.engine.add_app("wiki", None, "http://wiki.localhost:8081", Some(&staff)).await.unwrap();
    let cookie = through(&world, &mut anna, "/").await;
    for (host, status) in
        [(APP, 204), ("payroll.example.com:443", 204), ("wiki.localhost:8081", 401), ("other.example", 404)]
    {
        assert_eq!(auth(&world, host, &cookie).await.status.as_u16(), status, "{host}");
    }
    // A visitor's own X-Forwarded-Host must not choose the app (W10).
    let sneaky = to("wiki.localhost:8081", Method::GET, "/.nod/auth")
        .header(COOKIE, format!("__Host-nod-app={cookie}"))
        .header("x-forwarded-host", APP);
    assert_eq!(world.send_from(sneaky.empty(), PROXY).await.status, 401);
    // A proxy that calls us by another name tells the app's in that header.
    let traefik = to("nod:8080", Method::GET, "/.nod/auth")
        .header(COOKIE, format!("__Host-nod-app={cookie}"))
        .header("x-forwarded-host", APP);
    assert_eq!(world.send_from(traefik.empty(), PROXY).await.status, 204);
    let direct = to(APP, Method::GET, "/.nod/auth").header(COOKIE, format!("__Host-nod-app={cookie}"));
    assert_eq!(world.send_from(direct.empty(), VISITOR).await.status, 403, "not a configured proxy");

    let (session, _) = world.engine.admit(&payroll, &cookie).await.unwrap();
    world.engine.end_session(anna.user.id, session.id, "test").await.unwrap();
    assert_eq!(auth(&world, APP, &cookie).await.status, 401);
}

#[tokio::test]
async fn membership_is_judged_at_each_request() {
    let world = World::new();
    let staff = world.engine.add_group("staff").await.unwrap();
    world.engine.add_app("payroll", None, HTTPS_APP, Some(&staff)).await.unwrap();
    let mut anna = enrolled(&world, "anna").await;
    world.engine.set_member(&staff, &anna.user, true).await.unwrap();
    let cookie = through(&world, &mut anna, "/").await;
    assert_eq!(auth(&world, APP, &cookie).await.status, 204);
    world.engine.set_member(&staff, &anna.user, false).await.unwrap();
    let refused = auth(&world, APP, &cookie).await;
    assert_eq!((refused.status.as_u16(), refused.error().as_str()), (403, "forbidden"));
    assert_eq!(refused.header("remote-user"), "");
}

#[tokio::test]
async fn identity_headers_of_the_visitor_count_for_nothing() {
    let world = World::new();
    app(&world).await;
    let request = asked("/.nod/auth").header("remote-user", "admin").header("remote-name", "Admin");
    let answer = world.send_from(request.header("authorization", "Basic YTpi").empty(), PROXY).await;
    assert_eq!((answer.status.as_u16(), answer.header("remote-user")), (401, ""));
}

#[tokio::test]
async fn caddy_is_given_a_redirect_and_nginx_never() {
    let world = World::new();
    app(&world).await;
    let caddy = |method: &str, uri: &str, accept: &str| {
        let request = asked("/.nod/auth").header("x-forwarded-method", method).header("x-forwarded-uri", uri);
        world.send_from(request.header(ACCEPT, accept).empty(), PROXY)
    };
    let led = caddy("GET", "/a?b=c&d=e", "text/html,*/*;q=0.8").await;
    assert_eq!((led.status.as_u16(), led.header("location")), (302, "/.nod/start?return=%2Fa%3Fb%3Dc%26d%3De"));
    let led = caddy("GET", "//evil.example", "text/html").await;
    assert_eq!((led.status.as_u16(), led.header("location")), (302, "/.nod/start?return=%2F"));
    assert_eq!(caddy("POST", "/a", "text/html").await.status, 401);
    assert_eq!(caddy("GET", "/a", "application/json").await.status, 401);
    let nginx = asked("/.nod/auth").header("x-original-uri", "/a").header("x-forwarded-uri", "/a");
    let nginx = nginx.header("x-forwarded-method", "GET").header(ACCEPT, "text/html").empty();
    assert_eq!(world.send_from(nginx, PROXY).await.status, 401);
}

#[tokio::test]
async fn start_leads_to_the_configured_address_and_back_to_a_path() {
    let world = World::new();
    app(&world).await;
    for (path, expected) in [
        ("%2Fa%3Fb", "return=%2Fa%3Fb&"),
        ("%2F%2Fevil.example", "return=%2F&"),
        ("%2F%5Cevil.example", "return=%2F&"),
        ("https%3A%2F%2Fevil.example", "return=%2F&"),
        ("%2F%0d%0aset-cookie%3Aa%3Db", "return=%2F&"),
        ("", "return=%2F&"),
    ] {
        let request = asked(&format!("/.nod/start?return={path}")).header("x-forwarded-host", "evil.example");
        let answer = world.send_from(request.header("x-original-uri", "//evil.example").empty(), PROXY).await;
        let location = answer.header("location");
        assert!(location.starts_with(&format!("{ORIGIN}/sign-in?app=")) && location.contains(expected), "{location}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    }
    let (one, other) = (asked("/.nod/start").empty(), asked("/.nod/start").empty());
    let (one, other) = (world.send_from(one, PROXY).await, world.send_from(other, PROXY).await);
    assert_ne!(one.cookie("__Host-nod-pre"), other.cookie("__Host-nod-pre"));
}

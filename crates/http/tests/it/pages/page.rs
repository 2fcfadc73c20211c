use axum::body::Body;
use http::Request;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, ETAG, IF_NONE_MATCH};
use nod_http::{Face, Verb, routes};

use super::world::{HOST, ORIGIN, World};

/// `script-src` or `style-src` as a list.
fn sources<'a>(policy: &'a str, directive: &str) -> Vec<&'a str> {
    let found = policy.split("; ").find_map(|part| part.strip_prefix(directive)).unwrap();
    found.split_whitespace().collect()
}

/// Whether one of these sources admits this address: by itself, or by its folder.
fn admits(sources: &[&str], address: &str) -> bool {
    sources.iter().any(|source| *source == address || (source.ends_with('/') && address.starts_with(source)))
}

/// What nginx takes of an answer's head unless it is told otherwise, in bytes; 1 KiB is left to the rest and to a longer origin.
const POLICY_ROOM: usize = 3 * 1024;

#[tokio::test]
async fn every_page_lists_exactly_its_own_files() {
    let world = World::new();
    let mut browser = world.browser();
    for path in ["/sign-in", "/sign-in/nameless", "/enrol", "/introduce", "/authenticator", "/sign-in?app=nonsense"] {
        let page = browser.get(path).await;
        assert!(page.headers[CONTENT_TYPE].to_str().unwrap().starts_with("text/html"), "{path}");
        assert_eq!(page.headers[CACHE_CONTROL], "no-store", "{path}");
        let policy = page.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        for part in [
            "default-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
            "require-trusted-types-for 'script'",
            "connect-src 'self'",
        ] {
            assert!(policy.split("; ").any(|given| given == part), "{path} lacks {part}: {policy}");
        }
        assert!(policy.len() < POLICY_ROOM, "{path}: {} bytes", policy.len());
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        let (scripts, styles) = (sources(policy, "script-src "), sources(policy, "style-src "));
        for source in scripts.iter().chain(&styles).filter(|source| **source != "'none'") {
            let file = source.strip_prefix(ORIGIN).unwrap();
            if file.ends_with('/') {
                assert!(scripts.contains(source) && file.starts_with("/assets/") && file != "/assets/", "{source}");
                continue;
            }
            let asset = browser.get(file).await.expect(200);
            let kind = if scripts.contains(source) { "text/javascript" } else { "text/css" };
            assert!(asset.headers[CONTENT_TYPE].to_str().unwrap().starts_with(kind), "{source}");
        }
        for address in page.body.split(['"']).filter(|text| text.starts_with("/assets/")) {
            browser.get(address).await.expect(200);
            let listed = format!("{ORIGIN}{address}");
            let is_image = address.ends_with(".svg") || address.ends_with(".png");
            assert!(is_image || admits(&scripts, &listed) || styles.contains(&listed.as_str()), "{address}");
        }
    }
    let plain = browser.get("/sign-in").await;
    assert!(!plain.body.contains("<script"), "the form needs no script");
    assert_eq!(sources(plain.headers[CONTENT_SECURITY_POLICY].to_str().unwrap(), "script-src "), ["'none'"]);
}

#[tokio::test]
async fn assets_are_kept_for_ever_under_their_hash_and_asked_about_without() {
    let world = World::new();
    let mut browser = world.browser();
    let page = browser.get("/sign-in").await.body;
    let address = page.split('"').find(|text| text.ends_with("shared/base.css")).unwrap().to_owned();
    let hashed = browser.get(&address).await.expect(200);
    assert_eq!(hashed.headers[CACHE_CONTROL], "public, max-age=31536000, immutable");
    let plain = browser.get("/assets/shared/base.css").await.expect(200);
    assert_eq!(plain.headers[CACHE_CONTROL], "no-cache");
    assert_eq!(plain.body, hashed.body);
    let again = Request::get("/assets/shared/base.css").header(IF_NONE_MATCH, plain.headers[ETAG].clone());
    let again = browser.send(again, Body::empty()).await.expect(304);
    assert!(again.body.is_empty());
    for path in [
        "/assets/AAAAAAAAAAAAAAAA/shared/base.css",
        "/assets/templates/base.html",
        "/assets/README.md",
        "/assets/../Cargo.toml",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/shared/../templates/base.html",
    ] {
        browser.get(path).await.expect(404);
    }
    let icon = browser.get("/assets/shared/icon.svg").await.expect(200);
    assert!(icon.headers[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("sandbox"));
}

#[tokio::test]
async fn the_authenticator_brings_worker_and_manifest() {
    let world = World::new();
    let mut browser = world.browser();
    let page = browser.get("/authenticator").await.expect(200);
    let policy = page.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("trusted-types nod-worker") && policy.contains("worker-src 'self'"), "{policy}");
    // It reads QR codes; no other page gets the camera (`hosts.rs`).
    assert_eq!(page.headers["permissions-policy"].to_str().unwrap().matches("camera=(self), microphone=()").count(), 1);
    let worker = browser.get("/authenticator/worker.js").await.expect(200);
    assert_eq!(worker.headers["service-worker-allowed"], "/authenticator");
    assert_eq!(worker.headers[CACHE_CONTROL], "no-cache");
    let own = worker.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
    for line in worker.body.lines().filter_map(|line| line.split_once(" from \"").map(|(_, rest)| rest)) {
        let target = line.trim_end_matches("\";");
        browser.get(target).await.expect(200);
        let listed = format!("{ORIGIN}{target}");
        let both = [own, policy].map(|policy| admits(&sources(policy, "script-src "), &listed));
        assert_eq!(both, [true, true], "{target}");
    }
    let manifest = browser.get("/authenticator/manifest.webmanifest").await.expect(200).json();
    assert_eq!(manifest["name"], "Nod – Example Works");
}

/// W03: no state-changing address of ours takes a request that another site caused, whoever is signed in.
#[tokio::test]
async fn no_post_is_taken_from_another_site() {
    let world = World::new();
    let (_, phone) = world.user_with_phone("anna").await;
    let mut browser = world.browser();
    world.introduce(&mut browser, "anna", &phone, true).await;
    let before = world.engine.store().audit(None, 1000).await.unwrap().len();
    let mut tried = 0;
    for (_, route) in routes().filter(|(face, route)| *face == Face::Own && route.verb != Verb::Get) {
        for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
            let path = route.path.replace("{id}", "AAAAAAAAAAAAAAAAAAAAAA");
            let method: http::Method = route.verb.into();
            let request = Request::builder().method(method).uri(path).header(name, value);
            let refused = browser.send(request.header(CONTENT_TYPE, "text/plain"), Body::from("{}")).await;
            assert_eq!(refused.status, 403, "{}: {}", route.path, refused.body);
            assert!(refused.set_cookies().is_empty());
            tried += 1;
        }
    }
    assert!(tried > 40);
    assert_eq!(world.engine.store().audit(None, 1000).await.unwrap().len(), before);
    browser.get("/portal").await.expect(200);
}

#[tokio::test]
async fn two_cookies_of_one_name_are_none() {
    let world = World::new();
    let (_, phone) = world.user_with_phone("anna").await;
    let mut browser = world.browser();
    world.introduce(&mut browser, "anna", &phone, false).await;
    let session = browser.cookies.remove("__Host-nod-session").unwrap();
    let twice = Request::get("/portal").header(COOKIE, format!("__Host-nod-session={session}; __Host-nod-session=x"));
    browser.send(twice, Body::empty()).await.expect(303);
    let once = Request::get("/portal").header(COOKIE, format!("__Host-nod-session={session}"));
    browser.send(once, Body::empty()).await.expect(200);
    assert_eq!(HOST, "nod.example.com");
}

use axum::body::Body;
use http::Request;
use http::header::{CONTENT_TYPE, ORIGIN as ORIGIN_HEADER};
use nod_core::{Millis, limits};
use nod_protocol::answer::Decision;
use nod_protocol::{b64, sha256};
use serde_json::json;

use super::world::{Answer, PASSWORD, World, challenge};

#[tokio::test]
async fn password_then_passkey_binds_the_browser_and_the_next_sign_in_asks_the_phone() {
    let world = World::new();
    let (user, phone) = world.user_with_phone("anna").await;
    let mut browser = world.browser();

    let begun = browser.sign_in("anna", PASSWORD).await.expect(303);
    assert_eq!(begun.location(), "/sign-in/continue");
    let [cookie] = begun.set_cookies().try_into().unwrap();
    assert!(cookie.starts_with("__Host-nod-sign-in=") && cookie.ends_with("Max-Age=600"), "{cookie}");
    browser.get("/sign-in/continue").await.expect(200);
    assert_eq!(browser.get("/sign-in/status").await.expect(200).json()["phase"], "introduce");
    assert!(phone.pending(&world.engine).await.is_empty(), "INV-11: an unknown browser rings nobody");

    let options = browser.post("/sign-in/passkey/options", json!({})).await.expect(200).json();
    let elsewhere = phone.assert_at(&challenge(&options), "https://nod.example.com.evil.example");
    let relayed = json!({"assertion": elsewhere, "keep_browser": true});
    browser.post("/sign-in/passkey", relayed).await.expect(401);
    let body = json!({"assertion": phone.assert(&challenge(&options)), "keep_browser": true});
    assert_eq!(browser.post("/sign-in/passkey", body).await.expect(200).json()["phase"], "ready");
    let done = browser.post("/sign-in/finish", json!({})).await.expect(200);
    assert_eq!(done.json(), json!({"location": "/portal"}));
    assert!(browser.cookies.contains_key("__Host-nod-session") && browser.cookies.contains_key("__Host-nod-browser"));
    assert!(!browser.cookies.contains_key("__Host-nod-sign-in"));
    browser.get("/portal").await.expect(200);
    assert_eq!(world.engine.store().browsers_of(user.id).await.unwrap().len(), 1);

    let first_secret = browser.cookies["__Host-nod-browser"].clone();
    world.clock.advance(limits::BROWSER_ROTATION_GRACE);
    browser.sign_in("anna", PASSWORD).await.expect(303);
    assert_ne!(browser.cookies["__Host-nod-browser"], first_secret, "rotated at each use");
    let status = browser.get("/sign-in/status").await.expect(200).json();
    assert_eq!((status["phase"].as_str(), status["devices"][0].as_str()), (Some("waiting"), Some("Phone 11")));
    assert!(browser.first_event("/sign-in/events").await.starts_with("event: state\ndata: {\"phase\":\"waiting\""));
    browser.post("/sign-in/finish", json!({})).await.expect(409);
    phone.answer(&world.engine, Decision::Approve, None).await.unwrap();
    assert_eq!(browser.get("/sign-in/status").await.expect(200).json()["phase"], "ready");
    let session = browser.cookies["__Host-nod-session"].clone();
    let mut copy = browser.clone();
    browser.post("/sign-in/finish", json!({})).await.expect(200);
    assert_ne!(browser.cookies["__Host-nod-session"], session);
    copy.post("/sign-in/finish", json!({})).await.expect(409);
}

#[tokio::test]
async fn what_can_be_pressed_while_waiting() {
    let world = World::new();
    let (_, phone) = world.user_with_phone("anna").await;
    let mut browser = world.browser();
    world.introduce(&mut browser, "anna", &phone, true).await;

    browser.sign_in("anna", PASSWORD).await.expect(303);
    browser.post("/sign-in/resend", json!({})).await.expect(200);
    phone.answer(&world.engine, Decision::Deny, None).await.unwrap();
    let denied = browser.get("/sign-in/status").await.json();
    assert_eq!((denied["phase"].as_str(), denied["outcome"].as_str()), (Some("ended"), Some("denied")));
    world.clock.advance(Millis(1));
    let again = browser.post("/sign-in/again", json!({})).await.expect(200).json();
    assert_eq!(again["phase"], "waiting");
    let number = again["number"].as_str().expect("INV-08: a number after a denial").parse().unwrap();
    phone.answer(&world.engine, Decision::Approve, Some(number)).await.unwrap();
    browser.post("/sign-in/finish", json!({})).await.expect(200);

    browser.sign_in("anna", PASSWORD).await.expect(303);
    let cancelled = browser.post("/sign-in/cancel", json!({})).await.expect(200).json();
    assert_eq!((cancelled["phase"].as_str(), cancelled["outcome"].as_str()), (Some("ended"), Some("withdrawn")));
    browser.post("/sign-in/cancel", json!({})).await.expect(409);
    assert!(phone.pending(&world.engine).await.is_empty());

    browser.sign_in("anna", PASSWORD).await.expect(303);
    world.clock.advance(limits::CHALLENGE_LIFE);
    let late = browser.get("/sign-in/status").await.json();
    assert_eq!((late["phase"].as_str(), late["outcome"].as_str()), (Some("ended"), Some("expired")));
}

fn outside(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let headers = answer.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (answer.status.as_u16(), headers.collect(), answer.body.clone())
}

#[tokio::test]
async fn a_wrong_password_tells_nothing_about_the_name() {
    let world = World::new();
    let (user, _) = world.user_with_phone("anna").await;
    world.user("bert").await;
    let cara = world.user("cara").await;
    world.engine.set_user_state(&cara, nod_core::people::UserState::Disabled).await.unwrap();
    let known = outside(&world.browser().sign_in("anna", "wrong").await);
    assert_eq!(known.0, 401);
    assert!(known.2.contains("User name or password is not right. Try again."));
    let same = |name: &str, (status, headers, body): (u16, Vec<(String, String)>, String)| {
        let body = body.replace(&format!("value=\"{name}\""), "value=\"anna\"");
        assert_eq!((status, headers, body), known, "INV-29: {name}");
    };
    same("bert", outside(&world.browser().sign_in("bert", "wrong").await));
    same("cara", outside(&world.browser().sign_in("cara", "wrong").await));
    same("cara", outside(&world.browser().sign_in("cara", PASSWORD).await));
    same("dora", outside(&world.browser().sign_in("dora", "wrong").await));
    let hostile = world.browser().sign_in("%3Cscript%3Ealert(1)%3C/script%3E", "wrong").await.expect(401);
    assert!(!hostile.body.contains("<script"), "{}", hostile.body);
    assert_eq!(user.name, "anna");
}

#[tokio::test]
async fn too_many_tries_are_a_page_that_says_so() {
    let world = World::new();
    world.user("anna").await;
    let mut browser = world.browser();
    for _ in 0..limits::PASSWORD_TRIES_PER_NAME.count {
        browser.sign_in("anna", "wrong").await.expect(401);
    }
    let over = browser.sign_in("anna", PASSWORD).await.expect(429);
    assert!(over.headers.contains_key("retry-after") && over.body.contains("Too many tries"), "{}", over.body);
    assert!(over.headers["content-type"].to_str().unwrap().starts_with("text/html"));
}

#[tokio::test]
async fn only_our_own_pages_may_sign_in() {
    let world = World::new();
    world.user("anna").await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let request =
            Request::post("/sign-in").header(name, value).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let body = Body::from(format!("user=anna&password={}", PASSWORD.replace(' ', "+")));
        let refused = world.browser().send(request, body).await.expect(403);
        assert!(refused.set_cookies().is_empty(), "W06");
    }
    let old = Request::post("/sign-in").header(ORIGIN_HEADER, super::world::ORIGIN);
    let old = old.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let body = Body::from(format!("user=anna&password={}", PASSWORD.replace(' ', "+")));
    world.browser().send(old, body).await.expect(303);
}

#[tokio::test]
async fn the_sign_in_belongs_to_the_browser_that_began_it() {
    let world = World::new();
    let (_, phone) = world.user_with_phone("anna").await;
    let (mut own, mut other) = (world.browser(), world.browser());
    world.introduce(&mut own, "anna", &phone, true).await;
    own.sign_in("anna", PASSWORD).await.expect(303);
    let cookie = own.cookies["__Host-nod-sign-in"].clone();
    let (id, _) = cookie.split_once('.').unwrap();
    for planted in [format!("{id}.{}", b64::encode([0; 32])), id.to_owned(), "x".to_owned()] {
        other.cookies.insert("__Host-nod-sign-in".to_owned(), planted);
        for path in
            ["/sign-in/finish", "/sign-in/cancel", "/sign-in/again", "/sign-in/resend", "/sign-in/passkey/options"]
        {
            other.post(path, json!({})).await.expect(401);
        }
        other.get("/sign-in/events").await.expect(401);
        assert_eq!(other.get("/sign-in/continue").await.expect(303).location(), "/sign-in");
    }
    // W05: a cookie planted before the password is replaced by it.
    other.cookies.insert("__Host-nod-sign-in".to_owned(), "planted.secret".to_owned());
    other.sign_in("anna", PASSWORD).await.expect(303);
    assert_ne!(other.cookies["__Host-nod-sign-in"], "planted.secret");
}

#[tokio::test]
async fn a_live_session_goes_on_to_the_app_without_asking_again() {
    let world = World::new();
    let (_, phone) = world.user_with_phone("anna").await;
    let app = world.engine.add_app("payroll", Some("Payroll <b>"), "https://payroll.example.com", None).await.unwrap();
    let binding = b64::encode(sha256(b"pre-login cookie"));
    let address = format!("/sign-in?app={}&return=%2Freports&binding={binding}", app.id);
    let mut browser = world.browser();
    let form = browser.get(&address).await.expect(200);
    assert!(
        form.body.contains("Sign in to Payroll &#60;b&#62;") && form.body.contains("value=\"/reports\""),
        "{}",
        form.body
    );

    world.introduce(&mut browser, "anna", &phone, false).await;
    assert!(!browser.cookies.contains_key("__Host-nod-browser"), "not my computer: nothing is kept");
    assert_eq!(browser.get("/sign-in").await.expect(303).location(), "/portal");
    let on = browser.get(&address).await.expect(303);
    assert!(on.location().starts_with("https://payroll.example.com/.nod/callback?code="), "{}", on.location());
    browser.get(&format!("{address}&fresh=1")).await.expect(200);

    browser.get("/sign-in?app=AAAAAAAAAAAAAAAAAAAAAA&binding=x").await.expect(404);
    browser.get(&format!("/sign-in?app={}", app.id)).await.expect(400);
    world.clock.advance(limits::SESSION_IDLE);
    browser.get(&address).await.expect(200);

    let form =
        format!("app={}&return=%2Freports&binding={binding}&user=anna&password={}", app.id, PASSWORD.replace(' ', "+"));
    browser.post_form("/sign-in", &form).await.expect(303);
    let cancelled = browser.post("/sign-in/cancel", json!({})).await.expect(200).json();
    assert_eq!(cancelled["location"], format!("/sign-in?app={}&return=%2Freports&binding={binding}", app.id));
    browser.post_form("/sign-in", &form).await.expect(303);
    let options = browser.post("/sign-in/passkey/options", json!({})).await.expect(200).json();
    let body = json!({"assertion": phone.assert(&challenge(&options)), "keep_browser": false});
    browser.post("/sign-in/passkey", body).await.expect(200);
    let done = browser.post("/sign-in/finish", json!({})).await.expect(200).json();
    assert!(done["location"].as_str().unwrap().starts_with("https://payroll.example.com/.nod/callback?code="));
}

#[tokio::test]
async fn who_is_not_admitted_is_told_after_the_password_only() {
    let world = World::new();
    world.user_with_phone("anna").await;
    let group = world.engine.add_group("staff").await.unwrap();
    let app = world.engine.add_app("payroll", None, "https://payroll.example.com", Some(&group)).await.unwrap();
    let binding = b64::encode(sha256(b"pre-login cookie"));
    let form =
        |password: &str| format!("app={}&binding={binding}&user=anna&password={}", app.id, password.replace(' ', "+"));
    world.browser().post_form("/sign-in", &form("wrong")).await.expect(401);
    let told = world.browser().post_form("/sign-in", &form(PASSWORD)).await.expect(403);
    assert!(told.body.contains("Your account is not admitted to this app"), "{}", told.body);
}

#[tokio::test]
async fn an_introduction_link_binds_once() {
    let world = World::new();
    let (user, phone) = world.user_with_phone("anna").await;
    let token = world.engine.make_introduction_link(user.id).await.unwrap();
    let mut browser = world.browser();
    browser.get("/introduce").await.expect(200);
    browser.post("/introduce", json!({"token": token, "user": "anna", "password": "wrong"})).await.expect(403);
    browser.post("/introduce", json!({"token": token, "user": "anna", "password": PASSWORD})).await.expect(204);
    world.browser().post("/introduce", json!({"token": token, "user": "anna", "password": PASSWORD})).await.expect(403);
    browser.sign_in("anna", PASSWORD).await.expect(303);
    assert_eq!(phone.pending(&world.engine).await.len(), 1);

    let late = world.engine.make_introduction_link(user.id).await.unwrap();
    world.clock.advance(Millis(limits::INTRODUCTION_LINK_LIFE.0));
    world.browser().post("/introduce", json!({"token": late, "user": "anna", "password": PASSWORD})).await.expect(403);
}

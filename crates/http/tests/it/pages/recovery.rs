//! Recovery codes over HTTP: INV-15, INV-19, INV-24; attacks E15 and F14.

use nod_core::limits;
use nod_protocol::device_api::paths;
use serde_json::json;

use super::softphone::SoftPhone;
use super::world::{PASSWORD, World};

#[tokio::test]
async fn codes_come_once_and_only_to_a_fresh_session() {
    let world = World::new();
    let (_, phone) = world.user_with_phone("anna").await;
    let mut browser = world.browser();
    browser.post("/portal/recovery", json!({})).await.expect(401);
    world.introduce(&mut browser, "anna", &phone, true).await;
    assert_eq!(browser.get("/portal/state").await.expect(200).json()["recovery_codes"], 0);
    let made = browser.post("/portal/recovery", json!({})).await.expect(200);
    assert_eq!(made.headers["cache-control"], "no-store", "W15");
    let codes = made.json()["codes"].as_array().unwrap().clone();
    assert_eq!(codes.len(), limits::RECOVERY_CODES);
    let state = browser.get("/portal/state").await.expect(200);
    assert_eq!(state.json()["recovery_codes"], limits::RECOVERY_CODES);
    let history = browser.get("/portal/history").await.expect(200);
    assert_eq!(history.json()["events"][0]["kind"], "recovery_made");
    let shown = |body: &str| codes.iter().any(|code| body.contains(code.as_str().unwrap()));
    assert!(!shown(&state.body) && !shown(&history.body), "INV-24");
    world.clock.advance(limits::FRESH_SIGN_IN);
    let stale = browser.post("/portal/recovery", json!({})).await.expect(403);
    assert_eq!(stale.json()["location"], "/sign-in?fresh=1", "INV-15");
}

/// F14 over HTTP: a code typed in a browser that nobody knows gives the window for one phone, and nothing else.
#[tokio::test]
async fn a_code_gives_a_window_for_one_phone_and_no_session() {
    let world = World::new();
    let (_, phone) = world.user_with_phone("anna").await;
    let mut own = world.browser();
    world.introduce(&mut own, "anna", &phone, true).await;
    let made = own.post("/portal/recovery", json!({})).await.expect(200).json();
    let code = made["codes"][0].as_str().unwrap().to_owned();

    let mut stranger = world.browser();
    stranger.sign_in("anna", PASSWORD).await.expect(303);
    let status = stranger.get("/sign-in/status").await.expect(200).json();
    assert_eq!((&status["phase"], &status["can_recover"]), (&json!("introduce"), &json!(true)));
    let wrong = stranger.post("/sign-in/recover", json!({"code": "AAAA-AAAA"})).await.expect(422);
    assert!(wrong.set_cookies().is_empty());
    let used = stranger.post("/sign-in/recover", json!({"code": code})).await.expect(200);
    assert_eq!(used.json()["location"], "/enrol");
    let names: Vec<&str> = stranger.cookies.keys().map(String::as_str).collect();
    assert_eq!(names, ["__Host-nod-enrol"], "INV-19: no session, no browser, and the sign-in is over");
    assert!(!used.body.contains(&code));
    stranger.get("/portal/state").await.expect(401);
    stranger.post("/portal/recovery", json!({})).await.expect(401);

    let status = stranger.get("/enrol/status").await.expect(200).json();
    assert_eq!((&status["step"], &status["on_hold"]), (&json!("code"), &json!(true)));
    assert_eq!(status["can_use_key"], false, "a key cannot be put on hold");
    stranger.post("/enrol/key/options", json!({})).await.expect(403);
    let shown = stranger.post("/enrol/code", json!({})).await.expect(200).json();
    let thief = SoftPhone::join(&world.engine, shown["code"].as_str().unwrap().parse().unwrap(), 71).await;
    let done = stranger.post("/enrol/confirm", json!({"confirmation": thief.confirmation})).await.expect(200).json();
    assert!(done["step"] == "done" && done["held_until"].is_i64(), "{done}");
    stranger.post("/enrol/passkey/options", json!({})).await.expect(409);
    stranger.post("/enrol/passkey", json!({"assertion": null})).await.expect(409);

    // The owner sees it and takes it back, from the phone; the portal then has nothing left to take back.
    let state = own.get("/portal/state").await.expect(200).json();
    assert_eq!((&state["recovery_open"], &state["recovery_codes"]), (&json!(true), &json!(9)));
    let phones = state["phones"].as_array().unwrap();
    assert_eq!(phones.iter().filter(|phone| phone["held_until"].is_i64()).count(), 1, "{state}");
    let session = world.engine.phone(&phone.token).await.unwrap();
    let told = world.engine.notices(&session).await.unwrap();
    assert!(told.iter().any(|notice| notice.kind == "recovery_used" && notice.can_cancel), "{told:?}");
    own.post("/portal/recovery/cancel", json!({})).await.expect(204);
    own.post("/portal/recovery/cancel", json!({})).await.expect(409);
    assert!(world.engine.phone(&thief.token).await.is_err());
    let state = own.get("/portal/state").await.expect(200).json();
    assert_eq!((&state["recovery_open"], &state["recovery_codes"]), (&json!(false), &json!(0)));
}

/// A phone says "this wasn't me" over its own API.
#[tokio::test]
async fn a_phone_takes_a_recovery_back() {
    let world = World::new();
    let (_, phone) = world.user_with_phone("anna").await;
    let mut own = world.browser();
    world.introduce(&mut own, "anna", &phone, true).await;
    let made = own.post("/portal/recovery", json!({})).await.expect(200).json();
    let mut stranger = world.browser();
    stranger.sign_in("anna", PASSWORD).await.expect(303);
    stranger.post("/sign-in/recover", json!({"code": made["codes"][5]})).await.expect(200);
    let mut app = world.browser();
    app.cookies.insert("__Host-nod-device".to_owned(), phone.token.clone());
    app.post(paths::CANCEL_RECOVERY, json!({"device": phone.device.to_string()})).await.expect(204);
    stranger.get("/enrol/status").await.expect(200);
    stranger.post("/enrol/code", json!({})).await.expect(409);
}

use nod_core::limits;
use nod_core::possession::DeviceState;
use serde_json::json;

use super::softphone::SoftPhone;
use super::world::{PASSWORD, World, challenge};

#[tokio::test]
async fn from_link_to_an_introduced_browser() {
    let world = World::new();
    let user = world.engine.add_user("anna", Some("Anna Berg"), false).await.unwrap();
    let (_, token) = world.engine.open_enrolment(user.id).await.unwrap();
    let mut browser = world.browser();
    browser.get("/enrol").await.expect(200);
    browser.get("/enrol/status").await.expect(401);
    let opened = browser.post("/enrol/open", json!({"token": token})).await.expect(200);
    assert_eq!(
        (opened.json()["step"].as_str(), opened.json()["user"].as_str()),
        (Some("choose_password"), Some("anna"))
    );
    assert!(opened.set_cookies()[0].ends_with("SameSite=Strict; Max-Age=3600"), "{:?}", opened.set_cookies());
    browser.post("/enrol/code", json!({})).await.expect(409);
    browser.post("/enrol/password", json!({"password": "short"})).await.expect(400);
    assert_eq!(browser.post("/enrol/password", json!({"password": PASSWORD})).await.expect(200).json()["step"], "code");

    let shown = browser.post("/enrol/code", json!({})).await.expect(200).json();
    let code = shown["code"].as_str().unwrap();
    assert_eq!(shown["link"], format!("https://nod.example.com/authenticator#enrol={code}"));
    assert!(shown["qr"].as_str().unwrap().starts_with("<svg"));
    assert_eq!(browser.get("/enrol/status").await.json()["code"], json!(null), "shown once, stored as a hash");
    let phone = SoftPhone::join(&world.engine, code.parse().unwrap(), 11).await;

    let event = browser.first_event("/enrol/events").await;
    assert!(event.contains("\"step\":\"confirm\"") && !event.contains(&phone.confirmation.to_string()), "{event}");
    let other = if phone.confirmation.to_string() == "123456" { "654321" } else { "123456" };
    browser.post("/enrol/confirm", json!({"confirmation": other})).await.expect(409);
    browser.post("/enrol/passkey/options", json!({})).await.expect(409);
    let confirmed = browser.post("/enrol/confirm", json!({"confirmation": phone.confirmation})).await.expect(200);
    assert_eq!(confirmed.json()["step"], "introduce");

    let options = browser.post("/enrol/passkey/options", json!({})).await.expect(200).json();
    browser.post("/enrol/passkey", json!({})).await.expect(400);
    let foreign = phone.assert_at(&challenge(&options), "https://evil.example");
    browser.post("/enrol/passkey", json!({"assertion": foreign})).await.expect(401);
    assert!(!browser.cookies.contains_key("__Host-nod-browser"));
    let own = phone.assert(&challenge(&options));
    assert_eq!(browser.post("/enrol/passkey", json!({"assertion": own})).await.expect(200).json()["step"], "done");
    browser.sign_in("anna", PASSWORD).await.expect(303);
    assert_eq!(phone.pending(&world.engine).await.len(), 1);
}

#[tokio::test]
async fn on_somebody_elses_computer_nothing_is_kept() {
    let world = World::new();
    let user = world.user("anna").await;
    let mut browser = world.browser();
    let code = world.code(&mut browser, &user).await;
    let phone = SoftPhone::join(&world.engine, code, 11).await;
    browser.post("/enrol/confirm", json!({"confirmation": phone.confirmation})).await.expect(200);
    let done = browser.post("/enrol/passkey", json!({"assertion": null})).await.expect(200);
    assert_eq!(done.json()["step"], "done");
    assert!(done.set_cookies().is_empty());
    assert!(world.engine.store().browsers_of(user.id).await.unwrap().is_empty());
}

/// E18: the attacker's browser opens the enrolment and shows the victim the real code; the victim enrols and confirms.
#[tokio::test]
async fn a_relayed_enrolment_binds_nothing_and_rings_nobody() {
    let world = World::new();
    let user = world.user("victim").await;
    let mut attacker = world.browser();
    let code = world.code(&mut attacker, &user).await;
    let phone = SoftPhone::join(&world.engine, code, 11).await;
    attacker.post("/enrol/confirm", json!({"confirmation": phone.confirmation})).await.expect(200);

    let options = attacker.post("/enrol/passkey/options", json!({})).await.expect(200).json();
    // The victim's browser signs for the page that it is on, which is the attacker's.
    let relayed = phone.assert_at(&challenge(&options), "https://nod-example.com");
    attacker.post("/enrol/passkey", json!({"assertion": relayed})).await.expect(401);
    attacker.post("/enrol/passkey", json!({"assertion": null})).await.expect(200);

    assert!(!attacker.cookies.contains_key("__Host-nod-browser"));
    assert!(world.engine.store().browsers_of(user.id).await.unwrap().is_empty());
    attacker.sign_in("victim", PASSWORD).await.expect(303);
    assert_eq!(attacker.get("/sign-in/status").await.expect(200).json()["phase"], "introduce");
    assert!(phone.pending(&world.engine).await.is_empty());
    attacker.post("/sign-in/finish", json!({})).await.expect(409);
    assert!(!attacker.cookies.contains_key("__Host-nod-session"));
}

#[tokio::test]
async fn a_link_opens_once_and_is_void_after_five_wrong_passwords() {
    let world = World::new();
    let user = world.user("anna").await;
    let (_, token) = world.engine.open_enrolment(user.id).await.unwrap();
    let mut first = world.browser();
    first.post("/enrol/open", json!({"token": token})).await.expect(200);
    for _ in 0..2 {
        let again = world.browser().post("/enrol/open", json!({"token": token})).await.expect(404);
        assert!(again.set_cookies().is_empty(), "E02");
    }
    world.browser().post("/enrol/open", json!({"token": "unknown"})).await.expect(404);
    for _ in 0..limits::ENROLMENT_PASSWORD_TRIES {
        first.post("/enrol/password", json!({"password": "wrong"})).await.expect(403);
    }
    let void = first.post("/enrol/password", json!({"password": PASSWORD})).await.expect(403);
    assert!(void.body.contains("ask your administrator"), "{}", void.body);

    let (_, late) = world.engine.open_enrolment(user.id).await.unwrap();
    world.clock.advance(limits::ENROLMENT_LINK_LIFE);
    world.browser().post("/enrol/open", json!({"token": late})).await.expect(404);
}

/// E01: somebody photographed the code and was faster.
#[tokio::test]
async fn other_digits_on_the_phone_end_the_stranger_and_leave_a_new_code() {
    let world = World::new();
    let user = world.user("anna").await;
    let mut browser = world.browser();
    let code = world.code(&mut browser, &user).await;
    let stranger = SoftPhone::join(&world.engine, code, 21).await;
    assert_eq!(browser.post("/enrol/refuse", json!({})).await.expect(200).json()["step"], "code");
    let state = world.engine.store().device(stranger.device).await.unwrap().unwrap().state;
    assert_eq!(state, DeviceState::Revoked);
    browser.post("/enrol/confirm", json!({"confirmation": stranger.confirmation})).await.expect(409);
    let code = browser.post("/enrol/code", json!({})).await.expect(200).json();
    let own = SoftPhone::join(&world.engine, code["code"].as_str().unwrap().parse().unwrap(), 31).await;
    browser.post("/enrol/confirm", json!({"confirmation": own.confirmation})).await.expect(200);
}

#[tokio::test]
async fn a_new_code_voids_the_one_before_and_the_session_ends_in_time() {
    let world = World::new();
    let user = world.user("anna").await;
    let mut browser = world.browser();
    let first = world.code(&mut browser, &user).await;
    let renewed = browser.post("/enrol/code", json!({})).await.expect(200).json();
    assert_ne!(renewed["code"], first.to_string());
    let life = renewed["expires_at"].as_i64().unwrap() - renewed["now"].as_i64().unwrap();
    assert_eq!(life, limits::ENROLMENT_CODE_LIFE.0);
    let store = world.engine.store();
    assert!(store.enrolment_by_code(nod_engine::hash_secret(&first.to_string())).await.unwrap().is_none());
    world.clock.advance(limits::ENROLMENT_SESSION_LIFE);
    browser.get("/enrol/status").await.expect(410);
}

#[tokio::test]
async fn a_code_that_ran_out_is_renewed() {
    let world = World::new();
    let user = world.user("anna").await;
    let mut browser = world.browser();
    let first = world.code(&mut browser, &user).await;
    world.clock.advance(limits::ENROLMENT_CODE_LIFE);
    let renewed = browser.post("/enrol/code", json!({})).await.expect(200).json();
    assert_ne!(renewed["code"], first.to_string());
}

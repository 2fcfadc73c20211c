use nod_core::limits;
use nod_protocol::answer::Decision;
use serde_json::json;

use super::softphone::SoftPhone;
use super::world::{PASSWORD, World};

#[tokio::test]
async fn the_page_shows_what_protects_the_account() {
    let world = World::new();
    let (user, phone) = world.user_with_phone("anna").await;
    let mut browser = world.browser();
    assert_eq!(browser.get("/account").await.expect(303).location(), "/sign-in");
    assert_eq!(browser.get("/").await.expect(303).location(), "/account");
    world.introduce(&mut browser, "anna", &phone, true).await;
    world.engine.rename_device(user.id, phone.device, "<img src=x onerror=alert(1)>").await.unwrap();
    let page = browser.get("/account").await.expect(200).body;
    assert!(page.contains("Your account is protected by: &#60;img src=x onerror=alert(1)&#62;."), "{page}");
    assert!(!page.contains("<img") && page.contains("Firefox on Linux") && page.contains("introduced with a passkey"));
    assert!(page.contains("signed in just now") && page.contains("203.0.113.9"), "{page}");
    assert!(!page.contains("id=\"bind\""), "this browser is bound");
}

#[tokio::test]
async fn adding_a_phone_needs_a_fresh_sign_in() {
    let world = World::new();
    let (user, phone) = world.user_with_phone("anna").await;
    let mut browser = world.browser();
    world.introduce(&mut browser, "anna", &phone, true).await;
    world.clock.advance(limits::FRESH_SIGN_IN);
    let stale = browser.post("/account/enrol", json!({})).await.expect(403);
    assert_eq!(stale.json()["location"], "/sign-in?fresh=1", "INV-15");
    assert!(stale.set_cookies().is_empty());
    browser.get("/sign-in?fresh=1").await.expect(200);
    browser.sign_in("anna", PASSWORD).await.expect(303);
    phone.answer(&world.engine, Decision::Approve, None).await.unwrap();
    browser.post("/sign-in/finish", json!({})).await.expect(200);
    assert_eq!(browser.post("/account/enrol", json!({})).await.expect(200).json()["location"], "/enrol");
    assert_eq!(browser.get("/enrol/status").await.expect(200).json()["step"], "code");
    let code = browser.post("/enrol/code", json!({})).await.expect(200).json();
    let second = SoftPhone::join(&world.engine, code["code"].as_str().unwrap().parse().unwrap(), 41).await;
    browser.post("/enrol/confirm", json!({"confirmation": second.confirmation})).await.expect(200);
    assert_eq!(world.engine.store().devices_of(user.id).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_the_users_can_be_taken_away_and_nothing_else() {
    let world = World::new();
    let (anna, phone) = world.user_with_phone("anna").await;
    let mut browser = world.browser();
    world.introduce(&mut browser, "anna", &phone, true).await;
    let bert = world.user("bert").await;
    let mut asking = world.browser();
    let code = world.code(&mut asking, &bert).await;
    let bert_phone = SoftPhone::join(&world.engine, code, 51).await;
    asking.post("/enrol/confirm", json!({"confirmation": bert_phone.confirmation})).await.expect(200);
    let mut stranger = world.browser();
    world.introduce(&mut stranger, "bert", &bert_phone, true).await;

    let store = world.engine.store();
    let bound = store.browsers_of(anna.id).await.unwrap()[0].id;
    let session = store.sessions_of(anna.id).await.unwrap()[0].id;
    let rename = format!("/account/devices/{}/rename", phone.device);
    for path in [
        format!("/account/devices/{}/revoke", phone.device),
        format!("/account/browsers/{bound}/unbind"),
        format!("/account/sessions/{session}/end"),
    ] {
        stranger.post(&path, json!({})).await.expect(404);
        world.browser().post(&path, json!({})).await.expect(401);
    }
    stranger.post(&rename, json!({"name": "Mine now"})).await.expect(404);
    browser.post("/account/devices/nonsense/revoke", json!({})).await.expect(404);

    browser.post(&rename, json!({"name": "  Old\u{202e} Pixel "})).await.expect(204);
    assert_eq!(store.device(phone.device).await.unwrap().unwrap().name, "Old Pixel");
    world.clock.advance(limits::FRESH_SIGN_IN);
    for path in [format!("/account/devices/{}/revoke", phone.device), format!("/account/browsers/{bound}/unbind")] {
        let again = browser.post(&path, json!({})).await.expect(403).json();
        assert_eq!(again["location"], "/sign-in?fresh=1", "INV-15");
    }
    world.clock.advance(nod_core::Millis(-1));
    browser.post(&format!("/account/devices/{}/revoke", phone.device), json!({})).await.expect(204);
    assert!(world.engine.phone(&phone.token).await.is_err());
    browser.post(&format!("/account/browsers/{bound}/unbind"), json!({})).await.expect(204);
    assert_eq!(browser.get("/account").await.expect(303).location(), "/sign-in", "its sessions end with it");
}

#[tokio::test]
async fn signing_out_ends_the_session_itself() {
    let world = World::new();
    let (_, phone) = world.user_with_phone("anna").await;
    let mut browser = world.browser();
    world.introduce(&mut browser, "anna", &phone, false).await;
    let mut copy = browser.clone();
    assert_eq!(browser.post("/account/sign-out", json!({})).await.expect(200).json()["location"], "/sign-in");
    assert!(!browser.cookies.contains_key("__Host-nod-session"));
    copy.get("/account").await.expect(303);
    copy.post("/account/sign-out", json!({})).await.expect(401);
}

//! Recovery codes over HTTP: INV-15, INV-24.

use nod_core::limits;
use serde_json::json;

use super::world::World;

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

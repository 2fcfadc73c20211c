use nod_core::limits;
use nod_core::people::User;
use nod_core::possession::Notifications;
use nod_core::push::{Stage, Subscription};
use nod_core::{DeviceId, SubscriptionId};
use nod_engine::ports::Write;
use nod_protocol::answer::Decision;
use nod_protocol::portal::{BoundHow, DeliveryOutcome, HistoryPage, PortalEvent, PortalState, Reported, RungAbout};
use serde_json::json;

use super::softphone::SoftPhone;
use super::world::{Browser, PASSWORD, World};

async fn look(browser: &mut Browser) -> PortalState {
    serde_json::from_value(browser.get("/portal/state").await.expect(200).json()).unwrap()
}

/// Gives the phone a subscription, as if it had allowed notifications.
async fn can_be_rung(world: &World, phone: &SoftPhone) {
    let id = SubscriptionId([9; 16]);
    let row = Subscription {
        id,
        endpoint: "https://push.example.net/x".to_owned(),
        p256dh: vec![4; 65],
        auth: vec![1; 16],
        refusals: 0,
    };
    let device = phone.device;
    let user = world.engine.store().device(device).await.unwrap().unwrap().user;
    let notifications = Notifications::Granted;
    let set = Write::SetNotifications { device, user, notifications, subscription: Some(id) };
    world.engine.store().commit(vec![Write::PutSubscription(row), set]).await.unwrap();
}

#[tokio::test]
async fn the_portal_shows_what_protects_the_account() {
    let world = World::new();
    let (user, phone) = world.user_with_phone("anna").await;
    let mut browser = world.browser();
    assert_eq!(browser.get("/portal").await.expect(303).location(), "/sign-in");
    assert_eq!(browser.get("/").await.expect(303).location(), "/portal");
    browser.get("/portal/state").await.expect(401);
    world.introduce(&mut browser, "anna", &phone, true).await;
    world.engine.rename_device(user.id, phone.device, "<img src=x>").await.unwrap();
    let page = browser.get("/portal").await.expect(200).body;
    assert!(page.contains("portal/portal.js") && !page.contains("<img"), "{page}");
    let state = look(&mut browser).await;
    assert_eq!((state.user.name.as_str(), state.phones.len()), ("anna", 1));
    assert_eq!(state.phones[0].name, "<img src=x>", "the script shows it as text");
    assert!(state.browsers[0].current && state.browsers[0].how == BoundHow::Passkey);
    assert!(state.sessions[0].current && state.sessions[0].address == "203.0.113.9");
    assert_eq!(state.sessions[0].browser, "Firefox on Linux");
    assert_eq!(state.fresh_until, state.sessions[0].started_at + limits::FRESH_SIGN_IN.0);
}

#[tokio::test]
async fn adding_a_phone_needs_a_fresh_sign_in() {
    let world = World::new();
    let (user, phone) = world.user_with_phone("anna").await;
    let mut browser = world.browser();
    world.introduce(&mut browser, "anna", &phone, true).await;
    world.clock.advance(limits::FRESH_SIGN_IN);
    let stale = browser.post("/portal/enrol", json!({})).await.expect(403);
    assert_eq!(stale.json()["location"], "/sign-in?fresh=1", "INV-15, E04");
    assert!(stale.set_cookies().is_empty());
    // With the session alone no other step of an enrolment opens either (E04).
    for (path, body) in [
        ("/enrol/code", json!({})),
        ("/enrol/password", json!({"password": PASSWORD})),
        ("/enrol/confirm", json!({"confirmation": "123456"})),
        ("/enrol/passkey/options", json!({})),
    ] {
        browser.post(path, body).await.expect(401);
    }
    browser.get("/sign-in?fresh=1").await.expect(200);
    browser.sign_in("anna", PASSWORD).await.expect(303);
    phone.answer(&world.engine, Decision::Approve, None).await.unwrap();
    browser.post("/sign-in/finish", json!({})).await.expect(200);
    assert_eq!(browser.post("/portal/enrol", json!({})).await.expect(200).json()["location"], "/enrol");
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
    can_be_rung(&world, &phone).await;
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
    let test = browser.post(&format!("/portal/phones/{}/test", phone.device), json!({})).await.expect(202).json();
    stranger.get(&format!("/portal/tests/{}", test["test"].as_str().unwrap())).await.expect(404);
    let rename = format!("/portal/phones/{}/rename", phone.device);
    let revoke = format!("/portal/phones/{}/revoke", phone.device);
    let forget = format!("/portal/browsers/{bound}/forget");
    for path in
        [&revoke, &forget, &format!("/portal/sessions/{session}/end"), &format!("/portal/phones/{}/test", phone.device)]
    {
        stranger.post(path, json!({})).await.expect(404);
        world.browser().post(path, json!({})).await.expect(401);
    }
    stranger.post(&rename, json!({"name": "Mine now"})).await.expect(404);
    browser.post("/portal/phones/nonsense/revoke", json!({})).await.expect(404);
    // E06: nothing but what the contract names is taken.
    browser.post(&revoke, json!({"even_last": true, "user_id": bert.id.to_string()})).await.expect(400);
    browser.post(&rename, json!({"name": "x", "state": "active"})).await.expect(400);

    browser.post(&rename, json!({"name": "  Old\u{202e} Pixel "})).await.expect(204);
    assert_eq!(store.device(phone.device).await.unwrap().unwrap().name, "Old Pixel");
    world.clock.advance(limits::FRESH_SIGN_IN);
    for path in [&revoke, &forget] {
        let again = browser.post(path, json!({})).await.expect(403).json();
        assert_eq!(again["location"], "/sign-in?fresh=1", "INV-15");
    }
    world.clock.advance(nod_core::Millis(-1));
    let last = browser.post(&revoke, json!({})).await.expect(409).json();
    assert!(last["message"].as_str().unwrap().contains("last phone"), "{last}");
    assert!(world.engine.phone(&phone.token).await.is_ok(), "nothing was taken without the warning");
    browser.post(&revoke, json!({"even_last": true})).await.expect(204);
    assert!(world.engine.phone(&phone.token).await.is_err(), "E16");
    browser.post(&forget, json!({})).await.expect(204);
    assert_eq!(browser.get("/portal").await.expect(303).location(), "/sign-in", "its sessions end with it");
}

/// The phone is rung by the delivery worker, which these tests play.
#[tokio::test]
async fn a_test_push_is_followed_from_the_portal_and_approved_on_the_phone() {
    let world = World::new();
    let (_, phone) = world.user_with_phone("anna").await;
    let mut browser = world.browser();
    world.introduce(&mut browser, "anna", &phone, true).await;
    let path = format!("/portal/phones/{}/test", phone.device);
    let silent = browser.post(&path, json!({})).await.expect(409).json();
    assert!(silent["message"].as_str().unwrap().contains("cannot be rung"), "{silent}");
    can_be_rung(&world, &phone).await;
    assert_eq!(look(&mut browser).await.phones[0].delivery, None);
    let test = browser.post(&path, json!({})).await.expect(202).json()["test"].as_str().unwrap().to_owned();
    let subject: nod_protocol::Id = test.parse().unwrap();
    let user = world.engine.store().device(phone.device).await.unwrap().unwrap().user;
    let stage = async |stage, device: DeviceId| {
        world.clock.advance(nod_core::Millis(700));
        let at = world.engine.store().now().await.unwrap();
        let seen = Write::Stage { subject: subject.0, device, stage, at, sign_in: None, user };
        world.engine.store().commit(vec![seen]).await.unwrap();
    };
    stage(Stage::Sent, phone.device).await;
    stage(Stage::Accepted, phone.device).await;
    stage(Stage::WorkerWoke, phone.device).await;
    let state = browser.get(&format!("/portal/tests/{test}")).await.expect(200).json();
    assert!(state["woke_at"].is_i64() && state["answered_at"].is_null(), "{state}");
    let session = world.engine.phone(&phone.token).await.unwrap();
    assert_eq!(world.engine.self_test(&session, subject).await.unwrap().device.0, phone.device.0);
    world.engine.answer_self_test(&session, subject, &phone.assert(&subject.0)).await.unwrap();
    assert!(browser.get(&format!("/portal/tests/{test}")).await.expect(200).json()["answered_at"].is_i64());
    let delivery = look(&mut browser).await.phones[0].delivery.clone().unwrap();
    assert!(delivery.about == RungAbout::Test && delivery.outcome == DeliveryOutcome::Answered, "{delivery:?}");
    assert_eq!(delivery.at - delivery.sent_at, 1_400);
}

#[tokio::test]
async fn signing_out_ends_the_session_itself() {
    let world = World::new();
    let (_, phone) = world.user_with_phone("anna").await;
    let mut browser = world.browser();
    world.introduce(&mut browser, "anna", &phone, false).await;
    let mut copy = browser.clone();
    assert_eq!(browser.post("/portal/sign-out", json!({})).await.expect(200).json()["location"], "/sign-in");
    assert!(!browser.cookies.contains_key("__Host-nod-session"));
    copy.get("/portal").await.expect(303);
    copy.get("/portal/state").await.expect(401);
    copy.post("/portal/sign-out", json!({})).await.expect(401);
}

async fn events(browser: &mut Browser) -> Vec<PortalEvent> {
    let page: HistoryPage = serde_json::from_value(browser.get("/portal/history").await.expect(200).json()).unwrap();
    page.events
}

/// The newest sign-in that may be reported.
async fn reportable(browser: &mut Browser) -> PortalEvent {
    events(browser).await.into_iter().find(|event| event.reportable).unwrap()
}

#[tokio::test]
async fn history_comes_in_pages_and_is_ones_own() {
    let world = World::new();
    let (user, phone) = world.user_with_phone("anna").await;
    let mut browser = world.browser();
    world.introduce(&mut browser, "anna", &phone, true).await;
    for turn in 0..45 {
        world.engine.rename_device(user.id, phone.device, &format!("Phone {turn}")).await.unwrap();
    }
    let other = world.user("bert").await;
    world.engine.set_password(&other, PASSWORD.to_owned().into()).await.unwrap();
    let (mut seen, mut path) = (Vec::new(), "/portal/history".to_owned());
    loop {
        let page: HistoryPage = serde_json::from_value(browser.get(&path).await.expect(200).json()).unwrap();
        assert!(page.events.len() <= 20);
        seen.extend(page.events);
        let Some(next) = page.next else { break };
        path = format!("/portal/history?before={next}");
    }
    assert!(seen.windows(2).all(|pair| pair[0].place > pair[1].place), "newest first, none twice");
    assert_eq!(seen.iter().filter(|event| event.kind == "device_renamed").count(), 45);
    assert_eq!(seen.last().unwrap().kind, "user_added");
    assert_eq!(seen.iter().filter(|event| event.kind == "password_set").count(), 1, "nothing of anybody else's");
    browser.get("/portal/history?before=x").await.expect(400);
    world.browser().get("/portal/history").await.expect(401);
}

/// Somebody with password and phone has signed in, kept their browser and added a phone: all of that goes, nothing else.
#[tokio::test]
async fn this_was_not_me_takes_back_what_that_sign_in_brought() {
    let world = World::new();
    let (anna, phone) = world.user_with_phone("anna").await;
    can_be_rung(&world, &phone).await;
    let mut own = world.browser();
    world.introduce(&mut own, "anna", &phone, true).await;
    world.clock.advance(nod_core::Millis::minutes(20));
    let mut thief = world.browser();
    world.introduce(&mut thief, "anna", &phone, true).await;
    thief.post("/portal/enrol", json!({})).await.expect(200);
    let code = thief.post("/enrol/code", json!({})).await.expect(200).json();
    let added = SoftPhone::join(&world.engine, code["code"].as_str().unwrap().parse().unwrap(), 61).await;
    thief.post("/enrol/confirm", json!({"confirmation": added.confirmation})).await.expect(200);
    // The way around: codes made in that session, and one typed in the browser that it introduced.
    let made = thief.post("/portal/recovery", json!({})).await.expect(200).json();
    thief.sign_in("anna", PASSWORD).await.expect(303);
    thief.post("/sign-in/recover", json!({"code": made["codes"][0]})).await.expect(200);
    let code = thief.post("/enrol/code", json!({})).await.expect(200).json();
    let recovered = SoftPhone::join(&world.engine, code["code"].as_str().unwrap().parse().unwrap(), 62).await;
    let done = thief.post("/enrol/confirm", json!({"confirmation": recovered.confirmation})).await.expect(200).json();
    assert!(done["held_until"].is_null());

    world.clock.advance(nod_core::Millis::minutes(1));
    let event = reportable(&mut own).await;
    let path = format!("/portal/history/{}/not-me", event.place);
    let stale = own.post(&path, json!({})).await.expect(403).json();
    assert_eq!(stale["location"], "/sign-in?fresh=1", "INV-15");
    sign_in_by_push(&world, &mut own, &phone).await;
    let own_sign_in = events(&mut own).await.into_iter().find(|event| event.kind == "signed_in").unwrap();
    assert!(!own_sign_in.reportable, "the one in use is signed out instead");
    own.post(&format!("/portal/history/{}/not-me", own_sign_in.place), json!({})).await.expect(409);

    let done: Reported = serde_json::from_value(own.post(&path, json!({})).await.expect(200).json()).unwrap();
    assert_eq!((done.ended, done.forgotten, done.removed, done.unknown_refused), (1, 1, 2, true));
    assert_eq!(look(&mut own).await.recovery_codes, 0);
    thief.get("/portal/state").await.expect(401);
    assert!(world.engine.phone(&added.token).await.is_err() && world.engine.phone(&recovered.token).await.is_err());
    own.post(&path, json!({})).await.expect(409);
    assert!(look(&mut own).await.unknown_refused);
    let notices = world.engine.notices(&world.engine.phone(&phone.token).await.unwrap()).await.unwrap();
    assert_eq!(notices[0].kind, "sign_in_reported");

    // The stranger's browser is refused whatever it holds; the owner's is asked as ever (E19).
    let refused = thief.sign_in("anna", PASSWORD).await.expect(403).body;
    assert!(refused.contains("takes only browsers that it knows"), "{refused}");
    sign_in_by_push(&world, &mut own, &phone).await;
    own.post("/portal/allow-unknown", json!({})).await.expect(204);
    own.post("/portal/allow-unknown", json!({})).await.expect(409);
    thief.sign_in("anna", PASSWORD).await.expect(303);
    assert_eq!(world.engine.store().devices_of(anna.id).await.unwrap().len(), 3, "the owner's stays");
}

/// Signs in anew in a bound browser: the phone approves.
async fn sign_in_by_push(world: &World, browser: &mut Browser, phone: &SoftPhone) {
    browser.get("/sign-in?fresh=1").await.expect(200);
    browser.sign_in("anna", PASSWORD).await.expect(303);
    phone.answer(&world.engine, Decision::Approve, None).await.unwrap();
    browser.post("/sign-in/finish", json!({})).await.expect(200);
}

/// Somebody whose browser has been known for two days, a minute after a sign-in.
async fn known_for_days(world: &World) -> (User, SoftPhone, Browser) {
    let (anna, mut phone) = world.user_with_phone("anna").await;
    let mut own = world.browser();
    world.introduce(&mut own, "anna", &phone, true).await;
    world.clock.advance(nod_core::Millis::days(2));
    phone.open_session(&world.engine).await;
    sign_in_by_push(world, &mut own, &phone).await;
    world.clock.advance(nod_core::Millis::minutes(1));
    (anna, phone, own)
}

/// E19: a stolen session that reports again and again ends sessions, and shuts no browser out that was known before.
#[tokio::test]
async fn reports_lock_no_known_browser_out() {
    let world = World::new();
    let (anna, phone, mut own) = known_for_days(&world).await;
    sign_in_by_push(&world, &mut own.clone(), &phone).await;
    world.clock.advance(nod_core::Millis::minutes(1));
    let mut stolen = world.browser();
    world.introduce(&mut stolen, "anna", &phone, false).await;
    for event in events(&mut stolen).await.into_iter().filter(|event| event.reportable) {
        let path = format!("/portal/history/{}/not-me", event.place);
        let done: Reported = serde_json::from_value(stolen.post(&path, json!({})).await.expect(200).json()).unwrap();
        assert_eq!((done.forgotten, done.removed, done.unknown_refused), (0, 0, false));
    }
    assert_eq!(world.engine.store().sessions_of(anna.id).await.unwrap().len(), 1, "only the stolen one is left");
    assert_eq!(world.engine.store().browsers_of(anna.id).await.unwrap().len(), 1);
    world.clock.advance(nod_core::Millis::minutes(11));
    sign_in_by_push(&world, &mut own, &phone).await;
    assert!(!look(&mut own).await.unknown_refused);
}

/// E19: whoever holds a session, or a known browser of their own, cannot shut out the owner by forgetting and reporting, in no order.
#[tokio::test]
async fn forgetting_and_reporting_shut_nobody_out() {
    for (forget_first, with_cookie) in [(true, true), (false, true), (true, false), (false, false)] {
        let world = World::new();
        let (_, phone, mut own) = known_for_days(&world).await;
        let mut thief = world.browser();
        world.introduce(&mut thief, "anna", &phone, true).await;
        if !with_cookie {
            thief.cookies.remove("__Host-nod-browser").unwrap();
        }
        let others = look(&mut thief).await.browsers;
        let others = others.iter().filter(|browser| !browser.current || !with_cookie);
        let paths: Vec<String> = others.map(|browser| format!("/portal/browsers/{}/forget", browser.id)).collect();
        let event = reportable(&mut thief).await;
        let report = format!("/portal/history/{}/not-me", event.place);
        if forget_first {
            thief.post(&paths[0], json!({})).await.expect(204);
        }
        let done: Reported = serde_json::from_value(thief.post(&report, json!({})).await.expect(200).json()).unwrap();
        assert_eq!(done.unknown_refused, with_cookie && !forget_first);
        if !forget_first {
            thief.post(&paths[0], json!({})).await.expect(204);
        }
        own.sign_in("anna", PASSWORD).await.expect(303);
        world.introduce(&mut world.browser(), "anna", &phone, true).await;
    }
}

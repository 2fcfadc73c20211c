//! Security keys and passkeys that belong to no phone: added, used with and without a user name, and attacked (O16).

use nod_core::audit::EventKind;
use nod_core::people::{User, UserState};
use nod_core::{Millis, limits};
use nod_protocol::portal::PortalState;
use serde_json::{Value, json};

use super::softkey::{Bend, SoftKey};
use super::world::{Answer, Browser, PASSWORD, World};

/// Everything that is wrong with a registration and with an assertion alike.
const BENT: [Bend; 12] = [
    Bend::Origin,
    Bend::Port,
    Bend::Rp,
    Bend::Type,
    Bend::Framed,
    Bend::NotVerified,
    Bend::NotPresent,
    Bend::BackupFlags,
    Bend::Challenge,
    Bend::Unknown,
    Bend::Algorithm,
    Bend::Straight,
];
/// What can be wrong with an assertion only.
const BENT_ASSERTIONS: [Bend; 4] = [Bend::NowSynced, Bend::OtherKey, Bend::Flipped, Bend::Handle];

fn bends() -> impl Iterator<Item = Bend> {
    BENT_ASSERTIONS.into_iter().chain(BENT)
}

/// Opens an administrator's link and gives the password.
async fn opened(world: &World, user: &User) -> Browser {
    let mut browser = world.browser();
    let (_, token) = world.engine.open_enrolment(user.id).await.unwrap();
    browser.post("/enrol/open", json!({"token": token})).await.expect(200);
    browser.post("/enrol/password", json!({"password": PASSWORD})).await.expect(200);
    browser
}

/// A user without a phone and their key, added by an administrator's link.
async fn keyed(world: &World, name: &str, seed: u8) -> (User, SoftKey) {
    let user = world.user(name).await;
    let mut browser = opened(world, &user).await;
    let mut key = SoftKey::new(seed);
    add(&mut browser, &mut key).await;
    (user, key)
}

async fn add(browser: &mut Browser, key: &mut SoftKey) {
    let options = browser.post("/enrol/key/options", json!({})).await.expect(200).json();
    let registration = key.register(&options, Bend::Straight);
    let body = json!({"registration": registration, "name": format!("Key {}", key.credential[0])});
    assert_eq!(browser.post("/enrol/key", body).await.expect(200).json()["step"], "keyed");
}

async fn prove(browser: &mut Browser, key: &SoftKey, bend: Bend, keep: bool) -> Answer {
    let options = browser.post("/sign-in/passkey/options", json!({})).await.expect(200).json();
    browser.post("/sign-in/passkey", json!({"assertion": key.assert(&options, bend), "keep_browser": keep})).await
}

async fn nameless_options(browser: &mut Browser) -> Value {
    browser.post("/sign-in/nameless/options", json!({})).await.expect(200).json()
}

fn nameless_body(key: &SoftKey, options: &Value, bend: Bend) -> Value {
    json!({"app": "", "return": "", "binding": "", "assertion": key.assert(options, bend)})
}

async fn nameless(browser: &mut Browser, key: &SoftKey, bend: Bend) -> Answer {
    let options = nameless_options(browser).await;
    browser.post("/sign-in/nameless", nameless_body(key, &options, bend)).await
}

async fn state(browser: &mut Browser) -> PortalState {
    serde_json::from_value(browser.get("/portal/state").await.expect(200).json()).unwrap()
}

async fn told(world: &World, user: &User, kind: EventKind) -> Vec<String> {
    let events = world.engine.store().audit_of(user.id, None, 200).await.unwrap();
    events.into_iter().filter(|(_, event)| event.kind == kind).map(|(_, event)| event.sentence()).collect()
}

#[tokio::test]
async fn somebody_without_a_phone_lives_with_a_key_alone() {
    let world = World::new();
    let user = world.engine.add_user("anna", Some("Anna Berg"), false).await.unwrap();
    let (_, token) = world.engine.open_enrolment(user.id).await.unwrap();
    let mut browser = world.browser();
    browser.post("/enrol/key/options", json!({})).await.expect(401);
    browser.post("/enrol/open", json!({"token": token})).await.expect(200);
    browser.post("/enrol/key/options", json!({})).await.expect(409);
    browser.post("/enrol/password", json!({"password": PASSWORD})).await.expect(200);
    // A code for a phone may be on the screen, or have run out.
    browser.post("/enrol/code", json!({})).await.expect(200);
    world.clock.advance(limits::ENROLMENT_CODE_LIFE);
    let options = browser.post("/enrol/key/options", json!({})).await.expect(200).json();
    assert_eq!(options["authenticatorSelection"]["residentKey"], "preferred");
    assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
    let mut key = SoftKey::new(20);
    let registration = key.register(&options, Bend::Straight);
    let done =
        browser.post("/enrol/key", json!({"registration": registration, "name": " Blue key "})).await.expect(200);
    assert_eq!(done.json()["step"], "keyed");
    assert!(!browser.cookies.contains_key("__Host-nod-browser"), "adding a key introduces no browser (E18)");
    // INV-16: once.
    browser.post("/enrol/key", json!({"registration": registration, "name": ""})).await.expect(409);
    browser.post("/enrol/key/options", json!({})).await.expect(409);
    let added = ["The security key or passkey Blue key was added for Anna Berg, from 203.0.113.9."];
    assert_eq!(told(&world, &user, EventKind::KeyAdded).await, added);

    browser.sign_in("anna", PASSWORD).await.expect(303);
    let status = browser.get("/sign-in/status").await.expect(200).json();
    assert_eq!((status["phase"].as_str(), status["known_browser"].as_bool()), (Some("introduce"), Some(false)));
    key.counter = 2;
    assert_eq!(prove(&mut browser, &key, Bend::Straight, true).await.expect(200).json()["phase"], "ready");
    browser.post("/sign-in/finish", json!({})).await.expect(200);
    let own = state(&mut browser).await;
    assert_eq!((own.keys.len(), own.keys[0].name.as_str(), own.phones.len()), (1, "Blue key", 0));
    assert!(own.browsers[0].current && own.keys[0].used_at.is_some() && !own.keys[0].synced);

    world.clock.advance(limits::FRESH_SIGN_IN);
    let id = own.keys[0].id;
    let remove = |even_last: bool| json!({"even_last": even_last});
    let stale = browser.post(&format!("/portal/keys/{id}/remove"), remove(true)).await.expect(403);
    assert_eq!(stale.json()["location"], "/sign-in?fresh=1", "INV-15");
    browser.post("/portal/keys/add", json!({})).await.expect(403);
    browser.sign_in("anna", PASSWORD).await.expect(303);
    let status = browser.get("/sign-in/status").await.expect(200).json();
    assert_eq!((status["phase"].as_str(), status["known_browser"].as_bool()), (Some("introduce"), Some(true)));
    key.counter = 3;
    prove(&mut browser, &key, Bend::Straight, false).await.expect(200);
    browser.post("/sign-in/finish", json!({})).await.expect(200);
    assert_eq!(told(&world, &user, EventKind::IntroductionAsked).await.len(), 1, "a known browser is not introduced");

    browser.post(&format!("/portal/keys/{id}/rename"), json!({"name": "Old key"})).await.expect(204);
    browser.post(&format!("/portal/keys/{id}/remove"), remove(false)).await.expect(409);
    assert_eq!(browser.post("/portal/keys/add", json!({})).await.expect(200).json()["location"], "/enrol?key");
    let options = browser.post("/enrol/key/options", json!({})).await.expect(200).json();
    assert_eq!(options["excludeCredentials"][0]["id"], nod_protocol::b64::encode(&key.credential));
    add(&mut browser, &mut SoftKey::new(30)).await;
    browser.post(&format!("/portal/keys/{id}/remove"), remove(false)).await.expect(204);
    browser.post(&format!("/portal/keys/{id}/remove"), remove(false)).await.expect(404);
    assert_eq!(state(&mut browser).await.keys.len(), 1);
    nameless(&mut world.browser(), &key, Bend::Straight).await.expect(401);
}

#[tokio::test]
async fn without_a_user_name_the_passkey_says_who_it_is() {
    let world = World::new();
    let (user, mut key) = keyed(&world, "anna", 20).await;
    let mut browser = world.browser();
    let options = nameless_options(&mut browser).await;
    assert_eq!(
        (options["allowCredentials"].as_array().unwrap().len(), &options["userVerification"]),
        (0, &json!("required"))
    );
    key.counter = 2;
    let body = nameless_body(&key, &options, Bend::Straight);
    let mut twin = browser.clone();
    assert_eq!(
        browser.post("/sign-in/nameless", body.clone()).await.expect(200).json()["location"],
        "/sign-in/continue"
    );
    assert_eq!(browser.get("/sign-in/status").await.expect(200).json()["phase"], "ready");
    assert_eq!(browser.post("/sign-in/finish", json!({})).await.expect(200).json()["location"], "/portal");
    assert_eq!(state(&mut browser).await.browsers.len(), 0, "nothing is kept of the browser");
    // The same again in the same browser, which tells of no copy; and a challenge that was used, with another signature.
    twin.post("/sign-in/nameless", body).await.expect(401);
    assert!(told(&world, &user, EventKind::KeyCloned).await.is_empty());
    key.counter = 3;
    twin.post("/sign-in/nameless", nameless_body(&key, &options, Bend::Straight)).await.expect(401);

    // Another browser's challenge; one that has ended; none at all.
    let options = nameless_options(&mut browser).await;
    let mut other = world.browser();
    other.post("/sign-in/nameless", nameless_body(&key, &options, Bend::Straight)).await.expect(401);
    nameless_options(&mut other).await;
    other.post("/sign-in/nameless", nameless_body(&key, &options, Bend::Straight)).await.expect(401);
    world.clock.advance(limits::NAMELESS_CHALLENGE_LIFE);
    browser.post("/sign-in/nameless", nameless_body(&key, &options, Bend::Straight)).await.expect(401);
    nameless(&mut browser, &key, Bend::Straight).await.expect(200);
    assert_eq!(told(&world, &user, EventKind::SignedIn).await.len(), 1);
}

#[tokio::test]
async fn a_phones_passkey_needs_no_user_name_either_and_a_closed_account_is_closed() {
    let world = World::new();
    let (user, phone) = world.user_with_phone("anna").await;
    let mut browser = world.browser();
    let sign_in = async |browser: &mut Browser| {
        let options = nameless_options(browser).await;
        let assertion = phone.assert(&super::world::challenge(&options));
        browser.post("/sign-in/nameless", json!({"app": "", "return": "", "binding": "", "assertion": assertion})).await
    };
    sign_in(&mut browser).await.expect(200);
    browser.post("/sign-in/finish", json!({})).await.expect(200);
    sign_in(&mut browser).await.expect(200);
    world.engine.set_user_state(&user, UserState::Disabled).await.unwrap();
    browser.post("/sign-in/finish", json!({})).await.expect(401);
    sign_in(&mut browser).await.expect(401);
}

/// INV-29: nothing of a refusal tells an unknown passkey from a known one, nor what was wrong.
#[tokio::test]
async fn a_refusal_without_a_name_tells_nothing() {
    let world = World::new();
    let (_, key) = keyed(&world, "anna", 20).await;
    let (ben, closed) = keyed(&world, "ben", 30).await;
    world.engine.set_user_state(&ben, UserState::Disabled).await.unwrap();
    let outside = |answer: Answer| {
        let headers: Vec<String> = answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        (answer.status, headers, answer.body)
    };
    let unknown = outside(nameless(&mut world.browser(), &key, Bend::Unknown).await);
    assert_eq!(unknown.0, 401);
    for bend in bends().filter(|bend| *bend != Bend::Straight) {
        assert_eq!(outside(nameless(&mut world.browser(), &key, bend).await), unknown, "{bend:?}");
    }
    assert_eq!(outside(nameless(&mut world.browser(), &closed, Bend::Straight).await), unknown, "a disabled account");
    assert_eq!(outside(nameless(&mut world.browser(), &SoftKey::new(90), Bend::Straight).await), unknown);
    let mut asked = Vec::new();
    for _ in 0..2 {
        let mut options = nameless_options(&mut world.browser()).await;
        let challenge = options["challenge"].take();
        asked.push((options, challenge.as_str().unwrap().len()));
    }
    assert_eq!(asked[0], asked[1], "options are the same for everybody");
}

/// O16 at the door behind the password: each is refused, and the sign-in stays open for the benign twin.
#[tokio::test]
async fn bent_assertions_are_refused_after_the_password() {
    let world = World::new();
    let (user, mut key) = keyed(&world, "anna", 20).await;
    let (_, bens) = keyed(&world, "ben", 30).await;
    let mut browser = world.browser();
    browser.sign_in("anna", PASSWORD).await.expect(303);
    key.counter = 2;
    for bend in bends() {
        let answer = prove(&mut browser, &key, bend, true).await;
        let expected = if bend == Bend::Straight { 200 } else { 401 };
        assert_eq!(answer.status, expected, "{bend:?}: {}", answer.body);
        if bend != Bend::Straight {
            browser.post("/sign-in/finish", json!({})).await.expect(409);
            prove(&mut browser, &bens, Bend::Straight, true).await.expect(401);
        }
    }
    browser.post("/sign-in/finish", json!({})).await.expect(200);
    assert!(!told(&world, &user, EventKind::PasskeyRefused).await.is_empty());

    // The challenge of another sign-in of the same account.
    browser.sign_in("anna", PASSWORD).await.expect(303);
    let old = browser.post("/sign-in/passkey/options", json!({})).await.expect(200).json();
    browser.sign_in("anna", PASSWORD).await.expect(303);
    key.counter = 3;
    let replayed = json!({"assertion": key.assert(&old, Bend::Straight), "keep_browser": true});
    browser.post("/sign-in/passkey", replayed).await.expect(401);
    world.clock.advance(limits::SIGN_IN_LIFE);
    browser.post("/sign-in/passkey/options", json!({})).await.expect(409);
}

/// O16 without a name.
#[tokio::test]
async fn bent_assertions_are_refused_without_a_name() {
    let world = World::new();
    let (_, mut key) = keyed(&world, "anna", 20).await;
    let mut browser = world.browser();
    key.counter = 2;
    for bend in bends() {
        let answer = nameless(&mut browser, &key, bend).await;
        let expected = if bend == Bend::Straight { 200 } else { 401 };
        assert_eq!(answer.status, expected, "{bend:?}: {}", answer.body);
        assert_eq!(browser.cookies.contains_key("__Host-nod-sign-in"), bend == Bend::Straight, "{bend:?}");
    }
}

/// O16 at registration.
#[tokio::test]
async fn bent_registrations_are_refused() {
    let world = World::new();
    let user = world.user("anna").await;
    let (_, bens) = keyed(&world, "ben", 30).await;
    let mut browser = opened(&world, &user).await;
    let options = browser.post("/enrol/key/options", json!({})).await.expect(200).json();
    for bend in BENT {
        let registration = SoftKey::new(20).register(&options, bend);
        let answer = browser.post("/enrol/key", json!({"registration": registration, "name": ""})).await;
        let expected = if bend == Bend::Straight { 200 } else { 401 };
        assert_eq!(answer.status, expected, "{bend:?}: {}", answer.body);
        let added = world.engine.store().security_keys_of(user.id).await.unwrap();
        assert_eq!(added.len(), usize::from(bend == Bend::Straight), "{bend:?}");
    }
    let added = world.engine.store().security_keys_of(user.id).await.unwrap().remove(0);
    assert_eq!((added.name.as_str(), added.aaguid, added.counter), ("Security key", [0xA5; 16], 1));
    // Another enrolment's challenge; a credential that somebody else has.
    let mut browser = opened(&world, &user).await;
    let mut late = SoftKey::new(40);
    let replayed = late.register(&options, Bend::Straight);
    browser.post("/enrol/key", json!({"registration": replayed, "name": ""})).await.expect(401);
    let fresh = browser.post("/enrol/key/options", json!({})).await.expect(200).json();
    late.credential.clone_from(&bens.credential);
    let stolen = late.register(&fresh, Bend::Straight);
    browser.post("/enrol/key", json!({"registration": stolen, "name": ""})).await.expect(409);
}

/// A counter that goes back tells of a copy: refused, told to the audit and to the person, at both doors.
#[tokio::test]
async fn a_copied_key_shows_itself() {
    let world = World::new();
    let (user, mut key) = keyed(&world, "anna", 20).await;
    let copy = key.clone();
    let mut browser = world.browser();
    key.counter = 5;
    nameless(&mut browser, &key, Bend::Straight).await.expect(200);
    for counter in [5, 4, 0] {
        let answer = nameless(&mut browser, &copy.counting(counter), Bend::Straight).await.expect(403);
        assert!(answer.body.contains("there may be a copy"), "{}", answer.body);
        assert_eq!(told(&world, &user, EventKind::KeyCloned).await.len(), 1, "{counter}: told once an hour");
    }
    browser.sign_in("anna", PASSWORD).await.expect(303);
    prove(&mut browser, &copy, Bend::Straight, true).await.expect(403);
    key.counter = 6;
    prove(&mut browser, &key, Bend::Straight, true).await.expect(200);
    // Synced passkeys keep no counter.
    let (_, synced) = keyed_with_counter(&world, "ben", 0).await;
    for _ in 0..2 {
        nameless(&mut browser, &synced, Bend::Straight).await.expect(200);
    }
}

async fn keyed_with_counter(world: &World, name: &str, counter: u32) -> (User, SoftKey) {
    let user = world.user(name).await;
    let mut browser = opened(world, &user).await;
    let mut key = SoftKey::new(60).counting(counter);
    add(&mut browser, &mut key).await;
    (user, key)
}

/// The phone was asked; the key answers in its place, and everything is judged again at the end (INV-10).
#[tokio::test]
async fn a_key_takes_the_phones_place_while_it_is_asked() {
    let world = World::new();
    let (user, phone) = world.user_with_phone("anna").await;
    let mut browser = world.browser();
    world.introduce(&mut browser, "anna", &phone, true).await;
    browser.post("/portal/keys/add", json!({})).await.expect(200);
    let mut key = SoftKey::new(20);
    add(&mut browser, &mut key).await;

    world.clock.advance(Millis(1));
    browser.sign_in("anna", PASSWORD).await.expect(303);
    assert_eq!(browser.get("/sign-in/status").await.json()["phase"], "waiting");
    assert_eq!(phone.pending(&world.engine).await.len(), 1);
    key.counter = 2;
    prove(&mut browser, &key, Bend::Straight, false).await.expect(200);
    assert!(phone.pending(&world.engine).await.is_empty(), "withdrawn");
    let keys = world.engine.store().security_keys_of(user.id).await.unwrap();
    world.engine.remove_key(&user, keys[0].id).await.unwrap();
    browser.post("/sign-in/finish", json!({})).await.expect(403);
}

/// What a reported sign-in added goes with it.
#[tokio::test]
async fn a_key_added_from_a_reported_sign_in_is_removed() {
    let world = World::new();
    let (user, mut key) = keyed(&world, "anna", 20).await;
    let mut thief = world.browser();
    key.counter = 2;
    nameless(&mut thief, &key, Bend::Straight).await.expect(200);
    thief.post("/sign-in/finish", json!({})).await.expect(200);
    thief.post("/portal/keys/add", json!({})).await.expect(200);
    add(&mut thief, &mut SoftKey::new(30)).await;
    world.clock.advance(Millis::minutes(1));

    let mut owner = world.browser();
    key.counter = 3;
    nameless(&mut owner, &key, Bend::Straight).await.expect(200);
    owner.post("/sign-in/finish", json!({})).await.expect(200);
    assert_eq!(state(&mut owner).await.keys.len(), 2);
    let history = owner.get("/portal/history").await.expect(200).json();
    let reported = history["events"].as_array().unwrap().iter().find(|event| event["reportable"] == true).unwrap();
    let path = format!("/portal/history/{}/not-me", reported["place"]);
    assert_eq!(owner.post(&path, json!({})).await.expect(200).json()["removed"], 1);
    let left = state(&mut owner).await.keys;
    assert_eq!((left.len(), left[0].name.as_str()), (1, "Key 20"));
    assert_eq!(told(&world, &user, EventKind::KeyRemoved).await.len(), 1);
}

//! Somebody with a security key and no phone, with the binary: the link, the commands, and a sign-in without a user name.

use nod_engine::ports::Entropy as _;
use nod_phone::SoftPasskey;
use nod_protocol::webauthn::{CreationOptions, RequestOptions};
use nod_testkit::SeededEntropy;
use reqwest::Response;
use serde_json::{Value, json};

use crate::harness::Nod;
use crate::visitor::Visitor;

const PASSWORD: &str = "four plain words here";

struct Dice(SeededEntropy);

impl nod_phone::Entropy for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}

/// Signs in with the key alone.
async fn nameless(nod: &Nod, browser: &mut Visitor, key: &SoftPasskey) -> Response {
    let options: RequestOptions = browser.post("/sign-in/nameless/options", &json!({})).await.json().await.unwrap();
    let assertion = key.assert(options.challenge.as_bytes(), &nod.origin.parse().unwrap()).unwrap();
    browser.post("/sign-in/nameless", &json!({"app": "", "return": "", "binding": "", "assertion": assertion})).await
}

#[tokio::test]
async fn a_key_is_added_by_link_listed_renamed_used_and_removed() {
    let nod = Nod::init();
    nod.run(&["user", "key", "list"]).ok();
    let _running = nod.serve();
    let mut browser = Visitor::new(&nod);
    let token = nod.link.rsplit_once('#').unwrap().1;
    browser.post("/enrol/open", &json!({"token": token})).await;
    browser.post("/enrol/password", &json!({"password": PASSWORD})).await;
    let options: CreationOptions = browser.post("/enrol/key/options", &json!({})).await.json().await.unwrap();
    let dice = Dice(SeededEntropy::new(5));
    let (key, registration) = SoftPasskey::register(&options, &nod.origin.parse().unwrap(), &dice).unwrap();
    let done = browser.post("/enrol/key", &json!({"registration": registration, "name": "Blue key"})).await;
    assert_eq!(done.json::<Value>().await.unwrap()["step"], "keyed");

    let listed = nod.run(&["user", "key", "list", "anna", "--json"]).json();
    let (id, model) = (listed[0]["id"].as_str().unwrap(), "00000000-0000-0000-0000-000000000000");
    assert_eq!((listed[0]["name"].as_str(), listed[0]["aaguid"].as_str()), (Some("Blue key"), Some(model)));
    assert_eq!((&listed[0]["synced"], &listed[0]["last_used_at"]), (&json!(false), &json!(null)));
    let renamed = nod.run(&["user", "key", "rename", "anna", id, "Key in the safe", "--json"]).json();
    assert_eq!(renamed["name"], "Key in the safe");
    assert!(nod.run(&["user", "show", "anna"]).ok().contains("Key in the safe"));

    assert_eq!(nameless(&nod, &mut browser, &key).await.status(), 200);
    assert_eq!(browser.post("/sign-in/finish", &json!({})).await.status(), 200);
    assert!(nod.run(&["user", "key", "list"]).ok().contains("on one device"));

    nod.run(&["user", "key", "remove", "anna", "nonsense"]).fails(2, &["is no key's id", "nod user key list anna"]);
    let said = nod.run(&["user", "key", "remove", "anna", id]).ok();
    assert!(said.contains("nod user enrol anna"), "{said}");
    nod.run(&["user", "key", "remove", "anna", id]).fails(1, &["nod user key list anna"]);
    assert_eq!(nameless(&nod, &mut Visitor::new(&nod), &key).await.status(), 401);
    let audit = nod.run(&["audit", "list"]).ok();
    assert!(audit.contains("The security key or passkey Key in the safe of"), "{audit}");
}

//! Recovery with the binary: a pass for the help desk, and what becomes of it.

use serde_json::{Value, json};

use crate::harness::Nod;
use crate::visitor::Visitor;

const PASSWORD: &str = "four plain words here";

#[tokio::test]
async fn a_pass_gives_a_window_for_a_phone_once_and_never_a_session() {
    let nod = Nod::init();
    nod.folder.run_with(&["user", "passwd", "anna", "--stdin"], PASSWORD).ok();
    let _running = nod.serve();
    nod.run(&["user", "pass", "anna"]).fails(2, &["--reason"]);
    nod.run(&["user", "pass", "anna", "--reason", "x", "--minutes", "61"]).fails(2, &["61"]);
    let made = nod.run(&["user", "pass", "anna", "--reason", "ticket 4711", "--json"]).json();
    let pass = made["pass"].as_str().unwrap();
    let left = nod.run(&["user", "recovery", "anna", "--json"]).json();
    assert_eq!((&left["codes_left"], &left["passes"][0]["begins_with"]), (&json!(0), &json!(pass.get(..4))));

    let mut browser = Visitor::new(&nod);
    assert_eq!(browser.sign_in("anna", PASSWORD).await["phase"], "locked");
    let typed = json!({"code": pass.to_lowercase()});
    let mut race = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (mut browser, typed) = (browser.clone(), typed.clone());
        race.spawn(async move { (browser.post("/sign-in/recover", &typed).await.status().as_u16(), browser) });
    }
    let answers = race.join_all().await;
    let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "E13: {statuses:?}");
    assert!(statuses.iter().all(|status| [200, 401, 409, 422, 429, 503].contains(status)), "{statuses:?}");
    let (_, mut used) = answers.into_iter().find(|(status, _)| *status == 200).unwrap();
    let status: Value = used.get("/enrol/status").await.json().await.unwrap();
    assert_eq!((&status["step"], &status["on_hold"]), (&json!("code"), &json!(true)), "F14");
    assert_eq!(used.get("/portal/state").await.status().as_u16(), 401, "INV-19");

    let told = nod.run(&["audit", "list"]).out;
    assert!(told.contains("good for 15 minutes: ticket 4711") && told.contains("used the pass"), "{told}");
    assert!(!told.contains(pass), "INV-24");
    nod.run(&["user", "recovery", "anna", "--revoke"]).ok();
    let closed: Value = used.get("/enrol/status").await.json().await.unwrap();
    assert_eq!(closed["step"], "ended", "what was begun with it ends");
    nod.run(&["user", "recovery", "anna", "--revoke"]).fails(1, &["no recovery codes"]);
}

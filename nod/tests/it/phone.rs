//! `nod phone` against `nod serve`.

use serde_json::json;

use crate::harness::{Nod, Running, plain};
use crate::visitor::Visitor;

/// An installation whose administrator may use a terminal, and its server.
fn served() -> (Nod, Running) {
    let nod = Nod::init();
    nod.run(&["user", "set", "anna", "--terminal-phone", "on"]).ok();
    let running = nod.serve();
    (nod, running)
}

const PASSWORD: &str = "four plain words here\n";

#[test]
fn a_terminal_is_enrolled_by_link_listed_and_revoked() {
    let (nod, _running) = served();
    let enrol = ["phone", "enrol", &nod.link, "--name", "Desk", "--password-stdin"];
    let said = nod.folder.run_with(&enrol, PASSWORD);
    assert!(said.err.contains("its own word"), "{said:?}");
    assert!(said.ok().contains("nod phone wait"));
    let listed = plain(nod.run(&["phone", "list", "--json"]).json());
    let account = json!([{
        "device": "ID", "user": "anna", "display_name": "anna", "server": "nod.localhost", "origin": nod.origin
    }]);
    assert_eq!(listed, account);
    let device = plain(nod.run(&["device", "list", "anna", "--json"]).json());
    let expected = json!([{
        "id": "ID", "user": "anna", "name": "Desk", "platform": "terminal", "state": "active",
        "notifications": "unavailable", "created_at": "TIME", "held_until": null, "last_seen_at": "TIME"
    }]);
    assert_eq!(device, expected);
    nod.run(&["phone", "wait", "--deny", "--timeout", "0"]).fails(1, &["no request came"]);
    // The link worked once.
    nod.folder.run_with(&enrol, PASSWORD).fails(1, &["next:"]);
    let id = nod.run(&["device", "list", "--json"]).json()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(nod.run(&["device", "revoke", &id, "--json"]).json()["state"], "revoked");
    nod.run(&["device", "revoke", &id]).fails(1, &["was revoked before"]);
    assert_eq!(nod.run(&["phone", "wait", "--deny", "--timeout", "10"]).code, 1);
}

#[test]
fn enrolling_is_told_step_by_step() {
    let (nod, _running) = served();
    let mut watching = Running::start(nod.folder.command(&["user", "enrol", "anna"]));
    let link = watching.wait_for("/enrol#");
    nod.folder.run_with(&["phone", "enrol", &link, "--password-stdin"], PASSWORD).ok();
    watching.wait_for("Terminal is enrolled for anna.");
    assert_eq!(watching.code(), Some(0));
}

#[test]
fn a_terminal_needs_leave_and_a_code_needs_a_server() {
    let nod = Nod::init();
    let _running = nod.serve();
    let enrol = ["phone", "enrol", &nod.link, "--password-stdin"];
    nod.folder.run_with(&enrol, PASSWORD).fails(1, &["may not use a terminal"]);
    assert_eq!(nod.run(&["phone", "list", "--json"]).json(), json!([]));
    nod.run(&["phone", "enrol", "ABCD2345"]).fails(2, &["--server"]);
    nod.run(&["phone", "wait"]).fails(1, &["no account", "next:  nod phone enrol"]);
    nod.run(&["phone", "wait", "--approve", "--deny"]).fails(2, &["cannot be used with"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_shown_and_answered() {
    let (nod, _running) = served();
    nod.folder.run_with(&["phone", "enrol", &nod.link, "--password-stdin"], PASSWORD).ok();
    let password = PASSWORD.trim();
    let link = nod.run(&["browser", "introduce", "anna", "--json"]).json()["link"].as_str().unwrap().to_owned();
    let mut anna = Visitor::new(&nod);
    anna.introduce(&link, "anna", password).await;
    let wait = |arguments: &[&str]| nod.run(&[&["phone", "wait", "--timeout", "20"], arguments].concat());

    assert_eq!(anna.sign_in("anna", password).await["phase"], "waiting");
    let answered = plain(wait(&["--approve", "--json"]).json());
    assert_eq!((&answered["decision"], &answered["state"]), (&json!("approve"), &json!("approved")));
    let request = &answered["request"];
    assert_eq!(
        (&request["user"], &request["app"], &request["origin"]),
        (&json!("anna"), &json!("nod.localhost"), &json!(nod.origin))
    );
    assert_eq!(anna.status().await["phase"], "ready");
    assert!(anna.post("/sign-in/finish", &json!({})).await.status().is_success());
    assert_eq!(anna.get("/portal").await.status(), 200);

    assert_eq!(anna.sign_in("anna", password).await["phase"], "waiting");
    let said = wait(&["--deny"]).ok();
    assert!(
        said.starts_with("Sign in to nod.localhost?\n  who   anna (anna)") && said.ends_with("Denied.\n"),
        "{said}"
    );
    assert_eq!(anna.status().await["outcome"], "denied");

    // After a denial the number decides.
    let shown = anna.sign_in("anna", password).await["number"].as_str().unwrap().to_owned();
    let other = if shown == "000000" { "000001" } else { "000000" };
    wait(&["--approve"]).fails(2, &["needs the number"]);
    wait(&["--approve", "--number", other]).fails(1, &["not the number on the screen"]);
    assert_eq!(anna.status().await["outcome"], "wrong_number");
    let again: serde_json::Value = anna.post("/sign-in/again", &json!({})).await.json().await.unwrap();
    assert_eq!(
        wait(&["--approve", "--number", again["number"].as_str().unwrap(), "--json"]).json()["state"],
        "approved"
    );
    assert_eq!(anna.status().await["phase"], "ready");

    assert!(anna.post("/sign-in/finish", &json!({})).await.status().is_success());
    assert_eq!(anna.sign_in("anna", password).await["phase"], "waiting");
    assert!(wait(&["--fraud"]).ok().contains("reported as not yours"));
    assert_eq!(anna.status().await["outcome"], "fraud");
    assert_eq!(nod.run(&["browser", "list", "--json"]).json(), json!([]));
}

//! `nod phone` against `nod serve`.

use serde_json::json;

use crate::harness::{Nod, Running, plain};

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
        "notifications": "unavailable", "created_at": "TIME", "last_seen_at": "TIME"
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

//! Users, groups, apps, devices, browsers, audit: what the commands change and print.

use serde_json::{Value, json};

use crate::harness::{Nod, plain};

fn anna() -> Value {
    json!({
        "id": "ID", "name": "anna", "display_name": "anna", "state": "active", "has_password": false,
        "number_always": false, "terminal_phone": false, "mail": null, "phones": 0, "created_at": "TIME"
    })
}

#[test]
fn users() {
    let nod = Nod::init();
    let json = |arguments: &[&str]| plain(nod.run(&[arguments, &["--json"]].concat()).json());
    assert_eq!(json(&["user", "list"]), json!([anna()]));
    let added = json(&["user", "add", "Bo", "--display-name", "Bo Ek", "--terminal-phone", "on"]);
    assert_eq!(
        (&added["name"], &added["display_name"], &added["terminal_phone"]),
        (&"bo".into(), &"Bo Ek".into(), &true.into())
    );
    nod.run(&["user", "add", "bo"]).fails(1, &["there is a user bo already", "next:  nod user show bo"]);
    nod.run(&["user", "show", "eve"]).fails(1, &["there is no user eve", "next:  nod user list"]);
    let set = json(&["user", "set", "bo", "--number-always", "on", "--terminal-phone", "off"]);
    assert_eq!((&set["number_always"], &set["terminal_phone"]), (&true.into(), &false.into()));
    nod.run(&["user", "set", "bo"]).fails(2, &["nothing to change"]);
    assert_eq!(json(&["user", "disable", "bo"])["state"], "disabled");
    nod.run(&["user", "disable", "bo"]).fails(1, &["bo is so already"]);
    assert_eq!(json(&["user", "enable", "bo"])["state"], "active");
    let details = json(&["user", "show", "anna"]);
    let members = (&details["groups"], &details["devices"], &details["browsers"], &details["sessions"]);
    assert_eq!(members, (&json!(["admins"]), &json!([]), &json!([]), &json!([])));
    let table = nod.run(&["user", "list"]).ok();
    assert!(table.starts_with("name  shown as  state"), "{table}");
    assert!(nod.run(&["user", "show", "anna"]).ok().contains("nod user enrol anna"));
}

#[test]
fn passwords_come_by_standard_input_and_bad_ones_change_nothing() {
    let nod = Nod::init();
    let passwd = |password: &str| nod.folder.run_with(&["user", "passwd", "anna", "--stdin"], password);
    passwd("short\n").fails(1, &["too short"]);
    passwd("").fails(2, &["no password"]);
    nod.run(&["user", "passwd", "anna"]).fails(2, &["no terminal", "--stdin"]);
    assert_eq!(nod.run(&["user", "show", "anna", "--json"]).json()["has_password"], false);
    passwd("four plain words here\n").ok();
    assert_eq!(nod.run(&["user", "show", "anna", "--json"]).json()["has_password"], true);
    let add = ["user", "add", "bo", "--password-stdin"];
    nod.folder.run_with(&add, "12345678\n").fails(1, &["attackers try"]);
    nod.run(&["user", "show", "bo"]).fails(1, &["there is no user bo"]);
    assert_eq!(
        nod.folder.run_with(&[&add[..], &["--json"]].concat(), "four plain words here").json()["has_password"],
        true
    );
}

#[test]
fn groups_and_apps() {
    let nod = Nod::init();
    let json = |arguments: &[&str]| plain(nod.run(&[arguments, &["--json"]].concat()).json());
    json(&["group", "add", "accounting"]);
    let joined = json(&["group", "join", "accounting", "anna"]);
    assert_eq!(joined, json!({"id": "ID", "name": "accounting", "members": ["anna"], "created_at": "TIME"}));
    nod.run(&["group", "join", "accounting", "anna"]).fails(1, &["joined accounting before"]);
    let app = json(&[
        "app",
        "add",
        "payroll",
        "--origin",
        "https://payroll.nod-mfa.org/",
        "--display-name",
        "Payroll",
        "--group",
        "accounting",
    ]);
    let expected = json!({
        "id": "ID", "name": "payroll", "display_name": "Payroll", "origin": "https://payroll.nod-mfa.org",
        "group": "accounting", "created_at": "TIME"
    });
    assert_eq!(app, expected);
    assert_eq!(json(&["app", "list"]), json!([expected]));
    nod.run(&["group", "remove", "accounting"]).fails(1, &["an app still admits the group", "next:  nod app list"]);
    for (origin, words) in [
        ("https://payroll.nod-mfa.org/x", "without a path"),
        ("http://wiki.nod-mfa.org", "https://"),
        (&*nod.origin, "a host of its own"),
    ] {
        nod.run(&["app", "add", "wiki", "--origin", origin]).fails(2, &[words]);
    }
    let same = ["app", "add", "other", "--origin", "https://payroll.nod-mfa.org"];
    nod.run(&same).fails(1, &["already", "next:  nod app list"]);
    json(&["app", "remove", "payroll"]);
    json(&["group", "leave", "accounting", "anna"]);
    json(&["group", "remove", "accounting"]);
    assert_eq!(
        json(&["group", "list"]),
        json!([{"id": "ID", "name": "admins", "members": ["anna"], "created_at": "TIME"}])
    );
    nod.run(&["group", "remove", "accounting"]).fails(1, &["there is no group accounting", "next:  nod group list"]);
    nod.run(&["app", "remove", "payroll"]).fails(1, &["there is no app payroll", "next:  nod app list"]);
}

#[test]
fn links_and_empty_lists() {
    let nod = Nod::init();
    let view = nod.run(&["browser", "introduce", "anna", "--json"]).json();
    assert!(view["link"].as_str().unwrap().starts_with(&format!("{}/introduce#", nod.origin)));
    let view = nod.run(&["user", "enrol", "anna", "--no-wait", "--json"]).json();
    let link = view["link"].as_str().unwrap();
    assert!(link.starts_with(&format!("{}/enrol#", nod.origin)) && link != nod.link);
    for (arguments, words) in [
        (["device", "list"], "nod user enrol"),
        (["browser", "list"], "nod browser introduce"),
        (["app", "list"], "nod app add"),
    ] {
        assert!(nod.run(&arguments).ok().contains(words));
        assert_eq!(nod.run(&[&arguments[..], &["--json"]].concat()).json(), json!([]));
    }
    nod.run(&["device", "revoke", "x"]).fails(2, &["no phone's id", "next:  nod device list"]);
    nod.run(&["device", "revoke", &"A".repeat(22)]).fails(1, &["no such phone"]);
    nod.run(&["browser", "unbind", &"A".repeat(22)]).fails(1, &["no such browser"]);
}

#[test]
fn the_audit_reads_as_sentences() {
    let nod = Nod::init();
    nod.run(&["user", "disable", "anna"]).ok();
    let events = plain(nod.run(&["audit", "list", "--json"]).json());
    let kinds: Vec<&str> = events.as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["user_added", "group_changed", "group_changed", "enrolment_opened", "user_disabled"]);
    let last = json!({
        "sequence": events[4]["sequence"], "at": "TIME", "kind": "user_disabled",
        "sentence": "The account anna was disabled.", "user": {"id": "ID", "name": "anna"}, "app": null,
        "device": null, "address": null, "detail": ""
    });
    assert_eq!(events[4], last);
    let text = nod.run(&["audit", "list", "--limit", "1"]).ok();
    assert!(text.ends_with("  The account anna was disabled.\n") && text.lines().count() == 1, "{text}");
    // A link is a secret: the audit tells that it was made, never what it is.
    let secret = nod.link.split_once('#').unwrap().1;
    assert!(!nod.run(&["audit", "list", "--json"]).out.contains(secret));
}

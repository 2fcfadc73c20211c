//! `nod serve`: what it refuses, what it sees, how it ends.

use std::time::Duration;

use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use tokio::time::timeout;

use crate::harness::Nod;

/// What another process changes is seen within this time.
const SEEN_WITHIN: Duration = Duration::from_secs(1);

/// The event stream of an enrolment that somebody opened in a browser; it has said once how things stand.
async fn enrolment_stream(nod: &Nod) -> reqwest::Response {
    // Another test of this process may have been first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let http = nod_phone::http_client(reqwest::Client::builder()).unwrap();
    let token = nod.link.split_once('#').unwrap().1;
    let open = http.post(format!("{}/enrol/open", nod.origin)).header(ORIGIN, &nod.origin);
    let opened = open.json(&serde_json::json!({"token": token})).send().await.unwrap().error_for_status().unwrap();
    let cookie = opened.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap();
    let events = http.get(format!("{}/enrol/events", nod.origin)).header(COOKIE, cookie);
    let mut stream = events.send().await.unwrap().error_for_status().unwrap();
    let first = stream.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("choose_password"), "{first:?}");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_sees_a_disabled_user_within_a_second() {
    let nod = Nod::init();
    let _running = nod.serve();
    let mut stream = enrolment_stream(&nod).await;
    nod.run(&["user", "disable", "anna"]).ok();
    // The stream speaks when something changes, and ends with the enrolment.
    let heard = timeout(SEEN_WITHIN, stream.chunk()).await.expect("the change was not seen in time");
    let said = heard.unwrap().unwrap_or_default();
    assert!(!String::from_utf8_lossy(&said).contains("choose_password"), "{said:?}");
}

#[test]
fn a_stop_is_graceful() {
    let nod = Nod::init();
    for signal in ["TERM", "INT"] {
        let mut running = nod.serve();
        running.signal(signal);
        assert_eq!(running.code(), Some(0), "{signal}");
    }
}

#[tokio::test]
async fn a_stop_ends_open_streams() {
    let nod = Nod::init();
    let mut running = nod.serve();
    let mut stream = enrolment_stream(&nod).await;
    running.signal("TERM");
    while let Ok(Some(_)) = stream.chunk().await {}
    assert_eq!(running.code(), Some(0));
}

#[test]
fn another_host_is_refused_until_it_is_accepted() {
    let nod = Nod::init();
    let text = std::fs::read_to_string(nod.config()).unwrap();
    std::fs::write(nod.config(), text.replace("nod.localhost", "other.localhost")).unwrap();
    let words = ["made for nod.localhost", "every phone has to be enrolled again", "--accept-new-host"];
    nod.run(&["serve"]).fails(1, &words);
    nod.run(&["user", "enrol", "anna", "--no-wait"]).fails(1, &words);
    let mut running = crate::harness::Running::start(nod.folder.command(&["serve", "--accept-new-host"]));
    running.wait_for("listening on ");
    running.signal("TERM");
    assert_eq!(running.code(), Some(0));
    nod.serve();
    // Not back again without a word either.
    std::fs::write(nod.config(), text).unwrap();
    nod.run(&["serve"]).fails(1, &["made for other.localhost"]);
}

#[test]
fn a_contact_that_apple_would_refuse_stops_the_start() {
    let nod = Nod::init();
    let text = std::fs::read_to_string(nod.config()).unwrap();
    std::fs::write(nod.config(), text.replace("mailto:it@nod-mfa.org", "mailto:it@nod.local")).unwrap();
    nod.run(&["serve"]).fails(2, &["push.contact", "Apple refuses it"]);
    // Other commands do not depend on it.
    nod.run(&["user", "list"]).ok();
}

#[test]
fn insecure_push_is_warned_about() {
    let nod = Nod::init();
    let text = std::fs::read_to_string(nod.config()).unwrap();
    let open = text.replace("# allow_insecure_endpoints = false", "allow_insecure_endpoints = true");
    assert_ne!(open, text);
    std::fs::write(nod.config(), open).unwrap();
    nod.append("[log]\nformat = \"json\"\n");
    let mut command = nod.folder.command(&["serve"]);
    let mut child = command.spawn().unwrap();
    let lines = std::io::BufReader::new(child.stderr.take().unwrap());
    let first = std::io::BufRead::lines(lines).next().unwrap().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let line: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!(line["level"], "WARN");
    assert!(line["message"].as_str().unwrap().contains("push.allow_insecure_endpoints is on"), "{line}");
}

#[test]
fn a_database_of_a_newer_nod_is_refused_by_name() {
    let nod = Nod::init();
    let database = rusqlite::Connection::open(nod.data("nod.db")).unwrap();
    let later = "INSERT INTO migrations (version, name, checksum, applied_at) VALUES (9999, 'later', zeroblob(32), 0)";
    database.execute(later, ()).unwrap();
    drop(database);
    for arguments in [["user", "list"].as_slice(), &["serve"]] {
        nod.run(arguments).fails(1, &["nod.db", "newer Nod", "9999 (later)"]);
    }
}

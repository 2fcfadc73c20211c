//! The internal listener: metrics of what happened, and health that tells the truth.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Nod, Running};
use crate::visitor::Visitor;

const PASSWORD: &str = "four plain words here\n";
/// How long a change of health may take to be seen: far more than the server's own bound.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A running server and the address of its internal listener.
fn watched() -> (Nod, Running, String) {
    let nod = Nod::init();
    nod.append("[internal]\nlisten = \"127.0.0.1:0\"\n");
    let mut running = Running::start(nod.folder.command(&["serve"]));
    let line = running.wait_for("metrics and health on ");
    running.wait_for("listening on ");
    let address = line.rsplit(' ').next().unwrap().to_owned();
    (nod, running, address)
}

/// The address of the public listener.
fn public(nod: &Nod) -> String {
    format!("127.0.0.1:{}", nod.origin.rsplit(':').next().unwrap())
}

/// Status and body of a GET.
pub(crate) fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// The value of a line of `/metrics`.
#[track_caller]
fn value(text: &str, line: &str) -> f64 {
    let found = text.lines().find_map(|each| each.strip_prefix(line)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("there is no {line} in\n{text}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_what_happened_and_name_nobody() {
    let (nod, _running, address) = watched();
    nod.run(&["user", "set", "anna", "--terminal-phone", "on"]).ok();
    nod.folder.run_with(&["phone", "enrol", &nod.link, "--password-stdin"], PASSWORD).ok();
    let link = nod.run(&["browser", "introduce", "anna", "--json"]).json()["link"].as_str().unwrap().to_owned();
    let mut anna = Visitor::new(&nod);
    anna.introduce(&link, "anna", PASSWORD.trim()).await;
    for answer in ["--approve", "--deny"] {
        assert_eq!(anna.sign_in("anna", PASSWORD.trim()).await["phase"], "waiting");
        nod.run(&["phone", "wait", "--timeout", "20", answer]).ok();
        if answer == "--approve" {
            assert!(anna.post("/sign-in/finish", &json!({})).await.status().is_success());
        }
    }
    // After a denial the number decides.
    assert!(anna.sign_in("anna", PASSWORD.trim()).await["number"].is_string());
    assert!(anna.post("/sign-in/cancel", &json!({})).await.status().is_success());
    anna.refused("anna", "not the password").await;
    let (status, text) = get(&address, "/metrics");
    assert_eq!(status, 200);
    for (line, expected) in [
        ("nod_sign_ins_total{outcome=\"granted\",factor=\"push\"}", 1.0),
        ("nod_sign_ins_total{outcome=\"denied\",factor=\"push\"}", 1.0),
        ("nod_sign_ins_total{outcome=\"withdrawn\",factor=\"push_number\"}", 1.0),
        ("nod_sign_ins_total{outcome=\"password_refused\",factor=\"password\"}", 1.0),
        ("nod_challenges_asked_total", 3.0),
        ("nod_challenges_fetched_total", 2.0),
        ("nod_answer_seconds_count", 2.0),
        ("nod_http_requests_total{method=\"POST\",route=\"/sign-in/finish\",status=\"200\"}", 1.0),
        ("nod_http_request_seconds_count{route=\"/sign-in/finish\"}", 1.0),
        ("nod_store_failures_total", 0.0),
        ("nod_password_queue", 0.0),
        ("nod_outbox_pushes", 0.0),
        ("nod_outbox_lag_seconds", 0.0),
        ("nod_live_channels", 0.0),
        (concat!("nod_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1.0),
    ] {
        assert_eq!(value(&text, line), expected, "{line}\n{text}");
    }
    for line in ["nod_store_read_seconds_count", "nod_store_commit_seconds_count"] {
        assert!(value(&text, line) > 10.0, "{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    for name in ["anna", "nod.localhost", "127.0.0.1", link.split_once('#').unwrap().1] {
        assert!(!text.contains(name), "{name} in\n{text}");
    }
    // Nothing of it on the public listener.
    for path in ["/metrics", "/health/ready", "/health/live"] {
        assert_eq!(get(&public(&nod), path).0, 404, "{path}");
    }
}

#[test]
fn a_database_that_fails_or_hangs_is_seen_and_so_is_its_return() {
    let (nod, _running, address) = watched();
    assert_eq!(get(&address, "/health/ready"), (200, "ready\n".to_owned()));
    let other = rusqlite::Connection::open(nod.data("nod.db")).unwrap();
    other.execute_batch("ALTER TABLE counters RENAME TO gone").unwrap();
    assert_eq!(get(&address, "/health/ready"), (503, "not ready: the database failed\n".to_owned()));
    assert_eq!(get(&address, "/health/live").0, 200, "another process would be no better");
    other.execute_batch("ALTER TABLE gone RENAME TO counters; ALTER TABLE pushes RENAME TO gone").unwrap();
    assert_eq!(get(&address, "/health/ready").0, 200);
    let (status, text) = get(&address, "/metrics");
    assert!(status == 200 && value(&text, "nod_outbox_lag_seconds").is_nan(), "unknown is not zero: {text}");
    assert!(value(&text, "nod_store_failures_total") > 0.0);
    assert_eq!(get(&public(&nod), "/healthz").0, 503, "the public word is as true");
    other.execute_batch("ALTER TABLE gone RENAME TO pushes").unwrap();
    assert_eq!(get(&public(&nod), "/healthz").0, 200);
    // Nobody can write while somebody else does.
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let silent = (503, "not ready: the database did not answer within 2 s\n".to_owned());
    assert_eq!(get(&address, "/health/ready"), silent);
    assert_eq!(get(&address, "/health/ready"), silent, "and again while the first look still hangs");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(get(&address, "/health/ready").0, 200);
}

#[test]
fn while_it_stops_it_is_not_ready() {
    let (nod, mut running, address) = watched();
    // A request that is not over keeps it from ending.
    let mut slow = TcpStream::connect(public(&nod)).unwrap();
    let host = nod.origin.rsplit("//").next().unwrap();
    let head = format!("POST /enrol/open HTTP/1.1\r\nhost: {host}\r\norigin: {}\r\n", nod.origin);
    let rest = "content-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{";
    write!(slow, "{head}{rest}").unwrap();
    assert_eq!(get(&address, "/health/ready").0, 200);
    running.signal("TERM");
    let deadline = Instant::now() + SOON;
    while get(&address, "/health/ready") != (503, "not ready: stopping\n".to_owned()) {
        assert!(Instant::now() < deadline, "it never said so");
    }
    assert_eq!(get(&address, "/health/live").0, 200);
    slow.write_all(b"}").unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 4"), "the running request was answered: {answer}");
    assert_eq!(running.code(), Some(0));
}

/// Names of metrics in a PromQL expression.
fn named(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    words.filter(|word| word.starts_with("nod_"))
}

#[test]
fn every_metric_of_the_dashboard_exists() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/grafana-dashboard.json");
    let dashboard: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let expressions: Vec<&str> = targets.map(|target| target["expr"].as_str().unwrap()).collect();
    let (nod, _running, address) = watched();
    assert_eq!(get(&public(&nod), "/healthz").0, 200);
    let (_, text) = get(&address, "/metrics");
    let samples: BTreeSet<&str> = text.lines().filter_map(|line| line.split(['{', ' ']).next()).collect();
    let used: BTreeSet<&str> = expressions.into_iter().flat_map(named).collect();
    for name in &used {
        assert!(samples.contains(name), "{name} is not in\n{text}");
    }
    // And nothing that is measured is forgotten there.
    let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    for kind in kinds {
        assert!(used.iter().any(|name| name.starts_with(kind)), "{kind} is on no panel");
    }
}

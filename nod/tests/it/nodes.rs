//! Two servers on one PostgreSQL database behave as one. Phones and commands reach the near one, pages the far one.

use std::io::{BufRead as _, BufReader};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use nod_phone::{Phone, PhoneState};
use nod_testkit::postgres::Cluster;
use reqwest::{Response, StatusCode};
use serde_json::json;
use tokio::time::timeout;

use crate::harness::{Nod, Running};
use crate::visitor::Visitor;

pub(crate) const NEAR: &str = "127.0.0.1";
pub(crate) const FAR: &str = "127.0.0.2";
pub(crate) const PASSWORD: &str = "four plain words here";
/// What one node changes is seen by the other within this time.
const SEEN_WITHIN: Duration = Duration::from_secs(1);
/// A line of a log comes within this time, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(30);
/// Wrong passwords that all nodes together take for one name.
const TRIES: usize = 10;

pub(crate) struct Nodes {
    // Field order is drop order: servers end before their database.
    _serving: [Running; 2],
    pub(crate) near: Nod,
    pub(crate) far: Nod,
    /// Lines of the far node's log.
    far_says: Receiver<String>,
    pub(crate) database: String,
    pub(crate) cluster: Cluster,
}

impl Nodes {
    pub(crate) fn start(listen: bool) -> Option<Self> {
        let cluster = Cluster::start()?;
        let database = cluster.database();
        let near = Nod::init_with(&["--database", &database]);
        near.set("# listen = true", &format!("listen = {listen}"));
        let far = near.beside(FAR);
        let (read, log) = std::io::pipe().unwrap();
        let mut far_serving = Running::start_with(far.folder.command(&["serve"]), log.into());
        far_serving.wait_for("listening on ");
        let (said, far_says) = channel();
        // Read to its end, so that it never fills up.
        std::thread::spawn(move || {
            BufReader::new(read).lines().map_while(Result::ok).all(|line| said.send(line).is_ok())
        });
        let serving = [near.serve(), far_serving];
        Some(Self { _serving: serving, near, far, far_says, database, cluster })
    }

    /// Waits until the far node has said this in its log.
    pub(crate) fn far_says(&self, words: &str) {
        while !self.far_says.recv_timeout(PATIENCE).unwrap().contains(words) {}
    }

    /// Enrols a terminal through the near node, and introduces a browser to the far one.
    pub(crate) async fn enrol(&self) -> Visitor {
        self.far.run(&["user", "set", "anna", "--terminal-phone", "on"]).ok();
        let near = &self.near;
        near.folder.run_with(&["phone", "enrol", &near.link, "--password-stdin"], &format!("{PASSWORD}\n")).ok();
        let link = near.run(&["browser", "introduce", "anna", "--json"]).json()["link"].as_str().unwrap().to_owned();
        let mut anna = Visitor::new(near).through(near, FAR);
        anna.introduce(&link, "anna", PASSWORD).await;
        anna
    }

    /// Approves on the terminal what it is asked.
    pub(crate) fn approve(&self) {
        let said = self.near.run(&["phone", "wait", "--approve", "--timeout", "20", "--json"]);
        assert_eq!(said.code, 0, "{said:?}; the audit:\n{}", self.far.run(&["audit", "list"]).out);
        assert_eq!(said.json()["state"], "approved");
    }

    /// The enrolled terminal as a library: it talks to the near node.
    fn phone(&self) -> Phone {
        let state = PhoneState::load(&self.near.folder.path().join(".local/state/nod/phone.json")).unwrap();
        let http = nod_phone::http_client(reqwest::Client::builder()).unwrap();
        Phone::new(http, std::sync::Arc::new(Dice), state.accounts[0].clone())
    }
}

pub(crate) struct Dice;

impl nod_phone::Entropy for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

/// The stream of a page that waits for the phone; it has said once how things stand.
pub(crate) async fn waiting(page: &mut Visitor) -> Response {
    assert_eq!(page.sign_in("anna", PASSWORD).await["phase"], "waiting");
    let mut stream = page.get("/sign-in/events").await.error_for_status().unwrap();
    let first = stream.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("waiting"), "{first:?}");
    stream
}

/// Waits until the stream says something for which `wanted` holds; nothing more is said when it ends.
pub(crate) async fn hears(stream: &mut Response, wanted: impl Fn(&str) -> bool) {
    let mut said = String::new();
    let heard = async {
        while !wanted(&said) {
            let chunk = stream.chunk().await.unwrap().unwrap_or_default();
            said = String::from_utf8_lossy(&chunk).into_owned();
        }
    };
    let heard = timeout(SEEN_WITHIN, heard).await;
    assert!(heard.is_ok(), "the change was not seen in time; the last word was {said:?}");
}

pub(crate) async fn account(page: &mut Visitor) -> StatusCode {
    page.get("/portal").await.status()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_are_one() {
    let Some(nodes) = Nodes::start(true) else { return };
    behave_as_one(&nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_are_one_without_notifications() {
    let Some(nodes) = Nodes::start(false) else { return };
    behave_as_one(&nodes).await;
}

async fn behave_as_one(nodes: &Nodes) {
    let mut page = nodes.enrol().await;
    let mut other = answered_elsewhere(nodes, &mut page).await;

    // A session that ended on one node has ended on both.
    let mut old = page.clone();
    assert!(other.post("/portal/sign-out", &json!({})).await.status().is_success());
    assert_eq!(account(&mut old).await, StatusCode::SEE_OTHER);

    // Whoever is disabled by one node's command has nothing on the other: an enrolment that is open there ends.
    let link = nodes.near.run(&["user", "enrol", "anna", "--no-wait", "--json"]).json()["link"].clone();
    let token = link.as_str().unwrap().split_once('#').unwrap().1.to_owned();
    assert!(page.post("/enrol/open", &json!({"token": token})).await.status().is_success());
    let mut stream = page.get("/enrol/events").await.error_for_status().unwrap();
    hears(&mut stream, |said| said.contains("password")).await;
    nodes.near.run(&["user", "disable", "anna"]).ok();
    hears(&mut stream, |said| !said.contains("password")).await;
    assert_eq!(page.give("anna", PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    nodes.far.run(&["user", "enable", "anna"]).ok();

    // A phone that was revoked on one node is refused by the other, and its open channel ends.
    let phone = nodes.phone();
    let mut channel = phone.events();
    channel.next().await.unwrap();
    let mut stream = waiting(&mut page).await;
    assert_eq!(channel.next().await.unwrap().len(), 1, "the phone hears of what the other node asks");
    let device = nodes.far.run(&["device", "list", "--json"]).json()[0]["id"].as_str().unwrap().to_owned();
    nodes.far.run(&["device", "revoke", &device]).ok();
    hears(&mut stream, |said| !said.contains("waiting")).await;
    let ended = async { while channel.next().await.is_ok() {} };
    timeout(SEEN_WITHIN + nod_phone::events::BACK_OFF_MIN * 2, ended).await.expect("the revoked phone hears on");

    tries_are_counted_together(nodes).await;
}

/// Begun on the far node, answered through the near one, collected on the far one. Gives the same browser on the near one.
async fn answered_elsewhere(nodes: &Nodes, page: &mut Visitor) -> Visitor {
    let mut stream = waiting(page).await;
    nodes.approve();
    hears(&mut stream, |said| said.contains("ready")).await;
    assert!(page.post("/sign-in/finish", &json!({})).await.status().is_success());
    let mut other = page.through(&nodes.near, NEAR);
    assert_eq!((account(page).await, account(&mut other).await), (StatusCode::OK, StatusCode::OK));
    let again = other.post("/sign-in/finish", &json!({})).await.status();
    assert!(again.is_client_error(), "collected once, not {again}");
    other
}

async fn tries_are_counted_together(nodes: &Nodes) {
    let mut pages = [FAR, NEAR].map(|address| Visitor::new(&nodes.near).through(&nodes.near, address));
    for number in 0..TRIES {
        let refused = pages[number % 2].give("anna", "another four words here").await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    }
    for page in &mut pages {
        assert_eq!(page.give("anna", PASSWORD).await.status(), StatusCode::TOO_MANY_REQUESTS);
    }
}

//! The cluster: two databases, three nodes, and people who sign in.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nod_phone::{Account, PhoneState};
use nod_testkit::SeededEntropy;
use tokio::task::JoinSet;

use super::database::Pair;
use super::ledger::Ledger;
use super::load::Person;
use super::net::{self, Machine};
use super::{NODES, PEOPLE, RECOVERED_WITHIN};
use crate::harness::{Nod, Running};
use crate::nodes::PASSWORD;
use crate::visitor::{self, Visitor};

/// A node: its machine, its installation, and the server while it runs.
pub(crate) struct Node {
    pub(crate) machine: Machine,
    nod: Nod,
    pub(crate) server: Option<Running>,
}

/// Everything.
pub(crate) struct World {
    load: JoinSet<()>,
    over: Arc<AtomicBool>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) database: Pair,
    nod: Arc<Nod>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) chance: SeededEntropy,
}

impl World {
    /// Sets everything up and begins the load. None where PostgreSQL is missing.
    pub(crate) async fn start(seed: u64) -> Option<Self> {
        net::bridge();
        let database = Pair::start()?;
        let nod = Arc::new(Nod::init_with(&["--database", &database.url()]));
        let accounts = enrol(&nod);
        let nodes: Vec<Node> = (0..NODES).map(|number| Node::start(&nod, number)).collect();
        let ledger = Arc::<Ledger>::default();
        let world = Self {
            load: JoinSet::new(),
            over: Arc::default(),
            nodes,
            database,
            nod,
            ledger,
            chance: SeededEntropy::new(seed),
        };
        Some(world.with_load(accounts, seed).await)
    }

    async fn with_load(mut self, accounts: Vec<Account>, seed: u64) -> Self {
        for (number, account) in accounts.into_iter().enumerate() {
            let clients = self.nodes.iter().map(|node| visitor::client(&self.nod, Some(&node.machine.address)));
            let clients: Vec<_> = clients.collect();
            let name = name(number);
            let mut browser = Visitor::new(&self.nod);
            browser.by(&clients[0]).introduce(&link(&self.nod, &name).unwrap(), &name, PASSWORD).await;
            let person = Person::new(&name, browser, clients, &account, seed + number as u64, &self.ledger);
            let (over, nod) = (Arc::clone(&self.over), Arc::clone(&self.nod));
            self.load.spawn(person.work(over, move |name| link(&nod, name)));
        }
        self
    }

    /// Waits until every node carries whole sign-ins that began after this moment; gives how long that took.
    pub(crate) async fn recovered(&mut self, since: Instant) -> Duration {
        self.serve_since(since, None).await
    }

    /// The same of all nodes but one.
    pub(crate) async fn others_serve(&mut self, without: usize, since: Instant) {
        self.serve_since(since, Some(without)).await;
    }

    /// Waits until this node says that it cannot serve.
    pub(crate) async fn denies(&mut self, node: usize) {
        let began = Instant::now();
        let http = visitor::client(&self.nod, Some(&self.nodes[node].machine.address));
        let url = format!("{}/healthz", self.nod.origin);
        while http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(began.elapsed() < RECOVERED_WITHIN, "node {node} still calls itself well");
            tokio::time::sleep(super::LOOK_AGAIN).await;
        }
    }

    async fn serve_since(&mut self, since: Instant, without: Option<usize>) -> Duration {
        while !(0..NODES).all(|node| Some(node) == without || self.ledger.serves_since(node, since)) {
            if let Some(ended) = self.load.try_join_next() {
                ended.expect("a client found something wrong");
            }
            let waited = since.elapsed();
            assert!(waited < RECOVERED_WITHIN, "not recovered: {}", self.ledger.tally());
            tokio::time::sleep(super::LOOK_AGAIN).await;
        }
        since.elapsed()
    }

    /// Prompts without success are limited; rounds that are days apart for people are seconds apart here.
    pub(crate) fn forget_prompts(&self) {
        self.database.sql("DELETE FROM counters WHERE bucket LIKE '%prompt%'");
    }

    /// Ends the load; every client must have found all in order.
    pub(crate) async fn end(mut self) -> String {
        self.over.store(true, Ordering::SeqCst);
        while let Some(ended) = self.load.join_next().await {
            ended.expect("a client found something wrong");
        }
        self.nod.run(&["audit", "verify"]).ok();
        self.ledger.check(&self.database)
    }
}

impl Node {
    fn start(nod: &Nod, number: usize) -> Self {
        let machine = Machine::new(&format!("n{number}"), 11 + u8::try_from(number).unwrap());
        let nod = nod.beside(&machine.address);
        let mut node = Self { machine, nod, server: None };
        node.serve(&[]);
        node
    }

    /// `nod serve` on its machine, once it listens.
    pub(crate) fn serve(&mut self, environment: &[(&str, PathBuf)]) {
        let mut command = self.nod.folder.command(&["serve"]);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let mut running = Running::start(self.machine.runs(&command, None));
        running.wait_for("listening on ");
        self.server = Some(running);
    }
}

fn name(number: usize) -> String {
    if number == 0 { "anna".to_owned() } else { format!("person{number}") }
}

/// Makes accounts with a terminal each, through a server that serves the test alone.
fn enrol(nod: &Nod) -> Vec<Account> {
    let _serving = nod.serve();
    for number in 0..PEOPLE {
        let name = name(number);
        if number > 0 {
            nod.run(&["user", "add", &name, "--display-name", &name]).ok();
        }
        nod.run(&["user", "set", &name, "--terminal-phone", "on"]).ok();
        let link = match number {
            0 => nod.link.clone(),
            _ => nod.run(&["user", "enrol", &name, "--no-wait", "--json"]).json()["link"].as_str().unwrap().to_owned(),
        };
        nod.folder.run_with(&["phone", "enrol", &link, "--password-stdin"], &format!("{PASSWORD}\n")).ok();
    }
    PhoneState::load(&nod.folder.path().join(".local/state/nod/phone.json")).unwrap().accounts
}

/// A link by which this person's browser is introduced; none while the database cannot be reached.
fn link(nod: &Nod, name: &str) -> Option<String> {
    let made = nod.run(&["browser", "introduce", name, "--json"]);
    (made.code == 0).then(|| made.json()["link"].as_str().unwrap().to_owned())
}

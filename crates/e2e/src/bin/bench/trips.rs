//! Whole sign-ins over the real interfaces: begin, push, fetch, answer, collect.

use std::io::BufRead as _;
use std::time::{Duration, Instant};

use nod_protocol::device_api::{RequestBody, paths};
use nod_testkit::postgres::Cluster;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::aims::Aims;
use crate::http::Http;
use crate::installation;
use crate::people::{self, Person};
use crate::process::{Role, cpu, cpu_by_thread, cpu_of_family};
use crate::table::{self, Samples};

/// Clients at once, one row each.
const LEVELS: [usize; 3] = [1, 8, 64];
/// People that a client signs in in turn: somebody signs in a few times a day, not hundreds of times a minute.
const PEOPLE_PER_CLIENT: usize = 32;
const WARM_UP: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(10);
/// The second push of each trip becomes due 10 s after the first and is then dropped unsent; its cost belongs to the trip.
const AFTERWARDS: Duration = Duration::from_secs(13);
const RING_LIMIT: Duration = Duration::from_secs(20);
const STEPS: [&str; 6] = ["begin", "push arrives", "fetch", "answer", "collect", "whole trip"];

type Ring = (usize, String);

/// A browser and a phone, for several people in turn.
pub(crate) struct Client {
    browser: Http,
    phone: Http,
}

/// Times of the steps of one trip, in the order of [`STEPS`].
type Times = [Duration; STEPS.len()];

impl Client {
    pub(crate) async fn connect(address: &str) -> Self {
        Self { browser: Http::connect(address).await, phone: Http::connect(address).await }
    }

    /// POST `/sign-in`; gives the sign-in cookie.
    pub(crate) async fn begin(&mut self, person: &mut Person) -> String {
        let cookie = format!("cookie: __Host-nod-browser={}", person.browser);
        let form = format!("user={}&password=four+plain+words+here", person.name);
        let fields =
            ["content-type: application/x-www-form-urlencoded", "sec-fetch-site: same-origin", cookie.as_str()];
        let answer = self.browser.send("POST /sign-in", &fields, form.as_bytes()).await.expect(303);
        if let Some(next) = answer.cookie("__Host-nod-browser") {
            person.browser = next;
        }
        answer.cookie("__Host-nod-sign-in").unwrap()
    }

    pub(crate) async fn fetch(&mut self, person: &Person, id: &str) -> RequestBody {
        let bearer = format!("authorization: Bearer {}", person.token);
        let line = format!("GET {}/requests/{id}", paths::BASE);
        serde_json::from_slice(&self.phone.send(&line, &[&bearer], b"").await.expect(200).body).unwrap()
    }

    pub(crate) async fn answer(&mut self, person: &Person, request: &RequestBody) {
        let bearer = format!("authorization: Bearer {}", person.token);
        let body = serde_json::to_vec(&person.approve(request)).unwrap();
        let line = format!("POST {}", paths::answer(&request.id));
        self.phone.send(&line, &["content-type: application/json", &bearer], &body).await.expect(200);
    }

    pub(crate) async fn collect(&mut self, sign_in: &str) {
        let cookie = format!("cookie: __Host-nod-sign-in={sign_in}");
        self.browser.send("POST /sign-in/finish", &["sec-fetch-site: same-origin", &cookie], b"").await.expect(200);
    }

    async fn trip(&mut self, number: usize, person: &mut Person, rings: &mut UnboundedReceiver<Ring>) -> Times {
        let started = Instant::now();
        let sign_in = self.begin(person).await;
        let begun = Instant::now();
        let id = loop {
            let ring = tokio::time::timeout(RING_LIMIT, rings.recv()).await.expect("no push came").unwrap();
            if ring.0 == number {
                break ring.1;
            }
        };
        let rung = Instant::now();
        let request = self.fetch(person, &id).await;
        let fetched = Instant::now();
        self.answer(person, &request).await;
        let answered = Instant::now();
        self.collect(&sign_in).await;
        let done = Instant::now();
        [begun - started, rung - begun, fetched - rung, answered - fetched, done - answered, done - started]
    }
}

/// What one client measured, and its people and pushes back for the next level.
struct Worked {
    /// With those of the warm-up.
    trips: usize,
    steps: Vec<Samples>,
    people: Vec<(usize, Person)>,
    rings: UnboundedReceiver<Ring>,
}

async fn work(address: String, mut people: Vec<(usize, Person)>, mut rings: UnboundedReceiver<Ring>) -> Worked {
    let mut client = Client::connect(&address).await;
    let mut steps = vec![Samples::default(); STEPS.len()];
    let (warm, end) = (Instant::now() + WARM_UP, Instant::now() + WARM_UP + MEASURED);
    let mut turn = 0;
    while Instant::now() < end {
        let size = people.len();
        let (number, person) = &mut people[turn % size];
        turn += 1;
        let times = client.trip(*number, person, &mut rings).await;
        if Instant::now() > warm {
            steps.iter_mut().zip(times).for_each(|(step, time)| step.add(time));
        }
    }
    Worked { trips: turn, steps, people, rings }
}

/// Hands each push that the stub took to the client whose person it is for.
fn dispatch(stub: &mut Role, clients: Vec<UnboundedSender<Ring>>) {
    let output = stub.output.take().unwrap();
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            let (person, topic) = line.split_once(' ').unwrap();
            let person: usize = person.parse().unwrap();
            // The client may have ended.
            let _ = clients[person / PEOPLE_PER_CLIENT].send((person, topic.to_owned()));
        }
    });
}

/// One row of the table.
pub(crate) struct Level {
    pub(crate) clients: usize,
    pub(crate) trips: usize,
    pub(crate) rate: f64,
    /// Commits on PostgreSQL in a second.
    pub(crate) writes: Option<f64>,
    /// CPU of PostgreSQL.
    pub(crate) database_ms: Option<f64>,
    pub(crate) server_ms: f64,
    /// Without what the outbox does later.
    at_once_ms: f64,
    clients_ms: f64,
    stub_ms: f64,
    steps: Vec<Samples>,
}

impl Level {
    /// Times of whole trips.
    pub(crate) fn whole(&self) -> &Samples {
        &self.steps[STEPS.len() - 1]
    }
}

type Idle = Vec<(Vec<(usize, Person)>, UnboundedReceiver<Ring>)>;

async fn level(clients: usize, server: &Role, stub: &Role, idle: &mut Idle, database: Option<&Database<'_>>) -> Level {
    let database_before = database.map(|database| (database.written(), cpu_of_family(database.cluster.id())));
    let before = (cpu(server.id()), cpu(std::process::id()), cpu(stub.id()));
    let threads = cpu_by_thread(server.id());
    let mut workers = JoinSet::new();
    for (people, rings) in idle.drain(..clients) {
        workers.spawn(work(server.address.clone(), people, rings));
    }
    let mut steps = vec![Samples::default(); STEPS.len()];
    let mut all = 0;
    while let Some(worked) = workers.join_next().await {
        let Worked { trips, steps: own, people, rings } = worked.unwrap();
        all += trips;
        steps.iter_mut().zip(own).for_each(|(all, own)| all.append(own));
        idle.push((people, rings));
    }
    let (clients_cpu, at_once) = (cpu(std::process::id()) - before.1, cpu(server.id()) - before.0);
    let written = database.zip(database_before).map(|(database, (before, _))| database.written() - before);
    tokio::time::sleep(AFTERWARDS).await;
    let (server_cpu, stub_cpu) = (cpu(server.id()) - before.0, cpu(stub.id()) - before.2);
    let trips = steps[0].len();
    let rate = trips as f64 / MEASURED.as_secs_f64();
    let all = all as f64;
    if clients == *LEVELS.last().unwrap() {
        let by_thread = cpu_by_thread(server.id()).into_iter().map(|(name, after)| {
            let spent = after - threads.get(&name).copied().unwrap_or_default();
            vec![name, format!("{:.3}", table::ms(spent) / all)]
        });
        let by_thread: Vec<_> = by_thread.collect();
        table::print("Server CPU a trip by kind of thread, 64 clients", &["threads", "ms/trip"], &by_thread);
    }
    let each = |time: Duration| table::ms(time) / all;
    let database_ms =
        database.zip(database_before).map(|(now, (_, before))| each(cpu_of_family(now.cluster.id()) - before));
    let writes = written.map(|written| written as f64 / (WARM_UP + MEASURED).as_secs_f64());
    let (server_ms, clients_ms, stub_ms) = (each(server_cpu), each(clients_cpu), each(stub_cpu));
    let at_once_ms = each(at_once);
    Level { clients, trips, rate, writes, database_ms, server_ms, at_once_ms, clients_ms, stub_ms, steps }
}

/// A PostgreSQL database that is measured.
struct Database<'c> {
    cluster: &'c Cluster,
    url: &'c str,
}

impl Database<'_> {
    /// How many commits the store has made so far, at least: transactions that wrote something, without those that only waited for
    /// the disk behind a commit with events (one for each event at most).
    fn written(&self) -> u64 {
        let asked = "SELECT pg_current_xact_id()::TEXT::BIGINT - (SELECT count(*) FROM audit)";
        self.cluster.psql(self.url, asked).parse().unwrap()
    }
}

pub(crate) async fn run(aims: &mut Aims) {
    let folder = installation::folder();
    let levels = levels(folder.path().join("nod.db").to_str().unwrap(), None).await;
    report(&levels, aims);
}

/// Measures a server on a SQLite file, or on a database of this cluster by its URL.
pub(crate) async fn levels(path: &str, cluster: Option<&Cluster>) -> Vec<Level> {
    let database = cluster.map(|cluster| Database { cluster, url: path });
    let mut stub = Role::start(&["stub"]);
    let most = *LEVELS.last().unwrap();
    let store = installation::open(path).await;
    let mut people = people::seed(&*store, most * PEOPLE_PER_CLIENT, Some(&stub.address)).await.into_iter().enumerate();
    drop(store);
    let server = Role::start(&["server", path]);
    let (mut senders, mut idle) = (Vec::new(), Idle::new());
    for _ in 0..most {
        let (sender, rings) = unbounded_channel();
        senders.push(sender);
        idle.push((people.by_ref().take(PEOPLE_PER_CLIENT).collect(), rings));
    }
    dispatch(&mut stub, senders);
    let mut levels = Vec::new();
    for clients in LEVELS {
        levels.push(level(clients, &server, &stub, &mut idle, database.as_ref()).await);
    }
    levels
}

fn report(levels: &[Level], aims: &mut Aims) {
    let rows: Vec<_> = levels
        .iter()
        .map(|level| {
            let mut row = vec![level.clients.to_string(), level.trips.to_string(), format!("{:.0}", level.rate)];
            row.extend(
                [level.server_ms, level.at_once_ms, level.clients_ms, level.stub_ms].map(|ms| format!("{ms:.2}")),
            );
            row.extend(level.steps[STEPS.len() - 1].cells());
            row
        })
        .collect();
    let head = [
        "clients",
        "trips",
        "trips/s",
        "server CPU ms",
        "of it at once",
        "clients CPU ms",
        "stub CPU ms",
        "p50 ms",
        "p99 ms",
        "max ms",
    ];
    table::print(
        "Whole trips, without argon2 (CPU figures are for one trip; server CPU with the outbox's later work)",
        &head,
        &rows,
    );
    let mut rows = Vec::new();
    for level in levels {
        for (name, step) in STEPS.iter().zip(&level.steps) {
            let mut row = vec![(*name).to_owned(), level.clients.to_string()];
            row.extend(step.cells());
            rows.push(row);
        }
    }
    table::print("Steps as the client sees them", &["step", "clients", "p50 ms", "p99 ms", "max ms"], &rows);
    let last = levels.last().unwrap();
    aims.below("server CPU a trip", "ms", 1.0, last.server_ms, "216 ms");
    aims.above("trips/s, 64 clients, stub and clients on the same 2 cores", "/s", 2000.0, last.rate, "226 ms a trip");
    println!(
        "  Server alone, from its CPU: {:.0} trips/s on two cores, if nothing else ran on them",
        2000.0 / last.server_ms
    );
    println!("  Durable sign-ins at 64 clients (synchronous=FULL, every answer on disk first): {:.0} /s", last.rate);
}

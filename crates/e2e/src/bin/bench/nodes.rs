//! PostgreSQL beside SQLite, in one run on the same disk; and how soon one node hears of what another has done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nod_core::DeviceId;
use nod_engine::ports::{Store, Topic, Write};
use nod_testkit::postgres::Cluster;
use tokio::task::JoinSet;

use crate::aims::Aims;
use crate::installation;
use crate::people::{self, Person};
use crate::process::cpu_of_family;
use crate::raw;
use crate::store;
use crate::table::{self, Samples};
use crate::trips::{self, Level};

/// Wake-ups measured, one at a time.
const WAKES: usize = 1_000;
/// Sign-ins under way beside them, for the second row.
const BESIDE: usize = 16;
/// Connections of a node, and so of the bare database beside it.
const CONNECTIONS: usize = nod_store::DEFAULT_CONNECTIONS;

pub(crate) async fn run(aims: &mut Aims) {
    // As Debian installs it: no setting is tuned.
    let Some(cluster) = Cluster::start() else { return };
    let bare = raw::postgres(&cluster.database(), CONNECTIONS).await;
    let bare_one = raw::postgres(&cluster.database(), 1).await;
    println!("\nBare PostgreSQL, one row a transaction: {bare_one:.0}/s on 1 connection, {bare:.0}/s on {CONNECTIONS}");
    stores(&cluster).await;
    let folder = installation::folder();
    let sqlite = trips::levels(folder.path().join("nod.db").to_str().unwrap(), None).await;
    let postgres = trips::levels(&cluster.database(), Some(&cluster)).await;
    whole_trips(&sqlite, &postgres, bare);
    let writes = postgres.iter().filter_map(|level| level.writes).fold(0.0, f64::max);
    aims.above("commits of whole sign-ins, share of bare PostgreSQL's", "%", 80.0, 100.0 * writes / bare, "-");
    wake_ups(&cluster, aims).await;
}

/// Sign-ins without HTTP.
async fn stores(cluster: &Cluster) {
    let folder = installation::folder();
    let mut rows = Vec::new();
    for (name, database) in
        [("SQLite", folder.path().join("store.db").to_str().unwrap().to_owned()), ("PostgreSQL", cluster.database())]
    {
        let store = installation::open(&database).await;
        let people = people::seed(&*store, store::CLIENTS, None).await;
        for clients in [1, store::CLIENTS] {
            let before = cpu_of_family(cluster.id());
            let start = Instant::now();
            let (rate, samples, own_ms) = store::level(&store, &people, clients).await;
            let database_cpu = table::ms(cpu_of_family(cluster.id()) - before) / (rate * start.elapsed().as_secs_f64());
            let mut row = vec![format!("{name}, {clients} at once"), format!("{rate:.0}")];
            row.extend([format!("{:.0}", rate * store::COMMITS), format!("{own_ms:.2}"), format!("{database_cpu:.2}")]);
            row.extend([0.5, 0.99].map(|share| format!("{:.2}", samples.at(share))));
            rows.push(row);
        }
    }
    let head = ["store", "sign-ins/s", "commits/s", "own CPU ms", "postgres CPU ms", "p50 ms/commit", "p99 ms/commit"];
    table::print("Stores alone: sign-ins of 3 commits (CPU for one sign-in)", &head, &rows);
}

fn whole_trips(sqlite: &[Level], postgres: &[Level], bare: f64) {
    let mut rows = Vec::new();
    for (name, levels) in [("SQLite", sqlite), ("PostgreSQL", postgres)] {
        for level in levels {
            let mut row = vec![format!("{name}, {} clients", level.clients), format!("{:.0}", level.rate)];
            row.push(format!("{:.2}", level.server_ms));
            row.push(level.database_ms.map_or("-".to_owned(), |ms| format!("{ms:.2}")));
            row.extend([0.5, 0.99].map(|share| format!("{:.1}", level.whole().at(share))));
            row.push(level.writes.map_or("-".to_owned(), |writes| format!("{writes:.0}")));
            row.push(level.writes.map_or("-".to_owned(), |writes| format!("{:.0} %", 100.0 * writes / bare)));
            rows.push(row);
        }
    }
    let head = [
        "whole trips",
        "trips/s",
        "server CPU ms",
        "postgres CPU ms",
        "p50 ms",
        "p99 ms",
        "commits/s",
        "of bare PostgreSQL",
    ];
    table::print("PostgreSQL beside SQLite (CPU for one trip)", &head, &rows);
}

/// From the answer to a commit on one node to the wake on another.
async fn wake_ups(cluster: &Cluster, aims: &mut Aims) {
    let url = cluster.database();
    let (speaker, hearer) = (installation::open(&url).await, installation::open(&url).await);
    let people = Arc::new(people::seed(&*speaker, BESIDE + 1, None).await);
    let mut rows = Vec::new();
    for beside in [0, BESIDE] {
        let over = Arc::new(AtomicBool::new(false));
        let mut load = JoinSet::new();
        for number in 0..beside {
            load.spawn(sign_ins(Arc::clone(&speaker), Arc::clone(&people), number, Arc::clone(&over)));
        }
        let mut samples = Samples::default();
        for _ in 0..WAKES {
            samples.add(wake_up(&*speaker, &*hearer, &people[BESIDE]).await);
        }
        over.store(true, Ordering::SeqCst);
        let done: usize = load.join_all().await.into_iter().sum();
        let mut row = vec![format!("{beside} sign-ins beside ({done} done)"), samples.len().to_string()];
        row.extend(samples.cells());
        rows.push(row);
        aims.below(&format!("wake-up across nodes, p99, {beside} sign-ins beside"), "ms", 15.0, samples.at(0.99), "-");
    }
    table::print("Wake-ups across two nodes", &["load", "samples", "p50 ms", "p99 ms", "max ms"], &rows);
}

async fn wake_up(speaker: &dyn Store, hearer: &dyn Store, person: &Person) -> Duration {
    let mut waiter = hearer.wakes().wait_for(Topic::User(person.user));
    let user = speaker.user(person.user).await.unwrap().unwrap();
    let write = Write::ChangeUser { from: user.checksum, to: user };
    let committed = async {
        speaker.commit(vec![write]).await.unwrap();
        Instant::now()
    };
    let heard = async {
        waiter.changed().await;
        Instant::now()
    };
    let (committed, heard) = tokio::join!(committed, heard);
    heard.saturating_duration_since(committed)
}

async fn sign_ins(store: Arc<dyn Store>, people: Arc<Vec<Person>>, number: usize, over: Arc<AtomicBool>) -> usize {
    let (person, mut samples, mut done) = (&people[number], Samples::default(), 0);
    while !over.load(Ordering::SeqCst) {
        store::sign_in(&*store, person.user, DeviceId(person.device.0), &mut samples).await;
        done += 1;
    }
    done
}

//! Memory of the server with many sign-ins pending, and of those who wait for them.

use nod_core::SignInId;
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{SecretHash, UserId};
use nod_engine::ports::random;
use tokio::task::JoinSet;

use crate::aims::Aims;
use crate::installation::{self, OsEntropy};
use crate::people;
use crate::process::{Role, memory};
use crate::table;
use crate::trips::Client;

const PENDING: usize = 10_000;
const CLIENTS: usize = 16;

pub(crate) async fn run(aims: &mut Aims) {
    let waiter = waiter_bytes().await;
    let folder = installation::folder();
    let database = folder.path().join("nod.db");
    let store = installation::store(&database);
    // One more share of people: their trips warm the server up, so that what it allocates once is not counted as pending.
    let mut people = people::seed(&*store, PENDING + PENDING / 10, None).await;
    drop(store);
    let server = Role::start(&["server", database.to_str().unwrap()]);
    let idle = memory(server.id());
    let rest = people.split_off(PENDING / 10);
    begin(&server.address, people).await;
    let warm = memory(server.id());
    begin(&server.address, rest).await;
    let pending = memory(server.id());
    let each = (pending.0 - warm.0).max(0.0) / PENDING as f64;
    let mib = |kib: f64| format!("{:.1}", kib / 1024.0);
    let rows: Vec<_> = [("idle", idle), ("after 1,000 sign-ins begun", warm), ("with 11,000 pending", pending)]
        .into_iter()
        .map(|(name, (all, own))| vec![name.to_owned(), mib(all), mib(own)])
        .collect();
    table::print(
        "Memory of the server process (without argon2)",
        &["state", "resident MiB", "not file-backed MiB"],
        &rows,
    );
    println!(
        "  Each further pending sign-in: {each:.2} KiB resident, mostly SQLite's page cache, which is bounded (16 MiB for each\n  \
         of four connections); and {waiter:.0} bytes for each who waits for a change of it (measured apart, 20,000 at once)"
    );
    aims.below("memory of a parked wait", "KiB", 1.0, waiter / 1024.0, "-");
    aims.below("memory of a pending sign-in, page cache and wait", "KiB", 1.0, each + waiter / 1024.0, "-");
}

/// Begins a sign-in for everybody.
async fn begin(address: &str, people: Vec<people::Person>) {
    let mut people = people;
    let mut workers = JoinSet::new();
    let share = people.len().div_ceil(CLIENTS);
    while !people.is_empty() {
        let own = people.split_off(people.len().saturating_sub(share));
        let address = address.to_owned();
        workers.spawn(async move {
            let mut client = Client::connect(&address).await;
            for mut person in own {
                client.begin(&mut person).await;
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done.unwrap();
    }
}

/// Bytes of one parked wait: the place in the waiting room and the future that waits.
async fn waiter_bytes() -> f64 {
    let folder = installation::folder();
    let engine = installation::engine(installation::store(&folder.path().join("nod.db")));
    let park = || {
        let mut waiter = engine.watch_sign_in(&sign_in());
        let mut parked = Box::pin(async move { waiter.changed().await });
        assert!(futures_poll(parked.as_mut()).is_pending());
        parked
    };
    // First some, so that the map and the allocator have grown.
    let mut all: Vec<_> = Vec::with_capacity(3 * PENDING);
    all.extend((0..PENDING).map(|_| park()));
    let before = memory(std::process::id()).1;
    all.extend((0..2 * PENDING).map(|_| park()));
    let after = memory(std::process::id()).1;
    assert_eq!(engine.store().wakes().topics(), all.len());
    (after - before).max(0.0) * 1024.0 / (2 * PENDING) as f64
}

fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

fn sign_in() -> SignIn {
    let now = installation::now();
    SignIn {
        id: SignInId(random(&OsEntropy)),
        secret: SecretHash([0; 32]),
        user: UserId([0; 16]),
        app: None,
        return_to: String::new(),
        binding: None,
        browser: None,
        address: String::new(),
        agent: String::new(),
        state: SignInState::Open,
        created_at: now,
        expires_at: now,
        checksum: nod_core::UNSEALED,
    }
}

//! The store by itself: durable sign-ins without HTTP, push and signatures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nod_core::access::{Method, Session};
use nod_core::audit::{Event, EventKind};
use nod_core::challenge::{Answer, Challenge, ChallengeState, Decision};
use nod_core::push::Stage;
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{ChallengeId, DeviceId, SecretHash, SessionId, SignInId, UNSEALED, UserId, limits};
use nod_engine::ports::{Store, Write, random};
use tokio::task::JoinSet;

use crate::aims::Aims;
use crate::installation::{self, OsEntropy};
use crate::people;
use crate::process::cpu;
use crate::raw;
use crate::table::{self, Samples};

pub(crate) const CLIENTS: usize = 64;
const SPAN: Duration = Duration::from_secs(6);
/// Commits of one sign-in here: opened, answered, collected.
pub(crate) const COMMITS: f64 = 3.0;

pub(crate) async fn run(_: &mut Aims) {
    let folder = installation::folder();
    let store: Arc<dyn Store> = installation::store(&folder.path().join("nod.db"));
    let people = people::seed(&*store, CLIENTS, None).await;
    let mut rows = Vec::new();
    for clients in [1, CLIENTS] {
        let (rate, samples, cpu_ms) = level(&store, &people, clients).await;
        let mut row = vec![format!("store: sign-ins of 3 commits, {clients} at once"), format!("{rate:.0}")];
        row.extend([format!("{:.0}", rate * COMMITS), format!("{cpu_ms:.3}"), format!("{:.2}", samples.at(0.5))]);
        row.push(format!("{:.2}", samples.at(0.99)));
        rows.push(row);
    }
    drop(store);
    let path = folder.path();
    for (name, per_second, rows_each) in [
        ("bare SQLite: 1 insert a transaction, 1 thread", raw::rows(path, 1), 1),
        ("bare SQLite: 64 inserts a transaction, 1 thread", raw::rows(path, CLIENTS), CLIENTS),
        ("bare file: 4 KiB appended and flushed", raw::flushes(path), 1),
    ] {
        let mut row = vec![name.to_owned(), "-".to_owned(), format!("{per_second:.0}"), "-".to_owned()];
        row.extend([format!("{:.2}", 1000.0 * rows_each as f64 / per_second), "-".to_owned()]);
        rows.push(row);
    }
    let head = ["what", "sign-ins/s", "commits or rows/s", "CPU ms/sign-in", "p50 ms/commit", "p99 ms/commit"];
    table::print("Store alone, synchronous=FULL", &head, &rows);
}

pub(crate) async fn level(store: &Arc<dyn Store>, people: &[people::Person], clients: usize) -> (f64, Samples, f64) {
    let before = cpu(std::process::id());
    let start = Instant::now();
    let mut workers = JoinSet::new();
    for person in people.iter().take(clients) {
        let (store, user, device) = (Arc::clone(store), person.user, DeviceId(person.device.0));
        workers.spawn(async move {
            let (mut samples, mut done) = (Samples::default(), 0);
            while start.elapsed() < SPAN {
                sign_in(&*store, user, device, &mut samples).await;
                done += 1;
            }
            (samples, done)
        });
    }
    let (mut samples, mut done) = (Samples::default(), 0);
    while let Some(worked) = workers.join_next().await {
        let (own, count) = worked.unwrap();
        samples.append(own);
        done += count;
    }
    let spent = cpu(std::process::id()) - before;
    (f64::from(done) / start.elapsed().as_secs_f64(), samples, table::ms(spent) / f64::from(done))
}

pub(crate) async fn sign_in(store: &dyn Store, user: UserId, device: DeviceId, samples: &mut Samples) {
    let (sign_in, challenge) = (SignInId(random(&OsEntropy)), ChallengeId(random(&OsEntropy)));
    commit(store, opened(sign_in, challenge, user), samples).await;
    let now = installation::now();
    let answer =
        Answer { device, decision: Decision::Approve, jws: "j".repeat(700), assertion: Some("a".repeat(650)), at: now };
    let event = |kind| Write::Audit(Event::new(kind, now).user(user, "person").address("127.0.0.1"));
    let answered = vec![
        Write::AnswerChallenge {
            challenge,
            version: 1,
            to: ChallengeState::Approved(answer),
            sign_in,
            user,
            checksum: UNSEALED,
        },
        Write::Stage { subject: challenge.0, device, stage: Stage::Answered, at: now, sign_in: Some(sign_in), user },
        event(EventKind::Approved),
    ];
    commit(store, answered, samples).await;
    let collected = vec![
        Write::ConsumeChallenge { challenge, sign_in, user },
        Write::FinishSignIn { sign_in, proved: false },
        Write::AddSession(session(user)),
        event(EventKind::SignedIn),
    ];
    commit(store, collected, samples).await;
}

fn opened(id: SignInId, challenge: ChallengeId, user: UserId) -> Vec<Write> {
    let now = installation::now();
    let sign_in = SignIn {
        id,
        secret: SecretHash(random(&OsEntropy)),
        user,
        app: None,
        return_to: "/".to_owned(),
        binding: None,
        browser: None,
        address: "127.0.0.1".to_owned(),
        agent: "Firefox on Linux".to_owned(),
        state: SignInState::Open,
        created_at: now,
        expires_at: now.after(limits::SIGN_IN_LIFE),
        checksum: UNSEALED,
    };
    let challenge = Challenge {
        id: challenge,
        sign_in: id,
        user,
        version: 1,
        state: ChallengeState::Pending,
        nonce: random(&OsEntropy),
        context: vec![b'c'; 250],
        number: None,
        created_at: now,
        expires_at: now.after(limits::CHALLENGE_LIFE),
        checksum: UNSEALED,
    };
    let event = Event::new(EventKind::ChallengeOpened, now).user(user, "person").address("127.0.0.1");
    vec![Write::AddSignIn(sign_in), Write::OpenChallenge(challenge), Write::Audit(event)]
}

fn session(user: UserId) -> Session {
    let now = installation::now();
    Session {
        id: SessionId(random(&OsEntropy)),
        user,
        secret: SecretHash(random(&OsEntropy)),
        browser: None,
        method: Method::Push,
        address: "127.0.0.1".to_owned(),
        agent: "Firefox on Linux".to_owned(),
        created_at: now,
        last_seen_at: now,
        ended: false,
        checksum: UNSEALED,
    }
}

async fn commit(store: &dyn Store, writes: Vec<Write>, samples: &mut Samples) {
    let start = Instant::now();
    store.commit(writes).await.unwrap();
    samples.add(start.elapsed());
}

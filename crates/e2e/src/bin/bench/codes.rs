//! One-time codes by themselves: what it costs to judge a right one and to use it up for ever, without HTTP and the password.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nod_core::oath::{Algorithm, Moving, code};
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{SecretHash, SignInId, UNSEALED, limits};
use nod_engine::ports::{Store, Write, random};
use nod_engine::{Engine, NewToken};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use crate::aims::Aims;
use crate::installation::{self, OsEntropy};
use crate::people::{self, Person};
use crate::process::cpu;
use crate::table::{self, Samples};

const CLIENTS: usize = 64;
/// Codes that each client types.
const EACH: u64 = 150;
/// Sign-ins written in one commit.
const BATCH: usize = 50;
const AIM_MICROS: f64 = 60.0;
const DIGITS: u32 = 6;
/// Bytes of a token's secret (RFC 4226 section 4 recommends as many).
const SECRET_BYTES: usize = 20;

/// Somebody with a token with a button, and the sign-ins that wait for its codes.
struct Client {
    secret: [u8; SECRET_BYTES],
    sign_ins: Vec<SignIn>,
}

pub(crate) async fn run(aims: &mut Aims) {
    let mut rows = Vec::new();
    for clients in [1, CLIENTS] {
        let folder = installation::folder();
        let store: Arc<dyn Store> = installation::store(&folder.path().join("nod.db"));
        let engine = installation::engine(Arc::clone(&store));
        let people = people::seed(&*store, clients, None).await;
        let mut ready = Vec::new();
        for (number, person) in people.iter().enumerate() {
            // The same in each run: of many random codes one in a million is also one that was used just before, and is refused.
            ready.push(client(&engine, &*store, person, [number as u8 + 1; SECRET_BYTES]).await);
        }
        let count = ready.len() as f64 * EACH as f64;
        let (took, spent, samples) = all_at_once(&engine, ready).await;
        let micros = table::ms(spent) * 1000.0 / count;
        rows.push(vec![
            format!("{clients} at once"),
            format!("{:.0}", count / took.as_secs_f64()),
            format!("{micros:.0}"),
            format!("{:.2}", samples.at(0.5)),
            format!("{:.2}", samples.at(0.99)),
        ]);
        if clients == CLIENTS {
            aims.below("a one-time code judged and used up, CPU, 64 at once", "us", AIM_MICROS, micros, "58,000 us");
        }
    }
    table::print("One-time codes, SQLite", &["codes", "codes/s", "CPU us/code", "p50 ms", "p99 ms"], &rows);
}

async fn client(engine: &Engine, store: &dyn Store, person: &Person, secret: [u8; SECRET_BYTES]) -> Client {
    let user = store.user(person.user).await.unwrap().unwrap();
    let token = NewToken {
        name: "token".to_owned(),
        moving: Moving::Press,
        algorithm: Algorithm::Sha1,
        digits: DIGITS,
        secret: Some(Zeroizing::new(secret.to_vec())),
        count: 0,
        active: true,
    };
    engine.add_token(&user, token).await.unwrap();
    let browser = engine.this_browser(Some(&person.browser), user.id).await.unwrap();
    let (vault, now) = (installation::vault(), installation::now());
    let sign_ins: Vec<SignIn> = (0..EACH)
        .map(|_| {
            vault.sealed(SignIn {
                id: SignInId(random(&OsEntropy)),
                secret: SecretHash(random(&OsEntropy)),
                user: user.id,
                app: None,
                return_to: "/".to_owned(),
                binding: None,
                browser,
                address: "127.0.0.1".to_owned(),
                agent: "Firefox on Linux".to_owned(),
                state: SignInState::Open,
                created_at: now,
                expires_at: now.after(limits::SIGN_IN_LIFE),
                checksum: UNSEALED,
            })
        })
        .collect();
    for some in sign_ins.chunks(BATCH) {
        store.commit(some.iter().cloned().map(Write::AddSignIn).collect()).await.unwrap();
    }
    Client { secret, sign_ins }
}

async fn all_at_once(engine: &Engine, clients: Vec<Client>) -> (Duration, Duration, Samples) {
    let (start, before) = (Instant::now(), cpu(std::process::id()));
    let mut workers = JoinSet::new();
    for client in clients {
        let engine = engine.clone();
        workers.spawn(async move {
            let mut samples = Samples::default();
            for (count, sign_in) in client.sign_ins.iter().enumerate() {
                let typed = code(Algorithm::Sha1, &client.secret, count as u64, DIGITS);
                let start = Instant::now();
                engine.prove_code(sign_in, &typed).await.unwrap();
                samples.add(start.elapsed());
            }
            samples
        });
    }
    let mut samples = Samples::default();
    while let Some(own) = workers.join_next().await {
        samples.append(own.unwrap());
    }
    (start.elapsed(), cpu(std::process::id()) - before, samples)
}

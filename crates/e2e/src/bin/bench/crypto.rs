//! What single pieces cost: the password step, building a push, verifying an answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nod_delivery::web_push::{
    Kind, Message, MessageKeys, PublicOrigin, PushId, Subscription, VapidKey, VapidSigner, VapidSubject, encrypt,
    render,
};
use nod_engine::ports::random;
use nod_engine::{Argon2Queue, Passwords as _};
use nod_phone::keys;
use nod_protocol::answer::ParsedAnswer;
use nod_protocol::device_api::{RequestBody, RequestState, UserBody};
use nod_protocol::webauthn::verify_assertion;
use nod_protocol::{B64, Bytes32, Id};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use crate::installation::{self, ORIGIN, OsEntropy};
use crate::people;
use crate::process::cpu;
use crate::table::{self, ms};

const ROUNDS: u32 = 3000;
const PASSWORDS: u32 = 40;

fn cost(mut work: impl FnMut()) -> f64 {
    for _ in 0..ROUNDS / 10 {
        work();
    }
    let start = Instant::now();
    for _ in 0..ROUNDS {
        work();
    }
    ms(start.elapsed()) * 1000.0 / f64::from(ROUNDS)
}

pub(crate) async fn run() {
    let mut rows = push();
    rows.extend(answer().await);
    let rows: Vec<_> = rows.into_iter().map(|(name, us)| vec![name.to_owned(), format!("{us:.1}")]).collect();
    table::print("Pieces, one thread", &["piece", "µs"], &rows);
    passwords().await;
}

fn push() -> Vec<(&'static str, f64)> {
    let key = keys::new_key(&OsEntropy).unwrap();
    let (p256dh, auth) = (URL_SAFE_NO_PAD.encode(key.jwk().point()), URL_SAFE_NO_PAD.encode([5; 16]));
    let parse = || Subscription::parse("http://127.0.0.1:9/push/1", &p256dh, &auth).unwrap();
    let subscription = parse();
    let origin = PublicOrigin::parse(ORIGIN).unwrap();
    let id = PushId::parse(&URL_SAFE_NO_PAD.encode([7; 16])).unwrap();
    let now = installation::now().0;
    let message = Message { kind: Kind::Request, id, expires_ms: now + 120_000, pending: 1 };
    let content = render(&message, &origin).unwrap();
    let signer = || {
        let subject = VapidSubject::parse("mailto:bench@nod-mfa.org").unwrap();
        VapidSigner::new(VapidKey::generate(&OsEntropy).unwrap(), subject)
    };
    let cached = signer();
    let audience = subscription.endpoint().audience().to_owned();
    let mut turn = 0_u64;
    let fresh = signer();
    vec![
        ("push: subscription row parsed", cost(|| drop(parse()))),
        ("push: payload written", cost(|| drop(render(&message, &origin).unwrap()))),
        (
            "push: fresh key, agreement, padded and encrypted (RFC 8291)",
            cost(|| {
                let keys = MessageKeys::from_entropy(&OsEntropy).unwrap();
                drop(encrypt(subscription.public(), subscription.auth(), keys, &content).unwrap());
            }),
        ),
        ("push: VAPID header, cached", cost(|| drop(cached.authorization(&audience, now).unwrap()))),
        (
            "push: VAPID header, signed anew (once an hour for each push service)",
            cost(|| {
                turn += 1;
                drop(fresh.authorization(&format!("https://{turn}.example.org"), now).unwrap());
            }),
        ),
    ]
}

async fn answer() -> Vec<(&'static str, f64)> {
    let folder = installation::folder();
    let store = installation::store(&folder.path().join("nod.db"));
    let person = people::seed(&*store, 1, None).await.remove(0);
    let now = installation::now().0;
    let request = RequestBody {
        id: Id(random(&OsEntropy)),
        device: person.device,
        user: UserBody { name: person.name.clone(), display_name: person.name.clone() },
        version: 1,
        nonce: Bytes32(random(&OsEntropy)),
        context: B64(vec![b'c'; 250]),
        number_required: false,
        others: 0,
        created_at: now,
        expires_at: now + 120_000,
        now,
        state: RequestState::Pending,
    };
    let given = person.approve(&request);
    let assertion = given.assertion.as_ref().unwrap();
    let rp = people::relying_party();
    let verified = ParsedAnswer::parse(&given.answer).unwrap().verify(person.key.jwk()).unwrap();
    vec![
        (
            "answer: JWS parsed and verified (ES256)",
            cost(|| drop(ParsedAnswer::parse(&given.answer).unwrap().verify(person.key.jwk()).unwrap())),
        ),
        (
            "answer: assertion verified (WebAuthn, ES256)",
            cost(|| {
                drop(verify_assertion(assertion, verified.payload_sha256(), &rp, &person.passkey_public).unwrap());
            }),
        ),
        ("phone: answer signed, with assertion (client's cost)", cost(|| drop(person.approve(&request)))),
    ]
}

async fn passwords() {
    let cores = std::thread::available_parallelism().unwrap().get();
    let queue = Arc::new(Argon2Queue::new(cores, Arc::new(OsEntropy)).unwrap());
    let password = || Zeroizing::new("four plain words here".to_owned());
    let hash = queue.hash(password(), "seed").await.unwrap();
    let mut rows = Vec::new();
    for at_once in [1, 2, 8] {
        let before = cpu(std::process::id());
        let start = Instant::now();
        let mut workers = JoinSet::new();
        for worker in 0..at_once {
            let (queue, hash) = (Arc::clone(&queue), hash.clone());
            workers.spawn(async move {
                for _ in 0..PASSWORDS / at_once {
                    assert!(queue.verify(Some(hash.clone()), password(), &format!("192.0.2.{worker}")).await.unwrap());
                }
            });
        }
        while let Some(done) = workers.join_next().await {
            done.unwrap();
        }
        let (took, spent) = (start.elapsed(), cpu(std::process::id()) - before);
        let each = |time: Duration| format!("{:.1}", ms(time) / f64::from(PASSWORDS));
        let rate = format!("{:.0}", f64::from(PASSWORDS) / took.as_secs_f64());
        rows.push(vec![at_once.to_string(), rate, each(spent)]);
    }
    let head = ["at once", "passwords/s", "CPU ms each"];
    table::print("Password step: argon2id, 19 MiB, 2 passes, 1 lane, through the queue", &head, &rows);
    println!("  This bounds real sign-ins by password: the trips below are without it, as the aims are.");
}

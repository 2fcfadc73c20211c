//! kill -9: what was acknowledged is there afterwards, unchanged, and nothing was collected twice.
//!
//! The test starts itself again as a child that signs people in and prints a receipt for each acknowledged commit, kills it
//! after a random number of receipts, and opens the store it left behind.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nod_core::audit::{Event, EventKind};
use nod_core::challenge::{Challenge, ChallengeState, Decision};
use nod_core::sign_in::SignIn;
use nod_core::{ChallengeId, SecretHash, SignInId};
use nod_engine::ports::{Entropy, Store, Write, random};
use nod_testkit::conformance::Bed;
use nod_testkit::conformance::rows::*;
use nod_testkit::{SeededEntropy, TestClock};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::open;

/// Names the database to the child. Without it the child's test does nothing.
const CHILD_DATABASE: &str = "NOD_STORE_KILL_DATABASE";
/// Seeds the child's ids.
const CHILD_SEED: &str = "NOD_STORE_KILL_SEED";
/// Asks for all rounds.
const FULL: &str = "NOD_FULL";
const ROUNDS: u64 = 10;
const ROUNDS_IN_FULL: u64 = 200;
/// A child is killed after at most so many receipts.
const MOST_RECEIPTS: u64 = 400;
/// More than two rounds can write.
const EVENTS_OF_TWO_ROUNDS: u32 = 10_000;
/// Tasks that sign in at the same time.
const TASKS: usize = 8;

#[expect(clippy::disallowed_methods, reason = "how a test talks to its own child")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Killed and waited for, whatever happens.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the child said of a challenge: the last word counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Opened,
    Denied,
    Approved,
    Consumed,
}

fn start_child(path: &Path, seed: u64) -> Killed {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["kill::child_under_load", "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD_DATABASE, path)
        .env(CHILD_SEED, seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Killed(child)
}

/// Reads receipts, kills after `most`, and drains what had been printed before the kill.
fn receipts_until_killed(mut child: Killed, most: u64, said: &mut HashMap<ChallengeId, Said>) -> u64 {
    let output = BufReader::new(child.0.stdout.take().unwrap());
    let mut count = 0;
    for line in output.lines() {
        let Ok(line) = line else { break };
        let Some((word, id)) = line.strip_prefix("receipt ").and_then(|rest| rest.split_once(' ')) else { continue };
        let word = match word {
            "opened" => Said::Opened,
            "denied" => Said::Denied,
            "approved" => Said::Approved,
            _ => Said::Consumed,
        };
        // The kill may cut the last line; a cut id is no receipt.
        let Ok(id) = id.parse::<ChallengeId>() else { continue };
        let before = said.insert(id, word);
        assert!(before < Some(word), "{id}: {before:?}, then {word:?}");
        count += 1;
        if count == most {
            child.0.kill().unwrap();
        }
    }
    count
}

/// Holds what the store has against what was acknowledged. A commit may have been made whose receipt was not.
/// Looks at the newest `events` of the audit.
async fn check(store: &impl Store, said: &HashMap<ChallengeId, Said>, events: u32) -> HashMap<ChallengeId, Challenge> {
    let mut kept = HashMap::new();
    let mut consumed = 0;
    for (id, said) in said {
        let found = store.challenge(*id).await.unwrap();
        assert!(found.is_some(), "{id} was {said:?} and is gone");
        let challenge = found.unwrap();
        let allowed: &[&str] = match said {
            Said::Opened => &["pending", "denied", "approved", "consumed"],
            Said::Denied => &["denied"],
            Said::Approved => &["approved", "consumed"],
            Said::Consumed => &["consumed"],
        };
        let name = challenge.state.name();
        assert!(allowed.contains(&name), "{id} was {said:?} and is {name}");
        if name == "consumed" {
            consumed += 1;
            let owner = store.sign_in(challenge.sign_in).await.unwrap().unwrap();
            assert_eq!(owner.state, nod_core::sign_in::SignInState::Finished, "one commit is there whole");
        }
        kept.insert(*id, challenge);
    }
    let mut collected = HashMap::<String, usize>::new();
    for (_, event) in store.audit(None, events).await.unwrap() {
        *collected.entry(event.detail).or_default() += 1;
    }
    let mut told = 0;
    for (id, challenge) in &kept {
        let times = collected.get(&id.to_string()).copied().unwrap_or(0);
        assert_eq!(times, usize::from(challenge.state.name() == "consumed"), "{id} was collected {times} times");
        told += times;
    }
    assert_eq!(told, consumed);
    kept
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_undone_by_kill_9() {
    if environment(CHILD_DATABASE).is_some() {
        return;
    }
    let (folder, clock) = (TempDir::new().unwrap(), TestClock::default());
    let path = folder.path().join("nod.db");
    let bed = Bed::new(open(&path, &clock).unwrap(), clock.clone());
    bed.phone().await;
    drop(bed);
    let chance = SeededEntropy::new(9);
    let mut all = HashMap::new();
    let mut settled: HashMap<ChallengeId, Challenge> = HashMap::new();
    let mut last: HashMap<ChallengeId, Said> = HashMap::new();
    let rounds = if environment(FULL).is_some() { ROUNDS_IN_FULL } else { ROUNDS };
    for round in 0..rounds {
        let most = 1 + chance.below(MOST_RECEIPTS);
        let mut fresh = HashMap::new();
        let count = receipts_until_killed(start_child(&path, round), most, &mut fresh);
        assert!(count >= most, "round {round}: the child ended by itself after {count} receipts");
        all.extend(fresh.clone());
        // This round and the one before now, everything at the end.
        last.extend(fresh.clone());
        let store = open(&path, &clock).unwrap();
        let found = check(&store, &last, EVENTS_OF_TWO_ROUNDS).await;
        for (id, row) in found.into_iter().filter(|(_, row)| ended(row)) {
            settled.entry(id).or_insert(row);
        }
        last = fresh;
    }
    let store = open(&path, &clock).unwrap();
    let found = check(&store, &all, u32::MAX).await;
    for (id, before) in &settled {
        assert_eq!(found.get(id), Some(before), "INV-02: {id} changed after it had ended");
    }
    assert!(settled.len() > usize::try_from(rounds).unwrap(), "the load must have settled something");
}

fn ended(challenge: &Challenge) -> bool {
    matches!(challenge.state.name(), "consumed" | "denied")
}

/// The child. In an ordinary run it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_under_load() {
    let Some(path) = environment(CHILD_DATABASE) else { return };
    let seed = environment(CHILD_SEED).unwrap().parse().unwrap();
    let store = Arc::new(open(Path::new(&path), &TestClock::default()).unwrap());
    let chance = Arc::new(SeededEntropy::new(seed));
    let made = Arc::new(AtomicU64::new(seed << 32));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (store, chance, made) = (Arc::clone(&store), Arc::clone(&chance), Arc::clone(&made));
        tasks.spawn(async move {
            loop {
                sign_in_once(&*store, &chance, made.fetch_add(1, Ordering::Relaxed)).await;
            }
        });
    }
    tasks.join_all().await;
}

/// One line, flushed: said only of what the store has acknowledged.
fn receipt(word: &str, id: ChallengeId) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "receipt {word} {id}").unwrap();
    out.flush().unwrap();
}

async fn sign_in_once(store: &impl Store, chance: &SeededEntropy, number: u64) {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    chance.fill(&mut id[8..]);
    let owner = SignIn { id: SignInId(id), secret: SecretHash(random(chance)), ..sign_in(1, ANNA) };
    // Each has a number to type, as others stand beside it.
    let asked =
        Challenge { id: ChallengeId(id), number: nod_core::challenge::Number::parse("161803"), ..challenge(1, &owner) };
    let (challenge, sign_in, user) = (asked.id, owner.id, ANNA);
    store.commit(vec![Write::AddSignIn(owner), Write::OpenChallenge(asked)]).await.unwrap();
    receipt("opened", challenge);
    let denied = chance.below(4) == 0;
    let to = if denied { ChallengeState::Denied(answer(11, Decision::Deny, at(20))) } else { approved() };
    store
        .commit(vec![Write::AnswerChallenge { challenge, version: 1, to, sign_in, user, checksum: CHANGED }])
        .await
        .unwrap();
    receipt(if denied { "denied" } else { "approved" }, challenge);
    if denied {
        return;
    }
    let collect = || {
        vec![
            Write::ConsumeChallenge { challenge, sign_in, user },
            Write::FinishSignIn { sign_in, proved: false },
            Write::Audit(Event::new(EventKind::SignedIn, at(30)).detail(challenge.to_string())),
        ]
    };
    // Two pages of the same sign-in collect at once; one of them wins.
    let (first, second) = tokio::join!(store.commit(collect()), store.commit(collect()));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    receipt("consumed", challenge);
}

//! Faults: a primary, a streaming standby and three nodes, each in a network namespace of its own, while people sign in. Things
//! break, and afterwards: no acknowledged answer is lost, nothing is granted twice or without an approval, and everything serves
//! again by itself. How long that took is printed.
//!
//! The test starts itself again in namespaces of its own, so that whatever it sets up ends with it.

mod database;
mod failover;
mod ledger;
mod load;
mod net;
mod node_kill;
mod partition;
mod world;

use std::process::Command;
use std::time::{Duration, Instant};

use nod_testkit::SeededEntropy;
use nod_testkit::postgres::Programs;
use nod_testkit::tools::{self, IP, NFT, Tool};

use world::World;

const NODES: usize = 3;
const PEOPLE: usize = 4;
/// Everything serves again within this time after any fault, on a busy machine too.
const RECOVERED_WITHIN: Duration = Duration::from_secs(120);
/// Between two looks at something that cannot report by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const ROUNDS_IN_FULL: usize = 100;
/// Tells the test that it is in namespaces of its own.
const INSIDE: &str = "NOD_FAULTS_INSIDE";
/// Asks for all rounds.
const FULL: &str = "NOD_FULL";
/// Another seed than usual.
const SEED: &str = "NOD_SEED";
const USUAL_SEED: u64 = 11;
/// Everything that the test asks of the machine, as `unshare` is told it.
const NAMESPACES: [&str; 6] = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
/// Named in `ci-skips.toml` where the machine does not permit them.
const PERMISSION: &str = "network namespaces";

/// What can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    NodeKilled,
    PrimaryKilled,
    PrimaryUnplugged,
    Partition,
}

const ALL: [Fault; 4] = [Fault::NodeKilled, Fault::PrimaryKilled, Fault::PrimaryUnplugged, Fault::Partition];

impl Fault {
    const fn words(self) -> &'static str {
        match self {
            Self::NodeKilled => "node killed, started again",
            Self::PrimaryKilled => "primary killed, standby promoted",
            Self::PrimaryUnplugged => "primary's machine silent, standby promoted",
            Self::Partition => "node cut off from the database, healed",
        }
    }

    /// Breaks it, and mends what the administrator mends. Gives how long it took until all nodes served again.
    async fn strike(self, world: &mut World) -> Duration {
        match self {
            Self::NodeKilled => node_kill::strike(world).await,
            Self::PrimaryKilled => failover::kill(world).await,
            Self::PrimaryUnplugged => failover::unplug(world).await,
            Self::Partition => partition::strike(world).await,
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_granted_twice() {
    if !permitted() || !have(&[IP, NFT]) || Programs::find().is_none() {
        return;
    }
    let test = std::env::current_exe().unwrap();
    let mut inside = Command::new("unshare");
    inside.args(NAMESPACES).arg(test).args(["faults::inside", "--exact", "--nocapture", "--test-threads=1"]);
    let status = inside.env(INSIDE, "1").status().unwrap();
    assert!(status.success(), "see above");
}

/// The test itself, in its namespaces. In an ordinary run it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn inside() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let seed = std::env::var(SEED).map_or(USUAL_SEED, |seed| seed.parse().unwrap());
    let full = std::env::var_os(FULL).is_some();
    println!("faults: seed {seed}; repeat with {SEED}={seed}");
    let Some(mut world) = World::start(seed).await else { return };
    world.recovered(Instant::now()).await;
    let mut times: Vec<(Fault, Duration)> = Vec::new();
    for (round, fault) in plan(full, seed).into_iter().enumerate() {
        let took = fault.strike(&mut world).await;
        println!("round {round}: {}: served again after {:.1} s", fault.words(), took.as_secs_f64());
        world.ledger.check(&world.database);
        world.forget_prompts();
        times.push((fault, took));
    }
    let tally = world.ledger.tally();
    println!("{}; failures that clients met: {tally}", world.end().await);
    report(times);
}

/// Each fault once, or a hundred as chance has it.
fn plan(full: bool, seed: u64) -> Vec<Fault> {
    if !full {
        return ALL.to_vec();
    }
    let chance = SeededEntropy::new(seed);
    (0..ROUNDS_IN_FULL).map(|_| ALL[usize::try_from(chance.below(ALL.len() as u64)).unwrap()]).collect()
}

fn report(mut times: Vec<(Fault, Duration)>) {
    times.sort_by_key(|(_, took)| *took);
    println!("{:<45} {:>6} {:>9} {:>9}", "fault", "rounds", "median s", "most s");
    for fault in ALL {
        let of: Vec<f64> = times.iter().filter(|(f, _)| *f == fault).map(|(_, took)| took.as_secs_f64()).collect();
        if let Some(most) = of.last() {
            println!("{:<45} {:>6} {:>9.1} {most:>9.1}", fault.words(), of.len(), of[of.len() / 2]);
        }
    }
}

/// Whether this machine lets us have namespaces: they need root.
fn permitted() -> bool {
    let tried = Command::new("unshare").args(NAMESPACES).arg("true").output();
    let permitted = tried.is_ok_and(|output| output.status.success());
    if !permitted {
        println!("SKIP: {PERMISSION} are not permitted here; run the tests as root on Linux");
        assert!(!tools::is_ci() || tools::allowed_skip(PERMISSION).is_some(), "CI=true, so this fails: {PERMISSION}");
    }
    permitted
}

fn have(wanted: &[Tool]) -> bool {
    let missing: Vec<&Tool> = wanted.iter().filter(|tool| tool.find().is_none()).collect();
    for tool in &missing {
        println!("SKIP: {}", tool.missing());
        assert!(!tools::is_ci() || tools::allowed_skip(tool.name).is_some(), "CI=true, so this fails: {}", tool.name);
    }
    missing.is_empty()
}

/// Looks until `look` finds something.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + RECOVERED_WITHIN;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited {RECOVERED_WITHIN:?} in vain for: {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
}

//! INV-22, D03: whatever is done to the chain, the walk names the place.

use nod_core::audit::{ChainHash, Event, EventKind, Link};
use nod_core::{Timestamp, UserId};
use nod_engine::audit::{Checkpointed, Finding, Report, Verifier};
use nod_engine::ports::{Store as _, Write, chain_hash};
use nod_protocol::Bytes32;
use nod_protocol::checkpoint::CheckpointPayload;

use crate::Scene;

const LINKS: i64 = 10;
/// When the checkpoints were signed.
const AT: Timestamp = Timestamp(77);

fn event(name: &str) -> Event {
    Event::new(EventKind::UserAdded, Timestamp(5)).user(UserId([1; 16]), name)
}

/// A sound chain over these names.
fn chain<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Link> {
    let mut previous = ChainHash::START;
    let link = |(sequence, name)| {
        previous = chain_hash(&previous, sequence, &event(name));
        Link { sequence, hash: Some(previous), event: Some(event(name)) }
    };
    (1..).zip(names).map(link).collect()
}

fn names() -> Vec<&'static str> {
    vec!["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]
}

fn signed(links: &[Link], count: usize) -> CheckpointPayload {
    let head = Bytes32(links[count - 1].hash.unwrap().0);
    CheckpointPayload { head, count: i64::try_from(count).unwrap(), at: AT.0, origin: String::new() }
}

fn walked(mut verifier: Verifier, links: &[Link]) -> Report {
    links.iter().for_each(|link| verifier.step(link));
    verifier.finish()
}

/// Numbers the rows anew, as somebody does who leaves no gap.
fn renumbered(mut links: Vec<Link>) -> Vec<Link> {
    (1..).zip(&mut links).for_each(|(sequence, link)| link.sequence = sequence);
    links
}

#[test]
fn a_sound_chain_holds_beside_its_checkpoints() {
    let links = chain(names());
    let report = walked(Verifier::new([signed(&links, 4), signed(&links, 10)]), &links);
    assert_eq!((report.findings, report.more, report.count), (vec![], 0, LINKS));
    assert_eq!((Some(report.head), report.checkpoint), (links[9].hash, Some(signed(&links, 10))));
    let empty = walked(Verifier::new([]), &[]);
    assert_eq!((empty.findings, empty.count, empty.head), (vec![], 0, ChainHash::START));
}

type Tamper = fn(Vec<Link>) -> Vec<Link>;

#[test]
fn every_tampering_is_named_by_its_place() {
    let broken = |first, last| Finding::Broken { first, last };
    let rewritten = |after, count| Finding::Rewritten { after, count, at: AT };
    let cases: Vec<(&str, Tamper, Vec<Finding>)> = vec![
        (
            "an edit",
            |mut l| {
                l[4].event = Some(event("x"));
                l
            },
            vec![broken(5, 5)],
        ),
        (
            "an edit of the first",
            |mut l| {
                l[0].event = Some(event("x"));
                l
            },
            vec![broken(1, 1)],
        ),
        (
            "an edit of the last",
            |mut l| {
                l[9].event = Some(event("x"));
                l
            },
            vec![broken(10, 10)],
        ),
        (
            "two edits",
            |mut l| {
                l[1].event = Some(event("x"));
                l[6].event = None;
                l
            },
            vec![broken(2, 2), broken(7, 7)],
        ),
        (
            "a hash that is none",
            |mut l| {
                l[4].hash = None;
                l
            },
            vec![broken(5, 5)],
        ),
        (
            "an edit with a fitting hash",
            |mut l| {
                l[4].event = Some(event("x"));
                l[4].hash = Some(chain_hash(&l[3].hash.unwrap(), 5, &event("x")));
                l
            },
            vec![broken(6, 6)],
        ),
        (
            "a deletion",
            |mut l| {
                l.remove(4);
                l
            },
            vec![Finding::Missing { first: 5, last: 5 }],
        ),
        ("a deletion of the first", |l| l[3..].to_vec(), vec![Finding::Missing { first: 1, last: 3 }]),
        (
            "a deletion without a gap",
            |mut l| {
                l.remove(7);
                renumbered(l)
            },
            vec![broken(8, 9), Finding::CutTail { last: 9, count: 10, at: AT }],
        ),
        (
            "a reorder",
            |mut l| {
                l.swap(2, 3);
                renumbered(l)
            },
            vec![broken(3, 5)],
        ),
        (
            "an insertion at the end",
            |mut l| {
                l.push(Link { sequence: 11, hash: l[9].hash, event: Some(event("x")) });
                l
            },
            vec![broken(11, 11)],
        ),
        (
            "an insertion before the first",
            |mut l| {
                l.insert(0, Link { sequence: 0, hash: l[9].hash, event: Some(event("x")) });
                l
            },
            vec![broken(0, 0)],
        ),
        (
            "an insertion in between",
            |mut l| {
                l.insert(8, Link { sequence: 0, hash: l[7].hash, event: Some(event("x")) });
                renumbered(l)
            },
            vec![broken(9, 10), rewritten(6, 10), broken(11, 11)],
        ),
        ("a cut tail", |l| l[..8].to_vec(), vec![Finding::CutTail { last: 8, count: 10, at: AT }]),
        ("everything cut", |_| vec![], vec![Finding::CutTail { last: 0, count: 10, at: AT }]),
        ("a new chain", |_| chain(["x", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]), vec![rewritten(0, 6)]),
        (
            "a new chain from the eighth on",
            |_| chain(["a", "b", "c", "d", "e", "f", "g", "x", "i", "j"]),
            vec![rewritten(6, 10)],
        ),
        (
            "a cut tail that grew again",
            |_| chain(["a", "b", "c", "d", "e", "f", "g", "h", "x", "y", "z"]),
            vec![rewritten(6, 10)],
        ),
    ];
    for (name, tamper, expected) in cases {
        let links = chain(names());
        let verifier = Verifier::new([signed(&links, 6), signed(&links, 10)]);
        assert_eq!(walked(verifier, &tamper(links)).findings, expected, "{name}");
    }
}

#[test]
fn many_findings_are_counted() {
    let names: Vec<String> = (0..600).map(|n| n.to_string()).collect();
    let links = chain(names.iter().map(String::as_str));
    let every_third: Vec<Link> = links.into_iter().filter(|link| link.sequence % 3 == 1).collect();
    let report = walked(Verifier::new([]), &every_third);
    assert_eq!((report.findings.len(), report.more), (100, 99));
}

#[tokio::test]
async fn a_checkpoint_is_due_when_the_chain_has_grown_and_holds() {
    let scene = Scene::new().await;
    let due = |outcome| match outcome {
        Checkpointed::Due(payload) => payload,
        other => panic!("{other:?}"),
    };
    let first = due(scene.engine.checkpoint_audit(None).await.unwrap());
    let events = scene.store.audit(None, 1_000).await.unwrap().len();
    assert_eq!((first.count, &*first.origin), (i64::try_from(events).unwrap(), &*scene.engine.settings().origin));
    let again = scene.engine.checkpoint_audit(Some(first.clone())).await.unwrap();
    assert_eq!(again, Checkpointed::Unmoved);
    scene.store.commit(vec![Write::Audit(event("bo"))]).await.unwrap();
    let second = due(scene.engine.checkpoint_audit(Some(first.clone())).await.unwrap());
    assert_eq!(second.count, first.count + 1);
    let mut told = Vec::new();
    let report = scene.engine.verify_audit(vec![first, second.clone()], |at| told.push(at)).await.unwrap();
    assert_eq!((report.findings, report.checkpoint, told), (vec![], Some(second.clone()), vec![second.count]));

    // A chain that does not go on from what was signed is not signed again.
    for last in [
        CheckpointPayload { head: Bytes32([1; 32]), ..second.clone() },
        CheckpointPayload { count: second.count + 1, ..second },
    ] {
        let refused = scene.engine.checkpoint_audit(Some(last)).await.unwrap();
        assert!(matches!(&refused, Checkpointed::Refused(report) if report.findings.len() == 1), "{refused:?}");
    }
}

//! INV-22, D03: whatever is done to the chain, the walk names the place.

use nod_core::audit::{ChainHash, Event, EventKind, Link};
use nod_core::{Timestamp, UserId};
use nod_engine::audit::{Checkpointed, Finding, LostToRestore, Report, Verifier};
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
    CheckpointPayload {
        head,
        count: i64::try_from(count).unwrap(),
        at: AT.0,
        origin: String::new(),
        restored_from: None,
    }
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

type Case = (&'static str, fn(Vec<Link>) -> Vec<Link>, Vec<Finding>);

const fn broken(first: i64, last: i64) -> Finding {
    Finding::Broken { first, last }
}
const fn missing(first: i64, last: i64) -> Finding {
    Finding::Missing { first, last }
}
const fn rewritten(after: i64, count: i64) -> Finding {
    Finding::Rewritten { after, count, at: AT }
}
const fn cut(last: i64, count: i64) -> Finding {
    Finding::CutTail { last, count, at: AT }
}

/// Each tampering with a chain that was signed at 6 and at 10 gives just these findings.
fn check(cases: Vec<Case>) {
    for (name, tamper, expected) in cases {
        let links = chain(names());
        let verifier = Verifier::new([signed(&links, 6), signed(&links, 10)]);
        assert_eq!(walked(verifier, &tamper(links)).findings, expected, "{name}");
    }
}

fn edited(mut links: Vec<Link>, place: usize) -> Vec<Link> {
    links[place - 1].event = Some(event("x"));
    links
}

fn inserted(mut links: Vec<Link>, place: usize, sequence: i64) -> Vec<Link> {
    links.insert(place - 1, Link { sequence, hash: links[7].hash, event: Some(event("x")) });
    links
}

#[test]
fn edits_are_named_by_their_place() {
    check(vec![
        ("in the middle", |links| edited(links, 5), vec![broken(5, 5)]),
        ("the first", |links| edited(links, 1), vec![broken(1, 1)]),
        ("the last", |links| edited(links, 10), vec![broken(10, 10)]),
        ("two", |links| edited(edited(links, 2), 7), vec![broken(2, 2), broken(7, 7)]),
    ]);
    check(vec![
        (
            "to no event",
            |mut links| {
                links[4].event = None;
                links
            },
            vec![broken(5, 5)],
        ),
        (
            "to no hash",
            |mut links| {
                links[4].hash = None;
                links
            },
            vec![broken(5, 5)],
        ),
        (
            "with a fitting hash",
            |links| {
                let mut links = edited(links, 5);
                links[4].hash = Some(chain_hash(&links[3].hash.unwrap(), 5, &event("x")));
                links
            },
            vec![broken(6, 6)],
        ),
    ]);
}

#[test]
fn deletions_and_cuts_are_named_by_their_place() {
    check(vec![
        (
            "one",
            |mut links| {
                links.remove(4);
                links
            },
            vec![missing(5, 5)],
        ),
        ("the first ones", |links| links[3..].to_vec(), vec![missing(1, 3)]),
        (
            "one, without a gap",
            |mut links| {
                links.remove(7);
                renumbered(links)
            },
            vec![broken(8, 9), cut(9, 10)],
        ),
        ("the tail", |links| links[..8].to_vec(), vec![cut(8, 10)]),
        ("everything", |_| vec![], vec![cut(0, 10)]),
    ]);
}

#[test]
fn reorders_and_insertions_are_named_by_their_place() {
    check(vec![
        (
            "two swapped",
            |mut links| {
                links.swap(2, 3);
                renumbered(links)
            },
            vec![broken(3, 5)],
        ),
        ("at the end", |links| inserted(links, 11, 11), vec![broken(11, 11)]),
        ("before the first", |links| inserted(links, 1, 0), vec![broken(0, 0)]),
        (
            "in between",
            |links| renumbered(inserted(links, 9, 0)),
            vec![broken(9, 10), rewritten(6, 10), broken(11, 11)],
        ),
    ]);
}

#[test]
fn a_chain_hashed_anew_is_seen_against_the_checkpoints() {
    check(vec![
        (
            "from the first on",
            |_| chain(["x", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]),
            vec![rewritten(0, 6)],
        ),
        ("from the eighth on", |_| chain(["a", "b", "c", "d", "e", "f", "g", "x", "i", "j"]), vec![rewritten(6, 10)]),
        ("cut and grown", |_| chain(["a", "b", "c", "d", "e", "f", "g", "h", "x", "y", "z"]), vec![rewritten(6, 10)]),
        ("cut and grown less", |_| chain(["a", "b", "c", "d", "e", "f", "g", "x"]), vec![cut(8, 10)]),
    ]);
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

#[test]
fn a_restore_answers_for_what_was_signed_before_it_and_for_nothing_else() {
    let links = chain(names());
    let later = |count: usize, at: i64| CheckpointPayload { at, ..signed(&links, count) };
    // Ten events were signed; then a backup of four was restored, of which the fifth event tells.
    let restore = CheckpointPayload { restored_from: Some(4), ..later(5, 100) };
    let lost = |last| vec![LostToRestore { first: 5, last, at: Timestamp(100) }];
    let report = walked(Verifier::new([later(4, 10), later(10, 99), restore.clone()]), &links[..6]);
    assert_eq!((report.findings, report.lost), (vec![], lost(10)));
    // What was signed after it must hold, however often the restore is shown.
    let report = walked(Verifier::new([restore.clone(), later(8, 101), restore.clone()]), &links[..6]);
    assert_eq!(report.findings, vec![Finding::CutTail { last: 6, count: 8, at: Timestamp(101) }]);
    // What the backup held must hold, and the restore itself too.
    let report = walked(Verifier::new([later(5, 10), restore.clone()]), &chain(["x", "b", "c", "d", "e"]));
    assert_eq!(report.findings, vec![Finding::Rewritten { after: 0, count: 5, at: Timestamp(100) }]);
    assert_eq!(report.lost, lost(5));
}

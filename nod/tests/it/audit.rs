//! `nod audit verify` and `export`, checkpoints of a running server: D03 and D08 on a real database (INV-22).

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::{Folder, Nod};

/// An installation with some events, of which a server has signed the first `signed`, and that has gone on since.
struct Kept {
    nod: Nod,
    signed: i64,
    count: i64,
}

impl Kept {
    fn new() -> Self {
        let nod = Nod::init();
        for name in ["bo", "cia"] {
            nod.run(&["user", "add", name]).ok();
        }
        stopped_after_serving(&nod);
        let signed = verified(&nod)["count"].as_i64().unwrap();
        nod.run(&["user", "add", "dan"]).ok();
        nod.run(&["user", "add", "eva"]).ok();
        Self { nod, signed, count: signed + 2 }
    }

    /// A copy of everything, in which this SQL was run.
    fn tampered(&self, sql: &str) -> Nod {
        let folder = Folder::new();
        std::fs::create_dir(folder.path().join("nod-data")).unwrap();
        std::fs::copy(self.nod.config(), folder.path().join("nod.toml")).unwrap();
        for file in std::fs::read_dir(self.nod.folder.path().join("nod-data")).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), folder.path().join("nod-data").join(file.file_name())).unwrap();
        }
        let copy = Nod { folder, origin: self.nod.origin.clone(), link: String::new() };
        rusqlite::Connection::open(copy.data("nod.db")).unwrap().execute_batch(sql).unwrap();
        copy
    }
}

fn checkpoints(nod: &Nod) -> PathBuf {
    nod.data("audit-checkpoints.jsonl")
}

fn stopped_after_serving(nod: &Nod) {
    let mut running = nod.serve();
    running.signal("TERM");
    assert_eq!(running.code(), Some(0));
}

fn verified(nod: &Nod) -> Value {
    nod.run(&["audit", "verify", "--json"]).json()
}

#[test]
fn a_stop_signs_what_happened_and_verify_tells_of_it() {
    let kept = Kept::new();
    let verdict = verified(&kept.nod);
    assert_eq!((&verdict["holds"], &verdict["count"]), (&true.into(), &kept.count.into()));
    assert_eq!((&verdict["last_checkpoint"]["count"], &verdict["findings"]), (&kept.signed.into(), &json!([])));
    let said = kept.nod.run(&["audit", "verify"]);
    assert_eq!(said.err, "");
    let text = said.ok();
    assert!(text.starts_with(&format!("The audit holds.\nevents           {}\nhead ", kept.count)), "{text}");
    assert!(text.contains(&format!("of {} events", kept.signed)), "{text}");

    // The same chain is not signed twice; a longer one is, behind what there is.
    let before = std::fs::read_to_string(checkpoints(&kept.nod)).unwrap();
    stopped_after_serving(&kept.nod);
    let after = std::fs::read_to_string(checkpoints(&kept.nod)).unwrap();
    assert!(after.starts_with(&before) && after.lines().count() == before.lines().count() + 1, "{before}\n{after}");
    stopped_after_serving(&kept.nod);
    assert_eq!(std::fs::read_to_string(checkpoints(&kept.nod)).unwrap(), after);
    assert_eq!(verified(&kept.nod)["last_checkpoint"]["count"], kept.count);
}

#[test]
fn whatever_sql_does_to_the_audit_is_named_by_its_place() {
    let kept = Kept::new();
    let (signed, count) = (kept.signed, kept.count);
    let hash = "UPDATE audit SET hash = (SELECT hash FROM audit WHERE place = 2) WHERE place = 3";
    let swap = "UPDATE audit SET place = -3 WHERE place = 3; UPDATE audit SET place = 3 WHERE place = 4;
                UPDATE audit SET place = 4 WHERE place = -3";
    let insert = "INSERT INTO audit SELECT max(place) + 1, kind, at, user_id, user_name, app_id, app_name, device_id,
                  device_name, address, detail, hash FROM audit";
    let broken = |first: i64, last: i64| json!(["broken", first, last]);
    let cut = |last: i64| json!(["cut_tail", last + 1, signed]);
    let edits = [
        "kind = 'user_disabled'",
        "kind = 'nonsense'",
        "at = at + 1",
        "user_id = zeroblob(16)",
        "user_id = x'01'",
        "user_id = NULL",
        "user_name = user_name || ' '",
        "user_name = NULL",
        "app_name = ''",
        "app_id = zeroblob(16)",
        "device_id = zeroblob(16)",
        "device_name = 'x'",
        "address = ''",
        "detail = detail || char(0)",
        "detail = CAST(x'ff' AS TEXT)",
        "hash = zeroblob(31)",
    ];
    let edits = edits.map(|edit| (format!("UPDATE audit SET {edit} WHERE place = 1"), vec![broken(1, 1)]));
    let others = [
        (hash.to_owned(), vec![broken(3, 4)]),
        ("DELETE FROM audit WHERE place = 2".to_owned(), vec![json!(["missing", 2, 2])]),
        ("DELETE FROM audit WHERE place <= 2".to_owned(), vec![json!(["missing", 1, 2])]),
        (swap.to_owned(), vec![broken(3, 5)]),
        (insert.to_owned(), vec![broken(count + 1, count + 1)]),
        (format!("DELETE FROM audit WHERE place >= {signed}"), vec![cut(signed - 1)]),
        ("DELETE FROM audit".to_owned(), vec![cut(0)]),
    ];
    for (sql, expected) in edits.into_iter().chain(others) {
        let copy = kept.tampered(&sql);
        let said = copy.run(&["audit", "verify", "--json"]);
        assert_eq!(said.code, 1, "{sql}: {said:?}");
        assert!(said.err.contains("the audit is not what was written, in 1 place"), "{sql}: {said:?}");
        let verdict: Value = serde_json::from_str(&said.out).unwrap();
        let finding = |found: &Value| json!([found["kind"], found["first"], found["last"]]);
        let found: Vec<Value> = verdict["findings"].as_array().unwrap().iter().map(finding).collect();
        assert_eq!((found, &verdict["holds"]), (expected, &false.into()), "{sql}");
    }
}

#[test]
fn a_cut_tail_is_seen_with_checkpoints_alone_and_is_not_signed() {
    let kept = Kept::new();
    let copy = kept.tampered(&format!("DELETE FROM audit WHERE place >= {}", kept.signed));
    let elsewhere = kept.nod.folder.path().join("shipped.jsonl");
    std::fs::rename(checkpoints(&copy), &elsewhere).unwrap();
    let said = copy.run(&["audit", "verify"]);
    assert_eq!((said.code, said.out.starts_with("The audit holds.")), (0, true), "{said:?}");
    assert!(said.err.contains("a tail that was cut off cannot be seen"), "{said:?}");
    let said = copy.run(&["audit", "verify", "--checkpoints", elsewhere.to_str().unwrap()]);
    let words = format!("Event {0} was cut off: the audit ends with event {1}", kept.signed, kept.signed - 1);
    assert!(said.code == 1 && said.out.starts_with(&words), "{said:?}");

    // Events that come after the cut do not hide it, and a server does not sign beside a checkpoint that it contradicts.
    std::fs::rename(&elsewhere, checkpoints(&copy)).unwrap();
    copy.run(&["user", "disable", "bo"]).ok();
    copy.run(&["user", "disable", "cia"]).ok();
    let before = std::fs::read(checkpoints(&copy)).unwrap();
    stopped_after_serving(&copy);
    assert_eq!(std::fs::read(checkpoints(&copy)).unwrap(), before);
    let said = copy.run(&["audit", "verify"]);
    assert!(said.code == 1 && said.out.contains("hashed anew"), "{said:?}");
}

#[test]
fn forged_checkpoints_are_named_and_torn_ones_are_warned_about() {
    let kept = Kept::new();
    let good = std::fs::read_to_string(checkpoints(&kept.nod)).unwrap();
    std::fs::write(checkpoints(&kept.nod), format!("{good}{{\"checkpoint\":\"eyJ")).unwrap();
    let said = kept.nod.run(&["audit", "verify"]);
    assert!(said.code == 0 && said.err.contains("1 line(s) of") && said.err.contains("the first is 2"), "{said:?}");
    // The next one begins on a line of its own.
    stopped_after_serving(&kept.nod);
    assert_eq!(verified(&kept.nod)["checkpoints"], 2);

    let other = Kept::new();
    let file = checkpoints(&other.nod);
    let file = file.to_str().unwrap();
    let said = kept.nod.run(&["audit", "verify", "--checkpoints", file]);
    assert!(said.code == 1 && said.out.contains("Line 1 of") && said.out.contains("did not sign"), "{said:?}");
    kept.nod.run(&["audit", "verify", "--checkpoints", "none.jsonl"]).fails(1, &["none.jsonl"]);
}

#[test]
fn checkpoints_go_where_the_configuration_says() {
    let nod = Nod::init();
    let text = std::fs::read_to_string(nod.config()).unwrap();
    std::fs::write(nod.config(), format!("{text}\ncheckpoint_file = \"marks.jsonl\"\n")).unwrap();
    stopped_after_serving(&nod);
    assert!(nod.folder.path().join("marks.jsonl").exists() && !checkpoints(&nod).exists());
    assert_eq!(verified(&nod)["checkpoints"], 1);
}

#[test]
fn an_export_is_one_event_one_line() {
    let kept = Kept::new();
    let inject =
        "UPDATE audit SET detail = 'a' || char(13, 10) || '<81>1 b' || char(27, 133, 8232) || '\"]\\' WHERE place = 2";
    let copy = kept.tampered(inject);
    let count = usize::try_from(kept.count).unwrap();
    let jsonl = copy.run(&["audit", "export"]).ok();
    let events: Vec<Value> = jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), count);
    assert!((1..).zip(&events).all(|(sequence, event)| event["sequence"] == sequence), "{jsonl}");
    assert_eq!(events[1]["detail"], "a\r\n<81>1 b\u{1b}\u{85}\u{2028}\"]\\");
    assert_eq!(events[count - 1]["hash"], verified(&kept.nod)["head"]);
    let syslog = copy.run(&["audit", "export", "--format", "syslog"]).ok();
    assert!(syslog.lines().count() == count && syslog.lines().all(|line| line.starts_with("<8")), "{syslog}");
    assert!(!syslog.contains(['\r', '\u{1b}', '\u{85}', '\u{2028}']), "{syslog}");
    let rest = copy.run(&["audit", "export", "--after", &(count - 1).to_string()]).ok();
    assert_eq!(rest.lines().collect::<Vec<_>>(), jsonl.lines().skip(count - 1).collect::<Vec<_>>());
    assert_eq!(copy.run(&["audit", "list"]).ok().lines().count(), count);

    let copy = kept.tampered("UPDATE audit SET kind = 'nonsense' WHERE place = 3");
    let said = copy.run(&["audit", "export"]);
    assert_eq!(said.out.lines().count(), 2);
    said.fails(1, &["event 3", "--after 3", "next:  nod audit verify"]);
    copy.run(&["audit", "list"]).fails(1, &["next:  nod audit verify"]);
}

//! `nod backup` beside a running server, `nod restore` elsewhere: D11 on a real database (INV-21, INV-22).

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Folder, Nod, Running};
use crate::visitor::Visitor;

const PASSWORD: &str = "four plain words here";
const PASSPHRASE: &str = "a passphrase for tests";

/// An installation whose administrator has a terminal phone and a bound browser, and its server.
struct Site {
    nod: Nod,
    running: Running,
    anna: Visitor,
}

impl Site {
    async fn new() -> Self {
        let nod = Nod::init();
        nod.run(&["user", "set", "anna", "--terminal-phone", "on"]).ok();
        let running = nod.serve();
        let enrol = ["phone", "enrol", &nod.link, "--password-stdin"];
        nod.folder.run_with(&enrol, &format!("{PASSWORD}\n")).ok();
        let link = nod.run(&["browser", "introduce", "anna", "--json"]).json()["link"].as_str().unwrap().to_owned();
        let mut anna = Visitor::new(&nod);
        anna.introduce(&link, "anna", PASSWORD).await;
        Self { nod, running, anna }
    }

    /// Signs anna in, with a session when this returns.
    async fn sign_in(&mut self) {
        assert_eq!(self.anna.sign_in("anna", PASSWORD).await["phase"], "waiting");
        self.nod.run(&["phone", "wait", "--approve", "--timeout", "20"]).ok();
        let finished = self.anna.post("/sign-in/finish", &json!({})).await;
        assert!(finished.status().is_success(), "{finished:?}");
        assert_eq!(self.anna.get("/portal").await.status(), 200);
    }

    fn phone_id(&self) -> String {
        self.nod.run(&["device", "list", "--json"]).json()[0]["id"].as_str().unwrap().to_owned()
    }
}

/// A file with the passphrase, in the mode that is asked for.
fn passphrase(folder: &Folder, text: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.path().join("passphrase");
    fs::write(&path, format!("{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn backed_up(nod: &Nod) -> std::path::PathBuf {
    let file = nod.folder.path().join("nod.age");
    let made = nod.run(&["backup", "nod.age", "--passphrase-file", &passphrase(&nod.folder, PASSPHRASE), "--json"]);
    assert_eq!(made.json()["users"], 1);
    file
}

/// Another machine with the configuration and the data key, and nothing else.
fn elsewhere(nod: &Nod) -> Nod {
    let folder = Folder::new();
    fs::create_dir(folder.path().join("nod-data")).unwrap();
    fs::copy(nod.config(), folder.path().join("nod.toml")).unwrap();
    fs::copy(nod.data("data.key"), folder.path().join("nod-data/data.key")).unwrap();
    Nod { folder, origin: nod.origin.clone(), link: nod.link.clone() }
}

fn restore(to: &Nod, file: &Path, more: &[&str]) -> crate::harness::Said {
    let passphrase = passphrase(&to.folder, PASSPHRASE);
    let arguments = ["restore", file.to_str().unwrap(), "--passphrase-file", &passphrase, "--json"];
    to.run(&[&arguments[..], more].concat())
}

fn stop(mut running: Running) {
    running.signal("TERM");
    assert_eq!(running.code(), Some(0));
}

/// A second person with the same cookies.
fn moved(visitor: &Visitor, to: &Nod) -> Visitor {
    visitor.at(to)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_open_or_pending_outlives_a_restore() {
    let mut site = Site::new().await;
    site.sign_in().await;
    // A request waits on the phone, and an enrolment for a browser, when the backup is made.
    assert_eq!(site.anna.sign_in("anna", PASSWORD).await["phase"], "waiting");
    let enrolment = site.nod.run(&["user", "enrol", "anna", "--no-wait", "--json"]).json();
    let introduction = site.nod.run(&["browser", "introduce", "anna", "--json"]).json();
    let file = backed_up(&site.nod);
    // The server goes on.
    site.nod.run(&["phone", "wait", "--deny", "--timeout", "20"]).ok();
    stop(site.running);

    let other = elsewhere(&site.nod);
    let restored = restore(&other, &file, &[]).json();
    assert_eq!((&restored["users"], &restored["phones"]), (&json!(1), &json!(1)));
    let _running = other.serve();
    let mut anna = moved(&site.anna, &other);
    assert_ne!(anna.get("/portal").await.status(), 200, "the old session lives");
    assert_eq!(anna.post("/sign-in/finish", &json!({})).await.status(), 401, "the old sign-in lives");
    // The phone is still anna's, but has nothing to answer; its own session is new.
    fs::create_dir_all(other.folder.path().join(".local/state/nod")).unwrap();
    let state = ".local/state/nod/phone.json";
    fs::copy(site.nod.folder.path().join(state), other.folder.path().join(state)).unwrap();
    other.run(&["phone", "wait", "--approve", "--timeout", "0"]).fails(1, &["no request came"]);
    // The browser is a stranger: no phone is asked.
    assert_eq!(anna.sign_in("anna", PASSWORD).await["phase"], "introduce");
    for (path, link) in [("/enrol/open", &enrolment["link"]), ("/introduce", &introduction["link"])] {
        let token = link.as_str().unwrap().split_once('#').unwrap().1;
        let body = json!({"token": token, "user": "anna", "password": PASSWORD});
        assert!(!anna.post(path, &body).await.status().is_success(), "{path} still works");
    }
    // And a new introduction leads back in.
    let link = other.run(&["browser", "introduce", "anna", "--json"]).json()["link"].as_str().unwrap().to_owned();
    anna.introduce(&link, "anna", PASSWORD).await;
    assert_eq!(anna.sign_in("anna", PASSWORD).await["phase"], "waiting");
    other.run(&["phone", "wait", "--approve", "--timeout", "20"]).ok();
    assert!(anna.post("/sign-in/finish", &json!({})).await.status().is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_audit_tells_is_revoked_again_and_the_chain_goes_on() {
    let site = Site::new().await;
    site.nod.run(&["group", "add", "accounting"]).ok();
    site.nod.run(&["group", "join", "accounting", "anna"]).ok();
    let file = backed_up(&site.nod);
    let phone = site.phone_id();
    site.nod.run(&["device", "revoke", &phone]).ok();
    site.nod.run(&["group", "leave", "accounting", "anna"]).ok();
    site.nod.run(&["user", "add", "bo"]).ok();
    site.nod.run(&["user", "disable", "anna"]).ok();
    stop(site.running);
    let exported = site.nod.folder.path().join("audit.jsonl");
    fs::write(&exported, site.nod.run(&["audit", "export"]).ok()).unwrap();

    let other = elsewhere(&site.nod);
    fs::copy(site.nod.data("audit-checkpoints.jsonl"), other.data("audit-checkpoints.jsonl")).unwrap();
    let restored = restore(&other, &file, &["--audit", exported.to_str().unwrap()]).json();
    assert_eq!((&restored["events_from_audit"], &restored["events_lost"]), (&json!(4), &json!(0)));
    assert_eq!(restored["revoked_again"].as_array().unwrap().len(), 3, "{restored}");
    assert_eq!(restored["to_do"], json!(["The account bo was added."]));
    assert_eq!(other.run(&["device", "list", "--json"]).json()[0]["state"], "revoked");
    assert_eq!(other.run(&["user", "show", "anna", "--json"]).json()["state"], "disabled");
    assert_eq!(other.run(&["user", "show", "anna", "--json"]).json()["groups"], json!(["admins"]));
    let verdict = other.run(&["audit", "verify", "--json"]).json();
    assert_eq!((&verdict["holds"], &verdict["lost_to_restores"]), (&json!(true), &json!([])));

    // An edited export is refused by its place, and nothing is left behind.
    let text = fs::read_to_string(&exported).unwrap().replace("was disabled", "was enabled");
    fs::write(&exported, text.replace("user_disabled", "user_enabled")).unwrap();
    let third = elsewhere(&site.nod);
    restore(&third, &file, &["--audit", exported.to_str().unwrap()]).fails(1, &["does not follow from event"]);
    let left: Vec<_> = fs::read_dir(third.data("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["data.key"]);
}

#[test]
fn checkpoints_behind_the_backup_are_explained_by_a_restore_and_by_nothing_else() {
    let nod = Nod::init();
    let file = backed_up(&nod);
    let old = fs::read(nod.data("nod.db")).unwrap();
    nod.run(&["user", "add", "bo"]).ok();
    nod.run(&["user", "add", "cia"]).ok();
    stop(nod.serve());
    let signed = nod.run(&["audit", "verify", "--json"]).json()["count"].as_i64().unwrap();

    // An old file in the place of the database is no restore.
    let copied = elsewhere(&nod);
    fs::write(copied.data("nod.db"), old).unwrap();
    fs::copy(nod.data("audit-checkpoints.jsonl"), copied.data("audit-checkpoints.jsonl")).unwrap();
    assert_eq!(copied.run(&["audit", "verify"]).code, 1);

    let other = elsewhere(&nod);
    fs::copy(nod.data("audit-checkpoints.jsonl"), other.data("audit-checkpoints.jsonl")).unwrap();
    assert_eq!(restore(&other, &file, &[]).json()["events_lost"], 2);
    let lost = |nod: &Nod| {
        let verdict = nod.run(&["audit", "verify", "--json"]).json();
        assert_eq!((&verdict["holds"], &verdict["findings"]), (&json!(true), &json!([])), "{verdict}");
        let lost = &verdict["lost_to_restores"][0];
        (lost["first"].as_i64(), lost["last"].as_i64())
    };
    assert_eq!(lost(&other), (Some(signed - 1), Some(signed)));
    let events: Value = other.run(&["audit", "list", "--json"]).json();
    let last = events.as_array().unwrap().last().unwrap();
    assert_eq!(last["kind"], "restored");
    assert!(last["sentence"].as_str().unwrap().contains("all sessions and bound browsers ended"), "{last}");
    // The server signs on from there, and its file explains itself.
    other.run(&["user", "add", "dan"]).ok();
    stop(other.serve());
    assert_eq!(lost(&other), (Some(signed - 1), Some(signed)));
    let shipped = fs::read_to_string(other.data("audit-checkpoints.jsonl")).unwrap();
    assert_eq!(shipped.lines().count(), 3, "{shipped}");
    stop(other.serve());
    assert_eq!(fs::read_to_string(other.data("audit-checkpoints.jsonl")).unwrap(), shipped);

    // The restore's checkpoint, shown once more, does not excuse a later cut.
    let cut = "DELETE FROM audit WHERE kind <> 'restored' AND place > 4 AND detail <> ''; DELETE FROM audit WHERE user_name = 'dan'";
    rusqlite::Connection::open(other.data("nod.db")).unwrap().execute_batch(cut).unwrap();
    let marker = shipped.lines().nth(1).unwrap();
    fs::write(other.data("audit-checkpoints.jsonl"), format!("{shipped}{marker}\n")).unwrap();
    assert_eq!(other.run(&["audit", "verify"]).code, 1);
}

#[test]
fn what_is_not_the_whole_right_backup_is_refused() {
    let nod = Nod::init();
    let file = backed_up(&nod);
    let bytes = fs::read(&file).unwrap();
    let secret = passphrase(&nod.folder, PASSPHRASE);
    nod.run(&["backup", "nod.age", "--passphrase-file", &secret]).fails(1, &["exists already"]);
    nod.run(&["backup", "other.age"]).fails(2, &["no terminal", "--passphrase-file"]);
    nod.run(&["backup", "other.age", "--passphrase-file", &passphrase(&nod.folder, "short")]).fails(2, &["too short"]);
    restore(&nod, &file, &[]).fails(1, &["is not empty (nod.db is there)"]);

    let other = elsewhere(&nod);
    let wrong = passphrase(&other.folder, "another passphrase");
    let said = other.run(&["restore", file.to_str().unwrap(), "--passphrase-file", &wrong]);
    said.fails(1, &["the passphrase is not the right one"]);
    let bad = other.folder.path().join("bad.age");
    for (name, content) in [
        ("cut short", bytes[..bytes.len() - 1].to_vec()),
        ("cut to the header", bytes[..200].to_vec()),
        (
            "one bit in the middle",
            [&bytes[..bytes.len() / 2], &[bytes[bytes.len() / 2] ^ 1], &bytes[bytes.len() / 2 + 1..]].concat(),
        ),
        ("one more byte", [&bytes[..], &[0]].concat()),
        ("nothing", Vec::new()),
    ] {
        fs::write(&bad, content).unwrap();
        let said = restore(&other, &bad, &[]);
        assert_eq!(said.code, 1, "{name}: {said:?}");
        let left: Vec<_> = fs::read_dir(other.data("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["data.key"], "{name}");
    }
    // Another installation's key does not take it.
    let stranger = elsewhere(&Nod::init());
    fs::copy(nod.config(), stranger.config()).unwrap();
    restore(&stranger, &file, &[]).fails(1, &["not made with this data key"]);
    // Nothing in it is in the clear.
    assert!(!bytes.windows(4).any(|window| window == b"anna"));
    restore(&other, &file, &[]).ok();
}

#[test]
fn a_backup_for_a_recipient_opens_with_the_key() {
    let nod = Nod::init();
    let (identity, recipient) = (
        "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",
        "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
    );
    nod.run(&["backup", "nod.age", "--recipient", "age1nonsense"]).fails(2, &["no age recipient", "age-keygen"]);
    nod.run(&["backup", "nod.age", "--recipient", recipient]).ok();
    let other = elsewhere(&nod);
    let file = nod.folder.path().join("nod.age");
    restore(&other, &file, &[]).fails(2, &["--identity"]);
    fs::write(other.folder.path().join("key.txt"), format!("# created\n{identity}\n")).unwrap();
    other.run(&["restore", file.to_str().unwrap(), "--identity", "key.txt"]).ok();
    assert_eq!(other.run(&["user", "list", "--json"]).json()[0]["name"], "anna");
}

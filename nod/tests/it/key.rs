//! The data key: where it may be, which place counts, and taking it to another machine (INV-21).

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::harness::{Folder, Nod, Running, Said};
use crate::visitor::Visitor;

const PASSWORD: &str = "four plain words here";

fn private(path: &Path, text: &str) -> String {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn other_key() -> String {
    "A".repeat(43)
}

#[test]
fn an_exported_key_restores_on_another_machine() {
    let nod = Nod::init();
    let passphrase = private(&nod.folder.path().join("passphrase"), "a passphrase for tests\n");
    nod.run(&["backup", "nod.age", "--passphrase-file", &passphrase]).ok();
    let shown = nod.run(&["key", "export", "key.age", "--passphrase-file", &passphrase, "--json"]).json();
    let secret = fs::read_to_string(nod.data("data.key")).unwrap();
    assert_eq!(shown["keys"][0]["role"], "seals");
    let exported = fs::read(nod.folder.path().join("key.age")).unwrap();
    assert!(!exported.windows(20).any(|window| window == &secret.as_bytes()[..20]));
    nod.run(&["key", "export", "key.age", "--passphrase-file", &passphrase]).fails(1, &["exists already"]);
    let weak = private(&nod.folder.path().join("weak"), "short\n");
    nod.run(&["key", "export", "weak.age", "--passphrase-file", &weak]).fails(2, &["too short"]);
    assert!(!nod.folder.path().join("weak.age").exists());

    let folder = Folder::new();
    fs::copy(nod.config(), folder.path().join("nod.toml")).unwrap();
    let file = |name: &str| nod.folder.path().join(name).to_str().unwrap().to_owned();
    let import = |file: &str, passphrase: &str| folder.run(&["key", "import", file, "--passphrase-file", passphrase]);
    fs::create_dir(folder.path().join("nod-data")).unwrap();
    let restore = ["restore", &file("nod.age"), "--passphrase-file", &passphrase];
    folder.run(&restore).fails(1, &["is missing", "next:  nod key import FILE"]);
    fs::remove_dir(folder.path().join("nod-data")).unwrap();
    import(&file("key.age"), &private(&folder.path().join("wrong"), "a wrong passphrase\n"))
        .fails(1, &["not the right"]);
    import(&file("nod.age"), &passphrase).fails(1, &["holds no data key"]);
    assert!(!folder.path().join("nod-data/data.key").exists());
    let said = import(&file("key.age"), &passphrase).ok();
    assert!(said.contains(shown["keys"][0]["id"].as_str().unwrap()) && !said.contains(secret.trim()), "{said}");
    import(&file("key.age"), &passphrase).fails(1, &["exists already"]);
    let mode = fs::metadata(folder.path().join("nod-data/data.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    folder.run(&restore).ok();
    assert_eq!(folder.run(&["user", "list", "--json"]).json()[0]["name"], "anna");
}

#[test]
fn a_credential_counts_before_the_environment_and_that_before_the_file() {
    let nod = Nod::init();
    let right = fs::read_to_string(nod.data("data.key")).unwrap();
    let wrong = other_key();
    let credentials = nod.folder.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    let listed = |environment: &[(&str, &str)]| -> Said {
        let mut all = vec![("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap())];
        all.extend(environment);
        nod.folder.run_in(&["user", "list"], &all)
    };
    listed(&[]).ok();
    listed(&[("NOD_DATA_KEY", &wrong)]).fails(1, &["does not open with this data key"]);
    private(&nod.data("data.key"), &wrong);
    listed(&[]).fails(1, &["does not open with this data key"]);
    listed(&[("NOD_DATA_KEY", right.trim())]).ok();
    listed(&[("NOD_DATA_KEY", "nonsense")]).fails(1, &["NOD_DATA_KEY holds no data key"]);
    private(&credentials.join("nod-data-key"), &right);
    listed(&[("NOD_DATA_KEY", &wrong)]).ok();
    let place = nod.folder.run_in(&["key", "list"], &[("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap())]);
    assert!(place.ok().contains("the systemd credential"));
    // An installation whose key comes from elsewhere keeps it there.
    let folder = Folder::new();
    let init = ["init", "--non-interactive", "--origin", &nod.origin, "--contact", "mailto:it@nod-mfa.org"];
    let init = [&init[..], &["--admin", "anna"]].concat();
    folder.run_in(&init, &[("NOD_DATA_KEY", &wrong)]).ok();
    assert!(!folder.path().join("nod-data/data.key").exists());
    folder.run_in(&["user", "list"], &[("NOD_DATA_KEY", &wrong)]).ok();
    folder.run(&["user", "list"]).fails(1, &["data.key", "put the key back"]);
}

#[test]
fn a_file_of_keys_opens_what_any_of_them_sealed() {
    let nod = Nod::init();
    let old = fs::read_to_string(nod.data("data.key")).unwrap();
    private(&nod.data("data.key"), &format!("{}\n{old}", other_key()));
    nod.run(&["user", "list"]).ok();
    let keys = nod.run(&["key", "list", "--json"]).json();
    assert_eq!((&keys["keys"][0]["role"], &keys["keys"][1]["role"]), (&"seals".into(), &"opens what is old".into()));
    private(&nod.data("data.key"), &format!("{}\n", other_key()));
    nod.run(&["user", "list"]).fails(1, &["does not open with this data key"]);
}

/// An installation whose administrator has a terminal phone and a bound browser, and its server.
async fn served() -> (Nod, Running, Visitor) {
    let nod = Nod::init();
    nod.run(&["user", "set", "anna", "--terminal-phone", "on"]).ok();
    let running = nod.serve();
    let anna = enrolled(&nod).await;
    (nod, running, anna)
}

async fn enrolled(nod: &Nod) -> Visitor {
    nod.folder.run_with(&["phone", "enrol", &nod.link, "--password-stdin"], &format!("{PASSWORD}\n")).ok();
    let link = nod.run(&["browser", "introduce", "anna", "--json"]).json()["link"].as_str().unwrap().to_owned();
    let mut anna = Visitor::new(nod);
    anna.introduce(&link, "anna", PASSWORD).await;
    anna
}

async fn signs_in(nod: &Nod, anna: &mut Visitor) {
    assert_eq!(anna.sign_in("anna", PASSWORD).await["phase"], "waiting");
    approves(nod, anna).await;
}

async fn approves(nod: &Nod, anna: &mut Visitor) {
    nod.run(&["phone", "wait", "--approve", "--timeout", "20"]).ok();
    assert!(anna.post("/sign-in/finish", &serde_json::json!({})).await.status().is_success());
}

/// The secret of a token, in base32.
const SECRET_TEXT: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n";

fn kinds(nod: &Nod) -> Vec<String> {
    let events = nod.run(&["audit", "list", "--json"]).json();
    events.as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_while_people_sign_in_and_the_old_one_opens_nothing_then() {
    let (nod, mut running, mut anna) = served().await;
    let old = fs::read_to_string(nod.data("data.key")).unwrap();
    // Somebody is away for a while, and has a token that makes codes.
    nod.run(&["user", "add", "ben"]).ok();
    let added = nod.folder.run_with(&["user", "code", "add", "ben", "--secret-stdin", "--json"], SECRET_TEXT).json();
    let token = added["id"].as_str().unwrap().to_owned();
    nod.run(&["user", "disable", "ben"]).ok();
    // A request waits on the phone throughout.
    assert_eq!(anna.sign_in("anna", PASSWORD).await["phase"], "waiting");
    let rotated = nod.run(&["key", "rotate", "--json"]).json();
    let roles: Vec<_> = rotated["keys"].as_array().unwrap().iter().map(|key| key["role"].clone()).collect();
    assert_eq!(roles, ["seals", "opens what is old"]);
    approves(&nod, &mut anna).await;
    signs_in(&nod, &mut anna).await;
    nod.run(&["key", "rotate"]).fails(1, &["nothing was replaced", "next:  nod key retire"]);
    // Too soon: a server may not have taken it up.
    nod.run(&["key", "retire"]).fails(1, &["a moment ago", "next:  nod key retire"]);
    let file = fs::File::options().write(true).open(nod.data("data.key")).unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(120)).unwrap();
    let said = nod.run(&["key", "retire"]).ok();
    let new = fs::read_to_string(nod.data("data.key")).unwrap();
    assert!(new.lines().count() == 1 && new != old && !said.contains(new.trim()), "{said}");
    nod.run(&["key", "retire"]).fails(1, &["no old key"]);
    nod.run(&["user", "enable", "ben"]).ok();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let code = nod_core::oath::code(nod_core::oath::Algorithm::Sha1, b"12345678901234567890", now / 30, 6);
    nod.run(&["user", "code", "confirm", "ben", &token, &code]).ok();
    signs_in(&nod, &mut anna).await;
    running.signal("TERM");
    running.code();
    let mut running = nod.serve();
    signs_in(&nod, &mut anna).await;
    assert_eq!(kinds(&nod).iter().filter(|kind| *kind == "key_rotated").count(), 2);
    assert!(!kinds(&nod).iter().any(|kind| kind == "tampered"), "{:?}", kinds(&nod));
    assert_eq!(nod.run(&["audit", "verify", "--json"]).json()["holds"], true);
    running.signal("TERM");
    running.code();
    private(&nod.data("data.key"), &old);
    nod.run(&["user", "list"]).fails(1, &["does not open with this data key"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_row_is_not_made_ours_by_a_rotation() {
    let (nod, _running, mut anna) = served().await;
    let edit = "UPDATE devices SET device_key = replace(device_key, 'x', 'y')";
    rusqlite::Connection::open(nod.data("nod.db")).unwrap().execute_batch(edit).unwrap();
    let said = nod.run(&["key", "rotate"]);
    assert!(said.err.contains("1 rows hold under no data key"), "{said:?}");
    said.ok();
    // Nobody is asked: the phone is not anna's.
    assert_ne!(anna.sign_in("anna", PASSWORD).await["phase"], "waiting");
}

/// Root's own new file would shut a server out that runs as somebody else.
#[test]
fn a_replaced_key_stays_its_owners() {
    const SOMEBODY: u32 = 65_534;
    let nod = Nod::init();
    let file = nod.data("data.key");
    if std::os::unix::fs::chown(&file, Some(SOMEBODY), Some(SOMEBODY)).is_err() {
        println!("SKIP: only root can give a file away");
        return;
    }
    nod.run(&["key", "add"]).ok();
    nod.run(&["key", "rotate"]).ok();
    let found = fs::metadata(&file).unwrap();
    assert_eq!((found.uid(), found.gid(), found.permissions().mode() & 0o777), (SOMEBODY, SOMEBODY, 0o600));
}

#[test]
fn a_key_that_waits_makes_nothing_until_it_is_its_turn() {
    let nod = Nod::init();
    let old = nod.run(&["key", "list", "--json"]).json()["keys"][0]["id"].clone();
    let added = nod.run(&["key", "add", "--json"]).json();
    assert_eq!((&added["keys"][0]["id"], &added["keys"][1]["role"]), (&old, &"waits".into()));
    nod.run(&["key", "add"]).fails(1, &["waits already", "next:  nod key rotate"]);
    let rotated = nod.run(&["key", "rotate", "--json"]).json();
    assert_eq!((&rotated["keys"][0]["id"], &rotated["keys"][1]["id"]), (&added["keys"][1]["id"], &old));
    let key = fs::read_to_string(nod.data("data.key")).unwrap();
    let said = nod.folder.run_in(&["key", "add"], &[("NOD_DATA_KEY", key.lines().next().unwrap())]);
    said.fails(1, &["NOD_DATA_KEY, which this command does not change"]);
}

/// Somebody copies the key of another installation over this one's.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_key_is_not_taken_up() {
    let nod = Nod::init();
    nod.run(&["user", "set", "anna", "--terminal-phone", "on"]).ok();
    let (read, log) = std::io::pipe().unwrap();
    let mut running = Running::start_with(nod.folder.command(&["serve"]), log.into());
    running.wait_for("listening on ");
    let mut anna = enrolled(&nod).await;
    let own = fs::read_to_string(nod.data("data.key")).unwrap();
    let mut lines = BufReader::new(read).lines().map_while(Result::ok);
    let mut told = |words: &str| assert!(lines.any(|line| line.contains(words)), "the log ended without {words:?}");
    let put = |key: &str| {
        private(&nod.data("new.key"), key);
        fs::rename(nod.data("new.key"), nod.data("data.key")).unwrap();
    };
    put(&other_key());
    told("the data keys stay as they were");
    signs_in(&nod, &mut anna).await;
    put(&own);
    told("the data keys were changed and taken up");
    signs_in(&nod, &mut anna).await;
}

/// The owner of the folder chooses what names in it lead to, so root does not write there for them.
#[test]
fn root_does_not_work_in_a_folder_of_somebody_else() {
    const SOMEBODY: u32 = 65_534;
    let nod = Nod::init();
    if std::os::unix::fs::chown(nod.data(""), Some(SOMEBODY), Some(SOMEBODY)).is_err() {
        println!("SKIP: only root can give a folder away");
        return;
    }
    for command in [&["key", "add"][..], &["user", "list"], &["serve"], &["doctor"], &["backup", "x.age"]] {
        nod.run(command).fails(2, &["belongs to user 65534, and this is root", "runuser -u nod"]);
    }
}

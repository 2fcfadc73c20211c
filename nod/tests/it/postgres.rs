//! What operators do to an installation on PostgreSQL: replacing the data key under two servers, restoring a backup.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::harness::{Folder, Nod};
use crate::nodes::{FAR, NEAR, Nodes, PASSWORD, account, hears, waiting};
use crate::visitor::Visitor;

/// The address of the machine with the restored installation.
const THIRD: &str = "127.0.0.3";

/// The guide: "copy data.key to all others". A new file takes the place of the old one, and the server there takes it up.
fn copy_key(nodes: &Nodes) {
    let (to, partial) = (nodes.far.data("data.key"), nodes.far.data("data.key.new"));
    fs::copy(nodes.near.data("data.key"), &partial).unwrap();
    fs::rename(partial, to).unwrap();
    nodes.far_says("the data keys were changed and taken up");
}

/// Begun on the far node, approved through the near one, collected on the far one.
async fn signs_in(nodes: &Nodes, page: &mut Visitor) {
    let mut stream = waiting(page).await;
    nodes.approve();
    hears(&mut stream, |said| said.contains("ready")).await;
    assert!(page.post("/sign-in/finish", &json!({})).await.status().is_success());
    assert!(account(page).await.is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_under_two_servers() {
    let Some(nodes) = Nodes::start(true) else { return };
    let mut page = nodes.enrol().await;
    let old = fs::read_to_string(nodes.near.data("data.key")).unwrap();
    nodes.near.run(&["key", "add"]).ok();
    copy_key(&nodes);
    // A request waits on the phone while the rows are made anew.
    let mut stream = waiting(&mut page).await;
    nodes.near.run(&["key", "rotate"]).ok();
    nodes.approve();
    hears(&mut stream, |said| said.contains("ready")).await;
    assert!(page.post("/sign-in/finish", &json!({})).await.status().is_success());
    copy_key(&nodes);
    signs_in(&nodes, &mut page).await;
    let file = fs::File::options().write(true).open(nodes.near.data("data.key")).unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(120)).unwrap();
    nodes.near.run(&["key", "retire"]).ok();
    copy_key(&nodes);
    assert_ne!(fs::read_to_string(nodes.far.data("data.key")).unwrap().trim(), old.trim());
    for node in [&nodes.near, &nodes.far] {
        assert_eq!(node.run(&["audit", "verify", "--json"]).json()["holds"], true);
    }
    signs_in(&nodes, &mut page).await;
    let events = nodes.far.run(&["audit", "list", "--json"]).json();
    assert!(events.as_array().unwrap().iter().all(|event| event["kind"] != "tampered"), "{events}");
    // Many rows are one commit here too, under two servers.
    let rows: String = (0..500).map(|n| format!("user{n},,user{n}@example.com,admins\n")).collect();
    let file = nodes.near.folder.path().join("people.csv");
    fs::write(&file, format!("name,display_name,mail,groups\n{rows}")).unwrap();
    assert_eq!(nodes.near.run(&["user", "import", file.to_str().unwrap()]).ok(), "500 accounts added.\n");
    assert_eq!(nodes.far.run(&["audit", "verify", "--json"]).json()["holds"], true);
    assert_eq!(nodes.far.run(&["user", "show", "user499", "--json"]).json()["groups"], json!(["admins"]));
    fs::write(nodes.far.data("data.key"), old).unwrap();
    nodes.far.run(&["user", "list"]).fails(1, &["does not open with this data key"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_restored_into_another_database() {
    let Some(nodes) = Nodes::start(true) else { return };
    let mut page = nodes.enrol().await;
    signs_in(&nodes, &mut page).await;
    // Something is pending when the backup is made.
    let _stream = waiting(&mut page).await;
    let secret = nodes.near.folder.path().join("passphrase");
    fs::write(&secret, "a passphrase for tests\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let (file, secret) = (nodes.near.folder.path().join("nod.age"), secret.to_str().unwrap());
    let file = file.to_str().unwrap();
    nodes.near.run(&["backup", file, "--passphrase-file", secret]).ok();

    let other = elsewhere(&nodes.near);
    let restore = ["restore", file, "--passphrase-file", secret, "--json"];
    // By mistake into the live database.
    other.run(&restore).fails(1, &["the database is not empty"]);
    let database = nodes.cluster.database();
    other.set(&nodes.database, &database);
    let restored = other.run(&restore).json();
    assert_eq!((&restored["users"], &restored["phones"]), (&json!(1), &json!(1)));
    assert_eq!(other.run(&["audit", "verify", "--json"]).json()["holds"], true);
    other.run(&restore).fails(1, &["the database is not empty"]);

    let port = other.origin.rsplit(':').next().unwrap();
    other.set(&format!("{NEAR}:{port}"), &format!("{THIRD}:{port}"));
    let _serving = other.serve();
    let mut stranger = page.through(&other, THIRD);
    assert!(!account(&mut stranger).await.is_success(), "the old session lives");
    assert_eq!(stranger.sign_in("anna", PASSWORD).await["phase"], "introduce");
    // The live installation has noticed nothing.
    assert!(account(&mut page.through(&nodes.far, FAR)).await.is_success());
}

/// Another machine with the configuration and the data key.
fn elsewhere(nod: &Nod) -> Nod {
    let other = Nod { folder: Folder::new(), origin: nod.origin.clone(), link: String::new() };
    fs::create_dir(other.data("")).unwrap();
    fs::copy(nod.config(), other.config()).unwrap();
    fs::copy(nod.data("data.key"), other.data("data.key")).unwrap();
    other
}

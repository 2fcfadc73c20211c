//! The data key: where it may be, which place counts, and taking it to another machine (INV-21).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::harness::{Folder, Nod, Said};

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
    assert_eq!(shown["keys"][0]["seals"], true);
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
    assert_eq!((&keys["keys"][0]["seals"], &keys["keys"][1]["seals"]), (&true.into(), &false.into()));
    private(&nod.data("data.key"), &format!("{}\n", other_key()));
    nod.run(&["user", "list"]).fails(1, &["does not open with this data key"]);
}

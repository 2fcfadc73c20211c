//! What is refused, with which words and which exit code.

use crate::harness::{Folder, Nod};

fn init(origin: &str, contact: &str, admin: &str) -> crate::harness::Said {
    let folder = Folder::new();
    let arguments = ["init", "--non-interactive", "--origin", origin, "--contact", contact, "--admin", admin];
    let said = folder.run(&arguments);
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert!(said.code == 0 || left == 0, "a refused init left something behind: {said:?}");
    said
}

#[test]
fn init_refuses_bad_answers() {
    const CONTACT: &str = "mailto:it@nod-mfa.org";
    for (origin, contact, admin, words) in [
        ("https://203.0.113.9", CONTACT, "anna", "IP address"),
        ("https://[2001:db8::1]", CONTACT, "anna", "IP address"),
        ("https://nod", CONTACT, "anna", "single label"),
        ("https://nod.local", CONTACT, "anna", ".local"),
        ("http://nod.nod-mfa.org", CONTACT, "anna", "https://"),
        ("https://nod.nod-mfa.org/path", CONTACT, "anna", "without a path"),
        ("https://nod.nod-mfa.org", "mailto:it@localhost", "anna", "Apple refuses it"),
        ("https://nod.nod-mfa.org", "it", "anna", "mail address"),
        ("https://nod.nod-mfa.org", CONTACT, "anna berg", "letters, digits"),
    ] {
        init(origin, contact, admin).fails(2, &[words]);
    }
    init("nod.nod-mfa.org", "it@nod-mfa.org", "anna").ok();
}

#[test]
fn init_asks_for_nothing_it_is_not_given_and_overwrites_nothing() {
    let folder = Folder::new();
    folder.run(&["init", "--non-interactive"]).fails(2, &["--origin is missing", "nod init --help"]);
    let nod = Nod::init();
    let before = std::fs::read(nod.config()).unwrap();
    let again = [
        "init",
        "--non-interactive",
        "--origin",
        "https://x.nod-mfa.org",
        "--contact",
        "x@nod-mfa.org",
        "--admin",
        "x",
    ];
    nod.run(&again).fails(1, &["exists already", "nod serve"]);
    assert_eq!(std::fs::read(nod.config()).unwrap(), before);
    // Without its configuration the data is still not touched, and no configuration is left that would not fit it.
    std::fs::remove_file(nod.config()).unwrap();
    nod.run(&again).fails(1, &["installation in"]);
    assert!(!nod.config().exists());
}

#[test]
fn init_tells_what_it_made() {
    let folder = Folder::new();
    let said = folder.run(&[
        "init",
        "--non-interactive",
        "--origin",
        "https://nod.nod-mfa.org",
        "--contact",
        "it@nod-mfa.org",
        "--admin",
        "Anna",
    ]);
    let out = said.ok();
    for words in ["Link for anna", "https://nod.nod-mfa.org/enrol#", "run: nod serve", "nod key export"] {
        assert!(out.contains(words), "{words} is not in: {out}");
    }
    let config = std::fs::read_to_string(folder.path().join("nod.toml")).unwrap();
    assert!(config.contains("origin = \"https://nod.nod-mfa.org\"") && config.contains("# listen ="), "{config}");
}

#[cfg(unix)]
#[test]
fn data_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let nod = Nod::init();
    for (path, expected) in [(nod.data(""), 0o700), (nod.data("nod.db"), 0o600), (nod.data("data.key"), 0o600)] {
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, expected, "{}", path.display());
    }
    std::fs::set_permissions(nod.data("data.key"), std::fs::Permissions::from_mode(0o640)).unwrap();
    nod.run(&["user", "list"]).fails(1, &["data.key may be read by other users", "chmod 600"]);
}

#[test]
fn another_data_key_opens_nothing_and_is_not_shown() {
    let nod = Nod::init();
    let other = "A".repeat(43);
    std::fs::write(nod.data("data.key"), &other).unwrap();
    let said = nod.run(&["user", "list"]);
    assert!(!said.err.contains(&other));
    said.fails(1, &["does not open with this data key"]);
    std::fs::write(nod.data("data.key"), "not a key").unwrap();
    nod.run(&["user", "list"]).fails(1, &["holds no data key"]);
    std::fs::remove_file(nod.data("data.key")).unwrap();
    nod.run(&["user", "list"]).fails(1, &["data.key", "put the key back"]);
}

#[test]
fn a_bad_configuration_is_told_by_place_and_nearest_key() {
    for (line, words) in [
        ("servername = \"x\"", &["nod.toml:1:1", "did you mean `server_name`?"][..]),
        ("listen = \"8080\"", &["nod.toml:1:10"]),
        ("trusted_proxies = [\"proxy\"]", &["nod.toml:1:", "10.0.0.0/8"]),
        ("origin = ", &["nod.toml:1:"]),
    ] {
        let nod = Nod::init();
        let text = std::fs::read_to_string(nod.config()).unwrap();
        // The harness has put its `listen` first; a second one would be another mistake.
        let rest = text.split_once('\n').unwrap().1.replace("\ntrusted_proxies", "\n# trusted_proxies");
        std::fs::write(nod.config(), format!("{line}\n{rest}")).unwrap();
        nod.run(&["user", "list"]).fails(2, words);
    }
    let folder = Folder::new();
    folder.run(&["user", "list"]).fails(2, &["no nod.toml", "nod init"]);
    folder.run(&["--config", "other.toml", "user", "list"]).fails(2, &["other.toml"]);
}

#[test]
fn help_teaches() {
    let folder = Folder::new();
    let help = folder.run(&["--help"]).ok();
    for words in ["First steps:", "nod demo", "nod init", "Run a server:"] {
        assert!(help.contains(words), "{words} is not in: {help}");
    }
    assert!(folder.run(&["user", "enrol", "--help"]).ok().contains("nod user enrol anna"));
    folder.run(&["usr"]).fails(2, &["unrecognized subcommand"]);
}

//! Letters to people, through a mail server of Debian's: links, notices, and what happens when it does not take them (INV-15).

use std::os::unix::fs::PermissionsExt;

use nod_testkit::exim::{Exim, PASSWORD, USER};
use rcgen::{CertificateParams, KeyPair};

use crate::doctor::found;
use crate::forward::{logging, says};
use crate::harness::Nod;

/// A certificate for this machine and its key, as PEM.
fn pair() -> [String; 2] {
    let key = KeyPair::generate().unwrap();
    let made = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    [made.pem(), key.serialize_pem()]
}

fn write(nod: &Nod, name: &str, text: &str) {
    let file = nod.folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(file, PermissionsExt::from_mode(0o600)).unwrap();
}

fn configure(nod: &Nod, exim: &Exim, authority: &str) {
    nod.append(&format!(
        "[mail]\nserver = \"smtps://127.0.0.1:{}\"\nfrom = \"nod@example.com\"\nuser = \"{USER}\"\n\
         password_file = \"mail-password\"\nca = \"mail-ca.pem\"\n",
        exim.tls
    ));
    write(nod, "mail-ca.pem", authority);
    write(nod, "mail-password", &format!("{PASSWORD}\n"));
}

#[test]
fn links_go_by_mail_and_what_is_wrong_is_said() {
    let [certificate, key] = pair();
    let Some(mut exim) = Exim::start(&certificate, &key) else { return };
    let nod = Nod::init();
    let test = |address: &str| nod.run(&["mail", "test", address]);
    let doctor = || nod.run(&["doctor", "--json"]);
    test("anna@example.com").fails(1, &["names no mail server", "[mail]"]);
    nod.run(&["user", "enrol", "anna", "--mail"]).fails(1, &["anna has no mail address", "nod user set anna --mail"]);
    nod.run(&["user", "set", "anna", "--mail", "Anna <anna@example.com>"]).fails(1, &["plain mail address"]);
    nod.run(&["user", "set", "anna", "--mail", "anna@Example.com"]).ok();
    assert_eq!(nod.run(&["user", "show", "anna", "--json"]).json()["mail"], "anna@example.com");
    nod.run(&["user", "enrol", "anna", "--mail"]).fails(1, &["names no mail server"]);

    configure(&nod, &exim, &certificate);
    assert!(test("Anna@EXAMPLE.com").ok().contains("took a test letter to Anna@example.com"));
    test("gone@example.com").fails(1, &["refuses it", "550", "no such mailbox"]);
    test("anna@example.com\r\nBcc: x@example.com").fails(2, &["plain mail address"]);
    found(&doctor(), "ok", "mail", "takes letters");

    write(&nod, "mail-password", "not-the-one\n");
    let said = test("anna@example.com");
    assert!(!said.err.contains("not-the-one"), "{said:?}");
    said.fails(1, &["cannot be used", "535", "next:  nod doctor"]);
    found(&doctor(), "problem", "mail", "535");
    write(&nod, "mail-password", PASSWORD);
    write(&nod, "mail-ca.pem", &pair()[0]);
    test("anna@example.com").fails(1, &["cannot be used", "certificate"]);
    write(&nod, "mail-ca.pem", &certificate);

    let said = nod.run(&["user", "enrol", "anna", "--mail"]).ok();
    assert!(said.contains("went to anna@example.com") && !said.contains("/enrol#"), "{said}");
    let letters = exim.letters(2);
    assert!(letters[0].contains("To: Anna@example.com") && letters[0].contains("Auto-Submitted: auto-generated"));
    assert!(letters[1].contains(&format!("{}/enrol#", nod.origin)), "{letters:?}");

    exim.quit();
    test("anna@example.com").fails(1, &["cannot be used", "nod doctor"]);
    found(&doctor(), "problem", "mail", "cannot be used");
}

/// Until the mail server's follower has begun: what happened before is told nobody.
fn begun(nod: &Nod) {
    let database = rusqlite::Connection::open(nod.data("nod.db")).unwrap();
    let read = "SELECT count(*) FROM meta WHERE key = 'audit_sent/mail'";
    while database.query_row(read, [], |row| row.get::<_, i64>(0)).unwrap() == 0 {
        std::thread::yield_now();
    }
}

#[test]
fn people_are_told_what_happens_to_their_account_and_after_an_outage() {
    let [certificate, key] = pair();
    let Some(mut exim) = Exim::start(&certificate, &key) else { return };
    let nod = Nod::init();
    configure(&nod, &exim, &certificate);
    for (name, mail) in [("ben", "gone@example.com"), ("eve", "eve@example.com")] {
        nod.run(&["user", "add", name, "--mail", mail]).ok();
    }
    nod.run(&["user", "set", "anna", "--mail", "anna@example.com"]).ok();
    let (_running, mut log) = logging(&nod);
    begun(&nod);
    for name in ["anna", "ben"] {
        nod.folder.run_with(&["user", "passwd", name, "--stdin"], "four plain words here\n").ok();
    }
    nod.run(&["user", "disable", "eve"]).ok();
    let letters = exim.letters(2);
    let holds = |letter: &str, to: &str, words: &str| {
        assert!(letter.contains(&format!("To: {to}\n")) && letter.contains(words), "{to}, {words}: {letters:#?}");
    };
    assert_eq!(letters.len(), 2);
    holds(&letters[0], "anna@example.com", "Your password was changed");
    holds(&letters[1], "eve@example.com", "Your account was disabled");
    says(&mut log, "a letter about password_set was not taken");
    let audit = nod.run(&["audit", "list"]).ok();
    assert!(audit.contains("A letter to ben was not taken by the mail server (password_set: "), "{audit}");

    // What happens while the server is away is told when it is back.
    exim.quit();
    nod.run(&["user", "enable", "eve"]).ok();
    says(&mut log, "audit events wait, as they cannot be sent to people by mail");
    exim.run();
    let letters = exim.letters(3);
    let last = letters.last().unwrap();
    assert!(last.contains("To: eve@example.com\n") && last.contains("can be used again"), "{letters:#?}");

    // The old address hears that it is the old one.
    nod.run(&["user", "set", "anna", "--mail", "anna2@example.com"]).ok();
    let letters = exim.letters(4);
    let last = letters.last().unwrap();
    assert!(last.contains("To: anna@example.com\n") && last.contains("no longer come here"), "{letters:#?}");
}

/// A mailbox that is full for good holds nobody's letters back for longer than the limit: an event that is older is stepped over.
#[test]
fn a_full_mailbox_holds_others_back_for_a_while_only() {
    let [certificate, key] = pair();
    let Some(exim) = Exim::start(&certificate, &key) else { return };
    let nod = Nod::init();
    configure(&nod, &exim, &certificate);
    nod.run(&["user", "set", "anna", "--mail", "full@example.com"]).ok();
    nod.run(&["user", "add", "eve", "--mail", "eve@example.com"]).ok();
    let (running, mut log) = logging(&nod);
    begun(&nod);
    nod.run(&["user", "disable", "anna"]).ok();
    says(&mut log, "the mail server does not take it now");
    nod.run(&["user", "disable", "eve"]).ok();
    drop((running, log));
    // A quarter of an hour later: on the same machine only the event can be made older.
    let database = rusqlite::Connection::open(nod.data("nod.db")).unwrap();
    let older = "UPDATE audit SET at = at - 900000 WHERE kind = 'user_disabled' AND user_name = 'anna'; \
                 UPDATE meta SET value = CAST(json_set(CAST(value AS TEXT), '$.until', 0) AS BLOB) WHERE key = 'audit_sent/mail'";
    database.execute_batch(older).unwrap();
    let (_running, mut log) = logging(&nod);
    says(&mut log, "a letter about user_disabled was not taken");
    let letters = exim.letters(1);
    assert!(letters[0].contains("To: eve@example.com\n"), "{letters:#?}");
}

/// Somebody with a mailbox that is gone, somebody without one, somebody who is disabled, and two more.
fn staff(nod: &Nod) {
    for (name, mail) in [("ben", "gone"), ("cid", ""), ("dan", "dan"), ("eve", "eve"), ("fay", "fay")] {
        nod.run(&["user", "add", name]).ok();
        nod.run(&["group", "join", "staff", name]).ok();
        if !mail.is_empty() {
            nod.run(&["user", "set", name, "--mail", &format!("{mail}@example.com")]).ok();
        }
    }
    nod.run(&["user", "disable", "dan"]).ok();
}

/// A group's letters: who has no phone gets one, once, whatever ends a run on the way; who is left is listed and reminded.
#[test]
fn a_group_is_written_to_once_and_reminded() {
    let [certificate, key] = pair();
    let Some(mut exim) = Exim::start(&certificate, &key) else { return };
    let nod = Nod::init();
    let enrol = |more: &[&str]| nod.run(&[&["user", "enrol", "--group", "staff"][..], more].concat());
    enrol(&["--status"]).fails(1, &["there is no group staff"]);
    nod.run(&["group", "add", "staff"]).ok();
    enrol(&["--mail"]).fails(1, &["names no mail server"]);
    configure(&nod, &exim, &certificate);
    staff(&nod);
    let (_running, _log) = logging(&nod);
    begun(&nod);
    enrol(&[]).fails(2, &["with --mail", "with --status"]);
    enrol(&["--mail", "--by", "2020-01-31"]).fails(2, &["is over"]);
    enrol(&["--remind"]).fails(2, &["--mail"]);

    let said = enrol(&["--mail", "--by", "2099-01-31"]);
    for words in [
        "cid: no mail address",
        "eve: sent to eve@example.com",
        "fay: sent to fay@",
        "no such mailbox",
        "2 letters sent",
    ] {
        assert!(said.out.contains(words), "{words}: {said:?}");
    }
    assert!(!said.out.contains("dan") && !said.out.contains("/enrol#"), "{said:?}");
    said.fails(1, &["the mail server did not take 1 letter", "next:  nod user enrol --group staff --status"]);
    let letters = exim.letters(2);
    assert!(
        letters[0].contains("Subject: Set up your phone") && letters[0].contains("do it by 31 January 2099"),
        "{letters:#?}"
    );
    let states = || {
        let view = enrol(&["--status", "--json"]).json();
        let people = view["people"].as_array().unwrap().clone();
        let words =
            people.iter().map(|person| person["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ");
        format!("{} {} {words}", view["enrolled"], view["left"])
    };
    assert_eq!(states(), "0 4 waiting waiting disabled linked linked");
    assert!(enrol(&["--status"]).ok().contains("0 of 5 have a phone, 4 are left."));

    // The same again, and a reminder on the same day: nobody gets a second letter.
    let again = enrol(&["--mail", "--json"]);
    assert!(again.out.contains("has a link until") && again.out.contains("\"sent\": []"), "{again:?}");
    let again = enrol(&["--mail", "--remind"]);
    assert!(again.out.contains("eve: was sent a letter within the last day"), "{again:?}");
    // Two days later they are reminded, by links that take the place of the first.
    let later = "UPDATE counters SET since = since - 172800000 WHERE bucket LIKE 'letter with link/%'";
    let database = rusqlite::Connection::open(nod.data("nod.db")).unwrap();
    assert_eq!(database.execute(later, []).unwrap(), 2);
    enrol(&["--mail", "--remind"]).fails(1, &["did not take 1 letter"]);
    let letters = exim.letters(4);
    assert!(
        letters[3].contains("Subject: Reminder: set up") && letters[3].contains("not set up for signing in yet"),
        "{letters:#?}"
    );

    // Without the mail server the run ends at once, and the next one goes on: the link that was not sent is taken back.
    exim.quit();
    assert_eq!(database.execute(later, []).unwrap(), 2);
    nod.run(&["user", "set", "ben", "--mail", "ben@example.com"]).ok();
    enrol(&["--mail", "--remind"]).fails(1, &["the run has ended before its end", "cannot be used", "nod doctor"]);
    assert_eq!(states(), "0 4 waiting waiting disabled linked linked");
    exim.run();
    let said = enrol(&["--mail", "--remind"]).ok();
    assert!(said.contains("ben: sent to ben@example.com") && said.contains("3 letters sent"), "{said}");
    // A letter with a link is its own notice. Notices come in order: had there been one, it would be here before the last.
    nod.run(&["user", "disable", "eve"]).ok();
    let letters = exim.letters(8);
    assert!(letters.iter().all(|letter| !letter.contains("may be added to your account")), "{letters:#?}");
    assert_eq!(letters.len(), 8);
    nod.run(&["audit", "verify"]).ok();
}

//! Accounts from files: what is taken, what is refused with which words, and that a file is taken whole or not at all.

use serde_json::{Value, json};

use crate::harness::{Nod, Said};
use crate::visitor::Visitor;

fn import(nod: &Nod, bytes: impl AsRef<[u8]>, more: &[&str]) -> Said {
    std::fs::write(nod.folder.path().join("people.csv"), bytes).unwrap();
    nod.run(&[&["user", "import", "people.csv"][..], more].concat())
}

/// How many accounts, members and lines of the audit there are.
fn count(nod: &Nod) -> [usize; 3] {
    let users = nod.run(&["user", "list", "--json"]).json();
    let groups = nod.run(&["group", "list", "--json"]).json();
    let members = groups.as_array().unwrap().iter().map(|group| group["members"].as_array().unwrap().len()).sum();
    let events = nod.run(&["audit", "list", "--limit", "10000", "--json"]).json();
    [users.as_array().unwrap().len(), members, events.as_array().unwrap().len()]
}

#[test]
fn a_file_of_a_spreadsheet_makes_accounts_in_their_groups() {
    let nod = Nod::init();
    nod.run(&["group", "add", "accounting"]).ok();
    let before = count(&nod);
    let file = "\u{feff}Name;Display name;Mail;Groups;Terminal phone\r\n\
                Bo;\"Bo \"\"B\"\" Ek\";bo@Example.com;accounting admins accounting;on\r\n\
                ;;;;\r\n\
                eve;;;;\r\n";
    let said = import(&nod, file, &["--dry-run"]).ok();
    assert_eq!(said, "Every row is good: 2 accounts would be added. Nothing was changed.\n");
    assert_eq!(count(&nod), before);
    let view = import(&nod, file, &["--json"]).json();
    assert_eq!(view, json!({"dry_run": false, "rows": 2, "added": ["bo", "eve"], "refused": []}));
    assert_eq!(count(&nod), [before[0] + 2, before[1] + 2, before[2] + 4], "each account and membership has its line");
    let bo = nod.run(&["user", "show", "bo", "--json"]).json();
    let of = |member: &str| bo[member].clone();
    assert_eq!((of("display_name"), of("mail")), (json!("Bo \"B\" Ek"), json!("bo@example.com")));
    assert_eq!((of("terminal_phone"), of("groups")), (json!(true), json!(["accounting", "admins"])));
    assert_eq!(nod.run(&["user", "show", "eve", "--json"]).json()["display_name"], "eve");
    nod.run(&["audit", "verify"]).ok();
    let again = import(&nod, file, &["--json"]);
    assert_eq!(again.code, 1);
    let view: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!((&view["added"], view["refused"].as_array().unwrap().len()), (&json!([]), 2), "{view}");
    assert_eq!((&view["refused"][1]["line"], &view["refused"][1]["column"]), (&json!(4), &json!("name")));
}

#[test]
fn every_reason_is_told_and_nothing_is_left() {
    let nod = Nod::init();
    let before = count(&nod);
    let refuses = |bytes: &[u8], expected: &[&str]| {
        for more in [&["--dry-run"][..], &[]] {
            let said = import(&nod, bytes, more);
            for words in expected {
                assert!(said.out.contains(words), "{words} is not in: {said:?}");
            }
            assert_eq!(said.out.lines().count(), expected.len(), "{said:?}");
            said.fails(1, &["nothing was changed", "next:  nod user import people.csv --dry-run"]);
        }
        assert_eq!(count(&nod), before);
    };
    refuses(
        b"name,mail,groups,terminal_phone\n\
          bo,bo@example.com,admins,on\n\
          Anna,,,\n\
          bo berg,bo@,,maybe\n\
          cid,,sales admins tax,\n\
          Bo,,,\n\
          dan,dan@example.com\n\
          m\xfcller,,,\n\
          ,e@example.com,,\n\
          \"x\x1b[2J\",,,\n",
        &[
            "line 3, name: there is an account anna already: leave the row out; to change the account: nod user set anna",
            "line 4, terminal_phone: \"maybe\" is neither on nor off: write on or off",
            "line 5, groups: there is no group sales: nod group add sales",
            "line 5, groups: there is no group tax: nod group add tax",
            "line 6, name: the file has bo before: leave one of the rows out",
            "line 7: 2 cells below 4 columns: put cells",
            "line 8, name: this is not UTF-8: save the file as UTF-8",
            "line 9, name: the name is empty",
            "line 10, name: a name holds letters",
        ],
    );
    refuses(
        b"name,mail\nbo berg,bo@\n",
        &["line 2, name: a name holds", "line 2, mail: this is no plain mail address"],
    );
    refuses(
        b"user,email,groups\nbo,x,\n",
        &["line 1: there is no column \"user\"", "\"email\": call it mail", "line 1, name: the column is missing"],
    );
    refuses(
        b"bo,$2b$12$abcdefghijklmnopqrstuv\n",
        &["line 1: the first line names no columns: put their names into it: name"],
    );
    refuses(
        b"name,display_name\nbo,\"Bo\ncy,Cy\n",
        &["line 2, display_name: the cell goes on in the next line: close the quote"],
    );
    refuses(b"", &["line 1: the file is empty: its first line names the columns: name, display_name"]);
    refuses("name\n".repeat(20_002).as_bytes(), &["line 20002: more than 20000 rows: split the file"]);
    import(&nod, b"\xff\xfen\0a\0", &[]).fails(1, &["UTF-16: save it as UTF-8"]);
    nod.run(&["user", "import", "nowhere.csv"]).fails(1, &["nowhere.csv", "No such file"]);
}

#[test]
fn a_thousand_rows_are_one_commit_beside_a_server() {
    let nod = Nod::init();
    let _running = nod.serve();
    let before = count(&nod);
    let rows: String = (0..1_000).map(|n| format!("user{n},User {n},user{n}@example.com,admins\n")).collect();
    let head = "name,display_name,mail,groups\n";
    import(&nod, format!("{head}{rows}Anna,,,\n"), &[]).fails(1, &["1 reason to refuse the file"]);
    assert_eq!(count(&nod), before);
    assert_eq!(import(&nod, format!("{head}{rows}"), &[]).ok(), "1000 accounts added.\n");
    assert_eq!(count(&nod), [before[0] + 1_000, before[1] + 1_000, before[2] + 2_000]);
    nod.run(&["audit", "verify"]).ok();
}

/// How often a line of this kind stands in the audit.
fn told(nod: &Nod, kind: &str) -> usize {
    let events = nod.run(&["audit", "list", "--limit", "10000", "--json"]).json();
    events.as_array().unwrap().iter().filter(|event| event["kind"] == kind).count()
}

/// Accounts with the hashes of other programs (their origin stands in the file): each signs in with the password that it had, and
/// is stored with one of our own from then on.
#[tokio::test]
async fn people_keep_their_passwords_of_another_system() {
    const MADE: &str = include_str!("../../../crates/engine/src/password/foreign.tsv");
    const PASSWORD: &str = "Grüße, four plain words";
    const WRONG: &str = "grüße, four plain words";
    let nod = Nod::init();
    let made = MADE.lines().filter(|line| !line.starts_with('#'));
    let hashes: Vec<&str> = made.map(|line| line.split_once('\t').unwrap().1).collect();
    let rows: String = hashes.iter().enumerate().map(|(n, hash)| format!("user{n},\"{hash}\"\n")).collect();
    import(&nod, format!("name,password_hash\n{rows}"), &[]).ok();
    assert_eq!(nod.run(&["user", "show", "user3", "--json"]).json()["has_password"], true);
    let costly = "$2b$31$abcdefghijklmnopqrstuuwypJwKuskt6eGdeaaVqS4IKD8ICGjUC";
    let bad = format!("name,password_hash\nx,5f4dcc3b5aa765d61d8327deb882cf99\ny,{costly}\n");
    let refused = import(&nod, bad, &[]);
    assert!(!refused.out.contains("5f4dcc3b") && !refused.out.contains("wypJwK"), "INV-24: {refused:?}");
    assert!(refused.out.contains("line 2, password_hash: this is no hash that Nod knows"), "{refused:?}");
    assert!(refused.out.contains("line 3, password_hash: this bcrypt hash costs more than"), "{refused:?}");

    let _running = nod.serve();
    let browser = || Visitor::new(&nod);
    // One of each: SHA-512-crypt, bcrypt, PBKDF2, scrypt, argon2, Django's bcrypt behind SHA-256.
    let tried = [0, 2, 7, 10, 14, 16];
    for n in tried {
        browser().refused(&format!("user{n}"), WRONG).await;
    }
    assert_eq!(told(&nod, "password_rehashed"), 0);
    for round in 0..2 {
        for n in tried {
            let phase = browser().sign_in(&format!("user{n}"), PASSWORD).await["phase"].clone();
            assert_eq!(phase, "locked", "{round}: {}", hashes[n]);
        }
        assert_eq!(told(&nod, "password_rehashed"), tried.len(), "made anew once");
    }
    browser().refused("user0", WRONG).await;

    // Two at once: one of them stores the new hash, both are in.
    let (mut one, mut other) = (browser(), browser());
    tokio::join!(one.sign_in("user5", PASSWORD), other.sign_in("user5", PASSWORD));
    assert_eq!(told(&nod, "password_rehashed"), tried.len() + 1);
    nod.run(&["audit", "verify"]).ok();
    let database = rusqlite::Connection::open(nod.data("nod.db")).unwrap();
    for n in [0, 2, 5, 7, 10, 14, 16] {
        let read = "SELECT password_hash FROM users WHERE name = ?1";
        let hash: String = database.query_row(read, [format!("user{n}")], |row| row.get(0)).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{n}: {hash}");
    }
}

//! Hardware tokens from files: each format is taken with the secret that its device has, and a file whole or not at all.

use std::process::Command;

use nod_testkit::tools::OATHTOOL;
use serde_json::{Value, json};

use crate::codes::have_oathtool;
use crate::harness::{Nod, Said};

/// Both by python-pskc 1.4: a token with a button, and one by time for bo; the second under the password "qwerty".
const PLAIN: &str = include_str!("tokens/plain.pskc.xml");
const ENCRYPTED: &str = include_str!("tokens/encrypted.pskc.xml");
/// The secrets of RFC 6238 appendix B, as files write them.
const HEX: &str = "3132333435363738393031323334353637383930";
const BASE32: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const LONG: &str = "3132333435363738393031323334353637383930313233343536373839303132";

fn import(nod: &Nod, text: impl AsRef<[u8]>, more: &[&str]) -> Said {
    std::fs::write(nod.folder.path().join("tokens"), text).unwrap();
    nod.run(&[&["user", "code", "import", "tokens"][..], more].concat())
}

fn listed(nod: &Nod) -> Vec<Value> {
    nod.run(&["user", "code", "list", "--json"]).json().as_array().unwrap().clone()
}

/// What a device with this secret shows.
fn shown(token: &Value, hex: &str, count: &str) -> String {
    let digits = token["digits"].to_string();
    let mut command = Command::new(OATHTOOL.find().unwrap());
    match token["step_seconds"].as_u64() {
        Some(step) => command
            .arg(format!("--totp={}", token["algorithm"].as_str().unwrap()))
            .args(["--time-step-size", &format!("{step}s")]),
        None => command.args(["--hotp", "--counter", count]),
    };
    let out = command.args(["--digits", &digits, hex]).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// Each file holds one token for bo: what is made of it, and a code of that device activates it.
#[test]
fn each_format_gives_the_token_that_the_device_is() {
    if !have_oathtool() {
        return;
    }
    let nod = Nod::init();
    nod.run(&["user", "add", "bo"]).ok();
    let azure = "upn,serial number,secret key,time interval,manufacturer,model";
    for (file, more, serial, hex, shape) in [
        // As vendors send it for Microsoft's service, hexadecimal or base32, with 30 or 60 seconds.
        (format!("{azure}\r\nBo,T2-1,{BASE32},30,Token2,c202\r\n"), &[][..], "T2-1", HEX, ("totp", "sha1", 6, 30)),
        (format!("{azure}\nbo,T2-1,{HEX},60,Feitian,c200\n"), &[], "T2-1", HEX, ("totp", "sha1", 6, 60)),
        // Without its owner, who is named beside it.
        (
            format!("serial number,secret key,time interval,manufacturer,model\n1,XXXX,30,,\n2,{BASE32},30,,\n"),
            &["--give", "2=bo"],
            "2",
            HEX,
            ("totp", "sha1", 6, 30),
        ),
        // LinOTP, without names of columns.
        (format!("OATH1,{HEX},totp,8,60\n"), &["--give", "OATH1=bo"], "OATH1", HEX, ("totp", "sha1", 8, 60)),
        (format!("OATH1,{LONG},totp,6,30,sha256\n"), &["--give", "OATH1=bo"], "OATH1", LONG, ("totp", "sha256", 6, 30)),
        (format!("OATH1,{LONG},totp\n"), &["--give", "OATH1=bo"], "OATH1", LONG, ("totp", "sha256", 6, 30)),
        (format!("OATH1, {HEX}\n"), &["--give", "OATH1=bo"], "OATH1", HEX, ("hotp", "sha1", 6, 0)),
        // privacyIDEA with its owners, and without.
        (
            format!("# version: 2\n# owner, resolver, realm, ...\nbo,deflocal,home,OATH1,{HEX},totp,6,30\n"),
            &[],
            "OATH1",
            HEX,
            ("totp", "sha1", 6, 30),
        ),
        (format!("OATH1,{HEX},hotp,8,7\n"), &["--give", "OATH1=bo"], "OATH1", HEX, ("hotp", "sha1", 8, 7)),
        // PSKC, and what pskc2csv makes of it.
        (PLAIN.to_owned(), &["--give", "987654321=bo"], "987654321", HEX, ("hotp", "sha1", 8, 7)),
        (PLAIN.to_owned(), &["--give", "987654322=bo"], "987654322", LONG, ("totp", "sha256", 6, 60)),
        (
            format!(
                "serial,secret,algorithm,response_length,time_interval\n\
                 1,{HEX},urn:ietf:params:xml:ns:keyprov:pskc:totp,6,60\n"
            ),
            &["--give", "1=bo"],
            "1",
            HEX,
            ("totp", "sha1", 6, 60),
        ),
    ] {
        let said = import(&nod, &file, more).ok();
        assert_eq!(said, "1 token added.\n", "{file}");
        let token = listed(&nod).remove(0);
        let (kind, algorithm, digits, moving) = shape;
        let expected = json!([format!("Token {serial}"), "bo", kind, algorithm, digits, "pending"]);
        let found =
            json!([token["name"], token["user"], token["kind"], token["algorithm"], token["digits"], token["state"]]);
        assert_eq!(found, expected, "{file}");
        assert_eq!(token["step_seconds"].as_u64().unwrap_or(0), if kind == "totp" { moving } else { 0 }, "{file}");
        let id = token["id"].as_str().unwrap();
        let code = shown(&token, hex, &moving.to_string());
        let confirmed = nod.run(&["user", "code", "confirm", "bo", id, &code, "--json"]).json();
        assert_eq!(confirmed["state"], "active", "{file}");
        nod.run(&["user", "code", "remove", "bo", id]).ok();
    }
}

/// Some other secret.
fn other(n: u8) -> String {
    format!("{n:02x}").repeat(20)
}

/// It is refused for these reasons alone, no secret is repeated, and nothing is left of it.
#[track_caller]
fn refuses(nod: &Nod, text: &str, more: &[&str], expected: &[&str]) {
    let said = import(nod, text, more);
    for words in expected {
        assert!(said.out.contains(words), "{words} is not in: {said:?}");
    }
    assert_eq!(said.out.lines().count(), expected.len(), "{said:?}");
    assert!(!said.out.contains(HEX) && !said.out.contains(BASE32), "INV-24: {said:?}");
    said.fails(1, &["nothing was changed"]);
    assert_eq!(listed(nod), Vec::<Value>::new());
}

#[test]
fn every_reason_is_told_and_nothing_is_left() {
    let nod = Nod::init();
    for name in ["bo", "cid", "dan"] {
        nod.run(&["user", "add", name]).ok();
    }
    nod.run(&["user", "disable", "dan"]).ok();
    let full: String = (0..6).map(|n| format!("F{n},{},cid\n", other(n + 16))).collect();
    refuses(
        &nod,
        &format!(
            "serial,secret,user,type,digits,period,algorithm\n\
             1,{HEX},bo,,,,\n\
             2,{BASE32},cid,,,,\n\
             3,{},nobody,,,,\n\
             4,{},dan,,,,\n\
             5,{},,,,,\n\
             6,not a secret!,bo,ocra,x,,md5\n\
             7,abcdef01,bo,,,,\n\
             8,{},bo,,9,,\n\
             ,,bo,,,,\n",
            other(1),
            other(2),
            other(3),
            other(4),
        ),
        &[],
        &[
            "line 3, secret: the file has this secret before",
            "line 4, user: there is no account nobody",
            "line 5, user: dan is disabled: nod user enable dan",
            "line 6, user: nobody holds this token: write a user name into the column user, or take one token: --give 5=NAME",
            "line 7, digits: \"x\" is no number",
            "line 7, type: \"ocra\" is neither totp nor hotp",
            "line 7, algorithm: \"md5\" is none of sha1, sha256, sha512",
            "line 7, secret: it is neither hexadecimal nor base32",
            "line 8: the secret has 4 bytes",
            "line 9: codes have 6 to 8 digits",
            "line 10, serial: there is no serial number",
            "line 10, secret: there is no secret",
        ],
    );
    refuses(&nod, &format!("serial,secret,user\n{full}"), &[], &["line 7, user: cid would have more than 5 tokens"]);
    refuses(
        &nod,
        ENCRYPTED,
        &["--active"],
        &[
            "line 24, secret: the secret is encrypted: ask the vendor for a plain file",
            "line 50, secret: the secret is encrypted",
        ],
    );
    refuses(&nod, "<?xml version=\"1.0\"?><KeyContainer>", &[], &["line 1: this XML cannot be read"]);
    refuses(&nod, "<KeyContainer/>", &[], &["line 1: there is no token in the file"]);
    let bomb = "<!DOCTYPE k [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><KeyContainer>&b;</KeyContainer>";
    refuses(&nod, bomb, &[], &["this XML cannot be read"]);
    // What is wrong with the other tokens of the file keeps no token in the drawer.
    let drawer = format!("serial,secret,user\n1,{BASE32},\n2\n3,not a secret!,nobody\n");
    refuses(&nod, &drawer, &["--give", "2=bo"], &["line 3: 1 cells below 3 columns"]);
    import(&nod, &drawer, &["--give", "1=bo", "--dry-run"]).ok();
    import(&nod, PLAIN, &["--give", "4711=bo"]).fails(1, &["the file has no token 4711"]);
    import(&nod, PLAIN, &["--give", "4711"]).fails(2, &["SERIAL=NAME"]);
}

#[test]
fn a_file_is_taken_whole() {
    let nod = Nod::init();
    for name in ["bo", "cid"] {
        nod.run(&["user", "add", name]).ok();
    }
    // A dry run changes nothing; a file whose last row is bad leaves none of the others; then all of it is taken at once.
    let good = format!("serial,secret,user\n1,{HEX},bo\n2,{LONG},cid\n");
    let said = import(&nod, &good, &["--dry-run", "--active"]).ok();
    assert_eq!(said, "Every row is good: 2 tokens would be added. Nothing was changed.\n");
    refuses(&nod, &format!("{good}3,{},nobody\n", other(9)), &[], &["line 4, user: there is no account nobody"]);
    let view = import(&nod, &good, &["--active", "--json"]).json();
    assert_eq!(view["added"], json!(["Token 1 for bo", "Token 2 for cid"]));
    assert!(listed(&nod).iter().all(|token| token["state"] == "active"));
    let events = nod.run(&["audit", "list", "--json"]).json().to_string();
    assert!(events.contains("The token Token 1 was added for bo") && !events.contains(HEX), "{events}");
    // In somebody else's hands it is taken away first.
    let again = import(&nod, format!("serial,secret,user\n9,{BASE32},cid\n"), &[]);
    assert!(again.out.contains("line 2, secret: the token Token 1 of bo has this secret already"), "{again:?}");
    nod.run(&["audit", "verify"]).ok();
}

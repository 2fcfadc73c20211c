//! One-time codes with the binary, and with codes that `oathtool` makes.

use std::process::Command;

use nod_testkit::tools::{OATHTOOL, allowed_skip, is_ci};
use serde_json::{Value, json};

use crate::harness::{Nod, Running};
use crate::visitor::Visitor;

const PASSWORD: &str = "four plain words here";

pub(crate) fn have_oathtool() -> bool {
    let have = OATHTOOL.find().is_some();
    if !have {
        eprintln!("SKIP: {}", OATHTOOL.missing());
        assert!(!is_ci() || allowed_skip(OATHTOOL.name).is_some(), "CI=true, so this fails: {}", OATHTOOL.missing());
    }
    have
}

/// What another program says that the token shows, so many seconds from now.
fn code(token: &Value, seconds: i64) -> String {
    let mode = format!("--totp={}", token["algorithm"].as_str().unwrap());
    let now = jiff::Timestamp::now().as_second() + seconds;
    let (digits, step) = (token["digits"].to_string(), format!("{}s", token["step_seconds"]));
    let out = Command::new(OATHTOOL.find().unwrap())
        .args([&mode, "--base32", "--digits", &digits, "--time-step-size", &step, "--now", &format!("@{now}")])
        .arg(token["secret"].as_str().unwrap())
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// An installation where this user has a password, and a browser that is bound for them.
async fn at_home(user: &str) -> (Nod, Running, Visitor) {
    let nod = Nod::init();
    if user != "anna" {
        nod.run(&["user", "add", user]).ok();
    }
    nod.folder.run_with(&["user", "passwd", user, "--stdin"], PASSWORD).ok();
    let link = nod.run(&["browser", "introduce", user, "--json"]).json()["link"].as_str().unwrap().to_owned();
    let running = nod.serve();
    let mut browser = Visitor::new(&nod);
    browser.introduce(&link, user, PASSWORD).await;
    (nod, running, browser)
}

#[tokio::test]
async fn a_token_made_by_the_command_signs_in_with_codes_of_oathtool() {
    if !have_oathtool() {
        return;
    }
    let (nod, _running, mut browser) = at_home("anna").await;
    let shape = ["--algorithm", "sha256", "--digits", "8", "--label", "Safe"];
    let token = nod.run(&[&["user", "code", "add", "anna", "--json"][..], &shape].concat()).json();
    let uri = token["uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/") && uri.ends_with("&algorithm=SHA256&digits=8&period=30"), "{uri}");
    let id = token["id"].as_str().unwrap();
    assert_eq!(browser.sign_in("anna", PASSWORD).await["phase"], "locked", "it opens nothing yet");
    let confirm = |typed: &str| nod.run(&["user", "code", "confirm", "anna", id, typed, "--json"]);
    confirm("00000000").fails(1, &["not right", "next:  nod user code list anna"]);
    let first = code(&token, 0);
    assert_eq!(confirm(&first).json()["state"], "active");
    confirm(&first).fails(1, &["may be used already"]);

    assert_eq!(browser.sign_in("anna", PASSWORD).await["phase"], "code");
    let used = browser.post("/sign-in/code", &json!({"code": first})).await;
    assert_eq!(used.status().as_u16(), 422, "C02");
    let next = code(&token, 30);
    let status: Value = browser.post("/sign-in/code", &json!({"code": next})).await.json().await.unwrap();
    assert_eq!(status["phase"], "ready", "{status}");
    let answer: Value = browser.post("/sign-in/finish", &json!({})).await.json().await.unwrap();
    assert_eq!(answer["location"], "/portal");
    let state: Value = browser.get("/portal/state").await.json().await.unwrap();
    assert_eq!(state["sessions"][0]["how"], "code", "{state}");

    let listed = nod.run(&["user", "code", "list", "anna", "--json"]).json();
    assert!(listed[0]["last_used_at"].is_string() && listed[0].get("secret").is_none(), "{listed}");
    let all = nod.run(&["audit", "list", "--json"]).out;
    let secret = token["secret"].as_str().unwrap();
    assert!(!all.contains(secret) && !all.contains(&next) && all.contains("with a one-time code"), "C09: {all}");
    nod.run(&["user", "code", "rename", "anna", id, "Drawer"]).ok();
    assert!(nod.run(&["user", "show", "anna"]).ok().contains("Drawer"));
    nod.run(&["user", "code", "remove", "anna", id]).ok();
    nod.run(&["user", "code", "remove", "anna", id]).fails(1, &["no such token"]);
    assert_eq!(browser.sign_in("anna", PASSWORD).await["phase"], "locked");
}

/// The secret of a token that exists comes by standard input; 64 uses of one code at once have one success (C03).
#[tokio::test]
async fn one_code_opens_one_sign_in_however_often_it_comes_at_once() {
    if !have_oathtool() {
        return;
    }
    let (nod, _running, mut browser) = at_home("bo").await;
    let secret = "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ";
    nod.folder.run_with(&["user", "code", "add", "bo", "--secret-stdin"], "80 bits\n").fails(1, &["not base32"]);
    let add = ["user", "code", "add", "bo", "--secret-stdin", "--active", "--json"];
    let token = nod.folder.run_with(&add, secret).json();
    assert_eq!((&token["state"], &token["algorithm"]), (&json!("active"), &json!("sha1")));
    assert_eq!(browser.sign_in("bo", PASSWORD).await["phase"], "code");
    let typed = json!({"code": code(&token, 0)});
    let mut race = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (mut browser, typed) = (browser.clone(), typed.clone());
        race.spawn(async move { browser.post("/sign-in/code", &typed).await.status().as_u16() });
    }
    let answers = race.join_all().await;
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "C03: {answers:?}");
    assert!(answers.iter().all(|status| [200, 409, 422, 429].contains(status)), "{answers:?}");
    // From a browser that nobody knows, the same person is offered no code and it is not taken (INV-13).
    let mut stranger = Visitor::new(&nod);
    let status = stranger.sign_in("bo", PASSWORD).await;
    assert_eq!((&status["phase"], &status["can_type_code"]), (&json!("locked"), &json!(false)));
    assert_eq!(stranger.post("/sign-in/code", &typed).await.status().as_u16(), 403);
}

/// A token with a button (HOTP), whose presses ran ahead: `oathtool` shows what it would.
#[tokio::test]
async fn a_token_with_a_button_runs_ahead_and_is_found_again() {
    if !have_oathtool() {
        return;
    }
    let (nod, _running, mut browser) = at_home("bo").await;
    let token = nod.run(&["user", "code", "add", "bo", "--button", "3", "--active", "--json"]).json();
    assert!(token["uri"].as_str().unwrap().ends_with("&digits=6&counter=3"), "{token}");
    let shown = |count: u64| {
        let arguments = ["--hotp", "--base32", "--counter", &count.to_string(), token["secret"].as_str().unwrap()];
        let out = Command::new(OATHTOOL.find().unwrap()).args(arguments).output().unwrap();
        json!({"code": String::from_utf8(out.stdout).unwrap().trim()})
    };
    assert_eq!(browser.sign_in("bo", PASSWORD).await["phase"], "code");
    assert_eq!(browser.post("/sign-in/code", &shown(90)).await.status().as_u16(), 422, "C10");
    let text = |count| shown(count)["code"].as_str().unwrap().to_owned();
    let resync = |first: &str, second: &str| {
        nod.run(&["user", "code", "resync", "bo", token["id"].as_str().unwrap(), first, second])
    };
    resync(&text(90), &text(90)).fails(1, &["not two codes in a row"]);
    resync(&text(90), &text(91)).ok();
    assert_eq!(browser.post("/sign-in/code", &shown(91)).await.status().as_u16(), 422, "used up");
    assert_eq!(browser.post("/sign-in/code", &shown(93)).await.status().as_u16(), 200);
}

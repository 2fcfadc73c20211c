//! Every language says everything: the same keys, the same placeholders, nothing empty, nothing left in English.

use super::*;
use http::HeaderValue;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Sentences that are the same in both languages, because the words are.
const SAME: [(&str, &[&str]); 1] = [(
    "de",
    &[
        "shared.signIn.code.label",
        "authenticator.request.title.1",
        "authenticator.enrol.code",
        "authenticator.codes.title",
        "authenticator.move.passphrase",
        "authenticator.nav.codes",
        "portal.phone.platform.android",
        "portal.phone.platform.terminal",
        "portal.phone.delivery",
    ],
)];
/// Empty in every language: the sentence before says what to do.
const EMPTY: &str = "server.refusals.forbidden.action";

fn below(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder)
}

/// Each sentence by its path.
type Sentences = BTreeMap<Vec<String>, String>;

fn sentences(tag: &str) -> Sentences {
    let tree: Value = serde_json::from_str(&Assets::text(&format!("words/{tag}.json")))
        .unwrap_or_else(|error| panic!("{tag}.json: {error}"));
    let mut found = BTreeMap::new();
    collect(&mut Vec::new(), &tree, &mut found);
    found
}

fn collect(path: &mut Vec<String>, value: &Value, found: &mut Sentences) {
    let parts: Vec<(String, &Value)> = match value {
        Value::String(text) => {
            found.insert(path.clone(), text.clone());
            return;
        }
        Value::Array(list) => list.iter().enumerate().map(|(index, one)| (index.to_string(), one)).collect(),
        Value::Object(map) => map.iter().map(|(key, one)| (key.clone(), one)).collect(),
        other => panic!("{path:?} is {other}, not a sentence"),
    };
    for (key, one) in parts {
        path.push(key);
        collect(path, one, found);
        path.pop();
    }
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

/// What is wrong with a language, as sentences.
fn wrong(tag: &str, english: &Sentences, other: &Sentences) -> Vec<String> {
    let same = SAME.iter().find(|(name, _)| *name == tag).map_or(&[][..], |(_, same)| same);
    let mut wrong = Vec::new();
    for (path, text) in english {
        let name = path.join(".");
        let same = name == EMPTY || same.contains(&name.as_str());
        match other.get(path) {
            None => wrong.push(format!("{tag}.json lacks {name}: {text}")),
            Some(found) if found.trim().is_empty() && name != EMPTY => {
                wrong.push(format!("{tag}.json says nothing at {name}"))
            }
            Some(found) if placeholders(found) != placeholders(text) => {
                wrong.push(format!("{tag}.json has other placeholders at {name}: {found}"));
            }
            Some(found) if (found == text) != same => {
                let how = if same { "is listed as the same and is not" } else { "is in English" };
                wrong.push(format!("{tag}.json, {name} {how}: {found}"));
            }
            Some(_) => {}
        }
    }
    let surplus = other.keys().filter(|path| !english.contains_key(*path));
    wrong.extend(surplus.map(|path| format!("{tag}.json has {} for nothing", path.join("."))));
    wrong
}

#[test]
fn nothing_is_missing_or_left_untranslated() {
    let files: BTreeSet<String> = std::fs::read_dir(below("web/words"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, TAGS.iter().map(|tag| format!("{tag}.json")).collect());
    let english = sentences("en");
    assert!(english.len() > 300, "{}", english.len());
    for tag in TAGS.iter().skip(1) {
        assert_eq!(wrong(tag, &english, &sentences(tag)), Vec::<String>::new());
    }
}

#[test]
fn what_is_missing_is_noticed() {
    let english = sentences("en");
    let key = ["authenticator", "install", "title"].map(str::to_owned).to_vec();
    let with = |change: &dyn Fn(&mut Sentences)| {
        let mut german = sentences("de");
        change(&mut german);
        wrong("de", &english, &german).len()
    };
    assert_eq!(with(&|_| ()), 0);
    assert_eq!(with(&|german| drop(german.remove(&key))), 1);
    assert_eq!(with(&|german| drop(german.insert(key.clone(), "Nod".to_owned()))), 1);
    assert_eq!(with(&|german| drop(german.insert(key.clone(), english[&key].clone()))), 1);
    assert_eq!(with(&|german| drop(german.insert(key.clone(), String::new()))), 1);
    assert_eq!(with(&|german| drop(german.insert(vec!["new".to_owned()], "neu".to_owned()))), 1);
}

fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

/// The server speaks English inside; a sentence that was changed there must be changed here.
#[test]
fn every_message_is_one_that_the_server_says() {
    let mut text = String::new();
    for folder in ["crates/engine/src", "crates/http/src"] {
        sources(&below(folder), &mut text);
    }
    // A string that goes on in the next line.
    let said: String =
        text.split("\\\n").enumerate().map(|(index, part)| if index == 0 { part } else { part.trim_start() }).collect();
    let english = Words::load("en");
    assert!(english.messages.len() > 20);
    let stale: Vec<&String> = english.messages.keys().filter(|message| !said.contains(message.as_str())).collect();
    assert_eq!(stale, Vec::<&String>::new());
    assert!(english.messages.iter().all(|(key, value)| key == value));
    for tag in TAGS {
        assert!(ErrorCode::ALL.iter().all(|code| Words::load(tag).codes.contains_key(code)), "{tag}");
    }
}

fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
}

#[test]
fn the_choice_counts_more_than_what_the_browser_asks_for() {
    let languages = Languages::load();
    for (lines, expected) in [
        (&[][..], "en"),
        (&[(ACCEPT_LANGUAGE, "de-AT,de;q=0.9,en;q=0.8")], "de"),
        (&[(ACCEPT_LANGUAGE, "fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5")], "en"),
        (&[(ACCEPT_LANGUAGE, "en;q=0.2, DE;q=0.7")], "de"),
        (&[(ACCEPT_LANGUAGE, "de;q=0, fr")], "en"),
        (&[(ACCEPT_LANGUAGE, "de;q=NaN"), (ACCEPT_LANGUAGE, ",;q=,de;level=1,-;q=1")], "en"),
        (&[(COOKIE, "a=b; nod-language=de"), (ACCEPT_LANGUAGE, "en")], "de"),
        (&[(COOKIE, "nod-language=en"), (ACCEPT_LANGUAGE, "de")], "en"),
        (&[(COOKIE, "nod-language=../../etc"), (ACCEPT_LANGUAGE, "de")], "de"),
        (&[(COOKIE, "xnod-language=de")], "en"),
    ] {
        assert_eq!(languages.of(&headers(lines)).tag, expected, "{lines:?}");
    }
}

#[test]
fn what_the_server_says_is_a_sentence_of_the_language() {
    let [english, german] = TAGS.map(Words::load);
    for (words, code, message, expected) in [
        (&english, ErrorCode::Conflict, "this step is over", "This step is over."),
        (&german, ErrorCode::Conflict, "this step is over", "Dieser Schritt ist vorbei."),
        (&english, ErrorCode::NotFound, "there is no such app", "There is no such app."),
        (&german, ErrorCode::NotFound, "there is no such app", "Das gibt es nicht mehr. Laden Sie diese Seite neu."),
        (&english, ErrorCode::Gone, "", "."),
    ] {
        assert_eq!(words.sentence(code, message), expected);
    }
    assert_eq!(german.sign_in.title_to("Lohn"), "Anmelden bei Lohn");
    assert_eq!(german.heading(ErrorCode::Gone).title, "Das hat nicht geklappt");
}

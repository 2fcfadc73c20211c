//! The state file, links and origins.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use nod_phone::{EnrolLink, Origin, Phone, PhoneState, StateError};

use crate::server::{CODE, Stub};
use crate::{Seeded, http};

async fn state() -> PhoneState {
    let stub = Stub::start().await;
    let (mut phone, enrolled) =
        Phone::enrol(http(), Arc::new(Seeded::new(5)), &stub.origin(), CODE.parse().unwrap(), "terminal")
            .await
            .unwrap();
    phone.finish_enrolment(&enrolled).await.unwrap();
    let mut state = PhoneState::default();
    state.put(phone.account().clone());
    state
}

#[tokio::test]
async fn a_state_survives_the_file_and_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("phone.json");
    assert_eq!(PhoneState::load(&path).unwrap(), PhoneState::default());
    let mut state = state().await;
    state.save(&path).unwrap();
    state.save(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(PhoneState::load(&path).unwrap(), state);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    let device = state.accounts[0].device;
    state.put(state.accounts[0].clone());
    assert_eq!(state.accounts.len(), 1);
    assert!(state.account(&device).is_some());
    state.forget(&device);
    assert_eq!(state, PhoneState::default());
}

#[tokio::test]
async fn bad_files_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("phone.json");
    let state = state().await;
    state.save(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(PhoneState::load(&path), Err(StateError::TooOpen { mode: 0o640, .. })));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let key =
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["accounts"][0]["pkcs8"].as_str().unwrap().to_owned();
    for damaged in ["", "{", "[]", r#"{"version":1}"#, &text.replace(&key, "AAAA"), text.split_at(text.len() / 2).0] {
        std::fs::write(&path, damaged).unwrap();
        let error = PhoneState::load(&path).unwrap_err();
        assert!(matches!(error, StateError::Damaged { .. }), "{error}");
        assert!(!error.to_string().contains(&key), "no key in an error text");
    }
    std::fs::write(&path, r#"{"version":2,"more":[]}"#).unwrap();
    assert!(matches!(PhoneState::load(&path), Err(StateError::Newer { version: 2, .. })));
    let nowhere = folder.path().join("missing/phone.json");
    assert!(matches!(state.save(&nowhere), Err(StateError::Io { .. })));
}

#[test]
fn origins_have_one_spelling_and_are_secure() {
    for (text, spelled) in [
        ("https://nod.example.com", "https://nod.example.com"),
        ("HTTPS://NOD.example.com:443/", "https://nod.example.com"),
        ("https://nod.example.com:8443", "https://nod.example.com:8443"),
        ("http://nod.localhost:8080", "http://nod.localhost:8080"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ] {
        assert_eq!(text.parse::<Origin>().unwrap().as_str(), spelled);
    }
    for wrong in [
        "nod.example.com",
        "http://nod.example.com",
        "http://notlocalhost",
        "http://localhost.example.com",
        "https://nod.example.com/path",
        "https://user:password@nod.example.com",
        "ftp://nod.example.com",
        "",
    ] {
        assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
    }
}

#[test]
fn links_are_read() {
    let origin: Origin = "https://nod.example.com".parse().unwrap();
    let token = EnrolLink::Token { origin: origin.clone(), token: "abc".to_owned() };
    assert_eq!("https://nod.example.com/enrol#abc".parse::<EnrolLink>().unwrap(), token);
    assert!(!format!("{token:?}").contains("abc"));
    let code = EnrolLink::Code { origin, code: CODE.parse().unwrap() };
    assert_eq!("https://nod.example.com/authenticator#enrol=abcd-2345".parse::<EnrolLink>().unwrap(), code);
    for wrong in [
        "https://nod.example.com/enrol",
        "https://nod.example.com/authenticator#ABCD2345",
        "https://nod.example.com/authenticator#enrol=ABC",
        "https://nod.example.com/other#abc",
        "http://nod.example.com/enrol#abc",
    ] {
        assert!(wrong.parse::<EnrolLink>().is_err(), "{wrong}");
    }
}

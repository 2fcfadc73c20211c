//! Chromium through the harness.

use crate::site;
use nod_e2e::bus::Bus;
use nod_e2e::chromium::{Chromium, Settings};
use nod_e2e::skip;
use nod_e2e::tools::{CHROMIUM, DBUS};
use serde_json::json;

#[test]
fn chromium_treats_plain_http_on_localhost_names_as_secure() {
    if !skip::have(&[CHROMIUM]) {
        return;
    }
    let site = site::start();
    let browser = Chromium::start(Settings::default());
    for host in ["nod.localhost", "site.localhost"] {
        let page = browser.open(&site.origin(host));
        site::check_facts(&page.evaluate("facts()"));
    }
    browser.quit();
}

#[test]
fn chromium_sends_lax_cookies_only_on_navigation_between_localhost_names() {
    if !skip::have(&[CHROMIUM]) {
        return;
    }
    let site = site::start();
    let browser = Chromium::start(Settings::default());
    let page = browser.open(&site.origin("nod.localhost"));
    page.navigate(&site.origin("site.localhost"));
    page.click("#other");
    page.wait_address("nod.localhost");
    assert_eq!(page.wait_text("#cookies", "="), "__Host-session=kept");
    page.navigate(&site.origin("site.localhost"));
    page.click("#post");
    page.wait_address("nod.localhost");
    assert_eq!(page.wait_text("#cookies", "none"), "none");
}

#[test]
fn chromium_is_used_as_by_a_person() {
    if !skip::have(&[CHROMIUM]) {
        return;
    }
    let site = site::start();
    let address = site.origin("nod.localhost");
    let browser = Chromium::start(Settings::default());
    let page = browser.open(&address);
    page.set_screen(320, 640, true);
    page.set_dark(true);
    assert_eq!(page.evaluate("[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]"), json!([320, true]));
    page.type_text("#name", "Bob");
    page.clear("#name");
    page.type_text("#name", "Ada L.");
    assert_eq!(page.text("#name"), "Ada L.");
    page.click("#greet");
    assert_eq!(page.wait_text("#greeting", "Hello"), "Hello Ada L., trusted");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shot.png");
    page.screenshot(&file);
    assert!(std::fs::read(file).unwrap().starts_with(b"\x89PNG"));

    // A cookie stolen from one person's browser and put into another's: the tests of clone detection need it.
    let context = browser.new_context();
    let other = browser.open_in(Some(&context), "about:blank");
    assert!(other.cookies(&address).is_empty());
    for mut cookie in page.cookies(&address) {
        assert_eq!(cookie["httpOnly"], true);
        cookie["url"] = json!(address);
        other.set_cookie(&cookie);
    }
    other.navigate(&format!("{address}/shown"));
    assert_eq!(other.text("#cookies").matches("kept").count(), 2);

    page.evaluate("console.log(1), setTimeout(() => { throw new Error('planted'); }, 0)");
    let planted = || page.problems().iter().any(|text| text.contains("planted")).then_some(());
    nod_e2e::process::until("the planted error", nod_e2e::process::PATIENCE, planted);
}

#[test]
fn chromium_shows_a_push_opens_its_window_and_refuses_the_wrong_finger() {
    if !skip::have(&[CHROMIUM, DBUS]) {
        return;
    }
    let site = site::start();
    let bus = Bus::start();
    let settings = Settings { bus_address: Some(bus.address().to_owned()), ..Settings::default() };
    let browser = Chromium::start(settings);
    let origin = site.origin("nod.localhost");
    let page = browser.open(&origin);
    page.evaluate("ready().then(() => 1)");
    let passkey = page.evaluate("makePasskey()");

    page.deliver_push(&origin, "Sign-in to Wiki");
    let shown = bus.wait_shown(0, |shown| shown.summary == "Sign-in to Wiki");
    assert!(shown.body.ends_with("Sign-in waiting"), "{shown:?}");
    let deny = shown.key_of("Deny").unwrap().to_owned();
    bus.click(shown.id, &deny, || page.shows("#clicked") && page.text("#clicked") == "clicked deny");
    bus.wait_closed(shown.id);

    page.deliver_push(&origin, "Again");
    let again = bus.wait_shown(1, |shown| shown.summary == "Again");
    let known = browser.pages();
    bus.click(again.id, "default", || browser.pages().len() > known.len());
    let opened = browser.wait_new_page(&known);
    opened.wait_address("/opened");
    opened.wait_loaded();
    let used = opened.evaluate("usePasskey()");
    assert_eq!(used, json!({"id": passkey, "verified": true}));

    browser.set_user_verified(false);
    assert!(opened.evaluate("attempt(usePasskey)").as_str().unwrap().starts_with("NotAllowedError"));
    browser.set_user_verified(true);
    assert_eq!(opened.evaluate("usePasskey()")["verified"], true);
    assert!(bus.shown().iter().all(|shown| !shown.body.contains("updated in the background")));
}

#[test]
fn chromium_keeps_its_profile_over_a_crash_and_can_be_cut_off() {
    if !skip::have(&[CHROMIUM]) {
        return;
    }
    let site = site::start();
    let address = site.origin("nod.localhost");
    let mut browser = Chromium::start(Settings::default());
    let page = browser.open(&address);
    page.evaluate("ready().then(() => localStorage.setItem('kept', 'yes'))");
    browser.stop(true);
    browser.start_again();
    let page = browser.open(&address);
    assert_eq!(page.evaluate("[localStorage.getItem('kept'), Notification.permission]"), json!(["yes", "granted"]));
    browser.stop(false);
    browser.start_again();
    let page = browser.open(&address);
    assert_eq!(page.evaluate("Notification.permission"), "granted");

    page.set_offline(true);
    assert!(page.evaluate("attempt(() => fetch('/cookies'))").as_str().unwrap().starts_with("TypeError"));
    page.set_offline(false);
    assert_eq!(page.evaluate("fetch('/cookies').then(answer => answer.ok)"), true);

    page.set_scripts(false);
    page.reload();
    page.click("#greet");
    assert_eq!(page.text("#greeting"), "");
}

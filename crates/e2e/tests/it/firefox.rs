//! Firefox through the harness.

use crate::site;
use nod_e2e::firefox::{Firefox, Settings};
use nod_e2e::skip;
use nod_e2e::tools::FIREFOX;

#[test]
fn firefox_treats_plain_http_on_localhost_names_as_secure() {
    if !skip::have(&[FIREFOX]) {
        return;
    }
    let site = site::start();
    let mut browser = Firefox::start(Settings::default());
    browser.add_authenticator();
    for host in ["nod.localhost", "site.localhost"] {
        browser.navigate(&site.origin(host));
        site::check_facts(&browser.evaluate("return await facts()"));
    }
    // Both hosts are sites of their own: strict cookies stay behind on a navigation, all do on a posted form.
    browser.click("#other");
    browser.wait_address("nod.localhost");
    assert_eq!(browser.wait_text("#cookies", "="), "__Host-session=kept");
    browser.navigate(&site.origin("site.localhost"));
    browser.click("#post");
    browser.wait_address("nod.localhost");
    assert_eq!(browser.wait_text("#cookies", "none"), "none");

    browser.set_user_verified(false);
    browser.navigate(&site.origin("nod.localhost"));
    let refused = browser.evaluate("return await attempt(usePasskey)");
    assert!(refused.as_str().unwrap().starts_with("NotAllowedError"), "{refused}");
    browser.quit();
}

#[test]
fn firefox_is_used_as_by_a_person() {
    if !skip::have(&[FIREFOX]) {
        return;
    }
    let site = site::start();
    let mut browser = Firefox::start(Settings::default());
    browser.set_window_size(500, 700);
    browser.navigate(&site.origin("nod.localhost"));
    browser.type_text("#name", "Bob");
    browser.clear("#name");
    browser.type_text("#name", "Ada L.");
    browser.click("#greet");
    assert_eq!(browser.wait_text("#greeting", "Hello"), "Hello Ada L., trusted");
    assert_eq!(browser.cookies().len(), 2);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shot.png");
    browser.screenshot(&file);
    assert!(std::fs::read(file).unwrap().starts_with(b"\x89PNG"));

    let first = browser.window();
    let second = browser.open_tab();
    browser.navigate(&site.origin("site.localhost"));
    assert_ne!(first, second);
    browser.close_window();
    assert_eq!(browser.window(), first);

    browser.evaluate("localStorage.setItem('kept', 'yes')");
    browser.restart(true);
    browser.navigate(&site.origin("nod.localhost"));
    assert_eq!(browser.evaluate("return localStorage.getItem('kept')"), "yes");
}

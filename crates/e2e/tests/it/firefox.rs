//! Firefox through the harness.

use crate::site;
use nod_e2e::firefox::{Firefox, Settings};
use nod_e2e::skip;
use nod_e2e::tools::{DBUS, FIREFOX, LIBNOTIFY};

#[test]
fn firefox_treats_plain_http_on_localhost_names_as_secure() {
    if !skip::have(&[FIREFOX, DBUS, LIBNOTIFY]) {
        return;
    }
    let site = site::start();
    let mut browser = Firefox::start(Settings::default());
    browser.add_authenticator();
    for host in ["nod.localhost", "site.localhost", "localhost"] {
        browser.navigate(&site.origin(host));
        let facts = browser.evaluate("return await facts()");
        println!("Firefox {host}: {facts}");
    }
}

//! Chromium through the harness.

use crate::site;
use nod_e2e::bus::Bus;
use nod_e2e::chromium::{Chromium, Settings};
use nod_e2e::skip;
use nod_e2e::tools::{CHROMIUM, DBUS};

#[test]
fn chromium_treats_plain_http_on_localhost_names_as_secure() {
    if !skip::have(&[CHROMIUM, DBUS]) {
        return;
    }
    let site = site::start();
    let browser = Chromium::start(Settings::default());
    for host in ["nod.localhost", "site.localhost", "localhost"] {
        let page = browser.open(&site.origin(host));
        let facts = page.evaluate("facts()");
        println!("Chromium {host}: {facts}");
    }
    let _ = Bus::start;
}

//! Somebody without a phone: a passkey of the computer (Chromium's virtual authenticator) is all that they have.

use super::desk::Desk;
use super::look;
use super::screen::Screen;
use super::stage::{Person, Stage};
use nod_e2e::skip;
use nod_e2e::tools::{CHROMIUM, DBUS, NGINX};

#[test]
fn without_a_phone() {
    if !skip::have(&[CHROMIUM, DBUS, NGINX]) {
        return;
    }
    let stage = Stage::set();
    let desk = Desk::new(&stage.chromium);
    let gerd = stage.invite("gerd");
    adds_the_key_by_link(&desk, &gerd);
    signs_in_with_password_and_key(&stage, &desk, &gerd);
    desk.sign_out();
    signs_in_without_a_name(&stage, &desk, &gerd);
    looks_at_the_account(&stage, &desk);
    signs_in_in_the_known_browser(&stage, &desk, &gerd);
}

fn adds_the_key_by_link(desk: &Desk, person: &Person) {
    desk.open_link(person);
    let page = &desk.page;
    look::at(page, "enrol-code-or-key");
    page.click("#use-key");
    page.wait_for("#add-key");
    look::at(page, "enrol-key");
    page.type_text("#key-name", "Blue key");
    page.click("#add-key");
    page.wait_phase("keyed");
    look::at(page, "enrol-keyed");
    assert_eq!(page.credentials().len(), 1);
}

fn signs_in_with_password_and_key(stage: &Stage, desk: &Desk, person: &Person) {
    desk.page.open(&stage.site.page("/notes"));
    desk.give_password(person);
    desk.page.wait_phase("introduce");
    desk.page.click("#passkey");
    desk.wait_inside("/notes", person);
    assert_eq!(stage.product.bound_browsers(&person.name), 1);
}

fn signs_in_without_a_name(stage: &Stage, desk: &Desk, person: &Person) {
    desk.page.open(&stage.site.page("/notes?day=2"));
    desk.page.wait_for("#nameless");
    look::at(&desk.page, "sign-in-form");
    desk.page.click("#nameless");
    desk.page.wait_phase("nameless");
    look::at(&desk.page, "sign-in-nameless");
    desk.page.click("#passkey");
    desk.wait_inside("/notes?day=2", person);
}

fn looks_at_the_account(stage: &Stage, desk: &Desk) {
    let page = &desk.page;
    page.open(&stage.product.page("/portal"));
    page.wait_phase("account");
    page.wait_text("#protection", "Your account is protected by Blue key.");
    page.wait_text("[data-key]", "last used just now");
    look::at(page, "portal-key");
    page.click("#add-key");
    page.wait_for("#key-name");
    page.click("#add-key");
    page.wait_text("#error", "already holds a passkey for this account");
    page.open(&stage.product.page("/portal"));
    page.wait_phase("account");
    page.click("[data-key] [aria-expanded]");
    page.wait_text("[data-key] .whole-row", "the last way into your account");
    page.press("Escape");
}

/// A browser that was introduced asks for the key without introducing it again.
fn signs_in_in_the_known_browser(stage: &Stage, desk: &Desk, person: &Person) {
    let page = &desk.page;
    page.open(&stage.product.page("/sign-in?fresh=1"));
    desk.give_password(person);
    page.wait_phase("introduce");
    page.wait_text("h1", "Use your security key or passkey");
    assert!(!page.shows("#keep-browser"));
    look::at(page, "sign-in-key");
    page.click("#passkey");
    page.wait_phase("account");
    assert_eq!(stage.product.bound_browsers(&person.name), 1);
}

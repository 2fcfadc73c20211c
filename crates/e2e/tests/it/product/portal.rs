//! The portal in a real browser, with a real phone behind it.

use super::desk::Desk;
use super::look;
use super::recovery;
use super::ringing::Ringing;
use super::screen::Screen;
use super::stage::{Person, Stage};
use nod_e2e::page::Page;
use nod_e2e::skip;
use nod_e2e::tools::{CHROMIUM, DBUS, NGINX};

#[test]
fn the_portal_in_a_browser() {
    if !skip::have(&[CHROMIUM, DBUS, NGINX]) {
        return;
    }
    let stage = Stage::set();
    let phone = Ringing::new(&stage);
    let desk = Desk::new(&stage.chromium);
    let erna = stage.enrol("erna", &desk, &phone.handset());
    desk.introduce(&phone.page.credentials()[0]);
    signs_in(&stage, &desk, &phone, &erna);
    tests_the_phone(&desk.page, &phone);
    renames_the_phone(&desk.page);
    let other = signs_in_elsewhere(&stage, &phone, &erna);
    signs_the_other_out(&desk.page, &other.page);
    forgets_the_other(&stage, &desk.page, &erna);
    reports_a_sign_in(&stage, &desk.page, &phone, &erna);
    recovery::made_used_elsewhere_and_stopped(&stage, &desk.page, &phone, &erna);
    keeps_the_last_phone(&desk.page);
    removes_the_last_phone(&stage, &desk.page, &phone);
}

/// Opens the portal by way of a sign-in that the phone approves.
fn signs_in(stage: &Stage, desk: &Desk, phone: &Ringing<'_>, person: &Person) {
    let pushed = phone.pushed();
    desk.ask(&stage.product.page("/portal"), person);
    phone.ring(pushed);
    phone.handset().answer("approve", "Approved");
    phone.handset().done();
    desk.page.wait_address("/portal");
    desk.page.wait_phase("account");
    desk.page.wait_text("#protection", "erna's phone");
    look::at(&desk.page, "portal");
}

/// The notification leads to a practice request; the portal sees each step.
fn tests_the_phone(page: &Page, phone: &Ringing<'_>) {
    let pushed = phone.pushed();
    page.click("[id^=test-]");
    let rung = phone.ring(pushed);
    page.wait_for("[data-test=rang]");
    look::at(page, "portal-test");
    let shown = || phone.page.shows("#practice-approve");
    phone.stage.bus.click(rung.id, "default", shown);
    look::at(&phone.page, "app-portal-test");
    phone.page.click("#practice-approve");
    phone.page.wait_text("h1", "That is how you approve");
    phone.page.click("#done");
    page.wait_for("[data-test=answered]");
    page.reload();
    page.wait_text("[data-delivery=answered]", "for a test, just now; it was answered after");
}

fn renames_the_phone(page: &Page) {
    page.click(".rename summary");
    look::at(page, "portal-rename");
    page.clear(".rename input");
    page.type_text(".rename input", "Erna's pocket");
    page.click(".rename button");
    page.wait_text("#protection", "Erna's pocket");
    assert_eq!(page.look("document.activeElement.id"), "ways-title", "the focus comes back to the list");
}

fn signs_in_elsewhere(stage: &Stage, phone: &Ringing<'_>, person: &Person) -> Desk {
    let other = Desk::new(&stage.chromium);
    other.page.open(&stage.product.page("/portal"));
    other.give_password(person);
    other.page.wait_phase("introduce");
    other.hold_phone_near(&phone.page.credentials()[0]);
    other.page.click("#passkey");
    other.page.wait_phase("account");
    other
}

fn signs_the_other_out(page: &Page, other: &Page) {
    page.reload();
    page.wait_for("#sessions li:not(:has(.tag))");
    look::at(page, "portal-two-sessions");
    page.click("#sessions li:not(:has(.tag)) button");
    page.wait_gone("#sessions li:not(:has(.tag))");
    other.reload();
    other.wait_for("#username");
}

fn forgets_the_other(stage: &Stage, page: &Page, person: &Person) {
    assert_eq!(stage.product.bound_browsers(&person.name), 2);
    page.click("#browsers li:not(:has(.tag)) [aria-expanded]");
    page.wait_text("#browsers .notice.danger h3", "Forget ");
    look::at(page, "portal-forget");
    page.click("#browsers li:not(:has(.tag)) [id$=-sure]");
    page.wait_gone("#browsers li:not(:has(.tag))");
    assert_eq!(stage.product.bound_browsers(&person.name), 1);
}

/// "This wasn't me": the sign-in ends, the phone is told, unknown browsers are refused until they are allowed again.
fn reports_a_sign_in(stage: &Stage, page: &Page, phone: &Ringing<'_>, person: &Person) {
    let other = signs_in_elsewhere(stage, phone, person);
    let (pushed, shown) = (phone.pushed(), "#events li:first-child");
    page.reload();
    page.wait_text("#events [data-kind=signed_in]", "with a passkey");
    look::at(page, "portal-history");
    page.click("#events [data-kind=signed_in]:has([aria-expanded]) [aria-expanded]");
    page.wait_text("#events .whole-row h3", "Somebody else signed in?");
    look::at(page, "portal-not-me");
    page.click("#events [id^=not-me][id$=-sure]");
    page.wait_text("#said", "The browser that it introduced was forgotten.");
    page.wait_text(shown, "this wasn’t me");
    look::at(page, "portal-reported");
    let rung = phone.ring(pushed);
    assert!(rung.summary.contains("Your account has changed"), "{}", rung.summary);
    phone.stage.bus.click(rung.id, "default", || phone.page.shows("#notices [data-notice=sign_in_reported]"));
    look::at(&phone.page, "app-notices");
    phone.page.click("#back");
    other.page.reload();
    other.give_password(person);
    other.page.wait_text("main", "takes only browsers that it knows");
    page.click("#allow-unknown");
    page.wait_gone("#allow-unknown");
    assert_eq!(stage.product.bound_browsers(&person.name), 1);
}

/// The warning says what follows; Escape leaves everything as it was.
fn keeps_the_last_phone(page: &Page) {
    page.click("#phones [aria-expanded]");
    page.wait_text("#phones .whole-row", "the last phone of your account");
    look::at(page, "portal-last-phone");
    page.press("Escape");
    assert!(!page.shows("#phones .whole-row"));
    assert_eq!(page.look("document.activeElement.matches('#phones [aria-expanded=false]')"), true);
}

fn removes_the_last_phone(stage: &Stage, page: &Page, phone: &Ringing<'_>) {
    page.click("#phones [aria-expanded]");
    page.click("#phones [id$=-sure]");
    page.wait_text("#protection", "Nothing but your password");
    look::at(page, "portal-no-phone");
    phone.page.open(&stage.product.page("/authenticator"));
    phone.page.wait_text("main", "was removed from the account");
}

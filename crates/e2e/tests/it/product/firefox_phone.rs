//! Firefox is the phone and receives the encrypted push; Chromium is the computer; the app is behind nginx.
//!
//! One story in scenes, because each start of a browser costs seconds: the scenes follow one another on the same phone.

use super::desk::Desk;
use super::handset::Handset;
use super::look;
use super::screen::Screen;
use super::stage::{Person, Stage, new_passkey};
use nod_e2e::bus::Notification;
use nod_e2e::firefox::Firefox;
use nod_e2e::page::Page;
use nod_e2e::process::{PATIENCE, until};
use nod_e2e::skip;
use nod_e2e::tools::{CHROMIUM, DBUS, FIREFOX, LIBNOTIFY, NGINX};
use serde_json::Value;
use std::time::Duration;

/// A request lives 120 s; the computer learns of its end with the next comment line of its live channel.
const LIFE_OF_A_REQUEST: Duration = Duration::from_secs(150);

#[test]
fn firefox_is_the_phone() {
    if !skip::have(&[FIREFOX, CHROMIUM, DBUS, LIBNOTIFY, NGINX]) {
        return;
    }
    let mut stage = Stage::set();
    let (silent, ignored) = nobody_answers(&stage);

    let mut firefox = stage.firefox();
    let phone = Handset { screen: &firefox };
    let desk = Desk::new(&stage.chromium);
    let anna = stage.enrol("anna", &desk, &phone);
    let passkey = new_passkey(&firefox, &[]);
    desk.introduce(&passkey);
    assert_eq!(stage.product.bound_browsers("anna"), 1);

    approved_from_the_notification(&stage, &desk, &firefox, &anna);
    let second = introduced_with_the_phones_passkey(&stage, &phone, &anna, &passkey);
    two_at_once_take_numbers(&stage, &desk, &second, &phone, &anna);
    refused_finger(&stage, &desk, &firefox, &anna);
    server_dies_while_waiting(&mut stage, &desk, &phone, &anna);
    denied_then_wrong_number_then_right(&stage, &desk, &phone, &anna);
    let ben = relayed_enrolment_binds_nothing(&stage, &phone);
    fraud_unbinds_the_browser(&stage, &phone, &ben, &new_passkey(&firefox, &[&passkey]));
    denied_after_the_phone_was_off(&stage, &desk, &mut firefox, &anna);
    revoked_while_asked(&stage, &Handset { screen: &firefox }, &anna);
    no_answer_in_time(&silent, &ignored);
}

/// The address that people open; a query shows that they come back to where they wanted to go.
fn notes(stage: &Stage) -> String {
    stage.site.page("/notes?day=2")
}

/// Waits for the notification of a sign-in beyond the first `after`.
#[track_caller]
fn rung(stage: &Stage, after: usize) -> Notification {
    stage.bus.wait_shown(after, |shown| shown.summary.contains("Sign-in"))
}

/// Tom's phone is open and rings nobody; he is asked and does not look. Ended by [`no_answer_in_time`].
fn nobody_answers(stage: &Stage) -> (Desk, Page) {
    let phone = stage.chromium.open(&stage.product.page("/authenticator"));
    phone.wait_phase("welcome");
    let (desk, handset) = (Desk::new(&stage.chromium), Handset { screen: &phone });
    let tom = stage.invite("tom");
    let code = desk.open_link(&tom);
    desk.confirm(&handset.join_silently(&code, "tom's phone"));
    handset.finish();
    desk.introduce(&phone.credentials()[0]);
    desk.ask(&notes(stage), &tom);
    handset.read();
    (desk, phone)
}

fn no_answer_in_time(desk: &Desk, phone: &Page) {
    until("the end of an unanswered request", LIFE_OF_A_REQUEST, || {
        desk.page.shows("[data-phase=ended]").then_some(())
    });
    desk.wait_ended("No answer in time");
    look::at_outage(&desk.page, "sign-in-expired");
    Handset { screen: phone }.wait_outcome("Too late");
    look::at_outage(phone, "app-too-late");
}

fn approved_from_the_notification(stage: &Stage, desk: &Desk, firefox: &Firefox, anna: &Person) {
    let phone = Handset { screen: firefox };
    // The app is not open: only the push can bring it.
    firefox.open("about:blank");
    let shown = stage.bus.shown().len();
    desk.ask(&notes(stage), anna);
    let notification = rung(stage, shown);
    desk.wait_step("reached");
    let known = firefox.windows();
    stage.bus.click(notification.id, "default", || firefox.windows().len() > known.len());
    firefox.wait_new_window(&known);
    let request = phone.read();
    assert!(request.contains("Wiki") && request.contains("anna Berg"), "{request}");
    desk.wait_step("opened");
    phone.answer("approve", "Approved");
    desk.wait_inside("/notes?day=2", anna);
    until("the acknowledgement", PATIENCE, || stage.stub.acknowledgements().contains(&100).then_some(()));
    phone.done();
}

/// A browser that Nod does not know gets the introduction page and rings nobody, even with the right password.
fn introduced_with_the_phones_passkey(
    stage: &Stage,
    phone: &Handset<'_, Firefox>,
    anna: &Person,
    passkey: &Value,
) -> Desk {
    let (pushed, shown) = (stage.stub.received().len(), stage.bus.shown().len());
    let stranger = Desk::new(&stage.chromium);
    stranger.page.open(&notes(stage));
    stranger.give_password(anna);
    stranger.page.wait_phase("introduce");
    // Without the passkey there is no way on.
    stranger.page.click("#passkey");
    stranger.page.wait_text("#error", "passkey");

    let second = Desk::new(&stage.chromium);
    second.page.open(&notes(stage));
    second.give_password(anna);
    second.page.wait_phase("introduce");
    second.hold_phone_near(passkey);
    second.page.click("#passkey");
    second.wait_inside("/notes?day=2", anna);
    assert_eq!(stage.product.bound_browsers("anna"), 2);

    assert_eq!(stage.stub.received().len(), pushed, "no push for a browser that is not bound");
    assert_eq!(stage.bus.shown().len(), shown, "no notification either");
    phone.screen.wait_phase("home");
    second
}

fn two_at_once_take_numbers(stage: &Stage, desk: &Desk, second: &Desk, phone: &Handset<'_, Firefox>, anna: &Person) {
    desk.ask_again(&notes(stage), anna);
    second.sign_out();
    second.ask(&stage.product.page("/sign-in"), anna);
    let (wiki, account) = (desk.number(), second.number());
    // The first request came alone and was on the screen; the person is told that it has changed.
    phone.screen.wait_text(".request", "another sign-in appeared");
    assert!(phone.read().contains("Sign in to Wiki?"));
    phone.screen.wait_for("#others");
    phone.approve_with(&wiki, "Approved");
    desk.wait_inside("/notes?day=2", anna);
    phone.done();
    phone.approve_with(&account, "Approved");
    second.page.wait_address("/portal");
    phone.done();
}

fn refused_finger(stage: &Stage, desk: &Desk, firefox: &Firefox, anna: &Person) {
    let phone = Handset { screen: firefox };
    desk.ask_again(&notes(stage), anna);
    phone.read();
    firefox.set_user_verified(false);
    firefox.click("#approve");
    firefox.wait_text("#error", "not accepted, so nothing was sent");
    assert!(desk.page.shows("[data-phase=waiting]"), "the computer still waits");
    firefox.set_user_verified(true);
    phone.answer("approve", "Approved");
    desk.wait_inside("/notes?day=2", anna);
    phone.done();
}

fn server_dies_while_waiting(stage: &mut Stage, desk: &Desk, phone: &Handset<'_, Firefox>, anna: &Person) {
    let notes = notes(stage);
    desk.ask_again(&notes, anna);
    phone.read();
    stage.product.crash();
    assert!(desk.page.shows("[data-phase=waiting]"), "the computer still waits");
    stage.product.serve();
    phone.answer("approve", "Approved");
    desk.wait_inside("/notes?day=2", anna);
    phone.done();
}

fn denied_then_wrong_number_then_right(stage: &Stage, desk: &Desk, phone: &Handset<'_, Firefox>, anna: &Person) {
    desk.ask_again(&notes(stage), anna);
    phone.answer("deny", "Denied");
    desk.wait_ended("Denied on your phone");
    phone.done();

    // After a denial the next one needs the number.
    desk.again();
    let number = desk.number();
    let wrong = if number == "000000" { "000001" } else { "000000" };
    phone.approve_with(wrong, "The numbers did not match");
    desk.wait_ended("The numbers did not match");
    phone.done();

    desk.again();
    assert_ne!(desk.number(), number, "each try has a number of its own");
    phone.approve_with(&desk.number(), "Approved");
    desk.wait_inside("/notes?day=2", anna);
    phone.done();
}

/// Attack E18: the computer that shows the code is a stranger's, who even says that it is theirs.
fn relayed_enrolment_binds_nothing(stage: &Stage, phone: &Handset<'_, Firefox>) -> Person {
    let attacker = Desk::new(&stage.chromium);
    let ben = stage.enrol("ben", &attacker, phone);
    attacker.page.wait_phase("introduce");
    attacker.page.click("#passkey");
    attacker.page.wait_text("#error", "passkey");
    assert_eq!(stage.product.bound_browsers("ben"), 0);

    let pushed = stage.stub.received().len();
    attacker.page.open(&notes(stage));
    attacker.give_password(&ben);
    attacker.page.wait_phase("introduce");
    assert_eq!(stage.stub.received().len(), pushed, "the relay wins no prompt");
    phone.screen.wait_phase("home");
    ben
}

fn fraud_unbinds_the_browser(stage: &Stage, phone: &Handset<'_, Firefox>, ben: &Person, passkey: &Value) {
    let desk = Desk::new(&stage.chromium);
    desk.page.open(&notes(stage));
    desk.give_password(ben);
    desk.page.wait_phase("introduce");
    desk.hold_phone_near(passkey);
    desk.page.click("#passkey");
    desk.wait_inside("/notes?day=2", ben);

    desk.ask_again(&notes(stage), ben);
    assert!(phone.read().contains("ben Berg"));
    phone.answer("fraud", "Denied and reported");
    desk.wait_ended("Denied and reported");
    assert!(!desk.page.shows("#again"), "no second try after a report");
    look::at(&desk.page, "sign-in-fraud");
    assert_eq!(stage.product.bound_browsers("ben"), 0);
    assert!(stage.product.has_event("fraud_reported", &ben.display_name));
    phone.done();
    desk.page.open(&notes(stage));
    desk.give_password(ben);
    desk.page.wait_phase("introduce");
}

/// The push waits at the push service; the worker then signs the denial, with no page of the app open.
fn denied_after_the_phone_was_off(stage: &Stage, desk: &Desk, firefox: &mut Firefox, anna: &Person) {
    firefox.stop(true);
    let shown = stage.bus.shown().len();
    desk.ask_again(&notes(stage), anna);
    desk.wait_step("sent");
    firefox.start_again();
    let rung = rung(stage, shown);
    let deny = rung.key_of("Deny").expect("the notification can deny").to_owned();
    assert_eq!(rung.key_of("Approve"), None, "approval needs the page");
    stage.bus.click(rung.id, &deny, || desk.page.shows("[data-phase=ended]"));
    desk.wait_ended("Denied on your phone");
    firefox.open(&stage.product.page("/authenticator"));
    firefox.wait_phase("home");
    desk.again();
}

fn revoked_while_asked(stage: &Stage, phone: &Handset<'_, Firefox>, anna: &Person) {
    assert!(phone.read().contains(&anna.display_name));
    let device = stage.product.device_of("anna");
    stage.product.nod(&["device", "revoke", device["id"].as_str().unwrap()]);
    phone.wait_outcome("This phone was removed");
    assert!(!phone.screen.shows("#approve"), "there is nothing left to press");
    phone.done();
    phone.screen.click("#nav-accounts");
    let listed = phone.screen.wait_text(&format!("[data-device=\"{}\"]", device["id"].as_str().unwrap()), "removed");
    assert!(listed.contains(&anna.display_name), "{listed}");
}

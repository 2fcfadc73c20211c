//! Chromium is the phone: every screen of the app is looked at, the keyboard is enough, the notification can deny.

use super::desk::Desk;
use super::look;
use super::ringing::Ringing;
use super::screen::Screen;
use super::stage::{Person, Stage};
use super::typed_code;
use nod_e2e::page::Page;
use nod_e2e::skip;
use nod_e2e::tools::{CHROMIUM, DBUS, NGINX};
use serde_json::{Value, json};

/// Presses of the Tab key that lead through any page of ours.
const MANY_TABS: usize = 40;

#[test]
fn chromium_is_the_phone() {
    if !skip::have(&[CHROMIUM, DBUS, NGINX]) {
        return;
    }
    let mut stage = Stage::set();
    let phone = Ringing::new(&stage);
    let desk = Desk::new(&stage.chromium);
    let carol = every_step_of_enrolment(&stage, &desk, &phone);
    approved_by_keyboard(&stage, &desk, &phone, &carol);
    denied_from_the_notification(&stage, &desk, &phone, &carol);
    let second = several_wait(&stage, &desk, &phone, &carol);
    cancelled_on_the_computer(&stage, &desk, &phone, &carol);
    typed_code::typed_while_the_phone_is_asked(&stage, &notes(&stage), &desk, &phone.handset(), &carol);
    answers_and_accounts(&phone);
    adds_a_phone(&stage, &second);
    pages_that_end_early(&stage, &carol, &phone.page.credentials()[0]);
    let page = phone.page;
    opens_without_a_server(&mut stage, &page);
    removes_itself(&stage, &page);
}

/// The address that people open.
fn notes(stage: &Stage) -> String {
    stage.site.page("/notes")
}

fn every_step_of_enrolment(stage: &Stage, desk: &Desk, phone: &Ringing<'_>) -> Person {
    let (computer, app) = (&desk.page, &phone.page);
    looks_right_on_each_platform(stage, app);
    let carol = stage.invite("carol");
    computer.open(&carol.link);
    computer.wait_phase("choose_password");
    assert!(!computer.address().contains('#'), "the link's secret has left the address");
    look::at(computer, "enrol-password");
    computer.type_text("#password", "short");
    computer.click("#submit");
    computer.wait_for("#error");
    look::at_refusal(computer, "enrol-password-refused");
    computer.clear("#password");
    computer.type_text("#password", &carol.password);
    computer.click("#submit");
    computer.wait_phase("code");
    let code = computer.digits("#code");
    look::at(computer, "enrol-code");

    app.click("#have-code");
    look::at(app, "app-code");
    app.type_text("#code", &code);
    app.click("#submit");
    app.wait_for("#passkey");
    look::at(app, "app-passkey");
    computer.wait_phase("device");
    look::at(computer, "enrol-device");
    app.click("#passkey");
    app.wait_for("#notifications");
    look::at(app, "app-notifications");
    app.click("#notifications");
    let digits = app.digits("#confirmation");
    look::at(app, "app-confirm");
    computer.wait_phase("confirm");
    look::at(computer, "enrol-confirm");
    desk.confirm(&digits);
    computer.wait_phase("introduce");
    look::at(computer, "enrol-introduce");
    app.wait_text("h1", "This phone is ready");
    look::at(app, "app-ready");
    practises(phone);
    look::at(app, "app-home");
    desk.introduce(&app.credentials()[0]);
    look::at(computer, "enrol-done");
    carol
}

/// What the app says before it has an account depends on what it runs on.
fn looks_right_on_each_platform(stage: &Stage, app: &Page) {
    let agent = app.look("navigator.userAgent");
    for (name, system) in [
        ("iphone", "iPhone; CPU iPhone OS 18_5 like Mac OS X"),
        ("android", "Linux; Android 15; Pixel 9"),
        ("desktop", ""),
    ] {
        let other = format!("Mozilla/5.0 ({system}) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile Safari/605.1.15");
        let told = if system.is_empty() { agent.clone() } else { other.into() };
        app.call("Emulation.setUserAgentOverride", &json!({"userAgent": told}));
        app.open("about:blank");
        app.open(&stage.product.page("/authenticator#enrol=ABCD2345"));
        // A tab of Safari is no place for keys: the code waits there until it is typed in the app on the Home Screen.
        app.wait_phase(if name == "iphone" { "welcome" } else { "enrol" });
        let code = if name == "iphone" { app.digits("#your-code") } else { app.text("#code") };
        assert_eq!(code, "ABCD2345");
        assert!(!app.address().contains('#'), "the code has left the address");
        look::at(app, &format!("app-begin-{name}"));
    }
    app.open(&stage.product.page("/authenticator"));
    app.wait_phase("welcome");
    look::at(app, "app-welcome");
}

/// The last step of setting up: a test push, and an approval that opens nothing.
fn practises(phone: &Ringing<'_>) {
    let app = &phone.page;
    let pushed = phone.pushed();
    app.click("#self-test");
    phone.ring(pushed);
    app.wait_for("#practice-approve");
    look::at(app, "app-practice");
    app.click("#practice-approve");
    app.wait_text("h1", "That is how you approve");
    look::at(app, "app-practised");
    app.click("#done");
    app.wait_phase("home");
    tests_itself(phone);
}

fn tests_itself(phone: &Ringing<'_>) {
    let pushed = phone.pushed();
    phone.page.click("#nav-accounts");
    phone.page.click("#self-test");
    phone.ring(pushed);
    phone.page.wait_text("[data-self-test]", "Notifications work");
    look::at(&phone.page, "app-self-test");
    phone.page.click("#back");
    phone.page.wait_phase("home");
}

/// Moves the focus with Tab until it is on the element.
#[track_caller]
fn tab_to(page: &Page, css: &str) {
    let focused = format!("document.activeElement.matches({css:?})");
    for _ in 0..MANY_TABS {
        if page.look(&focused) == true {
            return;
        }
        page.press("Tab");
    }
    panic!("the focus does not come to `{css}`");
}

fn approved_by_keyboard(stage: &Stage, desk: &Desk, phone: &Ringing<'_>, carol: &Person) {
    let (computer, pushed) = (&desk.page, phone.pushed());
    computer.open(&notes(stage));
    computer.wait_for("#username");
    look::at(computer, "sign-in");
    tab_to(computer, "#username");
    carol.name.chars().for_each(|letter| computer.press(&letter.to_string()));
    tab_to(computer, "#password");
    carol.password.chars().for_each(|letter| computer.press(&letter.to_string()));
    computer.press("Enter");
    computer.wait_phase("waiting");
    phone.ring(pushed);
    let request = phone.handset().read();
    assert!(request.contains("Wiki") && request.contains("127.0.0.1"), "{request}");
    look::at(&phone.page, "app-request");
    desk.wait_step("opened");
    look::at(computer, "sign-in-waiting");
    computer.reload();
    computer.wait_phase("waiting");
    tab_to(&phone.page, "#approve");
    phone.page.press("Enter");
    phone.handset().wait_outcome("Approved");
    look::at(&phone.page, "app-approved");
    desk.wait_inside("/notes", carol);
    phone.handset().done();
}

/// The worker signs the denial by itself; the app is closed.
fn denied_from_the_notification(stage: &Stage, desk: &Desk, phone: &Ringing<'_>, carol: &Person) {
    let pushed = phone.pushed();
    phone.page.open("about:blank");
    desk.ask_again(&notes(stage), carol);
    let rung = phone.ring(pushed);
    let deny = rung.key_of("Deny").expect("the notification can deny").to_owned();
    assert_eq!(rung.key_of("Approve"), None, "approval needs the page");
    stage.bus.click(rung.id, &deny, || desk.page.shows("[data-phase=ended]"));
    desk.wait_ended("Denied on your phone");
    look::at(&desk.page, "sign-in-denied");
    stage.bus.wait_shown(0, |shown| shown.summary.contains("Denied"));
}

/// Two computers of one person ask at once, the second one introduced by the administrator's link.
fn several_wait(stage: &Stage, desk: &Desk, phone: &Ringing<'_>, carol: &Person) -> Desk {
    let second = introduced_by_link(stage, carol);
    desk.again();
    second.page.click("#next");
    second.give_password(carol);
    second.page.wait_phase("waiting");
    look::at(&second.page, "sign-in-number");
    phone.page.open(&stage.product.page("/authenticator"));
    phone.page.wait_for("#requests");
    look::at(&phone.page, "app-several");
    phone.page.click("#requests [data-request]");
    let first = phone.handset().read();
    look::at(&phone.page, "app-number");
    phone.page.click("#approve");
    phone.page.wait_text("#error", "Type the six digits first");
    let (number, waiting) = if first.contains("Wiki") { (desk.number(), &second) } else { (second.number(), desk) };
    phone.handset().approve_with(&number, "Approved");
    phone.handset().done();
    phone.handset().approve_with(&waiting.number(), "Approved");
    phone.handset().done();
    desk.wait_inside("/notes", carol);
    second.page.wait_address("/portal");
    second
}

fn introduced_by_link(stage: &Stage, carol: &Person) -> Desk {
    let second = Desk::new(&stage.chromium);
    let made = stage.product.nod(&["browser", "introduce", &carol.name]);
    second.page.open(made["link"].as_str().unwrap());
    second.page.wait_phase("form");
    look::at(&second.page, "introduce-link");
    second.page.type_text("#username", &carol.name);
    second.page.type_text("#password", &carol.password);
    second.page.click("#submit");
    second.page.wait_phase("done");
    look::at(&second.page, "introduce-done");
    second
}

fn cancelled_on_the_computer(stage: &Stage, desk: &Desk, phone: &Ringing<'_>, carol: &Person) {
    desk.ask_again(&notes(stage), carol);
    phone.handset().read();
    desk.page.click("#other-way");
    desk.page.wait_text("h1", "Use a passkey");
    look::at(&desk.page, "sign-in-other-way");
    desk.page.click("#back");
    desk.page.click("#cancel");
    desk.wait_ended("Cancelled");
    phone.handset().wait_outcome("Already answered");
    look::at(&phone.page, "app-overtaken");
    phone.handset().done();
}

fn answers_and_accounts(phone: &Ringing<'_>) {
    let app = &phone.page;
    app.click("#nav-history");
    app.wait_for("#answers [data-decision=approve]");
    assert_eq!(app.look("document.querySelectorAll('#answers [data-decision]').length"), 4);
    assert!(app.shows("#answers [data-decision=deny]"));
    look::at(app, "app-answers");
    app.click("#back");
    app.click("#nav-accounts");
    app.wait_for("#accounts [data-state=active]");
    look::at(app, "app-accounts");
    app.click("#back");
    app.wait_phase("home");
}

/// From the portal, in the second computer.
fn adds_a_phone(stage: &Stage, desk: &Desk) {
    let page = &desk.page;
    page.open(&stage.product.page("/portal"));
    page.click("#add-phone");
    page.wait_phase("code");
    page.digits("#code");
    page.open(&stage.product.page("/portal"));
    page.click("#sign-out");
    page.wait_for("#username");
}

/// A stranger with the password, a used link, somebody else's computer, an account without a phone, no JavaScript.
fn pages_that_end_early(stage: &Stage, carol: &Person, passkey: &Value) {
    let desk = Desk::new(&stage.chromium);
    let page = &desk.page;
    page.open(&carol.link);
    page.wait_text("main", "Links work once");
    look::at_refusal(page, "enrol-used-link");
    page.open(&stage.product.page("/enrol"));
    page.wait_text("h1", "Open your link again");
    look::at_refusal(page, "enrol-no-link");

    page.open(&stage.product.page("/sign-in"));
    page.type_text("#username", &carol.name);
    page.type_text("#password", "not the password at all");
    page.click("#submit");
    page.wait_text("#error", "not right");
    look::at_refusal(page, "sign-in-refused");
    page.clear("#username");
    desk.give_password(carol);
    page.wait_phase("introduce");
    look::at(page, "sign-in-introduce");
    page.click("#not-my-computer");
    desk.hold_phone_near(passkey);
    page.click("#passkey");
    page.wait_address("/portal");
    assert_eq!(stage.product.bound_browsers(&carol.name), 2, "a computer that is not hers is not kept");
    page.click("#sign-out");

    let dora = stage.invite("dora");
    let enrolling = Desk::new(&stage.chromium);
    enrolling.open_link(&dora);
    desk.give_password(&dora);
    page.wait_phase("locked");
    look::at(page, "sign-in-locked");
    page.set_scripts(false);
    page.open(&stage.product.page("/authenticator"));
    page.wait_text("noscript", "JavaScript is needed");
}

/// The server is down: the app opens all the same, says so, and goes on when it is back.
fn opens_without_a_server(stage: &mut Stage, app: &Page) {
    stage.product.crash();
    app.reload();
    app.wait_text("h1", "Nod cannot look for sign-ins now");
    app.wait_text("main", "The server cannot be reached");
    look::at_outage(app, "app-offline");
    stage.product.serve();
    app.click("#again");
    app.wait_text("h1", "Nothing is waiting");
}

fn removes_itself(stage: &Stage, app: &Page) {
    app.click("#nav-accounts");
    app.click("#remove");
    app.click("#remove-confirm");
    app.wait_phase("welcome");
    let listed = stage.product.nod(&["device", "list", "carol"]);
    assert_eq!(listed[0]["state"], "revoked", "{listed}");
}

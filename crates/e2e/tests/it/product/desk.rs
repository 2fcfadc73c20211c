//! A person's computer: sign-in and enrolment pages in a Chromium of its own cookies.

use super::screen::Screen;
use super::stage::Person;
use nod_e2e::chromium::Chromium;
use nod_e2e::page::Page;
use nod_e2e::process::{PATIENCE, until};
use serde_json::Value;

/// A browser that nobody has used yet.
pub(crate) struct Desk {
    pub(crate) page: Page,
}

impl Desk {
    pub(crate) fn new(browser: &Chromium) -> Self {
        let page = browser.open_in(Some(&browser.new_context()), "about:blank");
        Self { page }
    }

    /// Opens the administrator's link, chooses the password, and gives the code for the phone.
    #[track_caller]
    pub(crate) fn open_link(&self, person: &Person) -> String {
        self.page.open(&person.link);
        self.page.wait_phase("choose_password");
        self.page.type_text("#password", &person.password);
        self.page.click("#submit");
        self.page.wait_phase("code");
        self.page.digits("#code")
    }

    /// The person types the digits that the phone shows.
    #[track_caller]
    pub(crate) fn confirm(&self, on_the_phone: &str) {
        self.page.wait_phase("confirm");
        self.page.type_text("#confirmation", on_the_phone);
        self.page.click("#confirm-yes");
    }

    /// The last step of an enrolment: this computer is the person's own. The passkey is on the phone.
    #[track_caller]
    pub(crate) fn introduce(&self, passkey: &Value) {
        self.page.wait_phase("introduce");
        self.hold_phone_near(passkey);
        self.page.click("#passkey");
        self.page.wait_phase("done");
    }

    /// Plays the phone as a cross-device authenticator (QR code and Bluetooth): its passkey answers in this browser.
    pub(crate) fn hold_phone_near(&self, passkey: &Value) {
        self.page.add_credential(passkey);
    }

    /// User name and password, on the sign-in page that is open.
    #[track_caller]
    pub(crate) fn give_password(&self, person: &Person) {
        self.page.wait_for("#username");
        self.page.type_text("#username", &person.name);
        self.page.type_text("#password", &person.password);
        self.page.click("#submit");
    }

    /// Opens an address that needs a sign-in and gives the password; the phone is asked.
    #[track_caller]
    pub(crate) fn ask(&self, address: &str, person: &Person) {
        self.page.open(address);
        self.give_password(person);
        self.page.wait_phase("waiting");
    }

    /// Waits for the protected page and checks for whom it opened.
    #[track_caller]
    pub(crate) fn wait_inside(&self, path: &str, person: &Person) {
        self.page.wait_text("#path", path);
        assert_eq!(self.page.text("#who"), format!("{} ({})", person.display_name, person.name));
    }

    /// The number to type on the phone.
    #[track_caller]
    pub(crate) fn number(&self) -> String {
        self.page.digits("#number")
    }

    /// "Try again" on the page of a sign-in that has ended.
    #[track_caller]
    pub(crate) fn again(&self) {
        self.page.click("#again");
        self.page.wait_phase("waiting");
    }

    /// Signs out, then asks the phone anew for the same app.
    #[track_caller]
    pub(crate) fn ask_again(&self, address: &str, person: &Person) {
        self.sign_out();
        self.ask(address, person);
    }

    /// Waits until the sign-in has ended with this title.
    #[track_caller]
    pub(crate) fn wait_ended(&self, title: &str) {
        self.page.wait_phase("ended");
        self.page.wait_text("h1", title);
    }

    /// Waits until the waiting page knows that a step has been reached.
    #[track_caller]
    pub(crate) fn wait_step(&self, step: &str) {
        let css = format!("[data-step={step}][data-done=true]");
        until(&format!("the step `{step}` on the waiting page"), PATIENCE, || self.page.shows(&css).then_some(()));
    }

    /// Signs out at the app, and so at Nod and all apps.
    #[track_caller]
    pub(crate) fn sign_out(&self) {
        self.page.click("#out");
        self.page.wait_text("h1", "Sign out?");
        self.page.click("button");
        self.page.wait_text("h1", "Signed out");
    }
}

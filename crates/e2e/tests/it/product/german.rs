//! The pages in German: by the browser's language and by the person's choice, at 320 px too, where German words are long.

use super::codes::enrolled;
use super::desk::Desk;
use super::handset::Handset;
use super::look;
use super::screen::Screen;
use nod_e2e::chromium::{self, Chromium};
use nod_e2e::page::Page;
use nod_e2e::product::Product;
use nod_e2e::skip;
use nod_e2e::tools::CHROMIUM;
use serde_json::json;

/// What the browser says that the person reads.
fn reads(page: &Page, languages: &str) {
    let agent = page.look("navigator.userAgent");
    page.call("Emulation.setUserAgentOverride", &json!({"userAgent": agent, "acceptLanguage": languages}));
}

/// Chooses in the list of languages; the page then loads again.
fn choose(page: &Page, language: &str) {
    page.wait_for("#language");
    page.evaluate(&format!(
        "(() => {{ const field = document.querySelector('#language'); field.value = {};
           field.dispatchEvent(new Event('change')); }})()",
        json!(language)
    ));
    page.wait_for(&format!("html[lang={language}] h1"));
}

#[test]
fn pages_and_app_speak_german() {
    if !skip::have(&[CHROMIUM]) {
        return;
    }
    let product = Product::start();
    let browser = Chromium::start(chromium::Settings::default());
    let phone = browser.open(&product.page("/authenticator"));
    phone.wait_phase("welcome");
    let (desk, mia) = enrolled(&product, &browser, &phone, "mia");
    desk.introduce(&phone.credentials()[0]);

    // The app: by choice, since its pages come through its worker, which the browser's own setting alone tells a language.
    phone.click("#nav-accounts");
    choose(&phone, "de");
    phone.wait_text("h1", "Nichts wartet");
    look::at(&phone, "de-home");
    phone.click("#nav-accounts");
    phone.wait_for("#remove");
    look::at(&phone, "de-accounts");
    phone.click("#nav-history");
    phone.wait_text("#answers", "noch keine Anmeldung");
    phone.click("#nav-home");

    a_sign_in(&product, &phone, &desk, &mia);
    the_portal(&product, &phone, &desk, &mia);
    an_enrolment(&product, &browser);
}

fn a_sign_in(product: &Product, phone: &Page, desk: &Desk, mia: &super::stage::Person) {
    reads(&desk.page, "de-AT,en;q=0.5");
    desk.page.open(&product.page("/sign-in"));
    look::at(&desk.page, "de-sign-in");
    desk.page.type_text("#username", "mia");
    desk.page.type_text("#password", "not the password of mia");
    desk.page.click("#submit");
    desk.page.wait_text("#error", "Benutzername oder Passwort stimmt nicht.");
    look::at_refusal(&desk.page, "de-sign-in-refused");
    desk.ask(&product.page("/sign-in"), mia);
    desk.page.wait_text("h1", "Sehen Sie auf Ihr Telefon");
    look::at(&desk.page, "de-sign-in-waiting");
    let handset = Handset { screen: phone };
    assert!(handset.read().contains("jetzt"));
    look::at(phone, "de-request");
    handset.answer("deny", "Abgelehnt");
    desk.wait_ended("Am Telefon abgelehnt");
    look::at(&desk.page, "de-sign-in-denied");
    handset.done();
}

/// The portal, after a number was typed on the phone; then the person's choice, which counts more than what the browser asks for.
fn the_portal(product: &Product, phone: &Page, desk: &Desk, mia: &super::stage::Person) {
    desk.ask(&product.page("/portal"), mia);
    Handset { screen: phone }.approve_with(&desk.number(), "Bestätigt");
    desk.page.wait_phase("account");
    desk.page.wait_text("#events", "Sie haben eine Anmeldung");
    look::at(&desk.page, "de-portal");
    choose(&desk.page, "en");
    desk.page.reload();
    desk.page.wait_text("#events", "You denied a sign-in");
}

fn an_enrolment(product: &Product, browser: &Chromium) {
    let desk = Desk::new(browser);
    reads(&desk.page, "de");
    desk.page.open(&product.invite("jo", "Jo Berg"));
    desk.page.wait_text("h1", "Wählen Sie ein Passwort");
    desk.page.type_text("#password", "jo likes ripe plums in June");
    desk.page.click("#submit");
    desk.page.wait_phase("code");
    desk.page.digits("#code");
    look::at(&desk.page, "de-enrol-code");
}

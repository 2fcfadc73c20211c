//! A one-time code, typed while the phone is asked.

use super::desk::Desk;
use super::handset::Handset;
use super::look;
use super::screen::Screen;
use super::stage::{Person, Stage};
use nod_core::Timestamp;
use nod_core::oath::{Algorithm, code, step_of};
use nod_e2e::page::Page;
use serde_json::Value;

/// What an authenticator app shows now for a token of the usual shape.
fn shown_now(token: &Value, clock: &Page) -> String {
    let secret = nod_engine::read_secret(token["secret"].as_str().unwrap()).unwrap();
    let now = clock.look("Date.now()").as_i64().unwrap();
    code(Algorithm::Sha1, &secret, step_of(Timestamp(now), 30), 6)
}

/// The phone is asked and open; the person types a code instead, after a slip. The phone is told that it is too late.
pub(crate) fn typed_while_the_phone_is_asked(
    stage: &Stage,
    address: &str,
    desk: &Desk,
    phone: &Handset<'_, Page>,
    person: &Person,
) {
    let token = stage.product.nod(&["user", "code", "add", &person.name, "--active"]);
    let page = &desk.page;
    desk.ask(address, person);
    phone.read();
    page.click("#type-code");
    page.wait_phase("code");
    look::at(page, "sign-in-code");
    page.click("#back");
    page.wait_phase("waiting");
    page.click("#type-code");
    page.type_text("#code", "000 000");
    page.click("#submit");
    page.wait_text("#error", "This code is not right");
    look::at_refusal(page, "sign-in-code-refused");
    page.type_text("#code", &shown_now(&token, page));
    page.click("#submit");
    phone.wait_outcome("Already answered");
    desk.wait_inside("/notes", person);
    phone.done();
    assert!(stage.product.has_event("code_refused", &person.display_name));
    let id = token["id"].as_str().unwrap();
    stage.product.nod(&["user", "code", "rename", &person.name, id, "Phone app"]);
}

//! Recovery codes in a browser: seen once, used where nobody is known, stopped on the phone.

use super::desk::Desk;
use super::look;
use super::ringing::Ringing;
use super::screen::Screen;
use super::stage::{Person, Stage};
use nod_e2e::page::Page;

/// In the portal of a fresh sign-in. It is left as it was, without codes.
pub(crate) fn made_used_elsewhere_and_stopped(stage: &Stage, page: &Page, phone: &Ringing<'_>, person: &Person) {
    page.click("#make-codes");
    page.wait_phase("recovery");
    look::at(page, "portal-recovery-codes");
    let code = page.text("#codes li:first-child");
    page.click("#codes-done");
    page.wait_for("[data-left='10']");

    let other = Desk::new(&stage.chromium);
    other.page.open(&stage.product.page("/portal"));
    other.give_password(person);
    other.page.wait_phase("introduce");
    other.page.click("#recover");
    other.page.wait_phase("recover");
    look::at(&other.page, "sign-in-recover");
    other.page.type_text("#recovery-code", "AAAA-BBBB");
    other.page.click("#submit");
    other.page.wait_text("#error", "This code is not right");
    look::at_refusal(&other.page, "sign-in-recover-refused");
    other.page.clear("#recovery-code");
    other.page.type_text("#recovery-code", &code);
    other.page.click("#submit");
    other.page.wait_address("/enrol");
    other.page.wait_for("#will-be-held");
    look::at(&other.page, "enrol-will-be-held");

    page.reload();
    page.wait_for("#cancel-recovery");
    look::at(page, "portal-recovery-open");
    phone.page.click("#nav-history");
    phone.page.wait_for("[data-notice=recovery_used] #cancel-recovery");
    look::at(&phone.page, "app-recovery-used");
    phone.page.click("#cancel-recovery");
    phone.page.wait_for("#cancelled");
    look::at(&phone.page, "app-recovery-stopped");
    phone.page.click("#back");
    other.page.wait_phase("ended");
    page.reload();
    page.wait_text("#events [data-kind=recovery_cancelled]", "this wasn’t me");
    page.wait_for("[data-left='0']");
    look::at(page, "portal-recovery-stopped");
}

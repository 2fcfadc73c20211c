//! What a person can do with a page, in either browser.

use nod_e2e::firefox::Firefox;
use nod_e2e::page::Page;
use nod_e2e::process::{PATIENCE, until};
use serde_json::{Value, json};

/// A page in front of a person.
pub(crate) trait Screen {
    fn open(&self, address: &str);
    fn wait_for(&self, css: &str);
    fn wait_text(&self, css: &str, part: &str) -> String;
    fn click(&self, css: &str);
    fn type_text(&self, css: &str, text: &str);
    fn clear(&self, css: &str);
    fn shows(&self, css: &str) -> bool;
    fn text(&self, css: &str) -> String;
    /// Value of an expression; `null` while the page is being replaced.
    fn look(&self, expression: &str) -> Value;

    /// Waits for a screen of a page with a script (`data-phase`).
    #[track_caller]
    fn wait_phase(&self, name: &str) {
        let mut last = Value::Null;
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until(&format!("the screen `{name}`"), PATIENCE, || {
                last = self.look("document.querySelector('#phase')?.dataset.phase ?? null");
                (last == name).then_some(())
            });
        }));
        assert!(found.is_ok(), "the screen `{name}` does not come; there is `{last}`: {}", self.text("main"));
    }

    /// Digits or a code as shown, without the gaps.
    #[track_caller]
    fn digits(&self, css: &str) -> String {
        self.wait_for(css);
        let value = self.look(&format!("document.querySelector({}).dataset.value", json!(css)));
        value.as_str().unwrap_or_else(|| panic!("`{css}` shows nothing")).to_owned()
    }
}

impl Screen for Page {
    fn open(&self, address: &str) {
        self.navigate(address);
    }
    fn wait_for(&self, css: &str) {
        Page::wait_for(self, css);
    }
    fn wait_text(&self, css: &str, part: &str) -> String {
        Page::wait_text(self, css, part)
    }
    fn click(&self, css: &str) {
        Page::click(self, css);
    }
    fn type_text(&self, css: &str, text: &str) {
        Page::type_text(self, css, text);
    }
    fn clear(&self, css: &str) {
        Page::clear(self, css);
    }
    fn shows(&self, css: &str) -> bool {
        Page::shows(self, css)
    }
    fn text(&self, css: &str) -> String {
        Page::text(self, css)
    }
    fn look(&self, expression: &str) -> Value {
        self.try_evaluate(expression).unwrap_or_default()
    }
}

impl Screen for Firefox {
    fn open(&self, address: &str) {
        self.navigate(address);
    }
    fn wait_for(&self, css: &str) {
        Firefox::wait_for(self, css);
    }
    fn wait_text(&self, css: &str, part: &str) -> String {
        Firefox::wait_text(self, css, part)
    }
    fn click(&self, css: &str) {
        Firefox::click(self, css);
    }
    fn type_text(&self, css: &str, text: &str) {
        Firefox::type_text(self, css, text);
    }
    fn clear(&self, css: &str) {
        Firefox::clear(self, css);
    }
    fn shows(&self, css: &str) -> bool {
        Firefox::shows(self, css)
    }
    fn text(&self, css: &str) -> String {
        Firefox::text(self, css)
    }
    fn look(&self, expression: &str) -> Value {
        let parameters = json!({"script": format!("return {expression}"), "args": [], "sandbox": null});
        self.try_call("WebDriver:ExecuteScript", &parameters).map(|found| found["value"].clone()).unwrap_or_default()
    }
}

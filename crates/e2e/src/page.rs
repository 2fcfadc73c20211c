//! A page in Chromium, used as a person would: real mouse and key events, and looking.

use crate::cdp::{Attached, Cdp};
use crate::process::{PATIENCE, until};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::path::Path;

/// Finds an element, brings it into view and tells its middle, or why it cannot be clicked.
const LOCATE: &str = "(css => {
  const element = document.querySelector(css);
  if (!element) return {why: 'not there'};
  element.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
  const box = element.getBoundingClientRect();
  if (box.width === 0 || box.height === 0) return {why: 'not visible'};
  if (element.disabled) return {why: 'disabled'};
  const x = box.left + box.width / 2, y = box.top + box.height / 2;
  const top = document.elementFromPoint(x, y);
  const own = top && (element.contains(top) || top.contains(element) || element.labels && [...element.labels].some(l => l.contains(top)));
  return own ? {x, y} : {why: 'covered by ' + (top ? top.outerHTML.slice(0, 80) : 'nothing')};
})";

/// A page; closing it is up to the test or the end of the browser.
#[derive(Debug, Clone)]
pub struct Page {
    cdp: Cdp,
    attached: Attached,
}

impl Page {
    pub(crate) fn new(cdp: Cdp, attached: Attached) -> Self {
        Self { cdp, attached }
    }

    pub(crate) fn is_target(&self, target: &str) -> bool {
        self.attached.target == target
    }

    /// One DevTools call in this page.
    #[track_caller]
    pub fn call(&self, method: &str, parameters: &Value) -> Value {
        self.cdp.call(&self.attached.session, method, parameters)
    }

    /// Opens an address and waits for its `load` event.
    ///
    /// # Panics
    /// When the address cannot be loaded.
    #[track_caller]
    pub fn navigate(&self, address: &str) {
        let result = self.call("Page.navigate", &json!({"url": address}));
        assert!(result["errorText"].is_null(), "cannot open {address}: {}", result["errorText"]);
        self.wait_loaded();
    }

    /// Loads the page again and waits for it.
    #[track_caller]
    pub fn reload(&self) {
        self.evaluate("window.nodStale = true");
        self.call("Page.reload", &json!({}));
        until("the page loaded again", PATIENCE, || {
            (self.try_evaluate("!window.nodStale && document.readyState === 'complete'") == Ok(json!(true)))
                .then_some(())
        });
    }

    /// Waits until the document is complete.
    #[track_caller]
    pub fn wait_loaded(&self) {
        until("a loaded page in Chromium", PATIENCE, || {
            (self.try_evaluate("document.readyState === 'complete'") == Ok(json!(true))).then_some(())
        });
    }

    /// The current address.
    #[track_caller]
    pub fn address(&self) -> String {
        self.evaluate("location.href").as_str().unwrap_or_default().to_owned()
    }

    /// Value of an expression (a promise is awaited).
    ///
    /// # Panics
    /// When it throws.
    #[track_caller]
    pub fn evaluate(&self, expression: &str) -> Value {
        match self.try_evaluate(expression) {
            Ok(value) => value,
            Err(error) => panic!("script threw {error}: {expression}"),
        }
    }

    /// Value of an expression, without a user gesture.
    ///
    /// # Errors
    /// The exception, or that the page went away meanwhile.
    pub fn try_evaluate(&self, expression: &str) -> Result<Value, String> {
        let parameters = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let result = self.cdp.try_call(&self.attached.session, "Runtime.evaluate", &parameters)?;
        match &result["exceptionDetails"] {
            Value::Null => Ok(result["result"]["value"].clone()),
            details => Err(details["exception"]["description"].as_str().unwrap_or("an exception").to_owned()),
        }
    }

    /// Whether such an element is there and visible now.
    #[must_use]
    pub fn shows(&self, css: &str) -> bool {
        let look = format!("[...document.querySelectorAll({})].some(e => e.checkVisibility())", json!(css));
        self.try_evaluate(&look) == Ok(json!(true))
    }

    /// Waits for a visible element.
    #[track_caller]
    pub fn wait_for(&self, css: &str) {
        until(&format!("a visible `{css}` in Chromium"), PATIENCE, || self.shows(css).then_some(()));
    }

    /// Waits until no such element is visible.
    #[track_caller]
    pub fn wait_gone(&self, css: &str) {
        until(&format!("`{css}` gone in Chromium"), PATIENCE, || (!self.shows(css)).then_some(()));
    }

    /// Waits until the text of an element contains `part`, and gives the whole text.
    #[track_caller]
    pub fn wait_text(&self, css: &str, part: &str) -> String {
        until(&format!("the text `{part}` in `{css}` in Chromium"), PATIENCE, || {
            self.find_text(css).filter(|text| text.contains(part))
        })
    }

    /// Waits until the address contains `part`, and gives it.
    #[track_caller]
    pub fn wait_address(&self, part: &str) -> String {
        until(&format!("an address with `{part}` in Chromium"), PATIENCE, || {
            let address = self.try_evaluate("location.href").ok()?;
            address.as_str().filter(|address| address.contains(part)).map(str::to_owned)
        })
    }

    /// The rendered text of an element, or a field's value.
    ///
    /// # Panics
    /// When there is no such element.
    #[track_caller]
    pub fn text(&self, css: &str) -> String {
        self.find_text(css).unwrap_or_else(|| panic!("there is no `{css}`"))
    }

    fn find_text(&self, css: &str) -> Option<String> {
        let look = format!(
            "(e => e && ('value' in e && e.type !== 'submit' && e.tagName !== 'BUTTON' && e.tagName !== 'LI' ? e.value : e.innerText))(document.querySelector({}))",
            json!(css)
        );
        self.try_evaluate(&look).ok()?.as_str().map(str::to_owned)
    }

    /// Clicks an element with the mouse; it must be visible, enabled and not covered.
    #[track_caller]
    pub fn click(&self, css: &str) {
        let mut why = String::new();
        let look = format!("{LOCATE}({})", json!(css));
        let end = std::time::Instant::now() + PATIENCE;
        let place = loop {
            match self.try_evaluate(&look) {
                Ok(place) if place["why"].is_null() => break place,
                Ok(place) => place["why"].as_str().unwrap_or_default().clone_into(&mut why),
                Err(error) => why = error,
            }
            assert!(std::time::Instant::now() < end, "`{css}` cannot be clicked in Chromium: {why}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
            let event = json!({
                "type": kind, "x": place["x"], "y": place["y"], "buttons": buttons, "clickCount": 1,
                "button": if kind == "mouseMoved" { "none" } else { "left" }});
            self.call("Input.dispatchMouseEvent", &event);
        }
    }

    /// Clicks into a field and types, key by key, after what is there.
    #[track_caller]
    pub fn type_text(&self, css: &str, text: &str) {
        self.click(css);
        for letter in text.chars() {
            self.press(&letter.to_string());
        }
    }

    /// Empties a field by selecting all and deleting.
    #[track_caller]
    pub fn clear(&self, css: &str) {
        self.click(css);
        self.evaluate("document.activeElement.select()");
        self.press("Delete");
    }

    /// Presses one key where the focus is: a letter, or `Enter`, `Tab`, `Escape`, `Delete`, `ArrowDown`, ` `.
    #[track_caller]
    pub fn press(&self, key: &str) {
        let (code, text) = match key {
            "Enter" => (13, "\r"),
            "Tab" => (9, ""),
            "Escape" => (27, ""),
            "Delete" => (46, ""),
            "ArrowUp" => (38, ""),
            "ArrowDown" => (40, ""),
            " " => (32, " "),
            letter => (0, letter),
        };
        let down = if text.is_empty() { "rawKeyDown" } else { "keyDown" };
        for kind in [down, "keyUp"] {
            let mut event = json!({"type": kind, "key": key, "windowsVirtualKeyCode": code});
            if code > 32 || (code > 0 && code != 32) {
                event["code"] = json!(key);
            }
            if kind == "keyDown" {
                event["text"] = json!(text);
            }
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// Screen of this many CSS pixels, as on a phone when `mobile`.
    #[track_caller]
    pub fn set_screen(&self, width: u32, height: u32, mobile: bool) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile});
        self.call("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Whether the system prefers dark colours.
    #[track_caller]
    pub fn set_dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        self.call(
            "Emulation.setEmulatedMedia",
            &json!({"features": [{"name": "prefers-color-scheme", "value": value}]}),
        );
    }

    /// Whether scripts run after the next load.
    #[track_caller]
    pub fn set_scripts(&self, enabled: bool) {
        self.call("Emulation.setScriptExecutionDisabled", &json!({"value": !enabled}));
    }

    /// Cuts the network off, or gives it back, and waits until the page's own server is out of reach, or within it.
    ///
    /// Chromium answers the call before its network process has heard of it, so a request made at once may still pass.
    ///
    /// # Panics
    /// When it does not come to that.
    #[track_caller]
    pub fn set_offline(&self, offline: bool) {
        self.call("Network.enable", &json!({}));
        let conditions = json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.call("Network.emulateNetworkConditions", &conditions);
        let reached = "fetch(location.href, {cache: 'no-store'}).then(() => true, () => false)";
        until("the network as it was set in Chromium", PATIENCE, || {
            (self.try_evaluate(reached) == Ok(json!(!offline))).then_some(())
        });
    }

    /// Runs a script in each document of this page before its own scripts.
    #[track_caller]
    pub fn before_each_document(&self, script: &str) {
        self.call("Page.enable", &json!({}));
        self.call("Page.addScriptToEvaluateOnNewDocument", &json!({"source": script}));
    }

    /// Writes a PNG of what the page shows.
    ///
    /// # Panics
    /// When the file cannot be written.
    #[track_caller]
    pub fn screenshot(&self, file: &Path) {
        let shot = self.call("Page.captureScreenshot", &json!({"format": "png"}));
        std::fs::write(file, STANDARD.decode(shot["data"].as_str().unwrap()).unwrap()).unwrap();
    }

    /// Cookies that go to this address, `HttpOnly` ones too.
    #[track_caller]
    pub fn cookies(&self, address: &str) -> Vec<Value> {
        let found = self.call("Network.getCookies", &json!({"urls": [address]}));
        found["cookies"].as_array().cloned().unwrap_or_default()
    }

    /// Sets a cookie; the fields are those of `Network.setCookie` (a value from [`Self::cookies`] with `url` added fits).
    ///
    /// # Panics
    /// When Chromium refuses it.
    #[track_caller]
    pub fn set_cookie(&self, cookie: &Value) {
        assert_eq!(self.call("Network.setCookie", cookie)["success"], true, "Chromium refuses the cookie {cookie}");
    }

    /// Passkeys of this page's authenticator.
    ///
    /// # Panics
    /// When the page has none.
    #[track_caller]
    pub fn credentials(&self) -> Vec<Value> {
        let id = self.attached.authenticator().expect("the page has an authenticator");
        let found = self.call("WebAuthn.getCredentials", &json!({"authenticatorId": id}));
        found["credentials"].as_array().cloned().unwrap_or_default()
    }

    /// Puts a passkey (from [`Self::credentials`]) into this page's authenticator.
    ///
    /// # Panics
    /// When the page has none.
    #[track_caller]
    pub fn add_credential(&self, credential: &Value) {
        let id = self.attached.authenticator().expect("the page has an authenticator");
        self.call("WebAuthn.addCredential", &json!({"authenticatorId": id, "credential": credential}));
    }

    /// Fires a trusted `push` event with this data in the service worker of `origin` (no slash at the end).
    ///
    /// # Panics
    /// When no worker is registered there.
    #[track_caller]
    pub fn deliver_push(&self, origin: &str, data: &str) {
        self.call("ServiceWorker.enable", &json!({}));
        let registration = self.cdp.wait(PATIENCE, |state| {
            state.registrations.iter().find(|(scope, _)| scope.starts_with(origin)).map(|(_, id)| id.clone())
        });
        let registration = registration.expect("a service worker is registered");
        let message = json!({"origin": origin, "registrationId": registration, "data": data});
        self.call("ServiceWorker.deliverPushMessage", &message);
    }

    /// Script errors, failed requests and content refused by the policy in this page so far.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let state = self.cdp.state();
        let own = state.problems.iter().filter(|(session, _)| *session == self.attached.session);
        own.map(|(_, text)| text.clone()).collect()
    }

    /// The same, and forgets them: what is told next is new.
    #[must_use]
    pub fn take_problems(&self) -> Vec<String> {
        let mut state = self.cdp.state();
        let all = std::mem::take(&mut state.problems);
        let (own, others) = all.into_iter().partition(|(session, _)| *session == self.attached.session);
        state.problems = others;
        own.into_iter().map(|(_, text): (String, String)| text).collect()
    }

    /// Closes the page.
    pub fn close(self) {
        let _ = self.cdp.try_call("", "Target.closeTarget", &json!({"targetId": self.attached.target}));
    }
}

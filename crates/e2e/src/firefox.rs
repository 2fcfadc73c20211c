//! Firefox, started on a profile of its own and driven as a person would: find, click, type, look.

use crate::folder::Folder;
use crate::marionette::Marionette;
use crate::process::{PATIENCE, Process, free_port, until};
use crate::tools::FIREFOX;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

/// A cold start with a fresh profile takes 4 to 6 s of a free core.
const START_PATIENCE: Duration = Duration::from_secs(90);
/// Key under which WebDriver wraps an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// What Firefox is started with.
#[derive(Debug, Default, Clone)]
pub struct Settings {
    /// Address of the private message bus, for notifications.
    pub bus_address: Option<String>,
    /// WebSocket address of the push stub.
    pub push_server: Option<String>,
    /// Further preferences: name and value as written in `user.js`.
    pub preferences: Vec<(String, String)>,
}

/// A running Firefox; ended on drop.
#[derive(Debug)]
pub struct Firefox {
    // Field order is drop order: the process ends before its profile is removed.
    client: Mutex<Marionette>,
    process: Process,
    profile: Folder,
    settings: Settings,
    authenticator: Option<String>,
}

impl Firefox {
    /// Starts Firefox on a fresh profile and opens a session.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(settings: Settings) -> Self {
        let profile = Folder::new();
        let (process, client) = launch(profile.path(), &settings);
        Self { client: Mutex::new(client), process, profile, settings, authenticator: None }
    }

    /// Ends Firefox (cleanly or as a crash) and starts it again on the same profile. The virtual authenticator is gone.
    pub fn restart(&mut self, clean: bool) {
        self.stop(clean);
        self.start_again();
    }

    /// Ends Firefox; the profile stays for [`Self::start_again`].
    pub fn stop(&mut self, clean: bool) {
        if clean {
            let _ = self.try_call("Marionette:Quit", &json!({"flags": ["eForceQuit"]}));
            self.process.wait(PATIENCE);
        }
        self.process.kill();
        self.authenticator = None;
    }

    /// Starts Firefox on its profile again.
    pub fn start_again(&mut self) {
        let (process, client) = launch(self.profile.path(), &self.settings);
        self.process = process;
        self.client = Mutex::new(client);
    }

    /// One Marionette command.
    ///
    /// # Errors
    /// Firefox's own error object.
    ///
    /// # Panics
    /// When another thread panicked in a command.
    pub fn try_call(&self, command: &str, parameters: &Value) -> Result<Value, Value> {
        self.client.lock().unwrap().try_call(command, parameters)
    }

    /// One Marionette command that must succeed.
    ///
    /// # Panics
    /// When Firefox answers with an error.
    #[track_caller]
    pub fn call(&self, command: &str, parameters: &Value) -> Value {
        self.try_call(command, parameters).unwrap_or_else(|error| panic!("{command} {parameters}: {error}"))
    }

    /// Opens an address in the current window and waits for the load.
    #[track_caller]
    pub fn navigate(&self, address: &str) {
        self.call("WebDriver:Navigate", &json!({"url": address}));
    }

    /// Loads the page again.
    #[track_caller]
    pub fn reload(&self) {
        self.call("WebDriver:Refresh", &json!({}));
    }

    /// The current address.
    #[track_caller]
    pub fn address(&self) -> String {
        text_of(&self.call("WebDriver:GetCurrentURL", &json!({}))["value"])
    }

    /// Runs a function body in the page (it may `await`) and gives what it returns.
    ///
    /// # Panics
    /// When the script throws or takes longer than the patience of the harness.
    #[track_caller]
    pub fn evaluate(&self, body: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];
            (async () => {{ {body} }})().then(value => done({{value}}), error => done({{error: String(error)}}));"
        );
        let limit = u64::try_from(PATIENCE.as_millis()).unwrap();
        let parameters = json!({"script": script, "args": [], "scriptTimeout": limit, "sandbox": null});
        let result = self.call("WebDriver:ExecuteAsyncScript", &parameters)["value"].clone();
        assert!(result["error"].is_null(), "script threw {}: {body}", result["error"]);
        result["value"].clone()
    }

    /// Waits for a visible element and gives its id.
    #[track_caller]
    pub fn wait_for(&self, css: &str) -> String {
        until(&format!("a visible `{css}` in Firefox"), PATIENCE, || {
            let element = self.find(css)?;
            self.is_displayed(&element).then_some(element)
        })
    }

    /// Waits until the element's text contains `part`, and gives the whole text.
    #[track_caller]
    pub fn wait_text(&self, css: &str, part: &str) -> String {
        until(&format!("the text `{part}` in `{css}` in Firefox"), PATIENCE, || {
            self.find_text(css).filter(|text| text.contains(part))
        })
    }

    /// Waits until the address contains `part`, and gives it.
    #[track_caller]
    pub fn wait_address(&self, part: &str) -> String {
        until(&format!("an address with `{part}` in Firefox"), PATIENCE, || {
            Some(self.address()).filter(|address| address.contains(part))
        })
    }

    /// Clicks an element as a person would: it must be visible and not covered.
    #[track_caller]
    pub fn click(&self, css: &str) {
        let element = self.wait_for(css);
        self.call("WebDriver:ElementClick", &json!({"id": element}));
    }

    /// Types into an element, key by key, after what is there.
    #[track_caller]
    pub fn type_text(&self, css: &str, text: &str) {
        let element = self.wait_for(css);
        self.call("WebDriver:ElementSendKeys", &json!({"id": element, "text": text}));
    }

    /// Empties a field.
    #[track_caller]
    pub fn clear(&self, css: &str) {
        let element = self.wait_for(css);
        self.call("WebDriver:ElementClear", &json!({"id": element}));
    }

    /// The rendered text of a visible element.
    #[track_caller]
    pub fn text(&self, css: &str) -> String {
        let element = self.wait_for(css);
        text_of(&self.call("WebDriver:GetElementText", &json!({"id": element}))["value"])
    }

    /// Whether such an element is there and visible now.
    #[must_use]
    pub fn shows(&self, css: &str) -> bool {
        self.find(css).is_some_and(|element| self.is_displayed(&element))
    }

    fn find(&self, css: &str) -> Option<String> {
        let found = self.try_call("WebDriver:FindElement", &json!({"using": "css selector", "value": css})).ok()?;
        found["value"][ELEMENT].as_str().map(str::to_owned)
    }

    /// `None` also when the element went away between the two commands.
    fn find_text(&self, css: &str) -> Option<String> {
        let element = self.find(css)?;
        let text = self.try_call("WebDriver:GetElementText", &json!({"id": element})).ok()?;
        Some(text_of(&text["value"]))
    }

    fn is_displayed(&self, element: &str) -> bool {
        self.try_call("WebDriver:IsElementDisplayed", &json!({"id": element})).is_ok_and(|shown| shown["value"] == true)
    }

    /// Handles of all windows and tabs.
    #[track_caller]
    pub fn windows(&self) -> Vec<String> {
        let handles = self.call("WebDriver:GetWindowHandles", &json!({}));
        handles.as_array().unwrap().iter().map(text_of).collect()
    }

    /// The window in which commands act.
    #[track_caller]
    pub fn window(&self) -> String {
        text_of(&self.call("WebDriver:GetWindowHandle", &json!({}))["value"])
    }

    /// Makes another window the one in which commands act.
    #[track_caller]
    pub fn switch_to(&self, window: &str) {
        self.call("WebDriver:SwitchToWindow", &json!({"handle": window, "focus": true}));
    }

    /// Opens a new tab and acts in it.
    #[track_caller]
    pub fn open_tab(&self) -> String {
        let opened = self.call("WebDriver:NewWindow", &json!({"type": "tab", "focus": true}));
        let handle = text_of(&opened["handle"]);
        self.switch_to(&handle);
        handle
    }

    /// Waits for a window beyond those known, and acts in it.
    #[track_caller]
    pub fn wait_new_window(&self, known: &[String]) -> String {
        let new = until("a new window in Firefox", PATIENCE, || {
            self.windows().into_iter().find(|window| !known.contains(window))
        });
        self.switch_to(&new);
        new
    }

    /// Closes the current window and acts in another one.
    #[track_caller]
    pub fn close_window(&self) {
        let left = self.call("WebDriver:CloseWindow", &json!({}));
        if let Some(next) = left.as_array().and_then(|handles| handles.first()) {
            self.switch_to(&text_of(next));
        }
    }

    /// Outer size of the window in CSS pixels.
    #[track_caller]
    pub fn set_window_size(&self, width: u32, height: u32) {
        self.call("WebDriver:SetWindowRect", &json!({"width": width, "height": height}));
    }

    /// Writes a PNG of what the window shows.
    ///
    /// # Panics
    /// When the file cannot be written.
    #[track_caller]
    pub fn screenshot(&self, file: &Path) {
        let shot = self.call("WebDriver:TakeScreenshot", &json!({"full": false, "hash": false}));
        std::fs::write(file, STANDARD.decode(text_of(&shot["value"])).unwrap()).unwrap();
    }

    /// Cookies of the current page, `HttpOnly` ones too.
    #[track_caller]
    pub fn cookies(&self) -> Vec<Value> {
        self.call("WebDriver:GetCookies", &json!({})).as_array().cloned().unwrap_or_default()
    }

    /// Adds a platform authenticator with user verification; it serves every tab until Firefox ends.
    ///
    /// Firefox on Linux refuses `authenticatorAttachment: "platform"`; pages must not ask for it.
    #[track_caller]
    pub fn add_authenticator(&mut self) {
        let options = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
            "isUserConsenting": true, "isUserVerified": true});
        self.authenticator = Some(text_of(&self.call("WebAuthn:AddVirtualAuthenticator", &options)["value"]));
    }

    /// Whether the finger is accepted from now on.
    ///
    /// # Panics
    /// Without [`Self::add_authenticator`] before.
    #[track_caller]
    pub fn set_user_verified(&self, verified: bool) {
        let id = self.authenticator.as_ref().expect("an authenticator was added");
        self.call("WebAuthn:SetUserVerified", &json!({"authenticatorId": id, "isUserVerified": verified}));
    }

    /// Passkeys of the virtual authenticator, with their private keys.
    ///
    /// # Panics
    /// Without [`Self::add_authenticator`] before.
    #[track_caller]
    pub fn credentials(&self) -> Vec<Value> {
        let id = self.authenticator.as_ref().expect("an authenticator was added");
        let found = self.call("WebAuthn:GetCredentials", &json!({"authenticatorId": id}));
        found.as_array().or(found["value"].as_array()).cloned().unwrap_or_default()
    }

    /// Ends Firefox and waits for it.
    pub fn quit(mut self) {
        self.stop(true);
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a string was expected, not {value}")).to_owned()
}

fn launch(profile: &Path, settings: &Settings) -> (Process, Marionette) {
    let port = free_port();
    std::fs::write(profile.join("user.js"), preferences(port, settings)).unwrap();
    let mut command = Command::new(FIREFOX.find().expect("Firefox is installed"));
    command.args(["--headless", "--marionette", "--no-remote", "--profile"]).arg(profile);
    command.env("HOME", profile).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    if let Some(address) = &settings.bus_address {
        command.env("DBUS_SESSION_BUS_ADDRESS", address);
    }
    let mut process = Process::start("firefox", &mut command);
    let mut client = until("Firefox listening for Marionette", START_PATIENCE, || {
        assert!(process.ended().is_none(), "Firefox ended at start");
        Marionette::connect(port)
    });
    let session = client.try_call("WebDriver:NewSession", &json!({"strictFileInteractability": true}));
    session.unwrap_or_else(|error| panic!("Firefox gives no session: {error}"));
    (process, client)
}

fn preferences(port: u16, settings: &Settings) -> String {
    let mut all = vec![
        ("marionette.port".to_owned(), port.to_string()),
        ("permissions.default.desktop-notification".to_owned(), "1".to_owned()),
        ("security.webauth.webauthn_enable_softtoken".to_owned(), "true".to_owned()),
        ("security.webauth.webauthn_enable_usbtoken".to_owned(), "false".to_owned()),
        ("browser.shell.checkDefaultBrowser".to_owned(), "false".to_owned()),
        ("datareporting.policy.dataSubmissionEnabled".to_owned(), "false".to_owned()),
        ("app.update.disabledForTesting".to_owned(), "true".to_owned()),
    ];
    if let Some(server) = &settings.push_server {
        all.push(("dom.push.serverURL".to_owned(), format!("\"{server}\"")));
        all.push(("dom.push.testing.allowInsecureServerURL".to_owned(), "true".to_owned()));
        all.push(("dom.push.connection.enabled".to_owned(), "true".to_owned()));
    }
    if settings.bus_address.is_none() {
        // Without a notification daemon the system's way of showing them fails.
        all.push(("alerts.useSystemBackend".to_owned(), "false".to_owned()));
    }
    all.extend(settings.preferences.iter().cloned());
    all.iter().map(|(name, value)| format!("user_pref(\"{name}\", {value});\n")).collect()
}

//! Chromium, started on a profile of its own.

use crate::cdp::Cdp;
use crate::folder::Folder;
use crate::page::Page;
use crate::process::{PATIENCE, Process, until};
use crate::tools::CHROMIUM;
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const START_PATIENCE: Duration = Duration::from_secs(60);

/// What Chromium is started with.
#[derive(Debug, Default, Clone)]
pub struct Settings {
    /// Address of the private message bus, for notifications.
    pub bus_address: Option<String>,
    /// Further command line switches.
    pub switches: Vec<String>,
}

/// A running Chromium; ended on drop.
///
/// Each page gets a virtual authenticator before its first script runs; a passkey made in one page is there in all
/// pages of the same context, as with a real one.
#[derive(Debug)]
pub struct Chromium {
    // Field order is drop order: the process ends before its profile is removed.
    cdp: Cdp,
    process: Process,
    profile: Folder,
    settings: Settings,
}

impl Chromium {
    /// Starts Chromium on a fresh profile in which every site may show notifications.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(settings: Settings) -> Self {
        let profile = Folder::new();
        let folder = profile.path().join("Default");
        std::fs::create_dir_all(&folder).unwrap();
        // A grant over DevTools would die with the browser, and push subscriptions with it.
        let preferences = json!({"profile": {"default_content_setting_values": {"notifications": 1}}});
        std::fs::write(folder.join("Preferences"), preferences.to_string()).unwrap();
        let (process, cdp) = launch(profile.path(), &settings);
        Self { cdp, process, profile, settings }
    }

    /// Ends Chromium, in order or as a crash; the profile stays for [`Self::start_again`].
    pub fn stop(&mut self, clean: bool) {
        if clean {
            let _ = self.cdp.try_call("", "Browser.close", &json!({}));
            self.process.wait(PATIENCE);
        }
        self.process.kill();
    }

    /// Starts Chromium on its profile again. Passkeys of the virtual authenticators are gone.
    pub fn start_again(&mut self) {
        let _ = std::fs::remove_file(self.profile.path().join("DevToolsActivePort"));
        let (process, cdp) = launch(self.profile.path(), &self.settings);
        self.process = process;
        self.cdp = cdp;
    }

    /// Opens a page in the profile itself.
    #[track_caller]
    pub fn open(&self, address: &str) -> Page {
        self.open_in(None, address)
    }

    /// Makes a context: a jar of cookies and storage of its own, like another person's browser.
    ///
    /// # Panics
    /// When Chromium refuses.
    #[track_caller]
    pub fn new_context(&self) -> String {
        let made = self.cdp.call("", "Target.createBrowserContext", &json!({"disposeOnDetach": true}));
        let context = made["browserContextId"].as_str().unwrap().to_owned();
        let grant = json!({"permissions": ["notifications"], "browserContextId": context});
        self.cdp.call("", "Browser.grantPermissions", &grant);
        context
    }

    /// Opens a page in a context, or in the profile.
    ///
    /// # Panics
    /// When the page does not appear.
    #[track_caller]
    pub fn open_in(&self, context: Option<&str>, address: &str) -> Page {
        let mut parameters = json!({"url": "about:blank"});
        if let Some(context) = context {
            parameters["browserContextId"] = json!(context);
        }
        let made = self.cdp.call("", "Target.createTarget", &parameters);
        let target = made["targetId"].as_str().unwrap().to_owned();
        let ready = self.cdp.wait(PATIENCE, |state| {
            let ready = |page: &&crate::cdp::Attached| page.target == target && page.authenticator().is_some();
            state.pages.iter().find(ready).cloned()
        });
        let page = Page::new(self.cdp.clone(), ready.expect("Chromium attaches the new page"));
        page.navigate(address);
        page
    }

    /// All open pages, oldest first.
    #[must_use]
    pub fn pages(&self) -> Vec<Page> {
        let attached = self.cdp.state().pages.clone();
        attached.into_iter().map(|page| Page::new(self.cdp.clone(), page)).collect()
    }

    /// Waits for a page that is not among those known, such as one opened by a notification.
    ///
    /// # Panics
    /// When none appears.
    #[track_caller]
    pub fn wait_new_page(&self, known: &[Page]) -> Page {
        let new = self.cdp.wait(PATIENCE, |state| {
            let is_new = |page: &&crate::cdp::Attached| {
                page.authenticator().is_some() && known.iter().all(|old| !old.is_target(&page.target))
            };
            state.pages.iter().find(is_new).cloned()
        });
        Page::new(self.cdp.clone(), new.expect("a new page appears in Chromium"))
    }

    /// Whether the finger is accepted from now on, in every page.
    pub fn set_user_verified(&self, verified: bool) {
        self.cdp.set_user_verified(verified);
    }

    /// Ends Chromium and waits for it.
    pub fn quit(mut self) {
        self.stop(true);
    }
}

fn launch(profile: &Path, settings: &Settings) -> (Process, Cdp) {
    let mut command = Command::new(CHROMIUM.find().expect("Chromium is installed"));
    command.args([
        "--headless=new",
        "--no-sandbox",
        "--no-first-run",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--log-level=3",
        "--remote-debugging-port=0",
    ]);
    command.arg(format!("--user-data-dir={}", profile.display())).args(&settings.switches).arg("about:blank");
    command.env("HOME", profile).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    if let Some(address) = &settings.bus_address {
        command.env("DBUS_SESSION_BUS_ADDRESS", address);
    }
    let mut process = Process::start("chromium", &mut command);
    let file = profile.join("DevToolsActivePort");
    let (port, path) = until("Chromium's DevTools port", START_PATIENCE, || {
        assert!(process.ended().is_none(), "Chromium ended at start");
        let text = std::fs::read_to_string(&file).ok()?;
        let (port, path) = text.split_once('\n')?;
        (!path.is_empty()).then(|| Some((port.trim().parse().ok()?, path.trim().to_owned())))?
    });
    let cdp = Cdp::connect(port, &path);
    let attach = json!({
        "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true, "filter": [{"type": "page"}]});
    cdp.call("", "Target.setAutoAttach", &attach);
    (process, cdp)
}

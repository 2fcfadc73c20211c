//! A person's phone: the authenticator's pages.

use super::screen::Screen;

/// The screens of the app, in whichever browser they run.
pub(crate) struct Handset<'a, S> {
    pub(crate) screen: &'a S,
}

impl<S: Screen> Handset<'_, S> {
    /// Types the code in the app, makes the passkey, allows notifications; gives the digits to compare.
    #[track_caller]
    pub(crate) fn join(&self, code: &str, name: &str) -> String {
        self.begin(code, name);
        self.screen.click("#notifications");
        self.screen.digits("#confirmation")
    }

    /// The same on a phone that cannot be rung.
    #[track_caller]
    pub(crate) fn join_silently(&self, code: &str, name: &str) -> String {
        self.begin(code, name);
        self.screen.click("#skip-notifications");
        self.screen.digits("#confirmation")
    }

    #[track_caller]
    fn begin(&self, code: &str, name: &str) {
        let screen = self.screen;
        if screen.shows("#have-code") {
            screen.click("#have-code");
        } else {
            screen.click("#nav-accounts");
            screen.click("#add-account");
        }
        screen.wait_phase("enrol");
        screen.type_text("#code", code);
        screen.clear("#device-name");
        screen.type_text("#device-name", name);
        screen.click("#submit");
        screen.click("#passkey");
        screen.wait_for("#skip-notifications");
    }

    /// The computer has confirmed; the app says so and goes home.
    #[track_caller]
    pub(crate) fn finish(&self) {
        self.screen.wait_text("h1", "This phone is ready");
        self.screen.click("#done");
        self.screen.wait_phase("home");
    }

    /// Waits for the request screen and gives what it says.
    #[track_caller]
    pub(crate) fn read(&self) -> String {
        self.screen.wait_phase("request");
        self.screen.text(".request")
    }

    /// Presses `approve`, `deny` or `fraud` and waits for the sentence that follows.
    #[track_caller]
    pub(crate) fn answer(&self, button: &str, title: &str) {
        self.screen.wait_phase("request");
        self.screen.click(&format!("#{button}"));
        self.wait_outcome(title);
    }

    /// Types the number and approves.
    #[track_caller]
    pub(crate) fn approve_with(&self, number: &str, title: &str) {
        self.screen.wait_phase("request");
        self.screen.wait_for("#number");
        self.screen.type_text("#number", number);
        self.answer("approve", title);
    }

    /// Waits for what became of an answer, and leaves it.
    #[track_caller]
    pub(crate) fn wait_outcome(&self, title: &str) {
        self.screen.wait_phase("outcome");
        self.screen.wait_text("h1", title);
    }

    /// Leaves the outcome's screen.
    #[track_caller]
    pub(crate) fn done(&self) {
        self.screen.click("#done");
    }
}

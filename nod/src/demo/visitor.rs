//! A person at a browser, in the walk: the steps that the pages of Nod take, over the same endpoints.

use std::time::Duration;

use nod_phone::{Origin, SoftPasskey};
use nod_protocol::pages::{EmptyRequest, LocationAnswer, SignInPasskeyRequest, SignInPhase, SignInStatus};
use nod_protocol::webauthn::RequestOptions;
use reqwest::{Method, StatusCode};

use super::browser::Browser;
use super::stage::{Stage, USER};
use crate::failure::{Failure, Outcome};

/// Time between two looks at the status, where the page would listen to its events.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Somebody who wants to open the sample site as the demo's user.
pub(super) struct Visitor {
    browser: Browser,
    nod: String,
    site: String,
}

impl Visitor {
    /// Somebody with a fresh browser.
    pub(super) fn new(http: reqwest::Client, stage: &Stage, agent: &'static str) -> Self {
        Self { browser: Browser::new(http, agent), nod: stage.origin().to_owned(), site: stage.site_origin.clone() }
    }

    /// Opens the site, is led to the sign-in, gives name and password.
    pub(super) async fn sign_in(&mut self, password: &str) -> Outcome<SignInStatus> {
        let form = self.browser.open(&format!("{}/", self.site)).await?;
        let at_nod = form.url.origin().ascii_serialization() == self.nod && form.url.path() == "/sign-in";
        if !at_nod || form.status != StatusCode::OK {
            return Err(Failure::new(format!("the site led to {} ({}), not to the sign-in", form.url, form.status)));
        }
        let mut fields = form.hidden_fields();
        fields.push(("user".to_owned(), USER.to_owned()));
        fields.push(("password".to_owned(), password.to_owned()));
        let mut action = form.url.clone();
        action.set_query(None);
        let page = self.browser.post_form(&action, &fields).await?;
        if page.url.path() != "/sign-in/continue" {
            return Err(Failure::new(format!("the password led to {} ({})", page.url.path(), page.status)));
        }
        self.status().await
    }

    /// How the sign-in stands.
    pub(super) async fn status(&mut self) -> Outcome<SignInStatus> {
        self.browser.call(Method::GET, &format!("{}/sign-in/status", self.nod), None::<&()>).await
    }

    /// Waits until it stands so.
    pub(super) async fn wait_for(&mut self, phase: SignInPhase) -> Outcome<SignInStatus> {
        loop {
            let status = self.status().await?;
            if status.phase == phase {
                return Ok(status);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Another request after one that failed.
    pub(super) async fn again(&mut self) -> Outcome<SignInStatus> {
        self.post("/sign-in/again").await
    }

    /// Uses a passkey in this browser and keeps the browser.
    pub(super) async fn show_passkey(&mut self, passkey: &SoftPasskey, origin: &Origin) -> Outcome<SignInStatus> {
        let options: RequestOptions = self.post("/sign-in/passkey/options").await?;
        let assertion = passkey.assert(options.challenge.as_bytes(), origin)?;
        let body = SignInPasskeyRequest { assertion, keep_browser: true };
        self.browser.call(Method::POST, &format!("{}/sign-in/passkey", self.nod), Some(&body)).await
    }

    /// Collects the result and arrives at the site.
    pub(super) async fn finish(&mut self) -> Outcome {
        let answer: LocationAnswer = self.post("/sign-in/finish").await?;
        let page = self.browser.open(&answer.location).await?;
        let arrived = page.url.origin().ascii_serialization() == self.site && page.body.contains("Anna Berg");
        if arrived { Ok(()) } else { Err(Failure::new(format!("arrived at {} ({})", page.url, page.status))) }
    }

    /// Signs out at the site, and finds its door shut.
    pub(super) async fn sign_out(&mut self) -> Outcome {
        let page = self.browser.post_form(&format!("{}/.nod/sign-out", self.site).parse()?, &[]).await?;
        if page.status != StatusCode::OK {
            return Err(Failure::new(format!("signing out gave {}", page.status)));
        }
        let page = self.browser.open(&format!("{}/", self.site)).await?;
        if page.url.path() == "/sign-in" { Ok(()) } else { Err(Failure::new("the site is open after signing out")) }
    }

    async fn post<T: serde::de::DeserializeOwned>(&mut self, path: &str) -> Outcome<T> {
        self.browser.call(Method::POST, &format!("{}{path}", self.nod), Some(&EmptyRequest {})).await
    }
}

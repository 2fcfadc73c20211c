//! The asking browser's side of an enrolment, without a browser: for `nod phone enrol LINK` and for tests. The cookie is
//! kept by hand, in memory only.

use std::collections::BTreeMap;
use std::time::Duration;

use nod_protocol::SixDigits;
use nod_protocol::pages::{ConfirmRequest, EmptyRequest, EnrolStatus, EnrolStep, OpenRequest, PasswordRequest, paths};
use reqwest::Response;
use reqwest::header::{ACCEPT, COOKIE, HeaderMap, ORIGIN, SET_COOKIE};
use serde::Serialize;

use crate::error::PhoneError;
use crate::origin::{EnrolLink, Origin};
use crate::transport::{ANSWER_TIMEOUT, accepted, json, json_if_any};

/// Time between two looks at the status.
pub const STATUS_POLL: Duration = Duration::from_millis(300);
/// Most cookies that are kept.
pub const COOKIES_MAX: usize = 16;

/// A browser that has an enrolment link open.
pub struct EnrolBrowser {
    http: reqwest::Client,
    origin: Origin,
    cookies: BTreeMap<String, String>,
}

impl std::fmt::Debug for EnrolBrowser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EnrolBrowser({})", self.origin)
    }
}

impl EnrolBrowser {
    /// Opens a link `ORIGIN/enrol#TOKEN`.
    pub async fn open_link(http: reqwest::Client, link: &str) -> Result<(Self, EnrolStatus), PhoneError> {
        match link.parse()? {
            EnrolLink::Token { origin, token } => Self::open(http, origin, token).await,
            EnrolLink::Code { .. } => Err(PhoneError::BadLink("this link is for the phone; it carries a code")),
        }
    }

    /// Opens a link's token.
    pub async fn open(http: reqwest::Client, origin: Origin, token: String) -> Result<(Self, EnrolStatus), PhoneError> {
        let mut browser = Self { http, origin, cookies: BTreeMap::new() };
        let status = browser.post(paths::ENROL_OPEN, &OpenRequest { token }).await?;
        Ok((browser, status))
    }

    /// The server.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Where the enrolment stands.
    pub async fn status(&mut self) -> Result<EnrolStatus, PhoneError> {
        let request = self.http.get(format!("{}{}", self.origin, paths::ENROL_STATUS));
        let response = self.send(request).await?;
        json(response).await
    }

    /// Gives the password, or chooses one (steps `password` and `choose_password`).
    pub async fn password(&mut self, password: &str) -> Result<EnrolStatus, PhoneError> {
        self.post(paths::ENROL_PASSWORD, &PasswordRequest { password: password.to_owned() }).await
    }

    /// Asks for a code; it stands in the status.
    pub async fn code(&mut self) -> Result<EnrolStatus, PhoneError> {
        self.post(paths::ENROL_CODE, &EmptyRequest {}).await
    }

    /// Types the confirmation that the phone shows.
    pub async fn confirm(&mut self, confirmation: SixDigits) -> Result<EnrolStatus, PhoneError> {
        self.post(paths::ENROL_CONFIRM, &ConfirmRequest { confirmation: confirmation.to_string() }).await
    }

    /// Waits until one of `steps` (or the end) is reached; looks every [`STATUS_POLL`]. Put a time limit around it.
    pub async fn wait_step(&mut self, steps: &[EnrolStep]) -> Result<EnrolStatus, PhoneError> {
        loop {
            let status = self.status().await?;
            if steps.contains(&status.step) || matches!(status.step, EnrolStep::Done | EnrolStep::Ended) {
                return Ok(status);
            }
            tokio::time::sleep(STATUS_POLL).await;
        }
    }

    async fn post<B: Serialize>(&mut self, path: &str, body: &B) -> Result<EnrolStatus, PhoneError> {
        let request = self.http.post(format!("{}{path}", self.origin)).json(body);
        let response = self.send(request).await?;
        match json_if_any(response).await? {
            Some(status) => Ok(status),
            // An endpoint may answer without a body.
            None => self.status().await,
        }
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Result<Response, PhoneError> {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = request
            .timeout(ANSWER_TIMEOUT)
            .header(ACCEPT, "application/json")
            // What a page of the server itself would send.
            .header(ORIGIN, self.origin.as_str())
            .header("sec-fetch-site", "same-origin");
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        let response = request.send().await?;
        self.keep_cookies(response.headers());
        accepted(response).await
    }

    fn keep_cookies(&mut self, headers: &HeaderMap) {
        for header in headers.get_all(SET_COOKIE) {
            let Ok(text) = header.to_str() else { continue };
            let mut parts = text.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            let ended = value.is_empty() || parts.any(|attribute| attribute.eq_ignore_ascii_case("max-age=0"));
            if ended {
                self.cookies.remove(name);
            } else if self.cookies.contains_key(name) || self.cookies.len() < COOKIES_MAX {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

//! What all pages have in common: assets, policies, and how a page is answered.

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use http::header::{CONTENT_SECURITY_POLICY, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use nod_protocol::device_api::ErrorCode;

use super::assets::Assets;
use super::csp::Policies;
use super::views::MessageView;
use crate::fault::Refusal;

/// Assets and policies, computed once at start.
#[derive(Debug)]
pub(crate) struct Site {
    pub(super) assets: Assets,
    pub(super) policies: Policies,
    /// Name of the server, for people.
    pub(super) server: String,
}

impl Site {
    /// The pages of the server with this name at `origin`.
    pub(crate) fn new(origin: &str, server: &str) -> Self {
        let assets = Assets::load();
        let policies = Policies::new(&assets, origin);
        Self { assets, policies, server: server.to_owned() }
    }

    /// A page with its policy.
    pub(super) fn page(&self, status: StatusCode, view: &impl Template, policy: &HeaderValue) -> Response {
        match view.render() {
            Ok(html) => (status, [(CONTENT_SECURITY_POLICY, policy.clone())], Html(html)).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page could not be drawn");
                Refusal::unavailable().into_response()
            }
        }
    }

    /// A refusal as a page: what was wrong and what to do.
    pub(super) fn refusal(&self, refusal: &Refusal) -> Response {
        let (title, action) = words(refusal.code);
        let sentence = sentence(&refusal.message);
        let (assets, server) = (&self.assets, self.server.as_str());
        let view = MessageView {
            assets,
            server,
            title,
            sentence: &sentence,
            action,
            link: "/sign-in",
            link_text: "Go to sign-in",
        };
        let mut response = self.page(refusal.status(), &view, &self.policies.plain);
        if let Some(seconds) = refusal.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

const fn words(code: ErrorCode) -> (&'static str, &'static str) {
    match code {
        ErrorCode::TooMany => ("Too many tries", "Wait a while before the next one, or ask your administrator."),
        ErrorCode::Unavailable => ("Busy right now", "Nothing was changed. Load this page again in a moment."),
        ErrorCode::Forbidden => ("Not possible", ""),
        ErrorCode::NotFound => ("Nothing here", "Check the address, or open the app again."),
        _ => ("That did not work", "Go back and try again."),
    }
}

/// Fault texts are clauses ("there is no such app"): as a sentence they begin with a capital and end with a full stop.
fn sentence(clause: &str) -> String {
    let mut characters = clause.chars();
    let mut sentence: String = characters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    sentence.push_str(characters.as_str());
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}

//! What all pages have in common: assets, policies, languages, and how a page is answered.

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use http::header::{CONTENT_SECURITY_POLICY, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::assets::Assets;
use super::csp::Policies;
use super::language::{Languages, Words};
use super::views::MessageView;
use crate::fault::Refusal;

/// Assets, policies and sentences, made once at start.
#[derive(Debug)]
pub(crate) struct Site {
    pub(super) assets: Assets,
    pub(super) policies: Policies,
    languages: Languages,
    /// Name of the server, for people.
    pub(super) server: String,
}

impl Site {
    /// The pages of the server with this name at `origin`.
    pub(crate) fn new(origin: &str, server: &str) -> Self {
        let assets = Assets::load();
        let policies = Policies::new(&assets, origin);
        Self { assets, policies, languages: Languages::load(), server: server.to_owned() }
    }

    /// What the server says to the browser that sent these headers.
    pub(crate) fn words(&self, headers: &HeaderMap) -> &Words {
        self.languages.of(headers)
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
    pub(super) fn refusal(&self, refusal: &Refusal, headers: &HeaderMap) -> Response {
        let words = self.words(headers);
        let heading = words.heading(refusal.code);
        let view = MessageView {
            assets: &self.assets,
            server: &self.server,
            words,
            title: &heading.title,
            sentence: &words.sentence(refusal.code, &refusal.message),
            action: &heading.action,
            link: "/sign-in",
            link_text: &words.go_to_sign_in,
        };
        let mut response = self.page(refusal.status(), &view, &self.policies.plain);
        if let Some(seconds) = refusal.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

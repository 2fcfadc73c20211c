//! In which language a page speaks, and what the server itself says in it. The sentences stand in `web/words`, one file for each
//! language; the pages' scripts take theirs from the same files.

use std::collections::HashMap;

use http::header::{ACCEPT_LANGUAGE, COOKIE};
use http::{HeaderMap, HeaderName};
use nod_protocol::device_api::ErrorCode;
use serde::Deserialize;

use super::assets::Assets;

/// The languages that there are, by their tags (RFC 5646). The first is the one that everything is said in.
pub(super) const TAGS: [&str; 2] = ["en", "de"];
/// The visitor's choice; set by the pages' scripts and nothing secret, so without the prefix of our other cookies.
const CHOICE: &str = "nod-language";

/// What the server says in one language.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Words {
    /// The language's tag.
    #[serde(skip)]
    pub(crate) tag: &'static str,
    pub(super) sign_in: SignInWords,
    pub(super) titles: Titles,
    pub(super) needs_script: NeedsScript,
    refusals: Refusals,
    pub(super) go_to_sign_in: String,
    /// At apps' own addresses.
    pub(crate) door: Door,
    codes: HashMap<ErrorCode, String>,
    messages: HashMap<String, String>,
}

/// The form of name and password.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SignInWords {
    pub(super) title: String,
    title_to: String,
    pub(super) user_name: String,
    pub(super) password: String,
    pub(super) button: String,
    pub(super) hint: String,
    pub(super) with_passkey: String,
}

impl SignInWords {
    pub(super) fn title_to(&self, app: &str) -> String {
        self.title_to.replace("{app}", app)
    }
}

/// Titles of pages, until their script says its own.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Titles {
    pub(super) go_on: String,
    pub(super) enrol: String,
    pub(super) introduce: String,
    pub(super) portal: String,
}

/// What a page that needs script says without it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NeedsScript {
    pub(super) go_on: String,
    pub(super) enrol: String,
    pub(super) introduce: String,
    pub(super) portal: String,
    pub(super) authenticator: String,
    pub(super) nameless: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refusals {
    too_many: Heading,
    unavailable: Heading,
    forbidden: Heading,
    not_found: Heading,
    other: Heading,
}

/// A refusal's title, and what to do if its sentence does not say it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Heading {
    pub(super) title: String,
    pub(super) action: String,
}

/// What is said at apps' own addresses, on the way in and out.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Door {
    pub(crate) not_admitted: String,
    pub(crate) signed_out: String,
    pub(crate) signed_out_sentence: String,
    pub(crate) not_signed_in: String,
    pub(crate) used_up: String,
    pub(crate) again: String,
    pub(crate) sign_out_title: String,
    sign_out_sentence: String,
    pub(crate) sign_out: String,
}

impl Door {
    pub(crate) fn sign_out_sentence(&self, app: &str) -> String {
        self.sign_out_sentence.replace("{app}", app)
    }
}

#[derive(Default, Deserialize)]
struct Catalogue {
    server: Words,
}

impl Words {
    fn load(tag: &'static str) -> Self {
        // A file that is not whole is caught by the tests of this module; here it would leave sentences empty.
        let catalogue: Catalogue =
            serde_json::from_str(&Assets::text(&format!("words/{tag}.json"))).unwrap_or_default();
        Self { tag, ..catalogue.server }
    }

    pub(super) const fn heading(&self, code: ErrorCode) -> &Heading {
        match code {
            ErrorCode::TooMany => &self.refusals.too_many,
            ErrorCode::Unavailable => &self.refusals.unavailable,
            ErrorCode::Forbidden => &self.refusals.forbidden,
            ErrorCode::NotFound => &self.refusals.not_found,
            _ => &self.refusals.other,
        }
    }

    /// What was said in English as a sentence of this language; what the catalogue does not know, by its code.
    pub(crate) fn sentence(&self, code: ErrorCode, message: &str) -> String {
        let by_code = || self.codes.get(&code).filter(|_| self.tag != "en");
        as_sentence(self.messages.get(message).or_else(by_code).map_or(message, String::as_str))
    }
}

/// Fault texts are clauses ("there is no such app"): as a sentence they begin with a capital and end with a full stop.
fn as_sentence(clause: &str) -> String {
    let mut characters = clause.chars();
    let mut sentence: String = characters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    sentence.push_str(characters.as_str());
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}

/// All languages, read once at start.
#[derive(Debug)]
pub(super) struct Languages([Words; TAGS.len()]);

impl Languages {
    pub(super) fn load() -> Self {
        Self(TAGS.map(Words::load))
    }

    /// The visitor's choice, else the first of what the browser asks for, else English.
    pub(super) fn of(&self, headers: &HeaderMap) -> &Words {
        let [english, ..] = &self.0;
        let known = |tag: &str| self.0.iter().find(|words| words.tag.eq_ignore_ascii_case(tag));
        chosen(headers).and_then(known).or_else(|| asked_for(headers).into_iter().find_map(known)).unwrap_or(english)
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok())
}

fn chosen(headers: &HeaderMap) -> Option<&str> {
    let mut pairs =
        text(headers, COOKIE).flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == CHOICE).map(|(_, value)| value)
}

/// The primary languages of `Accept-Language`, the best liked first (RFC 9110 section 12.5.4).
fn asked_for(headers: &HeaderMap) -> Vec<&str> {
    let ranges = text(headers, ACCEPT_LANGUAGE).flat_map(|line| line.split(','));
    let mut liked: Vec<(&str, f32)> = ranges
        .filter_map(|range| {
            let (tag, weight) = range.split_once(';').map_or((range, None), |(tag, weight)| (tag, Some(weight)));
            let quality = match weight {
                None => 1.0,
                Some(weight) => weight.trim().strip_prefix("q=")?.parse().ok()?,
            };
            let primary = tag.trim().split('-').next()?;
            (quality > 0.0).then_some((primary, quality))
        })
        .collect();
    liked.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    liked.into_iter().map(|(tag, _)| tag).collect()
}

#[cfg(test)]
mod tests;

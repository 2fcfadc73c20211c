//! Plain pages on apps' hosts: nothing to load, nothing to run.

use axum::response::{Html, IntoResponse as _, Response};
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use http::{HeaderValue, StatusCode};

use super::{SIGN_OUT, START};
use crate::pages::Words;

const POLICY: &str = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A title and a sentence.
pub(super) fn message(status: StatusCode, words: &Words, title: &str, sentence: &str) -> Response {
    page(status, words, title, &format!("<p>{}</p>", escaped(sentence)))
}

/// A sign-in that led nowhere, and a way to begin again.
pub(super) fn start_again(status: StatusCode, words: &Words) -> Response {
    let (sentence, again) = (escaped(&words.door.used_up), escaped(&words.door.again));
    let more = format!("<p>{sentence}</p><p><a href=\"{START}?return=%2F\">{again}</a></p>");
    page(status, words, &words.door.not_signed_in, &more)
}

/// Asks whether to sign out.
pub(super) fn sign_out(words: &Words, app: &str) -> Response {
    let (sentence, button) = (escaped(&words.door.sign_out_sentence(app)), escaped(&words.door.sign_out));
    let form = format!("<p>{sentence}</p><form method=\"post\" action=\"{SIGN_OUT}\"><button>{button}</button></form>");
    let mut response = page(StatusCode::OK, words, &words.door.sign_out_title, &form);
    // Without it older browsers would post with `Origin: null`.
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

fn page(status: StatusCode, words: &Words, title: &str, more: &str) -> Response {
    let (tag, title) = (words.tag, escaped(title));
    let html = format!(
        "<!doctype html><html lang=\"{tag}\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><h1>{title}</h1>{more}</html>\n"
    );
    (status, [(CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response()
}

/// Foreign text inside a page (INV-30).
fn escaped(words: &str) -> String {
    let mut out = String::new();
    for character in words.chars().filter(|c| !c.is_control()) {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_stays_text() {
        assert_eq!(escaped("<b a='1' c=\"2\">&"), "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;");
    }
}

//! The templates of `web/templates` and what they show. Askama escapes every field (INV-30).

use askama::Template;

use super::assets::Assets;
use super::language::Words;

/// GET and refused POST `/sign-in`.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub(super) struct SignInView<'a> {
    pub(super) assets: &'a Assets,
    pub(super) server: &'a str,
    pub(super) words: &'a Words,
    pub(super) app_name: &'a str,
    pub(super) app: &'a str,
    pub(super) return_to: &'a str,
    pub(super) binding: &'a str,
    pub(super) user: &'a str,
    pub(super) error: &'a str,
    pub(super) passkey: &'a str,
}

/// GET `/sign-in/nameless`.
#[derive(Template)]
#[template(path = "nameless.html")]
pub(super) struct NamelessView<'a> {
    pub(super) assets: &'a Assets,
    pub(super) server: &'a str,
    pub(super) words: &'a Words,
    pub(super) app_name: &'a str,
    pub(super) app: &'a str,
    pub(super) return_to: &'a str,
    pub(super) binding: &'a str,
    pub(super) back: &'a str,
}

/// The rest of a sign-in.
#[derive(Template)]
#[template(path = "continue.html")]
pub(super) struct ContinueView<'a> {
    pub(super) assets: &'a Assets,
    pub(super) server: &'a str,
    pub(super) words: &'a Words,
}

/// Enrolment in the asking browser.
#[derive(Template)]
#[template(path = "enrol.html")]
pub(super) struct EnrolView<'a> {
    pub(super) assets: &'a Assets,
    pub(super) server: &'a str,
    pub(super) words: &'a Words,
}

/// An administrator's introduction link.
#[derive(Template)]
#[template(path = "introduce.html")]
pub(super) struct IntroduceView<'a> {
    pub(super) assets: &'a Assets,
    pub(super) server: &'a str,
    pub(super) words: &'a Words,
}

/// The app on the phone.
#[derive(Template)]
#[template(path = "authenticator.html")]
pub(super) struct AuthenticatorView<'a> {
    pub(super) assets: &'a Assets,
    pub(super) server: &'a str,
    pub(super) words: &'a Words,
}

/// One sentence and what to do.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct MessageView<'a> {
    pub(super) assets: &'a Assets,
    pub(super) server: &'a str,
    pub(super) words: &'a Words,
    pub(super) title: &'a str,
    pub(super) sentence: &'a str,
    pub(super) action: &'a str,
    pub(super) link: &'a str,
    pub(super) link_text: &'a str,
}

/// The user's own page.
#[derive(Template)]
#[template(path = "portal.html")]
pub(super) struct PortalView<'a> {
    pub(super) assets: &'a Assets,
    pub(super) server: &'a str,
    pub(super) words: &'a Words,
}

#[cfg(test)]
mod tests {
    use super::super::language::Languages;
    use super::*;
    use http::HeaderMap;

    const HOSTILE: &str = "<script>alert(1)</script>\"'&{{7*7}}";

    fn assert_harmless(html: &str) {
        assert!(!html.contains("<script>") && !html.contains("\"'&"), "{html}");
        assert!(html.contains("&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;{{7*7}}"), "{html}");
        for tag in html.split("<script").skip(1) {
            assert!(tag.starts_with(" type=\"module\" src=\"/assets/") && tag.contains("integrity=\"sha256-"), "{tag}");
            assert!(tag.split('>').nth(1).is_some_and(|inline| inline == "</script"), "inline script: {tag}");
        }
        assert!(
            !html.contains(" style=")
                && !html.contains("<style")
                && !html.contains(" onclick")
                && !html.contains("integrity=\"\"")
        );
    }

    #[test]
    fn hostile_text_stays_text_on_every_page() {
        let (assets, languages) = (&Assets::load(), Languages::load());
        let words = languages.of(&HeaderMap::new());
        let (server, h) = (HOSTILE, HOSTILE);
        assert_harmless(
            &SignInView {
                assets,
                server,
                words,
                app_name: h,
                app: h,
                return_to: h,
                binding: h,
                user: h,
                error: h,
                passkey: h,
            }
            .render()
            .unwrap(),
        );
        assert_harmless(
            &NamelessView { assets, server, words, app_name: h, app: h, return_to: h, binding: h, back: h }
                .render()
                .unwrap(),
        );
        assert_harmless(&ContinueView { assets, server, words }.render().unwrap());
        assert_harmless(&EnrolView { assets, server, words }.render().unwrap());
        assert_harmless(&IntroduceView { assets, server, words }.render().unwrap());
        assert_harmless(&AuthenticatorView { assets, server, words }.render().unwrap());
        assert_harmless(
            &MessageView { assets, server, words, title: h, sentence: h, action: h, link: h, link_text: h }
                .render()
                .unwrap(),
        );
        assert_harmless(&PortalView { assets, server, words }.render().unwrap());
    }

    #[test]
    fn pages_that_need_script_say_so_without_it() {
        let (assets, languages) = (&Assets::load(), Languages::load());
        let words = languages.of(&HeaderMap::new());
        let server = "Example";
        for html in [
            ContinueView { assets, server, words }.render().unwrap(),
            EnrolView { assets, server, words }.render().unwrap(),
            IntroduceView { assets, server, words }.render().unwrap(),
            AuthenticatorView { assets, server, words }.render().unwrap(),
            PortalView { assets, server, words }.render().unwrap(),
            NamelessView { assets, server, words, app_name: "", app: "", return_to: "", binding: "", back: "" }
                .render()
                .unwrap(),
        ] {
            let (_, inside) = html.split_once("<noscript>").expect("a noscript text");
            assert!(inside.contains("JavaScript is needed"), "{inside}");
        }
    }
}

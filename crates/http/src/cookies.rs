//! Our cookies. All have the prefix `__Host-`: browsers take them from this very host over a secure channel only, so that a
//! neighbouring host cannot set them (W14).

use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use nod_core::Millis;

use crate::limits::COOKIE_BYTES;

/// Whether a cookie goes along when another site opens us at the top level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Never.
    Strict,
    /// With top-level navigation by GET.
    Lax,
}

/// One of our cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookie {
    /// Its name.
    pub name: &'static str,
    /// When it goes along.
    pub same_site: SameSite,
}

const fn cookie(name: &'static str, same_site: SameSite) -> Cookie {
    Cookie { name, same_site }
}

/// The sign-in that this browser has under way.
pub const SIGN_IN: Cookie = cookie("__Host-nod-sign-in", SameSite::Lax);
/// Ties the challenge of a sign-in without a user name to this browser.
pub const NAMELESS: Cookie = cookie("__Host-nod-nameless", SameSite::Strict);
/// The bound browser.
pub const BROWSER: Cookie = cookie("__Host-nod-browser", SameSite::Lax);
/// The session at Nod's own origin.
pub const SESSION: Cookie = cookie("__Host-nod-session", SameSite::Lax);
/// The enrolment that this browser asked for.
pub const ENROL: Cookie = cookie("__Host-nod-enrol", SameSite::Strict);
/// The device session of the authenticator.
pub const DEVICE: Cookie = cookie(nod_protocol::device_api::DEVICE_COOKIE, SameSite::Strict);
/// On an app's host: the app session. Lax, as links lead into apps from everywhere.
pub const APP: Cookie = cookie("__Host-nod-app", SameSite::Lax);
/// On an app's host, before the sign-in: ties the one-time code to the browser that started. Lax, as the code comes by
/// redirect from Nod's host.
pub const PRE: Cookie = cookie("__Host-nod-pre", SameSite::Lax);

impl Cookie {
    /// Its value, if it came exactly once and is one of ours by its letters. Two of one name are none (W14).
    #[must_use]
    pub fn read(&self, headers: &HeaderMap) -> Option<String> {
        let lines = headers.get_all(COOKIE).iter().map(|line| line.to_str().ok());
        let mut found = None;
        for line in lines {
            // A line that is not text may hide a second value.
            for pair in line?.split(';') {
                let Some((name, value)) = pair.trim_matches(' ').split_once('=') else { continue };
                if name == self.name && found.replace(value).is_some() {
                    return None;
                }
            }
        }
        found.filter(|value| is_secret(value)).map(str::to_owned)
    }

    /// `Set-Cookie` that gives it `value` for `life`.
    #[must_use]
    pub fn set(&self, value: &str, life: Millis) -> HeaderValue {
        if !is_secret(value) {
            return self.clear();
        }
        self.line(value, Duration::from_millis(u64::try_from(life.0).unwrap_or(0)).as_secs())
    }

    /// `Set-Cookie` that removes it.
    #[must_use]
    pub fn clear(&self) -> HeaderValue {
        self.line("", 0)
    }

    fn line(&self, value: &str, seconds: u64) -> HeaderValue {
        let same_site = match self.same_site {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
        };
        let line = format!("{}={value}; Path=/; Secure; HttpOnly; SameSite={same_site}; Max-Age={seconds}", self.name);
        let mut header = HeaderValue::from_str(&line).unwrap_or(HeaderValue::from_static(""));
        header.set_sensitive(true);
        header
    }
}

/// The letters of our secrets: base64url, and the dot between a sign-in's id and its secret.
fn is_secret(value: &str) -> bool {
    let letters = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !value.is_empty() && value.len() <= COOKIE_BYTES && value.bytes().all(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (COOKIE, HeaderValue::from_str(line).unwrap())).collect()
    }

    #[test]
    fn one_value_counts_and_two_do_not() {
        let name = SESSION.name;
        for (lines, expected) in [
            (vec![format!("{name}=abc")], Some("abc")),
            (vec![format!("a=b; {name}=abc; c=d")], Some("abc")),
            (vec!["a=b".to_owned(), format!("{name}=abc")], Some("abc")),
            (vec![format!("{name}=abc; {name}=abc")], None),
            (vec![format!("{name}=abc"), format!("{name}=def")], None),
            (vec![format!("x{name}=abc")], None),
            (vec![format!("{name}=\"abc\"")], None),
            (vec![format!("{name}=")], None),
            (vec![format!("{name}={}", "a".repeat(COOKIE_BYTES + 1))], None),
            (vec![format!("{}=abc", name.to_uppercase())], None),
            (vec![], None),
        ] {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            assert_eq!(SESSION.read(&headers(&lines)).as_deref(), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_is_set_is_locked_to_the_host() {
        let line = DEVICE.set("abc", Millis::hours(12));
        assert_eq!(line, "__Host-nod-device=abc; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=43200");
        assert!(line.is_sensitive());
        assert_eq!(PRE.clear(), "__Host-nod-pre=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
        assert_eq!(PRE.set("a\r\nSet-Cookie: b=c", Millis::hours(1)), PRE.clear());
    }
}

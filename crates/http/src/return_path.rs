//! The path that a sign-in leads back to, on the app's own host (W11).

use crate::limits::RETURN_BYTES;

/// `path` if it is one of this host's: one slash at the start, no backslash (browsers read it as a slash), no control
/// character (browsers drop some), visible ASCII, at most [`RETURN_BYTES`]. Else the start page. Our own paths lead nowhere.
#[must_use]
pub fn checked(path: &str) -> &str {
    let clean = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let own = path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/.nod/");
    if own && path.len() <= RETURN_BYTES && path.bytes().all(clean) { path } else { "/" }
}

/// For a query.
#[must_use]
pub fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_off_the_host() {
        for good in ["/", "/a/b?c=d&e=%2F%2Fevil.example#f", "/a//b", "/@evil.example", "/a:b"] {
            assert_eq!(checked(good), good);
        }
        for bad in [
            "",
            "a",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/a\\..\\b",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            " /",
            "/ /",
            "\t//evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\nLocation: https://evil.example",
            "/\0",
            "/\u{202e}",
            "/ä",
            "/.nod/start?return=/.nod/start",
            ".evil.example",
            "@evil.example",
            ":80",
        ] {
            assert_eq!(checked(bad), "/", "{bad:?}");
        }
        assert_eq!(checked(&format!("/{}", "a".repeat(RETURN_BYTES))), "/");
        assert_eq!(encoded("/a?b=c&d=ä\r\n"), "%2Fa%3Fb%3Dc%26d%3D%C3%A4%0D%0A");
    }
}

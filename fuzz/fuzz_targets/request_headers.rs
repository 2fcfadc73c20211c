//! Cookies and X-Forwarded-For as a stranger writes them: nothing panics, and only secrets come out of cookies.
#![no_main]

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use nod_core::network::Network;
use nod_http::{TrustedProxies, cookies};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let Ok(value) = HeaderValue::from_bytes(line) else { continue };
        headers.append(COOKIE, value.clone());
        headers.append("x-forwarded-for", value);
    }
    for cookie in [cookies::SIGN_IN, cookies::BROWSER, cookies::SESSION, cookies::APP] {
        if let Some(value) = cookie.read(&headers) {
            assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
        }
    }
    let proxies: TrustedProxies = ["10.0.0.0/8".parse::<Network>().expect("a range")].into_iter().collect();
    let stranger = "203.0.113.9".parse().expect("an address");
    assert_eq!(proxies.client(stranger, &headers), stranger, "a stranger's word about addresses is not taken");
    let _ = proxies.client("10.0.0.1".parse().expect("an address"), &headers);
});

//! Paths to return to: what comes out is one of this host's.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let path = nod_http::return_path::checked(text);
    let base = url::Url::parse("https://app.example").expect("a constant");
    let there = base.join(path).expect("a path");
    assert_eq!(there.origin(), base.origin(), "{path}");
});

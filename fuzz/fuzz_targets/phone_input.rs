//! What a phone reads: the live channel's bytes in any pieces, and links.
#![no_main]

use nod_phone::sse::SseParser;
use nod_phone::{EnrolLink, Origin};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let whole = SseParser::default().push(data);
    let mut parser = SseParser::default();
    let pieces: Result<Vec<_>, _> = data.chunks(3).map(|piece| parser.push(piece)).collect();
    if let (Ok(whole), Ok(pieces)) = (whole, pieces) {
        assert_eq!(whole, pieces.concat(), "pieces make no difference");
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = text.parse::<EnrolLink>();
        let _ = text.parse::<Origin>();
    }
});

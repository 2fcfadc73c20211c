//! The parser of server-sent events.

use nod_phone::sse::{EVENT_MAX_BYTES, EventTooLong, SseEvent, SseParser};
use proptest::prelude::*;

fn parse(text: &[u8]) -> Vec<SseEvent> {
    SseParser::default().push(text).unwrap()
}

fn event(event: &str, data: &str) -> SseEvent {
    SseEvent { event: event.to_owned(), data: data.to_owned() }
}

#[test]
fn the_examples_of_the_standard() {
    assert_eq!(parse(b": comment\n\ndata: YHOO\ndata: +2\ndata: 10\n\n"), [event("message", "YHOO\n+2\n10")]);
    assert_eq!(parse(b"data\n\ndata\ndata\n\ndata:"), [event("message", ""), event("message", "\n")]);
    assert_eq!(parse(b"data:test\n\ndata: test\n\n"), [event("message", "test"), event("message", "test")]);
    assert_eq!(parse(b"event: add\rdata: 1\r\r\xEF\xBB\xBFdata: 2\r\n\r\n"), [event("add", "1")]);
    assert_eq!(parse(b"\xEF\xBB\xBFevent: pending\r\ndata: {}\r\nid: 7\r\nretry: 9\r\n\r\n"), [event("pending", "{}")]);
    assert_eq!(parse(b"event: lost\n\ndata: 1\n\n"), [event("message", "1")]);
    assert_eq!(parse(b"data:  two spaces\n\n"), [event("message", " two spaces")]);
}

#[test]
fn an_endless_line_is_given_up() {
    let mut parser = SseParser::default();
    assert!(parser.push(&vec![b'x'; EVENT_MAX_BYTES]).is_ok());
    assert_eq!(parser.push(b"x"), Err(EventTooLong));
    let mut parser = SseParser::default();
    let lines = b"data: 0123456789\n".repeat(EVENT_MAX_BYTES / 10);
    assert_eq!(parser.push(&lines), Err(EventTooLong));
}

proptest! {
    #[test]
    fn where_chunks_are_cut_does_not_matter(
        lines in proptest::collection::vec("(data|event|id|)(:| |)[a-zä]{0,5}(\r\n|\n|\r)", 0..20),
        cuts in proptest::collection::vec(1..9_usize, 1..60),
    ) {
        let text = lines.concat();
        let whole = parse(text.as_bytes());
        let mut parser = SseParser::default();
        let mut rest = text.as_bytes();
        let mut pieces = Vec::new();
        for cut in cuts.iter().cycle() {
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            pieces.extend(parser.push(piece).unwrap());
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(pieces, whole);
    }

    #[test]
    fn events_round_trip(name in "[a-z]{1,9}", data in "[^\r\n]{0,30}(\n[^\r\n]{0,30}){0,3}") {
        let lines: String = data.split('\n').map(|line| format!("data: {line}\n")).collect();
        let text = format!("event: {name}\n{lines}\n");
        prop_assert_eq!(parse(text.as_bytes()), vec![event(&name, &data)]);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = SseParser::default().push(&bytes);
    }
}

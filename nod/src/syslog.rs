//! Events as syslog (RFC 5424), one event one line whatever its fields hold (D08).

use std::fmt::Write as _;

use nod_core::Timestamp;
use nod_core::audit::{ChainHash, Event, EventKind};

use crate::output::one_line;

/// Facility 10, security and authorisation messages (RFC 5424 section 6.2.1), times 8.
const FACILITY: u8 = 10 * 8;
/// Severity 1: something has to be done at once.
const ALERT: u8 = 1;
/// Names the structured data. Nod has no enterprise number of its own; 32473 is the one kept for examples (RFC 5612).
const SD_ID: &str = "nod@32473";
/// Longest host name in a message, in bytes.
const MAX_HOST_BYTES: usize = 255;

/// One message without an end: `<PRI>1 TIME HOST nod - KIND [SD] SENTENCE`.
pub(crate) fn message(host: &str, sequence: i64, event: &Event, hash: ChainHash) -> String {
    let priority = FACILITY + severity(event.kind);
    let (time, host) = (time(event.at), host_name(host));
    let mut line = format!("<{priority}>1 {time} {host} nod - {} [{SD_ID}", event.kind.name());
    param(&mut line, "sequence", &sequence.to_string());
    if let Some((id, name)) = &event.user {
        param(&mut line, "userId", &id.to_string());
        param(&mut line, "user", name);
    }
    if let Some((id, name)) = &event.app {
        if let Some(id) = id {
            param(&mut line, "appId", &id.to_string());
        }
        param(&mut line, "app", name);
    }
    if let Some((id, name)) = &event.device {
        param(&mut line, "deviceId", &id.to_string());
        param(&mut line, "device", name);
    }
    if let Some(address) = &event.address {
        param(&mut line, "address", address);
    }
    if !event.detail.is_empty() {
        param(&mut line, "detail", &event.detail);
    }
    param(&mut line, "hash", &hash.to_string());
    let sentence = one_line(&event.sentence());
    // UTF-8 is announced by a mark (section 6.4); plain ASCII needs none.
    let mark = if sentence.is_ascii() { "" } else { "\u{FEFF}" };
    let _ = write!(line, "] {mark}{sentence}");
    line
}

/// `"`, `\` and `]` get a backslash (RFC 5424 section 6.3.3), also those that stand for a control character.
fn param(line: &mut String, name: &str, value: &str) {
    let _ = write!(line, " {name}=\"");
    for character in one_line(value).chars() {
        if matches!(character, '"' | '\\' | ']') {
            line.push('\\');
        }
        line.push(character);
    }
    line.push('"');
}

fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| "-".to_owned(), |time| format!("{time:.3}"))
}

/// Printable ASCII without blanks, or `-`.
fn host_name(host: &str) -> &str {
    let fits = !host.is_empty() && host.len() <= MAX_HOST_BYTES && host.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { host } else { "-" }
}

/// How urgent (section 6.2.1): 4 warning where somebody may be attacking, 5 notice for what changed, 6 information for the rest.
const fn severity(kind: EventKind) -> u8 {
    match kind {
        EventKind::Tampered
        | EventKind::FraudReported
        | EventKind::BrowserCloned
        | EventKind::WrongNumber
        | EventKind::AnswerRefused
        | EventKind::PasskeyRefused
        | EventKind::PasswordThrottled
        | EventKind::CodeRefused
        | EventKind::CodeThrottled
        | EventKind::PassMade
        | EventKind::RecoveryUsed
        | EventKind::RecoveryRefused
        | EventKind::RecoveryThrottled
        | EventKind::RecoveryCancelled
        | EventKind::IntroductionAsked => 4,
        EventKind::PasswordRefused
        | EventKind::ChallengeOpened
        | EventKind::ChallengeRaised
        | EventKind::Approved
        | EventKind::SignedIn
        | EventKind::Expired
        | EventKind::Withdrawn => 6,
        _ => 5,
    }
}

/// A message in the place of an event that Nod never wrote.
pub(crate) fn unreadable(host: &str, sequence: i64) -> String {
    let (priority, host) = (FACILITY + ALERT, host_name(host));
    format!(
        "<{priority}>1 - {host} nod - unreadable [{SD_ID} sequence=\"{sequence}\"] Event {sequence} holds what Nod never \
         wrote; see nod audit verify."
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use nod_core::{AppId, DeviceId, UserId};

    use super::*;

    pub(crate) fn nasty() -> Event {
        let text = "a\r\n<81>1 b\u{1b}[2J\0\t\u{85}\u{9b}\u{2028}\u{2029}\"x\"]\\] é";
        Event::new(EventKind::PasswordRefused, Timestamp(1_700_000_000_001))
            .user(UserId([1; 16]), text)
            .app(Some(AppId([2; 16])), text)
            .device(DeviceId([3; 16]), text)
            .address(text)
            .detail(text)
    }

    pub(crate) fn is_one_line(line: &str) -> bool {
        !line.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
    }

    /// Reads the parameters of the structured data as RFC 5424 says, and gives what stands behind it.
    fn parameters(line: &str) -> (Vec<(String, String)>, String) {
        let mut rest = line.split_once(&format!("[{SD_ID}")).unwrap().1;
        let mut found = Vec::new();
        while let Some(next) = rest.strip_prefix(' ') {
            let (name, tail) = next.split_once("=\"").unwrap();
            let (mut value, mut characters) = (String::new(), tail.char_indices());
            let end = loop {
                match characters.next().unwrap() {
                    (_, '\\') => value.push(characters.next().unwrap().1),
                    (at, '"') => break at,
                    (_, ']') => panic!("a bare ] in {tail}"),
                    (_, other) => value.push(other),
                }
            };
            found.push((name.to_owned(), value));
            rest = tail.split_at(end + 1).1;
        }
        (found, rest.strip_prefix("] ").unwrap().to_owned())
    }

    #[test]
    fn a_syslog_line_is_one_line_and_gives_back_every_field() {
        let line = message("nod.example.com", 7, &nasty(), ChainHash([4; 32]));
        assert!(is_one_line(&line), "{line}");
        let head = "<86>1 2023-11-14T22:13:20.001Z nod.example.com nod - password_refused [nod@32473 sequence=\"7\" ";
        assert!(line.starts_with(head), "{line}");
        let (found, message) = parameters(&line);
        let names: Vec<&str> = found.iter().map(|(name, _)| &**name).collect();
        let expected = "sequence userId user appId app deviceId device address detail hash";
        assert_eq!(names, expected.split(' ').collect::<Vec<_>>());
        let text = "a\\u{d}\\u{a}<81>1 b\\u{1b}[2J\\u{0}\\u{9}\\u{85}\\u{9b}\\u{2028}\\u{2029}\"x\"]\\] é";
        for name in ["user", "app", "device", "address", "detail"] {
            assert!(found.contains(&(name.to_owned(), text.to_owned())), "{name}: {found:?}");
        }
        assert!(message.starts_with("\u{FEFF}A wrong password was given for a"), "{message}");
    }

    #[test]
    fn a_plain_syslog_line() {
        let event = Event::new(EventKind::UserDisabled, Timestamp(0)).user(UserId([0; 16]), "anna");
        let line = message("a b", 1, &event, ChainHash::START);
        assert_eq!(
            line,
            "<85>1 1970-01-01T00:00:00.000Z - nod - user_disabled [nod@32473 sequence=\"1\" \
             userId=\"AAAAAAAAAAAAAAAAAAAAAA\" user=\"anna\" hash=\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"] \
             The account anna was disabled."
        );
    }
}

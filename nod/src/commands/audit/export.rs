//! `nod audit export`: the audit for other machines, one event one line whatever its fields hold (D08).

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write as _};

use clap::{Args, ValueEnum};
use nod_core::Timestamp;
use nod_core::audit::{ChainHash, Event, EventKind};
use serde::Serialize;

use super::super::open;
use super::{EventView, view};
use crate::cli::Common;
use crate::failure::{Failure, Outcome};
use crate::output::{escape_json, one_line};

/// Events that are read at a time.
const PAGE: u32 = 1_000;
/// Facility 10, security and authorisation messages (RFC 5424 section 6.2.1), times 8.
const FACILITY: u8 = 10 * 8;
/// Names the structured data. Nod has no enterprise number of its own; 32473 is the one kept for examples (RFC 5612).
const SD_ID: &str = "nod@32473";
/// Longest host name in a message, in bytes.
const MAX_HOST_BYTES: usize = 255;

/// Write events to standard output, oldest first, for another machine
///
/// JSON lines hold every field and the event's hash. Syslog lines are RFC 5424 with the fields as structured data and the sentence
/// as message. To go on later, give the number of the last event with --after.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  nod audit export > audit.jsonl\n  nod audit export --after 1042\n  nod audit export --format syslog"
)]
pub(crate) struct ExportArguments {
    /// How events are written
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Only events behind this number
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    after: i64,
}

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object a line.
    Jsonl,
    /// RFC 5424.
    Syslog,
}

#[derive(Serialize)]
struct Exported {
    #[serde(flatten)]
    event: EventView,
    hash: String,
}

/// Runs it.
pub(super) async fn run(common: &Common, arguments: ExportArguments) -> Outcome {
    let installation = open(common).await?;
    let host = installation.config.address.host();
    let mut out = BufWriter::new(io::stdout());
    let mut after = arguments.after;
    loop {
        let links = installation.engine.store().audit_after(after, PAGE).await?;
        if links.is_empty() {
            let _ = out.flush();
            return Ok(());
        }
        for link in links {
            after = link.sequence;
            let (Some(event), Some(hash)) = (link.event, link.hash) else {
                let _ = out.flush();
                let what = format!("event {after} holds what Nod never wrote; those behind it: --after {after}");
                return Err(Failure::new(what).next("nod audit verify"));
            };
            let line = match arguments.format {
                Format::Jsonl => jsonl(after, event, hash)?,
                Format::Syslog => syslog(host, after, &event, hash),
            };
            if writeln!(out, "{line}").is_err() {
                // A reader that went away (`| head`) is no error.
                return Ok(());
            }
        }
    }
}

fn jsonl(sequence: i64, event: Event, hash: ChainHash) -> Outcome<String> {
    let exported = Exported { event: view(sequence, event), hash: hash.to_string() };
    Ok(escape_json(&serde_json::to_string(&exported)?))
}

/// One message: `<PRI>1 TIME HOST nod - KIND [SD] SENTENCE`.
fn syslog(host: &str, sequence: i64, event: &Event, hash: ChainHash) -> String {
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

#[cfg(test)]
mod tests {
    use nod_core::{AppId, DeviceId, UserId};

    use super::*;

    fn nasty() -> Event {
        let text = "a\r\n<81>1 b\u{1b}[2J\0\t\u{85}\u{9b}\u{2028}\u{2029}\"x\"]\\] é";
        Event::new(EventKind::PasswordRefused, Timestamp(1_700_000_000_001))
            .user(UserId([1; 16]), text)
            .app(Some(AppId([2; 16])), text)
            .device(DeviceId([3; 16]), text)
            .address(text)
            .detail(text)
    }

    fn is_one_line(line: &str) -> bool {
        !line.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
    }

    #[test]
    fn a_json_line_is_one_line_and_gives_back_every_field() {
        let line = jsonl(7, nasty(), ChainHash([4; 32])).unwrap();
        assert!(is_one_line(&line), "{line}");
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        let event = nasty();
        assert_eq!(
            (read["detail"].as_str(), read["address"].as_str()),
            (Some(&*event.detail), event.address.as_deref())
        );
        assert_eq!(read["user"]["name"].as_str(), event.user.as_ref().map(|(_, name)| &**name));
        assert_eq!(read["hash"], ChainHash([4; 32]).to_string());
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
        let line = syslog("nod.example.com", 7, &nasty(), ChainHash([4; 32]));
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
        let line = syslog("a b", 1, &event, ChainHash::START);
        assert_eq!(
            line,
            "<85>1 1970-01-01T00:00:00.000Z - nod - user_disabled [nod@32473 sequence=\"1\" \
             userId=\"AAAAAAAAAAAAAAAAAAAAAA\" user=\"anna\" hash=\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"] \
             The account anna was disabled."
        );
    }
}

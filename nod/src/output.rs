//! What commands print: tables for people, JSON for programs, times, QR codes.

use std::io::Write as _;

use nod_core::Timestamp;
use serde::{Serialize, Serializer};

use crate::failure::Outcome;

/// Space between columns.
const GAP: usize = 2;

/// Prints a line to standard output. A reader that went away (`| head`) is no error.
pub(crate) fn line(text: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush());
}

/// Prints one value as JSON.
pub(crate) fn json(value: &impl Serialize) -> Outcome {
    line(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Whether it may break a line or steer a terminal: control characters, separators of lines and paragraphs, and what changes the
/// direction of writing, so that a line reads as another one.
fn breaks(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// The text on one line: what might break it is written as `\u{…}` (D08).
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if breaks(character) {
            line.extend(character.escape_unicode());
        } else {
            line.push(character);
        }
    }
    line
}

/// Compact JSON with nothing in it that might break the line. Outside of texts there is no such character, so `\uXXXX` always fits.
pub(crate) fn escape_json(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for character in json.chars() {
        if breaks(character) {
            // All of them are below U+10000: one unit.
            line.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            line.push(character);
        }
    }
    line
}

/// Prints rows below headings, columns aligned.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) {
    line(aligned(headings, rows));
}

/// Prints facts below each other: what, and how it is.
pub(crate) fn facts(rows: &[(&str, String)]) {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + GAP;
    for (name, fact) in rows {
        line(format!("{name:<width$}{}", one_line(fact)));
    }
}

fn aligned<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let headings = headings.map(str::to_owned);
    // Also rows that somebody has edited in the database must not steer the terminal they are shown in (D08).
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| one_line(cell))).collect();
    let all = || std::iter::once(&headings).chain(&rows);
    let mut widths = [0; N];
    for row in all() {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let print = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}{}", " ".repeat(GAP)));
        cells.collect::<String>().trim_end().to_owned()
    };
    all().map(print).collect::<Vec<_>>().join("\n")
}

/// A time in JSON: RFC 3339, UTC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time(pub(crate) Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match jiff::Timestamp::from_millisecond(self.0.0) {
            Ok(time) => serializer.collect_str(&time),
            Err(_) => serializer.serialize_none(),
        }
    }
}

/// A time for people, in this machine's zone.
pub(crate) fn local(time: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(time.0) {
        Ok(time) => time.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => "-".to_owned(),
    }
}

/// `on` or `off`.
pub(crate) const fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// A QR code in half blocks, for a terminal.
pub(crate) fn qr(text: &str) -> Option<String> {
    fast_qr::QRBuilder::new(text).build().ok().map(|code| code.to_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_by_characters() {
        let rows = [["ä".to_owned(), "1".to_owned()], ["longer".to_owned(), String::new()]];
        assert_eq!(aligned(["name", "n"], &rows), "name    n\nä       1\nlonger");
    }

    #[test]
    fn no_cell_steers_the_terminal() {
        let rows = [["a\u{1b}[2J\n".to_owned(), "\u{202E}live".to_owned()]];
        assert_eq!(aligned(["name", "n"], &rows), "name             n\na\\u{1b}[2J\\u{a}  \\u{202e}live");
    }

    #[test]
    fn times_in_json_are_utc() {
        assert_eq!(serde_json::to_string(&Time(Timestamp(1_500))).unwrap(), "\"1970-01-01T00:00:01.5Z\"");
    }
}

//! How long ago, in words: the server does not know the visitor's time zone.

use nod_core::Timestamp;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// "just now", "5 minutes ago", "1 day ago".
pub(super) fn ago(then: Timestamp, now: Timestamp) -> String {
    let passed = now.0.saturating_sub(then.0);
    let (count, unit) = match passed {
        ..MINUTE_MS => return "just now".to_owned(),
        MINUTE_MS..HOUR_MS => (passed / MINUTE_MS, "minute"),
        HOUR_MS..DAY_MS => (passed / HOUR_MS, "hour"),
        _ => (passed / DAY_MS, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_in_words() {
        let table = [
            (0, "just now"),
            (-5_000, "just now"),
            (59_999, "just now"),
            (60_000, "1 minute ago"),
            (3_599_999, "59 minutes ago"),
            (7_200_000, "2 hours ago"),
            (86_400_000, "1 day ago"),
            (40 * 86_400_000, "40 days ago"),
        ];
        for (passed, words) in table {
            assert_eq!(ago(Timestamp(1_000_000), Timestamp(1_000_000 + passed)), words);
        }
    }
}

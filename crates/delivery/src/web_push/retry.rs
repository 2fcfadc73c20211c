//! When to try again, as a pure function.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;

/// Most sends of one message, the first included.
pub const MAX_ATTEMPTS: u32 = 5;
/// Delay before the second send, before jitter.
pub const BASE_DELAY: Duration = Duration::from_millis(500);
/// Longest delay of our own choice.
pub const MAX_DELAY: Duration = Duration::from_secs(8);
/// Longest `Retry-After` that is read as such; a larger one is cut to this.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// Longest `Retry-After` text that is looked at, in bytes. An HTTP date has 29.
const MAX_RETRY_AFTER_BYTES: usize = 64;
/// Refusals ([`super::Outcome::Refused`]) in a row after which the caller drops a subscription: Apple answers 400 for
/// ever, never 410, to a subscription made with another key.
pub const MAX_REFUSALS: u32 = 5;
/// A push with less time left than this is not worth a retry: it would arrive after the request has died.
const MIN_USEFUL_TTL: Duration = Duration::from_secs(1);

/// How long to wait before send number `attempt + 1`, or `None` to give up.
///
/// `attempt` counts the sends made (1 after the first); `after` is the service's `Retry-After`, a lower bound;
/// `ttl_left` is the life left to the request now; `jitter` is a uniform random number that spreads the delay over its
/// upper half.
#[must_use]
pub fn retry_delay(attempt: u32, after: Option<Duration>, ttl_left: Duration, jitter: u32) -> Option<Duration> {
    if attempt >= MAX_ATTEMPTS {
        return None;
    }
    let doublings = attempt.saturating_sub(1).min(16);
    let full = BASE_DELAY.saturating_mul(1 << doublings).min(MAX_DELAY);
    let half = full / 2;
    let spread = half.as_millis() as u64 * u64::from(jitter) / u64::from(u32::MAX);
    let own = half + Duration::from_millis(spread);
    let delay = after.map_or(own, |bound| own.max(bound));
    (delay + MIN_USEFUL_TTL <= ttl_left).then_some(delay)
}

/// `Retry-After` as seconds or as an HTTP date (RFC 9110 section 10.2.3); anything else is `None`.
pub(crate) fn parse_retry_after(text: &str, now_ms: i64) -> Option<Duration> {
    let text = text.trim();
    if text.len() > MAX_RETRY_AFTER_BYTES {
        return None;
    }
    let delay = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let then = DateTimeParser::new().parse_timestamp(text).ok()?.as_millisecond();
            Duration::from_millis(u64::try_from(then.saturating_sub(now_ms)).unwrap_or(0))
        }
    };
    Some(delay.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_retry_after_is_bounded(text in ".{0,80}|[0-9]{1,30}|[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT", now: i64) {
            prop_assert!(parse_retry_after(&text, now).unwrap_or_default() <= MAX_RETRY_AFTER);
        }

        #[test]
        fn delays_stay_inside_their_bounds(attempt in 1_u32..20, after in proptest::option::of(0_u64..120), ttl in 0_u64..120, jitter: u32) {
            let after = after.map(Duration::from_secs);
            let ttl = Duration::from_secs(ttl);
            match retry_delay(attempt, after, ttl, jitter) {
                Some(delay) => {
                    prop_assert!(attempt < MAX_ATTEMPTS);
                    prop_assert!(delay >= BASE_DELAY / 2);
                    prop_assert!(delay >= after.unwrap_or_default());
                    prop_assert!(delay <= MAX_DELAY.max(after.unwrap_or_default()));
                    prop_assert!(delay + MIN_USEFUL_TTL <= ttl);
                }
                None => prop_assert!(
                    attempt >= MAX_ATTEMPTS || ttl < MAX_DELAY.max(after.unwrap_or_default()) + MIN_USEFUL_TTL
                ),
            }
        }
    }

    #[test]
    fn the_schedule_doubles() {
        let long = Duration::from_secs(60);
        let waits: Vec<u128> =
            (1..=MAX_ATTEMPTS).filter_map(|n| retry_delay(n, None, long, u32::MAX)).map(|d| d.as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000]);
        assert_eq!(retry_delay(1, None, long, 0), Some(Duration::from_millis(250)));
    }
}

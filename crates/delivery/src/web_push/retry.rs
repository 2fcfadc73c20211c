//! When to try again, as a pure function.

use std::time::Duration;

/// Most sends of one message, the first included.
pub const MAX_ATTEMPTS: u32 = 5;
/// Delay before the second send, before jitter.
pub const BASE_DELAY: Duration = Duration::from_millis(500);
/// Longest delay of our own choice.
pub const MAX_DELAY: Duration = Duration::from_secs(8);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
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

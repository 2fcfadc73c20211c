//! What all nodes share of the ACME server: account, certificate, the challenge that waits. One value of the installation, sealed.

use nod_engine::Engine;
use nod_engine::ports::{CommitError, Write};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::failure::Outcome;
use crate::system::OsEntropy;

/// The value's key.
pub(crate) const META: &str = "acme";
/// Label under which it is sealed.
pub(crate) const LABEL: &str = "acme account and certificate";
/// A node that began to order may take this long, in milliseconds: more than one order can.
pub(super) const LEASE: i64 = 5 * 60 * 1_000;

/// The value.
#[derive(Clone, Default, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct State {
    /// The directory that the account is of.
    pub(super) directory: String,
    /// The account with its key, as the ACME library writes it.
    pub(super) account: Option<String>,
    /// The certificate and its key, PEM.
    pub(super) pair: Option<Pair>,
    /// What the ACME server is looking for.
    pub(super) challenge: Option<Challenge>,
    /// A node may be ordering until then: the store's clock, in milliseconds.
    pub(super) until: i64,
    /// Orders that failed since the last that did not.
    pub(super) failures: u32,
    /// No order before then: the store's clock, in milliseconds.
    pub(super) next: i64,
    /// Why the last order failed.
    pub(super) said: Option<String>,
}

/// A certificate, the server's own first, and its key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// What an ACME server is looking for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) enum Challenge {
    /// By HTTP-01 (RFC 8555 section 8.3).
    Http { token: String, answer: String },
    /// By TLS-ALPN-01 (RFC 8737): a certificate and its key, PEM.
    Tls(Pair),
}

impl State {
    pub(super) fn is_leased(&self, now: i64) -> bool {
        // What is further away than a lease can be, none gave.
        self.until > now && self.until <= now.saturating_add(LEASE)
    }

    /// Whether the pause after a failure lasts. What is further away than a pause can be, a clock put there that was wrong.
    pub(super) fn waits(&self, now: i64) -> bool {
        let longest = i64::try_from(super::LONGEST_PAUSE.as_millis()).unwrap_or(i64::MAX);
        self.next > now && self.next <= now.saturating_add(longest)
    }
}

/// The value as it stands, and the bytes that it is kept in.
pub(super) async fn read(engine: &Engine) -> Outcome<(Option<Vec<u8>>, State)> {
    let Some(sealed) = engine.store().meta(META).await? else { return Ok((None, State::default())) };
    let plain = engine.vault().open(LABEL, &sealed)?;
    Ok((Some(sealed), serde_json::from_slice(&plain)?))
}

/// Puts the value where `from` stands, and gives its bytes; none when something else stands there by now.
pub(super) async fn put(engine: &Engine, from: Option<Vec<u8>>, state: &State) -> Outcome<Option<Vec<u8>>> {
    let plain = Zeroizing::new(serde_json::to_vec(state)?);
    let to = engine.vault().seal(&OsEntropy, LABEL, &plain)?;
    let (key, value) = (META.to_owned(), to.clone());
    let write = match from {
        Some(from) => Write::ChangeMeta { key, from, to: value },
        None => Write::SetMeta { key, value },
    };
    match engine.store().commit(vec![write]).await {
        Ok(()) => Ok(Some(to)),
        Err(CommitError::Conflict { .. }) => Ok(None),
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_nobody_can_have_meant_is_none() {
        let hour = 60 * 60 * 1_000;
        let at = |time| {
            let mut state = State::default();
            (state.next, state.until) = (time, time);
            state
        };
        assert_eq!([0, 1, 6, 7, 9_000].map(|hours| at(hours * hour).waits(0)), [false, true, true, false, false]);
        assert_eq!([0, LEASE, LEASE + 1, i64::MAX].map(|until| at(until).is_leased(0)), [false, true, false, false]);
        assert!(!at(i64::MAX).waits(0) && !at(5).waits(5));
    }
}

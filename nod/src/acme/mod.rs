//! The public listener's certificate from an ACME server: ordered by one node, used and answered for by all.
//!
//! Every node looks at the shared value each two seconds: it takes a new certificate and answers the challenge that waits there. One
//! that finds the certificate due takes a lease, orders, and puts the new one there. Whatever goes wrong, the certificate before stays.

mod client;
mod order;
mod state;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use nod_engine::Engine;
use nod_engine::ports::{Entropy, random};
use nod_http::{HttpChallenge, Tls, certificate_validity};
use nod_protocol::sha256;

pub(crate) use state::{LABEL, META};

use crate::config::{self, Config, Database, Source};
use crate::failure::{Failure, Outcome};
use crate::installation::Installation;
use crate::output;
use crate::system::OsEntropy;
use order::Way;
use state::{Challenge, Pair, State, put, read};

/// Time between two looks at the shared value.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Other nodes have seen a challenge by then.
const SEEN_AFTER: Duration = Duration::from_secs(5);
/// One order may take this long: less than the lease.
const ORDER_TIME: Duration = Duration::from_secs(4 * 60);
/// Pause after an order that failed, before jitter. It doubles with each one that follows on it. Public servers count failures: five
/// an hour are the least of their limits.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 60 * 60);
/// Doublings that reach the longest pause.
const MOST_DOUBLINGS: u32 = 9;
/// A certificate is renewed when this part of its time is left: a third.
const LEFT: i64 = 3;
/// And up to this part of its time earlier, so that not all servers come at once: a thirtieth.
const EARLIER: i64 = 30;

/// A certificate may begin this much later than now, in seconds: clocks differ.
const MOST_EARLY: i64 = 5 * 60;
/// Largest chain that is taken, in bytes.
const MOST_CHAIN_BYTES: usize = 64 * 1024;
/// Most characters of a failure that are told: the ACME server writes into it.
const MOST_WORDS: usize = 300;

/// A failure for the log and the doctor: one line, and not as long as the ACME server likes.
fn told(failure: &Failure) -> String {
    output::one_line(&failure.words()).chars().take(MOST_WORDS).collect()
}

/// When a certificate that holds from `starts` to `ends` is due for another, in the same unit. `jitter` is a uniform random number.
fn due((starts, ends): (i64, i64), jitter: u32) -> i64 {
    let life = ends.saturating_sub(starts).max(0);
    let earlier = i128::from(life / EARLIER) * i128::from(jitter) / i128::from(u32::MAX);
    ends - life / LEFT - i64::try_from(earlier).unwrap_or(0)
}

/// Pause after so many failures in a row. `jitter` is a uniform random number that spreads it over its upper half.
fn pause(failures: u32, jitter: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(MOST_DOUBLINGS);
    let full = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    full / 2 + (full / 2).mul_f64(f64::from(jitter) / f64::from(u32::MAX))
}

/// What comes of an order that keeps to its time. The library may give up for good over an answer that nobody foresaw; the server
/// goes on.
async fn bounded<T>(time: Duration, order: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    match tokio::time::timeout(time, AssertUnwindSafe(order).catch_unwind()).await {
        Ok(Ok(ordered)) => ordered,
        Ok(Err(_)) => Err(Failure::new("the ACME server's answer cannot be understood")),
        Err(_) => Err(Failure::new(format!("the order was not done within {} s", time.as_secs()))),
    }
}

/// Keeps the certificate.
pub(crate) struct Acme {
    engine: Engine,
    settings: config::Acme,
    host: String,
    way: Way,
    /// Other nodes may have to answer.
    shared: bool,
    tls: Tls,
    http: HttpChallenge,
    /// What is in use of the shared value.
    used: (Option<Pair>, Option<Challenge>),
    /// Bytes of the shared value while this node orders.
    held: Option<Vec<u8>>,
    /// The last complaint: each is told once.
    said: Option<String>,
}

impl Acme {
    /// By the configuration, if it names an ACME server. A certificate from before is in use at once.
    pub(crate) async fn open(installation: &Installation) -> Outcome<Option<Self>> {
        let Config { tls: Some(config::Tls { source: Source::Acme(settings), redirect }), .. } = &installation.config
        else {
            return Ok(None);
        };
        let host = installation.config.address.host().to_owned();
        let mut acme = Self {
            engine: installation.engine.clone(),
            settings: settings.clone(),
            tls: Tls::awaiting(&host)?,
            host,
            way: if redirect.is_some() { Way::Http } else { Way::Tls },
            shared: !matches!(installation.config.database, Database::Sqlite),
            http: HttpChallenge::default(),
            used: (None, None),
            held: None,
            said: None,
        };
        match read(&acme.engine).await {
            Ok((_, state)) => acme.take(&state),
            // Sign-ins through a proxy or another node need no certificate of ours: it is looked at again.
            Err(failure) => acme.tell(Some(told(&failure))),
        }
        if acme.used.0.is_none() {
            tracing::warn!("there is no certificate yet: connections fail until {} has issued one", settings.shown());
        }
        Ok(Some(acme))
    }

    /// What the public listener uses.
    pub(crate) const fn tls(&self) -> &Tls {
        &self.tls
    }

    /// What the listener for plain HTTP answers.
    pub(crate) const fn http(&self) -> &HttpChallenge {
        &self.http
    }

    /// Keeps the certificate until it is told to stop. An order that is under way is given up; the next start orders again.
    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                looked = self.look() => self.tell(looked.err().as_ref().map(told)),
            }
            tokio::select! {
                () = &mut stop => break,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        // Whoever comes next need not wait for the lease to end.
        let _ = self.free().await;
    }

    fn tell(&mut self, complaint: Option<String>) {
        if let Some(words) = complaint.as_ref().filter(|_| complaint != self.said) {
            let kept =
                if self.used.0.is_some() { "the certificate before stays in use" } else { "there is no certificate" };
            tracing::warn!("{kept}: {words}");
        }
        if complaint.is_some() {
            self.said = complaint;
        }
    }

    /// Uses what stands in the shared value.
    fn take(&mut self, state: &State) {
        if state.pair != self.used.0
            && let Some(pair) = &state.pair
        {
            match self.tls.renew(pair.certificate.as_bytes(), pair.key.as_bytes()) {
                Ok(()) => {
                    tracing::info!("a certificate from the ACME server is in use");
                    self.used.0 = Some(pair.clone());
                    self.said = None;
                }
                Err(error) => self.tell(Some(format!("what the ACME server issued cannot be used: {error}"))),
            }
        }
        if state.challenge != self.used.1 {
            self.answer(state.challenge.as_ref());
        }
    }

    fn answer(&mut self, challenge: Option<&Challenge>) {
        let (http, tls) = match challenge {
            Some(Challenge::Http { token, answer }) => (Some((token.clone(), answer.clone())), None),
            Some(Challenge::Tls(pair)) => (None, Some((pair.certificate.as_str(), pair.key.as_str()))),
            None => (None, None),
        };
        self.http.set(http);
        if let Err(error) = self.tls.challenge(tls) {
            tracing::error!("the answer to a challenge cannot be shown: {error}");
        }
        self.used.1 = challenge.cloned();
    }

    async fn look(&mut self) -> Outcome {
        let (stored, mut state) = read(&self.engine).await?;
        self.take(&state);
        let now = self.engine.store().now().await?.0;
        if state.is_leased(now) || state.waits(now) || !self.is_due(now) {
            return Ok(());
        }
        if state.directory != self.settings.directory.as_str() {
            state.directory = self.settings.directory.to_string();
            state.account = None;
        }
        state.until = now.saturating_add(state::LEASE);
        self.held = put(&self.engine, stored, &state).await?;
        if self.held.is_none() {
            return Ok(());
        }
        tracing::info!("a certificate for {} is ordered from {}", self.host, self.settings.shown());
        let ordered = bounded(ORDER_TIME, self.order(&mut state)).await;
        let now = self.engine.store().now().await?.0;
        let ordered = ordered.and_then(|pair| self.usable(pair, now));
        self.settle(state, ordered).await
    }

    /// The pair, if it may take the place of the one before.
    fn usable(&self, pair: Pair, now: i64) -> Outcome<Pair> {
        if pair.certificate.len() > MOST_CHAIN_BYTES {
            return Err(Failure::new(format!("the ACME server issued more than {MOST_CHAIN_BYTES} bytes")));
        }
        self.tls.check(pair.certificate.as_bytes(), pair.key.as_bytes())?;
        if certificate_validity(&pair.certificate).is_some_and(|(starts, _)| starts > now / 1_000 + MOST_EARLY) {
            return Err(Failure::new("the ACME server issued a certificate that does not hold yet"));
        }
        if is_due(&pair, now) {
            return Err(Failure::new("the ACME server issued a certificate that is due for another one already"));
        }
        Ok(pair)
    }

    async fn order(&mut self, state: &mut State) -> Outcome<Pair> {
        let (account, kept) = order::account(&self.settings, state.account.as_deref()).await?;
        state.account = Some(kept);
        let (host, way) = (self.host.clone(), self.way);
        order::order(&account, &host, way, async |challenge| {
            state.challenge = Some(challenge);
            let held = put(&self.engine, self.held.take(), state).await?;
            self.held = Some(held.ok_or_else(|| Failure::new("another node went on with the order"))?);
            self.answer(state.challenge.as_ref());
            if self.shared {
                tokio::time::sleep(SEEN_AFTER).await;
            }
            Ok(())
        })
        .await
    }

    /// Writes down what came of an order.
    async fn settle(&mut self, mut state: State, ordered: Outcome<Pair>) -> Outcome {
        (state.challenge, state.until) = (None, 0);
        let failed = match ordered {
            Ok(pair) => {
                (state.pair, state.failures, state.next, state.said) = (Some(pair), 0, 0, None);
                None
            }
            Err(failure) => {
                state.failures = state.failures.saturating_add(1);
                let jitter = u32::from_be_bytes(random(&OsEntropy as &dyn Entropy));
                let pause = i64::try_from(pause(state.failures, jitter).as_millis()).unwrap_or(i64::MAX);
                state.next = self.engine.store().now().await?.0.saturating_add(pause);
                let words = told(&failure);
                state.said = Some(words.clone());
                Some(Failure::new(words))
            }
        };
        if let Some(held) = self.held.take() {
            put(&self.engine, Some(held), &state).await?;
        }
        self.take(&state);
        failed.map_or(Ok(()), Err)
    }

    /// Gives back the lease of an order that was given up.
    async fn free(&mut self) -> Outcome {
        let Some(held) = self.held.take() else { return Ok(()) };
        let (stored, mut state) = read(&self.engine).await?;
        if stored.as_ref() == Some(&held) {
            (state.challenge, state.until) = (None, 0);
            put(&self.engine, stored, &state).await?;
        }
        Ok(())
    }

    fn is_due(&self, now: i64) -> bool {
        self.used.0.as_ref().is_none_or(|pair| is_due(pair, now))
    }
}

fn is_due(pair: &Pair, now: i64) -> bool {
    let Some(validity) = certificate_validity(&pair.certificate) else { return true };
    // The same for each look and node, another for each certificate.
    let [a, b, c, d, ..] = sha256(pair.certificate.as_bytes());
    now / 1_000 >= due(validity, u32::from_be_bytes([a, b, c, d]))
}

/// What the doctor is told: the certificate's end in seconds since 1970, and why the last order failed.
pub(crate) async fn examined(installation: &Installation) -> Outcome<(Option<i64>, Option<String>)> {
    let (_, state) = read(&installation.engine).await?;
    let ends = state.pair.as_ref().and_then(|pair| certificate_validity(&pair.certificate)).map(|(_, ends)| ends);
    Ok((ends, state.said.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_before_the_end_it_is_due_and_some_time_earlier_by_jitter() {
        let day = 24 * 60 * 60;
        assert_eq!(due((0, 90 * day), 0), 60 * day);
        assert_eq!(due((0, 90 * day), u32::MAX), 57 * day);
        assert_eq!(due((0, 6 * day), 0), 4 * day);
        assert_eq!(due((10, 5), u32::MAX), 5);
    }

    #[tokio::test]
    async fn whatever_becomes_of_an_order_it_ends_with_words() {
        let panicking = async { if LOOK_EVERY.is_zero() { Ok(()) } else { panic!("as a library may") } };
        assert!(bounded(ORDER_TIME, panicking).await.unwrap_err().words().contains("cannot be understood"));
        let endless = bounded(Duration::ZERO, std::future::pending::<Outcome>()).await;
        assert!(endless.unwrap_err().words().contains("not done within 0 s"));
    }

    #[test]
    fn pauses_double_up_to_six_hours() {
        let most = |failures| pause(failures, u32::MAX).as_secs() / 60;
        assert_eq!([1, 2, 3, 9, 10, u32::MAX].map(most), [1, 2, 4, 256, 360, 360]);
        assert_eq!(pause(1, 0), FIRST_PAUSE / 2);
    }
}

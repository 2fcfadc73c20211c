//! A recovery code or pass, typed behind the password by somebody who does not have the phone.
//!
//! It gives the window for one phone and nothing else: no session, no bound browser (INV-19). Typed in a browser that is bound to
//! this person, which a relay is not, the phone is theirs at once; typed in any other, the phone is on hold for a day, in which
//! every other channel of the person can take it back (F14, E15). See docs/decisions/0011-recovery.md.

use nod_core::audit::EventKind;
use nod_core::enrolment::OpenedBy;
use nod_core::limits::{self, Limit};
use nod_core::people::User;
use nod_core::recovery::{RecoveryCode, RecoveryKind, read_typed};
use nod_core::sign_in::SignIn;
use nod_core::{BrowserId, Timestamp, UserId};
use subtle::ConstantTimeEq as _;

use super::code::is_answered;
use super::passkey::supersede;
use crate::engine::{Engine, MAX_RETRIES};
use crate::fault::{Fault, Outcome, applied};
use crate::ports::{CommitError, Grant, Write};
use crate::recovery::label;

/// What clients are told to wait after too many codes, in seconds.
const RETRY_AFTER_SECONDS: u32 = 900;
/// The same between two codes, where only the pause is missing.
const PAUSE_SECONDS: u32 = 5;
/// The one answer to every code that is not right, whether or not the account has any (E14).
const WRONG: &str = "this code is not right, or was used already: look at your sheet and type the next one";

impl Engine {
    /// Uses a recovery code or pass: once on all nodes (E13). Gives the secret of the enrolment cookie; the sign-in is over.
    ///
    /// # Errors
    /// [`Fault::WrongCode`]; [`Fault::TooMany`], also for a right one; [`Fault::Forbidden`] where unknown browsers are refused.
    pub async fn recover(&self, sign_in: &SignIn, typed: &str) -> Outcome<String> {
        for _ in 0..MAX_RETRIES {
            self.check_open(&self.store.sign_in(sign_in.id).await?.ok_or(Fault::NotSignedIn)?).await?;
            let now = self.now().await?;
            let Grant { user, browser, challenge } = self.store.grant(sign_in.id).await?.ok_or(Fault::NotSignedIn)?;
            Self::check_active(&user)?;
            if user.id != sign_in.user || is_answered(&self.store.challenges_of(sign_in.id).await?, now) {
                return Err(Fault::Conflict("the phone has answered this sign-in: see what it says".to_owned()));
            }
            let bound = browser.filter(|browser| browser.is_bound_for(user.id, now)).map(|browser| browser.id);
            if bound.is_none() && self.unknown_refused(user.id).await? {
                return Err(Fault::Forbidden(
                    "a sign-in to this account was reported: use a browser that Nod knows".to_owned(),
                ));
            }
            let source = source(user.id, bound);
            let counts = self.recovery_counts(&source).await?;
            let Some(code) = self.right_code(user.id, typed, now).await? else {
                return self.refuse_recovery(&user, sign_in, &source, counts, now).await;
            };
            let counted = counts.len();
            let (secret, mut writes) = self.recovery_window(&user, sign_in, &code, bound, now).await?;
            writes.splice(..0, counts);
            writes.extend(supersede(challenge.as_ref(), now));
            writes.extend(reset(&source));
            match self.store.commit(writes).await {
                Ok(()) => return Ok(secret),
                Err(CommitError::Conflict { index }) if index < counted => {
                    return self.throttle_recovery(&user, sign_in, &source, index, now).await;
                }
                // Somebody else was first with this code, or the sign-in has moved on.
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(Fault::Busy)
    }

    /// The code that was typed. Every one of the account is compared, so that its first characters tell nothing by time (E14).
    async fn right_code(&self, user: UserId, typed: &str, now: Timestamp) -> Outcome<Option<RecoveryCode>> {
        let hash = nod_protocol::sha256(read_typed(typed).unwrap_or_default().as_bytes());
        let mut right = None;
        for code in self.store.recovery_codes_of(user).await? {
            let opened = self.vault.open(&label(code.id, user), &code.hash);
            let same = opened.is_ok_and(|stored| bool::from(stored.as_slice().ct_eq(&hash)));
            if same && code.is_live(now) {
                right = Some(code);
            }
        }
        Ok(right)
    }

    /// The writes that use the code up, end the sign-in and open the window; what is known of the person better than by a code wins:
    /// in a bound browser, phones on hold go.
    async fn recovery_window(
        &self,
        user: &User,
        sign_in: &SignIn,
        code: &RecoveryCode,
        bound: Option<BrowserId>,
        now: Timestamp,
    ) -> Outcome<(String, Vec<Write>)> {
        let (secret, opened) = self.proved_enrolment(user, OpenedBy::Recovery(bound), now);
        let what = match code.kind {
            RecoveryKind::Code => format!("the recovery code {}…", code.prefix),
            RecoveryKind::Pass => format!("the pass {}…", code.prefix),
        };
        let place = if bound.is_some() { "in a browser that is known" } else { "in an unknown browser" };
        let event = Self::event(EventKind::RecoveryUsed, now, user).address(&sign_in.address);
        let event = event.detail(format!("{what} {place} ({})", sign_in.agent));
        let mut writes = vec![
            Write::UseRecoveryCode { code: code.id, user: user.id, checksum: code.checksum },
            Write::CancelSignIn { sign_in: sign_in.id },
            Write::EndEnrolmentsOf { user: user.id },
        ];
        if bound.is_some() {
            writes.extend(self.end_held(user, now).await?);
        }
        writes.extend([opened, Write::Audit(event)]);
        writes.extend(self.tell(user.id, None, now).await?);
        Ok((secret, writes))
    }

    /// The writes that count one try, whatever it turns out to be (INV-07): within an hour, a day, and, after some wrong ones, with a
    /// pause between.
    async fn recovery_counts(&self, source: &str) -> Outcome<Vec<Write>> {
        let (short, long) = (limits::RECOVERY_TRIES_SHORT, limits::RECOVERY_TRIES_LONG);
        let wrong = self.store.count(&bucket(source, "24h"), long).await?;
        let mut counts = vec![("1h", short), ("24h", long)];
        if wrong >= limits::CODES_WITHOUT_PAUSE {
            counts.push(("pause", limits::CODE_PAUSE));
        }
        Ok(counts.into_iter().map(|(window, limit)| Write::Count { bucket: bucket(source, window), limit }).collect())
    }

    async fn refuse_recovery(
        &self,
        user: &User,
        sign_in: &SignIn,
        source: &str,
        mut writes: Vec<Write>,
        now: Timestamp,
    ) -> Outcome<String> {
        writes.push(Write::Audit(Self::event(EventKind::RecoveryRefused, now, user).address(&sign_in.address)));
        match self.store.commit(writes).await {
            Ok(()) => Err(Fault::WrongCode(WRONG)),
            Err(CommitError::Conflict { index }) => self.throttle_recovery(user, sign_in, source, index, now).await,
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// Tells the audit once an hour, and the person to wait: the same for right and wrong codes.
    async fn throttle_recovery(
        &self,
        user: &User,
        sign_in: &SignIn,
        source: &str,
        limit: usize,
        now: Timestamp,
    ) -> Outcome<String> {
        // The pause is the last of the counts, behind the two caps.
        if limit > 1 {
            return Err(Fault::TooMany { retry_after_seconds: PAUSE_SECONDS });
        }
        let once = Limit { count: 1, window: nod_core::Millis::hours(1) };
        let event = Self::event(EventKind::RecoveryThrottled, now, user).address(&sign_in.address);
        let told = vec![Write::Count { bucket: bucket(source, "told"), limit: once }, Write::Audit(event)];
        applied(self.store.commit(told).await)?;
        Err(Fault::TooMany { retry_after_seconds: RETRY_AFTER_SECONDS })
    }
}

/// Known and unknown browsers count apart, so that a stranger cannot use up the owner's tries (A05).
fn source(user: UserId, bound: Option<BrowserId>) -> String {
    bound.map_or_else(|| format!("unknown/{user}"), |browser| format!("browser/{browser}"))
}

fn bucket(source: &str, window: &str) -> String {
    format!("recovery/{window}/{source}")
}

fn reset(source: &str) -> impl Iterator<Item = Write> {
    ["1h", "24h", "pause"].into_iter().map(|window| Write::ResetCount { bucket: bucket(source, window) })
}

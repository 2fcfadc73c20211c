//! A one-time code, typed in the signing-in browser in place of the phone's answer.

use nod_core::audit::EventKind;
use nod_core::challenge::{Challenge, ChallengeState};
use nod_core::oath::{OathToken, Seen};
use nod_core::people::User;
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{Timestamp, UserId, limits, policy};

use super::passkey::supersede;
use crate::engine::{Engine, MAX_RETRIES};
use crate::fault::{Fault, Outcome, applied};
use crate::meters::Met;
use crate::ports::{CommitError, Grant, Write};

/// What clients are told to wait after too many codes, in seconds.
const RETRY_AFTER_SECONDS: u32 = 900;
/// The same between two codes, where only the pause is missing.
const PAUSE_SECONDS: u32 = 5;

/// What a typed code came to, over all tokens of a user.
enum Judged {
    /// Right for this token, which becomes the other.
    Right(Box<(OathToken, OathToken)>),
    /// Refused; what the person is told.
    Refused(&'static str),
}

impl Engine {
    /// Whether this sign-in may go on with a one-time code now: from a bound browser, by a user with a token, unless the phone has
    /// answered (INV-13). It depends on nothing that the client says but its proof (INV-14).
    pub(super) async fn may_type_code(
        &self,
        sign_in: &SignIn,
        challenges: &[Challenge],
        now: Timestamp,
    ) -> Outcome<bool> {
        let Some(browser) = sign_in.browser.filter(|_| !is_answered(challenges, now)) else { return Ok(false) };
        let tokens = self.active_tokens(sign_in.user).await?.len();
        if tokens == 0 {
            return Ok(false);
        }
        let bound = self.store.browser(browser).await?.is_some_and(|browser| browser.is_bound_for(sign_in.user, now));
        Ok(policy::may_type_code(bound, tokens))
    }

    /// Accepts a one-time code; the sign-in can then be finished, and a request on the phone is withdrawn. In one commit the code is
    /// used up, so that it opens one sign-in on all nodes (C02, C03); a wrong one is counted before it is answered (INV-07).
    ///
    /// # Errors
    /// [`Fault::WrongCode`]; [`Fault::TooMany`], also for a right one; [`Fault::Forbidden`] where no code may be typed.
    pub async fn prove_code(&self, sign_in: &SignIn, typed: &str) -> Outcome<()> {
        for _ in 0..MAX_RETRIES {
            self.check_open(sign_in).await?;
            let now = self.now().await?;
            let Grant { user, browser, challenge } = self.store.grant(sign_in.id).await?.ok_or(Fault::NotSignedIn)?;
            Self::check_active(&user)?;
            if is_answered(&self.store.challenges_of(sign_in.id).await?, now) {
                return Err(Fault::Conflict("the phone has answered this sign-in: see what it says".to_owned()));
            }
            let bound = browser.is_some_and(|browser| browser.is_bound_for(user.id, now));
            let tokens = self.active_tokens(user.id).await?;
            if user.id != sign_in.user || !policy::may_type_code(bound, tokens.len()) {
                return Err(Fault::Forbidden("no code can be used for this sign-in: use your passkey".to_owned()));
            }
            let counts = self.code_counts(user.id, &tokens).await?;
            match self.judge_code(&tokens, typed, now)? {
                Judged::Refused(why) => return self.refuse_code(&user, sign_in, counts, why, now).await,
                Judged::Right(token) => {
                    let (writes, counted) = self.code_writes(sign_in, *token, challenge.as_ref(), counts, now)?;
                    match self.store.commit(writes).await {
                        Ok(()) => return Ok(()),
                        Err(CommitError::Conflict { index }) if index < counted => {
                            return self.throttle_code(&user, sign_in, index, now).await;
                        }
                        // Somebody else was first with this code, or the sign-in has moved on.
                        Err(CommitError::Conflict { .. }) => {}
                        Err(CommitError::Store(error)) => return Err(error.into()),
                    }
                }
            }
        }
        Err(Fault::Busy)
    }

    /// The writes of a right code, and how many of them, the first, count the try.
    fn code_writes(
        &self,
        sign_in: &SignIn,
        (from, to): (OathToken, OathToken),
        challenge: Option<&Challenge>,
        mut writes: Vec<Write>,
        now: Timestamp,
    ) -> Outcome<(Vec<Write>, usize)> {
        let counted = writes.len();
        let state = SignInState::Coded(to.id);
        let checksum = self.vault.resealed(sign_in, &SignIn { state, ..sign_in.clone() })?;
        writes.extend(reset_codes(to.user));
        writes.push(Write::ChangeOathToken { from: from.checksum, to: self.vault.sealed(to) });
        writes.extend(supersede(challenge, now));
        writes.push(Write::ProveSignIn { sign_in: sign_in.id, to: state, checksum });
        Ok((writes, counted))
    }

    /// The writes that count one try of this user, whatever it turns out to be (INV-07): within an hour, a day, in a row, and, after
    /// some wrong ones, with a pause between.
    async fn code_counts(&self, user: UserId, tokens: &[OathToken]) -> Outcome<Vec<Write>> {
        let [short, long] = limits::code_tries(tokens.iter().map(OathToken::candidates).sum());
        let wrong = self.store.count(&code_bucket(user, "24h"), long).await?;
        let mut counts = vec![("1h", short), ("24h", long), ("row", limits::CODE_TRIES_IN_A_ROW)];
        if wrong >= limits::CODES_WITHOUT_PAUSE {
            counts.push(("pause", limits::CODE_PAUSE));
        }
        let write = |(window, limit)| Write::Count { bucket: code_bucket(user, window), limit };
        Ok(counts.into_iter().map(write).collect())
    }

    fn judge_code(&self, tokens: &[OathToken], typed: &str, now: Timestamp) -> Outcome<Judged> {
        let mut right = None;
        for token in tokens {
            match token.judge(&self.token_secret(token)?, typed, now) {
                Seen::Right { next } => {
                    let to = OathToken { next, last_used_at: Some(now), ..token.clone() };
                    right = Some(Judged::Right(Box::new((token.clone(), to))));
                }
                // Whatever another token says to it.
                Seen::Used => return Ok(Judged::Refused("this code was used already: wait for the next one")),
                Seen::Wrong => {}
            }
        }
        Ok(right.unwrap_or(Judged::Refused("this code is not right: type the one that is shown now")))
    }

    async fn refuse_code(
        &self,
        user: &User,
        sign_in: &SignIn,
        mut writes: Vec<Write>,
        why: &'static str,
        now: Timestamp,
    ) -> Outcome<()> {
        let event = Self::event(EventKind::CodeRefused, now, user).address(&sign_in.address);
        // The sentence for the person ends with what to do; the audit takes what happened.
        writes.push(Write::Audit(event.detail(why.split(':').next().unwrap_or(why))));
        match self.store.commit(writes).await {
            Ok(()) => {
                self.meters.code(Met::WrongCode);
                Err(Fault::WrongCode(why))
            }
            Err(CommitError::Conflict { index }) => self.throttle_code(user, sign_in, index, now).await,
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// Tells the audit once an hour, and the person to wait: the same for right and wrong codes.
    async fn throttle_code(&self, user: &User, sign_in: &SignIn, limit: usize, now: Timestamp) -> Outcome<()> {
        self.meters.code(Met::Throttled);
        // The pause is the last of the counts, behind the three caps.
        if limit > 2 {
            return Err(Fault::TooMany { retry_after_seconds: PAUSE_SECONDS });
        }
        let once = limits::Limit { count: 1, window: nod_core::Millis::hours(1) };
        let event = Self::event(EventKind::CodeThrottled, now, user).address(&sign_in.address);
        let told = vec![Write::Count { bucket: code_bucket(user.id, "told"), limit: once }, Write::Audit(event)];
        applied(self.store.commit(told).await)?;
        Err(Fault::TooMany { retry_after_seconds: RETRY_AFTER_SECONDS })
    }
}

/// Whether the phone has said something that a code must not talk over (INV-02): of any question of the sign-in, also where it was
/// asked again since.
pub(super) fn is_answered(challenges: &[Challenge], now: Timestamp) -> bool {
    challenges.iter().any(|challenge| match challenge.state_at(now) {
        ChallengeState::Approved(_)
        | ChallengeState::Consumed(_)
        | ChallengeState::Denied(_)
        | ChallengeState::Failed(_) => true,
        ChallengeState::Pending | ChallengeState::Expired | ChallengeState::Superseded | ChallengeState::Withdrawn => {
            false
        }
    })
}

/// Forgets wrong codes: only after a right one (INV-07).
pub(crate) fn reset_codes(user: UserId) -> impl Iterator<Item = Write> {
    ["1h", "24h", "row", "pause"].into_iter().map(move |window| Write::ResetCount { bucket: code_bucket(user, window) })
}

/// Wrong codes of a user, whichever token they were meant for and whichever node they came to.
fn code_bucket(user: UserId, window: &str) -> String {
    format!("code/{window}/{user}")
}

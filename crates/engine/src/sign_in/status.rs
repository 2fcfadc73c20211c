//! What the waiting page shows.

use nod_core::challenge::{Challenge, ChallengeState, Decision};
use nod_core::push::Stage;
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{Timestamp, limits};
use nod_protocol::SixDigits;
use nod_protocol::pages::{SignInOutcome, SignInPhase, SignInStatus};

use super::code::is_answered;
use super::is_over;
use crate::engine::Engine;
use crate::fault::Outcome;
use crate::ports::{Topic, Waiter};

impl Engine {
    /// A place to wait for the next change of this sign-in.
    #[must_use]
    pub fn watch_sign_in(&self, sign_in: &SignIn) -> Waiter {
        self.store.wakes().wait_for(Topic::SignIn(sign_in.id))
    }

    /// How this sign-in stands.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn status(&self, sign_in: &SignIn) -> Outcome<SignInStatus> {
        let now = self.now().await?;
        let challenges = self.store.challenges_of(sign_in.id).await?;
        let newest = challenges.first();
        let (app, _) = self.app_for(sign_in.app, sign_in.user).await?;
        let mut status = SignInStatus {
            phase: SignInPhase::Ended,
            outcome: None,
            devices: Vec::new(),
            number: None,
            sent: false,
            reached: false,
            opened: false,
            answered: false,
            expires_at: sign_in.expires_at.0,
            now: now.0,
            can_resend: false,
            can_type_code: false,
            can_recover: false,
            held_until: None,
            known_browser: false,
            app: self.app_name(app.as_ref()),
            location: None,
        };
        (status.phase, status.outcome) = match sign_in.state {
            SignInState::Cancelled => (SignInPhase::Ended, Some(cancelled_outcome(newest))),
            SignInState::Finished => (SignInPhase::Ended, None),
            _ if is_over(sign_in, now) => (SignInPhase::Ended, Some(SignInOutcome::Expired)),
            SignInState::Proved { .. } | SignInState::Coded(_) => (SignInPhase::Ready, None),
            SignInState::Open => match newest {
                Some(challenge) => phase_of(challenge, now),
                None => (self.phase_without_challenge(sign_in).await?, None),
            },
        };
        if sign_in.state == SignInState::Open && !is_over(sign_in, now) {
            status.can_type_code = self.may_type_code(sign_in, &challenges, now).await?;
            // The same for every account: it tells nothing of what there is to recover with.
            status.can_recover = !is_answered(&challenges, now);
            let held = self.held_devices(sign_in.user, now).await?;
            status.held_until = held.into_iter().filter_map(|device| device.held_until).max().map(|end| end.0);
            // Without a phone there is nothing else to offer than the code.
            if status.can_type_code && status.phase == SignInPhase::Locked {
                status.phase = SignInPhase::Code;
            }
        }
        if let (SignInPhase::Introduce, Some(browser)) = (status.phase, sign_in.browser) {
            let browser = self.store.browser(browser).await?;
            status.known_browser = browser.is_some_and(|browser| browser.is_bound_for(sign_in.user, now));
        }
        if let Some(challenge) = newest {
            self.add_progress(&mut status, challenge, now).await?;
        }
        Ok(status)
    }

    async fn phase_without_challenge(&self, sign_in: &SignIn) -> Outcome<SignInPhase> {
        let devices = self.phones_for(sign_in).await?;
        Ok(if self.signers(sign_in.user, &devices).await?.is_empty() {
            SignInPhase::Locked
        } else {
            SignInPhase::Introduce
        })
    }

    async fn add_progress(&self, status: &mut SignInStatus, challenge: &Challenge, now: Timestamp) -> Outcome<()> {
        let stages = self.store.stages(challenge.id.0).await?;
        let seen = |wanted: &[Stage]| stages.iter().any(|(_, stage, _)| wanted.contains(stage));
        status.answered = challenge.state.answer().is_some();
        status.opened = status.answered || seen(&[Stage::Fetched]);
        status.reached = status.opened || seen(&[Stage::WorkerWoke, Stage::Shown]);
        status.sent = status.reached || seen(&[Stage::Accepted]);
        if challenge.is_live(now) {
            let devices = self.active_devices(challenge.user, now).await?;
            status.devices = devices.into_iter().map(|device| device.name).collect();
            status.expires_at = challenge.expires_at.0;
            status.number = challenge.number.and_then(|n| SixDigits::parse_typed(&n.to_string()).ok());
            let pushes = self.store.pushes_of(challenge.id.0).await?.len();
            status.can_resend = pushes > 0 && pushes < limits::PUSHES_PER_CHALLENGE as usize + 2;
        }
        Ok(())
    }
}

fn phase_of(challenge: &Challenge, now: Timestamp) -> (SignInPhase, Option<SignInOutcome>) {
    let ended = |outcome| (SignInPhase::Ended, Some(outcome));
    match challenge.state_at(now) {
        ChallengeState::Pending => (SignInPhase::Waiting, None),
        ChallengeState::Approved(_) => (SignInPhase::Ready, None),
        ChallengeState::Consumed(_) => (SignInPhase::Ended, None),
        ChallengeState::Denied(answer) if answer.decision == Decision::DenyFraud => ended(SignInOutcome::Fraud),
        ChallengeState::Denied(_) => ended(SignInOutcome::Denied),
        ChallengeState::Failed(_) => ended(SignInOutcome::WrongNumber),
        ChallengeState::Expired => ended(SignInOutcome::Expired),
        ChallengeState::Superseded => ended(SignInOutcome::Superseded),
        ChallengeState::Withdrawn => ended(SignInOutcome::Withdrawn),
    }
}

fn cancelled_outcome(newest: Option<&Challenge>) -> SignInOutcome {
    let fraud = newest.and_then(|c| c.state.answer()).is_some_and(|a| a.decision == Decision::DenyFraud);
    if fraud { SignInOutcome::Fraud } else { SignInOutcome::Withdrawn }
}

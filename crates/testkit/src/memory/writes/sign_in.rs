//! Sign-ins and challenges.

use nod_core::challenge::{Challenge, ChallengeState};
use nod_core::oath::OathState;
use nod_core::possession::DeviceState;
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{ChallengeId, DeviceId, SignInId, Timestamp, UNSEALED, UserId};
use nod_engine::ports::Write;

use super::super::State;
use super::when;

impl State {
    pub(super) fn apply_sign_in(&mut self, write: &Write, now: Timestamp) -> Option<()> {
        match write {
            Write::AddSignIn(sign_in) => self.add_sign_in(sign_in, now),
            Write::ProveSignIn { sign_in, to, checksum } => {
                when(matches!(to, SignInState::Proved { .. } | SignInState::Coded(_)))?;
                self.no_other_challenge(*sign_in, now)?;
                let row = self.sign_ins.get_mut(sign_in)?;
                when(row.state == SignInState::Open && !row.expires_at.has_passed(now))?;
                (row.state, row.checksum) = (*to, *checksum);
                Some(())
            }
            Write::FinishSignIn { sign_in, proved } => self.finish(*sign_in, *proved, now),
            Write::CancelSignIn { sign_in } => {
                let row = self.sign_ins.get_mut(sign_in)?;
                when(!matches!(row.state, SignInState::Finished | SignInState::Cancelled))?;
                (row.state, row.checksum) = (SignInState::Cancelled, UNSEALED);
                Some(())
            }
            Write::OpenChallenge(challenge) => self.open_challenge(challenge, now),
            Write::RaiseChallenge { challenge, version, number, sign_in, user, checksum } => {
                let row = self.challenge_of(*challenge, *sign_in, *user)?;
                when(row.is_live(now) && row.version == *version && row.number.is_none())?;
                row.number = Some(*number);
                row.version += 1;
                row.checksum = *checksum;
                Some(())
            }
            Write::AnswerChallenge { challenge, version, to, sign_in, user, checksum } => {
                let answerable =
                    matches!(to, ChallengeState::Approved(_) | ChallengeState::Denied(_) | ChallengeState::Failed(_));
                when(answerable)?;
                self.user_active(*user)?;
                self.device_may_answer(to.answer()?.device, *user)?;
                let row = self.challenge_of(*challenge, *sign_in, *user)?;
                #[cfg(not(nod_break = "unguarded_answer"))]
                when(row.is_live(now) && row.version == *version)?; // INV-01
                #[cfg(nod_break = "unguarded_answer")]
                let _ = version;
                (row.state, row.checksum) = (to.clone(), *checksum);
                Some(())
            }
            Write::EndChallenge { challenge, to, sign_in, user } => {
                let row = self.challenge_of(*challenge, *sign_in, *user)?;
                when(row.state == ChallengeState::Pending)?;
                when(match to {
                    ChallengeState::Withdrawn | ChallengeState::Superseded => true,
                    ChallengeState::Expired => row.expires_at.has_passed(now),
                    _ => false,
                })?;
                (row.state, row.checksum) = (to.clone(), UNSEALED);
                Some(())
            }
            Write::ConsumeChallenge { challenge, sign_in, user } => self.consume(*challenge, *sign_in, *user),
            _ => None,
        }
    }

    fn finish(&mut self, sign_in: SignInId, proved: bool, now: Timestamp) -> Option<()> {
        self.user_active(self.sign_ins.get(&sign_in)?.user)?;
        let found = self.sign_ins.get(&sign_in)?;
        if let (SignInState::Open, Some(browser)) = (found.state, found.browser) {
            when(self.browsers.get(&browser).is_some_and(|row| row.bound && row.user == found.user))?;
        }
        if let SignInState::Proved { passkey, .. } = found.state {
            let own = self.security_keys.get(&passkey).is_some_and(|key| key.user == found.user);
            let phone = self.passkeys.get(&passkey).and_then(|passkey| self.devices.get(&passkey.device));
            when(own || phone.is_some_and(|device| device.state == DeviceState::Active))?;
        }
        if let SignInState::Coded(token) = found.state {
            let token = self.oath_tokens.get(&token)?;
            when(token.user == found.user && token.state == OathState::Active)?;
            when(self.browsers.get(&found.browser?).is_some_and(|row| row.bound && row.user == found.user))?;
        }
        let row = self.sign_ins.get_mut(&sign_in)?;
        let expected = match row.state {
            SignInState::Open => !proved,
            SignInState::Proved { .. } | SignInState::Coded(_) => proved,
            SignInState::Finished | SignInState::Cancelled => false,
        };
        when(expected && !row.expires_at.has_passed(now))?;
        (row.state, row.checksum) = (SignInState::Finished, UNSEALED);
        Some(())
    }

    fn add_sign_in(&mut self, sign_in: &SignIn, now: Timestamp) -> Option<()> {
        self.user_active(sign_in.user)?;
        if let Some(browser) = sign_in.browser {
            let browser = self.browsers.get(&browser)?;
            when(browser.is_bound(now) && browser.user == sign_in.user)?;
        }
        self.sign_ins.add(sign_in.id, sign_in.clone())
    }

    /// No challenge of the sign-in is live or approved.
    fn no_other_challenge(&self, sign_in: SignInId, now: Timestamp) -> Option<()> {
        let stands = |challenge: &Challenge| {
            challenge.sign_in == sign_in
                && (challenge.is_live(now) || matches!(challenge.state, ChallengeState::Approved(_)))
        };
        when(!self.challenges.values().any(stands))
    }

    fn open_challenge(&mut self, challenge: &Challenge, now: Timestamp) -> Option<()> {
        self.user_active(challenge.user)?;
        let sign_in = self.sign_ins.get(&challenge.sign_in)?;
        when(sign_in.state == SignInState::Open && sign_in.user == challenge.user)?;
        when(!sign_in.expires_at.has_passed(now) && challenge.state == ChallengeState::Pending)?;
        self.no_other_challenge(challenge.sign_in, now)?;
        self.numbered_beside_others(challenge, now)?;
        self.challenges.add(challenge.id, challenge.clone())
    }

    /// Two live challenges of one user both have numbers (INV-08), whoever opened them and however close together.
    fn numbered_beside_others(&self, challenge: &Challenge, now: Timestamp) -> Option<()> {
        let mut others =
            self.challenges.values().filter(|other| other.user == challenge.user && other.is_live(now)).peekable();
        when(others.peek().is_none() || (challenge.number.is_some() && others.all(|other| other.number.is_some())))
    }

    fn consume(&mut self, challenge: ChallengeId, sign_in: SignInId, user: UserId) -> Option<()> {
        self.user_active(user)?;
        let row = self.challenge_of(challenge, sign_in, user)?;
        let ChallengeState::Approved(answer) = row.state.clone() else { return None };
        (row.state, row.checksum) = (ChallengeState::Consumed(answer.clone()), UNSEALED);
        self.device_may_answer(answer.device, user) // INV-10
    }

    fn challenge_of(&mut self, challenge: ChallengeId, sign_in: SignInId, user: UserId) -> Option<&mut Challenge> {
        self.challenges.get_mut(&challenge).filter(|row| row.sign_in == sign_in && row.user == user)
    }

    fn device_may_answer(&self, device: DeviceId, user: UserId) -> Option<()> {
        let device = self.devices.get(&device)?;
        when(device.state == DeviceState::Active && device.user == user)
    }
}

//! The challenge state machine: `pending -> approved | denied | expired | superseded | failed | withdrawn`, and from
//! `approved` once to `consumed` (INV-01, INV-02).

use crate::checksum::Checksum;
use crate::id::{ChallengeId, DeviceId, SignInId, UserId};
use crate::time::Timestamp;

/// What the person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Open the door.
    Approve,
    /// Leave it shut.
    Deny,
    /// Leave it shut; somebody else is trying.
    DenyFraud,
}

/// A verified answer as it is kept: an auditor can check it later without Nod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// By which phone.
    pub device: DeviceId,
    /// What was decided.
    pub decision: Decision,
    /// The signed answer (`nod-answer+jwt`, compact JWS).
    pub jws: String,
    /// The WebAuthn assertion of an approval, as JSON.
    pub assertion: Option<String>,
    /// When it was accepted.
    pub at: Timestamp,
}

/// Where in its life a challenge is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChallengeState {
    /// Waits for an answer.
    Pending,
    /// Approved, not yet collected.
    Approved(Answer),
    /// Approved and collected by its sign-in, once.
    Consumed(Answer),
    /// Denied.
    Denied(Answer),
    /// Approved with a wrong number (INV-07).
    Failed(Answer),
    /// Nobody answered in time.
    Expired,
    /// Replaced by a newer one.
    Superseded,
    /// Cancelled, or the door gave up.
    Withdrawn,
}

impl ChallengeState {
    /// The state's name in the store, in reports and in errors.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved(_) => "approved",
            Self::Consumed(_) => "consumed",
            Self::Denied(_) => "denied",
            Self::Failed(_) => "failed",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The signed answer, in the states that have one.
    #[must_use]
    pub const fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Approved(answer) | Self::Consumed(answer) | Self::Denied(answer) | Self::Failed(answer) => {
                Some(answer)
            }
            Self::Pending | Self::Expired | Self::Superseded | Self::Withdrawn => None,
        }
    }
}

/// Six digits shown where the person signs in and typed on the phone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Number(u32);

impl Number {
    /// The number for 32 random bits. The bias of the remainder is below 10^-3 of a guess.
    #[must_use]
    pub const fn from_random(bits: u32) -> Self {
        Self(bits % 1_000_000)
    }
    /// Reads exactly six ASCII digits; blanks between them are forgiven.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let plain = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit());
        if plain { digits.parse().ok().map(Self) } else { None }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:06}", self.0)
    }
}
impl std::fmt::Debug for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Number(..)")
    }
}

/// One second-factor question, tied to one sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Identity; also the push's `Topic`.
    pub id: ChallengeId,
    /// The sign-in that may collect the result (INV-05).
    pub sign_in: SignInId,
    /// Who is asked.
    pub user: UserId,
    /// Counts up when the demand is raised; an answer names the version that was shown.
    pub version: u32,
    /// Where in its life.
    pub state: ChallengeState,
    /// 256 random bits.
    pub nonce: [u8; 32],
    /// The bytes that the phone shows and whose hash it signs (INV-03).
    pub context: Vec<u8>,
    /// The number to type, in number mode.
    pub number: Option<Number>,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it ends, by the store's clock (INV-06).
    pub expires_at: Timestamp,
    /// Over the whole row (INV-21).
    pub checksum: Checksum,
}

impl Challenge {
    /// Whether it can be answered at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.state == ChallengeState::Pending && !self.expires_at.has_passed(now)
    }

    /// The state at `now`: a pending challenge past its end has expired, whether or not the store has been told.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> ChallengeState {
        if self.state == ChallengeState::Pending && self.expires_at.has_passed(now) {
            return ChallengeState::Expired;
        }
        self.state.clone()
    }

    /// What a verified answer does to this challenge. The store applies it with one conditional write (INV-01).
    ///
    /// # Errors
    /// [`Refused`] when the challenge is no longer what the phone answered.
    pub fn answered(
        &self,
        now: Timestamp,
        version: u32,
        number: Option<Number>,
        answer: Answer,
    ) -> Result<ChallengeState, Refused> {
        if self.state != ChallengeState::Pending {
            return Err(Refused::Ended(self.state.name()));
        }
        if self.expires_at.has_passed(now) {
            return Err(Refused::Expired);
        }
        if self.version != version {
            return Err(Refused::Raised);
        }
        Ok(match answer.decision {
            Decision::Deny | Decision::DenyFraud => ChallengeState::Denied(answer),
            Decision::Approve if self.number.is_none_or(|shown| number == Some(shown)) => {
                ChallengeState::Approved(answer)
            }
            Decision::Approve => ChallengeState::Failed(answer),
        })
    }
}

/// Why an answer changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is over; the state's name says how.
    #[error("this request has already ended ({0})")]
    Ended(&'static str),
    /// Too late.
    #[error("this request has expired")]
    Expired,
    /// The demand was raised after the phone fetched it.
    #[error("this request now asks for a number: open it again")]
    Raised,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(number: Option<Number>) -> Challenge {
        Challenge {
            id: ChallengeId([1; 16]),
            sign_in: SignInId([2; 16]),
            user: UserId([3; 16]),
            version: 2,
            state: ChallengeState::Pending,
            nonce: [4; 32],
            context: b"{}".to_vec(),
            number,
            created_at: Timestamp(0),
            expires_at: Timestamp(120_000),
            checksum: crate::UNSEALED,
        }
    }

    fn answer(decision: Decision) -> Answer {
        Answer { device: DeviceId([5; 16]), decision, jws: String::new(), assertion: None, at: Timestamp(1) }
    }

    #[test]
    fn answers_move_a_pending_challenge_as_decided() {
        let number = Number::parse("012 345");
        for (asked, typed, decision, expected) in [
            (None, None, Decision::Approve, "approved"),
            (None, Number::parse("999999"), Decision::Approve, "approved"),
            (number, number, Decision::Approve, "approved"),
            (number, Number::parse("012346"), Decision::Approve, "failed"),
            (number, None, Decision::Approve, "failed"),
            (number, None, Decision::Deny, "denied"),
            (None, None, Decision::DenyFraud, "denied"),
        ] {
            let next = challenge(asked).answered(Timestamp(119_999), 2, typed, answer(decision)).map(|s| s.name());
            assert_eq!(next, Ok(expected));
        }
    }

    #[test]
    fn late_old_and_second_answers_are_refused() {
        let open = challenge(None);
        let approve = || answer(Decision::Approve);
        assert_eq!(open.answered(Timestamp(120_000), 2, None, approve()), Err(Refused::Expired));
        assert_eq!(open.answered(Timestamp(5), 1, None, approve()), Err(Refused::Raised));
        for ended in [
            ChallengeState::Approved(approve()),
            ChallengeState::Consumed(approve()),
            ChallengeState::Denied(answer(Decision::Deny)),
            ChallengeState::Failed(approve()),
            ChallengeState::Expired,
            ChallengeState::Superseded,
            ChallengeState::Withdrawn,
        ] {
            let name = ended.name();
            let challenge = Challenge { state: ended, ..challenge(None) };
            assert_eq!(challenge.answered(Timestamp(5), 2, None, approve()), Err(Refused::Ended(name)), "INV-02");
        }
    }

    #[test]
    fn numbers_are_six_digits() {
        assert_eq!(Number::parse("004 711").map(|n| n.to_string()).as_deref(), Some("004711"));
        for bad in ["", "12345", "1234567", "12345a", "１２３４５６", "-12345", "+12345"] {
            assert!(Number::parse(bad).is_none(), "{bad}");
        }
    }
}

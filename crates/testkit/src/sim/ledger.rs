//! What honest people and phones did, kept apart from the engines, and the properties that must hold against it.

use std::collections::{HashMap, HashSet};

use nod_core::challenge::{Challenge, ChallengeState};
use nod_core::{ChallengeId, SignInId, Timestamp};

/// What runs did, so that a test can see that it tested something.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    /// Steps taken.
    pub steps: u64,
    /// Sessions issued.
    pub grants: u64,
    /// Requests put before a phone.
    pub prompts: u64,
    /// Answers that an engine took.
    pub answered: u64,
    /// Answers that an engine refused.
    pub refused: u64,
    /// Engine runs stopped in the middle.
    pub crashes: u64,
    /// Sign-ins from browsers that were not bound.
    pub unbound: u64,
}

impl Tally {
    /// The sum of two.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            steps: self.steps + other.steps,
            grants: self.grants + other.grants,
            prompts: self.prompts + other.prompts,
            answered: self.answered + other.answered,
            refused: self.refused + other.refused,
            crashes: self.crashes + other.crashes,
            unbound: self.unbound + other.unbound,
        }
    }
}

/// What an honest phone signed after showing it: which request, version and number.
pub(super) type Approval = (ChallengeId, u32, Option<String>);

/// The honest record.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) tally: Tally,
    /// Sign-ins begun, and whether a bound browser began them.
    pub(super) sign_ins: Vec<(SignInId, bool)>,
    /// Approvals that honest phones signed over what they showed.
    pub(super) approvals: HashSet<Approval>,
    /// Numbers that people saw on their own screens.
    pub(super) screens: HashMap<ChallengeId, String>,
    /// Results collected per sign-in.
    pub(super) collected: HashMap<SignInId, u32>,
    states: HashMap<ChallengeId, &'static str>,
}

impl Ledger {
    /// INV-11: an unbound browser causes no prompt; at most one live request per sign-in.
    pub(super) fn check_sign_in(
        &self,
        sign_in: SignInId,
        bound: bool,
        challenges: &[Challenge],
        now: Timestamp,
    ) -> Option<String> {
        if !bound && !challenges.is_empty() {
            return Some(format!("{sign_in:?}: an unbound browser caused a prompt"));
        }
        if challenges.iter().filter(|challenge| challenge.is_live(now)).count() > 1 {
            return Some(format!("{sign_in:?}: two live requests"));
        }
        match self.collected.get(&sign_in) {
            Some(count) if *count > 1 => Some(format!("{sign_in:?}: collected {count} times")),
            _ => None,
        }
    }

    /// INV-02: final states are final. INV-03: an approval stands on a signature over what was shown.
    pub(super) fn check_challenge(&mut self, challenge: &Challenge, now: Timestamp) -> Option<String> {
        let name = challenge.state.name();
        let before = self.states.insert(challenge.id, name).unwrap_or("pending");
        let moved = before != name;
        let lawful = !moved || before == "pending" || (before == "approved" && name == "consumed");
        if !lawful {
            return Some(format!("{:?}: {before} became {name}", challenge.id));
        }
        if !moved || !matches!(challenge.state, ChallengeState::Approved(_) | ChallengeState::Consumed(_)) {
            return None;
        }
        if before == "pending" && challenge.expires_at.has_passed(now) {
            return Some(format!("{:?}: approved after its end", challenge.id));
        }
        let number = challenge.number.map(|number| number.to_string());
        let signed = self.approvals.contains(&(challenge.id, challenge.version, number));
        (!signed).then(|| format!("{:?}: {name} without an honest signature over what was shown", challenge.id))
    }
}

/// INV-08: two live requests of one user both have numbers.
pub(super) fn check_numbers(live: &[Challenge]) -> Option<String> {
    let bare = live.len() > 1 && live.iter().any(|challenge| challenge.number.is_none());
    bare.then(|| format!("{} live requests of one user, one without a number", live.len()))
}

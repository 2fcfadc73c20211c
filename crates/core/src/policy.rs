//! What a sign-in is asked: the strict profile. One pure function decides (INV-11, INV-13, INV-14, INV-17).

use crate::limits;

/// Everything the decision may look at. No field but the binding proof comes from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The account may sign in.
    pub user_active: bool,
    /// The app admits this user.
    pub app_admits: bool,
    /// The browser proved that it is bound to this user.
    pub browser_bound: bool,
    /// Active phones.
    pub active_devices: usize,
    /// Passkeys of active phones, and those of their own.
    pub passkeys: usize,
    /// Active tokens that make one-time codes.
    pub tokens: usize,
    /// Other sign-ins of this user that wait for an answer now.
    pub others_pending: usize,
    /// A sign-in was denied within [`limits::NUMBER_MODE_AFTER_DENIAL`].
    pub denied_lately: bool,
    /// The user's or the installation's setting.
    pub number_always: bool,
    /// A past sign-in was reported: unknown browsers are refused until somebody has looked.
    pub unknown_refused: bool,
    /// The cap on prompts without success has been reached.
    pub prompts_exhausted: bool,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The door stays shut, and the person is told no more than "not permitted".
    Refuse,
    /// No factor is enrolled and no window is open (INV-17).
    Locked,
    /// Only browsers that are bound may go on, since a past sign-in was reported (E19: those still may).
    UnknownRefused,
    /// A one-time code; there is no phone to ask.
    Code,
    /// A passkey in this browser; no phone is asked (INV-11).
    Introduce,
    /// Ask the phone.
    Push {
        /// The person types the number on the phone.
        number: bool,
    },
}

/// Decides what a sign-in with the right password is asked.
#[must_use]
pub const fn decide(facts: &Facts) -> Verdict {
    if !facts.user_active || !facts.app_admits {
        return Verdict::Refuse;
    }
    if facts.active_devices == 0 && facts.passkeys == 0 {
        return if may_type_code(facts.browser_bound, facts.tokens) { Verdict::Code } else { Verdict::Locked };
    }
    #[cfg(nod_break = "unbound_prompt")]
    let bound = true;
    #[cfg(not(nod_break = "unbound_prompt"))]
    let bound = facts.browser_bound;
    if facts.unknown_refused && !facts.browser_bound {
        return Verdict::UnknownRefused;
    }
    let pushable = bound && facts.active_devices > 0 && !facts.prompts_exhausted;
    if !pushable || facts.others_pending >= limits::MAX_PENDING_PER_USER {
        return Verdict::Introduce;
    }
    Verdict::Push { number: facts.number_always || facts.denied_lately || facts.others_pending > 0 }
}

/// Whether a one-time code may be typed in place of the phone's answer. A code can be typed into a relay page as well, so it is taken
/// from bound browsers alone, where the binding stands for the origin (INV-13, F03); it never lowers what an unknown one is asked.
#[must_use]
pub const fn may_type_code(browser_bound: bool, tokens: usize) -> bool {
    browser_bound && tokens > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CALM: Facts = Facts {
        user_active: true,
        app_admits: true,
        browser_bound: true,
        active_devices: 1,
        passkeys: 1,
        tokens: 0,
        others_pending: 0,
        denied_lately: false,
        number_always: false,
        unknown_refused: false,
        prompts_exhausted: false,
    };

    #[test]
    fn the_ladder() {
        for (facts, expected) in [
            (CALM, Verdict::Push { number: false }),
            (Facts { denied_lately: true, ..CALM }, Verdict::Push { number: true }),
            (Facts { others_pending: 1, ..CALM }, Verdict::Push { number: true }),
            (Facts { number_always: true, ..CALM }, Verdict::Push { number: true }),
            (Facts { others_pending: limits::MAX_PENDING_PER_USER, ..CALM }, Verdict::Introduce),
            (Facts { browser_bound: false, ..CALM }, Verdict::Introduce),
            (Facts { prompts_exhausted: true, ..CALM }, Verdict::Introduce),
            (Facts { active_devices: 0, ..CALM }, Verdict::Introduce),
            (Facts { active_devices: 0, passkeys: 0, ..CALM }, Verdict::Locked),
            (Facts { unknown_refused: true, browser_bound: false, ..CALM }, Verdict::UnknownRefused),
            (Facts { unknown_refused: true, ..CALM }, Verdict::Push { number: false }),
            (Facts { active_devices: 0, passkeys: 0, tokens: 1, ..CALM }, Verdict::Code),
            (Facts { active_devices: 0, passkeys: 0, tokens: 1, browser_bound: false, ..CALM }, Verdict::Locked),
            (Facts { tokens: 1, ..CALM }, Verdict::Push { number: false }),
            (Facts { tokens: 1, browser_bound: false, ..CALM }, Verdict::Introduce),
            (Facts { user_active: false, ..CALM }, Verdict::Refuse),
            (Facts { app_admits: false, ..CALM }, Verdict::Refuse),
        ] {
            assert_eq!(decide(&facts), expected, "{facts:?}");
        }
    }

    proptest! {
        #[test]
        fn an_unbound_browser_never_rings(flags: [bool; 6], devices in 0_usize..4, passkeys in 0_usize..4, pending in 0_usize..8, tokens in 0_usize..3) {
            let [user_active, app_admits, denied_lately, number_always, prompts_exhausted, unknown_refused] = flags;
            let facts = Facts { user_active, app_admits, browser_bound: false, active_devices: devices, passkeys, tokens,
                others_pending: pending, denied_lately, number_always, prompts_exhausted, unknown_refused };
            let rings = matches!(decide(&facts), Verdict::Push { .. } | Verdict::Code);
            prop_assert!(!rings, "INV-11, INV-13");
        }

        #[test]
        fn risk_never_lowers_the_demand(pending in 0_usize..8, lately: bool, always: bool) {
            let calm = decide(&Facts { others_pending: pending, ..CALM });
            let risky = decide(&Facts { others_pending: pending, denied_lately: lately, number_always: always, ..CALM });
            let rank = |verdict| match verdict {
                Verdict::Push { number: false } => 0,
                Verdict::Push { number: true } => 1,
                Verdict::Introduce | Verdict::Code => 2,
                Verdict::Locked | Verdict::Refuse | Verdict::UnknownRefused => 3,
            };
            prop_assert!(rank(risky) >= rank(calm));
        }
    }
}

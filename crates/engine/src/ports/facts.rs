//! Reads of several rows at once, each for a decision that needs them together: one question to the store instead of many.

use nod_core::challenge::Challenge;
use nod_core::people::User;
use nod_core::possession::{Browser, Device};
use nod_core::push::Subscription;
use nod_core::sign_in::SignIn;

/// What a user went through lately, for the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lately {
    /// They denied something, or typed a wrong number.
    pub denied: bool,
    /// They have live sessions, and none of them is from the address that asks.
    pub new_address: bool,
    /// Counts of both buckets of prompts, each in its current window.
    pub prompts: [u32; 2],
}

/// A challenge with what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The challenge.
    pub challenge: Challenge,
    /// The sign-in that asks.
    pub sign_in: SignIn,
    /// Who is asked.
    pub user: User,
}

/// What the grant of a sign-in hangs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who signs in.
    pub user: User,
    /// The browser that it was begun in, if that was bound then.
    pub browser: Option<Browser>,
    /// The newest challenge, if one was opened.
    pub challenge: Option<Challenge>,
}

/// What ringing a phone about a subject needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    /// The phone.
    pub device: Device,
    /// Where it is rung, if it can be.
    pub subscription: Option<Subscription>,
    /// The challenge that is the subject; none of a self-test.
    pub challenge: Option<Challenge>,
    /// This phone has fetched it.
    pub fetched: bool,
    /// Live challenges of the phone's user.
    pub pending: u32,
}

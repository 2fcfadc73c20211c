//! The writes, each with its guard. `None` means that the guard did not hold.

mod access;
mod enrolment;
mod keys;
mod oath;
mod people;
mod possession;
mod push;
mod recovery;
mod sign_in;

use nod_core::people::UserState;
use nod_core::{Timestamp, UserId};
use nod_engine::ports::Write;

pub(super) use enrolment::shows;

use super::State;

/// A guard: some when it holds.
fn when(holds: bool) -> Option<()> {
    holds.then_some(())
}

impl State {
    /// Applies one write if its guard holds at `now`.
    #[expect(clippy::too_many_lines, reason = "a table: one line for each kind of write")]
    pub(super) fn apply(&mut self, write: &Write, now: Timestamp) -> Option<()> {
        match write {
            Write::AddUser(_)
            | Write::ChangeUser { .. }
            | Write::AddGroup(_)
            | Write::RemoveGroup(_)
            | Write::AddMember(_)
            | Write::RemoveMember { .. }
            | Write::AddApp(_)
            | Write::RemoveApp(_)
            | Write::Count { .. }
            | Write::ResetCount { .. }
            | Write::Audit(_)
            | Write::SetMeta { .. }
            | Write::ChangeMeta { .. } => self.apply_people(write, now),
            Write::AddDevice(_)
            | Write::RenameDevice { .. }
            | Write::SetNotifications { .. }
            | Write::ActivateDevice { .. }
            | Write::RevokeDevice { .. }
            | Write::SeeDevice { .. }
            | Write::AddPasskey(_)
            | Write::AddDeviceSession(_)
            | Write::UseNonce { .. }
            | Write::BindBrowser(..)
            | Write::RotateBrowser { .. }
            | Write::UnbindBrowser { .. }
            | Write::ChangeChecksum { .. } => self.apply_possession(write, now),
            Write::AddSecurityKey(_) | Write::ChangeSecurityKey { .. } | Write::RemoveSecurityKey { .. } => {
                self.apply_keys(write)
            }
            Write::AddOathToken(_)
            | Write::ChangeOathToken { .. }
            | Write::ResealOathToken { .. }
            | Write::RemoveOathToken { .. } => self.apply_oath(write),
            Write::AddRecoveryCode(_)
            | Write::UseRecoveryCode { .. }
            | Write::ResealRecoveryCode { .. }
            | Write::EndRecoveryCodes { .. }
            | Write::LiftHold { .. }
            | Write::RevokeHeld { .. } => self.apply_recovery(write, now),
            Write::AddSignIn(_)
            | Write::ProveSignIn { .. }
            | Write::FinishSignIn { .. }
            | Write::CancelSignIn { .. }
            | Write::OpenChallenge(_)
            | Write::RaiseChallenge { .. }
            | Write::AnswerChallenge { .. }
            | Write::EndChallenge { .. }
            | Write::ConsumeChallenge { .. } => self.apply_sign_in(write, now),
            Write::PutSubscription(_)
            | Write::DropSubscription(_)
            | Write::CountRefusal(_)
            | Write::ClearRefusals(_)
            | Write::QueuePush(_)
            | Write::DropPushes { .. }
            | Write::ClaimPush { .. }
            | Write::SettlePush { .. }
            | Write::RequeuePush { .. }
            | Write::Stage { .. } => self.apply_push(write, now),
            Write::AddSession(_)
            | Write::SeeSession { .. }
            | Write::EndSession { .. }
            | Write::EndSessionsOf { .. }
            | Write::AddAppCode(_)
            | Write::UseAppCode { .. }
            | Write::AddAppSession(_) => self.apply_access(write, now),
            Write::AddEnrolment(_)
            | Write::OpenEnrolment { .. }
            | Write::MoveEnrolment { .. }
            | Write::CountEnrolmentPassword { .. }
            | Write::EndEnrolmentsOf { .. }
            | Write::AddIntroductionLink(_)
            | Write::UseIntroductionLink { .. } => self.apply_enrolment(write, now),
        }
    }

    fn user_active(&self, user: UserId) -> Option<()> {
        when(self.users.get(&user)?.state == UserState::Active)
    }
}

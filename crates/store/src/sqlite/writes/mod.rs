//! The writes, each one guarded statement (or a guarded one and what follows from it).

mod access;
mod enrolment;
mod people;
mod possession;
mod push;
mod sign_in;

use nod_engine::ports::Write;

use super::sql::{Applied, Tx};

/// Applies one write, or says why not. After a refusal the caller takes back the whole commit.
pub(super) fn apply(tx: Tx<'_>, write: &Write) -> Applied {
    match write {
        Write::AddUser(_)
        | Write::SetUserState { .. }
        | Write::SetPassword { .. }
        | Write::SetUserOptions { .. }
        | Write::AddGroup(_)
        | Write::RemoveGroup(_)
        | Write::AddMember { .. }
        | Write::RemoveMember { .. }
        | Write::AddApp(_)
        | Write::RemoveApp(_)
        | Write::Count { .. }
        | Write::ResetCount { .. }
        | Write::Audit(_)
        | Write::SetMeta { .. } => people::apply(tx, write),
        Write::AddDevice(_)
        | Write::RenameDevice { .. }
        | Write::SetNotifications { .. }
        | Write::ActivateDevice { .. }
        | Write::RevokeDevice { .. }
        | Write::SeeDevice { .. }
        | Write::AddPasskey(_)
        | Write::AddDeviceSession { .. }
        | Write::UseNonce { .. }
        | Write::BindBrowser(..)
        | Write::RotateBrowser { .. }
        | Write::UnbindBrowser { .. } => possession::apply(tx, write),
        Write::AddSignIn(_)
        | Write::ProveSignIn { .. }
        | Write::FinishSignIn { .. }
        | Write::CancelSignIn { .. }
        | Write::OpenChallenge(_)
        | Write::RaiseChallenge { .. }
        | Write::AnswerChallenge { .. }
        | Write::EndChallenge { .. }
        | Write::ConsumeChallenge { .. } => sign_in::apply(tx, write),
        Write::PutSubscription(_)
        | Write::DropSubscription(_)
        | Write::CountRefusal(_)
        | Write::ClearRefusals(_)
        | Write::QueuePush(_)
        | Write::DropPushes { .. }
        | Write::ClaimPush { .. }
        | Write::SettlePush { .. }
        | Write::RequeuePush { .. }
        | Write::Stage { .. } => push::apply(tx, write),
        Write::AddSession(_)
        | Write::SeeSession { .. }
        | Write::EndSession { .. }
        | Write::EndSessionsOf { .. }
        | Write::AddAppCode(_)
        | Write::UseAppCode { .. }
        | Write::AddAppSession(_) => access::apply(tx, write),
        Write::AddEnrolment(_)
        | Write::OpenEnrolment { .. }
        | Write::MoveEnrolment { .. }
        | Write::CountEnrolmentPassword { .. }
        | Write::EndEnrolmentsOf { .. }
        | Write::AddIntroductionLink(_)
        | Write::UseIntroductionLink { .. } => enrolment::apply(tx, write),
    }
}

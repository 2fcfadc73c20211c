//! The writes as statements, each one guarded (or a guarded one and what follows from it). Both databases run the same.

mod access;
mod checksums;
mod enrolment;
mod keys;
mod oath;
mod people;
mod possession;
mod push;
mod recovery;
mod sign_in;

use nod_engine::ports::Write;

use crate::sql::{Sql, Value, Values};
pub(crate) use people::link;

/// A write is refused, whatever the rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

/// What became of planning a write.
type Applied = Result<(), Refused>;

/// One statement of a write.
#[derive(Debug)]
pub(crate) struct Step<'w> {
    /// The statement.
    pub(crate) sql: Sql,
    /// Its parameters.
    pub(crate) params: Vec<Value<'w>>,
    /// It is guarded: it must change one row, or the write is refused.
    pub(crate) guarded: bool,
}

/// The statements of a write, in order.
#[derive(Debug, Default)]
struct Plan<'w>(Vec<Step<'w>>);

impl<'w> Plan<'w> {
    /// Adds a guarded statement, which must change one row.
    fn one(&mut self, sql: Sql, params: impl Values<'w>) -> Applied {
        self.0.push(Step { sql, params: params.list(), guarded: true });
        Ok(())
    }
    /// Adds a statement that may change nothing.
    fn any(&mut self, sql: Sql, params: impl Values<'w>) -> Applied {
        self.0.push(Step { sql, params: params.list(), guarded: false });
        Ok(())
    }
}

/// The statements of one write; an event of the audit has none of its own (see [`link`]). The first guarded one that does not change its row refuses the whole commit.
///
/// # Errors
/// [`Refused`] when no state of the store could accept the write.
pub(crate) fn plan(write: &Write) -> Result<Vec<Step<'_>>, Refused> {
    let mut steps = Plan::default();
    apply(&mut steps, write)?;
    Ok(steps.0)
}

#[expect(clippy::too_many_lines, reason = "a table: one line for each kind of write")]
fn apply<'w>(tx: &mut Plan<'w>, write: &'w Write) -> Applied {
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
        | Write::ChangeMeta { .. } => people::apply(tx, write),
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
        | Write::UnbindBrowser { .. } => possession::apply(tx, write),
        Write::AddSecurityKey(_) | Write::ChangeSecurityKey { .. } | Write::RemoveSecurityKey { .. } => {
            keys::apply(tx, write)
        }
        Write::AddOathToken(_)
        | Write::ChangeOathToken { .. }
        | Write::ResealOathToken { .. }
        | Write::RemoveOathToken { .. } => oath::apply(tx, write),
        Write::AddRecoveryCode(_)
        | Write::UseRecoveryCode { .. }
        | Write::ResealRecoveryCode { .. }
        | Write::EndRecoveryCodes { .. }
        | Write::LiftHold { .. }
        | Write::RevokeHeld { .. } => recovery::apply(tx, write),
        Write::ChangeChecksum { row, to } => checksums::apply(tx, row, *to),
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

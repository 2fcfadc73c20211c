//! What a commit holds while it runs, so that guards which read other rows than the one they change cannot both pass on two
//! connections.
//!
//! SQLite has one writer. Here two commits may run at once, and each statement sees what was committed before it began. A
//! guard on the changed row itself is safe (the second waits for the row and looks again). Guards on other rows, such as "the
//! user is active" or "no other challenge is pending", are about one user, so commits about one user run one after the other:
//! each takes the user's advisory lock before its first statement.

use nod_core::access::Session;
use nod_core::challenge::Challenge;
use nod_core::enrolment::{Enrolment, EnrolmentState, IntroductionLink};
use nod_core::keys::SecurityKey;
use nod_core::oath::OathToken;
use nod_core::possession::{Browser, Device, Passkey};
use nod_core::recovery::RecoveryCode;
use nod_core::sign_in::SignIn;
use nod_engine::ports::Write;

/// Takes the locks, always in the same order: of users named, and of the users behind sign-ins named.
pub(super) const TAKE: &str = "SELECT pg_advisory_xact_lock(key) FROM (
    SELECT DISTINCT nod_lock(owner) AS key FROM (
        SELECT unnest($1::BYTEA[]) AS owner
        UNION ALL SELECT user_id FROM sign_ins WHERE id = ANY ($2::BYTEA[])
    ) owners ORDER BY key
) locks";

/// Whose commits must not run beside this one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Owners {
    /// Ids of users, and codes that are shown by one enrolment at a time.
    pub(super) known: Vec<Vec<u8>>,
    /// Sign-ins whose user the write does not name.
    pub(super) sign_ins: Vec<Vec<u8>>,
}

impl Owners {
    /// Of all writes of a commit.
    pub(super) fn of(writes: &[Write]) -> Self {
        let mut owners = Self::default();
        for write in writes {
            owners.add(write);
        }
        owners.known.sort_unstable();
        owners.known.dedup();
        owners
    }

    /// Whether there is nothing to take.
    pub(super) const fn is_empty(&self) -> bool {
        self.known.is_empty() && self.sign_ins.is_empty()
    }

    #[expect(clippy::too_many_lines, reason = "a table: one line for each kind of write")]
    fn add(&mut self, write: &Write) {
        match write {
            Write::MoveEnrolment { user, to, .. } => {
                self.known.push(user.0.to_vec());
                if let EnrolmentState::Coded { code, .. } = to {
                    self.known.push(code.0.to_vec());
                }
            }
            Write::ProveSignIn { sign_in, .. }
            | Write::FinishSignIn { sign_in, .. }
            | Write::CancelSignIn { sign_in } => self.sign_ins.push(sign_in.0.to_vec()),
            Write::ChangeUser { to, .. } => self.known.push(to.id.0.to_vec()),
            Write::RenameDevice { user, .. }
            | Write::SetNotifications { user, .. }
            | Write::ActivateDevice { user, .. }
            | Write::LiftHold { user, .. }
            | Write::RevokeHeld { user }
            | Write::RevokeDevice { user, .. }
            | Write::UnbindBrowser { user, .. }
            | Write::RaiseChallenge { user, .. }
            | Write::AnswerChallenge { user, .. }
            | Write::EndChallenge { user, .. }
            | Write::ConsumeChallenge { user, .. }
            | Write::EndSession { user, .. }
            | Write::EndSessionsOf { user, .. }
            | Write::OpenEnrolment { user, .. }
            | Write::RemoveOathToken { user, .. }
            | Write::RemoveSecurityKey { user, .. }
            | Write::AddSecurityKey(SecurityKey { user, .. })
            | Write::ChangeSecurityKey { to: SecurityKey { user, .. }, .. }
            | Write::UseRecoveryCode { user, .. }
            | Write::EndRecoveryCodes { user, .. }
            | Write::EndEnrolmentsOf { user }
            | Write::AddDevice(Device { user, .. })
            | Write::AddPasskey(Passkey { user, .. })
            | Write::BindBrowser(Browser { user, .. }, _)
            | Write::AddSignIn(SignIn { user, .. })
            | Write::OpenChallenge(Challenge { user, .. })
            | Write::AddOathToken(OathToken { user, .. })
            | Write::ChangeOathToken { to: OathToken { user, .. }, .. }
            | Write::ResealOathToken { to: OathToken { user, .. }, .. }
            | Write::AddRecoveryCode(RecoveryCode { user, .. })
            | Write::ResealRecoveryCode { to: RecoveryCode { user, .. }, .. }
            | Write::AddSession(Session { user, .. })
            | Write::AddEnrolment(Enrolment { user, .. })
            | Write::AddIntroductionLink(IntroductionLink { user, .. }) => self.known.push(user.0.to_vec()),
            // Guarded by the row they change alone, by keys, or not at all. Listed one by one, so that a new write is thought about.
            Write::AddUser(_)
            | Write::AddGroup(_)
            | Write::RemoveGroup(_)
            | Write::AddMember(_)
            | Write::RemoveMember { .. }
            | Write::AddApp(_)
            | Write::RemoveApp(_)
            | Write::SeeDevice { .. }
            | Write::PutSubscription(_)
            | Write::DropSubscription(_)
            | Write::CountRefusal(_)
            | Write::ClearRefusals(_)
            | Write::AddDeviceSession(_)
            | Write::UseNonce { .. }
            | Write::RotateBrowser { .. }
            | Write::QueuePush(_)
            | Write::ClaimPush { .. }
            | Write::SettlePush { .. }
            | Write::RequeuePush { .. }
            | Write::DropPushes { .. }
            | Write::Stage { .. }
            | Write::SeeSession { .. }
            | Write::AddAppCode(_)
            | Write::UseAppCode { .. }
            | Write::AddAppSession(_)
            | Write::CountEnrolmentPassword { .. }
            | Write::UseIntroductionLink { .. }
            | Write::Count { .. }
            | Write::ResetCount { .. }
            | Write::Audit(_)
            | Write::SetMeta { .. }
            | Write::ChangeMeta { .. }
            | Write::ChangeChecksum { .. } => {}
        }
    }
}

//! Enrolments and introduction links.

use nod_core::enrolment::{Enrolment, EnrolmentState, OpenedBy};
use nod_core::possession::DeviceState;
use nod_core::{DeviceId, EnrolmentId, SecretHash, Timestamp, UNSEALED, UserId, limits};
use nod_engine::ports::Write;

use super::super::{Once, State};
use super::when;

/// Whether an enrolment may go from one state to the other: what is confirmed or over does not go back.
fn may_move(from: EnrolmentState, to: EnrolmentState) -> bool {
    match from {
        EnrolmentState::Ended | EnrolmentState::Introduced(_) | EnrolmentState::Keyed(_) => false,
        EnrolmentState::Confirmed(_) => matches!(to, EnrolmentState::Introduced(_) | EnrolmentState::Ended),
        _ => true,
    }
}

/// Whether the enrolment shows this code at `now`.
pub(in super::super) fn shows(enrolment: &Enrolment, code: SecretHash, now: Timestamp) -> bool {
    matches!(enrolment.state, EnrolmentState::Coded { code: shown, code_expires_at }
        if shown == code && !code_expires_at.has_passed(now) && !enrolment.expires_at.has_passed(now))
}

impl State {
    pub(super) fn apply_enrolment(&mut self, write: &Write, now: Timestamp) -> Option<()> {
        match write {
            Write::AddEnrolment(enrolment) => self.add_enrolment(enrolment),
            Write::OpenEnrolment { enrolment, user, session, expires_at, checksum } => {
                when(!self.enrolments.values().any(|other| other.session == Some(*session)))?;
                let row = self.enrolments.get_mut(enrolment)?;
                when(row.user == *user && row.state == EnrolmentState::Issued && !row.expires_at.has_passed(now))?;
                row.state = EnrolmentState::Opened;
                row.session = Some(*session);
                (row.expires_at, row.checksum) = (*expires_at, *checksum);
                Some(())
            }
            Write::MoveEnrolment { enrolment, user, from, to, checksum } => {
                self.move_to(*enrolment, *user, *from, *to, now)?;
                self.enrolments.get_mut(enrolment)?.checksum = *checksum;
                Some(())
            }
            Write::CountEnrolmentPassword { enrolment } => {
                let row = self.enrolments.get_mut(enrolment)?;
                when(row.state == EnrolmentState::Opened && row.password_tries < limits::ENROLMENT_PASSWORD_TRIES)?;
                row.password_tries += 1;
                Some(())
            }
            Write::EndEnrolmentsOf { user } => {
                self.end_enrolments_of(*user);
                Some(())
            }
            Write::AddIntroductionLink(link) => {
                self.user_active(link.user)?;
                self.links.add(link.secret, Once { row: link.clone(), used: false })
            }
            Write::UseIntroductionLink { secret } => {
                let link = self.links.get_mut(secret)?;
                when(!link.used && !link.row.expires_at.has_passed(now))?;
                link.used = true;
                Some(())
            }
            _ => None,
        }
    }

    fn add_enrolment(&mut self, enrolment: &Enrolment) -> Option<()> {
        self.user_active(enrolment.user)?;
        let taken = |other: &Enrolment| {
            other.link == enrolment.link || (other.session.is_some() && other.session == enrolment.session)
        };
        when(!self.enrolments.values().any(taken))?;
        self.enrolments.add(enrolment.id, enrolment.clone())
    }

    fn move_to(
        &mut self,
        enrolment: EnrolmentId,
        user: UserId,
        from: EnrolmentState,
        to: EnrolmentState,
        now: Timestamp,
    ) -> Option<()> {
        self.user_active(user)?;
        when(may_move(from, to))?;
        if let EnrolmentState::Coded { code_expires_at, .. } = from {
            when(to == EnrolmentState::Proved || !code_expires_at.has_passed(now))?;
        }
        if let EnrolmentState::Coded { code, .. } = to {
            when(!self.enrolments.values().any(|other| other.id != enrolment && shows(other, code, now)))?;
        }
        if let OpenedBy::Session(session) = self.enrolments.get(&enrolment)?.opened_by {
            when(self.sessions.get(&session).is_some_and(|session| !session.ended))?;
        }
        let row = self.enrolments.get_mut(&enrolment)?;
        when(row.user == user && row.state == from && !row.expires_at.has_passed(now))?;
        row.state = to;
        Some(())
    }

    fn end_enrolments_of(&mut self, user: UserId) {
        self.enrolments.change_where(
            |row| {
                let kept = matches!(
                    row.state,
                    EnrolmentState::Confirmed(_)
                        | EnrolmentState::Introduced(_)
                        | EnrolmentState::Keyed(_)
                        | EnrolmentState::Ended
                );
                row.user == user && !kept
            },
            |row| (row.state, row.checksum) = (EnrolmentState::Ended, UNSEALED),
        );
        let pending: Vec<DeviceId> = self
            .devices
            .values()
            .filter(|device| device.user == user && device.state == DeviceState::Pending)
            .map(|device| device.id)
            .collect();
        for device in pending {
            self.revoke(device);
        }
    }
}

//! Enrolments and introduction links.

use nod_core::enrolment::{Enrolment, EnrolmentState, OpenedBy};
use nod_core::{Checksum, EnrolmentId, UserId, limits};
use nod_engine::ports::Write;

use super::{Applied, Plan, Refused};
use crate::sql::sql;

pub(super) fn apply<'w>(tx: &mut Plan<'w>, write: &'w Write) -> Applied {
    match write {
        Write::AddEnrolment(enrolment) => add(tx, enrolment),
        Write::OpenEnrolment { enrolment, user, session, expires_at, checksum } => tx.one(
            sql!(
                "UPDATE enrolments SET state = 'opened', session = $3, expires_at = $4, checksum = $5
                 WHERE id = $1 AND user_id = $2 AND state = 'issued' AND expires_at > nod_now()"
            ),
            (enrolment.0, user.0, session.0, expires_at.0, *checksum),
        ),
        Write::MoveEnrolment { enrolment, user, from, to, checksum } => {
            move_to(tx, (*enrolment, *user), *from, *to, *checksum)
        }
        Write::CountEnrolmentPassword { enrolment } => tx.one(
            sql!(
                "UPDATE enrolments SET password_tries = password_tries + 1
                 WHERE id = $1 AND state = 'opened' AND password_tries < $2"
            ),
            (enrolment.0, limits::ENROLMENT_PASSWORD_TRIES),
        ),
        Write::EndEnrolmentsOf { user } => end_all(tx, *user),
        Write::AddIntroductionLink(link) => tx.one(
            sql!(
                "INSERT INTO introduction_links (secret, user_id, expires_at, used, checksum)
                 SELECT $1, id, $3, 0, $4 FROM users WHERE id = $2 AND state = 'active'
                 ON CONFLICT DO NOTHING"
            ),
            (link.secret.0, link.user.0, link.expires_at.0, link.checksum),
        ),
        Write::UseIntroductionLink { secret } => tx.one(
            sql!(
                "UPDATE introduction_links SET used = 1, checksum = NULL
                 WHERE secret = $1 AND used = 0 AND expires_at > nod_now()"
            ),
            (secret.0,),
        ),
        _ => Err(Refused),
    }
}

/// A state as columns: name, code, end of the code, device, key.
type Columns = (&'static str, Option<[u8; 32]>, Option<i64>, Option<[u8; 16]>, Option<[u8; 16]>);

const fn columns(state: EnrolmentState) -> Columns {
    match state {
        EnrolmentState::Issued => ("issued", None, None, None, None),
        EnrolmentState::Opened => ("opened", None, None, None, None),
        EnrolmentState::Proved => ("proved", None, None, None, None),
        EnrolmentState::Coded { code, code_expires_at } => ("coded", Some(code.0), Some(code_expires_at.0), None, None),
        EnrolmentState::Joined(device) => ("joined", None, None, Some(device.0), None),
        EnrolmentState::Confirmed(device) => ("confirmed", None, None, Some(device.0), None),
        EnrolmentState::Introduced(device) => ("introduced", None, None, Some(device.0), None),
        // The schema knows no more states: the key stands in both columns, and the second one says what it is.
        EnrolmentState::Keyed(key) => ("introduced", None, None, Some(key.0), Some(key.0)),
        EnrolmentState::Ended => ("ended", None, None, None, None),
    }
}

fn add<'w>(tx: &mut Plan<'w>, enrolment: &'w Enrolment) -> Applied {
    let (opened_by, by_recovery, by_browser) = match enrolment.opened_by {
        OpenedBy::Administrator => (None, false, None),
        OpenedBy::Session(session) => (Some(session.0), false, None),
        OpenedBy::Recovery(browser) => (None, true, browser.map(|id| id.0)),
    };
    let (state, code, code_expires_at, device, key) = columns(enrolment.state);
    tx.one(
        sql!(
            "INSERT INTO enrolments (id, user_id, opened_by_session, link, session, state, code, code_expires_at,
                                     device_id, password_tries, created_at, expires_at, checksum,
                                     opened_by_recovery, opened_by_browser, key_id)
             SELECT $1, id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16 FROM users WHERE id = $2 AND state = 'active'
             ON CONFLICT DO NOTHING"
        ),
        (
            enrolment.id.0,
            enrolment.user.0,
            opened_by,
            enrolment.link.0,
            enrolment.session.map(|hash| hash.0),
            state,
            code,
            code_expires_at,
            device,
            enrolment.password_tries,
            enrolment.created_at.0,
            enrolment.expires_at.0,
            enrolment.checksum,
            by_recovery,
            by_browser,
            key,
        ),
    )
}

/// From exactly one state to another; a code is shown by one enrolment at a time; what is over does not go back.
fn move_to<'w>(
    tx: &mut Plan<'w>,
    (enrolment, user): (EnrolmentId, UserId),
    from: EnrolmentState,
    to: EnrolmentState,
    checksum: Checksum,
) -> Applied {
    let final_state = match from {
        EnrolmentState::Ended | EnrolmentState::Introduced(_) | EnrolmentState::Keyed(_) => true,
        EnrolmentState::Confirmed(_) => !matches!(to, EnrolmentState::Introduced(_) | EnrolmentState::Ended),
        _ => false,
    };
    if final_state {
        return Err(Refused);
    }
    let from = columns(from);
    let to = columns(to);
    tx.one(
        sql!(
            "UPDATE enrolments SET state = $7, code = $8, code_expires_at = $9, device_id = $10, checksum = $11,
                key_id = $12
             WHERE id = $1 AND user_id = $2 AND state = $3 AND code IS NOT DISTINCT FROM $4
               AND code_expires_at IS NOT DISTINCT FROM $5 AND device_id IS NOT DISTINCT FROM $6
               AND expires_at > nod_now() AND ($7 = 'proved' OR code_expires_at IS NULL OR code_expires_at > nod_now())
               AND EXISTS (SELECT 1 FROM users u WHERE u.id = $2 AND u.state = 'active')
               AND (opened_by_session IS NULL
                    OR EXISTS (SELECT 1 FROM sessions s WHERE s.id = opened_by_session AND s.ended = 0))
               AND ($8 IS NULL OR NOT EXISTS (SELECT 1 FROM enrolments o WHERE o.code = $8 AND o.id <> $1
                    AND o.state = 'coded' AND o.code_expires_at > nod_now() AND o.expires_at > nod_now()))"
        ),
        (enrolment.0, user.0, from.0, from.1, from.2, from.3, to.0, to.1, to.2, to.3, checksum, to.4),
    )
}

/// Ends what is not confirmed, and revokes phones that are still pending with all that falls with them.
fn end_all<'w>(tx: &mut Plan<'w>, user: UserId) -> Applied {
    let user = (user.0,);
    tx.any(
        sql!(
            "UPDATE enrolments SET state = 'ended', code = NULL, code_expires_at = NULL, device_id = NULL,
                checksum = NULL
             WHERE user_id = $1 AND state NOT IN ('confirmed', 'introduced', 'ended')"
        ),
        user,
    )?;
    tx.any(
        sql!(
            "DELETE FROM passkeys
             WHERE device_id IN (SELECT id FROM devices WHERE user_id = $1 AND state = 'pending')"
        ),
        user,
    )?;
    tx.any(
        sql!(
            "DELETE FROM device_sessions
             WHERE device_id IN (SELECT id FROM devices WHERE user_id = $1 AND state = 'pending')"
        ),
        user,
    )?;
    tx.any(
        sql!(
            "UPDATE pushes SET state = 'dropped' WHERE state IN ('queued', 'claimed') AND state = 'queued'
               AND device_id IN (SELECT id FROM devices WHERE user_id = $1 AND state = 'pending')"
        ),
        user,
    )?;
    tx.any(sql!("UPDATE devices SET state = 'revoked', checksum = NULL WHERE user_id = $1 AND state = 'pending'"), user)
}

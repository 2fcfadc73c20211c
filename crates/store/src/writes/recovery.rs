//! Recovery codes and passes, and phones on hold.

use nod_core::recovery::RecoveryCode;
use nod_core::{UserId, limits};
use nod_engine::ports::Write;

use super::{Applied, Plan, Refused};
use crate::names::Named;
use crate::sql::sql;

/// The most that a user has, as the store counts.
const ROWS_PER_USER: i64 = limits::RECOVERY_ROWS_PER_USER as i64;

pub(super) fn apply<'w>(tx: &mut Plan<'w>, write: &'w Write) -> Applied {
    match write {
        Write::AddRecoveryCode(code) => add(tx, code),
        Write::UseRecoveryCode { code, user, checksum } => tx.one(
            // Whoever removes the row has used the code (E13).
            sql!(
                "DELETE FROM recovery_codes
                 WHERE id = $1 AND user_id = $2 AND checksum = $3 AND (expires_at IS NULL OR expires_at > nod_now())
                   AND EXISTS (SELECT 1 FROM users WHERE id = $2 AND state = 'active')"
            ),
            (code.0, user.0, *checksum),
        ),
        Write::ResealRecoveryCode { from, to } => tx.one(
            sql!("UPDATE recovery_codes SET hash = $3, checksum = $4 WHERE id = $1 AND checksum = $2"),
            (to.id.0, *from, &to.hash, to.checksum),
        ),
        Write::EndRecoveryCodes { user, kind } => {
            tx.any(sql!("DELETE FROM recovery_codes WHERE user_id = $1 AND kind = $2"), (user.0, kind.name()))
        }
        Write::LiftHold { device, user, checksum } => tx.one(
            sql!(
                "UPDATE devices SET held_until = NULL, checksum = $3
                 WHERE id = $1 AND user_id = $2 AND state = 'active' AND held_until IS NOT NULL"
            ),
            (device.0, user.0, *checksum),
        ),
        Write::RevokeHeld { user } => revoke_held(tx, *user),
        _ => Err(Refused),
    }
}

/// Phones on hold go, with all that falls with them (E15).
fn revoke_held<'w>(tx: &mut Plan<'w>, user: UserId) -> Applied {
    let user = (user.0,);
    tx.any(
        sql!(
            "DELETE FROM passkeys WHERE device_id IN
               (SELECT id FROM devices WHERE user_id = $1 AND state = 'active' AND held_until > nod_now())"
        ),
        user,
    )?;
    tx.any(
        sql!(
            "DELETE FROM device_sessions WHERE device_id IN
               (SELECT id FROM devices WHERE user_id = $1 AND state = 'active' AND held_until > nod_now())"
        ),
        user,
    )?;
    tx.any(
        sql!(
            "UPDATE pushes SET state = 'dropped' WHERE state IN ('queued', 'claimed') AND state = 'queued' AND device_id IN
               (SELECT id FROM devices WHERE user_id = $1 AND state = 'active' AND held_until > nod_now())"
        ),
        user,
    )?;
    tx.any(
        sql!(
            "UPDATE devices SET state = 'revoked', checksum = NULL
             WHERE user_id = $1 AND state = 'active' AND held_until > nod_now()"
        ),
        user,
    )
}

fn add<'w>(tx: &mut Plan<'w>, code: &'w RecoveryCode) -> Applied {
    tx.one(
        sql!(
            "INSERT INTO recovery_codes (id, user_id, kind, prefix, hash, created_at, expires_at, checksum)
             SELECT $1, u.id, $3, $4, $5, $6, $7, $8 FROM users u
             WHERE u.id = $2 AND u.state = 'active' AND (SELECT count(*) FROM recovery_codes WHERE user_id = $2) < $9
             ON CONFLICT DO NOTHING"
        ),
        (
            code.id.0,
            code.user.0,
            code.kind.name(),
            &code.prefix,
            &code.hash,
            code.created_at.0,
            code.expires_at.map(|end| end.0),
            code.checksum,
            ROWS_PER_USER,
        ),
    )
}

//! Security keys and passkeys that belong to no phone.

use nod_core::keys::SecurityKey;
use nod_core::limits;
use nod_engine::ports::Write;

use super::{Applied, Plan, Refused};
use crate::sql::sql;

/// The most that a user has, as the store counts.
const KEYS_PER_USER: i64 = limits::KEYS_PER_USER as i64;

pub(super) fn apply<'w>(tx: &mut Plan<'w>, write: &'w Write) -> Applied {
    match write {
        Write::AddSecurityKey(key) => add(tx, key),
        Write::ChangeSecurityKey { from, to } => tx.one(
            sql!(
                "UPDATE security_keys SET name = $4, counter = $5, last_used_at = $6, checksum = $7
                 WHERE id = $1 AND user_id = $2 AND checksum = $3 AND counter <= $5
                   AND EXISTS (SELECT 1 FROM users WHERE id = $2 AND state = 'active')"
            ),
            (to.id.0, to.user.0, *from, &to.name, i64::from(to.counter), to.last_used_at.map(|at| at.0), to.checksum),
        ),
        Write::RemoveSecurityKey { key, user } => {
            tx.one(sql!("DELETE FROM security_keys WHERE id = $1 AND user_id = $2"), (key.0, user.0))
        }
        _ => Err(Refused),
    }
}

/// A credential belongs to one row, a phone's or one of its own (WebAuthn level 3, section 7.1, step 26).
fn add<'w>(tx: &mut Plan<'w>, key: &'w SecurityKey) -> Applied {
    tx.one(
        sql!(
            "INSERT INTO security_keys (id, user_id, name, credential_id, public_key, aaguid, backup_eligible, counter,
                                        created_at, last_used_at, checksum)
             SELECT $1, u.id, $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM users u
             WHERE u.id = $2 AND u.state = 'active' AND (SELECT count(*) FROM security_keys WHERE user_id = $2) < $12
               AND NOT EXISTS (SELECT 1 FROM passkeys WHERE credential_id = $4 OR id = $1)
             ON CONFLICT DO NOTHING"
        ),
        (
            key.id.0,
            key.user.0,
            &key.name,
            &key.credential_id,
            &key.public_key,
            key.aaguid,
            key.backup_eligible,
            i64::from(key.counter),
            key.created_at.0,
            key.last_used_at.map(|at| at.0),
            key.checksum,
            KEYS_PER_USER,
        ),
    )
}

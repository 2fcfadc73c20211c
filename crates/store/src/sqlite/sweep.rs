//! Removal of what ended long ago.

use nod_core::{Millis, limits};

use super::sql::{Refused, Tx, sql};

/// What ended longer ago than this is removed.
const KEPT_AFTER_END: Millis = Millis::days(1);

/// Removes what ended over a day ago. How many rows.
pub(super) fn sweep(tx: Tx<'_>) -> Result<u64, Refused> {
    let kept = (KEPT_AFTER_END.0,);
    let mut rows = 0;
    for ended in [
        sql!("DELETE FROM nonces WHERE expires_at <= nod_now() - $1"),
        sql!("DELETE FROM app_codes WHERE expires_at <= nod_now() - $1"),
        sql!("DELETE FROM introduction_links WHERE expires_at <= nod_now() - $1"),
        sql!("DELETE FROM device_sessions WHERE expires_at <= nod_now() - $1"),
        sql!("DELETE FROM counters WHERE ends_at <= nod_now() - $1"),
        sql!("DELETE FROM pushes WHERE expires_at <= nod_now() - $1"),
        sql!("DELETE FROM sign_ins WHERE expires_at <= nod_now() - $1"),
    ] {
        rows += tx.run(ended, kept)?;
    }
    rows += tx.run(
        sql!(
            "DELETE FROM app_sessions WHERE NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = app_sessions.session_id
               AND s.created_at > nod_now() - $1 - $2)"
        ),
        (KEPT_AFTER_END.0, limits::SESSION_LIFE.0),
    )?;
    Ok(rows as u64)
}

//! Removal of what ended long ago.

use nod_core::{Millis, limits};

use crate::sql::{Sql, Value, Values, sql};

/// What ended longer ago than this is removed.
const KEPT_AFTER_END: Millis = Millis::days(1);

/// The statements that remove what ended over a day ago. The time is asked once in each, so that an index serves.
pub(crate) fn statements() -> Vec<(Sql, Vec<Value<'static>>)> {
    let ended = [
        sql!("DELETE FROM nonces WHERE expires_at <= (SELECT nod_now()) - $1"),
        sql!("DELETE FROM app_codes WHERE expires_at <= (SELECT nod_now()) - $1"),
        sql!("DELETE FROM introduction_links WHERE expires_at <= (SELECT nod_now()) - $1"),
        sql!("DELETE FROM recovery_codes WHERE expires_at <= (SELECT nod_now()) - $1"),
        sql!("DELETE FROM device_sessions WHERE expires_at <= (SELECT nod_now()) - $1"),
        sql!("DELETE FROM counters WHERE ends_at <= (SELECT nod_now()) - $1"),
        // What only makes sense beside another row goes before it.
        sql!(
            "DELETE FROM stages WHERE subject IN (SELECT subject FROM pushes WHERE expires_at <= (SELECT nod_now()) - $1)"
        ),
        sql!("DELETE FROM pushes WHERE expires_at <= (SELECT nod_now()) - $1"),
        sql!(
            "DELETE FROM stages WHERE subject IN (SELECT c.id FROM sign_ins s JOIN challenges c ON c.sign_in_id = s.id
               WHERE s.expires_at <= (SELECT nod_now()) - $1)"
        ),
        sql!("DELETE FROM sign_ins WHERE expires_at <= (SELECT nod_now()) - $1"),
        sql!("DELETE FROM enrolments WHERE expires_at <= (SELECT nod_now()) - $1"),
    ];
    let lived = [
        // A phone whose set-up was never finished takes no place among the ten of an account.
        (
            sql!(
                "DELETE FROM passkeys WHERE device_id IN
                   (SELECT id FROM devices WHERE state = 'pending' AND created_at <= (SELECT nod_now()) - $1)"
            ),
            limits::ENROLMENT_SESSION_LIFE,
        ),
        (
            sql!(
                "UPDATE devices SET state = 'revoked', checksum = NULL
                 WHERE state = 'pending' AND created_at <= (SELECT nod_now()) - $1"
            ),
            limits::ENROLMENT_SESSION_LIFE,
        ),
        (
            sql!(
                "DELETE FROM app_sessions WHERE session_id IN
                   (SELECT id FROM sessions WHERE created_at <= (SELECT nod_now()) - $1)"
            ),
            limits::SESSION_LIFE,
        ),
        (sql!("DELETE FROM sessions WHERE created_at <= (SELECT nod_now()) - $1"), limits::SESSION_LIFE),
        (
            sql!(
                "DELETE FROM browser_secrets WHERE browser_id IN
                   (SELECT id FROM browsers WHERE created_at <= (SELECT nod_now()) - $1)"
            ),
            limits::BROWSER_LIFE,
        ),
        (sql!("DELETE FROM browsers WHERE created_at <= (SELECT nod_now()) - $1"), limits::BROWSER_LIFE),
    ];
    let ended = ended.into_iter().map(|sql| (sql, KEPT_AFTER_END.0));
    let lived = lived.into_iter().map(|(sql, life)| (sql, KEPT_AFTER_END.0 + life.0));
    ended.chain(lived).map(|(sql, span)| (sql, (span,).list())).collect()
}

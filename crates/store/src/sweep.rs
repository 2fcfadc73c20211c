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
        sql!("DELETE FROM device_sessions WHERE expires_at <= (SELECT nod_now()) - $1"),
        sql!("DELETE FROM counters WHERE ends_at <= (SELECT nod_now()) - $1"),
        sql!("DELETE FROM pushes WHERE expires_at <= (SELECT nod_now()) - $1"),
        sql!("DELETE FROM sign_ins WHERE expires_at <= (SELECT nod_now()) - $1"),
    ];
    let app_sessions = sql!(
        "DELETE FROM app_sessions WHERE NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = app_sessions.session_id
           AND s.created_at > (SELECT nod_now()) - $1 - $2)"
    );
    let ended = ended.into_iter().map(|sql| (sql, (KEPT_AFTER_END.0,).list()));
    ended.chain([(app_sessions, (KEPT_AFTER_END.0, limits::SESSION_LIFE.0).list())]).collect()
}

//! Sessions, app codes and app sessions.

use nod_core::access::Session;
use nod_core::limits;
use nod_engine::ports::Write;

use super::{Applied, Plan, Refused};
use crate::names::Named;
use crate::sql::sql;

pub(super) fn apply<'w>(tx: &mut Plan<'w>, write: &'w Write) -> Applied {
    match write {
        Write::AddSession(session) => add_session(tx, session),
        Write::SeeSession { session, at, checksum } => tx.one(
            sql!(
                "UPDATE sessions SET last_seen_at = $2, checksum = $5
                 WHERE id = $1 AND ended = 0 AND last_seen_at > nod_now() - $3 AND created_at > nod_now() - $4"
            ),
            (session.0, at.0, limits::SESSION_IDLE.0, limits::SESSION_LIFE.0, *checksum),
        ),
        Write::EndSession { session, user } => tx.one(
            sql!("UPDATE sessions SET ended = 1, checksum = NULL WHERE id = $1 AND user_id = $2 AND ended = 0"),
            (session.0, user.0),
        ),
        Write::EndSessionsOf { user, browser } => tx.any(
            sql!(
                "UPDATE sessions SET ended = 1, checksum = NULL
                 WHERE user_id = $1 AND ended = 0 AND ($2 IS NULL OR browser_id = $2)"
            ),
            (user.0, browser.map(|id| id.0)),
        ),
        Write::AddAppCode(code) => tx.one(
            sql!(
                "INSERT INTO app_codes (code, session_id, app_id, binding, return_to, expires_at, used, checksum)
                 SELECT $1, s.id, a.id, $4, $5, $6, 0, $9 FROM sessions s, apps a
                 WHERE s.id = $2 AND a.id = $3 AND s.ended = 0
                   AND s.last_seen_at > nod_now() - $7 AND s.created_at > nod_now() - $8
                 ON CONFLICT DO NOTHING"
            ),
            (
                code.code.0,
                code.session.0,
                code.app.0,
                code.binding.0,
                &code.return_to,
                code.expires_at.0,
                limits::SESSION_IDLE.0,
                limits::SESSION_LIFE.0,
                code.checksum,
            ),
        ),
        Write::UseAppCode { code } => tx.one(
            sql!(
                "UPDATE app_codes SET used = 1, checksum = NULL WHERE code = $1 AND used = 0 AND expires_at > nod_now()"
            ),
            (code.0,),
        ),
        Write::AddAppSession(session) => tx.one(
            sql!(
                "INSERT INTO app_sessions (secret, session_id, app_id, checksum)
                 SELECT $1, s.id, a.id, $6 FROM sessions s, apps a
                 WHERE s.id = $2 AND a.id = $3 AND s.ended = 0
                   AND s.last_seen_at > nod_now() - $4 AND s.created_at > nod_now() - $5
                 ON CONFLICT DO NOTHING"
            ),
            (
                session.secret.0,
                session.session.0,
                session.app.0,
                limits::SESSION_IDLE.0,
                limits::SESSION_LIFE.0,
                session.checksum,
            ),
        ),
        _ => Err(Refused),
    }
}

fn add_session<'w>(tx: &mut Plan<'w>, session: &'w Session) -> Applied {
    tx.one(
        sql!(
            "INSERT INTO sessions (id, user_id, secret, browser_id, method, address, agent, created_at, last_seen_at,
                                   ended, checksum)
             SELECT $1, id, $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM users WHERE id = $2 AND state = 'active'
             ON CONFLICT DO NOTHING"
        ),
        (
            session.id.0,
            session.user.0,
            session.secret.0,
            session.browser.map(|id| id.0),
            session.method.name(),
            &session.address,
            &session.agent,
            session.created_at.0,
            session.last_seen_at.0,
            session.ended,
            session.checksum,
        ),
    )
}

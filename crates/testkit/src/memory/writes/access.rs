//! Sessions, app codes and app sessions.

use nod_core::access::Session;
use nod_core::{SessionId, Timestamp, UNSEALED};
use nod_engine::ports::Write;

use super::super::{Once, State};
use super::when;

fn end(session: &mut Session) {
    (session.ended, session.checksum) = (true, UNSEALED);
}

impl State {
    pub(super) fn apply_access(&mut self, write: &Write, now: Timestamp) -> Option<()> {
        match write {
            Write::AddSession(session) => {
                self.user_active(session.user)?;
                when(!self.sessions.values().any(|other| other.secret == session.secret))?;
                self.sessions.add(session.id, session.clone())
            }
            Write::SeeSession { session, at, checksum } => {
                self.session_live(*session, now)?;
                let row = self.sessions.get_mut(session)?;
                (row.last_seen_at, row.checksum) = (*at, *checksum);
                Some(())
            }
            Write::EndSession { session, user } => {
                let row = self.sessions.get_mut(session)?;
                when(row.user == *user && !row.ended)?;
                end(row);
                Some(())
            }
            Write::EndSessionsOf { user, browser } => {
                self.sessions.change_where(
                    |session| {
                        !session.ended
                            && session.user == *user
                            && browser.is_none_or(|browser| session.browser == Some(browser))
                    },
                    end,
                );
                Some(())
            }
            Write::AddAppCode(code) => {
                self.session_live(code.session, now)?;
                when(self.apps.has(&code.app))?;
                self.app_codes.add(code.code, Once { row: code.clone(), used: false })
            }
            Write::UseAppCode { code } => {
                let code = self.app_codes.get_mut(code)?;
                when(!code.used && !code.row.expires_at.has_passed(now))?;
                code.used = true;
                Some(())
            }
            Write::AddAppSession(session) => {
                self.session_live(session.session, now)?;
                when(self.apps.has(&session.app))?;
                self.app_sessions.add(session.secret, session.clone())
            }
            _ => None,
        }
    }

    fn session_live(&self, session: SessionId, now: Timestamp) -> Option<()> {
        when(self.sessions.get(&session)?.is_live(now))
    }
}

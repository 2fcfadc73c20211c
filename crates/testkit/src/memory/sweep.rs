//! Removal of what ended long ago.

use nod_core::{Millis, Timestamp, limits};

use super::State;

/// What ended longer ago than this is removed.
const KEPT_AFTER_END: Millis = Millis::days(1);

impl State {
    /// Removes what ended over a day before `now`. How many rows.
    pub(super) fn sweep(&mut self, now: Timestamp) -> u64 {
        let limit = now.before(KEPT_AFTER_END);
        let mut rows = self.nonces.remove_where(|_, end| end.has_passed(limit));
        rows += self.app_codes.remove_where(|_, code| code.row.expires_at.has_passed(limit));
        rows += self.links.remove_where(|_, link| link.row.expires_at.has_passed(limit));
        rows += self.device_sessions.remove_where(|_, end| end.has_passed(limit));
        rows += self.counters.remove_where(|_, counted| counted.since.after(counted.window).has_passed(limit));
        rows += self.pushes.remove_where(|_, push| push.row.expires_at.has_passed(limit));
        rows += self.sign_ins.remove_where(|_, sign_in| sign_in.expires_at.has_passed(limit));
        let sessions = &self.sessions;
        rows += self.app_sessions.remove_where(|_, app_session| {
            sessions
                .get(&app_session.session)
                .is_none_or(|session| session.created_at.after(limits::SESSION_LIFE).has_passed(limit))
        });
        rows
    }
}

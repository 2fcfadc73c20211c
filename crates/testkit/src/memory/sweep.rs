//! Removal of what ended long ago.

use nod_core::possession::DeviceState;
use nod_core::{Millis, Timestamp, UNSEALED, limits};

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
        rows += self.recovery_codes.remove_where(|_, code| code.expires_at.is_some_and(|end| end.has_passed(limit)));
        rows += self.device_sessions.remove_where(|_, session| session.expires_at.has_passed(limit));
        rows += self.counters.remove_where(|_, counted| counted.since.after(counted.window).has_passed(limit));
        rows += self.sweep_sign_ins(limit);
        rows += self.enrolments.remove_where(|_, enrolment| enrolment.expires_at.has_passed(limit));
        rows + self.sweep_phones(limit) + self.sweep_sessions(limit) + self.sweep_browsers(limit)
    }

    fn sweep_sign_ins(&mut self, limit: Timestamp) -> u64 {
        let (pushes, sign_ins, challenges) = (&self.pushes, &self.sign_ins, &self.challenges);
        let ended = |sign_in| sign_ins.get(sign_in).is_some_and(|found| found.expires_at.has_passed(limit));
        let mut rows = self.stages.remove_where(|(subject, ..), _| {
            pushes.values().any(|push| push.row.subject == *subject && push.row.expires_at.has_passed(limit))
                || challenges.values().any(|challenge| challenge.id.0 == *subject && ended(&challenge.sign_in))
        });
        rows += self.pushes.remove_where(|_, push| push.row.expires_at.has_passed(limit));
        rows + self.sign_ins.remove_where(|_, sign_in| sign_in.expires_at.has_passed(limit))
    }

    /// A phone whose set-up was never finished.
    fn sweep_phones(&mut self, limit: Timestamp) -> u64 {
        let devices = &self.devices;
        let unfinished = |device: &nod_core::possession::Device| {
            device.state == DeviceState::Pending
                && device.created_at.after(limits::ENROLMENT_SESSION_LIFE).has_passed(limit)
        };
        let rows = self.passkeys.remove_where(|_, passkey| devices.get(&passkey.device).is_some_and(unfinished));
        rows + self.devices.change_where(unfinished, |device| {
            (device.state, device.checksum) = (DeviceState::Revoked, UNSEALED);
        })
    }

    fn sweep_sessions(&mut self, limit: Timestamp) -> u64 {
        let sessions = &self.sessions;
        let over =
            |session: &nod_core::access::Session| session.created_at.after(limits::SESSION_LIFE).has_passed(limit);
        let rows = self.app_sessions.remove_where(|_, entry| sessions.get(&entry.session).is_some_and(over));
        rows + self.sessions.remove_where(|_, session| over(session))
    }

    fn sweep_browsers(&mut self, limit: Timestamp) -> u64 {
        let browsers = &self.browsers;
        let over =
            |browser: &nod_core::possession::Browser| browser.created_at.after(limits::BROWSER_LIFE).has_passed(limit);
        let rows = self.browser_secrets.remove_where(|_, secret| browsers.get(&secret.browser).is_some_and(over));
        rows + self.browsers.remove_where(|_, browser| over(browser))
    }
}

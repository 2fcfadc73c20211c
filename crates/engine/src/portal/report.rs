//! "This wasn't me", said of a sign-in that was granted, up to a day later.
//!
//! It takes away what that sign-in brought in: its session, the browser that it introduced, phones that were added from it, also
//! where that was the last phone. Unknown browsers are refused only when the report comes from a known one, proved by its cookie,
//! and not for as long after a newer one, or none, had an older one forgotten: otherwise whoever holds a session could forget the
//! owner's browsers and refuse them as unknown ones (E19).

use nod_core::access::Session;
use nod_core::audit::{Event, EventKind};
use nod_core::enrolment::{EnrolmentState, OpenedBy};
use nod_core::keys::SecurityKey;
use nod_core::limits::{Limit, REPORT_WITHIN, UNKNOWN_REFUSED};
use nod_core::people::User;
use nod_core::possession::Device;
use nod_core::{BrowserId, DeviceId, SessionId, Timestamp, UserId};
use nod_protocol::portal::Reported;

use crate::engine::Engine;
use crate::fault::{Fault, Outcome};
use crate::ports::Write;

/// Bytes of an ordered id that hold its time (see `Engine::ordered_id`).
const TIME_BYTES: usize = 6;

impl Engine {
    /// Takes the owner's word that the sign-in of this event of the audit was not theirs (INV-15).
    ///
    /// # Errors
    /// [`Fault::Forbidden`] when the session is not fresh; [`Fault::NotFound`] when it is no sign-in of theirs;
    /// [`Fault::Conflict`] when it is too old, this very one, or was reported before.
    pub async fn report_sign_in(
        &self,
        session: &Session,
        user: &User,
        place: i64,
        browser_cookie: Option<&str>,
    ) -> Outcome<Reported> {
        self.check_fresh(session).await?;
        let now = self.now().await?;
        let found = self.store.audit_of(user.id, Some(place.saturating_add(1)), 1).await?.into_iter().next();
        let found = found.filter(|(at, event)| *at == place && event.kind == EventKind::SignedIn);
        let (_, sign_in) = found.ok_or(Fault::NotFound("sign-in"))?;
        if !may_be_reported(&sign_in, session, now) {
            let words = if sign_in.at == session.created_at {
                "this is the sign-in that you use now: sign out instead"
            } else {
                "this sign-in is more than a day old: tell your administrator"
            };
            return Err(Fault::Conflict(words.to_owned()));
        }
        if self.was_reported(user.id, place).await? {
            return Err(Fault::Conflict("this sign-in was reported before".to_owned()));
        }
        let knows_this = self.is_known(session, browser_cookie).await?
            && self.store.count(&forgotten_bucket(user.id), UNKNOWN_REFUSED).await? == 0;
        let (mut writes, mut reported) = self.taken_back(session, user, &sign_in, now).await?;
        writes.insert(0, Write::Count { bucket: reported_bucket(user.id, place), limit: REPORTS });
        let mut detail = "its session has ended".to_owned();
        if knows_this {
            writes.push(Write::ResetCount { bucket: unknown_bucket(user.id) });
            writes.push(Write::Count { bucket: unknown_bucket(user.id), limit: UNKNOWN_REFUSED });
            detail.push_str(", and only known browsers are taken for now");
            reported.unknown_refused = true;
        }
        let (app, app_name) = sign_in.app.as_ref().map_or((None, ""), |(app, name)| (*app, name.as_str()));
        let event = Self::event(EventKind::SignInReported, now, user).app(app, app_name).detail(detail);
        writes.push(Write::Audit(event.address(sign_in.address.as_deref().unwrap_or_default())));
        self.store.commit(writes).await.map_err(Fault::moved_on)?;
        Ok(reported)
    }

    async fn taken_back(
        &self,
        session: &Session,
        user: &User,
        sign_in: &Event,
        now: Timestamp,
    ) -> Outcome<(Vec<Write>, Reported)> {
        let mut writes = Vec::new();
        let mut reported = Reported { ended: 0, forgotten: 0, removed: 0, told: 0, unknown_refused: false };
        // Session and browser carry the time of the commit that made them, which is the event's.
        for other in self.store.sessions_of(user.id).await?.into_iter().filter(|other| other.created_at == sign_in.at) {
            writes.push(Write::EndSession { session: other.id, user: user.id });
            reported.ended += 1;
        }
        let browsers = self.store.browsers_of(user.id).await?;
        for browser in browsers.iter().filter(|b| b.created_at == sign_in.at && Some(b.id) != session.browser) {
            writes.push(Write::UnbindBrowser { browser: browser.id, user: user.id });
            writes.push(Write::EndSessionsOf { user: user.id, browser: Some(browser.id) });
            writes.push(Write::Audit(Self::event(EventKind::BrowserUnbound, now, user).detail(&browser.label)));
            reported.forgotten += 1;
        }
        for device in self.added_from(user.id, sign_in.at).await? {
            writes.push(Write::RevokeDevice { device: device.id, user: user.id });
            let event = Self::event(EventKind::DeviceRevoked, now, user).device(device.id, &device.name);
            writes.push(Write::Audit(event));
            reported.removed += 1;
        }
        for key in self.keys_added_from(user.id, sign_in.at).await? {
            writes.extend(self.removal(user, &key, now));
            reported.removed += 1;
        }
        // Whoever signed in may have made codes, or used one: neither waits for the owner to find it (F14).
        writes.extend(self.no_recovery(user, now).await?);
        let told = self.tell(user.id, None, now).await?;
        reported.told = u32::try_from(told.len()).unwrap_or(u32::MAX);
        writes.extend(told);
        Ok((writes, reported))
    }

    /// Phones that were added from the session that began at `at`, whether or not it has ended.
    async fn added_from(&self, user: UserId, at: Timestamp) -> Outcome<Vec<Device>> {
        let mut added = Vec::new();
        for state in self.enrolled_from(user, at).await? {
            let Some(device) = device_of(state) else { continue };
            let device = self.store.device(device).await?.filter(|device| device.user == user);
            added.extend(device.filter(|device| device.state != nod_core::possession::DeviceState::Revoked));
        }
        Ok(added)
    }

    /// Security keys and passkeys that were.
    async fn keys_added_from(&self, user: UserId, at: Timestamp) -> Outcome<Vec<SecurityKey>> {
        let added = self.enrolled_from(user, at).await?;
        let keys = self.store.security_keys_of(user).await?.into_iter();
        Ok(keys.filter(|key| added.contains(&EnrolmentState::Keyed(key.id))).collect())
    }

    /// What became of the enrolments that this session opened, or a recovery code in the browser that it introduced.
    async fn enrolled_from(&self, user: UserId, at: Timestamp) -> Outcome<Vec<EnrolmentState>> {
        let time = at.0.to_be_bytes();
        let from = |id: SessionId| id.0.first_chunk::<TIME_BYTES>().is_some_and(|began| time.ends_with(began));
        let browsers = self.store.browsers_of(user).await?;
        let bound = |id: BrowserId| browsers.iter().any(|browser| browser.id == id && browser.created_at == at);
        let opened = self.store.enrolments_of(user).await?.into_iter();
        let ours = opened.filter(|one| match one.opened_by {
            OpenedBy::Session(session) => from(session),
            OpenedBy::Recovery(browser) => browser.is_some_and(bound),
            OpenedBy::Administrator => false,
        });
        Ok(ours.map(|enrolment| enrolment.state).collect())
    }

    /// Whether the owner has said of this sign-in that it was not theirs.
    pub(super) async fn was_reported(&self, user: UserId, place: i64) -> Outcome<bool> {
        Ok(self.store.count(&reported_bucket(user, place), REPORTS).await? > 0)
    }

    /// Whether unknown browsers are refused for this user: while there is a known one, however others have ended. Judged here and not when the report is written down, so that no order of
    /// reporting and forgetting shuts the owner out.
    pub(crate) async fn unknown_refused(&self, user: UserId) -> Outcome<bool> {
        Ok(self.store.count(&unknown_bucket(user), UNKNOWN_REFUSED).await? > 0
            && self.store.count(&forgotten_bucket(user), UNKNOWN_REFUSED).await? == 0
            && !self.store.browsers_of(user).await?.is_empty())
    }

    /// A known browser is about to be forgotten by one that may be a stranger's.
    pub(super) async fn remember_forgetting(&self, user: UserId) -> Outcome<()> {
        let bucket = forgotten_bucket(user);
        let writes =
            vec![Write::ResetCount { bucket: bucket.clone() }, Write::Count { bucket, limit: UNKNOWN_REFUSED }];
        self.store.commit(writes).await.map_err(Fault::moved_on)
    }

    /// The owner has looked and lets unknown browsers in again, from a known one (INV-15).
    ///
    /// # Errors
    /// [`Fault::Forbidden`] when the session is not fresh or its browser not bound; [`Fault::Conflict`] when nothing is refused.
    pub async fn allow_unknown_from(
        &self,
        session: &Session,
        user: &User,
        browser_cookie: Option<&str>,
    ) -> Outcome<()> {
        self.check_fresh(session).await?;
        if !self.is_known(session, browser_cookie).await? {
            return Err(Fault::Conflict("do this in a browser that Nod knows, or ask your administrator".to_owned()));
        }
        self.allow_unknown(user, "by the owner, from a known browser").await
    }

    /// Whether the session is used in the bound browser that it began in, by the proof of its cookie (INV-12): a copied session alone
    /// is not.
    pub(crate) async fn is_known(&self, session: &Session, browser_cookie: Option<&str>) -> Outcome<bool> {
        let this = self.this_browser(browser_cookie, session.user).await?;
        Ok(this.is_some() && this == session.browser)
    }

    /// Lets unknown browsers in again after a report.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when nothing is refused.
    pub async fn allow_unknown(&self, user: &User, by: &str) -> Outcome<()> {
        let now = self.now().await?;
        if !self.unknown_refused(user.id).await? {
            return Err(Fault::Conflict(format!("{} may sign in from unknown browsers already", user.name)));
        }
        let event = Self::event(EventKind::UnknownAllowed, now, user).detail(by);
        let writes = vec![Write::ResetCount { bucket: unknown_bucket(user.id) }, Write::Audit(event)];
        self.store.commit(writes).await.map_err(Fault::moved_on)
    }
}

/// Each sign-in is reported once.
const REPORTS: Limit = Limit { count: 1, window: nod_core::Millis::days(2) };

/// Whether `event` is a sign-in of the last day, and not the one that `session` came from.
pub(super) fn may_be_reported(event: &Event, session: &Session, now: Timestamp) -> bool {
    event.kind == EventKind::SignedIn
        && event.at != session.created_at
        && !event.at.after(REPORT_WITHIN).has_passed(now)
}

const fn device_of(state: EnrolmentState) -> Option<DeviceId> {
    match state {
        EnrolmentState::Joined(device) | EnrolmentState::Confirmed(device) | EnrolmentState::Introduced(device) => {
            Some(device)
        }
        _ => None,
    }
}

fn reported_bucket(user: UserId, place: i64) -> String {
    format!("reported/{user}/{place}")
}

fn forgotten_bucket(user: UserId) -> String {
    format!("browser forgotten/{user}")
}

fn unknown_bucket(user: UserId) -> String {
    format!("unknown refused/{user}")
}

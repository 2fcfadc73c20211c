//! Links to enrol a phone that go out by letter, one or a group's.

use nod_core::audit::EventKind;
use nod_core::enrolment::{EnrolmentState, OpenedBy};
use nod_core::limits::LETTER_WITH_LINK;
use nod_core::people::{User, UserState};
use nod_core::{Timestamp, UserId};

use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::ports::Write;
use crate::vault::fresh_secret;

/// What the audit says of a link that goes out by letter: the letter itself is its notice.
pub const LINK_BY_LETTER: &str = "an administrator sent a link for 72 hours by mail";

/// How somebody stands in getting a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The account is disabled.
    Disabled,
    /// So many phones are active.
    Enrolled(usize),
    /// The link was opened: they are at it, until then at the latest.
    Busy(Timestamp),
    /// There is a link that nobody has opened, good until then.
    Linked(Timestamp),
    /// There is no link.
    Waiting,
}

impl Engine {
    /// How a user stands in getting a phone.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn enrolment_standing(&self, user: &User) -> Outcome<Standing> {
        if user.state == UserState::Disabled {
            return Ok(Standing::Disabled);
        }
        let now = self.now().await?;
        // One on hold is a phone as well: it needs no other, only time.
        let phones = self.active_devices(user.id, now).await?.len() + self.held_devices(user.id, now).await?.len();
        let ways = phones + self.store.security_keys_of(user.id).await?.len();
        if ways > 0 {
            return Ok(Standing::Enrolled(ways));
        }
        let windows = self.store.enrolments_of(user.id).await?;
        let mut standing = Standing::Waiting;
        for window in windows.iter().filter(|window| !window.expires_at.has_passed(now)) {
            match window.state {
                EnrolmentState::Issued => standing = Standing::Linked(window.expires_at),
                EnrolmentState::Opened
                | EnrolmentState::Proved
                | EnrolmentState::Coded { .. }
                | EnrolmentState::Joined(_) => return Ok(Standing::Busy(window.expires_at)),
                EnrolmentState::Confirmed(_)
                | EnrolmentState::Introduced(_)
                | EnrolmentState::Keyed(_)
                | EnrolmentState::Ended => {}
            }
        }
        Ok(standing)
    }

    /// Opens a window for a phone, whose link goes out by letter; gives the link's secret and its end. Earlier windows close.
    /// For a group's letters somebody who was sent one within a day gets none, whoever sends at the same time.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such an active user; [`Fault::Conflict`] where the account changed meanwhile.
    pub async fn open_enrolment_by_letter(
        &self,
        user: UserId,
        one_of_many: bool,
    ) -> Outcome<Option<(String, Timestamp)>> {
        let now = self.now().await?;
        let user = self.active_user(user).await.map_err(|_| Fault::NotFound("active user"))?;
        let (secret, link) = fresh_secret(&*self.entropy);
        let enrolment = self.new_enrolment(&user, OpenedBy::Administrator, link, now);
        let expires_at = enrolment.expires_at;
        let event = Self::event(EventKind::EnrolmentOpened, now, &user).detail(LINK_BY_LETTER);
        let mut writes = vec![
            Write::EndEnrolmentsOf { user: user.id },
            Write::AddEnrolment(self.vault.sealed(enrolment)),
            Write::Audit(event),
        ];
        // Whoever reads the mailbox has the link: the phones hear of it (INV-15).
        writes.extend(self.tell(user.id, None, now).await?);
        if one_of_many {
            writes.insert(0, Write::Count { bucket: bucket(user.id), limit: LETTER_WITH_LINK });
        }
        if applied(self.store.commit(writes).await)? {
            return Ok(Some((secret, expires_at)));
        }
        if self.store.count(&bucket(user.id), LETTER_WITH_LINK).await? >= LETTER_WITH_LINK.count {
            return Ok(None);
        }
        Err(Fault::Conflict("this has changed in the meantime: look again".to_owned()))
    }

    /// Takes a link back whose letter was not sent, for this reason: the next run sends another.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn letter_not_sent(&self, user: &User, why: &str) -> Outcome<()> {
        let event = Self::event(EventKind::MailRefused, self.now().await?, user).detail(why);
        let writes = vec![
            Write::EndEnrolmentsOf { user: user.id },
            Write::ResetCount { bucket: bucket(user.id) },
            Write::Audit(event),
        ];
        self.store.commit(writes).await.map_err(Fault::moved_on)
    }
}

fn bucket(user: UserId) -> String {
    format!("letter with link/{user}")
}

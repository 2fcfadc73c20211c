//! What happened to an account, for its owner.

use nod_core::Timestamp;
use nod_core::access::Session;
use nod_core::audit::{Event, EventKind};
use nod_protocol::portal::{HistoryPage, PortalEvent};

use super::report::may_be_reported;
use crate::engine::Engine;
use crate::fault::Outcome;

/// Events on one page.
const PAGE: usize = 20;
/// Events that are read at a time: some are left out.
const BATCH: u32 = 60;

impl Engine {
    /// A page of the owner's history: the events before `before`, newest first.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn own_history(&self, session: &Session, before: Option<i64>) -> Outcome<HistoryPage> {
        let now = self.now().await?;
        let found = self.store.audit_of(session.user, before, BATCH).await?;
        let (read, end) = (found.len(), found.last().map(|(place, _)| *place));
        let mut events: Vec<_> = found.into_iter().filter(|(_, event)| is_told(event.kind)).collect();
        let is_cut = events.len() > PAGE;
        events.truncate(PAGE);
        let next = if is_cut { events.last().map(|(place, _)| *place) } else { end };
        let mut page = HistoryPage { events: Vec::new(), next: None, now: now.0 };
        page.next = next.filter(|_| is_cut || read == BATCH as usize);
        for (place, event) in events {
            let reportable = may_be_reported(&event, session, now) && !self.was_reported(session.user, place).await?;
            page.events.push(portal_event(place, event, reportable));
        }
        Ok(page)
    }
}

/// Whether it says anything to the owner that the other events of the same sign-in or enrolment do not.
const fn is_told(kind: EventKind) -> bool {
    !matches!(
        kind,
        EventKind::ChallengeOpened | EventKind::ChallengeRaised | EventKind::Approved | EventKind::DeviceJoined
    )
}

fn portal_event(place: i64, event: Event, reportable: bool) -> PortalEvent {
    let Timestamp(at) = event.at;
    PortalEvent {
        place,
        kind: event.kind.name().to_owned(),
        at,
        app: event.app.map(|(_, name)| name),
        phone: event.device.map(|(_, name)| name),
        address: event.address,
        detail: event.detail,
        reportable,
    }
}

//! Telling the owner's phones that something about the account has changed (INV-15). The push says no more than that; what it
//! was, each phone asks over its own connection (INV-04).

use nod_core::audit::{Event, EventKind};
use nod_core::limits::{NOTICE_LIFE, NOTICES_KEPT};
use nod_core::possession::Device;
use nod_core::push::PushKind;
use nod_core::{DeviceId, Timestamp, UserId};
use nod_protocol::Id;
use nod_protocol::device_api::Notice;

use crate::device::Phone;
use crate::engine::Engine;
use crate::fault::Outcome;
use crate::ports::Write;

/// Events of an account that are read in one go.
const EVENTS: u32 = 200;
/// Times that older ones are read: a change is not pushed out of the list by a thousand renamings behind it.
const READS: u32 = 10;
/// Changes that are listed.
const MAX_NOTICES: usize = 20;

impl Engine {
    /// Pushes to every active phone of the user but `except`.
    pub(crate) async fn tell(&self, user: UserId, except: Option<DeviceId>, now: Timestamp) -> Outcome<Vec<Write>> {
        let subject = self.fresh_id();
        let others = self.active_devices(user, now).await?.into_iter().filter(|device| Some(device.id) != except);
        let expires_at = now.after(NOTICE_LIFE);
        Ok(others.flat_map(|device| self.pushes(&device, PushKind::Notice, subject, now, expires_at)).collect())
    }

    /// What has changed lately about the accounts of this phone, newest first.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn notices(&self, phone: &Phone) -> Outcome<Vec<Notice>> {
        let now = self.now().await?;
        let mut notices = Vec::new();
        for device in phone.devices.iter().filter(|device| device.answers(now)) {
            let open = self.recovery_open(device.user, now).await?;
            let mut before = None;
            for _ in 0..READS {
                let events = self.store.audit_of(device.user, before, EVENTS).await?;
                before = events.last().map(|(place, _)| *place);
                let last = events.last().is_none_or(|(_, event)| event.at.after(NOTICES_KEPT).has_passed(now));
                let told = events.into_iter().map(|(_, event)| event).filter(|event| is_news(event, device, open, now));
                notices.extend(told.map(|event| notice(event, device, open)));
                if last || notices.len() >= MAX_NOTICES {
                    break;
                }
            }
        }
        notices.sort_by_key(|notice| std::cmp::Reverse(notice.at));
        notices.truncate(MAX_NOTICES);
        Ok(notices)
    }
}

/// Whether this phone is told of it: a change since it was enrolled, and not of itself; also an earlier recovery that it can stop.
fn is_news(event: &Event, device: &Device, open: bool, now: Timestamp) -> bool {
    let kind = matches!(
        event.kind,
        EventKind::DeviceEnrolled
            | EventKind::DeviceRevoked
            | EventKind::BrowserBound
            | EventKind::BrowserCloned
            | EventKind::MailChanged
            | EventKind::TokenActivated
            | EventKind::TokenRemoved
            | EventKind::DeviceHeld
            | EventKind::HoldLifted
            | EventKind::RecoveryMade
            | EventKind::PassMade
            | EventKind::RecoveryUsed
            | EventKind::RecoveryThrottled
            | EventKind::RecoveryCancelled
            | EventKind::RecoveryRevoked
            | EventKind::KeyAdded
            | EventKind::KeyRemoved
            | EventKind::KeyCloned
            | EventKind::PasswordSet
            | EventKind::SignInReported
            | EventKind::IntroductionLinkMade
            | EventKind::EnrolmentOpened
    );
    let own = event.device.as_ref().is_some_and(|(id, _)| *id == device.id);
    let since = event.at >= device.created_at || (open && can_be_stopped(event.kind));
    kind && !own && since && !event.at.after(NOTICES_KEPT).has_passed(now)
}

const fn can_be_stopped(kind: EventKind) -> bool {
    matches!(kind, EventKind::RecoveryUsed | EventKind::DeviceHeld)
}

fn notice(event: Event, device: &Device, open: bool) -> Notice {
    let labelled = matches!(
        event.kind,
        EventKind::BrowserBound
            | EventKind::BrowserCloned
            | EventKind::TokenActivated
            | EventKind::TokenRemoved
            | EventKind::KeyAdded
            | EventKind::KeyRemoved
            | EventKind::KeyCloned
    );
    let about = event.device.map(|(_, name)| name).or_else(|| labelled.then_some(event.detail)).unwrap_or_default();
    Notice {
        device: Id(device.id.0),
        kind: event.kind.name().to_owned(),
        at: event.at.0,
        about,
        from: event.address.unwrap_or_default(),
        can_cancel: open && can_be_stopped(event.kind),
    }
}

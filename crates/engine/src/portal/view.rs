//! What the owner sees.

use nod_core::access::{Method, Session};
use nod_core::keys::SecurityKey;
use nod_core::people::User;
use nod_core::possession::{BoundBy, Browser, Device, DeviceState, Notifications, Platform};
use nod_core::push::{PushKind, Stage};
use nod_core::{BrowserId, DeviceId, Timestamp, limits};
use nod_protocol::Id;
use nod_protocol::device_api as api;
use nod_protocol::portal::{
    BoundHow, Delivery, DeliveryOutcome, PortalBrowser, PortalKey, PortalPhone, PortalSession, PortalState, RungAbout,
    SessionHow,
};

use crate::device::{device_state, user_body};
use crate::engine::Engine;
use crate::fault::Outcome;

impl Engine {
    /// The account as its owner sees it from this session, in the browser with this bound-browser cookie.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn portal(&self, session: &Session, user: &User, browser_cookie: Option<&str>) -> Outcome<PortalState> {
        let now = self.now().await?;
        let mut phones = Vec::new();
        for device in self.store.devices_of(user.id).await? {
            if device.state != DeviceState::Revoked {
                phones.push(self.portal_phone(device, now).await?);
            }
        }
        let tokens = self.active_tokens(user.id).await?.into_iter().map(|token| token.name).collect();
        let this_browser = self.this_browser(browser_cookie, user.id).await?;
        let browsers = self.store.browsers_of(user.id).await?.into_iter().filter(|browser| browser.is_bound(now));
        let sessions = self.store.sessions_of(user.id).await?.into_iter().filter(|other| other.is_live(now));
        Ok(PortalState {
            user: user_body(user),
            now: now.0,
            fresh_until: session.created_at.after(limits::FRESH_SIGN_IN).0,
            unknown_refused: self.unknown_refused(user.id).await?,
            phones,
            keys: self.store.security_keys_of(user.id).await?.into_iter().map(portal_key).collect(),
            tokens,
            recovery_open: self.recovery_open(user.id, now).await?,
            recovery_codes: self.recovery_codes_left(user.id).await?,
            browsers: browsers.map(|browser| portal_browser(browser, this_browser)).collect(),
            sessions: sessions.map(|other| portal_session(other, session)).collect(),
        })
    }

    async fn portal_phone(&self, device: Device, now: Timestamp) -> Outcome<PortalPhone> {
        Ok(PortalPhone {
            delivery: self.last_delivery(device.id).await?,
            held_until: device.held_until.filter(|_| device.is_held(now)).map(|end| end.0),
            id: Id(device.id.0),
            name: device.name,
            platform: match device.platform {
                Platform::Android => api::Platform::Android,
                Platform::Ios => api::Platform::Ios,
                Platform::Desktop => api::Platform::Desktop,
                Platform::Terminal => api::Platform::Terminal,
            },
            state: device_state(device.state),
            notifications: match device.notifications {
                Notifications::Unknown => None,
                Notifications::Granted => Some(api::Notifications::Granted),
                Notifications::Unavailable => Some(api::Notifications::Unavailable),
            },
            added_at: device.created_at.0,
            seen_at: device.last_seen_at.0,
        })
    }

    /// What became of the last push to this phone. Stages are kept for about a day.
    async fn last_delivery(&self, device: DeviceId) -> Outcome<Option<Delivery>> {
        let Some(subject) = self.store.last_rung(device).await? else { return Ok(None) };
        let stages = self.store.stages(subject).await?;
        let kind = self.store.pushes_of(subject).await?.first().map(|push| push.kind);
        let own = stages.iter().filter(|(by, ..)| *by == device);
        let seen: Vec<(Stage, Timestamp)> = own.map(|(_, stage, at)| (*stage, *at)).collect();
        let Some((_, sent_at)) = seen.iter().find(|(stage, _)| *stage == Stage::Sent) else { return Ok(None) };
        let furthest = seen.iter().map(|(stage, at)| (outcome(*stage), *at)).max_by_key(|(outcome, _)| *outcome);
        Ok(furthest.map(|(outcome, at)| Delivery {
            about: match kind {
                Some(PushKind::SelfTest) => RungAbout::Test,
                Some(PushKind::Notice) => RungAbout::Notice,
                Some(PushKind::Request) | None => RungAbout::SignIn,
            },
            sent_at: sent_at.0,
            outcome,
            at: at.0,
        }))
    }
}

const fn outcome(stage: Stage) -> DeliveryOutcome {
    match stage {
        Stage::Sent => DeliveryOutcome::Sent,
        Stage::Failed => DeliveryOutcome::Failed,
        Stage::Accepted => DeliveryOutcome::Accepted,
        Stage::WorkerWoke | Stage::Shown => DeliveryOutcome::Rang,
        Stage::Fetched => DeliveryOutcome::Opened,
        Stage::Answered => DeliveryOutcome::Answered,
    }
}

fn portal_key(key: SecurityKey) -> PortalKey {
    PortalKey {
        id: Id(key.id.0),
        name: key.name,
        synced: key.backup_eligible,
        added_at: key.created_at.0,
        used_at: key.last_used_at.map(|at| at.0),
    }
}

fn portal_browser(browser: Browser, this: Option<BrowserId>) -> PortalBrowser {
    PortalBrowser {
        id: Id(browser.id.0),
        name: browser.label,
        how: match browser.bound_by {
            BoundBy::Passkey => BoundHow::Passkey,
            BoundBy::Link => BoundHow::Link,
        },
        added_at: browser.created_at.0,
        used_at: browser.last_used_at.0,
        current: Some(browser.id) == this,
    }
}

fn portal_session(other: Session, this: &Session) -> PortalSession {
    PortalSession {
        id: Id(other.id.0),
        browser: other.agent,
        address: other.address,
        how: match other.method {
            Method::Push => SessionHow::Push,
            Method::PushNumber => SessionHow::PushNumber,
            Method::Passkey => SessionHow::Passkey,
            Method::Code => SessionHow::Code,
        },
        started_at: other.created_at.0,
        used_at: other.last_seen_at.0,
        current: other.id == this.id,
    }
}

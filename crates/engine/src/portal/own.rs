//! What the owner changes.

use nod_core::access::Session;
use nod_core::people::User;
use nod_core::possession::Device;
use nod_core::{BrowserId, DeviceId, PasskeyId};
use nod_protocol::Id;
use nod_protocol::device_api::SelfTestState;

use crate::engine::Engine;
use crate::fault::{Fault, Outcome};

impl Engine {
    /// Revokes a phone of the session's owner (INV-15). The last factor goes only when the owner was told what follows.
    ///
    /// # Errors
    /// [`Fault::Forbidden`] when the session is not fresh; [`Fault::Conflict`] for the last factor unless `even_last`;
    /// [`Fault::NotFound`] when it is not theirs.
    pub async fn revoke_own_device(&self, session: &Session, id: DeviceId, even_last: bool) -> Outcome<()> {
        self.check_fresh(session).await?;
        self.own_device(session, id).await?;
        if !even_last && self.is_last_factor(session, id).await? {
            let words = "this is the last phone of your account: without it you cannot sign in until an administrator \
                         gives you a new link";
            return Err(Fault::Conflict(words.to_owned()));
        }
        self.revoke_device(session.user, id).await
    }

    /// Forgets a bound browser of the session's owner (INV-15). Unknown ones are taken from then on, unless an older known one asks
    /// for it: a newer one might be a stranger's (E19).
    ///
    /// # Errors
    /// [`Fault::Forbidden`] when the session is not fresh; [`Fault::NotFound`] when it is not theirs.
    pub async fn forget_own_browser(&self, session: &Session, id: BrowserId, cookie: Option<&str>) -> Outcome<()> {
        self.check_fresh(session).await?;
        let asks = if self.is_known(session, cookie).await? { session.browser } else { None };
        let bound = self.store.browsers_of(session.user).await?;
        let since = |wanted| bound.iter().find(|browser| Some(browser.id) == wanted).map(|browser| browser.created_at);
        if since(asks).is_none_or(|asks| since(Some(id)).is_some_and(|forgotten| forgotten < asks)) {
            self.remember_forgetting(session.user).await?;
        }
        self.unbind_browser(session.user, id).await
    }

    /// Whether nothing would be left to sign in with.
    async fn is_last_factor(&self, session: &Session, id: DeviceId) -> Outcome<bool> {
        let devices = self.active_devices(session.user, self.now().await?).await?;
        let keys = self.store.security_keys_of(session.user).await?;
        Ok(devices.iter().any(|device| device.id == id) && devices.len() == 1 && keys.is_empty())
    }

    /// Removes a security key or passkey of the session's owner (INV-15). The last factor goes only when they were told what follows.
    ///
    /// # Errors
    /// [`Fault::Forbidden`] when the session is not fresh; [`Fault::Conflict`] for the last factor unless `even_last`;
    /// [`Fault::NotFound`] when it is not theirs.
    pub async fn remove_own_key(&self, session: &Session, user: &User, id: PasskeyId, even_last: bool) -> Outcome<()> {
        self.check_fresh(session).await?;
        let key = self.key_of(user.id, id).await?;
        let others = self.store.security_keys_of(user.id).await?.len() > 1;
        if !even_last && !others && self.active_devices(user.id, self.now().await?).await?.is_empty() {
            return Err(Fault::Conflict(format!(
                "{} is the last way into your account: without it you cannot sign in until an administrator gives you a new link",
                key.name
            )));
        }
        self.remove_key(user, id).await
    }

    /// Sends a test push to a phone of the session's owner.
    ///
    /// # Errors
    /// [`Fault::NotFound`] when it is not theirs; [`Fault::Conflict`] when it cannot be rung; [`Fault::TooMany`].
    pub async fn test_own_device(&self, session: &Session, id: DeviceId) -> Outcome<Id> {
        let device = self.own_device(session, id).await?;
        self.ring_for_test(&device).await
    }

    /// How far a test of the owner's phone got.
    ///
    /// # Errors
    /// [`Fault::NotFound`] when it is not a test of a phone of theirs.
    pub async fn own_test(&self, session: &Session, test: Id) -> Outcome<SelfTestState> {
        let device = self.device_tested(test).await?;
        self.own_device(session, device).await?;
        self.test_state(test, device).await
    }

    async fn own_device(&self, session: &Session, id: DeviceId) -> Outcome<Device> {
        let device = self.store.device(id).await?.filter(|device| device.user == session.user);
        device.ok_or(Fault::NotFound("device"))
    }
}

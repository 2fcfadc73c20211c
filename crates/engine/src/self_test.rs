//! A phone tests itself: a push that rings it, and an approval for practice.

use nod_core::possession::Device;
use nod_core::push::{PushKind, Stage};
use nod_core::{DeviceId, limits};
use nod_protocol::Id;
use nod_protocol::device_api::SelfTestState;
use nod_protocol::webauthn::AssertionJson;

use crate::device::Phone;
use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::keys::Signer;
use crate::ports::Write;

impl Engine {
    /// Queues a test push to one device.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when the phone has no subscription; [`Fault::TooMany`].
    pub async fn start_self_test(&self, phone: &Phone, id: DeviceId) -> Outcome<Id> {
        let device = self.store.device(phone.device(id)?.id).await?.ok_or(Fault::NotFound("device"))?;
        self.ring_for_test(&device).await
    }

    /// Queues a test push to this phone.
    pub(crate) async fn ring_for_test(&self, device: &Device) -> Outcome<Id> {
        let now = self.now().await?;
        let test: [u8; 16] = self.fresh_id();
        let pushes = self.pushes(device, PushKind::SelfTest, test, now, now.after(limits::CHALLENGE_LIFE));
        if pushes.is_empty() {
            return Err(Fault::Conflict("this phone cannot be rung: allow notifications and try again".to_owned()));
        }
        let mut writes = vec![Write::Count { bucket: format!("self-test/{}", device.id), limit: limits::SELF_TESTS }];
        writes.extend(pushes);
        if applied(self.store.commit(writes).await)? {
            Ok(Id(test))
        } else {
            Err(Fault::TooMany { retry_after_seconds: 600 })
        }
    }

    /// How far a test push got.
    ///
    /// # Errors
    /// [`Fault::NotFound`] when it is not a test of this phone.
    pub async fn self_test(&self, phone: &Phone, test: Id) -> Outcome<SelfTestState> {
        let device = self.tested(phone, test).await?.id;
        self.test_state(test, device).await
    }

    /// How far a test of this phone got.
    pub(crate) async fn test_state(&self, test: Id, device: DeviceId) -> Outcome<SelfTestState> {
        let stages = self.store.stages(test.0).await?;
        let at = |wanted: Stage| stages.iter().find(|(_, stage, _)| *stage == wanted).map(|(.., at)| at.0);
        let error =
            at(Stage::Failed).map(|_| "the push service could not be reached or refused the message".to_owned());
        Ok(SelfTestState {
            device: Id(device.0),
            sent_at: at(Stage::Sent),
            accepted_at: at(Stage::Accepted),
            woke_at: at(Stage::WorkerWoke),
            answered_at: at(Stage::Answered),
            error,
        })
    }

    /// The device of this phone that a test is of.
    async fn tested<'p>(&self, phone: &'p Phone, test: Id) -> Outcome<&'p Device> {
        phone.device(self.device_tested(test).await?).map_err(|_| Fault::NotFound("test"))
    }

    /// Whatever device a test is of.
    pub(crate) async fn device_tested(&self, test: Id) -> Outcome<DeviceId> {
        let push = self.store.pushes_of(test.0).await?.into_iter().next().filter(|p| p.kind == PushKind::SelfTest);
        push.map(|push| push.device).ok_or(Fault::NotFound("test"))
    }

    /// Takes an approval that is given for practice: whoever has done it once knows what a real one looks like, and both know
    /// that the passkey works. It opens nothing. The challenge is the test's id, shorter than that of any answer that counts.
    ///
    /// # Errors
    /// [`Fault::NotFound`] when it is not a test of this phone; [`Fault::BadSignature`] when the assertion does not hold.
    pub async fn answer_self_test(&self, phone: &Phone, test: Id, assertion: &AssertionJson) -> Outcome<()> {
        let device = self.tested(phone, test).await?;
        let user = self.active_user(device.user).await?;
        // Also one on hold: practice opens nothing.
        let signed = self.verified_passkey(&user, std::slice::from_ref(device), assertion, &[test.0], "").await?;
        if !matches!(signed.by, Signer::Phone(passkey) if passkey.device == device.id) {
            return Err(Fault::BadSignature("not this phone's passkey".to_owned()));
        }
        let (subject, at, user) = (test.0, self.now().await?, user.id);
        let practised = Write::Stage { subject, device: device.id, stage: Stage::Answered, at, sign_in: None, user };
        self.store.commit(vec![practised]).await.map_err(Fault::moved_on)
    }
}

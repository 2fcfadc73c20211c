//! The end in the asking browser: confirm or refuse the phone, and introduce this browser or not (INV-16, E18).

use nod_core::audit::EventKind;
use nod_core::enrolment::{Enrolment, EnrolmentState, OpenedBy};
use nod_core::limits;
use nod_core::people::User;
use nod_core::possession::{BoundBy, Device, DeviceState};
use nod_protocol::SixDigits;
use nod_protocol::webauthn::{AssertionJson, RequestOptions, request_options};

use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::ports::Write;
use crate::sign_in::Asking;

/// Challenge of the introduction that ends an enrolment: worth nothing after it, so it needs no row.
const INTRODUCTION: &str = "enrolment introduction challenge";

impl Engine {
    /// The person types the string that their phone shows: that phone becomes active. Nobody else's can, as only the phone
    /// shows it; a few wrong ones end it (E01, INV-16).
    ///
    /// # Errors
    /// [`Fault::Conflict`] when it is another string or the phone is not ready: then nothing becomes active.
    pub async fn confirm(&self, enrolment: &Enrolment, user: &User, typed: &str) -> Outcome<()> {
        let now = self.now().await?;
        let EnrolmentState::Joined(id) = enrolment.state else {
            return Err(Fault::Conflict("no phone waits for confirmation".to_owned()));
        };
        let device = self.store.device(id).await?.ok_or(Fault::NotFound("device"))?;
        let typed = SixDigits::parse_typed(typed).map_err(|error| Fault::BadRequest(error.to_string()))?;
        let tries = Write::Count { bucket: format!("confirm/{id}"), limit: limits::CONFIRMATION_TRIES };
        if !applied(self.store.commit(vec![tries]).await)? {
            self.refuse_device(enrolment, user).await?;
            let words = "too many wrong digits: that phone was refused. Make a new code and begin again on your phone";
            return Err(Fault::Conflict(words.to_owned()));
        }
        if self.confirmation_of(enrolment, &device) != Some(typed) {
            let words = "these are not the digits of the phone that joined: read them from your phone again. If it shows none, say No";
            return Err(Fault::Conflict(words.to_owned()));
        }
        let held_until = self.is_on_hold(enrolment, now).await?.then(|| now.after(limits::RECOVERY_HOLD));
        let active = Device { state: DeviceState::Active, held_until, ..device.clone() };
        let checksum = self.vault.resealed(&device, &active)?;
        let kind = if held_until.is_some() { EventKind::DeviceHeld } else { EventKind::DeviceEnrolled };
        // What a code opened ends here: it introduces no browser (INV-19).
        let next = match enrolment.opened_by {
            OpenedBy::Recovery(_) => EnrolmentState::Introduced(id),
            OpenedBy::Administrator | OpenedBy::Session(_) => EnrolmentState::Confirmed(id),
        };
        // Whom the administrator knows is known better than by a code.
        let mut writes = match enrolment.opened_by {
            OpenedBy::Administrator => self.end_held(user, now).await?,
            OpenedBy::Session(_) | OpenedBy::Recovery(_) => Vec::new(),
        };
        writes.extend([
            Write::ActivateDevice { device: id, user: user.id, held_until, checksum },
            self.moved(enrolment, enrolment.state, next)?,
            Write::Audit(Self::event(kind, now, user).device(id, &device.name)),
        ]);
        // Every other phone hears of the new one (INV-15).
        writes.extend(self.tell(user.id, Some(id), now).await?);
        self.store.commit(writes).await.map_err(Fault::moved_on)
    }

    /// The person says that it is another phone: it is revoked, and a new code can be made (E01).
    ///
    /// # Errors
    /// [`Fault::Conflict`] when no phone waits.
    pub async fn refuse_device(&self, enrolment: &Enrolment, user: &User) -> Outcome<()> {
        let now = self.now().await?;
        let EnrolmentState::Joined(id) = enrolment.state else {
            return Err(Fault::Conflict("no phone waits for confirmation".to_owned()));
        };
        let name = self.store.device(id).await?.map_or_else(String::new, |device| device.name);
        let event = Self::event(EventKind::DeviceRefused, now, user).device(id, &name);
        let writes = vec![
            Write::RevokeDevice { device: id, user: user.id },
            self.moved(enrolment, enrolment.state, EnrolmentState::Proved)?,
            Write::Audit(event),
        ];
        self.store.commit(writes).await.map_err(Fault::moved_on)
    }

    /// Options for introducing the asking browser with the new passkey.
    ///
    /// # Errors
    /// [`Fault::Conflict`] before the phone is active or after the choice was made.
    pub async fn enrolment_passkey_options(&self, enrolment: &Enrolment) -> Outcome<RequestOptions> {
        let EnrolmentState::Confirmed(device) = enrolment.state else {
            return Err(Fault::Conflict("this step is over".to_owned()));
        };
        let passkeys = self.store.passkeys_of(enrolment.user).await?;
        let allow: Vec<Vec<u8>> =
            passkeys.into_iter().filter(|p| p.device == device).map(|p| p.credential_id).collect();
        Ok(request_options(&self.settings.rp_id, &self.vault.mac(INTRODUCTION, &[&enrolment.id.0]), &allow, &[]))
    }

    /// Binds the asking browser with the new passkey used in it, or, without an assertion, closes the step unbound.
    /// Gives the new bound-browser cookie. A relayed enrolment cannot do this: the passkey signs for our origin only (E18).
    ///
    /// # Errors
    /// [`Fault::BadSignature`] when the assertion does not hold.
    pub async fn introduce_after_enrolment(
        &self,
        enrolment: &Enrolment,
        user: &User,
        assertion: Option<&AssertionJson>,
        asking: &Asking<'_>,
    ) -> Outcome<Option<String>> {
        let now = self.now().await?;
        let EnrolmentState::Confirmed(device) = enrolment.state else {
            return Err(Fault::Conflict("this step is over".to_owned()));
        };
        let mut writes = vec![self.moved(enrolment, enrolment.state, EnrolmentState::Introduced(device))?];
        let cookie = match assertion {
            Some(assertion) => {
                let challenges = self.vault.macs(INTRODUCTION, &[&enrolment.id.0]);
                let devices = self.active_devices(user.id, now).await?;
                let signed = self.verified_passkey(user, &devices, assertion, &challenges, asking.address).await?;
                writes.extend(signed.used);
                let binding = self.binding(user, asking, BoundBy::Passkey, now).await?;
                writes.extend(binding.writes);
                Some(binding.cookie)
            }
            None => None,
        };
        self.store.commit(writes).await.map_err(Fault::moved_on)?;
        Ok(cookie)
    }
}

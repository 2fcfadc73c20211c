//! Enrolling a phone, or a security key in its place (INV-15, INV-16, INV-17). The asking browser never becomes bound by it (E18).

mod confirm;
mod join;
mod key;
mod letter;
mod open;

pub use letter::{LINK_BY_LETTER, Standing};

use nod_core::EnrolmentId;
use nod_core::Timestamp;
use nod_core::enrolment::{Enrolment, EnrolmentState, OpenedBy};
use nod_core::people::{User, UserState};
use nod_core::possession::{Device, Notifications};
use nod_protocol::device_api::Missing;
use nod_protocol::enrolment::confirmation;
use nod_protocol::pages::{EnrolDevice, EnrolStatus, EnrolStep};
use nod_protocol::{Id, Jwk, SixDigits};

use crate::engine::Engine;
use crate::fault::{Fault, Outcome};
use crate::ports::Write;

impl Engine {
    /// The write that takes an enrolment from one state to another, with the checksum of the row it becomes.
    pub(super) fn moved(&self, enrolment: &Enrolment, from: EnrolmentState, to: EnrolmentState) -> Outcome<Write> {
        let checksum = self.vault.resealed(enrolment, &Enrolment { state: to, ..enrolment.clone() })?;
        Ok(Write::MoveEnrolment { enrolment: enrolment.id, user: enrolment.user, from, to, checksum })
    }

    /// Whether the phone of this enrolment is put on hold: it came by a code that was not typed in a browser bound to its owner, as
    /// that stands now (INV-15, F14).
    pub(super) async fn is_on_hold(&self, enrolment: &Enrolment, now: Timestamp) -> Outcome<bool> {
        Ok(match enrolment.opened_by {
            OpenedBy::Administrator | OpenedBy::Session(_) => false,
            OpenedBy::Recovery(None) => true,
            OpenedBy::Recovery(Some(browser)) => {
                let browser = self.store.browser(browser).await?;
                !browser.is_some_and(|browser| browser.is_bound_for(enrolment.user, now))
            }
        })
    }

    pub(super) async fn missing(&self, device: &Device) -> Outcome<Vec<Missing>> {
        let passkeys = self.store.passkeys_of(device.user).await?;
        let mut missing = Vec::new();
        if !passkeys.iter().any(|passkey| passkey.device == device.id) {
            missing.push(Missing::Passkey);
        }
        if device.notifications == Notifications::Unknown {
            missing.push(Missing::Notifications);
        }
        Ok(missing)
    }

    /// How the enrolment stands, for the asking browser. The code itself is shown only when it is made, and the digits never:
    /// the person reads them from the phone (E01).
    ///
    /// # Errors
    /// Only the store's.
    pub async fn enrolment_status(&self, enrolment: &Enrolment, user: &User) -> Outcome<EnrolStatus> {
        let now = self.now().await?;
        let (step, device) = match enrolment.state {
            EnrolmentState::Opened if user.password_hash.is_none() => (EnrolStep::ChoosePassword, None),
            EnrolmentState::Opened => (EnrolStep::Password, None),
            EnrolmentState::Proved | EnrolmentState::Coded { .. } => (EnrolStep::Code, None),
            EnrolmentState::Joined(device) => (EnrolStep::Device, Some(device)),
            EnrolmentState::Confirmed(device) => (EnrolStep::Introduce, Some(device)),
            EnrolmentState::Introduced(device) => (EnrolStep::Done, Some(device)),
            EnrolmentState::Keyed(_) => (EnrolStep::Keyed, None),
            EnrolmentState::Issued | EnrolmentState::Ended => (EnrolStep::Ended, None),
        };
        let expires_at = match enrolment.state {
            EnrolmentState::Coded { code_expires_at, .. } => code_expires_at,
            _ => enrolment.expires_at,
        };
        let mut status = EnrolStatus {
            step,
            user: Some(user.name.clone()),
            code: None,
            link: None,
            qr: None,
            expires_at: Some(expires_at.0),
            now: now.0,
            device: None,
            on_hold: self.is_on_hold(enrolment, now).await?,
            held_until: None,
            can_use_key: key::takes_keys(enrolment),
        };
        let Some(device) = device else { return Ok(status) };
        let Some(device) = self.store.device(device).await? else { return Ok(status) };
        let missing = self.missing(&device).await?;
        if step == EnrolStep::Device && missing.is_empty() {
            status.step = EnrolStep::Confirm;
        }
        status.held_until = device.held_until.filter(|_| device.is_held(now)).map(|end| end.0);
        status.device = Some(EnrolDevice { name: device.name, missing });
        Ok(status)
    }

    pub(super) fn confirmation_of(&self, enrolment: &Enrolment, device: &Device) -> Option<SixDigits> {
        let key: Jwk = serde_json::from_str(&device.key).ok()?;
        Some(confirmation(&Id(enrolment.id.0), &Id(device.id.0), &key.thumbprint()))
    }

    /// Whether an enrolment that an administrator opened has been completed, for `nod user enrol`.
    ///
    /// # Errors
    /// [`Fault::NotFound`] when it is gone.
    pub async fn enrolment(&self, id: EnrolmentId) -> Outcome<Enrolment> {
        self.store.enrolment(id).await?.ok_or(Fault::NotFound("enrolment"))
    }

    /// Whether the user may sign in at all; for doors that must not say why.
    pub(crate) const fn may_sign_in(user: &User) -> bool {
        matches!(user.state, UserState::Active)
    }
}

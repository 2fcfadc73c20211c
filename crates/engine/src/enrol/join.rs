//! The phone's side: it redeems a code and makes its passkey (INV-16).

use nod_core::audit::EventKind;
use nod_core::enrolment::EnrolmentState;
use nod_core::people::User;
use nod_core::possession::{Device, DeviceState, Notifications, Passkey, Platform};
use nod_core::{DeviceId, PasskeyId, Timestamp, UNSEALED, limits, text};
use nod_protocol::device_api::{self as api, EnrolAnswer, EnrolRequest, EnrolState, Missing};
use nod_protocol::enrolment::confirmation;
use nod_protocol::webauthn::{RegistrationJson, RpJson, UserJson, creation_options, verify_registration};
use nod_protocol::{B64, Id};

use crate::device::{Phone, device_state, user_body};
use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::ports::Write;
use crate::vault::{first_ok, hash_secret};

/// Challenge of a registration: good for one device alone, which takes one passkey only, so it needs no row.
const REGISTRATION: &str = "passkey registration challenge";

impl Engine {
    /// A phone redeems a code: it becomes a pending device. Guesses are counted by source and in all.
    ///
    /// # Errors
    /// [`Fault::NotFound`] for a code that is not shown now; [`Fault::Forbidden`] for a terminal without leave.
    pub async fn join(&self, request: &EnrolRequest, address: &str) -> Outcome<EnrolAnswer> {
        let now = self.now().await?;
        let source = format!("code/source/{}", limits::source_of(address));
        let count = Write::Count { bucket: source.clone(), limit: limits::CODE_TRIES_PER_SOURCE };
        if !applied(self.store.commit(vec![count]).await)? {
            return Err(Fault::TooMany { retry_after_seconds: 600 });
        }
        let code = hash_secret(&request.code.to_string());
        let Some(enrolment) = self.store.enrolment_by_code(code).await? else {
            let count = Write::Count { bucket: "code/all".to_owned(), limit: limits::CODE_TRIES_IN_ALL };
            let counted = applied(self.store.commit(vec![count]).await)?;
            let unknown = Fault::NotFound("code: look at the screen and type it again");
            return Err(if counted { unknown } else { Fault::TooMany { retry_after_seconds: 600 } });
        };
        self.check_window(&enrolment, now).await?;
        let user = self.active_user(enrolment.user).await?;
        if request.platform == api::Platform::Terminal && !user.terminal_phone {
            return Err(Fault::Forbidden(
                "this account may not use a terminal as its phone: an administrator can allow it".to_owned(),
            ));
        }
        let device = self.new_device(request, &user, now)?;
        let count = self.store.devices_of(user.id).await?.iter().filter(|d| d.state != DeviceState::Revoked).count();
        if count >= limits::DEVICES_PER_USER {
            return Err(Fault::Conflict("this account has 10 phones: remove one first".to_owned()));
        }
        let event = Self::event(EventKind::DeviceJoined, now, &user).device(device.id, &device.name).address(address);
        let writes = vec![
            Write::AddDevice(device.clone()),
            self.moved(&enrolment, enrolment.state, EnrolmentState::Joined(device.id))?,
            Write::ResetCount { bucket: source },
            Write::Audit(event),
        ];
        self.store.commit(writes).await.map_err(Fault::moved_on)?;
        Ok(EnrolAnswer {
            device: Id(device.id.0),
            user: user_body(&user),
            server: api::ServerName { name: self.settings.server_name.clone(), origin: self.settings.origin.clone() },
            confirmation: confirmation(&Id(enrolment.id.0), &Id(device.id.0), &request.key.thumbprint()),
            passkey: self.registration_options(&user, &device).await?,
            expires_at: enrolment.expires_at.0,
        })
    }

    fn new_device(&self, request: &EnrolRequest, user: &User, now: Timestamp) -> Outcome<Device> {
        let name = text::shown(&request.name);
        if name.is_empty() {
            return Err(Fault::BadRequest("give the phone a name".to_owned()));
        }
        let id = DeviceId(self.fresh_id());
        let key = serde_json::to_string(&request.key)
            .map_err(|_| Fault::BadRequest("the device key is malformed".to_owned()))?;
        let platform = match request.platform {
            api::Platform::Android => Platform::Android,
            api::Platform::Ios => Platform::Ios,
            api::Platform::Desktop => Platform::Desktop,
            api::Platform::Terminal => Platform::Terminal,
        };
        Ok(self.vault.sealed(Device {
            id,
            user: user.id,
            name,
            platform,
            state: DeviceState::Pending,
            key,
            notifications: Notifications::Unknown,
            subscription: None,
            created_at: now,
            last_seen_at: now,
            held_until: None,
            checksum: UNSEALED,
        }))
    }

    async fn registration_options(
        &self,
        user: &User,
        device: &Device,
    ) -> Outcome<nod_protocol::webauthn::CreationOptions> {
        let (rp, person) = self.ceremony_names(user);
        let own = self.store.security_keys_of(user.id).await?.into_iter().map(|key| key.credential_id);
        let phones = self.store.passkeys_of(user.id).await?.into_iter().map(|passkey| passkey.credential_id);
        let known: Vec<Vec<u8>> = phones.chain(own).collect();
        Ok(creation_options(rp, person, &self.vault.mac(REGISTRATION, &[&device.id.0]), &known))
    }

    /// Who asks for a passkey and for whom. The user handle is the account's id: a passkey without a name tells it back.
    pub(super) fn ceremony_names(&self, user: &User) -> (RpJson, UserJson) {
        let rp = RpJson { id: self.settings.rp_id.clone(), name: self.settings.server_name.clone() };
        let (name, display_name) = (user.name.clone(), user.display_name.clone());
        (rp, UserJson { id: B64(user.id.0.to_vec()), name, display_name })
    }

    /// Takes the pending phone's passkey.
    ///
    /// # Errors
    /// [`Fault::BadSignature`] when the registration does not hold; [`Fault::Conflict`] when it has one.
    pub async fn enrol_passkey(
        &self,
        phone: &Phone,
        id: DeviceId,
        credential: &RegistrationJson,
    ) -> Outcome<api::DeviceState> {
        let now = self.now().await?;
        let device = phone.device(id)?;
        let challenges = self.vault.macs(REGISTRATION, &[&id.0]);
        let made = first_ok(&challenges, |challenge| verify_registration(credential, challenge, &self.relying_party()))
            .map_err(|error| Fault::BadSignature(error.to_string()))?;
        let passkey = self.vault.sealed(Passkey {
            id: PasskeyId(self.fresh_id()),
            user: device.user,
            device: id,
            credential_id: made.credential_id,
            public_key: made.public_key,
            backup_eligible: made.backup_eligible,
            created_at: now,
            checksum: UNSEALED,
        });
        self.store.commit(vec![Write::AddPasskey(passkey)]).await.map_err(Fault::moved_on)?;
        Ok(device_state(device.state))
    }

    /// How far a pending phone is, for the phone.
    ///
    /// # Errors
    /// [`Fault::NotFound`] when it is not of this session.
    pub async fn enrol_state(&self, phone: &Phone, id: DeviceId) -> Outcome<EnrolState> {
        let device = self.store.device(phone.device(id)?.id).await?.ok_or(Fault::NotFound("device"))?;
        let mut missing = self.missing(&device).await?;
        if device.state == DeviceState::Pending {
            missing.push(Missing::Confirmation);
        }
        Ok(EnrolState { state: device_state(device.state), missing })
    }
}

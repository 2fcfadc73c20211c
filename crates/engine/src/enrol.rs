//! Enrolling a phone (INV-15, INV-16, INV-17). The asking browser never becomes bound by it (E18).

use nod_core::access::Session;
use nod_core::audit::EventKind;
use nod_core::enrolment::{Enrolment, EnrolmentState, OpenedBy};
use nod_core::people::{User, UserState, check_new_password};
use nod_core::possession::{BoundBy, Device, DeviceState, Notifications, Passkey, Platform};
use nod_core::{DeviceId, EnrolmentId, PasskeyId, SecretHash, Timestamp, UserId, limits, text};
use nod_protocol::device_api::{self as api, EnrolAnswer, EnrolRequest, EnrolState, Missing};
use nod_protocol::enrolment::{EnrolmentCode, confirmation};
use nod_protocol::pages::{EnrolDevice, EnrolStatus, EnrolStep};
use nod_protocol::webauthn::{
    AssertionJson, RegistrationJson, RequestOptions, RpJson, UserJson, creation_options, request_options,
    verify_registration,
};
use nod_protocol::{B64, Id, Jwk, SixDigits};
use zeroize::Zeroizing;

use crate::device::{Phone, device_state, user_body};
use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::ports::{Topic, Waiter, Write, random};
use crate::sign_in::Asking;
use crate::vault::{fresh_secret, hash_secret};

impl Engine {
    /// Opens a window for one phone and gives the secret for the administrator's link. Earlier windows close.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such an active user.
    pub async fn open_enrolment(&self, user: UserId) -> Outcome<(EnrolmentId, String)> {
        let now = self.now().await?;
        let user = self.active_user(user).await.map_err(|_| Fault::NotFound("active user"))?;
        let (secret, link) = fresh_secret(&*self.entropy);
        let enrolment = self.new_enrolment(&user, OpenedBy::Administrator, link, now);
        let id = enrolment.id;
        let event =
            Self::event(EventKind::EnrolmentOpened, now, &user).detail("an administrator made a link for 72 hours");
        let writes =
            vec![Write::EndEnrolmentsOf { user: user.id }, Write::AddEnrolment(enrolment), Write::Audit(event)];
        self.store.commit(writes).await.map_err(Fault::moved_on)?;
        Ok((id, secret))
    }

    /// Opens a window from the user's own page; the session must be fresh (INV-15). Gives the enrolment cookie's secret.
    ///
    /// # Errors
    /// [`Fault::Forbidden`] when the session is not fresh.
    pub async fn open_own_enrolment(&self, session: &Session) -> Outcome<String> {
        let now = self.now().await?;
        let user = self.active_user(session.user).await?;
        if !session.is_fresh(now) {
            return Err(Fault::Forbidden(
                "sign in again first: adding a phone needs a sign-in of the last 10 minutes".to_owned(),
            ));
        }
        let (secret, hash) = fresh_secret(&*self.entropy);
        let mut enrolment = self.new_enrolment(&user, OpenedBy::Session(session.id), hash, now);
        enrolment.session = Some(hash);
        enrolment.state = EnrolmentState::Proved;
        enrolment.expires_at = now.after(limits::ENROLMENT_SESSION_LIFE);
        let event = Self::event(EventKind::EnrolmentOpened, now, &user).detail("from the account page");
        let writes =
            vec![Write::EndEnrolmentsOf { user: user.id }, Write::AddEnrolment(enrolment), Write::Audit(event)];
        self.store.commit(writes).await.map_err(Fault::moved_on)?;
        Ok(secret)
    }

    fn new_enrolment(&self, user: &User, opened_by: OpenedBy, link: SecretHash, now: Timestamp) -> Enrolment {
        Enrolment {
            id: EnrolmentId(self.fresh_id()),
            user: user.id,
            opened_by,
            link,
            session: None,
            state: EnrolmentState::Issued,
            password_tries: 0,
            created_at: now,
            expires_at: now.after(limits::ENROLMENT_LINK_LIFE),
        }
    }

    /// Exchanges the link once for an enrolment session in this browser; gives the cookie's secret.
    ///
    /// # Errors
    /// [`Fault::NotFound`] for a link that is unknown, used or expired: which of them is not said.
    pub async fn open_link(&self, token: &str) -> Outcome<String> {
        let now = self.now().await?;
        let found = self.store.enrolment_by_link(hash_secret(token)).await?.ok_or(Fault::NotFound("enrolment link"))?;
        let (secret, session) = fresh_secret(&*self.entropy);
        let expires_at = now.after(limits::ENROLMENT_SESSION_LIFE);
        let open = Write::OpenEnrolment { enrolment: found.id, user: found.user, session, expires_at };
        if applied(self.store.commit(vec![open]).await)? { Ok(secret) } else { Err(Fault::NotFound("enrolment link")) }
    }

    /// The enrolment of this browser's cookie.
    ///
    /// # Errors
    /// [`Fault::NotSignedIn`] when there is none or it has expired.
    pub async fn enrolment_of(&self, cookie: &str) -> Outcome<(Enrolment, User)> {
        let now = self.now().await?;
        let found = self.store.enrolment_by_session(hash_secret(cookie)).await?.ok_or(Fault::NotSignedIn)?;
        if found.expires_at.has_passed(now) {
            return Err(Fault::Gone("enrolment"));
        }
        let user = self.active_user(found.user).await?;
        Ok((found, user))
    }

    /// A place to wait for the next change of an enrolment.
    #[must_use]
    pub fn watch_user(&self, user: UserId) -> Waiter {
        self.store.wakes().wait_for(Topic::User(user))
    }

    /// Checks the password, or takes the first one.
    ///
    /// # Errors
    /// [`Fault::Forbidden`] when it is wrong; after five wrong ones the link is void. [`Fault::BadRequest`] when a new one is no good.
    pub async fn enrolment_password(
        &self,
        enrolment: &Enrolment,
        user: &User,
        password: Zeroizing<String>,
        address: &str,
    ) -> Outcome<()> {
        let now = self.now().await?;
        let (from, to) = (EnrolmentState::Opened, EnrolmentState::Proved);
        let mut writes = vec![Write::MoveEnrolment { enrolment: enrolment.id, user: user.id, from, to }];
        if user.password_hash.is_none() {
            check_new_password(&password, &user.name).map_err(|error| Fault::BadRequest(error.to_string()))?;
            let hash = self.passwords.hash(password, address).await?;
            writes.push(Write::SetPassword { user: user.id, hash });
            writes.push(Write::Audit(Self::event(EventKind::PasswordSet, now, user).address(address)));
        } else {
            let count = Write::CountEnrolmentPassword { enrolment: enrolment.id };
            if !applied(self.store.commit(vec![count]).await)? {
                return Err(Fault::Forbidden(
                    "too many wrong passwords: ask your administrator for a new link".to_owned(),
                ));
            }
            if !self.passwords.verify(user.password_hash.clone(), password, address).await? {
                let event = Self::event(EventKind::PasswordRefused, now, user).address(address);
                self.record(event.detail(&user.name)).await?;
                return Err(Fault::Forbidden("that is not the password of this account: try again".to_owned()));
            }
        }
        self.store.commit(writes).await.map_err(Fault::moved_on)
    }

    /// Makes a new code for the phone; an earlier one is void.
    ///
    /// # Errors
    /// [`Fault::Conflict`] before the password or once a phone has joined.
    pub async fn enrolment_code(&self, enrolment: &Enrolment) -> Outcome<(EnrolmentCode, Timestamp)> {
        let now = self.now().await?;
        let code = EnrolmentCode::from_entropy(random(&*self.entropy));
        let code_expires_at = now.after(limits::ENROLMENT_CODE_LIFE);
        let (id, user) = (enrolment.id, enrolment.user);
        let shown = EnrolmentState::Coded { code: hash_secret(&code.to_string()), code_expires_at };
        let mut writes = Vec::new();
        if let from @ EnrolmentState::Coded { .. } = enrolment.state {
            writes.push(Write::MoveEnrolment { enrolment: id, user, from, to: EnrolmentState::Proved });
        }
        writes.push(Write::MoveEnrolment { enrolment: id, user, from: EnrolmentState::Proved, to: shown });
        self.store.commit(writes).await.map_err(Fault::moved_on)?;
        Ok((code, code_expires_at))
    }

    /// A phone redeems a code: it becomes a pending device. Guesses are counted by source and in all.
    ///
    /// # Errors
    /// [`Fault::NotFound`] for a code that is not shown now; [`Fault::Forbidden`] for a terminal without leave.
    pub async fn join(&self, request: &EnrolRequest, address: &str) -> Outcome<EnrolAnswer> {
        let now = self.now().await?;
        let tries = vec![
            Write::Count {
                bucket: format!("code/source/{}", limits::source_of(address)),
                limit: limits::CODE_TRIES_PER_SOURCE,
            },
            Write::Count { bucket: "code/all".to_owned(), limit: limits::CODE_TRIES_IN_ALL },
        ];
        if !applied(self.store.commit(tries).await)? {
            return Err(Fault::TooMany { retry_after_seconds: 600 });
        }
        let code = hash_secret(&request.code.to_string());
        let enrolment = self
            .store
            .enrolment_by_code(code)
            .await?
            .ok_or(Fault::NotFound("code: look at the screen and type it again"))?;
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
        let (from, to) = (enrolment.state, EnrolmentState::Joined(device.id));
        let writes = vec![
            Write::AddDevice(device.clone()),
            Write::MoveEnrolment { enrolment: enrolment.id, user: user.id, from, to },
            Write::ResetCount { bucket: format!("code/source/{}", limits::source_of(address)) },
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
        Ok(Device {
            id,
            user: user.id,
            name,
            platform,
            state: DeviceState::Pending,
            checksum: self.device_checksum(id, user.id, &key),
            key,
            notifications: Notifications::Unknown,
            subscription: None,
            created_at: now,
            last_seen_at: now,
        })
    }

    async fn registration_options(
        &self,
        user: &User,
        device: &Device,
    ) -> Outcome<nod_protocol::webauthn::CreationOptions> {
        let rp = RpJson { id: self.settings.rp_id.clone(), name: self.settings.server_name.clone() };
        let person =
            UserJson { id: B64(user.id.0.to_vec()), name: user.name.clone(), display_name: user.display_name.clone() };
        let known: Vec<Vec<u8>> = self.store.passkeys_of(user.id).await?.into_iter().map(|p| p.credential_id).collect();
        Ok(creation_options(rp, person, &self.registration_challenge(device.id), &known))
    }

    /// Good for this device alone, which takes one passkey only: needs no row.
    fn registration_challenge(&self, device: DeviceId) -> [u8; 32] {
        self.vault.mac("passkey registration challenge", &[&device.0])
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
        let made = verify_registration(credential, &self.registration_challenge(id), &self.relying_party())
            .map_err(|error| Fault::BadSignature(error.to_string()))?;
        let passkey = Passkey {
            id: PasskeyId(self.fresh_id()),
            user: device.user,
            device: id,
            checksum: self.passkey_checksum(device.user, id, &made.credential_id, &made.public_key),
            credential_id: made.credential_id,
            public_key: made.public_key,
            backup_eligible: made.backup_eligible,
            created_at: now,
        };
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

    async fn missing(&self, device: &Device) -> Outcome<Vec<Missing>> {
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

    /// How the enrolment stands, for the asking browser. The code itself is shown only when it is made.
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
            confirmation: None,
        };
        let Some(device) = device else { return Ok(status) };
        let Some(device) = self.store.device(device).await? else { return Ok(status) };
        let missing = self.missing(&device).await?;
        if step == EnrolStep::Device && missing.is_empty() {
            status.step = EnrolStep::Confirm;
            status.confirmation = self.confirmation_of(enrolment, &device);
        }
        status.device = Some(EnrolDevice { name: device.name, missing });
        Ok(status)
    }

    fn confirmation_of(&self, enrolment: &Enrolment, device: &Device) -> Option<SixDigits> {
        let key: Jwk = serde_json::from_str(&device.key).ok()?;
        Some(confirmation(&Id(enrolment.id.0), &Id(device.id.0), &key.thumbprint()))
    }

    /// The person says that the phone shows this string: the phone becomes active.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when it is another string or the phone is not ready: then nothing becomes active.
    pub async fn confirm(&self, enrolment: &Enrolment, user: &User, typed: &str) -> Outcome<()> {
        let now = self.now().await?;
        let EnrolmentState::Joined(id) = enrolment.state else {
            return Err(Fault::Conflict("no phone waits for confirmation".to_owned()));
        };
        let device = self.store.device(id).await?.filter(|d| self.is_intact(d)).ok_or(Fault::NotFound("device"))?;
        let typed = SixDigits::parse_typed(typed).map_err(|error| Fault::BadRequest(error.to_string()))?;
        if self.confirmation_of(enrolment, &device) != Some(typed) {
            return Err(Fault::Conflict(
                "these are not the digits of the phone that joined: look at the phone again".to_owned(),
            ));
        }
        let (from, to) = (enrolment.state, EnrolmentState::Confirmed(id));
        let event = Self::event(EventKind::DeviceEnrolled, now, user).device(id, &device.name);
        let writes = vec![
            Write::ActivateDevice { device: id, user: user.id },
            Write::MoveEnrolment { enrolment: enrolment.id, user: user.id, from, to },
            Write::Audit(event),
        ];
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
        let (from, to) = (enrolment.state, EnrolmentState::Proved);
        let event = Self::event(EventKind::DeviceRefused, now, user).device(id, &name);
        let writes = vec![
            Write::RevokeDevice { device: id, user: user.id },
            Write::MoveEnrolment { enrolment: enrolment.id, user: user.id, from, to },
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
        Ok(request_options(&self.settings.rp_id, &self.introduction_challenge(enrolment), &allow, &[]))
    }

    fn introduction_challenge(&self, enrolment: &Enrolment) -> [u8; 32] {
        self.vault.mac("enrolment introduction challenge", &[&enrolment.id.0])
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
        let (from, to) = (enrolment.state, EnrolmentState::Introduced(device));
        let mut writes = vec![Write::MoveEnrolment { enrolment: enrolment.id, user: user.id, from, to }];
        let cookie = match assertion {
            Some(assertion) => {
                self.verified_passkey(user, assertion, &self.introduction_challenge(enrolment)).await?;
                let binding = self.binding(user, asking, BoundBy::Passkey, now).await?;
                writes.extend(binding.writes);
                Some(binding.cookie)
            }
            None => None,
        };
        self.store.commit(writes).await.map_err(Fault::moved_on)?;
        Ok(cookie)
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

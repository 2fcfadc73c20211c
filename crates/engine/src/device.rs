//! The device side: device sessions, pending requests, stages, history, self-test, removal.

use nod_core::audit::EventKind;
use nod_core::challenge::{Challenge, Decision};
use nod_core::people::{User, UserState};
use nod_core::possession::{Device, DeviceSession, DeviceState, Notifications};
use nod_core::push::{Stage, Subscription};
use nod_core::{ChallengeId, DeviceId, SecretHash, SubscriptionId, Timestamp, UNSEALED, UserId, limits};
use nod_protocol::answer as signed;
use nod_protocol::device_api::{self as api, HistoryEntry, RequestBody, SessionAnswer, SessionDevice, UserBody};
use nod_protocol::device_sign_in::ParsedDeviceSignIn;
use nod_protocol::{B64, Bytes32, Id, Jwk, b64, sha256};

use crate::answer::request_state;
use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::ports::{Question, Topic, Waiter, Write, random};
use crate::vault::{fresh_secret, hash_secret};

/// A device session: the accounts of one app installation that have signed in.
#[derive(Debug, Clone)]
pub struct Phone {
    /// Its devices, none revoked.
    pub devices: Vec<Device>,
}

impl Phone {
    /// The device of this session with this id.
    ///
    /// # Errors
    /// [`Fault::NotFound`] for any other.
    pub fn device(&self, id: DeviceId) -> Outcome<&Device> {
        self.devices.iter().find(|device| device.id == id).ok_or(Fault::NotFound("device"))
    }
}

impl Engine {
    /// A nonce for device sign-in: its end, random bits and a checksum, so that asking for one costs no row.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn device_nonce(&self) -> Outcome<api::NonceAnswer> {
        let expires_at = self.now().await?.after(limits::DEVICE_NONCE_LIFE);
        let body = [expires_at.0.to_be_bytes().as_slice(), &random::<16>(&*self.entropy)].concat();
        let tag = self.vault.mac("device nonce", &[&body, self.vault.epoch()]);
        Ok(api::NonceAnswer { nonce: b64::encode([body.as_slice(), &tag].concat()), expires_at: expires_at.0 })
    }

    fn check_nonce(&self, nonce: &str, now: Timestamp) -> Outcome<Timestamp> {
        let bad = || Fault::BadSignature("a nonce that we did not give".to_owned());
        let bytes = b64::decode(nonce).map_err(|_| bad())?;
        let (body, tag) = bytes.split_at_checked(24).ok_or_else(bad)?;
        if !self.vault.holds(tag, "device nonce", &[body, self.vault.epoch()]) {
            return Err(bad());
        }
        let end = body.first_chunk::<8>().copied().map(i64::from_be_bytes).map(Timestamp).ok_or_else(bad)?;
        if end.has_passed(now) { Err(Fault::Gone("nonce")) } else { Ok(end) }
    }

    /// Signs devices in: each statement is signed by its device key over one nonce, which is used up.
    ///
    /// # Errors
    /// [`Fault::BadSignature`] when none of them holds.
    pub async fn device_sign_in(&self, statements: &[String]) -> Outcome<SessionAnswer> {
        if statements.is_empty() || statements.len() > limits::DEVICES_PER_SESSION {
            return Err(Fault::BadRequest("send 1 to 8 signed device statements".to_owned()));
        }
        let now = self.now().await?;
        let (token, secret) = fresh_secret(&*self.entropy);
        let expires_at = now.after(limits::DEVICE_SESSION_LIFE);
        let mut nonce: Option<(String, Timestamp)> = None;
        let mut devices = Vec::new();
        let mut writes = Vec::new();
        for statement in statements {
            let parsed = ParsedDeviceSignIn::parse(statement).map_err(|error| Fault::BadRequest(error.to_string()))?;
            let claimed = parsed.claimed_device();
            let device = self.verified_device(&parsed, &mut nonce, now).await?;
            let Some((device, user)) = device else {
                devices.push(SessionDevice { device: claimed, user: None, state: None, accepted: false });
                continue;
            };
            let session = DeviceSession { secret, device: device.id, expires_at, checksum: UNSEALED };
            writes.push(Write::AddDeviceSession(self.vault.sealed(session)));
            writes.push(Write::SeeDevice { device: device.id, at: now });
            devices.push(SessionDevice {
                device: claimed,
                user: Some(user_body(&user)),
                state: Some(device_state(device.state)),
                accepted: true,
            });
        }
        let (nonce, end) = nonce.ok_or_else(|| Fault::BadSignature("no statement holds".to_owned()))?;
        writes.insert(0, Write::UseNonce { nonce: hash_secret(&nonce), expires_at: end });
        if !applied(self.store.commit(writes).await)? {
            return Err(Fault::BadSignature("the nonce was used before".to_owned()));
        }
        Ok(SessionAnswer { token, expires_at: expires_at.0, devices })
    }

    async fn verified_device(
        &self,
        parsed: &ParsedDeviceSignIn,
        nonce: &mut Option<(String, Timestamp)>,
        now: Timestamp,
    ) -> Outcome<Option<(Device, User)>> {
        let device = self.store.device(DeviceId(parsed.claimed_device().0)).await?;
        let Some(device) = device.filter(|d| d.state != DeviceState::Revoked) else {
            return Ok(None);
        };
        let Some(user) = self.store.user(device.user).await?.filter(|u| u.state == UserState::Active) else {
            return Ok(None);
        };
        let Ok(key) = serde_json::from_str::<Jwk>(&device.key) else { return Ok(None) };
        let Ok(verified) = parsed.verify(&key) else { return Ok(None) };
        let payload = verified.payload();
        if payload.origin != self.settings.origin {
            return Ok(None);
        }
        let end = self.check_nonce(&payload.nonce, now)?;
        if nonce.as_ref().is_some_and(|(first, _)| *first != payload.nonce) {
            return Err(Fault::BadRequest("all statements must be over one nonce".to_owned()));
        }
        *nonce = Some((payload.nonce.clone(), end));
        Ok(Some((device, user)))
    }

    /// The phone behind a device session's token.
    ///
    /// # Errors
    /// [`Fault::NotSignedIn`] when it has ended or all its devices are revoked.
    pub async fn phone(&self, token: &str) -> Outcome<Phone> {
        let covered = self.store.device_session(hash_secret(token)).await?;
        let devices: Vec<Device> = covered.into_iter().map(|(device, _)| device).collect();
        if devices.is_empty() { Err(Fault::NotSignedIn) } else { Ok(Phone { devices }) }
    }

    /// Places to wait for changes of what this phone is asked.
    #[must_use]
    pub fn watch_phone(&self, phone: &Phone) -> Vec<Waiter> {
        let mut users: Vec<UserId> = phone.devices.iter().map(|device| device.user).collect();
        users.sort_unstable();
        users.dedup();
        users.into_iter().map(|user| self.store.wakes().wait_for(Topic::User(user))).collect()
    }

    /// Requests waiting for this phone's active devices that are not on hold. Fetching the list counts as reaching the phone, not as opening one.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn pending(&self, phone: &Phone) -> Outcome<api::PendingAnswer> {
        let now = self.now().await?;
        let mut requests = Vec::new();
        for device in phone.devices.iter().filter(|device| device.answers(now)) {
            let Ok(user) = self.active_user(device.user).await else { continue };
            let pending = self.store.pending_for(device.user).await?;
            let others = u32::try_from(pending.len().saturating_sub(1)).unwrap_or(u32::MAX);
            requests.extend(pending.iter().map(|challenge| request_body(challenge, device, &user, others, now)));
        }
        let held = phone.devices.iter().filter(|device| device.is_held(now)).filter_map(|device| device.held_until);
        Ok(api::PendingAnswer { now: now.0, requests, held_until: held.max().map(|end| end.0) })
    }

    /// One request, for showing; records that the app fetched it.
    ///
    /// # Errors
    /// [`Fault::NotFound`] when it is not one of this phone's active devices'.
    pub async fn request(&self, phone: &Phone, id: ChallengeId) -> Outcome<RequestBody> {
        let now = self.now().await?;
        let question = self.store.question(id).await?.ok_or(Fault::NotFound("request"))?;
        let Question { challenge, user, .. } = question;
        let device = phone.devices.iter().find(|d| d.user == challenge.user && d.answers(now));
        let device = device.ok_or(Fault::NotFound("request"))?;
        Self::check_active(&user)?;
        let pending = self.store.pending_for(device.user).await?;
        let others = pending.iter().filter(|other| other.id != id).count();
        if challenge.is_live(now) {
            let (subject, sign_in, user) = (id.0, Some(challenge.sign_in), user.id);
            let fetched = Write::Stage { subject, device: device.id, stage: Stage::Fetched, at: now, sign_in, user };
            applied(self.store.commit(vec![fetched]).await)?;
            self.meters.fetched();
        }
        Ok(request_body(&challenge, device, &user, u32::try_from(others).unwrap_or(u32::MAX), now))
    }

    /// Records a stage that the worker saw. Anybody who knows the id may say so; it changes nothing but times, and only for
    /// pushes that were queued.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn report_stage(&self, subject: [u8; 16], stage: Stage) -> Outcome<()> {
        let Some(push) = self.store.pushes_of(subject).await?.into_iter().next() else { return Ok(()) };
        let now = self.now().await?;
        let Some(errand) = self.store.errand(push.device, subject).await? else { return Ok(()) };
        let (device, sign_in) = (errand.device, errand.challenge.map(|challenge| challenge.sign_in));
        let write = Write::Stage { subject, device: device.id, stage, at: now, sign_in, user: device.user };
        applied(self.store.commit(vec![write]).await)?;
        self.meters.reported(errand.subscription.as_ref(), stage);
        Ok(())
    }

    /// Stores where pushes for this installation go, for every device of the session.
    ///
    /// # Errors
    /// [`Fault::BadRequest`] when "granted" comes without a subscription.
    pub async fn set_subscription(&self, phone: &Phone, body: &api::SubscriptionRequest) -> Outcome<()> {
        let notifications = match (body.notifications, &body.subscription) {
            (api::Notifications::Granted, Some(_)) => Notifications::Granted,
            (api::Notifications::Unavailable, None) => Notifications::Unavailable,
            _ => {
                return Err(Fault::BadRequest(
                    "\"granted\" goes with a subscription, \"unavailable\" with null".to_owned(),
                ));
            }
        };
        let mut writes = Vec::new();
        let subscription = match &body.subscription {
            Some(given) => {
                let row = subscription_row(given)?;
                let id = row.id;
                writes.push(Write::PutSubscription(row));
                Some(id)
            }
            None => None,
        };
        for device in &phone.devices {
            writes.push(Write::SetNotifications { device: device.id, user: device.user, notifications, subscription });
        }
        self.store.commit(writes).await.map_err(Fault::moved_on)
    }

    /// What this phone answered, newest first.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn history(&self, phone: &Phone) -> Outcome<Vec<HistoryEntry>> {
        let limit = u32::try_from(api::HISTORY_MAX).unwrap_or(u32::MAX);
        let mut entries = Vec::new();
        for device in &phone.devices {
            for challenge in self.store.answered_by(device.id, limit).await? {
                entries.extend(history_entry(&challenge));
            }
        }
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
        entries.truncate(api::HISTORY_MAX);
        Ok(entries)
    }

    /// Revokes a device; everything that hangs on it ends with it.
    ///
    /// # Errors
    /// [`Fault::NotFound`] when it is not this user's or was revoked before.
    pub async fn revoke_device(&self, user: UserId, id: DeviceId) -> Outcome<()> {
        let now = self.now().await?;
        let owner = self.store.user(user).await?.ok_or(Fault::NotFound("user"))?;
        let device = self.store.device(id).await?.filter(|d| d.user == user && d.state != DeviceState::Revoked);
        let device = device.ok_or(Fault::NotFound("device"))?;
        let event = Self::event(EventKind::DeviceRevoked, now, &owner).device(id, &device.name);
        let mut writes = vec![Write::RevokeDevice { device: id, user }, Write::Audit(event)];
        if device.state == DeviceState::Active {
            writes.extend(self.tell(user, Some(id), now).await?);
        }
        self.store.commit(writes).await.map_err(Fault::moved_on)
    }

    /// Gives a device another name.
    ///
    /// # Errors
    /// [`Fault::BadRequest`] when nothing of the name can be shown; [`Fault::NotFound`].
    pub async fn rename_device(&self, user: UserId, id: DeviceId, name: &str) -> Outcome<()> {
        let now = self.now().await?;
        let owner = self.store.user(user).await?.ok_or(Fault::NotFound("user"))?;
        let name = nod_core::text::shown(name);
        if name.is_empty() {
            return Err(Fault::BadRequest("give the phone a name".to_owned()));
        }
        let event = Self::event(EventKind::DeviceRenamed, now, &owner).device(id, &name);
        let writes = vec![Write::RenameDevice { device: id, user, name }, Write::Audit(event)];
        if applied(self.store.commit(writes).await)? { Ok(()) } else { Err(Fault::NotFound("device")) }
    }
}

/// How people and programs see a user.
pub(crate) fn user_body(user: &User) -> UserBody {
    UserBody { name: user.name.clone(), display_name: user.display_name.clone() }
}

pub(crate) const fn device_state(state: DeviceState) -> api::DeviceState {
    match state {
        DeviceState::Pending => api::DeviceState::Pending,
        DeviceState::Active => api::DeviceState::Active,
        DeviceState::Revoked => api::DeviceState::Revoked,
    }
}

fn request_body(challenge: &Challenge, device: &Device, user: &User, others: u32, now: Timestamp) -> RequestBody {
    RequestBody {
        id: Id(challenge.id.0),
        device: Id(device.id.0),
        user: user_body(user),
        version: challenge.version,
        nonce: Bytes32(challenge.nonce),
        context: B64(challenge.context.clone()),
        number_required: challenge.number.is_some(),
        others,
        created_at: challenge.created_at.0,
        expires_at: challenge.expires_at.0,
        now: now.0,
        state: request_state(&challenge.state_at(now)),
    }
}

fn history_entry(challenge: &Challenge) -> Option<HistoryEntry> {
    let answer = challenge.state.answer()?;
    let context = api::Context::parse(&challenge.context).ok()?;
    Some(HistoryEntry {
        request: Id(challenge.id.0),
        app: context.app,
        decision: match answer.decision {
            Decision::Approve => signed::Decision::Approve,
            Decision::Deny => signed::Decision::Deny,
            Decision::DenyFraud => signed::Decision::DenyFraud,
        },
        at: answer.at.0,
        from: format!("{}, {}", context.browser, context.address),
    })
}

/// One row per push resource, whoever posts it: its id is drawn from the endpoint.
fn subscription_row(given: &api::PushSubscription) -> Outcome<Subscription> {
    if given.endpoint.len() > api::ENDPOINT_MAX_BYTES {
        return Err(Fault::BadRequest("the push endpoint is too long".to_owned()));
    }
    if given.keys.p256dh.0.len() != 65 || given.keys.auth.0.len() != 16 {
        return Err(Fault::BadRequest("the push keys have wrong lengths (RFC 8291)".to_owned()));
    }
    let SecretHash(hash) = SecretHash(sha256(given.endpoint.as_bytes()));
    let id = hash.first_chunk::<16>().copied().unwrap_or_default();
    Ok(Subscription {
        id: SubscriptionId(id),
        endpoint: given.endpoint.clone(),
        p256dh: given.keys.p256dh.0.clone(),
        auth: given.keys.auth.0.clone(),
        refusals: 0,
    })
}

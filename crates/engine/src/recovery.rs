//! Recovery codes: made by the owner after a fresh sign-in and shown once (INV-15, INV-19), and what one brought in taken back.
//! Using one is `sign_in/recover.rs`.

use data_encoding::BASE32_NOPAD;
use nod_core::access::Session;
use nod_core::audit::{Event, EventKind};
use nod_core::enrolment::{Enrolment, EnrolmentState, OpenedBy};
use nod_core::people::User;
use nod_core::recovery::{
    CODE_BYTES, PASS_BYTES, PASS_CHARACTERS, PREFIX_CHARACTERS, RecoveryCode, RecoveryKind, grouped,
};
use nod_core::{DeviceId, Millis, RecoveryId, Timestamp, UNSEALED, UserId, limits};
use zeroize::Zeroizing;

use crate::device::Phone;
use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::ports::{StoreError, Write, random};

/// A code in groups: a secret, shown once.
pub type ShownCode = Zeroizing<String>;

impl Engine {
    /// Makes a set of recovery codes and gives it with its time: the only time that it leaves. An older set is void.
    ///
    /// # Errors
    /// [`Fault::Forbidden`] when the session is not fresh (INV-15).
    pub async fn make_recovery_codes(&self, session: &Session, user: &User) -> Outcome<(Vec<ShownCode>, Timestamp)> {
        self.check_fresh(session).await?;
        let now = self.now().await?;
        let mut writes = vec![Write::EndRecoveryCodes { user: user.id, kind: RecoveryKind::Code }];
        let mut shown: Vec<ShownCode> = Vec::with_capacity(limits::RECOVERY_CODES);
        while shown.len() < limits::RECOVERY_CODES {
            let characters = Zeroizing::new(BASE32_NOPAD.encode(&random::<CODE_BYTES>(&*self.entropy)));
            let text = Zeroizing::new(grouped(&characters));
            // People tell them apart by their first group.
            if shown.iter().any(|other| other.get(..PREFIX_CHARACTERS) == text.get(..PREFIX_CHARACTERS)) {
                continue;
            }
            writes.push(Write::AddRecoveryCode(self.recovery_row(
                user.id,
                RecoveryKind::Code,
                &characters,
                None,
                now,
            )?));
            shown.push(text);
        }
        writes.push(Write::Audit(Self::event(EventKind::RecoveryMade, now, user)));
        writes.extend(self.tell(user.id, None, now).await?);
        self.store.commit(writes).await.map_err(Fault::moved_on)?;
        Ok((shown, now))
    }

    /// Makes a pass that a help desk reads out: good once, for so many minutes. An earlier one of the account is void. Gives it with its
    /// end. It is worth what a recovery code is (F13): nobody gets in by it, and a phone that it adds may have to wait (INV-23).
    ///
    /// # Errors
    /// [`Fault::BadRequest`] without a reason, or for a longer life than an hour; [`Fault::Conflict`] when the account is disabled.
    pub async fn make_pass(&self, user: &User, reason: &str, minutes: u32) -> Outcome<(ShownCode, Timestamp)> {
        let (reason, life) = (nod_core::text::shown(reason), Millis::minutes(i64::from(minutes)));
        if reason.is_empty() {
            return Err(Fault::BadRequest("say why: the reason goes into the audit and to the person".to_owned()));
        }
        if minutes == 0 || life > limits::PASS_LIFE {
            return Err(Fault::BadRequest("a pass lasts 1 to 60 minutes".to_owned()));
        }
        let now = self.now().await?;
        let mut characters = Zeroizing::new(BASE32_NOPAD.encode(&random::<PASS_BYTES>(&*self.entropy)));
        characters.truncate(PASS_CHARACTERS);
        let end = now.after(life);
        let pass = self.recovery_row(user.id, RecoveryKind::Pass, &characters, Some(end), now)?;
        let event = Self::event(EventKind::PassMade, now, user);
        let mut writes = vec![
            Write::EndRecoveryCodes { user: user.id, kind: RecoveryKind::Pass },
            Write::AddRecoveryCode(pass),
            Write::Audit(event.detail(format!("good for {minutes} minutes: {reason}"))),
        ];
        writes.extend(self.tell(user.id, None, now).await?);
        if applied(self.store.commit(writes).await)? {
            Ok((Zeroizing::new(grouped(&characters)), end))
        } else {
            Err(Fault::Conflict(format!("{} is disabled", user.name)))
        }
    }

    pub(crate) fn recovery_row(
        &self,
        user: UserId,
        kind: RecoveryKind,
        characters: &str,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Outcome<RecoveryCode> {
        let id = RecoveryId(self.fresh_id());
        let sealed = self.vault.seal(&*self.entropy, &label(id, user), &nod_protocol::sha256(characters.as_bytes()));
        Ok(self.vault.sealed(RecoveryCode {
            id,
            user,
            kind,
            prefix: characters.get(..PREFIX_CHARACTERS).unwrap_or_default().to_owned(),
            hash: sealed.map_err(|error| StoreError(error.to_string()))?,
            created_at: now,
            expires_at,
            checksum: UNSEALED,
        }))
    }

    /// How many printed codes a user has left.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn recovery_codes_left(&self, user: UserId) -> Outcome<usize> {
        let codes = self.store.recovery_codes_of(user).await?;
        Ok(codes.iter().filter(|code| code.kind == RecoveryKind::Code).count())
    }

    /// An administrator takes all codes and passes of a user away, and what was begun with one.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when there is none of it.
    pub async fn revoke_recovery(&self, user: &User) -> Outcome<()> {
        let (now, codes) = (self.now().await?, self.store.recovery_codes_of(user.id).await?);
        if codes.is_empty() && !self.recovery_open(user.id, now).await? {
            return Err(Fault::Conflict(format!("{} has no recovery codes and no pass", user.name)));
        }
        let printed = codes.iter().filter(|code| code.kind == RecoveryKind::Code).count();
        let detail = format!("{printed} codes, {} passes", codes.len() - printed);
        let event = Self::event(EventKind::RecoveryRevoked, now, user).detail(detail);
        self.take_back(user, event, now).await
    }

    /// "This wasn't me", said on another phone of the person: what a code or pass brought in goes, and so do all of them (E15).
    ///
    /// # Errors
    /// [`Fault::NotFound`] unless this phone may answer for the account; [`Fault::Conflict`] when nothing can be taken back any more.
    pub async fn cancel_recovery(&self, phone: &Phone, device: DeviceId) -> Outcome<()> {
        let (now, device) = (self.now().await?, phone.device(device)?.id);
        // The session's row may be older than a revocation. A phone on hold takes back nothing.
        let device = self.store.device(device).await?.filter(|device| device.answers(now));
        let device = device.ok_or(Fault::NotFound("device"))?;
        let user = self.active_user(device.user).await?;
        self.stop_recovery(&user, format!("with {}", device.name), now).await
    }

    /// The same, said in the portal: in a bound browser, or after a fresh sign-in.
    ///
    /// # Errors
    /// [`Fault::Forbidden`] for any other session; [`Fault::Conflict`] when nothing can be taken back any more.
    pub async fn cancel_own_recovery(
        &self,
        session: &Session,
        user: &User,
        browser_cookie: Option<&str>,
    ) -> Outcome<()> {
        if !self.is_known(session, browser_cookie).await? {
            self.check_fresh(session).await?;
        }
        self.stop_recovery(user, "in the portal".to_owned(), self.now().await?).await
    }

    async fn stop_recovery(&self, user: &User, how: String, now: Timestamp) -> Outcome<()> {
        if !self.recovery_open(user.id, now).await? {
            return Err(Fault::Conflict("there is nothing to take back any more".to_owned()));
        }
        self.take_back(user, Self::event(EventKind::RecoveryCancelled, now, user).detail(how), now).await
    }

    /// In one commit: no window, no phone on hold and no code is left for whoever comes a moment later.
    async fn take_back(&self, user: &User, event: Event, now: Timestamp) -> Outcome<()> {
        let mut writes = self.no_recovery(user, now).await?;
        writes.push(Write::Audit(event));
        writes.extend(self.tell(user.id, None, now).await?);
        self.store.commit(writes).await.map_err(Fault::moved_on)?;
        // One that was opened since it was looked at. None can follow: no code is left.
        if self.recovery_open(user.id, now).await? {
            let mut late = vec![Write::EndEnrolmentsOf { user: user.id }];
            late.extend(self.end_held(user, now).await?);
            self.store.commit(late).await.map_err(Fault::moved_on)?;
        }
        Ok(())
    }

    /// The writes after which no recovery goes on and none can begin: codes, passes, windows and phones on hold end.
    pub(crate) async fn no_recovery(&self, user: &User, now: Timestamp) -> Outcome<Vec<Write>> {
        let kinds = [RecoveryKind::Code, RecoveryKind::Pass];
        let mut writes = kinds.map(|kind| Write::EndRecoveryCodes { user: user.id, kind }).to_vec();
        if self.recovery_open(user.id, now).await? {
            writes.push(Write::EndEnrolmentsOf { user: user.id });
        }
        writes.extend(self.end_held(user, now).await?);
        Ok(writes)
    }

    /// The writes that revoke phones on hold, also one that is put on hold meanwhile.
    pub(crate) async fn end_held(&self, user: &User, now: Timestamp) -> Outcome<Vec<Write>> {
        let mut writes = vec![Write::RevokeHeld { user: user.id }];
        for device in self.held_devices(user.id, now).await? {
            writes.push(Write::Audit(Self::event(EventKind::DeviceRevoked, now, user).device(device.id, &device.name)));
        }
        Ok(writes)
    }

    /// Whether what a code or pass brought in can still be taken back: a window for a phone, or a phone on hold.
    pub(crate) async fn recovery_open(&self, user: UserId, now: Timestamp) -> Outcome<bool> {
        let is_window = |enrolment: &Enrolment| {
            let over = matches!(
                enrolment.state,
                EnrolmentState::Confirmed(_)
                    | EnrolmentState::Introduced(_)
                    | EnrolmentState::Keyed(_)
                    | EnrolmentState::Ended
            );
            matches!(enrolment.opened_by, OpenedBy::Recovery(_)) && !over && !enrolment.expires_at.has_passed(now)
        };
        Ok(!self.held_devices(user, now).await?.is_empty()
            || self.store.enrolments_of(user).await?.iter().any(is_window))
    }

    /// The write that seals a code's hash anew, when another key than the present one sealed it.
    pub(crate) fn resealed_recovery(&self, code: &RecoveryCode) -> Outcome<Option<Write>> {
        let label = label(code.id, code.user);
        if self.vault.sealed_now(&label, &code.hash) {
            return Ok(None);
        }
        let opened = self.vault.open(&label, &code.hash).map_err(|error| StoreError(error.to_string()))?;
        let hash = self.vault.seal(&*self.entropy, &label, &opened).map_err(|error| StoreError(error.to_string()))?;
        let to = self.vault.sealed(RecoveryCode { hash, ..code.clone() });
        Ok(Some(Write::ResealRecoveryCode { from: code.checksum, to }))
    }
}

/// What the hash is sealed with, so that one moved to another row or user does not open (INV-21).
pub(crate) fn label(code: RecoveryId, user: UserId) -> String {
    format!("hash of recovery code {code} of user {user}")
}

//! After a restore: what the audit tells of the time behind the backup is taken up again, and what was revoked then is revoked
//! again (D11). The store has not loaded anything that was pending or that opens a session.

use nod_core::Timestamp;
use nod_core::audit::{ChainHash, Event, EventKind, Link};
use nod_core::people::UserState;
use nod_core::possession::DeviceState;
use nod_core::recovery::RecoveryKind;
use nod_protocol::Bytes32;
use nod_protocol::checkpoint::CheckpointPayload;
use zeroize::Zeroizing;

use crate::engine::Engine;
use crate::fault::{Fault, Outcome};
use crate::ports::{Write, chain_hash};
use crate::vault::fresh_secret;

/// What came of the events behind a backup.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// How many were added to the audit.
    pub events: u64,
    /// What was revoked again, in the audit's own sentences.
    pub again: Vec<String>,
    /// What the backup does not hold and nobody can restore from the audit alone, in sentences.
    pub to_do: Vec<String>,
}

/// What one event asks for.
enum Answer {
    /// Nothing: it changed nothing that is still there.
    Nothing,
    /// These revoke again what it revoked.
    Revoke(Vec<Write>),
    /// A person has to look.
    Look,
}

impl Engine {
    /// The end of the audit: how many events, and the last one's hash.
    async fn audit_end(&self) -> Outcome<(i64, ChainHash)> {
        let Some((count, _)) = self.store.audit(None, 1).await?.into_iter().next() else {
            return Ok((0, ChainHash::START));
        };
        let links = self.store.audit_after(count - 1, 1).await?;
        let hash = links.into_iter().next().and_then(|link| link.hash);
        Ok((count, hash.ok_or_else(|| Fault::Conflict("the audit's last event carries no hash".to_owned()))?))
    }

    /// Adds exported events behind those of the backup, and revokes again what they revoked. Only that: nothing that an event gives
    /// is given, since whoever can write to an export could add one. Events that the backup holds are compared with it.
    ///
    /// # Errors
    /// [`Fault::BadRequest`] names the event that does not follow from what stands before. Those before it were taken.
    pub async fn replay(&self, events: Vec<Link>) -> Outcome<Replayed> {
        let (mut last, mut previous) = self.audit_end().await?;
        let mut replayed = Replayed::default();
        for Link { sequence, hash, event } in events {
            let (Some(event), Some(hash)) = (event, hash) else {
                return Err(Fault::BadRequest(format!("event {sequence} of the exported audit is none")));
            };
            if sequence < last {
                continue;
            }
            let follows = if sequence == last {
                hash == previous
            } else {
                sequence == last + 1 && chain_hash(&previous, sequence, &event) == hash
            };
            if !follows {
                return Err(Fault::BadRequest(format!(
                    "event {sequence} of the exported audit does not follow from event {last} of the backup: it is of another \
                     installation, was edited, or events between are missing"
                )));
            }
            if sequence > last {
                self.replay_one(event, &mut replayed).await?;
                (last, previous) = (sequence, hash);
            }
        }
        Ok(replayed)
    }

    async fn replay_one(&self, event: Event, replayed: &mut Replayed) -> Outcome<()> {
        let sentence = event.sentence();
        let mut writes = match self.answer_to(&event).await? {
            Answer::Nothing => Vec::new(),
            Answer::Revoke(writes) => {
                replayed.again.push(sentence);
                writes
            }
            Answer::Look => {
                replayed.to_do.push(sentence);
                Vec::new()
            }
        };
        writes.push(Write::Audit(event));
        self.store.commit(writes).await.map_err(Fault::moved_on)?;
        replayed.events += 1;
        Ok(())
    }

    async fn answer_to(&self, event: &Event) -> Outcome<Answer> {
        match event.kind {
            EventKind::DeviceRevoked | EventKind::DeviceRefused => {
                let Some((id, _)) = &event.device else { return Ok(Answer::Nothing) };
                let found = self.store.device(*id).await?.filter(|device| device.state != DeviceState::Revoked);
                let revoke = |device: nod_core::possession::Device| {
                    Answer::Revoke(vec![Write::RevokeDevice { device: device.id, user: device.user }])
                };
                Ok(found.map_or(Answer::Nothing, revoke))
            }
            // Whichever of them the backup holds: one may have been used since.
            EventKind::RecoveryMade
            | EventKind::RecoveryUsed
            | EventKind::RecoveryCancelled
            | EventKind::RecoveryRevoked => self.recovery_changed(event).await,
            EventKind::KeyRemoved => self.key_removed(event).await,
            EventKind::UserDisabled => self.user_disabled(event).await,
            EventKind::PasswordSet => self.password_set(event).await,
            EventKind::AppRemoved => {
                let Some((Some(id), _)) = &event.app else { return Ok(Answer::Nothing) };
                let found = self.store.app(*id).await?;
                Ok(found.map_or(Answer::Nothing, |app| Answer::Revoke(vec![Write::RemoveApp(app.id)])))
            }
            EventKind::GroupChanged => self.group_changed(event).await,
            EventKind::UserAdded
            | EventKind::UserEnabled
            | EventKind::UserChanged
            | EventKind::AppAdded
            | EventKind::DeviceEnrolled
            | EventKind::DeviceHeld
            | EventKind::KeyAdded => Ok(Answer::Look),
            _ => Ok(Answer::Nothing),
        }
    }

    async fn recovery_changed(&self, event: &Event) -> Outcome<Answer> {
        let Some((user, _)) = event.user else { return Ok(Answer::Nothing) };
        let stopped = matches!(event.kind, EventKind::RecoveryCancelled | EventKind::RecoveryRevoked);
        let held = stopped && !self.held_devices(user, self.now().await?).await?.is_empty();
        if self.store.recovery_codes_of(user).await?.is_empty() && !held {
            return Ok(Answer::Nothing);
        }
        let mut writes = vec![Write::EndRecoveryCodes { user, kind: RecoveryKind::Code }];
        writes.extend(held.then_some(Write::RevokeHeld { user }));
        Ok(Answer::Revoke(writes))
    }

    /// Events name a key and do not number it: every one of that name goes. One that was renamed in between is for a person to find.
    async fn key_removed(&self, event: &Event) -> Outcome<Answer> {
        let Some((id, _)) = &event.user else { return Ok(Answer::Nothing) };
        let keys = self.store.security_keys_of(*id).await?;
        let named = keys.iter().filter(|key| key.name == event.detail);
        let writes: Vec<_> = named.map(|key| Write::RemoveSecurityKey { key: key.id, user: key.user }).collect();
        Ok(match (writes.is_empty(), keys.is_empty()) {
            (false, _) => Answer::Revoke(writes),
            (true, false) => Answer::Look,
            (true, true) => Answer::Nothing,
        })
    }

    async fn user_disabled(&self, event: &Event) -> Outcome<Answer> {
        let Some((id, _)) = &event.user else { return Ok(Answer::Nothing) };
        let active = self.store.user(*id).await?.filter(|user| user.state == UserState::Active);
        let disable = |user: nod_core::people::User| {
            Answer::Revoke(vec![
                self.changed(&user, nod_core::people::User { state: UserState::Disabled, ..user.clone() }),
            ])
        };
        Ok(active.map_or(Answer::Nothing, disable))
    }

    /// The backup's password is one that was replaced, perhaps because somebody else knew it: nobody may use it any more.
    async fn password_set(&self, event: &Event) -> Outcome<Answer> {
        let Some((id, _)) = &event.user else { return Ok(Answer::Nothing) };
        let Some(user) = self.store.user(*id).await?.filter(|user| user.password_hash.is_some()) else {
            return Ok(Answer::Nothing);
        };
        let unknown = Zeroizing::new(fresh_secret(&*self.entropy).0);
        let hash = self.passwords.hash(unknown, "command line").await?;
        let replaced = nod_core::people::User { password_hash: Some(hash), ..user.clone() };
        Ok(Answer::Revoke(vec![self.changed(&user, replaced)]))
    }

    async fn group_changed(&self, event: &Event) -> Outcome<Answer> {
        let Some((id, _)) = &event.user else { return Ok(Answer::Look) };
        let Some(user) = self.store.user(*id).await? else { return Ok(Answer::Look) };
        for group in self.store.groups().await? {
            let left = event.detail == crate::admin::membership(&user, "left", &group);
            if left && self.store.member(group.id, user.id).await?.is_some() {
                return Ok(Answer::Revoke(vec![Write::RemoveMember { group: group.id, user: user.id }]));
            }
        }
        Ok(Answer::Look)
    }

    /// Writes down that a backup was restored, and gives what is to be signed about it: it answers for checkpoints of events that
    /// are no more, all of them signed before `signed_after` has passed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note_restore(&self, detail: String, signed_after: Timestamp) -> Outcome<CheckpointPayload> {
        let now = self.now().await?;
        let (restored_from, _) = self.audit_end().await?;
        self.record(Event::new(EventKind::Restored, now).detail(detail)).await?;
        let (count, head) = self.audit_end().await?;
        Ok(CheckpointPayload {
            head: Bytes32(head.0),
            count,
            at: now.0.max(signed_after.0.saturating_add(1)),
            origin: self.settings.origin.clone(),
            restored_from: Some(restored_from),
        })
    }
}

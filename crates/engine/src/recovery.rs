//! Recovery codes: made by the owner after a fresh sign-in and shown once (INV-15, INV-19).

use data_encoding::BASE32_NOPAD;
use nod_core::access::Session;
use nod_core::audit::EventKind;
use nod_core::people::User;
use nod_core::recovery::{CODE_BYTES, PREFIX_CHARACTERS, RecoveryCode, RecoveryKind, grouped};
use nod_core::{RecoveryId, Timestamp, UNSEALED, UserId, limits};
use zeroize::Zeroizing;

use crate::engine::Engine;
use crate::fault::{Fault, Outcome};
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

    /// An administrator takes all codes and passes of a user away.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when there are none.
    pub async fn revoke_recovery(&self, user: &User) -> Outcome<()> {
        let (now, codes) = (self.now().await?, self.store.recovery_codes_of(user.id).await?);
        if codes.is_empty() {
            return Err(Fault::Conflict(format!("{} has no recovery codes and no pass", user.name)));
        }
        let printed = codes.iter().filter(|code| code.kind == RecoveryKind::Code).count();
        let detail = format!("{printed} codes, {} passes", codes.len() - printed);
        let mut writes = [RecoveryKind::Code, RecoveryKind::Pass]
            .map(|kind| Write::EndRecoveryCodes { user: user.id, kind })
            .to_vec();
        writes.push(Write::Audit(Self::event(EventKind::RecoveryRevoked, now, user).detail(detail)));
        writes.extend(self.tell(user.id, None, now).await?);
        self.store.commit(writes).await.map_err(Fault::moved_on)
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

//! Security keys and passkeys that are a factor of their own: renamed, removed, and judged when they sign.

use nod_core::audit::EventKind;
use nod_core::keys::SecurityKey;
use nod_core::people::User;
use nod_core::possession::{Device, Passkey};
use nod_core::{PasskeyId, Timestamp, UserId, limits, text};
use nod_protocol::webauthn::{AssertionJson, verify_assertion};

use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::ports::Write;
use crate::vault::first_ok;

/// What may sign for a user: a phone's passkey, or one of its own.
#[derive(Debug, Clone)]
pub(crate) enum Signer {
    /// It falls with its phone.
    Phone(Passkey),
    /// A factor of its own.
    Own(SecurityKey),
}

impl Signer {
    pub(crate) const fn id(&self) -> PasskeyId {
        match self {
            Self::Phone(passkey) => passkey.id,
            Self::Own(key) => key.id,
        }
    }
    pub(crate) fn credential_id(&self) -> &[u8] {
        match self {
            Self::Phone(passkey) => &passkey.credential_id,
            Self::Own(key) => &key.credential_id,
        }
    }
    /// Whether it is this phone's passkey.
    pub(crate) fn is_of(&self, device: &Device) -> bool {
        matches!(self, Self::Phone(passkey) if passkey.device == device.id)
    }
    fn public_key(&self) -> &[u8] {
        match self {
            Self::Phone(passkey) => &passkey.public_key,
            Self::Own(key) => &key.public_key,
        }
    }
}

/// Who signed, and what goes into the commit that makes use of it.
pub(crate) struct Signed {
    pub(crate) by: Signer,
    pub(crate) used: Option<Write>,
}

impl Engine {
    /// Passkeys of these phones, and those of their own.
    pub(crate) async fn signers<'d>(
        &self,
        user: UserId,
        devices: impl IntoIterator<Item = &'d Device> + Clone + Send,
    ) -> Outcome<Vec<Signer>> {
        let passkeys = self.store.passkeys_of(user).await?.into_iter();
        let of_these = |passkey: &Passkey| devices.clone().into_iter().any(|device| device.id == passkey.device);
        let of_phones: Vec<Passkey> = passkeys.filter(of_these).collect();
        let own = self.store.security_keys_of(user).await?;
        Ok(of_phones.into_iter().map(Signer::Phone).chain(own.into_iter().map(Signer::Own)).collect())
    }

    /// The user's own, intact passkey, of one of these phones or of its own, that signed one of `challenges` on our origin with user
    /// verification (WebAuthn level 3, section 7.2).
    pub(crate) async fn verified_passkey(
        &self,
        user: &User,
        devices: &[Device],
        assertion: &AssertionJson,
        challenges: &[impl AsRef<[u8]> + Sync],
        address: &str,
    ) -> Outcome<Signed> {
        let bad = |why: &str| Fault::BadSignature(why.to_owned());
        let signers = self.signers(user.id, devices).await?;
        let signer = signers.into_iter().find(|signer| signer.credential_id() == assertion.raw_id.0);
        let signer = signer.ok_or_else(|| bad("an unknown passkey"))?;
        let rp = self.relying_party();
        let verify = |challenge: &[u8]| verify_assertion(assertion, challenge, &rp, signer.public_key());
        let verified = first_ok(challenges, verify).map_err(|error| Fault::BadSignature(error.to_string()))?;
        if verified.user_handle.is_some_and(|handle| handle != user.id.0) {
            return Err(bad("a passkey of another account"));
        }
        let Signer::Own(key) = &signer else { return Ok(Signed { by: signer, used: None }) };
        if verified.backup_eligible != key.backup_eligible {
            return Err(bad("a passkey that may be copied now and could not before, or the other way round"));
        }
        let now = self.now().await?;
        if key.tells_of_a_copy(verified.counter) {
            return Err(self.cloned(user, key, address, now).await?);
        }
        let to = SecurityKey { counter: verified.counter, last_used_at: Some(now), ..key.clone() };
        let used = Some(Write::ChangeSecurityKey { from: key.checksum, to: self.vault.sealed(to) });
        Ok(Signed { by: signer, used })
    }

    /// Tells the audit and the phones that there may be two of this key, and what the person is told.
    async fn cloned(&self, user: &User, key: &SecurityKey, address: &str, now: Timestamp) -> Outcome<Fault> {
        let event = Self::event(EventKind::KeyCloned, now, user).address(address).detail(&key.name);
        // Not among the bad proofs of the account: whoever makes many of those could keep this from being told.
        let count = Write::Count { bucket: format!("cloned/{}", key.id), limit: limits::KEY_COPIES_TOLD };
        let mut writes = vec![count, Write::Audit(event)];
        writes.extend(self.tell(user.id, None, now).await?);
        applied(self.store.commit(writes).await)?;
        Ok(Fault::Forbidden(
            "the counter of this security key went back, so there may be a copy of it: use another way to sign in, then \
             remove the key from your account and tell your administrator"
                .to_owned(),
        ))
    }

    /// Renames a security key or passkey.
    ///
    /// # Errors
    /// [`Fault::NotFound`]; [`Fault::BadRequest`] for an empty name.
    pub async fn rename_key(&self, user: &User, key: PasskeyId, name: &str) -> Outcome<()> {
        let name = text::shown(name);
        if name.is_empty() {
            return Err(Fault::BadRequest("the name is empty".to_owned()));
        }
        let (key, now) = (self.key_of(user.id, key).await?, self.now().await?);
        let event = Self::event(EventKind::KeyRenamed, now, user).detail(&name);
        let change = Write::ChangeSecurityKey { from: key.checksum, to: SecurityKey { name, ..key } };
        self.store.commit(vec![change, Write::Audit(event)]).await.map_err(Fault::moved_on)
    }

    /// Removes a security key or passkey; a sign-in that it proved and that is not finished opens nothing.
    ///
    /// # Errors
    /// [`Fault::NotFound`].
    pub async fn remove_key(&self, user: &User, key: PasskeyId) -> Outcome<()> {
        let (key, now) = (self.key_of(user.id, key).await?, self.now().await?);
        let mut writes = self.removal(user, &key, now);
        writes.extend(self.tell(user.id, None, now).await?);
        if applied(self.store.commit(writes).await)? { Ok(()) } else { Err(Fault::NotFound("security key or passkey")) }
    }

    /// The writes that remove it and say so.
    pub(crate) fn removal(&self, user: &User, key: &SecurityKey, now: Timestamp) -> Vec<Write> {
        let event = Self::event(EventKind::KeyRemoved, now, user).detail(&key.name);
        vec![Write::RemoveSecurityKey { key: key.id, user: key.user }, Write::Audit(event)]
    }

    pub(crate) async fn key_of(&self, user: UserId, key: PasskeyId) -> Outcome<SecurityKey> {
        let found = self.store.security_keys_of(user).await?.into_iter().find(|found| found.id == key);
        found.ok_or(Fault::NotFound("security key or passkey"))
    }
}

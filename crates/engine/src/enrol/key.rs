//! A security key or passkey in place of a phone, added in the asking browser itself (INV-15, INV-16).
//!
//! Nothing is confirmed by digits: the ceremony runs on our own origin in the browser that asks, so there is no second device that
//! could be somebody else's (E01), and a relay page on another origin cannot make the credential (E18). It does not bind the browser.

use nod_core::audit::EventKind;
use nod_core::enrolment::{Enrolment, EnrolmentState, OpenedBy};
use nod_core::keys::SecurityKey;
use nod_core::people::User;
use nod_core::{PasskeyId, UNSEALED, limits, text};
use nod_protocol::webauthn::{CreationOptions, RegistrationJson, creation_options, verify_registration};

use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::ports::Write;
use crate::vault::first_ok;

/// Challenge of a registration: good for one enrolment alone, which takes one key only, so it needs no row.
const REGISTRATION: &str = "security key registration challenge";
/// What a key is called that was given no name.
const UNNAMED: &str = "Security key";

impl Engine {
    /// What the browser passes to `navigator.credentials.create`.
    ///
    /// # Errors
    /// [`Fault::Conflict`] before the password, once the enrolment has gone on with a phone, or when there are too many keys.
    pub async fn enrolment_key_options(&self, enrolment: &Enrolment, user: &User) -> Outcome<CreationOptions> {
        may_take_key(enrolment)?;
        let keys = self.store.security_keys_of(user.id).await?;
        if keys.len() >= limits::KEYS_PER_USER {
            return Err(too_many());
        }
        let phones = self.store.passkeys_of(user.id).await?.into_iter().map(|passkey| passkey.credential_id);
        let known: Vec<Vec<u8>> = keys.into_iter().map(|key| key.credential_id).chain(phones).collect();
        let (rp, person) = self.ceremony_names(user);
        let challenge = self.vault.mac(REGISTRATION, &[&enrolment.id.0]);
        Ok(creation_options(rp, person, &challenge, &known).discoverable_if_possible())
    }

    /// Takes the key, which ends the enrolment. Every phone of the account hears of it (INV-15).
    ///
    /// # Errors
    /// [`Fault::BadSignature`] when the registration does not hold; [`Fault::Conflict`] when the key is known already.
    pub async fn enrol_key(
        &self,
        enrolment: &Enrolment,
        user: &User,
        registration: &RegistrationJson,
        name: &str,
        address: &str,
    ) -> Outcome<()> {
        may_take_key(enrolment)?;
        let now = self.now().await?;
        let challenges = self.vault.macs(REGISTRATION, &[&enrolment.id.0]);
        let rp = self.relying_party();
        let made = first_ok(&challenges, |challenge| verify_registration(registration, challenge, &rp))
            .map_err(|error| Fault::BadSignature(error.to_string()))?;
        let name = text::shown(name);
        let key = self.vault.sealed(SecurityKey {
            id: PasskeyId(self.fresh_id()),
            user: user.id,
            name: if name.is_empty() { UNNAMED.to_owned() } else { name },
            credential_id: made.credential_id,
            public_key: made.public_key,
            aaguid: made.aaguid,
            backup_eligible: made.backup_eligible,
            counter: made.counter,
            created_at: now,
            last_used_at: None,
            checksum: UNSEALED,
        });
        let event = Self::event(EventKind::KeyAdded, now, user).address(address).detail(&key.name);
        // Whom the administrator knows is known better than by a code.
        let mut writes = match enrolment.opened_by {
            OpenedBy::Administrator => self.end_held(user, now).await?,
            OpenedBy::Session(_) | OpenedBy::Recovery(_) => Vec::new(),
        };
        if let from @ EnrolmentState::Coded { .. } = enrolment.state {
            // Whether or not that code has run out.
            writes.push(self.moved(enrolment, from, EnrolmentState::Proved)?);
        }
        writes.push(self.moved(enrolment, EnrolmentState::Proved, EnrolmentState::Keyed(key.id))?);
        writes.extend([Write::AddSecurityKey(key), Write::Audit(event)]);
        writes.extend(self.tell(user.id, None, now).await?);
        if applied(self.store.commit(writes).await)? { Ok(()) } else { Err(too_many()) }
    }
}

fn too_many() -> Fault {
    Fault::Conflict(format!(
        "this security key or passkey is known already, or this account has {} of them: remove one first",
        limits::KEYS_PER_USER
    ))
}

/// A recovery code gives a window for a phone, which can be put on hold, and for nothing else (INV-19, F14).
pub(super) const fn takes_keys(enrolment: &Enrolment) -> bool {
    !matches!(enrolment.opened_by, OpenedBy::Recovery(_))
}

fn may_take_key(enrolment: &Enrolment) -> Outcome<()> {
    if !takes_keys(enrolment) {
        return Err(Fault::Forbidden("a recovery code adds a phone: set one up here".to_owned()));
    }
    match enrolment.state {
        EnrolmentState::Proved | EnrolmentState::Coded { .. } => Ok(()),
        _ => Err(Fault::Conflict("this step is over: look at the page again".to_owned())),
    }
}

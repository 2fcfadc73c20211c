//! Security keys and passkeys that are a factor of their own: they belong to no phone.

use crate::checksum::Checksum;
use crate::id::{PasskeyId, UserId};
use crate::time::Timestamp;

/// A security key, or a passkey that a computer or a password manager keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityKey {
    /// Identity of the row; no passkey of a phone has the same.
    pub id: PasskeyId,
    /// Whose.
    pub user: UserId,
    /// Shown name.
    pub name: String,
    /// WebAuthn credential id.
    pub credential_id: Vec<u8>,
    /// COSE public key.
    pub public_key: Vec<u8>,
    /// Model of the authenticator, by its own word: attestation is not verified. All zero says nothing.
    pub aaguid: [u8; 16],
    /// May be synchronised to other devices (backup-eligible flag).
    pub backup_eligible: bool,
    /// The authenticator's signature counter as last seen; 0 where it keeps none.
    pub counter: u32,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last opened something.
    pub last_used_at: Option<Timestamp>,
    /// Over all but name and last use (INV-21).
    pub checksum: Checksum,
}

impl SecurityKey {
    /// Whether a signature with this counter tells of a copy: a counter that is kept must go up (WebAuthn level 3, section 7.2,
    /// step 22). Synced passkeys keep none and always say 0.
    #[must_use]
    pub const fn tells_of_a_copy(&self, counter: u32) -> bool {
        (self.counter != 0 || counter != 0) && counter <= self.counter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_counter_goes_up() {
        let key = |counter| SecurityKey {
            id: PasskeyId([1; 16]),
            user: UserId([2; 16]),
            name: String::new(),
            credential_id: Vec::new(),
            public_key: Vec::new(),
            aaguid: [0; 16],
            backup_eligible: false,
            counter,
            created_at: Timestamp(0),
            last_used_at: None,
            checksum: crate::UNSEALED,
        };
        for (seen, now, copy) in
            [(0, 0, false), (0, 1, false), (7, 8, false), (7, 7, true), (7, 6, true), (7, 0, true), (u32::MAX, 0, true)]
        {
            assert_eq!(key(seen).tells_of_a_copy(now), copy, "{seen} {now}");
        }
    }
}

//! Security keys and passkeys that belong to no phone.

use nod_core::limits;
use nod_engine::ports::Write;

use super::super::State;
use super::when;

impl State {
    pub(super) fn apply_keys(&mut self, write: &Write) -> Option<()> {
        match write {
            Write::AddSecurityKey(key) => {
                self.user_active(key.user)?;
                when(self.security_keys_of(key.user).len() < limits::KEYS_PER_USER)?;
                when(self.security_key_by_credential(&key.credential_id).is_none())?;
                let phones = |other: &nod_core::possession::Passkey| {
                    other.credential_id == key.credential_id || other.id == key.id
                };
                when(!self.passkeys.values().any(phones))?;
                self.security_keys.add(key.id, key.clone())
            }
            Write::ChangeSecurityKey { from, to } => {
                self.user_active(to.user)?;
                let row = self.security_keys.get_mut(&to.id)?;
                when(row.user == to.user && row.checksum == *from && row.counter <= to.counter)?;
                row.name.clone_from(&to.name);
                (row.counter, row.last_used_at, row.checksum) = (to.counter, to.last_used_at, to.checksum);
                Some(())
            }
            Write::RemoveSecurityKey { key, user } => {
                when(self.security_keys.get(key)?.user == *user)?;
                self.security_keys.remove(key)
            }
            _ => None,
        }
    }
}

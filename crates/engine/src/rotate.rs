//! After the data key was replaced: every checksum is made anew under the one that seals now (INV-21).

use nod_core::audit::{Event, EventKind};
use nod_core::people::User;

use crate::engine::Engine;
use crate::fault::{Outcome, applied};
use crate::ports::{Checked, Write};
use crate::vault::Made;

/// Rows that are changed in one commit.
const ROWS_AT_ONCE: usize = 200;

/// What became of the rows that carry checksums.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Resealed {
    /// They were made under the present key already.
    pub present: u64,
    /// They were made under one that is still accepted, and have been made anew.
    pub renewed: u64,
    /// No key holds for them: they were not written by Nod and stay as they are.
    pub foreign: u64,
}

impl Engine {
    /// Makes every checksum anew that an accepted key but the present one made. A row that no key holds for is never touched: that
    /// would make somebody's edit ours. `seen` is told how many rows have been looked at.
    ///
    /// # Errors
    /// Only the store's. What was made anew stays so; the same again goes on from there.
    pub async fn reseal(&self, mut seen: impl FnMut(u64) + Send) -> Outcome<Resealed> {
        let mut done = Resealed::default();
        let mut writes = Vec::new();
        for user in self.store.users().await? {
            self.checksums_of(&user, &mut done, &mut writes).await?;
            if writes.len() >= ROWS_AT_ONCE {
                self.renew(&mut done, &mut writes).await?;
            }
            seen(done.present + done.renewed + done.foreign + writes.len() as u64);
        }
        self.renew(&mut done, &mut writes).await?;
        Ok(done)
    }

    async fn checksums_of(&self, user: &User, done: &mut Resealed, writes: &mut Vec<Write>) -> Outcome<()> {
        let mut judge =
            |row: Checked, from: [u8; 32], label: &str, parts: &[&[u8]]| match self.vault.made(&from, label, parts) {
                Made::Now => done.present += 1,
                Made::Before => writes.push(Write::ChangeChecksum { row, from, to: self.vault.mac(label, parts) }),
                Made::Elsewhere => done.foreign += 1,
            };
        for device in self.store.devices_of(user.id).await? {
            let parts: [&[u8]; 3] = [&device.id.0, &device.user.0, device.key.as_bytes()];
            judge(Checked::Device(device.id), device.checksum, "device", &parts);
        }
        for passkey in self.store.passkeys_of(user.id).await? {
            let parts: [&[u8]; 4] = [&passkey.user.0, &passkey.device.0, &passkey.credential_id, &passkey.public_key];
            judge(Checked::Passkey(passkey.id), passkey.checksum, "passkey", &parts);
        }
        for browser in self.store.browsers_of(user.id).await? {
            judge(Checked::Browser(browser.id), browser.checksum, "browser", &[&browser.id.0, &browser.user.0]);
        }
        Ok(())
    }

    /// Commits these, each for itself where one of them met a change by somebody else.
    async fn renew(&self, done: &mut Resealed, writes: &mut Vec<Write>) -> Outcome<()> {
        let writes = std::mem::take(writes);
        if writes.is_empty() {
            return Ok(());
        }
        let count = writes.len() as u64;
        if applied(self.store.commit(writes.clone()).await)? {
            done.renewed += count;
            return Ok(());
        }
        for write in writes {
            // A row that is gone or was renewed by another process needs nothing more.
            if applied(self.store.commit(vec![write]).await)? {
                done.renewed += 1;
            }
        }
        Ok(())
    }

    /// Tells the audit that the data key was replaced.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn note_rotation(&self, detail: String) -> Outcome<()> {
        let now = self.now().await?;
        self.record(Event::new(EventKind::KeyRotated, now).detail(detail)).await
    }
}

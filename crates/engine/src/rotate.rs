//! After the data key was replaced: every checksum is made anew under the one that seals now (INV-21).

use nod_core::audit::{Event, EventKind};

use crate::engine::Engine;
use crate::fault::{Outcome, applied};
use crate::ports::{SealedRow, Table, Write};
use crate::vault::Made;

/// Rows that are changed in one commit.
const ROWS_AT_ONCE: usize = 200;

/// What became of the rows that carry checksums.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Resealed {
    /// They were made under the present key already.
    pub present: u64,
    /// They were made under one that is still accepted, and have been made anew.
    pub renewed: u64,
    /// No key holds for them: they were not written by Nod and stay as they are.
    pub foreign: u64,
}

/// A row that no key holds for: Nod did not write it so, and it is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Its table.
    pub table: &'static str,
    /// What names it there.
    pub row: String,
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
        for table in Table::ALL {
            for row in self.rows.sealed_rows(*table).await? {
                let found = self.vault.seen(&row);
                // What is sealed inside of it as well.
                let whole = match &row {
                    _ if found.made == Made::Elsewhere => None,
                    SealedRow::OathToken(token) => self.resealed_token(token)?,
                    SealedRow::RecoveryCode(code) => self.resealed_recovery(code)?,
                    _ => None,
                };
                match found.made {
                    // Its checksum comes with it.
                    Made::Now | Made::Before if whole.is_some() => writes.extend(whole),
                    Made::Now => done.present += 1,
                    Made::Before => writes.push(Write::ChangeChecksum { row, to: found.anew }),
                    Made::Elsewhere => done.foreign += 1,
                }
                if writes.len() >= ROWS_AT_ONCE {
                    self.renew(&mut done, &mut writes).await?;
                }
                seen(done.present + done.renewed + done.foreign + writes.len() as u64);
            }
        }
        self.renew(&mut done, &mut writes).await?;
        Ok(done)
    }

    /// Every row that grants something by its state and that no key holds for, for `nod doctor`.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn foreign_rows(&self) -> Outcome<Vec<Foreign>> {
        let mut foreign = Vec::new();
        for table in Table::ALL {
            for row in self.rows.sealed_rows(*table).await? {
                let found = self.vault.seen(&row);
                if found.made == Made::Elsewhere {
                    foreign.push(Foreign { table: table.name(), row: found.place });
                }
            }
        }
        Ok(foreign)
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

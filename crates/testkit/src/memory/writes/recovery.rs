//! Recovery codes and passes, as in the databases.

use nod_core::{Timestamp, limits};
use nod_engine::ports::Write;

use super::super::State;
use super::when;

impl State {
    pub(super) fn apply_recovery(&mut self, write: &Write, now: Timestamp) -> Option<()> {
        match write {
            Write::AddRecoveryCode(code) => {
                self.user_active(code.user)?;
                when(self.recovery_codes_of(code.user).len() < limits::RECOVERY_ROWS_PER_USER)?;
                self.recovery_codes.add(code.id, code.clone())
            }
            Write::UseRecoveryCode { code, user, checksum } => {
                self.user_active(*user)?;
                let row = self.recovery_codes.get(code)?;
                when(row.user == *user && row.checksum == *checksum && row.is_live(now))?;
                self.recovery_codes.remove(code)
            }
            Write::ResealRecoveryCode { from, to } => {
                let row = self.recovery_codes.get_mut(&to.id)?;
                when(row.checksum == *from)?;
                row.hash.clone_from(&to.hash);
                row.checksum = to.checksum;
                Some(())
            }
            Write::EndRecoveryCodes { user, kind } => {
                self.recovery_codes.remove_where(|_, code| code.user == *user && code.kind == *kind);
                Some(())
            }
            _ => None,
        }
    }
}

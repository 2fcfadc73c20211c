//! Recovery codes and passes, and phones on hold, as in the databases.

use nod_core::possession::{Device, DeviceState};
use nod_core::{DeviceId, Timestamp, limits};
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
            Write::LiftHold { device, user, checksum } => {
                let device = self.own_device(*device, *user)?;
                when(device.state == DeviceState::Active && device.held_until.is_some())?;
                (device.held_until, device.checksum) = (None, *checksum);
                Some(())
            }
            Write::RevokeHeld { user } => {
                let held = |device: &&Device| {
                    let on_hold = device.held_until.is_some_and(|end| !end.has_passed(now));
                    device.user == *user && device.state == DeviceState::Active && on_hold
                };
                let held: Vec<DeviceId> = self.devices.values().filter(held).map(|device| device.id).collect();
                held.into_iter().for_each(|device| self.revoke(device));
                Some(())
            }
            _ => None,
        }
    }
}

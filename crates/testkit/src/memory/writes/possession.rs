//! Phones, passkeys, device sessions and browsers.

use nod_core::challenge::ChallengeState;
use nod_core::possession::{Browser, BrowserSecret, Device, DeviceState, Notifications, Passkey};
use nod_core::push::PushState;
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{BrowserId, Checksum, DeviceId, SecretHash, SignInId, Timestamp, UNSEALED, UserId, limits};
use nod_engine::ports::{SealedRow, Write};

use super::super::State;
use super::when;

fn retire(secret: &mut BrowserSecret) {
    (secret.retired, secret.checksum) = (true, UNSEALED);
}

impl State {
    pub(super) fn apply_possession(&mut self, write: &Write, now: Timestamp) -> Option<()> {
        match write {
            Write::AddDevice(device) => {
                self.user_active(device.user)?;
                self.devices.add(device.id, device.clone())
            }
            Write::RenameDevice { device, user, name } => {
                self.own_device(*device, *user)?.name.clone_from(name);
                Some(())
            }
            Write::SetNotifications { device, user, notifications, subscription } => {
                let device = self.own_device(*device, *user)?;
                device.notifications = *notifications;
                device.subscription = *subscription;
                Some(())
            }
            Write::ActivateDevice { device, user, held_until, checksum } => {
                when(self.passkeys.values().any(|passkey| passkey.device == *device))?;
                let device = self.own_device(*device, *user)?;
                let ready = device.state == DeviceState::Pending && device.notifications != Notifications::Unknown;
                when(ready)?; // INV-16
                (device.state, device.checksum) = (DeviceState::Active, *checksum);
                device.held_until = *held_until;
                Some(())
            }
            Write::RevokeDevice { device, user } => {
                self.own_device(*device, *user)?;
                self.revoke(*device);
                Some(())
            }
            Write::SeeDevice { device, at } => {
                if let Some(device) = self.devices.get_mut(device) {
                    device.last_seen_at = *at;
                }
                Some(())
            }
            Write::AddPasskey(passkey) => self.add_passkey(passkey),
            Write::AddDeviceSession(session) => {
                when(self.devices.get(&session.device)?.state != DeviceState::Revoked)?;
                self.device_sessions.put((session.secret, session.device), session.clone());
                Some(())
            }
            Write::UseNonce { nonce, expires_at } => {
                when(!expires_at.has_passed(now))?;
                self.nonces.add(*nonce, *expires_at)
            }
            Write::BindBrowser(browser, secret) => self.bind(browser, secret),
            Write::RotateBrowser { browser, used, next, checksum } => {
                self.rotate(*browser, *used, next, now)?;
                self.browsers.get_mut(browser)?.checksum = *checksum;
                Some(())
            }
            Write::UnbindBrowser { browser, user } => {
                let row = self.browsers.get_mut(browser)?;
                when(row.bound && row.user == *user)?;
                (row.bound, row.checksum) = (false, UNSEALED);
                self.browser_secrets.change_where(|secret| secret.browser == *browser && !secret.retired, retire);
                let open = |row: &SignIn| row.browser == Some(*browser) && row.state == SignInState::Open;
                let ended: Vec<SignInId> = self.sign_ins.values().filter(|row| open(row)).map(|row| row.id).collect();
                self.challenges.change_where(
                    |row| row.user == *user && row.state == ChallengeState::Pending && ended.contains(&row.sign_in),
                    |row| (row.state, row.checksum) = (ChallengeState::Withdrawn, UNSEALED),
                );
                self.sign_ins.change_where(open, |row| (row.state, row.checksum) = (SignInState::Cancelled, UNSEALED));
                Some(())
            }
            Write::ChangeChecksum { row, to } => self.change_checksum(row, *to),
            _ => None,
        }
    }

    fn change_checksum(&mut self, row: &SealedRow, to: Checksum) -> Option<()> {
        let (carried, from) = match row {
            SealedRow::User(row) => (&mut self.users.get_mut(&row.id)?.checksum, row.checksum),
            SealedRow::Device(row) => (&mut self.devices.get_mut(&row.id)?.checksum, row.checksum),
            SealedRow::Passkey(row) => (&mut self.passkeys.get_mut(&row.id)?.checksum, row.checksum),
            SealedRow::Browser(row) => (&mut self.browsers.get_mut(&row.id)?.checksum, row.checksum),
            SealedRow::BrowserSecret(row) => (&mut self.browser_secrets.get_mut(&row.hash)?.checksum, row.checksum),
            SealedRow::Session(row) => (&mut self.sessions.get_mut(&row.id)?.checksum, row.checksum),
            SealedRow::Member(row) => (&mut self.members.get_mut(&(row.group, row.user))?.checksum, row.checksum),
            SealedRow::App(row) => (&mut self.apps.get_mut(&row.id)?.checksum, row.checksum),
            SealedRow::DeviceSession(row) => {
                (&mut self.device_sessions.get_mut(&(row.secret, row.device))?.checksum, row.checksum)
            }
            SealedRow::SignIn(row) => (&mut self.sign_ins.get_mut(&row.id)?.checksum, row.checksum),
            SealedRow::Challenge(row) => (&mut self.challenges.get_mut(&row.id)?.checksum, row.checksum),
            SealedRow::AppCode(row) => (&mut self.app_codes.get_mut(&row.code)?.row.checksum, row.checksum),
            SealedRow::AppSession(row) => (&mut self.app_sessions.get_mut(&row.secret)?.checksum, row.checksum),
            SealedRow::IntroductionLink(row) => (&mut self.links.get_mut(&row.secret)?.row.checksum, row.checksum),
            SealedRow::SecurityKey(row) => (&mut self.security_keys.get_mut(&row.id)?.checksum, row.checksum),
            SealedRow::OathToken(row) => (&mut self.oath_tokens.get_mut(&row.id)?.checksum, row.checksum),
            SealedRow::RecoveryCode(row) => (&mut self.recovery_codes.get_mut(&row.id)?.checksum, row.checksum),
            SealedRow::Enrolment(row) => (&mut self.enrolments.get_mut(&row.id)?.checksum, row.checksum),
        };
        when(*carried == from)?;
        *carried = to;
        Some(())
    }

    /// The user's device, unless revoked.
    pub(super) fn own_device(&mut self, device: DeviceId, user: UserId) -> Option<&mut Device> {
        self.devices.get_mut(&device).filter(|device| device.user == user && device.state != DeviceState::Revoked)
    }

    /// Revokes, and removes what fell with the phone.
    pub(super) fn revoke(&mut self, device: DeviceId) {
        if let Some(row) = self.devices.get_mut(&device) {
            (row.state, row.checksum) = (DeviceState::Revoked, UNSEALED);
        }
        self.passkeys.remove_where(|_, passkey| passkey.device == device);
        self.device_sessions.remove_where(|(_, of), _| *of == device);
        self.pushes.change_where(
            |push| push.row.device == device && push.row.state == PushState::Queued,
            |push| push.row.state = PushState::Dropped,
        );
    }

    fn add_passkey(&mut self, passkey: &Passkey) -> Option<()> {
        let device = self.devices.get(&passkey.device)?;
        when(device.user == passkey.user && device.state == DeviceState::Pending)?;
        let taken = |other: &Passkey| other.device == passkey.device || other.credential_id == passkey.credential_id;
        when(!self.passkeys.values().any(taken))?;
        when(self.security_key_by_credential(&passkey.credential_id).is_none())?;
        when(self.security_keys.get(&passkey.id).is_none())?;
        self.passkeys.add(passkey.id, passkey.clone())
    }

    fn bind(&mut self, browser: &Browser, secret: &BrowserSecret) -> Option<()> {
        self.user_active(browser.user)?;
        self.browsers.add(browser.id, browser.clone())?;
        when(self.browsers.has(&secret.browser))?;
        self.browser_secrets.add(secret.hash, secret.clone())
    }

    fn rotate(&mut self, browser: BrowserId, used: SecretHash, next: &BrowserSecret, now: Timestamp) -> Option<()> {
        let row = self.browsers.get_mut(&browser)?;
        when(row.is_bound(now) && next.browser == browser)?;
        when(row.last_used_at.after(limits::BROWSER_ROTATION_GRACE).has_passed(next.issued_at))?;
        row.last_used_at = next.issued_at;
        let shown = self.browser_secrets.get(&used)?;
        when(shown.browser == browser && !shown.retired)?;
        self.browser_secrets
            .change_where(|secret| secret.browser == browser && secret.hash != used && !secret.retired, retire);
        self.browser_secrets.add(next.hash, next.clone())
    }
}

//! Orders and filters of the reads that are more than a look-up.

use std::cmp::Reverse;

use nod_core::access::Session;
use nod_core::audit::{Event, Link};
use nod_core::challenge::{Challenge, ChallengeState};
use nod_core::enrolment::EnrolmentState;
use nod_core::keys::SecurityKey;
use nod_core::limits::Limit;
use nod_core::oath::OathToken;
use nod_core::possession::{Browser, BrowserSecret, Device, DeviceSession, DeviceState, Passkey};
use nod_core::push::{Push, PushState, Stage};
use nod_core::recovery::RecoveryCode;
use nod_core::sign_in::SignInState;
use nod_core::{ChallengeId, DeviceId, GroupId, SecretHash, SignInId, Timestamp, UserId};
use nod_engine::ports::{Errand, Grant, Lately, Question, SealedRow, Table};

use super::{Placed, State};

/// Clones of the picked rows in the order of `key`.
fn sorted<'a, T: Clone + 'a, K: Ord>(
    rows: impl Iterator<Item = &'a T>,
    picked: impl Fn(&T) -> bool,
    key: impl Fn(&T) -> K,
) -> Vec<T> {
    let mut found: Vec<T> = rows.filter(|row| picked(row)).cloned().collect();
    found.sort_by_key(key);
    found
}

/// A push that is not settled.
fn open(push: &Push) -> bool {
    matches!(push.state, PushState::Queued | PushState::Claimed)
}

impl State {
    pub(super) fn all<T: Clone, I, K: Ord>(table: &super::Table<I, T>, key: impl Fn(&T) -> K) -> Vec<T>
    where
        I: Ord + Clone,
    {
        sorted(table.values(), |_| true, key)
    }

    pub(super) fn members_of(&self, group: GroupId) -> Vec<UserId> {
        let in_group = self.members.iter().filter(|((of, _), _)| *of == group);
        let mut users: Vec<_> = in_group.filter_map(|((_, user), _)| self.users.get(user)).collect();
        users.sort_by(|a, b| a.name.cmp(&b.name));
        users.into_iter().map(|user| user.id).collect()
    }

    pub(super) fn devices_of(&self, user: UserId) -> Vec<Device> {
        sorted(self.devices.values(), |device| device.user == user, |device| (device.created_at, device.id))
    }

    fn usable(&self, passkey: &Passkey) -> bool {
        self.devices.get(&passkey.device).is_some_and(|device| device.state != DeviceState::Revoked)
    }

    pub(super) fn passkeys_of(&self, user: UserId) -> Vec<Passkey> {
        sorted(
            self.passkeys.values(),
            |passkey| passkey.user == user && self.usable(passkey),
            |passkey| (passkey.created_at, passkey.id),
        )
    }

    pub(super) fn security_keys_of(&self, user: UserId) -> Vec<SecurityKey> {
        sorted(self.security_keys.values(), |key| key.user == user, |key| (key.created_at, key.id))
    }

    pub(super) fn security_key_by_credential(&self, credential_id: &[u8]) -> Option<SecurityKey> {
        self.security_keys.values().find(|key| key.credential_id == credential_id).cloned()
    }

    pub(super) fn oath_tokens_of(&self, user: UserId) -> Vec<OathToken> {
        sorted(self.oath_tokens.values(), |token| token.user == user, |token| (token.created_at, token.id))
    }

    pub(super) fn recovery_codes_of(&self, user: UserId) -> Vec<RecoveryCode> {
        sorted(self.recovery_codes.values(), |code| code.user == user, |code| (code.created_at, code.id))
    }

    pub(super) fn passkey_by_credential(&self, credential_id: &[u8]) -> Option<Passkey> {
        self.passkeys.values().find(|passkey| passkey.credential_id == credential_id && self.usable(passkey)).cloned()
    }

    pub(super) fn device_session(&self, secret: SecretHash, now: Timestamp) -> Vec<(Device, DeviceSession)> {
        self.device_sessions
            .iter()
            .filter(|((of, _), session)| *of == secret && !session.expires_at.has_passed(now))
            .filter_map(|((_, device), session)| Some((self.devices.get(device)?.clone(), session.clone())))
            .filter(|(device, _)| device.state != DeviceState::Revoked)
            .collect()
    }

    pub(super) fn browser_by_secret(&self, secret: SecretHash) -> Option<(Browser, BrowserSecret)> {
        let secret = self.browser_secrets.get(&secret)?;
        Some((self.browsers.get(&secret.browser)?.clone(), secret.clone()))
    }

    pub(super) fn browsers_of(&self, user: UserId, now: Timestamp) -> Vec<Browser> {
        sorted(
            self.browsers.values(),
            |browser| browser.user == user && browser.is_bound(now),
            |browser| (browser.created_at, browser.id),
        )
    }

    pub(super) fn challenges_of(&self, sign_in: SignInId) -> Vec<Challenge> {
        sorted(
            self.challenges.values(),
            |challenge| challenge.sign_in == sign_in,
            |challenge| Reverse((challenge.created_at, challenge.id)),
        )
    }

    pub(super) fn pending_for(&self, user: UserId, now: Timestamp) -> Vec<Challenge> {
        sorted(
            self.challenges.values(),
            |challenge| challenge.user == user && challenge.is_live(now),
            |challenge| (challenge.created_at, challenge.id),
        )
    }

    pub(super) fn overdue(&self, limit: u32, now: Timestamp) -> Vec<Challenge> {
        let mut overdue = sorted(
            self.challenges.values(),
            |challenge| challenge.state == ChallengeState::Pending && challenge.expires_at.has_passed(now),
            |challenge| (challenge.expires_at, challenge.id),
        );
        overdue.truncate(limit as usize);
        overdue
    }

    pub(super) fn grant(&self, id: SignInId) -> Option<Grant> {
        let sign_in = self.sign_ins.get(&id)?;
        Some(Grant {
            user: self.users.get(&sign_in.user)?.clone(),
            browser: sign_in.browser.and_then(|id| self.browsers.get(&id).cloned()),
            challenge: self.challenges_of(id).into_iter().next(),
        })
    }

    pub(super) fn question(&self, id: ChallengeId) -> Option<Question> {
        let challenge = self.challenges.get(&id)?.clone();
        let (sign_in, user) = (self.sign_ins.get(&challenge.sign_in)?, self.users.get(&challenge.user)?);
        Some(Question { sign_in: sign_in.clone(), user: user.clone(), challenge })
    }

    pub(super) fn lately(
        &self,
        user: UserId,
        since: Timestamp,
        address: &str,
        prompts: [(&str, Limit); 2],
        now: Timestamp,
    ) -> Lately {
        let denied = self.challenges.values().any(|challenge| {
            let denied = matches!(&challenge.state,
                ChallengeState::Denied(answer) | ChallengeState::Failed(answer) if answer.at >= since);
            challenge.user == user && denied
        });
        let live = self.sessions_of(user, now);
        let new_address = !live.is_empty() && live.iter().all(|session| session.address != address);
        Lately { denied, new_address, prompts: prompts.map(|(bucket, limit)| self.counted(bucket, limit, now)) }
    }

    pub(super) fn errand(&self, device: DeviceId, subject: [u8; 16], now: Timestamp) -> Option<Errand> {
        let device = self.devices.get(&device)?.clone();
        Some(Errand {
            subscription: device.subscription.and_then(|id| self.subscriptions.get(&id).cloned()),
            challenge: self.challenges.get(&ChallengeId(subject)).cloned(),
            fetched: self.stages(subject).iter().any(|(by, stage, _)| *by == device.id && *stage == Stage::Fetched),
            pending: self.pending_for(device.user, now).iter().map(|_| 1).sum(),
            device,
        })
    }

    pub(super) fn answered_by(&self, device: DeviceId, limit: u32) -> Vec<Challenge> {
        let mut found = sorted(
            self.challenges.values(),
            |challenge| challenge.state.answer().is_some_and(|answer| answer.device == device),
            |challenge| Reverse((challenge.state.answer().map(|answer| answer.at), challenge.id)),
        );
        found.truncate(limit as usize);
        found
    }

    pub(super) fn due_pushes(&self, limit: u32, now: Timestamp) -> Vec<Push> {
        let due = |push: &Placed<Push>| open(&push.row) && push.row.due_at.has_passed(now);
        let due = sorted(self.pushes.values(), due, |push| (push.row.due_at, push.place));
        due.into_iter().take(limit as usize).map(|push| push.row).collect()
    }

    pub(super) fn next_push_due(&self) -> Option<Timestamp> {
        self.pushes.values().filter(|push| open(&push.row)).map(|push| push.row.due_at).min()
    }

    pub(super) fn open_pushes(&self) -> u64 {
        self.pushes.values().filter(|push| open(&push.row)).map(|_| 1).sum()
    }

    pub(super) fn pushes_of(&self, subject: [u8; 16]) -> Vec<Push> {
        let found = sorted(self.pushes.values(), |push| push.row.subject == subject, |push| push.place);
        found.into_iter().map(|push| push.row).collect()
    }

    pub(super) fn stages(&self, subject: [u8; 16]) -> Vec<(DeviceId, Stage, Timestamp)> {
        let mut found: Vec<_> = self.stages.iter().filter(|((about, ..), _)| *about == subject).collect();
        found.sort_by_key(|(_, at)| (at.row, at.place));
        found.into_iter().map(|((_, device, stage), at)| (*device, *stage, at.row)).collect()
    }

    pub(super) fn last_rung(&self, device: DeviceId) -> Option<[u8; 16]> {
        let sent = self.stages.iter().filter(|((_, by, stage), _)| *by == device && *stage == Stage::Sent);
        sent.max_by_key(|(_, at)| (at.row, at.place)).map(|((subject, ..), _)| *subject)
    }

    pub(super) fn sessions_of(&self, user: UserId, now: Timestamp) -> Vec<Session> {
        sorted(
            self.sessions.values(),
            |session| session.user == user && session.is_live(now),
            |session| Reverse((session.created_at, session.id)),
        )
    }

    pub(super) fn sealed_rows(&self, table: Table) -> Vec<SealedRow> {
        fn of<'a, T: Clone + Into<SealedRow> + 'a>(
            rows: impl Iterator<Item = &'a T>,
            grants: impl Fn(&T) -> bool,
        ) -> Vec<SealedRow> {
            rows.filter(|row| grants(row)).cloned().map(Into::into).collect()
        }
        let over =
            |state| matches!(state, EnrolmentState::Introduced(_) | EnrolmentState::Keyed(_) | EnrolmentState::Ended);
        match table {
            Table::Users => of(self.users.values(), |_| true),
            Table::Devices => of(self.devices.values(), |device| device.state != DeviceState::Revoked),
            Table::Passkeys => of(self.passkeys.values(), |_| true),
            Table::Browsers => of(self.browsers.values(), |browser| browser.bound),
            Table::BrowserSecrets => of(self.browser_secrets.values(), |secret| !secret.retired),
            Table::Sessions => of(self.sessions.values(), |session| !session.ended),
            Table::Members => of(self.members.values(), |_| true),
            Table::Apps => of(self.apps.values(), |_| true),
            Table::DeviceSessions => of(self.device_sessions.values(), |_| true),
            Table::SignIns => {
                of(self.sign_ins.values(), |row| !matches!(row.state, SignInState::Finished | SignInState::Cancelled))
            }
            Table::Challenges => of(self.challenges.values(), |row| {
                matches!(row.state, ChallengeState::Pending | ChallengeState::Approved(_))
            }),
            Table::AppCodes => of(self.app_codes.values().filter(|code| !code.used).map(|code| &code.row), |_| true),
            Table::AppSessions => of(self.app_sessions.values(), |_| true),
            Table::Links => of(self.links.values().filter(|link| !link.used).map(|link| &link.row), |_| true),
            Table::SecurityKeys => of(self.security_keys.values(), |_| true),
            Table::OathTokens => of(self.oath_tokens.values(), |_| true),
            Table::RecoveryCodes => of(self.recovery_codes.values(), |_| true),
            Table::Enrolments => of(self.enrolments.values(), |enrolment| !over(enrolment.state)),
        }
    }

    pub(super) fn counted(&self, bucket: &str, limit: Limit, now: Timestamp) -> u32 {
        self.counters
            .get(&bucket.to_owned())
            .filter(|counted| !counted.since.after(limit.window).has_passed(now))
            .map_or(0, |counted| counted.count)
    }

    pub(super) fn audit(&self, before: Option<i64>, limit: u32) -> Vec<(i64, Event)> {
        self.audit
            .iter()
            .rev()
            .filter(|(place, _)| before.is_none_or(|before| **place < before))
            .take(limit as usize)
            .map(|(place, (event, _))| (*place, event.clone()))
            .collect()
    }

    pub(super) fn audit_of(&self, user: UserId, before: Option<i64>, limit: u32) -> Vec<(i64, Event)> {
        let mut events = self.audit(before, u32::MAX);
        events.retain(|(_, event)| event.user.as_ref().is_some_and(|(id, _)| *id == user));
        events.truncate(limit as usize);
        events
    }

    pub(super) fn audit_after(&self, after: i64, limit: u32) -> Vec<Link> {
        self.audit
            .iter()
            .filter(|(place, _)| **place > after)
            .take(limit as usize)
            .map(|(place, (event, hash))| Link { sequence: *place, hash: Some(*hash), event: Some(event.clone()) })
            .collect()
    }
}

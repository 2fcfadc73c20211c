//! The port, on the state in memory.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use nod_core::access::{App, AppCode, AppSession, Session};
use nod_core::audit::{Event, Link};
use nod_core::challenge::Challenge;
use nod_core::enrolment::{Enrolment, IntroductionLink};
use nod_core::keys::SecurityKey;
use nod_core::limits::Limit;
use nod_core::oath::OathToken;
use nod_core::people::{Group, Member, User};
use nod_core::possession::{Browser, BrowserSecret, Device, DeviceSession, Passkey};
use nod_core::push::{Push, Stage, Subscription};
use nod_core::recovery::RecoveryCode;
use nod_core::sign_in::SignIn;
use nod_core::{
    AppId, BrowserId, ChallengeId, DeviceId, EnrolmentId, GroupId, OathId, SecretHash, SessionId, SignInId,
    SubscriptionId, Timestamp, UserId,
};
use nod_engine::ports::{
    CommitError, Errand, Grant, Lately, Question, SealedRow, Store, StoreError, StoreResult, Table, Wakes, Write,
};

use super::writes::shows;
use super::{MemoryStore, State};

#[async_trait]
impl Store for MemoryStore {
    async fn now(&self) -> StoreResult<Timestamp> {
        Ok(self.clock.now())
    }
    async fn commit(&self, writes: Vec<Write>) -> Result<(), CommitError> {
        self.commit_now(&writes)
    }
    async fn durable(&self) -> StoreResult<()> {
        if self.is_stuck.load(Ordering::SeqCst) {
            Err(StoreError("the disk does not answer".to_owned()))
        } else {
            Ok(())
        }
    }
    fn wakes(&self) -> &Wakes {
        &self.wakes
    }
    async fn sweep(&self) -> StoreResult<u64> {
        let mut state = self.lock();
        let rows = state.sweep(self.clock.now());
        state.keep();
        Ok(rows)
    }

    async fn user(&self, id: UserId) -> StoreResult<Option<User>> {
        Ok(self.lock().users.get(&id).cloned())
    }
    async fn user_by_name(&self, name: &str) -> StoreResult<Option<User>> {
        Ok(self.lock().users.values().find(|user| user.name == name).cloned())
    }
    async fn users(&self) -> StoreResult<Vec<User>> {
        Ok(State::all(&self.lock().users, |user| user.name.clone()))
    }
    async fn groups(&self) -> StoreResult<Vec<Group>> {
        Ok(State::all(&self.lock().groups, |group| group.name.clone()))
    }
    async fn members(&self, group: GroupId) -> StoreResult<Vec<UserId>> {
        Ok(self.lock().members_of(group))
    }
    async fn member(&self, group: GroupId, user: UserId) -> StoreResult<Option<Member>> {
        Ok(self.lock().members.get(&(group, user)).cloned())
    }
    async fn app(&self, id: AppId) -> StoreResult<Option<App>> {
        Ok(self.lock().apps.get(&id).cloned())
    }
    async fn app_by_origin(&self, origin: &str) -> StoreResult<Option<App>> {
        Ok(self.lock().apps.values().find(|app| app.origin == origin).cloned())
    }
    async fn apps(&self) -> StoreResult<Vec<App>> {
        Ok(State::all(&self.lock().apps, |app| app.name.clone()))
    }

    async fn device(&self, id: DeviceId) -> StoreResult<Option<Device>> {
        Ok(self.lock().devices.get(&id).cloned())
    }
    async fn devices_of(&self, user: UserId) -> StoreResult<Vec<Device>> {
        Ok(self.lock().devices_of(user))
    }
    async fn passkeys_of(&self, user: UserId) -> StoreResult<Vec<Passkey>> {
        Ok(self.lock().passkeys_of(user))
    }
    async fn passkey_by_credential(&self, credential_id: &[u8]) -> StoreResult<Option<Passkey>> {
        Ok(self.lock().passkey_by_credential(credential_id))
    }
    async fn subscription(&self, id: SubscriptionId) -> StoreResult<Option<Subscription>> {
        Ok(self.lock().subscriptions.get(&id).cloned())
    }
    async fn device_session(&self, secret: SecretHash) -> StoreResult<Vec<(Device, DeviceSession)>> {
        Ok(self.lock().device_session(secret, self.clock.now()))
    }

    async fn security_keys_of(&self, user: UserId) -> StoreResult<Vec<SecurityKey>> {
        Ok(self.lock().security_keys_of(user))
    }
    async fn security_key_by_credential(&self, credential_id: &[u8]) -> StoreResult<Option<SecurityKey>> {
        Ok(self.lock().security_key_by_credential(credential_id))
    }
    async fn oath_token(&self, id: OathId) -> StoreResult<Option<OathToken>> {
        Ok(self.lock().oath_tokens.get(&id).cloned())
    }
    async fn oath_tokens_of(&self, user: UserId) -> StoreResult<Vec<OathToken>> {
        Ok(self.lock().oath_tokens_of(user))
    }

    async fn recovery_codes_of(&self, user: UserId) -> StoreResult<Vec<RecoveryCode>> {
        Ok(self.lock().recovery_codes_of(user))
    }

    async fn browser_by_secret(&self, secret: SecretHash) -> StoreResult<Option<(Browser, BrowserSecret)>> {
        Ok(self.lock().browser_by_secret(secret))
    }
    async fn browser(&self, id: BrowserId) -> StoreResult<Option<Browser>> {
        Ok(self.lock().browsers.get(&id).cloned())
    }
    async fn browsers_of(&self, user: UserId) -> StoreResult<Vec<Browser>> {
        Ok(self.lock().browsers_of(user, self.clock.now()))
    }

    async fn sign_in(&self, id: SignInId) -> StoreResult<Option<SignIn>> {
        Ok(self.lock().sign_ins.get(&id).cloned())
    }
    async fn challenge(&self, id: ChallengeId) -> StoreResult<Option<Challenge>> {
        Ok(self.lock().challenges.get(&id).cloned())
    }
    async fn challenges_of(&self, sign_in: SignInId) -> StoreResult<Vec<Challenge>> {
        Ok(self.lock().challenges_of(sign_in))
    }
    async fn pending_for(&self, user: UserId) -> StoreResult<Vec<Challenge>> {
        Ok(self.lock().pending_for(user, self.clock.now()))
    }
    async fn overdue(&self, limit: u32) -> StoreResult<Vec<Challenge>> {
        Ok(self.lock().overdue(limit, self.clock.now()))
    }
    async fn grant(&self, id: SignInId) -> StoreResult<Option<Grant>> {
        Ok(self.lock().grant(id))
    }
    async fn question(&self, id: ChallengeId) -> StoreResult<Option<Question>> {
        Ok(self.lock().question(id))
    }
    async fn lately(
        &self,
        user: UserId,
        since: Timestamp,
        address: &str,
        prompts: [(&str, Limit); 2],
    ) -> StoreResult<Lately> {
        Ok(self.lock().lately(user, since, address, prompts, self.clock.now()))
    }
    async fn answered_by(&self, device: DeviceId, limit: u32) -> StoreResult<Vec<Challenge>> {
        Ok(self.lock().answered_by(device, limit))
    }

    async fn due_pushes(&self, limit: u32) -> StoreResult<Vec<Push>> {
        Ok(self.lock().due_pushes(limit, self.clock.now()))
    }
    async fn next_push_due(&self) -> StoreResult<Option<Timestamp>> {
        Ok(self.lock().next_push_due())
    }
    async fn open_pushes(&self) -> StoreResult<u64> {
        Ok(self.lock().open_pushes())
    }
    async fn errand(&self, device: DeviceId, subject: [u8; 16]) -> StoreResult<Option<Errand>> {
        Ok(self.lock().errand(device, subject, self.clock.now()))
    }
    async fn pushes_of(&self, subject: [u8; 16]) -> StoreResult<Vec<Push>> {
        Ok(self.lock().pushes_of(subject))
    }
    async fn stages(&self, subject: [u8; 16]) -> StoreResult<Vec<(DeviceId, Stage, Timestamp)>> {
        Ok(self.lock().stages(subject))
    }
    async fn last_rung(&self, device: DeviceId) -> StoreResult<Option<[u8; 16]>> {
        Ok(self.lock().last_rung(device))
    }

    async fn session(&self, id: SessionId) -> StoreResult<Option<Session>> {
        Ok(self.lock().sessions.get(&id).cloned())
    }
    async fn session_by_secret(&self, secret: SecretHash) -> StoreResult<Option<Session>> {
        Ok(self.lock().sessions.values().find(|session| session.secret == secret).cloned())
    }
    async fn sessions_of(&self, user: UserId) -> StoreResult<Vec<Session>> {
        Ok(self.lock().sessions_of(user, self.clock.now()))
    }
    async fn app_code(&self, code: SecretHash) -> StoreResult<Option<AppCode>> {
        let now = self.clock.now();
        let state = self.lock();
        let code = state.app_codes.get(&code).filter(|code| !code.used && !code.row.expires_at.has_passed(now));
        Ok(code.map(|code| code.row.clone()))
    }
    async fn app_session(&self, secret: SecretHash) -> StoreResult<Option<AppSession>> {
        Ok(self.lock().app_sessions.get(&secret).cloned())
    }

    async fn enrolment(&self, id: EnrolmentId) -> StoreResult<Option<Enrolment>> {
        Ok(self.lock().enrolments.get(&id).cloned())
    }
    async fn enrolment_by_link(&self, link: SecretHash) -> StoreResult<Option<Enrolment>> {
        Ok(self.lock().enrolments.values().find(|enrolment| enrolment.link == link).cloned())
    }
    async fn enrolment_by_session(&self, session: SecretHash) -> StoreResult<Option<Enrolment>> {
        Ok(self.lock().enrolments.values().find(|enrolment| enrolment.session == Some(session)).cloned())
    }
    async fn enrolment_by_code(&self, code: SecretHash) -> StoreResult<Option<Enrolment>> {
        let now = self.clock.now();
        Ok(self.lock().enrolments.values().find(|enrolment| shows(enrolment, code, now)).cloned())
    }
    async fn enrolments_of(&self, user: UserId) -> StoreResult<Vec<Enrolment>> {
        Ok(self.lock().enrolments.values().filter(|enrolment| enrolment.user == user).cloned().collect())
    }
    async fn introduction_link(&self, secret: SecretHash) -> StoreResult<Option<IntroductionLink>> {
        let now = self.clock.now();
        let state = self.lock();
        let link = state.links.get(&secret).filter(|link| !link.used && !link.row.expires_at.has_passed(now));
        Ok(link.map(|link| link.row.clone()))
    }

    async fn sealed_rows(&self, table: Table) -> StoreResult<Vec<SealedRow>> {
        Ok(self.lock().sealed_rows(table))
    }

    async fn count(&self, bucket: &str, limit: Limit) -> StoreResult<u32> {
        Ok(self.lock().counted(bucket, limit, self.clock.now()))
    }
    async fn audit(&self, before: Option<i64>, limit: u32) -> StoreResult<Vec<(i64, Event)>> {
        Ok(self.lock().audit(before, limit))
    }
    async fn audit_of(&self, user: UserId, before: Option<i64>, limit: u32) -> StoreResult<Vec<(i64, Event)>> {
        Ok(self.lock().audit_of(user, before, limit))
    }
    async fn audit_after(&self, after: i64, limit: u32) -> StoreResult<Vec<Link>> {
        Ok(self.lock().audit_after(after, limit))
    }
    async fn meta(&self, key: &str) -> StoreResult<Option<Vec<u8>>> {
        Ok(self.lock().meta.get(&key.to_owned()).cloned())
    }
}

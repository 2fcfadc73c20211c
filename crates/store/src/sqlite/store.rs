//! The port, on the writer's queue and the readers' connections.

use async_trait::async_trait;
use nod_core::access::{App, AppCode, AppSession, Session};
use nod_core::audit::{Event, Link};
use nod_core::challenge::Challenge;
use nod_core::enrolment::{Enrolment, IntroductionLink};
use nod_core::limits::Limit;
use nod_core::people::{Group, User};
use nod_core::possession::{Browser, BrowserSecret, Device, Passkey};
use nod_core::push::{Push, Stage, Subscription};
use nod_core::sign_in::SignIn;
use nod_core::{
    AppId, BrowserId, ChallengeId, DeviceId, EnrolmentId, GroupId, SecretHash, SessionId, SignInId, SubscriptionId,
    Timestamp, UserId,
};

use nod_engine::ports::{CommitError, Store, StoreResult, Wakes, Write};

use super::writer::Job;
use super::{SqliteStore, reads};

#[async_trait]
impl Store for SqliteStore {
    async fn now(&self) -> StoreResult<Timestamp> {
        Ok((self.clock)())
    }
    async fn commit(&self, writes: Vec<Write>) -> Result<(), CommitError> {
        self.ask(|reply| Job::Commit { writes, reply }).await?
    }
    fn wakes(&self) -> &Wakes {
        &self.wakes
    }
    async fn sweep(&self) -> StoreResult<u64> {
        self.ask(|reply| Job::Sweep { reply }).await?
    }

    async fn user(&self, id: UserId) -> StoreResult<Option<User>> {
        self.read(move |db| reads::user(db, id))
    }
    async fn user_by_name(&self, name: &str) -> StoreResult<Option<User>> {
        let name = name.to_owned();
        self.read(move |db| reads::user_by_name(db, &name))
    }
    async fn users(&self) -> StoreResult<Vec<User>> {
        self.read(reads::users)
    }
    async fn groups(&self) -> StoreResult<Vec<Group>> {
        self.read(reads::groups)
    }
    async fn members(&self, group: GroupId) -> StoreResult<Vec<UserId>> {
        self.read(move |db| reads::members(db, group))
    }
    async fn is_member(&self, group: GroupId, user: UserId) -> StoreResult<bool> {
        self.read(move |db| reads::is_member(db, group, user))
    }
    async fn app(&self, id: AppId) -> StoreResult<Option<App>> {
        self.read(move |db| reads::app(db, id))
    }
    async fn app_by_origin(&self, origin: &str) -> StoreResult<Option<App>> {
        let origin = origin.to_owned();
        self.read(move |db| reads::app_by_origin(db, &origin))
    }
    async fn apps(&self) -> StoreResult<Vec<App>> {
        self.read(reads::apps)
    }

    async fn device(&self, id: DeviceId) -> StoreResult<Option<Device>> {
        self.read(move |db| reads::device(db, id))
    }
    async fn devices_of(&self, user: UserId) -> StoreResult<Vec<Device>> {
        self.read(move |db| reads::devices_of(db, user))
    }
    async fn passkeys_of(&self, user: UserId) -> StoreResult<Vec<Passkey>> {
        self.read(move |db| reads::passkeys_of(db, user))
    }
    async fn passkey_by_credential(&self, credential_id: &[u8]) -> StoreResult<Option<Passkey>> {
        let credential_id = credential_id.to_owned();
        self.read(move |db| reads::passkey_by_credential(db, &credential_id))
    }
    async fn subscription(&self, id: SubscriptionId) -> StoreResult<Option<Subscription>> {
        self.read(move |db| reads::subscription(db, id))
    }
    async fn device_session(&self, secret: SecretHash) -> StoreResult<Vec<DeviceId>> {
        self.read(move |db| reads::device_session(db, secret))
    }

    async fn browser_by_secret(&self, secret: SecretHash) -> StoreResult<Option<(Browser, BrowserSecret)>> {
        self.read(move |db| reads::browser_by_secret(db, secret))
    }
    async fn browser(&self, id: BrowserId) -> StoreResult<Option<Browser>> {
        self.read(move |db| reads::browser(db, id))
    }
    async fn browsers_of(&self, user: UserId) -> StoreResult<Vec<Browser>> {
        self.read(move |db| reads::browsers_of(db, user))
    }

    async fn sign_in(&self, id: SignInId) -> StoreResult<Option<SignIn>> {
        self.read(move |db| reads::sign_in(db, id))
    }
    async fn challenge(&self, id: ChallengeId) -> StoreResult<Option<Challenge>> {
        self.read(move |db| reads::challenge(db, id))
    }
    async fn challenges_of(&self, sign_in: SignInId) -> StoreResult<Vec<Challenge>> {
        self.read(move |db| reads::challenges_of(db, sign_in))
    }
    async fn pending_for(&self, user: UserId) -> StoreResult<Vec<Challenge>> {
        self.read(move |db| reads::pending_for(db, user))
    }
    async fn overdue(&self, limit: u32) -> StoreResult<Vec<Challenge>> {
        self.read(move |db| reads::overdue(db, limit))
    }
    async fn denied_since(&self, user: UserId, since: Timestamp) -> StoreResult<bool> {
        self.read(move |db| reads::denied_since(db, user, since))
    }
    async fn answered_by(&self, device: DeviceId, limit: u32) -> StoreResult<Vec<Challenge>> {
        self.read(move |db| reads::answered_by(db, device, limit))
    }

    async fn due_pushes(&self, limit: u32) -> StoreResult<Vec<Push>> {
        self.read(move |db| reads::due_pushes(db, limit))
    }
    async fn next_push_due(&self) -> StoreResult<Option<Timestamp>> {
        self.read(reads::next_push_due)
    }
    async fn pushes_of(&self, subject: [u8; 16]) -> StoreResult<Vec<Push>> {
        self.read(move |db| reads::pushes_of(db, subject))
    }
    async fn stages(&self, subject: [u8; 16]) -> StoreResult<Vec<(DeviceId, Stage, Timestamp)>> {
        self.read(move |db| reads::stages(db, subject))
    }

    async fn session(&self, id: SessionId) -> StoreResult<Option<Session>> {
        self.read(move |db| reads::session(db, id))
    }
    async fn session_by_secret(&self, secret: SecretHash) -> StoreResult<Option<Session>> {
        self.read(move |db| reads::session_by_secret(db, secret))
    }
    async fn sessions_of(&self, user: UserId) -> StoreResult<Vec<Session>> {
        self.read(move |db| reads::sessions_of(db, user))
    }
    async fn app_code(&self, code: SecretHash) -> StoreResult<Option<AppCode>> {
        self.read(move |db| reads::app_code(db, code))
    }
    async fn app_session(&self, secret: SecretHash) -> StoreResult<Option<AppSession>> {
        self.read(move |db| reads::app_session(db, secret))
    }

    async fn enrolment(&self, id: EnrolmentId) -> StoreResult<Option<Enrolment>> {
        self.read(move |db| reads::enrolment(db, id))
    }
    async fn enrolment_by_link(&self, link: SecretHash) -> StoreResult<Option<Enrolment>> {
        self.read(move |db| reads::enrolment_by_link(db, link))
    }
    async fn enrolment_by_session(&self, session: SecretHash) -> StoreResult<Option<Enrolment>> {
        self.read(move |db| reads::enrolment_by_session(db, session))
    }
    async fn enrolment_by_code(&self, code: SecretHash) -> StoreResult<Option<Enrolment>> {
        self.read(move |db| reads::enrolment_by_code(db, code))
    }
    async fn enrolment_by_device(&self, device: DeviceId) -> StoreResult<Option<Enrolment>> {
        self.read(move |db| reads::enrolment_by_device(db, device))
    }
    async fn introduction_link(&self, secret: SecretHash) -> StoreResult<Option<IntroductionLink>> {
        self.read(move |db| reads::introduction_link(db, secret))
    }

    async fn count(&self, bucket: &str, limit: Limit) -> StoreResult<u32> {
        let bucket = bucket.to_owned();
        self.read(move |db| reads::count(db, &bucket, limit))
    }
    async fn audit(&self, before: Option<i64>, limit: u32) -> StoreResult<Vec<(i64, Event)>> {
        self.read(move |db| reads::audit(db, before, limit))
    }
    async fn audit_after(&self, after: i64, limit: u32) -> StoreResult<Vec<Link>> {
        self.read(move |db| reads::audit_after(db, after, limit))
    }
    async fn meta(&self, key: &str) -> StoreResult<Option<Vec<u8>>> {
        let key = key.to_owned();
        self.read(move |db| reads::meta(db, &key))
    }
}

//! The port: every read is a query, and each store says how it runs one.

/// Implements `Store` for a type with the field `timings` and the methods `time`, `apply`, `waiting`, `remove_ended`, `first` and `all`.
macro_rules! store {
    ($store:ty) => {
        #[async_trait::async_trait]
        impl nod_engine::ports::Store for $store {
            async fn durable(&self) -> StoreResult<()> {
                self.settle().await
            }
            async fn now(&self) -> StoreResult<Timestamp> {
                self.time().await
            }
            async fn commit(&self, writes: Vec<Write>) -> Result<(), CommitError> {
                self.timings.commit(self.apply(writes)).await
            }
            fn timings(&self) -> Timings {
                self.timings.clone()
            }
            fn wakes(&self) -> &Wakes {
                self.waiting()
            }
            async fn sweep(&self) -> StoreResult<u64> {
                self.remove_ended().await
            }

            async fn user(&self, id: UserId) -> StoreResult<Option<User>> {
                self.first($crate::reads::user(id)).await
            }
            async fn user_by_name(&self, name: &str) -> StoreResult<Option<User>> {
                self.first($crate::reads::user_by_name(name)).await
            }
            async fn users(&self) -> StoreResult<Vec<User>> {
                self.all($crate::reads::users()).await
            }
            async fn groups(&self) -> StoreResult<Vec<Group>> {
                self.all($crate::reads::groups()).await
            }
            async fn members(&self, group: GroupId) -> StoreResult<Vec<UserId>> {
                self.all($crate::reads::members(group)).await
            }
            async fn member(&self, group: GroupId, user: UserId) -> StoreResult<Option<Member>> {
                self.first($crate::reads::member(group, user)).await
            }
            async fn app(&self, id: AppId) -> StoreResult<Option<App>> {
                self.first($crate::reads::app(id)).await
            }
            async fn app_by_origin(&self, origin: &str) -> StoreResult<Option<App>> {
                self.first($crate::reads::app_by_origin(origin)).await
            }
            async fn apps(&self) -> StoreResult<Vec<App>> {
                self.all($crate::reads::apps()).await
            }

            async fn device(&self, id: DeviceId) -> StoreResult<Option<Device>> {
                self.first($crate::reads::device(id)).await
            }
            async fn devices_of(&self, user: UserId) -> StoreResult<Vec<Device>> {
                self.all($crate::reads::devices_of(user)).await
            }
            async fn passkeys_of(&self, user: UserId) -> StoreResult<Vec<Passkey>> {
                self.all($crate::reads::passkeys_of(user)).await
            }
            async fn passkey_by_credential(&self, credential_id: &[u8]) -> StoreResult<Option<Passkey>> {
                self.first($crate::reads::passkey_by_credential(credential_id)).await
            }
            async fn subscription(&self, id: SubscriptionId) -> StoreResult<Option<Subscription>> {
                self.first($crate::reads::subscription(id)).await
            }
            async fn device_session(&self, secret: SecretHash) -> StoreResult<Vec<(Device, DeviceSession)>> {
                self.all($crate::reads::device_session(secret)).await
            }

            async fn security_keys_of(&self, user: UserId) -> StoreResult<Vec<SecurityKey>> {
                self.all($crate::reads::security_keys_of(user)).await
            }
            async fn security_key_by_credential(&self, credential_id: &[u8]) -> StoreResult<Option<SecurityKey>> {
                self.first($crate::reads::security_key_by_credential(credential_id)).await
            }
            async fn oath_token(&self, id: OathId) -> StoreResult<Option<OathToken>> {
                self.first($crate::reads::oath_token(id)).await
            }
            async fn oath_tokens_of(&self, user: UserId) -> StoreResult<Vec<OathToken>> {
                self.all($crate::reads::oath_tokens_of(user)).await
            }

            async fn recovery_codes_of(&self, user: UserId) -> StoreResult<Vec<RecoveryCode>> {
                self.all($crate::reads::recovery_codes_of(user)).await
            }

            async fn browser_by_secret(&self, secret: SecretHash) -> StoreResult<Option<(Browser, BrowserSecret)>> {
                self.first($crate::reads::browser_by_secret(secret)).await
            }
            async fn browser(&self, id: BrowserId) -> StoreResult<Option<Browser>> {
                self.first($crate::reads::browser(id)).await
            }
            async fn browsers_of(&self, user: UserId) -> StoreResult<Vec<Browser>> {
                self.all($crate::reads::browsers_of(user)).await
            }

            async fn sign_in(&self, id: SignInId) -> StoreResult<Option<SignIn>> {
                self.first($crate::reads::sign_in(id)).await
            }
            async fn challenge(&self, id: ChallengeId) -> StoreResult<Option<Challenge>> {
                self.first($crate::reads::challenge(id)).await
            }
            async fn challenges_of(&self, sign_in: SignInId) -> StoreResult<Vec<Challenge>> {
                self.all($crate::reads::challenges_of(sign_in)).await
            }
            async fn pending_for(&self, user: UserId) -> StoreResult<Vec<Challenge>> {
                self.all($crate::reads::pending_for(user)).await
            }
            async fn overdue(&self, limit: u32) -> StoreResult<Vec<Challenge>> {
                self.all($crate::reads::overdue(limit)).await
            }
            async fn grant(&self, id: SignInId) -> StoreResult<Option<Grant>> {
                self.first($crate::reads::grant(id)).await
            }
            async fn question(&self, id: ChallengeId) -> StoreResult<Option<Question>> {
                self.first($crate::reads::question(id)).await
            }
            async fn lately(
                &self,
                user: UserId,
                since: Timestamp,
                address: &str,
                prompts: [(&str, Limit); 2],
            ) -> StoreResult<Lately> {
                let lately = self.first($crate::reads::lately(user, since, address, prompts)).await?;
                lately.ok_or_else(|| nod_engine::ports::StoreError("no row where there always is one".to_owned()))
            }
            async fn answered_by(&self, device: DeviceId, limit: u32) -> StoreResult<Vec<Challenge>> {
                self.all($crate::reads::answered_by(device, limit)).await
            }

            async fn due_pushes(&self, limit: u32) -> StoreResult<Vec<Push>> {
                self.all($crate::reads::due_pushes(limit)).await
            }
            async fn next_push_due(&self) -> StoreResult<Option<Timestamp>> {
                self.first($crate::reads::next_push_due()).await
            }
            async fn open_pushes(&self) -> StoreResult<u64> {
                Ok(self.first($crate::reads::open_pushes()).await?.unwrap_or(0))
            }
            async fn errand(&self, device: DeviceId, subject: [u8; 16]) -> StoreResult<Option<Errand>> {
                self.first($crate::reads::errand(device, subject)).await
            }
            async fn pushes_of(&self, subject: [u8; 16]) -> StoreResult<Vec<Push>> {
                self.all($crate::reads::pushes_of(subject)).await
            }
            async fn stages(&self, subject: [u8; 16]) -> StoreResult<Vec<(DeviceId, Stage, Timestamp)>> {
                self.all($crate::reads::stages(subject)).await
            }
            async fn last_rung(&self, device: DeviceId) -> StoreResult<Option<[u8; 16]>> {
                self.first($crate::reads::last_rung(device)).await
            }

            async fn session(&self, id: SessionId) -> StoreResult<Option<Session>> {
                self.first($crate::reads::session(id)).await
            }
            async fn session_by_secret(&self, secret: SecretHash) -> StoreResult<Option<Session>> {
                self.first($crate::reads::session_by_secret(secret)).await
            }
            async fn sessions_of(&self, user: UserId) -> StoreResult<Vec<Session>> {
                self.all($crate::reads::sessions_of(user)).await
            }
            async fn app_code(&self, code: SecretHash) -> StoreResult<Option<AppCode>> {
                self.first($crate::reads::app_code(code)).await
            }
            async fn app_session(&self, secret: SecretHash) -> StoreResult<Option<AppSession>> {
                self.first($crate::reads::app_session(secret)).await
            }

            async fn enrolment(&self, id: EnrolmentId) -> StoreResult<Option<Enrolment>> {
                self.first($crate::reads::enrolment(id)).await
            }
            async fn enrolment_by_link(&self, link: SecretHash) -> StoreResult<Option<Enrolment>> {
                self.first($crate::reads::enrolment_by_link(link)).await
            }
            async fn enrolment_by_session(&self, session: SecretHash) -> StoreResult<Option<Enrolment>> {
                self.first($crate::reads::enrolment_by_session(session)).await
            }
            async fn enrolment_by_code(&self, code: SecretHash) -> StoreResult<Option<Enrolment>> {
                self.first($crate::reads::enrolment_by_code(code)).await
            }
            async fn enrolments_of(&self, user: UserId) -> StoreResult<Vec<Enrolment>> {
                self.all($crate::reads::enrolments_of(user)).await
            }
            async fn introduction_link(&self, secret: SecretHash) -> StoreResult<Option<IntroductionLink>> {
                self.first($crate::reads::introduction_link(secret)).await
            }

            async fn sealed_rows(&self, table: Table) -> StoreResult<Vec<SealedRow>> {
                self.all($crate::reads::sealed_rows(table)).await
            }

            async fn count(&self, bucket: &str, limit: Limit) -> StoreResult<u32> {
                Ok(self.first($crate::reads::count(bucket, limit)).await?.unwrap_or(0))
            }
            async fn audit(&self, before: Option<i64>, limit: u32) -> StoreResult<Vec<(i64, Event)>> {
                self.all($crate::reads::audit(before, limit)).await
            }
            async fn audit_of(&self, user: UserId, before: Option<i64>, limit: u32) -> StoreResult<Vec<(i64, Event)>> {
                self.all($crate::reads::audit_of(user, before, limit)).await
            }
            async fn audit_after(&self, after: i64, limit: u32) -> StoreResult<Vec<Link>> {
                let links = self.all($crate::reads::audit_after(after, limit)).await?;
                // Whoever signs a checkpoint over these may rely on them.
                self.settle_events(&links).await?;
                Ok(links)
            }
            async fn meta(&self, key: &str) -> StoreResult<Option<Vec<u8>>> {
                self.first($crate::reads::meta(key)).await
            }
        }
    };
}
pub(crate) use store;

/// Every type that the port names.
pub(crate) mod types {
    pub(crate) use nod_core::access::{App, AppCode, AppSession, Session};
    pub(crate) use nod_core::audit::{Event, Link};
    pub(crate) use nod_core::challenge::Challenge;
    pub(crate) use nod_core::enrolment::{Enrolment, IntroductionLink};
    pub(crate) use nod_core::keys::SecurityKey;
    pub(crate) use nod_core::limits::Limit;
    pub(crate) use nod_core::oath::OathToken;
    pub(crate) use nod_core::people::{Group, Member, User};
    pub(crate) use nod_core::possession::{Browser, BrowserSecret, Device, DeviceSession, Passkey};
    pub(crate) use nod_core::push::{Push, Stage, Subscription};
    pub(crate) use nod_core::recovery::RecoveryCode;
    pub(crate) use nod_core::sign_in::SignIn;
    pub(crate) use nod_core::{
        AppId, BrowserId, ChallengeId, DeviceId, EnrolmentId, GroupId, OathId, SecretHash, SessionId, SignInId,
        SubscriptionId, Timestamp, UserId,
    };
    pub(crate) use nod_engine::ports::{
        CommitError, Errand, Grant, Lately, Question, SealedRow, StoreResult, Table, Timings, Topic, Wakes, Write,
    };
}

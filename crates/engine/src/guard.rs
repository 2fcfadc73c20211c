//! The store as use cases see it: a row that grants something and is not as Nod wrote it is not there (INV-21).
//!
//! It stands between the engine and every store, so no use case can forget to look. What is refused is told to the audit, and
//! `nod doctor` lists it.

use std::sync::Arc;

use async_trait::async_trait;
use nod_core::access::{App, AppCode, AppSession, Session};
use nod_core::audit::{Event, EventKind, Link};
use nod_core::challenge::Challenge;
use nod_core::enrolment::{Enrolment, IntroductionLink};
use nod_core::keys::SecurityKey;
use nod_core::limits::{self, Limit};
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

use crate::ports::{
    CommitError, Errand, Grant, Lately, Question, SealedRow, Store, StoreResult, Table, Timings, Wakes, Write,
};
use crate::seals::Sealed;
use crate::vault::Vault;

/// A store that gives out no row that was edited.
pub(crate) struct Guard {
    rows: Arc<dyn Store>,
    vault: Arc<Vault>,
}

impl Guard {
    /// Before `rows`.
    pub(crate) fn new(rows: Arc<dyn Store>, vault: Arc<Vault>) -> Self {
        Self { rows, vault }
    }

    /// The row, if it stands.
    async fn one<R: Sealed + Send>(&self, row: Option<R>) -> StoreResult<Option<R>> {
        match row {
            Some(row) if !self.vault.stands(&row) => {
                self.tell(R::TABLE, row.place()).await?;
                Ok(None)
            }
            row => Ok(row),
        }
    }

    /// The rows that stand.
    async fn many<R: Sealed + Send>(&self, rows: Vec<R>) -> StoreResult<Vec<R>> {
        let (stand, fall): (Vec<R>, Vec<R>) = rows.into_iter().partition(|row| self.vault.stands(row));
        let fallen: Vec<String> = fall.iter().map(R::place).collect();
        for place in fallen {
            self.tell(R::TABLE, place).await?;
        }
        Ok(stand)
    }

    /// Says so in the audit, once an hour for each row: whoever edits one must not fill the disk with it.
    async fn tell(&self, table: Table, place: String) -> StoreResult<()> {
        let row = format!("{} {place}", table.name());
        let event = Event::new(EventKind::Tampered, self.rows.now().await?)
            .detail(format!("{row}; to find all such rows: nod doctor"));
        let count = Write::Count { bucket: format!("refused row/{row}"), limit: limits::REFUSED_ROWS };
        match self.rows.commit(vec![count, Write::Audit(event)]).await {
            Ok(()) | Err(CommitError::Conflict { .. }) => Ok(()),
            Err(CommitError::Store(error)) => Err(error),
        }
    }
}

#[async_trait]
impl Store for Guard {
    fn wakes(&self) -> &Wakes {
        self.rows.wakes()
    }
    fn timings(&self) -> Timings {
        self.rows.timings()
    }
    async fn now(&self) -> StoreResult<Timestamp> {
        self.rows.now().await
    }
    async fn commit(&self, writes: Vec<Write>) -> Result<(), CommitError> {
        self.rows.commit(writes).await
    }
    async fn durable(&self) -> StoreResult<()> {
        self.rows.durable().await
    }
    async fn sweep(&self) -> StoreResult<u64> {
        self.rows.sweep().await
    }
    async fn user(&self, id: UserId) -> StoreResult<Option<User>> {
        self.one(self.rows.user(id).await?).await
    }
    async fn user_by_name(&self, name: &str) -> StoreResult<Option<User>> {
        self.one(self.rows.user_by_name(name).await?).await
    }
    async fn users(&self) -> StoreResult<Vec<User>> {
        self.many(self.rows.users().await?).await
    }
    async fn groups(&self) -> StoreResult<Vec<Group>> {
        self.rows.groups().await
    }
    async fn members(&self, group: GroupId) -> StoreResult<Vec<UserId>> {
        self.rows.members(group).await
    }
    async fn member(&self, group: GroupId, user: UserId) -> StoreResult<Option<Member>> {
        self.one(self.rows.member(group, user).await?).await
    }
    async fn app(&self, id: AppId) -> StoreResult<Option<App>> {
        self.one(self.rows.app(id).await?).await
    }
    async fn app_by_origin(&self, origin: &str) -> StoreResult<Option<App>> {
        self.one(self.rows.app_by_origin(origin).await?).await
    }
    async fn apps(&self) -> StoreResult<Vec<App>> {
        self.many(self.rows.apps().await?).await
    }
    async fn device(&self, id: DeviceId) -> StoreResult<Option<Device>> {
        self.one(self.rows.device(id).await?).await
    }
    async fn devices_of(&self, user: UserId) -> StoreResult<Vec<Device>> {
        self.many(self.rows.devices_of(user).await?).await
    }
    async fn passkeys_of(&self, user: UserId) -> StoreResult<Vec<Passkey>> {
        self.many(self.rows.passkeys_of(user).await?).await
    }
    async fn passkey_by_credential(&self, credential_id: &[u8]) -> StoreResult<Option<Passkey>> {
        self.one(self.rows.passkey_by_credential(credential_id).await?).await
    }
    async fn subscription(&self, id: SubscriptionId) -> StoreResult<Option<Subscription>> {
        self.rows.subscription(id).await
    }
    async fn device_session(&self, secret: SecretHash) -> StoreResult<Vec<(Device, DeviceSession)>> {
        let mut stand = Vec::new();
        for (device, session) in self.rows.device_session(secret).await? {
            stand.extend(self.one(Some(device)).await?.zip(self.one(Some(session)).await?));
        }
        Ok(stand)
    }
    async fn security_keys_of(&self, user: UserId) -> StoreResult<Vec<SecurityKey>> {
        self.many(self.rows.security_keys_of(user).await?).await
    }
    async fn security_key_by_credential(&self, credential_id: &[u8]) -> StoreResult<Option<SecurityKey>> {
        self.one(self.rows.security_key_by_credential(credential_id).await?).await
    }
    async fn oath_token(&self, id: OathId) -> StoreResult<Option<OathToken>> {
        self.one(self.rows.oath_token(id).await?).await
    }
    async fn oath_tokens_of(&self, user: UserId) -> StoreResult<Vec<OathToken>> {
        self.many(self.rows.oath_tokens_of(user).await?).await
    }
    async fn recovery_codes_of(&self, user: UserId) -> StoreResult<Vec<RecoveryCode>> {
        self.many(self.rows.recovery_codes_of(user).await?).await
    }
    async fn browser_by_secret(&self, secret: SecretHash) -> StoreResult<Option<(Browser, BrowserSecret)>> {
        let found = self.rows.browser_by_secret(secret).await?;
        let Some((browser, secret)) = found else { return Ok(None) };
        Ok(self.one(Some(browser)).await?.zip(self.one(Some(secret)).await?))
    }
    async fn browser(&self, id: BrowserId) -> StoreResult<Option<Browser>> {
        self.one(self.rows.browser(id).await?).await
    }
    async fn browsers_of(&self, user: UserId) -> StoreResult<Vec<Browser>> {
        self.many(self.rows.browsers_of(user).await?).await
    }
    async fn sign_in(&self, id: SignInId) -> StoreResult<Option<SignIn>> {
        self.one(self.rows.sign_in(id).await?).await
    }
    async fn challenge(&self, id: ChallengeId) -> StoreResult<Option<Challenge>> {
        self.one(self.rows.challenge(id).await?).await
    }
    async fn challenges_of(&self, sign_in: SignInId) -> StoreResult<Vec<Challenge>> {
        self.many(self.rows.challenges_of(sign_in).await?).await
    }
    async fn pending_for(&self, user: UserId) -> StoreResult<Vec<Challenge>> {
        self.many(self.rows.pending_for(user).await?).await
    }
    async fn overdue(&self, limit: u32) -> StoreResult<Vec<Challenge>> {
        self.many(self.rows.overdue(limit).await?).await
    }
    async fn question(&self, id: ChallengeId) -> StoreResult<Option<Question>> {
        let Some(Question { challenge, sign_in, user }) = self.rows.question(id).await? else { return Ok(None) };
        let (challenge, sign_in) = (self.one(Some(challenge)).await?, self.one(Some(sign_in)).await?);
        let user = self.one(Some(user)).await?;
        let whole = challenge.zip(sign_in).zip(user);
        Ok(whole.map(|((challenge, sign_in), user)| Question { challenge, sign_in, user }))
    }
    async fn grant(&self, id: SignInId) -> StoreResult<Option<Grant>> {
        let Some(Grant { user, browser, challenge }) = self.rows.grant(id).await? else { return Ok(None) };
        let (browser, challenge) = (self.one(browser).await?, self.one(challenge).await?);
        Ok(self.one(Some(user)).await?.map(|user| Grant { user, browser, challenge }))
    }
    async fn lately(
        &self,
        user: UserId,
        since: Timestamp,
        address: &str,
        prompts: [(&str, Limit); 2],
    ) -> StoreResult<Lately> {
        self.rows.lately(user, since, address, prompts).await
    }
    async fn answered_by(&self, device: DeviceId, limit: u32) -> StoreResult<Vec<Challenge>> {
        self.many(self.rows.answered_by(device, limit).await?).await
    }
    async fn due_pushes(&self, limit: u32) -> StoreResult<Vec<Push>> {
        self.rows.due_pushes(limit).await
    }
    async fn next_push_due(&self) -> StoreResult<Option<Timestamp>> {
        self.rows.next_push_due().await
    }
    async fn open_pushes(&self) -> StoreResult<u64> {
        self.rows.open_pushes().await
    }
    async fn errand(&self, device: DeviceId, subject: [u8; 16]) -> StoreResult<Option<Errand>> {
        let Some(errand) = self.rows.errand(device, subject).await? else { return Ok(None) };
        let challenge = self.one(errand.challenge).await?;
        let device = self.one(Some(errand.device)).await?;
        Ok(device.map(|device| Errand { device, challenge, ..errand }))
    }
    async fn pushes_of(&self, subject: [u8; 16]) -> StoreResult<Vec<Push>> {
        self.rows.pushes_of(subject).await
    }
    async fn stages(&self, subject: [u8; 16]) -> StoreResult<Vec<(DeviceId, Stage, Timestamp)>> {
        self.rows.stages(subject).await
    }
    async fn last_rung(&self, device: DeviceId) -> StoreResult<Option<[u8; 16]>> {
        self.rows.last_rung(device).await
    }
    async fn session(&self, id: SessionId) -> StoreResult<Option<Session>> {
        self.one(self.rows.session(id).await?).await
    }
    async fn session_by_secret(&self, secret: SecretHash) -> StoreResult<Option<Session>> {
        self.one(self.rows.session_by_secret(secret).await?).await
    }
    async fn sessions_of(&self, user: UserId) -> StoreResult<Vec<Session>> {
        self.many(self.rows.sessions_of(user).await?).await
    }
    async fn app_code(&self, code: SecretHash) -> StoreResult<Option<AppCode>> {
        self.one(self.rows.app_code(code).await?).await
    }
    async fn app_session(&self, secret: SecretHash) -> StoreResult<Option<AppSession>> {
        self.one(self.rows.app_session(secret).await?).await
    }
    async fn enrolment(&self, id: EnrolmentId) -> StoreResult<Option<Enrolment>> {
        self.one(self.rows.enrolment(id).await?).await
    }
    async fn enrolment_by_link(&self, link: SecretHash) -> StoreResult<Option<Enrolment>> {
        self.one(self.rows.enrolment_by_link(link).await?).await
    }
    async fn enrolment_by_session(&self, session: SecretHash) -> StoreResult<Option<Enrolment>> {
        self.one(self.rows.enrolment_by_session(session).await?).await
    }
    async fn enrolment_by_code(&self, code: SecretHash) -> StoreResult<Option<Enrolment>> {
        self.one(self.rows.enrolment_by_code(code).await?).await
    }
    async fn enrolments_of(&self, user: UserId) -> StoreResult<Vec<Enrolment>> {
        self.many(self.rows.enrolments_of(user).await?).await
    }
    async fn introduction_link(&self, secret: SecretHash) -> StoreResult<Option<IntroductionLink>> {
        self.one(self.rows.introduction_link(secret).await?).await
    }
    async fn sealed_rows(&self, table: Table) -> StoreResult<Vec<SealedRow>> {
        self.rows.sealed_rows(table).await
    }
    async fn count(&self, bucket: &str, limit: Limit) -> StoreResult<u32> {
        self.rows.count(bucket, limit).await
    }
    async fn audit(&self, before: Option<i64>, limit: u32) -> StoreResult<Vec<(i64, Event)>> {
        self.rows.audit(before, limit).await
    }
    async fn audit_of(&self, user: UserId, before: Option<i64>, limit: u32) -> StoreResult<Vec<(i64, Event)>> {
        self.rows.audit_of(user, before, limit).await
    }
    async fn audit_after(&self, after: i64, limit: u32) -> StoreResult<Vec<Link>> {
        self.rows.audit_after(after, limit).await
    }
    async fn meta(&self, key: &str) -> StoreResult<Option<Vec<u8>>> {
        self.rows.meta(key).await
    }
}

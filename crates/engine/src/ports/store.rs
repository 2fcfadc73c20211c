//! The store: reads of the domain's rows, and commits of guarded writes.

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

use super::{Errand, Grant, Lately, Question, SealedRow, Table, Timings, Wakes, Write};

/// The store did not do what was asked; nothing was changed. The text is for the log, never for a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct StoreError(pub String);

/// What a read gives.
pub type StoreResult<T> = Result<T, StoreError>;

/// Why a commit changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// A guard did not hold; `index` is the write's place in the commit.
    #[error("write {index} of the commit found another state than it expects")]
    Conflict {
        /// Which write.
        index: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The rows of one installation. Reads see every commit whose call returned before they began.
#[async_trait]
pub trait Store: Send + Sync {
    /// The store's clock: the only one that judges expiry (INV-06).
    async fn now(&self) -> StoreResult<Timestamp>;
    /// Applies all writes in order in one transaction, or none. Durable when it returns.
    async fn commit(&self, writes: Vec<Write>) -> Result<(), CommitError>;
    /// Waits until all that reads have shown is as durable as what [`Store::commit`] has answered. Reads may show a commit of
    /// somebody else a moment earlier: whoever tells a client only what it read, that a thing is done, asks this first.
    async fn durable(&self) -> StoreResult<()>;
    /// The waiting room that each commit wakes.
    fn wakes(&self) -> &Wakes;
    /// How long it takes. One that does not measure gives what nobody counts in.
    fn timings(&self) -> Timings {
        Timings::default()
    }
    /// Removes what ended over a day ago: nonces, codes, device sessions, counters, pushes and stages, sign-ins, enrolments,
    /// sessions, browsers; revokes phones whose set-up was never finished. Returns how many rows.
    async fn sweep(&self) -> StoreResult<u64>;

    /// By id.
    async fn user(&self, id: UserId) -> StoreResult<Option<User>>;
    /// By canonical name.
    async fn user_by_name(&self, name: &str) -> StoreResult<Option<User>>;
    /// All, by name.
    async fn users(&self) -> StoreResult<Vec<User>>;
    /// All, by name.
    async fn groups(&self) -> StoreResult<Vec<Group>>;
    /// Members of a group, by user name.
    async fn members(&self, group: GroupId) -> StoreResult<Vec<UserId>>;
    /// That the user is in the group, if so.
    async fn member(&self, group: GroupId, user: UserId) -> StoreResult<Option<Member>>;
    /// By id.
    async fn app(&self, id: AppId) -> StoreResult<Option<App>>;
    /// By exact origin.
    async fn app_by_origin(&self, origin: &str) -> StoreResult<Option<App>>;
    /// All, by name.
    async fn apps(&self) -> StoreResult<Vec<App>>;

    /// By id.
    async fn device(&self, id: DeviceId) -> StoreResult<Option<Device>>;
    /// Of a user, oldest first, revoked ones included.
    async fn devices_of(&self, user: UserId) -> StoreResult<Vec<Device>>;
    /// Of a user's devices that are not revoked, oldest first.
    async fn passkeys_of(&self, user: UserId) -> StoreResult<Vec<Passkey>>;
    /// By WebAuthn credential id, of a device that is not revoked.
    async fn passkey_by_credential(&self, credential_id: &[u8]) -> StoreResult<Option<Passkey>>;
    /// By id.
    async fn subscription(&self, id: SubscriptionId) -> StoreResult<Option<Subscription>>;
    /// Devices covered by an unexpired device session, revoked devices excluded.
    async fn device_session(&self, secret: SecretHash) -> StoreResult<Vec<(Device, DeviceSession)>>;

    /// Security keys and passkeys of a user that belong to no phone, oldest first.
    async fn security_keys_of(&self, user: UserId) -> StoreResult<Vec<SecurityKey>>;
    /// One of them, by WebAuthn credential id.
    async fn security_key_by_credential(&self, credential_id: &[u8]) -> StoreResult<Option<SecurityKey>>;

    /// By id.
    async fn oath_token(&self, id: OathId) -> StoreResult<Option<OathToken>>;
    /// Of a user, oldest first.
    async fn oath_tokens_of(&self, user: UserId) -> StoreResult<Vec<OathToken>>;

    /// Recovery codes and passes of a user that were not used, ended passes included, oldest first.
    async fn recovery_codes_of(&self, user: UserId) -> StoreResult<Vec<RecoveryCode>>;

    /// The browser that was ever given this secret.
    async fn browser_by_secret(&self, secret: SecretHash) -> StoreResult<Option<(Browser, BrowserSecret)>>;
    /// When this browser was last given a secret.
    async fn browser(&self, id: BrowserId) -> StoreResult<Option<Browser>>;
    /// Bound browsers of a user, oldest first.
    async fn browsers_of(&self, user: UserId) -> StoreResult<Vec<Browser>>;

    /// By id.
    async fn sign_in(&self, id: SignInId) -> StoreResult<Option<SignIn>>;
    /// By id.
    async fn challenge(&self, id: ChallengeId) -> StoreResult<Option<Challenge>>;
    /// Of a sign-in, newest first.
    async fn challenges_of(&self, sign_in: SignInId) -> StoreResult<Vec<Challenge>>;
    /// Live challenges of a user, oldest first.
    async fn pending_for(&self, user: UserId) -> StoreResult<Vec<Challenge>>;
    /// Challenges still called pending whose end has passed, oldest first.
    async fn overdue(&self, limit: u32) -> StoreResult<Vec<Challenge>>;
    /// By the sign-in's id.
    async fn grant(&self, id: SignInId) -> StoreResult<Option<Grant>>;
    /// By the challenge's id.
    async fn question(&self, id: ChallengeId) -> StoreResult<Option<Question>>;
    /// Whether the user denied something at or after `since`, whether `address` is new to their live sessions, and what was
    /// counted in two buckets.
    async fn lately(
        &self,
        user: UserId,
        since: Timestamp,
        address: &str,
        prompts: [(&str, Limit); 2],
    ) -> StoreResult<Lately>;
    /// Challenges that this device answered, newest first.
    async fn answered_by(&self, device: DeviceId, limit: u32) -> StoreResult<Vec<Challenge>>;

    /// Queued or claimed pushes that are due, oldest first.
    async fn due_pushes(&self, limit: u32) -> StoreResult<Vec<Push>>;
    /// When the next queued or claimed push is due.
    async fn next_push_due(&self) -> StoreResult<Option<Timestamp>>;
    /// How many pushes are queued or claimed.
    async fn open_pushes(&self) -> StoreResult<u64>;
    /// By the phone's id and what it is to be rung about.
    async fn errand(&self, device: DeviceId, subject: [u8; 16]) -> StoreResult<Option<Errand>>;
    /// All pushes about a subject, oldest first.
    async fn pushes_of(&self, subject: [u8; 16]) -> StoreResult<Vec<Push>>;
    /// Stages seen of a subject, in time order.
    async fn stages(&self, subject: [u8; 16]) -> StoreResult<Vec<(DeviceId, Stage, Timestamp)>>;
    /// What this phone was last rung about, while its stages are kept.
    async fn last_rung(&self, device: DeviceId) -> StoreResult<Option<[u8; 16]>>;

    /// By id.
    async fn session(&self, id: SessionId) -> StoreResult<Option<Session>>;
    /// By the cookie's secret, ended ones included.
    async fn session_by_secret(&self, secret: SecretHash) -> StoreResult<Option<Session>>;
    /// Live sessions of a user, newest first.
    async fn sessions_of(&self, user: UserId) -> StoreResult<Vec<Session>>;
    /// By the code, used or expired ones excluded.
    async fn app_code(&self, code: SecretHash) -> StoreResult<Option<AppCode>>;
    /// By the app cookie's secret.
    async fn app_session(&self, secret: SecretHash) -> StoreResult<Option<AppSession>>;

    /// By id.
    async fn enrolment(&self, id: EnrolmentId) -> StoreResult<Option<Enrolment>>;
    /// By the link's secret.
    async fn enrolment_by_link(&self, link: SecretHash) -> StoreResult<Option<Enrolment>>;
    /// By the asking browser's secret.
    async fn enrolment_by_session(&self, session: SecretHash) -> StoreResult<Option<Enrolment>>;
    /// By the shown code, while it is shown.
    async fn enrolment_by_code(&self, code: SecretHash) -> StoreResult<Option<Enrolment>>;
    /// Of a user, as long as they are kept, ended ones included; in no order.
    async fn enrolments_of(&self, user: UserId) -> StoreResult<Vec<Enrolment>>;
    /// By the link's secret, used or expired ones excluded.
    async fn introduction_link(&self, secret: SecretHash) -> StoreResult<Option<IntroductionLink>>;

    /// The rows of a table that carry a checksum and grant something by their state, in no order.
    async fn sealed_rows(&self, table: Table) -> StoreResult<Vec<SealedRow>>;

    /// How many were counted in the current window of this bucket.
    async fn count(&self, bucket: &str, limit: Limit) -> StoreResult<u32>;
    /// Newest first: at most `limit` events with a sequence number below `before`.
    async fn audit(&self, before: Option<i64>, limit: u32) -> StoreResult<Vec<(i64, Event)>>;
    /// The same of the events about one user.
    async fn audit_of(&self, user: UserId, before: Option<i64>, limit: u32) -> StoreResult<Vec<(i64, Event)>>;
    /// The chain (INV-22), oldest first: at most `limit` rows with a sequence number above `after`. A row that holds what no event
    /// holds (an unknown kind, an id without its name, a text that is none) is given without its event, never left out.
    async fn audit_after(&self, after: i64, limit: u32) -> StoreResult<Vec<Link>>;
    /// A value of the installation.
    async fn meta(&self, key: &str) -> StoreResult<Option<Vec<u8>>>;
}

//! The reads of the store port as a list, for stores that stand before another one.

/// Hands the list of all calls but `now`, `commit` and `wakes` to a macro.
macro_rules! store_calls {
    ($with:ident) => {
        $with! {
            fn durable() -> StoreResult<()>;
            fn sweep() -> StoreResult<u64>;
            fn user(id: UserId) -> StoreResult<Option<User>>;
            fn user_by_name(name: &str) -> StoreResult<Option<User>>;
            fn users() -> StoreResult<Vec<User>>;
            fn groups() -> StoreResult<Vec<Group>>;
            fn members(group: GroupId) -> StoreResult<Vec<UserId>>;
            fn member(group: GroupId, user: UserId) -> StoreResult<Option<Member>>;
            fn app(id: AppId) -> StoreResult<Option<App>>;
            fn app_by_origin(origin: &str) -> StoreResult<Option<App>>;
            fn apps() -> StoreResult<Vec<App>>;
            fn device(id: DeviceId) -> StoreResult<Option<Device>>;
            fn devices_of(user: UserId) -> StoreResult<Vec<Device>>;
            fn passkeys_of(user: UserId) -> StoreResult<Vec<Passkey>>;
            fn passkey_by_credential(credential_id: &[u8]) -> StoreResult<Option<Passkey>>;
            fn subscription(id: SubscriptionId) -> StoreResult<Option<Subscription>>;
            fn device_session(secret: SecretHash) -> StoreResult<Vec<(Device, DeviceSession)>>;
            fn security_keys_of(user: UserId) -> StoreResult<Vec<SecurityKey>>;
            fn security_key_by_credential(credential_id: &[u8]) -> StoreResult<Option<SecurityKey>>;
            fn oath_token(id: OathId) -> StoreResult<Option<OathToken>>;
            fn oath_tokens_of(user: UserId) -> StoreResult<Vec<OathToken>>;
            fn recovery_codes_of(user: UserId) -> StoreResult<Vec<RecoveryCode>>;
            fn browser_by_secret(secret: SecretHash) -> StoreResult<Option<(Browser, BrowserSecret)>>;
            fn browser(id: BrowserId) -> StoreResult<Option<Browser>>;
            fn browsers_of(user: UserId) -> StoreResult<Vec<Browser>>;
            fn sign_in(id: SignInId) -> StoreResult<Option<SignIn>>;
            fn challenge(id: ChallengeId) -> StoreResult<Option<Challenge>>;
            fn challenges_of(sign_in: SignInId) -> StoreResult<Vec<Challenge>>;
            fn pending_for(user: UserId) -> StoreResult<Vec<Challenge>>;
            fn overdue(limit: u32) -> StoreResult<Vec<Challenge>>;
            fn grant(id: SignInId) -> StoreResult<Option<Grant>>;
            fn question(id: ChallengeId) -> StoreResult<Option<Question>>;
            fn lately(user: UserId, since: Timestamp, address: &str, prompts: [(&str, Limit); 2]) -> StoreResult<Lately>;
            fn answered_by(device: DeviceId, limit: u32) -> StoreResult<Vec<Challenge>>;
            fn due_pushes(limit: u32) -> StoreResult<Vec<Push>>;
            fn next_push_due() -> StoreResult<Option<Timestamp>>;
            fn open_pushes() -> StoreResult<u64>;
            fn errand(device: DeviceId, subject: [u8; 16]) -> StoreResult<Option<Errand>>;
            fn pushes_of(subject: [u8; 16]) -> StoreResult<Vec<Push>>;
            fn last_rung(device: DeviceId) -> StoreResult<Option<[u8; 16]>>;
            fn stages(subject: [u8; 16]) -> StoreResult<Vec<(DeviceId, Stage, Timestamp)>>;
            fn session(id: SessionId) -> StoreResult<Option<Session>>;
            fn session_by_secret(secret: SecretHash) -> StoreResult<Option<Session>>;
            fn sessions_of(user: UserId) -> StoreResult<Vec<Session>>;
            fn app_code(code: SecretHash) -> StoreResult<Option<AppCode>>;
            fn app_session(secret: SecretHash) -> StoreResult<Option<AppSession>>;
            fn enrolment(id: EnrolmentId) -> StoreResult<Option<Enrolment>>;
            fn enrolment_by_link(link: SecretHash) -> StoreResult<Option<Enrolment>>;
            fn enrolment_by_session(session: SecretHash) -> StoreResult<Option<Enrolment>>;
            fn enrolment_by_code(code: SecretHash) -> StoreResult<Option<Enrolment>>;
            fn enrolments_of(user: UserId) -> StoreResult<Vec<Enrolment>>;
            fn introduction_link(secret: SecretHash) -> StoreResult<Option<IntroductionLink>>;
            fn sealed_rows(table: Table) -> StoreResult<Vec<SealedRow>>;
            fn count(bucket: &str, limit: Limit) -> StoreResult<u32>;
            fn audit(before: Option<i64>, limit: u32) -> StoreResult<Vec<(i64, Event)>>;
            fn audit_of(user: UserId, before: Option<i64>, limit: u32) -> StoreResult<Vec<(i64, Event)>>;
            fn audit_after(after: i64, limit: u32) -> StoreResult<Vec<Link>>;
            fn meta(key: &str) -> StoreResult<Option<Vec<u8>>>;
        }
    };
}
pub(crate) use store_calls;

/// Every type that the list names.
pub(crate) mod rows {
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
        SubscriptionId, UserId,
    };
    pub(crate) use nod_engine::ports::{Errand, Grant, Lately, Question, SealedRow, Table};
}

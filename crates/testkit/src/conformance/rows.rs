//! Rows to test with. A number decides everything in a row; no two fields of a row are alike.

use nod_core::access::{App, AppCode, AppSession, Method, Session};
use nod_core::challenge::{Answer, Challenge, ChallengeState, Decision, Number};
use nod_core::enrolment::{Enrolment, EnrolmentState, IntroductionLink, OpenedBy};
use nod_core::keys::SecurityKey;
use nod_core::oath::{Algorithm, Moving, OathState, OathToken};
use nod_core::people::{Group, Member, User, UserState};
use nod_core::possession::{
    BoundBy, Browser, BrowserSecret, Device, DeviceSession, DeviceState, Notifications, Passkey, Platform,
};
use nod_core::push::{Push, PushKind, PushState, Subscription};
use nod_core::recovery::{RecoveryCode, RecoveryKind};
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{
    AppId, BrowserId, ChallengeId, Checksum, DeviceId, EnrolmentId, GroupId, Millis, OathId, PasskeyId, PushId,
    RecoveryId, SecretHash, SessionId, SignInId, SubscriptionId, Timestamp, UserId, limits,
};
use nod_engine::ports::{Store, Write};

use super::Bed;
use crate::clock::START;

/// A secret's hash.
#[must_use]
pub const fn hash(n: u8) -> SecretHash {
    SecretHash([n; 32])
}
/// So many milliseconds after the start.
#[must_use]
pub const fn at(ms: i64) -> Timestamp {
    START.after(Millis(ms))
}
/// User `n`, active.
#[must_use]
pub fn user(n: u8) -> User {
    User {
        id: UserId([n; 16]),
        name: format!("user{n:03}"),
        display_name: format!("User Nº {n}"),
        state: UserState::Active,
        password_hash: None,
        number_always: false,
        terminal_phone: true,
        mail: None,
        created_at: at(1),
        checksum: [n.wrapping_add(5); 32],
    }
}
/// Group `n`.
#[must_use]
pub fn group(n: u8) -> Group {
    Group { id: GroupId([n; 16]), name: format!("group{n:03}"), created_at: at(2) }
}
/// A membership.
#[must_use]
pub const fn member(group: GroupId, user: UserId) -> Member {
    let UserId([n, ..]) = user;
    Member { group, user, checksum: [n; 32] }
}
/// A session `n` of `device`.
#[must_use]
pub const fn device_session(n: u8, device: DeviceId, expires_at: Timestamp) -> DeviceSession {
    DeviceSession { secret: hash(n), device, expires_at, checksum: [n.wrapping_add(15); 32] }
}
/// App `n`, open to all.
#[must_use]
pub fn app(n: u8) -> App {
    App {
        id: AppId([n; 16]),
        name: format!("app{n:03}"),
        display_name: format!("App {n}"),
        origin: format!("https://app{n}.example.com"),
        group: None,
        created_at: at(3),
        checksum: [n.wrapping_add(9); 32],
    }
}
/// Device `n` of `user`, pending.
#[must_use]
pub fn device(n: u8, user: UserId) -> Device {
    Device {
        id: DeviceId([n; 16]),
        user,
        name: format!("Phone {n}"),
        platform: Platform::Ios,
        state: DeviceState::Pending,
        key: format!("{{\"kty\":\"EC\",\"x\":\"{n}\"}}"),
        checksum: [n.wrapping_add(1); 32],
        notifications: Notifications::Unknown,
        subscription: None,
        created_at: at(4),
        last_seen_at: at(5),
        held_until: None,
    }
}
/// Security key `n` of `user`.
#[must_use]
pub fn security_key(n: u8, user: UserId) -> SecurityKey {
    SecurityKey {
        id: PasskeyId([n; 16]),
        user,
        name: format!("Key {n}"),
        credential_id: vec![n, 9, 9],
        public_key: vec![n, 8],
        aaguid: [n; 16],
        backup_eligible: false,
        counter: 7,
        created_at: at(20),
        last_used_at: None,
        checksum: [n; 32],
    }
}

/// Passkey `n` of `device`.
#[must_use]
pub fn passkey(n: u8, device: &Device) -> Passkey {
    Passkey {
        id: PasskeyId([n; 16]),
        user: device.user,
        device: device.id,
        credential_id: vec![n, 0, 1, 2],
        public_key: vec![n, 3, 0],
        backup_eligible: true,
        checksum: [n.wrapping_add(2); 32],
        created_at: at(6),
    }
}
/// Token `n` of `user`, active, that counts time.
#[must_use]
pub fn oath_token(n: u8, user: UserId) -> OathToken {
    OathToken {
        id: OathId([n; 16]),
        user,
        name: format!("Token {n}"),
        moving: Moving::Time { step: 30 },
        algorithm: Algorithm::Sha256,
        digits: 8,
        secret: vec![n, 5, 0],
        state: OathState::Active,
        next: 7,
        created_at: at(13),
        last_used_at: None,
        checksum: [n.wrapping_add(16); 32],
    }
}
/// Recovery code `n` of `user`.
#[must_use]
pub fn recovery_code(n: u8, user: UserId) -> RecoveryCode {
    RecoveryCode {
        id: RecoveryId([n; 16]),
        user,
        kind: RecoveryKind::Code,
        prefix: format!("AB{n:02}"),
        hash: vec![n, 0, 7],
        created_at: at(14),
        expires_at: None,
        checksum: [n.wrapping_add(17); 32],
    }
}
/// Subscription `n`.
#[must_use]
pub fn subscription(n: u8) -> Subscription {
    Subscription {
        id: SubscriptionId([n; 16]),
        endpoint: format!("https://push.example.net/{n}"),
        p256dh: vec![4, n, n],
        auth: vec![n; 16],
        refusals: 0,
    }
}
/// Browser `n` of `user`, bound at the start.
#[must_use]
pub fn browser(n: u8, user: UserId) -> Browser {
    Browser {
        id: BrowserId([n; 16]),
        user,
        label: format!("Firefox {n}"),
        bound_by: BoundBy::Link,
        bound: true,
        created_at: at(7),
        last_used_at: at(8),
        checksum: [n.wrapping_add(3); 32],
    }
}
/// Secret `n` of `browser`.
#[must_use]
pub const fn secret(n: u8, browser: BrowserId) -> BrowserSecret {
    BrowserSecret { hash: hash(n), browser, issued_at: at(9), retired: false, checksum: [n.wrapping_add(6); 32] }
}
/// Sign-in `n` of `user`, open, from nowhere.
#[must_use]
pub fn sign_in(n: u8, user: UserId) -> SignIn {
    SignIn {
        id: SignInId([n; 16]),
        secret: hash(n),
        user,
        app: None,
        return_to: format!("/path/{n}"),
        binding: None,
        browser: None,
        address: format!("192.0.2.{n}"),
        agent: format!("Agent {n}"),
        state: SignInState::Open,
        created_at: at(10),
        expires_at: at(10).after(limits::SIGN_IN_LIFE),
        checksum: [n.wrapping_add(10); 32],
    }
}
/// Challenge `n` of `sign_in`, pending, without a number.
#[must_use]
pub fn challenge(n: u8, sign_in: &SignIn) -> Challenge {
    Challenge {
        id: ChallengeId([n; 16]),
        sign_in: sign_in.id,
        user: sign_in.user,
        version: 1,
        state: ChallengeState::Pending,
        nonce: [n.wrapping_add(4); 32],
        context: vec![b'{', n, b'}'],
        number: None,
        created_at: at(11),
        expires_at: at(11).after(limits::CHALLENGE_LIFE),
        checksum: [n.wrapping_add(11); 32],
    }
}
/// An answer of device `n` at `when`.
#[must_use]
pub fn answer(n: u8, decision: Decision, when: Timestamp) -> Answer {
    let assertion = (decision == Decision::Approve).then(|| format!("{{\"assertion\":{n}}}"));
    Answer { device: DeviceId([n; 16]), decision, jws: format!("jws.of.{n}"), assertion, at: when }
}
/// Push `n` about `subject` to device `device`.
#[must_use]
pub const fn push(n: u8, subject: [u8; 16], device: DeviceId) -> Push {
    Push {
        id: PushId([n; 16]),
        kind: PushKind::Request,
        subject,
        device,
        state: PushState::Queued,
        due_at: at(12),
        expires_at: at(120_012),
        attempts: 0,
    }
}
/// Session `n` of `user`.
#[must_use]
pub fn session(n: u8, user: UserId) -> Session {
    Session {
        id: SessionId([n; 16]),
        user,
        secret: hash(n),
        browser: None,
        method: Method::PushNumber,
        address: format!("198.51.100.{n}"),
        agent: format!("Agent {n}"),
        created_at: at(13),
        last_seen_at: at(14),
        ended: false,
        checksum: [n.wrapping_add(7); 32],
    }
}
/// App code `n` of a session for an app.
#[must_use]
pub fn app_code(n: u8, session: SessionId, app: AppId) -> AppCode {
    AppCode {
        code: hash(n),
        session,
        app,
        binding: hash(n.wrapping_add(1)),
        return_to: format!("/back/{n}"),
        expires_at: at(60_000),
        checksum: [n.wrapping_add(12); 32],
    }
}
/// App session `n`.
#[must_use]
pub const fn app_session(n: u8, session: SessionId, app: AppId) -> AppSession {
    AppSession { secret: hash(n), session, app, checksum: [n.wrapping_add(13); 32] }
}
/// Enrolment `n` of `user`, issued by an administrator.
#[must_use]
pub const fn enrolment(n: u8, user: UserId) -> Enrolment {
    Enrolment {
        id: EnrolmentId([n; 16]),
        user,
        opened_by: OpenedBy::Administrator,
        link: hash(n),
        session: None,
        state: EnrolmentState::Issued,
        password_tries: 0,
        created_at: at(15),
        expires_at: at(15).after(limits::ENROLMENT_LINK_LIFE),
        checksum: [n.wrapping_add(8); 32],
    }
}
/// Introduction link `n` of `user`.
#[must_use]
pub const fn link(n: u8, user: UserId) -> IntroductionLink {
    IntroductionLink { secret: hash(n), user, expires_at: at(600_000), checksum: [n.wrapping_add(14); 32] }
}

/// Id of the user that [`Bed::anna`] adds.
pub const ANNA: UserId = UserId([1; 16]);
/// Id of the device that [`Bed::phone`] adds.
pub const PHONE: DeviceId = DeviceId([11; 16]);
/// Id of the sign-in that [`Bed::asked`] adds.
pub const SIGN_IN: SignInId = SignInId([61; 16]);
/// Id of the challenge that [`Bed::asked`] adds.
pub const ASKED: ChallengeId = ChallengeId([71; 16]);

impl<S: Store + 'static> Bed<S> {
    /// Adds user 1.
    pub async fn anna(&self) {
        self.accepts([Write::AddUser(user(1))]).await;
    }
    /// Adds active device `n` with passkey `n` for `user`.
    pub async fn active_phone(&self, n: u8, user: UserId) {
        let phone = device(n, user);
        let (device, notifications) = (phone.id, Notifications::Unavailable);
        self.accepts([
            Write::AddDevice(phone.clone()),
            Write::AddPasskey(passkey(n, &phone)),
            Write::SetNotifications { device, user, notifications, subscription: None },
            Write::ActivateDevice { device, user, held_until: None, checksum: CHANGED },
        ])
        .await;
    }
    /// Adds user 1 and their active device 11.
    pub async fn phone(&self) {
        self.anna().await;
        self.active_phone(11, ANNA).await;
    }
    /// Adds user 1, device 11, sign-in 61 and challenge 71, pending.
    pub async fn asked(&self) {
        self.phone().await;
        self.ask(61, 71, ANNA).await;
    }
    /// Adds sign-in and challenge by number.
    pub async fn ask(&self, n: u8, question: u8, user: UserId) {
        let sign_in = sign_in(n, user);
        self.accepts([Write::AddSignIn(sign_in.clone()), Write::OpenChallenge(challenge(question, &sign_in))]).await;
    }
    /// Adds sign-in and challenge by number; the challenge has a number to type, so that others may stand beside it.
    pub async fn ask_numbered(&self, n: u8, question: u8, user: UserId) {
        let sign_in = sign_in(n, user);
        let asked = Challenge { number: Number::parse("271828"), ..challenge(question, &sign_in) };
        self.accepts([Write::AddSignIn(sign_in), Write::OpenChallenge(asked)]).await;
    }
    /// Sets user 1 to a state.
    pub async fn set_anna(&self, to: UserState) {
        self.accepts([changing(User { state: to, ..user(1) })]).await;
    }
}

/// The checksum of rows that were changed.
pub const CHANGED: Checksum = [200; 32];

/// Makes a user that carries what [`user`] gave them the one given.
#[must_use]
pub const fn changing(to: User) -> Write {
    Write::ChangeUser { from: to.checksum, to }
}

/// Answers challenge 71 of user 1 with the state `to`.
#[must_use]
pub const fn answering(version: u32, to: ChallengeState) -> Write {
    Write::AnswerChallenge { challenge: ASKED, version, to, sign_in: SIGN_IN, user: ANNA, checksum: CHANGED }
}
/// Approved by device 11 at 20 ms.
#[must_use]
pub fn approved() -> ChallengeState {
    ChallengeState::Approved(answer(11, Decision::Approve, at(20)))
}
/// Collects challenge 71.
#[must_use]
pub const fn consuming() -> Write {
    Write::ConsumeChallenge { challenge: ASKED, sign_in: SIGN_IN, user: ANNA }
}
/// Ends challenge 71.
#[must_use]
pub const fn ending(to: ChallengeState) -> Write {
    Write::EndChallenge { challenge: ASKED, to, sign_in: SIGN_IN, user: ANNA }
}

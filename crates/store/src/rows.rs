//! From columns to the domain's types. A row that makes no sense is a failure of the store, never a panic.

use nod_core::access::{App, AppCode, AppSession, Session};
use nod_core::audit::{ChainHash, Event, EventKind, Link};
use nod_core::challenge::{Answer, Challenge, ChallengeState, Number};
use nod_core::enrolment::{Enrolment, EnrolmentState, IntroductionLink, OpenedBy};
use nod_core::keys::SecurityKey;
use nod_core::oath::{Moving, OathToken};
use nod_core::people::{Group, Member, User};
use nod_core::possession::{Browser, BrowserSecret, Device, DeviceSession, Passkey};
use nod_core::push::{Push, Stage, Subscription};
use nod_core::recovery::RecoveryCode;
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{
    AppId, BrowserId, ChallengeId, Checksum, DeviceId, EnrolmentId, GroupId, OathId, PasskeyId, PushId, RecoveryId,
    SecretHash, SessionId, SignInId, SubscriptionId, Timestamp, UNSEALED, UserId,
};
use nod_engine::ports::{Errand, Grant, Lately, Question, StoreResult as Result};

use crate::names::Named;
use crate::sql::{Cells, get, maybe, nonsense, text};

fn named<T: Named>(row: &dyn Cells, at: usize) -> Result<T> {
    T::named(text(row, at)?).ok_or_else(|| nonsense(at, "name"))
}
fn time(row: &dyn Cells, at: usize) -> Result<Timestamp> {
    get(row, at).map(Timestamp)
}
fn hash(row: &dyn Cells, at: usize) -> Result<SecretHash> {
    get(row, at).map(SecretHash)
}
fn maybe_hash(row: &dyn Cells, at: usize) -> Result<Option<SecretHash>> {
    Ok(maybe(row, at)?.map(SecretHash))
}
fn id<T>(row: &dyn Cells, at: usize, make: fn([u8; 16]) -> T) -> Result<T> {
    get(row, at).map(make)
}
/// Of a row that grants nothing there is none; one of an impossible length is as good as none.
fn checksum(row: &dyn Cells, at: usize) -> Result<Checksum> {
    Ok(maybe::<Vec<u8>>(row, at)?.and_then(|bytes| bytes.try_into().ok()).unwrap_or(UNSEALED))
}
fn maybe_id<T>(row: &dyn Cells, at: usize, make: fn([u8; 16]) -> T) -> Result<Option<T>> {
    Ok(maybe(row, at)?.map(make))
}

/// Columns of a table in the order that the functions here read them.
macro_rules! columns {
    (users) => {
        "id, name, display_name, state, password_hash, number_always, terminal_phone, mail, created_at, checksum"
    };
    (user_groups) => {
        "id, name, created_at"
    };
    (apps) => {
        "id, name, display_name, origin, group_id, created_at, checksum"
    };
    (devices) => {
        "id, user_id, name, platform, state, device_key, checksum, notifications, subscription_id, created_at, \
         last_seen_at, held_until"
    };
    (passkeys) => {
        "p.id, p.user_id, p.device_id, p.credential_id, p.public_key, p.backup_eligible, p.checksum, p.created_at"
    };
    (oath_tokens) => {
        "id, user_id, name, step, algorithm, digits, secret, state, next_counter, created_at, last_used_at, checksum"
    };
    (recovery_codes) => {
        "id, user_id, kind, prefix, hash, created_at, expires_at, checksum"
    };
    (security_keys) => {
        "id, user_id, name, credential_id, public_key, aaguid, backup_eligible, counter, created_at, last_used_at, \
         checksum"
    };
    (subscriptions) => {
        "id, endpoint, p256dh, auth, refusals"
    };
    (browsers) => {
        "b.id, b.user_id, b.label, b.bound_by, b.bound, b.created_at, b.last_used_at, b.checksum"
    };
    (members) => {
        "group_id, user_id, checksum"
    };
    (device_of_session) => {
        "d.id, d.user_id, d.name, d.platform, d.state, d.device_key, d.checksum, d.notifications, \
         d.subscription_id, d.created_at, d.last_seen_at, d.held_until"
    };
    (device_sessions) => {
        "s.secret, s.device_id, s.expires_at, s.checksum"
    };
    (introduction_links) => {
        "secret, user_id, expires_at, checksum"
    };
    (browser_secrets) => {
        "s.hash, s.browser_id, s.issued_at, s.retired, s.checksum"
    };
    (sign_ins) => {
        "id, secret, user_id, app_id, return_to, binding, browser_id, address, agent, state, passkey_id, \
         keep_browser, token_id, created_at, expires_at, checksum"
    };
    (challenges) => {
        "id, sign_in_id, user_id, version, state, nonce, context, number, created_at, expires_at, answer_device, \
         decision, jws, assertion, answered_at, checksum"
    };
    (pushes) => {
        "id, kind, subject, device_id, state, due_at, expires_at, attempts"
    };
    (sessions) => {
        "id, user_id, secret, browser_id, method, address, agent, created_at, last_seen_at, ended, checksum"
    };
    (app_codes) => {
        "code, session_id, app_id, binding, return_to, expires_at, checksum"
    };
    (app_sessions) => {
        "secret, session_id, app_id, checksum"
    };
    (enrolments) => {
        "id, user_id, opened_by_session, link, session, state, code, code_expires_at, device_id, password_tries, \
         created_at, expires_at, checksum, opened_by_recovery, opened_by_browser, key_id"
    };
    (audit) => {
        "place, kind, at, user_id, user_name, app_id, app_name, device_id, device_name, address, detail"
    };
}
pub(crate) use columns;

/// How many columns a list of them names.
const fn width(columns: &str) -> usize {
    let (mut rest, mut count) = (columns.as_bytes(), 1);
    while let [first, behind @ ..] = rest {
        if *first == b',' {
            count += 1;
        }
        rest = behind;
    }
    count
}

/// The columns of a joined row from one on.
struct Behind<'r>(&'r dyn Cells, usize);

impl Cells for Behind<'_> {
    fn int(&self, at: usize) -> Result<Option<i64>> {
        self.0.int(self.1 + at)
    }
    fn text(&self, at: usize) -> Result<Option<&str>> {
        self.0.text(self.1 + at)
    }
    fn bytes(&self, at: usize) -> Result<Option<&[u8]>> {
        self.0.bytes(self.1 + at)
    }
}

impl Behind<'_> {
    /// The row, unless nothing was joined: then its id is null.
    fn joined<T>(&self, read: fn(&dyn Cells) -> Result<T>) -> Result<Option<T>> {
        if self.bytes(0)?.is_none() { Ok(None) } else { read(self).map(Some) }
    }
}

/// Columns of a challenge, of its sign-in, of its user.
pub(crate) fn question(row: &dyn Cells) -> Result<Question> {
    const SIGN_IN: usize = width(columns!(challenges));
    const USER: usize = SIGN_IN + width(columns!(sign_ins));
    Ok(Question {
        challenge: challenge(row)?,
        sign_in: sign_in(&Behind(row, SIGN_IN))?,
        user: user(&Behind(row, USER))?,
    })
}

/// Columns of the user, of the browser, of the challenge.
pub(crate) fn grant(row: &dyn Cells) -> Result<Grant> {
    const BROWSER: usize = width(columns!(users));
    const CHALLENGE: usize = BROWSER + width(columns!(browsers));
    Ok(Grant {
        user: user(row)?,
        browser: Behind(row, BROWSER).joined(browser)?,
        challenge: Behind(row, CHALLENGE).joined(challenge)?,
    })
}

/// Denials, live sessions, those from the address, two counts.
pub(crate) fn lately(row: &dyn Cells) -> Result<Lately> {
    let new_address = get(row, 1)? && !get::<bool>(row, 2)?;
    Ok(Lately { denied: get(row, 0)?, new_address, prompts: [get(row, 3)?, get(row, 4)?] })
}

/// Whether it was fetched, how many are pending, then the columns of the phone, its subscription, the challenge.
pub(crate) fn errand(row: &dyn Cells) -> Result<Errand> {
    const DEVICE: usize = 2;
    const SUBSCRIPTION: usize = DEVICE + width(columns!(devices));
    const CHALLENGE: usize = SUBSCRIPTION + width(columns!(subscriptions));
    Ok(Errand {
        fetched: get(row, 0)?,
        pending: get(row, 1)?,
        device: device(&Behind(row, DEVICE))?,
        subscription: Behind(row, SUBSCRIPTION).joined(subscription)?,
        challenge: Behind(row, CHALLENGE).joined(challenge)?,
    })
}

pub(crate) fn user(row: &dyn Cells) -> Result<User> {
    Ok(User {
        id: id(row, 0, UserId)?,
        name: get(row, 1)?,
        display_name: get(row, 2)?,
        state: named(row, 3)?,
        password_hash: maybe(row, 4)?,
        number_always: get(row, 5)?,
        terminal_phone: get(row, 6)?,
        mail: maybe(row, 7)?,
        created_at: time(row, 8)?,
        checksum: checksum(row, 9)?,
    })
}

pub(crate) fn group(row: &dyn Cells) -> Result<Group> {
    Ok(Group { id: id(row, 0, GroupId)?, name: get(row, 1)?, created_at: time(row, 2)? })
}

pub(crate) fn app(row: &dyn Cells) -> Result<App> {
    Ok(App {
        id: id(row, 0, AppId)?,
        name: get(row, 1)?,
        display_name: get(row, 2)?,
        origin: get(row, 3)?,
        group: maybe_id(row, 4, GroupId)?,
        created_at: time(row, 5)?,
        checksum: checksum(row, 6)?,
    })
}

/// Columns of the table, in its own order.
pub(crate) fn member(row: &dyn Cells) -> Result<Member> {
    Ok(Member { group: id(row, 0, GroupId)?, user: id(row, 1, UserId)?, checksum: checksum(row, 2)? })
}

pub(crate) fn device(row: &dyn Cells) -> Result<Device> {
    Ok(Device {
        id: id(row, 0, DeviceId)?,
        user: id(row, 1, UserId)?,
        name: get(row, 2)?,
        platform: named(row, 3)?,
        state: named(row, 4)?,
        key: get(row, 5)?,
        checksum: checksum(row, 6)?,
        notifications: named(row, 7)?,
        subscription: maybe_id(row, 8, SubscriptionId)?,
        created_at: time(row, 9)?,
        last_seen_at: time(row, 10)?,
        held_until: maybe(row, 11)?.map(Timestamp),
    })
}

pub(crate) fn passkey(row: &dyn Cells) -> Result<Passkey> {
    Ok(Passkey {
        id: id(row, 0, PasskeyId)?,
        user: id(row, 1, UserId)?,
        device: id(row, 2, DeviceId)?,
        credential_id: get(row, 3)?,
        public_key: get(row, 4)?,
        backup_eligible: get(row, 5)?,
        checksum: checksum(row, 6)?,
        created_at: time(row, 7)?,
    })
}

pub(crate) fn oath_token(row: &dyn Cells) -> Result<OathToken> {
    Ok(OathToken {
        id: id(row, 0, OathId)?,
        user: id(row, 1, UserId)?,
        name: get(row, 2)?,
        moving: maybe(row, 3)?.map_or(Moving::Press, |step| Moving::Time { step }),
        algorithm: named(row, 4)?,
        digits: get(row, 5)?,
        secret: get(row, 6)?,
        state: named(row, 7)?,
        next: u64::try_from(get::<i64>(row, 8)?).map_err(|_| nonsense(8, "counter"))?,
        created_at: time(row, 9)?,
        last_used_at: maybe(row, 10)?.map(Timestamp),
        checksum: checksum(row, 11)?,
    })
}

pub(crate) fn recovery_code(row: &dyn Cells) -> Result<RecoveryCode> {
    Ok(RecoveryCode {
        id: id(row, 0, RecoveryId)?,
        user: id(row, 1, UserId)?,
        kind: named(row, 2)?,
        prefix: get(row, 3)?,
        hash: get(row, 4)?,
        created_at: time(row, 5)?,
        expires_at: maybe(row, 6)?.map(Timestamp),
        checksum: checksum(row, 7)?,
    })
}

pub(crate) fn security_key(row: &dyn Cells) -> Result<SecurityKey> {
    Ok(SecurityKey {
        id: id(row, 0, PasskeyId)?,
        user: id(row, 1, UserId)?,
        name: get(row, 2)?,
        credential_id: get(row, 3)?,
        public_key: get(row, 4)?,
        aaguid: get(row, 5)?,
        backup_eligible: get(row, 6)?,
        counter: u32::try_from(get::<i64>(row, 7)?).map_err(|_| nonsense(7, "counter"))?,
        created_at: time(row, 8)?,
        last_used_at: maybe(row, 9)?.map(Timestamp),
        checksum: checksum(row, 10)?,
    })
}

pub(crate) fn subscription(row: &dyn Cells) -> Result<Subscription> {
    Ok(Subscription {
        id: id(row, 0, SubscriptionId)?,
        endpoint: get(row, 1)?,
        p256dh: get(row, 2)?,
        auth: get(row, 3)?,
        refusals: get(row, 4)?,
    })
}

pub(crate) fn browser(row: &dyn Cells) -> Result<Browser> {
    Ok(Browser {
        id: id(row, 0, BrowserId)?,
        user: id(row, 1, UserId)?,
        label: get(row, 2)?,
        bound_by: named(row, 3)?,
        bound: get(row, 4)?,
        created_at: time(row, 5)?,
        last_used_at: time(row, 6)?,
        checksum: checksum(row, 7)?,
    })
}

/// A browser's columns, then those of a secret.
pub(crate) fn browser_with_secret(row: &dyn Cells) -> Result<(Browser, BrowserSecret)> {
    let browser = browser(row)?;
    Ok((browser, browser_secret(row, 8)?))
}

/// A device session's columns, the first of them at `at`.
pub(crate) fn device_session(row: &dyn Cells, at: usize) -> Result<DeviceSession> {
    Ok(DeviceSession {
        secret: hash(row, at)?,
        device: id(row, at + 1, DeviceId)?,
        expires_at: time(row, at + 2)?,
        checksum: checksum(row, at + 3)?,
    })
}

/// A secret's columns, the first of them at `at`.
pub(crate) fn browser_secret(row: &dyn Cells, at: usize) -> Result<BrowserSecret> {
    Ok(BrowserSecret {
        hash: hash(row, at)?,
        browser: id(row, at + 1, BrowserId)?,
        issued_at: time(row, at + 2)?,
        retired: get(row, at + 3)?,
        checksum: checksum(row, at + 4)?,
    })
}

/// The name of a sign-in's state in the store.
pub(crate) const fn sign_in_state_name(state: SignInState) -> &'static str {
    match state {
        SignInState::Open => "open",
        SignInState::Proved { .. } | SignInState::Coded(_) => "proved",
        SignInState::Finished => "finished",
        SignInState::Cancelled => "cancelled",
    }
}

pub(crate) fn sign_in(row: &dyn Cells) -> Result<SignIn> {
    let state = match text(row, 9)? {
        "open" => SignInState::Open,
        "proved" if row.bytes(12)?.is_some() => SignInState::Coded(id(row, 12, OathId)?),
        "proved" => SignInState::Proved { passkey: id(row, 10, PasskeyId)?, keep_browser: get(row, 11)? },
        "finished" => SignInState::Finished,
        "cancelled" => SignInState::Cancelled,
        _ => return Err(nonsense(9, "state of a sign-in")),
    };
    Ok(SignIn {
        id: id(row, 0, SignInId)?,
        secret: hash(row, 1)?,
        user: id(row, 2, UserId)?,
        app: maybe_id(row, 3, AppId)?,
        return_to: get(row, 4)?,
        binding: maybe_hash(row, 5)?,
        browser: maybe_id(row, 6, BrowserId)?,
        address: get(row, 7)?,
        agent: get(row, 8)?,
        state,
        created_at: time(row, 13)?,
        expires_at: time(row, 14)?,
        checksum: checksum(row, 15)?,
    })
}

fn answer(row: &dyn Cells) -> Result<Answer> {
    Ok(Answer {
        device: id(row, 10, DeviceId)?,
        decision: named(row, 11)?,
        jws: get(row, 12)?,
        assertion: maybe(row, 13)?,
        at: time(row, 14)?,
    })
}

pub(crate) fn challenge(row: &dyn Cells) -> Result<Challenge> {
    let state = match text(row, 4)? {
        "pending" => ChallengeState::Pending,
        "approved" => ChallengeState::Approved(answer(row)?),
        "consumed" => ChallengeState::Consumed(answer(row)?),
        "denied" => ChallengeState::Denied(answer(row)?),
        "failed" => ChallengeState::Failed(answer(row)?),
        "expired" => ChallengeState::Expired,
        "superseded" => ChallengeState::Superseded,
        "withdrawn" => ChallengeState::Withdrawn,
        _ => return Err(nonsense(4, "state of a challenge")),
    };
    let number = match row.text(7)? {
        // A number that cannot be read must not turn into a challenge that asks for none.
        Some(text) => Some(Number::parse(text).ok_or_else(|| nonsense(7, "number"))?),
        None => None,
    };
    Ok(Challenge {
        id: id(row, 0, ChallengeId)?,
        sign_in: id(row, 1, SignInId)?,
        user: id(row, 2, UserId)?,
        version: get(row, 3)?,
        state,
        nonce: get(row, 5)?,
        context: get(row, 6)?,
        number,
        created_at: time(row, 8)?,
        expires_at: time(row, 9)?,
        checksum: checksum(row, 15)?,
    })
}

pub(crate) fn push(row: &dyn Cells) -> Result<Push> {
    Ok(Push {
        id: id(row, 0, PushId)?,
        kind: named(row, 1)?,
        subject: get(row, 2)?,
        device: id(row, 3, DeviceId)?,
        state: named(row, 4)?,
        due_at: time(row, 5)?,
        expires_at: time(row, 6)?,
        attempts: get(row, 7)?,
    })
}

/// Device, stage, time.
pub(crate) fn stage(row: &dyn Cells) -> Result<(DeviceId, Stage, Timestamp)> {
    Ok((id(row, 0, DeviceId)?, named(row, 1)?, time(row, 2)?))
}

pub(crate) fn session(row: &dyn Cells) -> Result<Session> {
    Ok(Session {
        id: id(row, 0, SessionId)?,
        user: id(row, 1, UserId)?,
        secret: hash(row, 2)?,
        browser: maybe_id(row, 3, BrowserId)?,
        method: named(row, 4)?,
        address: get(row, 5)?,
        agent: get(row, 6)?,
        created_at: time(row, 7)?,
        last_seen_at: time(row, 8)?,
        ended: get(row, 9)?,
        checksum: checksum(row, 10)?,
    })
}

pub(crate) fn app_code(row: &dyn Cells) -> Result<AppCode> {
    Ok(AppCode {
        code: hash(row, 0)?,
        session: id(row, 1, SessionId)?,
        app: id(row, 2, AppId)?,
        binding: hash(row, 3)?,
        return_to: get(row, 4)?,
        expires_at: time(row, 5)?,
        checksum: checksum(row, 6)?,
    })
}

pub(crate) fn app_session(row: &dyn Cells) -> Result<AppSession> {
    Ok(AppSession {
        secret: hash(row, 0)?,
        session: id(row, 1, SessionId)?,
        app: id(row, 2, AppId)?,
        checksum: checksum(row, 3)?,
    })
}

pub(crate) fn enrolment(row: &dyn Cells) -> Result<Enrolment> {
    let device = || id(row, 8, DeviceId);
    let state = match text(row, 5)? {
        "issued" => EnrolmentState::Issued,
        "opened" => EnrolmentState::Opened,
        "proved" => EnrolmentState::Proved,
        "coded" => EnrolmentState::Coded { code: hash(row, 6)?, code_expires_at: time(row, 7)? },
        "joined" => EnrolmentState::Joined(device()?),
        "confirmed" => EnrolmentState::Confirmed(device()?),
        "introduced" if row.bytes(15)?.is_some() => EnrolmentState::Keyed(id(row, 15, PasskeyId)?),
        "introduced" => EnrolmentState::Introduced(device()?),
        "ended" => EnrolmentState::Ended,
        _ => return Err(nonsense(5, "state of an enrolment")),
    };
    Ok(Enrolment {
        id: id(row, 0, EnrolmentId)?,
        user: id(row, 1, UserId)?,
        opened_by: match maybe_id(row, 2, SessionId)? {
            Some(session) => OpenedBy::Session(session),
            None if get(row, 13)? => OpenedBy::Recovery(maybe_id(row, 14, BrowserId)?),
            None => OpenedBy::Administrator,
        },
        link: hash(row, 3)?,
        session: maybe_hash(row, 4)?,
        state,
        password_tries: get(row, 9)?,
        created_at: time(row, 10)?,
        expires_at: time(row, 11)?,
        checksum: checksum(row, 12)?,
    })
}

pub(crate) fn introduction_link(row: &dyn Cells) -> Result<IntroductionLink> {
    Ok(IntroductionLink {
        secret: hash(row, 0)?,
        user: id(row, 1, UserId)?,
        expires_at: time(row, 2)?,
        checksum: checksum(row, 3)?,
    })
}

/// What was copied into an event about a thing: its id and its name, both or neither.
fn whole<T>(row: &dyn Cells, at: usize, make: fn([u8; 16]) -> T) -> Result<Option<(T, String)>> {
    match (maybe_id(row, at, make)?, maybe(row, at + 1)?) {
        (Some(id), Some(name)) => Ok(Some((id, name))),
        (None, None) => Ok(None),
        _ => Err(nonsense(at, "half of a name in the audit; run: nod audit verify")),
    }
}

pub(crate) fn event(row: &dyn Cells) -> Result<(i64, Event)> {
    let unknown = || nonsense(1, "kind of event; run: nod audit verify");
    let event = Event {
        kind: EventKind::from_name(text(row, 1)?).ok_or_else(unknown)?,
        at: time(row, 2)?,
        user: whole(row, 3, UserId)?,
        app: match (maybe_id(row, 5, AppId)?, maybe(row, 6)?) {
            (Some(_), None) => return Err(nonsense(5, "app without a name in the audit; run: nod audit verify")),
            (id, name) => name.map(|name| (id, name)),
        },
        device: whole(row, 7, DeviceId)?,
        address: maybe(row, 9)?,
        detail: get(row, 10)?,
    };
    Ok((get(row, 0)?, event))
}

/// A row of the chain; what cannot be read of it is evidence, not a failure.
pub(crate) fn link(row: &dyn Cells) -> Result<Link> {
    Ok(Link {
        sequence: get(row, 0)?,
        hash: get(row, 11).ok().map(ChainHash),
        event: event(row).ok().map(|(_, event)| event),
    })
}

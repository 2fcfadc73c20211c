//! The reads: each one statement on a reader's connection. Expiry is judged inside it (INV-06).

use nod_core::access::{App, AppCode, AppSession, Session};
use nod_core::audit::{Event, Link};
use nod_core::challenge::Challenge;
use nod_core::enrolment::{Enrolment, IntroductionLink};
use nod_core::limits::{self, Limit};
use nod_core::people::{Group, User};
use nod_core::possession::{Browser, BrowserSecret, Device, Passkey};
use nod_core::push::{Push, Stage, Subscription};
use nod_core::sign_in::SignIn;
use nod_core::{
    AppId, BrowserId, ChallengeId, DeviceId, EnrolmentId, GroupId, SecretHash, SessionId, SignInId, SubscriptionId,
    Timestamp, UserId,
};
use rusqlite::{Connection, Result};

use super::rows::{self, columns};
use super::sql::{all, first, sql};

/// Look-ups of one row by one key: name, key, table, condition.
macro_rules! by_key {
    ($(fn $name:ident($key:ty) -> $row:ty = $read:ident, $table:ident, $condition:literal;)*) => {$(
        pub(super) fn $name(db: &Connection, key: $key) -> Result<Option<$row>> {
            const SQL: &str = sql!("SELECT ", columns!($table), " FROM ", stringify!($table), " WHERE ", $condition);
            first(db, SQL, (key.0,), rows::$read)
        }
    )*};
}

by_key! {
    fn user(UserId) -> User = user, users, "id = $1";
    fn app(AppId) -> App = app, apps, "id = $1";
    fn device(DeviceId) -> Device = device, devices, "id = $1";
    fn subscription(SubscriptionId) -> Subscription = subscription, subscriptions, "id = $1";
    fn sign_in(SignInId) -> SignIn = sign_in, sign_ins, "id = $1";
    fn challenge(ChallengeId) -> Challenge = challenge, challenges, "id = $1";
    fn session(SessionId) -> Session = session, sessions, "id = $1";
    fn session_by_secret(SecretHash) -> Session = session, sessions, "secret = $1";
    fn app_code(SecretHash) -> AppCode = app_code, app_codes, "code = $1 AND used = 0 AND expires_at > nod_now()";
    fn app_session(SecretHash) -> AppSession = app_session, app_sessions, "secret = $1";
    fn enrolment(EnrolmentId) -> Enrolment = enrolment, enrolments, "id = $1";
    fn enrolment_by_link(SecretHash) -> Enrolment = enrolment, enrolments, "link = $1";
    fn enrolment_by_session(SecretHash) -> Enrolment = enrolment, enrolments, "session = $1";
    fn enrolment_by_code(SecretHash) -> Enrolment = enrolment, enrolments,
        "code = $1 AND state = 'coded' AND code_expires_at > nod_now() AND expires_at > nod_now()";
    fn enrolment_by_device(DeviceId) -> Enrolment = enrolment, enrolments, "device_id = $1";
}

pub(super) fn user_by_name(db: &Connection, name: &str) -> Result<Option<User>> {
    first(db, sql!("SELECT ", columns!(users), " FROM users WHERE name = $1"), (name,), rows::user)
}

pub(super) fn users(db: &Connection) -> Result<Vec<User>> {
    all(db, sql!("SELECT ", columns!(users), " FROM users ORDER BY name"), (), rows::user)
}

pub(super) fn groups(db: &Connection) -> Result<Vec<Group>> {
    all(db, sql!("SELECT ", columns!(user_groups), " FROM user_groups ORDER BY name"), (), rows::group)
}

pub(super) fn members(db: &Connection, group: GroupId) -> Result<Vec<UserId>> {
    let sql = sql!("SELECT u.id FROM members m JOIN users u ON u.id = m.user_id WHERE m.group_id = $1 ORDER BY u.name");
    all(db, sql, (group.0,), |row| row.get(0).map(UserId))
}

pub(super) fn is_member(db: &Connection, group: GroupId, user: UserId) -> Result<bool> {
    let sql = sql!("SELECT 1 FROM members WHERE group_id = $1 AND user_id = $2");
    Ok(first(db, sql, (group.0, user.0), |_| Ok(()))?.is_some())
}

pub(super) fn app_by_origin(db: &Connection, origin: &str) -> Result<Option<App>> {
    first(db, sql!("SELECT ", columns!(apps), " FROM apps WHERE origin = $1"), (origin,), rows::app)
}

pub(super) fn apps(db: &Connection) -> Result<Vec<App>> {
    all(db, sql!("SELECT ", columns!(apps), " FROM apps ORDER BY name"), (), rows::app)
}

pub(super) fn devices_of(db: &Connection, user: UserId) -> Result<Vec<Device>> {
    let sql = sql!("SELECT ", columns!(devices), " FROM devices WHERE user_id = $1 ORDER BY created_at, id");
    all(db, sql, (user.0,), rows::device)
}

pub(super) fn passkeys_of(db: &Connection, user: UserId) -> Result<Vec<Passkey>> {
    let sql = sql!(
        "SELECT ",
        columns!(passkeys),
        " FROM passkeys p JOIN devices d ON d.id = p.device_id WHERE p.user_id = $1 AND d.state <> 'revoked'
          ORDER BY p.created_at, p.id"
    );
    all(db, sql, (user.0,), rows::passkey)
}

pub(super) fn passkey_by_credential(db: &Connection, credential_id: &[u8]) -> Result<Option<Passkey>> {
    let sql = sql!(
        "SELECT ",
        columns!(passkeys),
        " FROM passkeys p JOIN devices d ON d.id = p.device_id WHERE p.credential_id = $1 AND d.state <> 'revoked'"
    );
    first(db, sql, (credential_id,), rows::passkey)
}

pub(super) fn device_session(db: &Connection, secret: SecretHash) -> Result<Vec<DeviceId>> {
    let sql = sql!(
        "SELECT d.id FROM device_sessions s JOIN devices d ON d.id = s.device_id
         WHERE s.secret = $1 AND s.expires_at > nod_now() AND d.state <> 'revoked' ORDER BY d.id"
    );
    all(db, sql, (secret.0,), |row| row.get(0).map(DeviceId))
}

pub(super) fn browser_by_secret(db: &Connection, secret: SecretHash) -> Result<Option<(Browser, BrowserSecret)>> {
    let sql = sql!(
        "SELECT ",
        columns!(browsers),
        ", s.hash, s.issued_at, s.retired FROM browser_secrets s JOIN browsers b ON b.id = s.browser_id
          WHERE s.hash = $1"
    );
    first(db, sql, (secret.0,), rows::browser_with_secret)
}

pub(super) fn browser(db: &Connection, id: BrowserId) -> Result<Option<Browser>> {
    first(db, sql!("SELECT ", columns!(browsers), " FROM browsers b WHERE b.id = $1"), (id.0,), rows::browser)
}

pub(super) fn browsers_of(db: &Connection, user: UserId) -> Result<Vec<Browser>> {
    let sql = sql!(
        "SELECT ",
        columns!(browsers),
        " FROM browsers b WHERE b.user_id = $1 AND b.bound = 1 AND b.last_used_at > nod_now() - $2
            AND b.created_at > nod_now() - $3 ORDER BY b.created_at, b.id"
    );
    all(db, sql, (user.0, limits::BROWSER_IDLE.0, limits::BROWSER_LIFE.0), rows::browser)
}

pub(super) fn challenges_of(db: &Connection, sign_in: SignInId) -> Result<Vec<Challenge>> {
    let sql = sql!(
        "SELECT ",
        columns!(challenges),
        " FROM challenges WHERE sign_in_id = $1 ORDER BY created_at DESC, id DESC"
    );
    all(db, sql, (sign_in.0,), rows::challenge)
}

pub(super) fn pending_for(db: &Connection, user: UserId) -> Result<Vec<Challenge>> {
    let sql = sql!(
        "SELECT ",
        columns!(challenges),
        " FROM challenges WHERE user_id = $1 AND state = 'pending' AND expires_at > nod_now() ORDER BY created_at, id"
    );
    all(db, sql, (user.0,), rows::challenge)
}

pub(super) fn overdue(db: &Connection, limit: u32) -> Result<Vec<Challenge>> {
    let sql = sql!(
        "SELECT ",
        columns!(challenges),
        " FROM challenges WHERE state = 'pending' AND expires_at <= nod_now() ORDER BY expires_at, id LIMIT $1"
    );
    all(db, sql, (limit,), rows::challenge)
}

pub(super) fn denied_since(db: &Connection, user: UserId, since: Timestamp) -> Result<bool> {
    let sql = sql!(
        "SELECT 1 FROM challenges WHERE user_id = $1 AND state IN ('denied', 'failed') AND answered_at >= $2 LIMIT 1"
    );
    Ok(first(db, sql, (user.0, since.0), |_| Ok(()))?.is_some())
}

pub(super) fn answered_by(db: &Connection, device: DeviceId, limit: u32) -> Result<Vec<Challenge>> {
    let sql = sql!(
        "SELECT ",
        columns!(challenges),
        " FROM challenges WHERE answer_device = $1 ORDER BY answered_at DESC, id DESC LIMIT $2"
    );
    all(db, sql, (device.0, limit), rows::challenge)
}

pub(super) fn due_pushes(db: &Connection, limit: u32) -> Result<Vec<Push>> {
    let sql = sql!(
        "SELECT ",
        columns!(pushes),
        " FROM pushes WHERE state IN ('queued', 'claimed') AND due_at <= nod_now() ORDER BY due_at, row LIMIT $1"
    );
    all(db, sql, (limit,), rows::push)
}

pub(super) fn next_push_due(db: &Connection) -> Result<Option<Timestamp>> {
    let sql = sql!("SELECT due_at FROM pushes WHERE state IN ('queued', 'claimed') ORDER BY due_at LIMIT 1");
    first(db, sql, (), |row| row.get(0).map(Timestamp))
}

pub(super) fn pushes_of(db: &Connection, subject: [u8; 16]) -> Result<Vec<Push>> {
    all(db, sql!("SELECT ", columns!(pushes), " FROM pushes WHERE subject = $1 ORDER BY row"), (subject,), rows::push)
}

pub(super) fn stages(db: &Connection, subject: [u8; 16]) -> Result<Vec<(DeviceId, Stage, Timestamp)>> {
    let sql = sql!("SELECT device_id, stage, at FROM stages WHERE subject = $1 ORDER BY at, row");
    all(db, sql, (subject,), rows::stage)
}

pub(super) fn sessions_of(db: &Connection, user: UserId) -> Result<Vec<Session>> {
    let sql = sql!(
        "SELECT ",
        columns!(sessions),
        " FROM sessions WHERE user_id = $1 AND ended = 0 AND last_seen_at > nod_now() - $2
            AND created_at > nod_now() - $3 ORDER BY created_at DESC, id DESC"
    );
    all(db, sql, (user.0, limits::SESSION_IDLE.0, limits::SESSION_LIFE.0), rows::session)
}

pub(super) fn introduction_link(db: &Connection, secret: SecretHash) -> Result<Option<IntroductionLink>> {
    let sql = sql!(
        "SELECT secret, user_id, expires_at FROM introduction_links
         WHERE secret = $1 AND used = 0 AND expires_at > nod_now()"
    );
    first(db, sql, (secret.0,), rows::introduction_link)
}

pub(super) fn count(db: &Connection, bucket: &str, limit: Limit) -> Result<u32> {
    let sql = sql!("SELECT count FROM counters WHERE bucket = $1 AND since > nod_now() - $2");
    Ok(first(db, sql, (bucket, limit.window.0), |row| row.get(0))?.unwrap_or(0))
}

pub(super) fn audit(db: &Connection, before: Option<i64>, limit: u32) -> Result<Vec<(i64, Event)>> {
    let sql = sql!("SELECT ", columns!(audit), " FROM audit WHERE place < $1 ORDER BY place DESC LIMIT $2");
    all(db, sql, (before.unwrap_or(i64::MAX), limit), rows::event)
}

pub(super) fn audit_after(db: &Connection, after: i64, limit: u32) -> Result<Vec<Link>> {
    let sql = sql!("SELECT ", columns!(audit), ", hash FROM audit WHERE place > $1 ORDER BY place LIMIT $2");
    all(db, sql, (after, limit), rows::link)
}

pub(super) fn meta(db: &Connection, key: &str) -> Result<Option<Vec<u8>>> {
    first(db, sql!("SELECT value FROM meta WHERE key = $1"), (key,), |row| row.get(0))
}

//! The reads: each one statement. Expiry is judged inside it (INV-06).

use nod_core::access::{App, AppCode, AppSession, Session};
use nod_core::audit::{ChainHash, Event, Link};
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
use nod_engine::ports::{Errand, Grant, Lately, Question};

use crate::rows::{self, columns};
use crate::sql::{Cells, Query, Sql, get, sql};
use nod_engine::ports::{SealedRow, StoreResult, Table};

/// Look-ups of one row by one key: name, key, table, condition.
macro_rules! by_key {
    ($(fn $name:ident($key:ty) -> $row:ty = $read:ident, $table:ident, $condition:literal;)*) => {$(
        pub(crate) fn $name(key: $key) -> Query<'static, $row> {
            const SQL: Sql = sql!("SELECT ", columns!($table), " FROM ", stringify!($table), " WHERE ", $condition);
            Query::new(SQL, (key.0,), rows::$read)
        }
    )*};
}

by_key! {
    fn user(UserId) -> User = user, users, "id = $1";
    fn app(AppId) -> App = app, apps, "id = $1";
    fn device(DeviceId) -> Device = device, devices, "id = $1";
    fn oath_token(OathId) -> OathToken = oath_token, oath_tokens, "id = $1";
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
}

pub(crate) fn user_by_name(name: &str) -> Query<'_, User> {
    Query::new(sql!("SELECT ", columns!(users), " FROM users WHERE name = $1"), (name,), rows::user)
}

pub(crate) fn users() -> Query<'static, User> {
    Query::new(sql!("SELECT ", columns!(users), " FROM users ORDER BY name"), (), rows::user)
}

pub(crate) fn groups() -> Query<'static, Group> {
    Query::new(sql!("SELECT ", columns!(user_groups), " FROM user_groups ORDER BY name"), (), rows::group)
}

pub(crate) fn members(group: GroupId) -> Query<'static, UserId> {
    let sql = sql!("SELECT u.id FROM members m JOIN users u ON u.id = m.user_id WHERE m.group_id = $1 ORDER BY u.name");
    Query::new(sql, (group.0,), |row| get(row, 0).map(UserId))
}

pub(crate) fn member(group: GroupId, user: UserId) -> Query<'static, Member> {
    let sql = sql!("SELECT ", columns!(members), " FROM members WHERE group_id = $1 AND user_id = $2");
    Query::new(sql, (group.0, user.0), rows::member)
}

pub(crate) fn app_by_origin(origin: &str) -> Query<'_, App> {
    Query::new(sql!("SELECT ", columns!(apps), " FROM apps WHERE origin = $1"), (origin,), rows::app)
}

pub(crate) fn apps() -> Query<'static, App> {
    Query::new(sql!("SELECT ", columns!(apps), " FROM apps ORDER BY name"), (), rows::app)
}

pub(crate) fn devices_of(user: UserId) -> Query<'static, Device> {
    let sql = sql!("SELECT ", columns!(devices), " FROM devices WHERE user_id = $1 ORDER BY created_at, id");
    Query::new(sql, (user.0,), rows::device)
}

pub(crate) fn passkeys_of(user: UserId) -> Query<'static, Passkey> {
    let sql = sql!(
        "SELECT ",
        columns!(passkeys),
        " FROM passkeys p JOIN devices d ON d.id = p.device_id WHERE p.user_id = $1 AND d.state <> 'revoked'
          ORDER BY p.created_at, p.id"
    );
    Query::new(sql, (user.0,), rows::passkey)
}

pub(crate) fn oath_tokens_of(user: UserId) -> Query<'static, OathToken> {
    let sql = sql!("SELECT ", columns!(oath_tokens), " FROM oath_tokens WHERE user_id = $1 ORDER BY created_at, id");
    Query::new(sql, (user.0,), rows::oath_token)
}

pub(crate) fn recovery_codes_of(user: UserId) -> Query<'static, RecoveryCode> {
    let sql =
        sql!("SELECT ", columns!(recovery_codes), " FROM recovery_codes WHERE user_id = $1 ORDER BY created_at, id");
    Query::new(sql, (user.0,), rows::recovery_code)
}

pub(crate) fn security_keys_of(user: UserId) -> Query<'static, SecurityKey> {
    let sql =
        sql!("SELECT ", columns!(security_keys), " FROM security_keys WHERE user_id = $1 ORDER BY created_at, id");
    Query::new(sql, (user.0,), rows::security_key)
}

pub(crate) fn security_key_by_credential(credential_id: &[u8]) -> Query<'_, SecurityKey> {
    let sql = sql!("SELECT ", columns!(security_keys), " FROM security_keys WHERE credential_id = $1");
    Query::new(sql, (credential_id,), rows::security_key)
}

pub(crate) fn passkey_by_credential(credential_id: &[u8]) -> Query<'_, Passkey> {
    let sql = sql!(
        "SELECT ",
        columns!(passkeys),
        " FROM passkeys p JOIN devices d ON d.id = p.device_id WHERE p.credential_id = $1 AND d.state <> 'revoked'"
    );
    Query::new(sql, (credential_id,), rows::passkey)
}

pub(crate) fn device_session(secret: SecretHash) -> Query<'static, (Device, DeviceSession)> {
    let sql = sql!(
        "SELECT ",
        columns!(device_of_session),
        ", ",
        columns!(device_sessions),
        " FROM device_sessions s JOIN devices d ON d.id = s.device_id
          WHERE s.secret = $1 AND s.expires_at > nod_now() AND d.state <> 'revoked' ORDER BY d.id"
    );
    Query::new(sql, (secret.0,), |row| Ok((rows::device(row)?, rows::device_session(row, 12)?)))
}

pub(crate) fn browser_by_secret(secret: SecretHash) -> Query<'static, (Browser, BrowserSecret)> {
    let sql = sql!(
        "SELECT ",
        columns!(browsers),
        ", ",
        columns!(browser_secrets),
        " FROM browser_secrets s JOIN browsers b ON b.id = s.browser_id
          WHERE s.hash = $1"
    );
    Query::new(sql, (secret.0,), rows::browser_with_secret)
}

pub(crate) fn browser(id: BrowserId) -> Query<'static, Browser> {
    Query::new(sql!("SELECT ", columns!(browsers), " FROM browsers b WHERE b.id = $1"), (id.0,), rows::browser)
}

pub(crate) fn browsers_of(user: UserId) -> Query<'static, Browser> {
    let sql = sql!(
        "SELECT ",
        columns!(browsers),
        " FROM browsers b WHERE b.user_id = $1 AND b.bound = 1 AND b.last_used_at > nod_now() - $2
            AND b.created_at > nod_now() - $3 ORDER BY b.created_at, b.id"
    );
    Query::new(sql, (user.0, limits::BROWSER_IDLE.0, limits::BROWSER_LIFE.0), rows::browser)
}

pub(crate) fn challenges_of(sign_in: SignInId) -> Query<'static, Challenge> {
    let sql = sql!(
        "SELECT ",
        columns!(challenges),
        " FROM challenges WHERE sign_in_id = $1 ORDER BY created_at DESC, id DESC"
    );
    Query::new(sql, (sign_in.0,), rows::challenge)
}

pub(crate) fn pending_for(user: UserId) -> Query<'static, Challenge> {
    let sql = sql!(
        "SELECT ",
        columns!(challenges),
        " FROM challenges WHERE user_id = $1 AND state = 'pending' AND expires_at > nod_now() ORDER BY created_at, id"
    );
    Query::new(sql, (user.0,), rows::challenge)
}

pub(crate) fn overdue(limit: u32) -> Query<'static, Challenge> {
    let sql = sql!(
        "SELECT ",
        columns!(challenges),
        " FROM challenges WHERE state = 'pending' AND expires_at <= nod_now() ORDER BY expires_at, id LIMIT $1"
    );
    Query::new(sql, (limit,), rows::challenge)
}

pub(crate) fn grant(id: SignInId) -> Query<'static, Grant> {
    let sql = sql!(
        "SELECT u.*, b.*, c.* FROM sign_ins s JOIN (SELECT ",
        columns!(users),
        " FROM users) u ON u.id = s.user_id LEFT JOIN (SELECT ",
        columns!(browsers),
        " FROM browsers b) b ON b.id = s.browser_id LEFT JOIN (SELECT ",
        columns!(challenges),
        " FROM challenges) c ON c.id = (SELECT n.id FROM challenges n WHERE n.sign_in_id = $1
            ORDER BY n.created_at DESC, n.id DESC LIMIT 1)
         WHERE s.id = $1"
    );
    Query::new(sql, (id.0,), rows::grant)
}

pub(crate) fn question(id: ChallengeId) -> Query<'static, Question> {
    let sql = sql!(
        "SELECT c.*, s.*, u.* FROM (SELECT ",
        columns!(challenges),
        " FROM challenges) c JOIN (SELECT ",
        columns!(sign_ins),
        " FROM sign_ins) s ON s.id = c.sign_in_id JOIN (SELECT ",
        columns!(users),
        " FROM users) u ON u.id = c.user_id WHERE c.id = $1"
    );
    Query::new(sql, (id.0,), rows::question)
}

pub(crate) fn lately<'a>(
    user: UserId,
    since: Timestamp,
    address: &'a str,
    [(short, short_limit), (long, long_limit)]: [(&'a str, Limit); 2],
) -> Query<'a, Lately> {
    let sql = sql!(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM challenges WHERE user_id = $1 AND state IN ('denied', 'failed')
                    AND answered_at >= $2 LIMIT 1) d),
            s.live, s.known,
            COALESCE((SELECT count FROM counters WHERE bucket = $6 AND since > nod_now() - $7), 0),
            COALESCE((SELECT count FROM counters WHERE bucket = $8 AND since > nod_now() - $9), 0)
         FROM (SELECT count(*) AS live, count(CASE WHEN address = $3 THEN 1 END) AS known FROM sessions
            WHERE user_id = $1 AND ended = 0 AND last_seen_at > nod_now() - $4 AND created_at > nod_now() - $5) s"
    );
    let (idle, life) = (limits::SESSION_IDLE.0, limits::SESSION_LIFE.0);
    let params = (user.0, since.0, address, idle, life, short, short_limit.window.0, long, long_limit.window.0);
    Query::new(sql, params, rows::lately)
}

pub(crate) fn answered_by(device: DeviceId, limit: u32) -> Query<'static, Challenge> {
    let sql = sql!(
        "SELECT ",
        columns!(challenges),
        " FROM challenges WHERE answer_device = $1 ORDER BY answered_at DESC, id DESC LIMIT $2"
    );
    Query::new(sql, (device.0, limit), rows::challenge)
}

pub(crate) fn due_pushes(limit: u32) -> Query<'static, Push> {
    let sql = sql!(
        "SELECT ",
        columns!(pushes),
        " FROM pushes WHERE state IN ('queued', 'claimed') AND due_at <= (SELECT nod_now()) ORDER BY due_at, row LIMIT $1"
    );
    Query::new(sql, (limit,), rows::push)
}

pub(crate) fn next_push_due() -> Query<'static, Timestamp> {
    let sql = sql!("SELECT due_at FROM pushes WHERE state IN ('queued', 'claimed') ORDER BY due_at LIMIT 1");
    Query::new(sql, (), |row| get(row, 0).map(Timestamp))
}

pub(crate) fn open_pushes() -> Query<'static, u64> {
    let sql = sql!("SELECT COUNT(*) FROM pushes WHERE state IN ('queued', 'claimed')");
    Query::new(sql, (), |row| get::<i64>(row, 0).map(i64::unsigned_abs))
}

pub(crate) fn errand(device: DeviceId, subject: [u8; 16]) -> Query<'static, Errand> {
    let sql = sql!(
        "SELECT
            (SELECT count(*) FROM stages WHERE subject = $2 AND device_id = $1 AND stage = 'fetched'),
            (SELECT count(*) FROM challenges p
                WHERE p.user_id = d.user_id AND p.state = 'pending' AND p.expires_at > nod_now()),
            d.*, s.*, c.* FROM (SELECT ",
        columns!(devices),
        " FROM devices) d LEFT JOIN (SELECT ",
        columns!(subscriptions),
        " FROM subscriptions) s ON s.id = d.subscription_id LEFT JOIN (SELECT ",
        columns!(challenges),
        " FROM challenges) c ON c.id = $2 WHERE d.id = $1"
    );
    Query::new(sql, (device.0, subject), rows::errand)
}

pub(crate) fn pushes_of(subject: [u8; 16]) -> Query<'static, Push> {
    Query::new(
        sql!("SELECT ", columns!(pushes), " FROM pushes WHERE subject = $1 ORDER BY row"),
        (subject,),
        rows::push,
    )
}

pub(crate) fn stages(subject: [u8; 16]) -> Query<'static, (DeviceId, Stage, Timestamp)> {
    let sql = sql!("SELECT device_id, stage, at FROM stages WHERE subject = $1 ORDER BY at, row");
    Query::new(sql, (subject,), rows::stage)
}

pub(crate) fn last_rung(device: DeviceId) -> Query<'static, [u8; 16]> {
    let sql =
        sql!("SELECT subject FROM stages WHERE device_id = $1 AND stage = 'sent' ORDER BY at DESC, row DESC LIMIT 1");
    Query::new(sql, (device.0,), |row| get(row, 0))
}

pub(crate) fn sessions_of(user: UserId) -> Query<'static, Session> {
    let sql = sql!(
        "SELECT ",
        columns!(sessions),
        " FROM sessions WHERE user_id = $1 AND ended = 0 AND last_seen_at > nod_now() - $2
            AND created_at > nod_now() - $3 ORDER BY created_at DESC, id DESC"
    );
    Query::new(sql, (user.0, limits::SESSION_IDLE.0, limits::SESSION_LIFE.0), rows::session)
}

pub(crate) fn enrolments_of(user: UserId) -> Query<'static, Enrolment> {
    let sql = sql!("SELECT ", columns!(enrolments), " FROM enrolments WHERE user_id = $1");
    Query::new(sql, (user.0,), rows::enrolment)
}

pub(crate) fn introduction_link(secret: SecretHash) -> Query<'static, IntroductionLink> {
    let sql = sql!(
        "SELECT ",
        columns!(introduction_links),
        " FROM introduction_links WHERE secret = $1 AND used = 0 AND expires_at > nod_now()"
    );
    Query::new(sql, (secret.0,), rows::introduction_link)
}

/// Reads a row that carries a checksum.
type SealedReader = fn(&dyn Cells) -> StoreResult<SealedRow>;

/// Rows that grant something by their state, each judged by whoever asks.
pub(crate) fn sealed_rows(table: Table) -> Query<'static, SealedRow> {
    let (sql, row): (Sql, SealedReader) = match table {
        Table::Users => (sql!("SELECT ", columns!(users), " FROM users"), |row| rows::user(row).map(Into::into)),
        Table::Devices => (sql!("SELECT ", columns!(devices), " FROM devices WHERE state <> 'revoked'"), |row| {
            rows::device(row).map(Into::into)
        }),
        Table::Passkeys => {
            (sql!("SELECT ", columns!(passkeys), " FROM passkeys p"), |row| rows::passkey(row).map(Into::into))
        }
        Table::Browsers => (sql!("SELECT ", columns!(browsers), " FROM browsers b WHERE b.bound = 1"), |row| {
            rows::browser(row).map(Into::into)
        }),
        Table::BrowserSecrets => {
            let sql = sql!("SELECT ", columns!(browser_secrets), " FROM browser_secrets s WHERE s.retired = 0");
            (sql, |row| rows::browser_secret(row, 0).map(Into::into))
        }
        Table::Sessions => (sql!("SELECT ", columns!(sessions), " FROM sessions WHERE ended = 0"), |row| {
            rows::session(row).map(Into::into)
        }),
        Table::Enrolments => {
            let sql =
                sql!("SELECT ", columns!(enrolments), " FROM enrolments WHERE state NOT IN ('introduced', 'ended')");
            (sql, |row| rows::enrolment(row).map(Into::into))
        }
        Table::Members => {
            (sql!("SELECT ", columns!(members), " FROM members"), |row| rows::member(row).map(Into::into))
        }
        Table::Apps => (sql!("SELECT ", columns!(apps), " FROM apps"), |row| rows::app(row).map(Into::into)),
        Table::DeviceSessions => (sql!("SELECT ", columns!(device_sessions), " FROM device_sessions s"), |row| {
            rows::device_session(row, 0).map(Into::into)
        }),
        Table::SignIns => {
            (sql!("SELECT ", columns!(sign_ins), " FROM sign_ins WHERE state IN ('open', 'proved')"), |row| {
                rows::sign_in(row).map(Into::into)
            })
        }
        Table::Challenges => {
            (sql!("SELECT ", columns!(challenges), " FROM challenges WHERE state IN ('pending', 'approved')"), |row| {
                rows::challenge(row).map(Into::into)
            })
        }
        Table::AppCodes => (sql!("SELECT ", columns!(app_codes), " FROM app_codes WHERE used = 0"), |row| {
            rows::app_code(row).map(Into::into)
        }),
        Table::AppSessions => (sql!("SELECT ", columns!(app_sessions), " FROM app_sessions"), |row| {
            rows::app_session(row).map(Into::into)
        }),
        Table::Links => {
            (sql!("SELECT ", columns!(introduction_links), " FROM introduction_links WHERE used = 0"), |row| {
                rows::introduction_link(row).map(Into::into)
            })
        }
        Table::SecurityKeys => (sql!("SELECT ", columns!(security_keys), " FROM security_keys"), |row| {
            rows::security_key(row).map(Into::into)
        }),
        Table::OathTokens => {
            (sql!("SELECT ", columns!(oath_tokens), " FROM oath_tokens"), |row| rows::oath_token(row).map(Into::into))
        }
        Table::RecoveryCodes => (sql!("SELECT ", columns!(recovery_codes), " FROM recovery_codes"), |row| {
            rows::recovery_code(row).map(Into::into)
        }),
    };
    Query::new(sql, (), row)
}

pub(crate) fn count(bucket: &str, limit: Limit) -> Query<'_, u32> {
    let sql = sql!("SELECT count FROM counters WHERE bucket = $1 AND since > nod_now() - $2");
    Query::new(sql, (bucket, limit.window.0), |row| get(row, 0))
}

pub(crate) fn audit(before: Option<i64>, limit: u32) -> Query<'static, (i64, Event)> {
    let sql = sql!("SELECT ", columns!(audit), " FROM audit WHERE place < $1 ORDER BY place DESC LIMIT $2");
    Query::new(sql, (before.unwrap_or(i64::MAX), limit), rows::event)
}

pub(crate) fn audit_of(user: UserId, before: Option<i64>, limit: u32) -> Query<'static, (i64, Event)> {
    let sql =
        sql!("SELECT ", columns!(audit), " FROM audit WHERE user_id = $1 AND place < $2 ORDER BY place DESC LIMIT $3");
    Query::new(sql, (user.0, before.unwrap_or(i64::MAX), limit), rows::event)
}

pub(crate) fn audit_after(after: i64, limit: u32) -> Query<'static, Link> {
    let sql = sql!("SELECT ", columns!(audit), ", hash FROM audit WHERE place > $1 ORDER BY place LIMIT $2");
    Query::new(sql, (after, limit), rows::link)
}

/// The end of the audit's chain: place and hash of the last event. To be read where nobody else can add one.
pub(crate) fn last_link() -> Query<'static, (i64, ChainHash)> {
    let sql = sql!("SELECT place, hash FROM audit ORDER BY place DESC LIMIT 1");
    Query::new(sql, (), |row| Ok((get(row, 0)?, ChainHash(get(row, 1)?))))
}

pub(crate) fn meta(key: &str) -> Query<'_, Vec<u8>> {
    Query::new(sql!("SELECT value FROM meta WHERE key = $1"), (key,), |row| get(row, 0))
}

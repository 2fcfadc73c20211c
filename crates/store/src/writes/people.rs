//! Users, groups, apps, counters, audit and values of the installation.

use nod_core::access::App;
use nod_core::audit::{ChainHash, Event};
use nod_core::limits::Limit;
use nod_core::people::User;
use nod_engine::ports::{Write, chain_hash};

use super::{Applied, Plan, Refused, Step};
use crate::names::Named;
use crate::sql::{Values as _, sql};

pub(super) fn apply<'w>(tx: &mut Plan<'w>, write: &'w Write) -> Applied {
    match write {
        Write::AddUser(user) => add_user(tx, user),
        Write::ChangeUser { from, to } => tx.one(
            sql!(
                "UPDATE users SET state = $3, password_hash = $4, number_always = $5, terminal_phone = $6, mail = $7,
                    checksum = $8 WHERE id = $1 AND checksum = $2"
            ),
            (
                to.id.0,
                *from,
                to.state.name(),
                &to.password_hash,
                to.number_always,
                to.terminal_phone,
                &to.mail,
                to.checksum,
            ),
        ),
        Write::AddGroup(group) => tx.one(
            sql!("INSERT INTO user_groups (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"),
            (group.id.0, &group.name, group.created_at.0),
        ),
        Write::RemoveGroup(group) => tx.one(
            sql!("DELETE FROM user_groups WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM apps WHERE group_id = $1)"),
            (group.0,),
        ),
        Write::AddMember(member) => tx.one(
            sql!(
                "INSERT INTO members (group_id, user_id, checksum) SELECT g.id, u.id, $3 FROM user_groups g, users u
                 WHERE g.id = $1 AND u.id = $2 ON CONFLICT DO NOTHING"
            ),
            (member.group.0, member.user.0, member.checksum),
        ),
        Write::RemoveMember { group, user } => {
            tx.one(sql!("DELETE FROM members WHERE group_id = $1 AND user_id = $2"), (group.0, user.0))
        }
        Write::AddApp(app) => add_app(tx, app),
        Write::RemoveApp(app) => tx.one(sql!("DELETE FROM apps WHERE id = $1"), (app.0,)),
        Write::Count { bucket, limit } => count(tx, bucket, *limit),
        Write::ResetCount { bucket } => tx.any(sql!("DELETE FROM counters WHERE bucket = $1"), (bucket,)),
        Write::SetMeta { key, value } => {
            tx.one(sql!("INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING"), (key, value))
        }
        Write::ChangeMeta { key, from, to } => {
            tx.one(sql!("UPDATE meta SET value = $3 WHERE key = $1 AND value = $2"), (key, from, to))
        }
        _ => Err(Refused),
    }
}

fn add_user<'w>(tx: &mut Plan<'w>, user: &'w User) -> Applied {
    tx.one(
        sql!(
            "INSERT INTO users (id, name, display_name, state, password_hash, number_always, terminal_phone, mail,
                                created_at, checksum)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING"
        ),
        (
            user.id.0,
            &user.name,
            &user.display_name,
            user.state.name(),
            &user.password_hash,
            user.number_always,
            user.terminal_phone,
            &user.mail,
            user.created_at.0,
            user.checksum,
        ),
    )
}

fn add_app<'w>(tx: &mut Plan<'w>, app: &'w App) -> Applied {
    tx.one(
        sql!(
            "INSERT INTO apps (id, name, display_name, origin, group_id, created_at, checksum)
             SELECT $1, $2, $3, $4, $5, $6, $7
             WHERE $5 IS NULL OR EXISTS (SELECT 1 FROM user_groups WHERE id = $5) ON CONFLICT DO NOTHING"
        ),
        (
            app.id.0,
            &app.name,
            &app.display_name,
            &app.origin,
            app.group.map(|group| group.0),
            app.created_at.0,
            app.checksum,
        ),
    )
}

/// Counts in the running window, or starts one: the end itself counts as ended.
fn count<'w>(tx: &mut Plan<'w>, bucket: &'w str, limit: Limit) -> Applied {
    tx.one(
        sql!(
            "INSERT INTO counters (bucket, since, ends_at, count) SELECT $1, nod_now(), nod_now() + $2, 1 WHERE $3 > 0
             ON CONFLICT (bucket) DO UPDATE SET
                count = CASE WHEN counters.since <= excluded.since - $2 THEN 1 ELSE counters.count + 1 END,
                since = CASE WHEN counters.since <= excluded.since - $2 THEN excluded.since ELSE counters.since END,
                ends_at = CASE WHEN counters.since <= excluded.since - $2 THEN excluded.ends_at
                          ELSE counters.since + $2 END
             WHERE counters.since <= excluded.since - $2 OR counters.count < $3"
        ),
        (bucket, limit.window.0, limit.count),
    )
}

/// The statement that adds an event to the chain behind `last`, and the new end of the chain (INV-22). `last` must have been
/// read where nobody else can add one until this is committed.
pub(crate) fn link(last: Option<(i64, ChainHash)>, event: &Event) -> (Step<'_>, (i64, ChainHash)) {
    let (last, previous) = last.unwrap_or((0, ChainHash::START));
    let place = last.saturating_add(1);
    let hash = chain_hash(&previous, place, event);
    let (user, user_name) = event.user.as_ref().map(|(id, name)| (id.0, name)).unzip();
    let (app, app_name) = event.app.as_ref().map(|(id, name)| (id.map(|id| id.0), name)).unzip();
    let (device, device_name) = event.device.as_ref().map(|(id, name)| (id.0, name)).unzip();
    let sql = sql!(
        "INSERT INTO audit (place, kind, at, user_id, user_name, app_id, app_name, device_id, device_name, address,
            detail, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    );
    let params = (
        place,
        event.kind.name(),
        event.at.0,
        user,
        user_name,
        app.flatten(),
        app_name,
        device,
        device_name,
        &event.address,
        &event.detail,
        hash.0,
    );
    (Step { sql, params: params.list(), guarded: true }, (place, hash))
}

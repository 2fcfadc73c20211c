//! Phones, passkeys, device sessions, nonces and browsers.

use nod_core::limits;
use nod_core::possession::{Browser, BrowserSecret, Device, Passkey};
use nod_core::{BrowserId, Checksum, DeviceId, SecretHash, UserId};
use nod_engine::ports::Write;

use super::{Applied, Plan, Refused};
use crate::names::Named;
use crate::sql::sql;

pub(super) fn apply<'w>(tx: &mut Plan<'w>, write: &'w Write) -> Applied {
    match write {
        Write::AddDevice(device) => add_device(tx, device),
        Write::RenameDevice { device, user, name } => tx.one(
            sql!("UPDATE devices SET name = $3 WHERE id = $1 AND user_id = $2 AND state <> 'revoked'"),
            (device.0, user.0, name),
        ),
        Write::SetNotifications { device, user, notifications, subscription } => tx.one(
            sql!(
                "UPDATE devices SET notifications = $3, subscription_id = $4
                 WHERE id = $1 AND user_id = $2 AND state <> 'revoked'"
            ),
            (device.0, user.0, notifications.name(), subscription.map(|id| id.0)),
        ),
        Write::ActivateDevice { device, user, held_until, checksum } => tx.one(
            // INV-16
            sql!(
                "UPDATE devices SET state = 'active', checksum = $3, held_until = $4
                 WHERE id = $1 AND user_id = $2 AND state = 'pending' AND notifications <> 'unknown'
                   AND EXISTS (SELECT 1 FROM passkeys WHERE device_id = $1)"
            ),
            (device.0, user.0, *checksum, held_until.map(|end| end.0)),
        ),
        Write::RevokeDevice { device, user } => {
            tx.one(
                sql!(
                    "UPDATE devices SET state = 'revoked', checksum = NULL
                     WHERE id = $1 AND user_id = $2 AND state <> 'revoked'"
                ),
                (device.0, user.0),
            )?;
            after_revocation(tx, *device)
        }
        Write::SeeDevice { device, at } => {
            tx.any(sql!("UPDATE devices SET last_seen_at = $2 WHERE id = $1"), (device.0, at.0))
        }
        Write::AddPasskey(passkey) => add_passkey(tx, passkey),
        Write::AddDeviceSession(session) => tx.one(
            sql!(
                "INSERT INTO device_sessions (secret, device_id, expires_at, checksum)
                 SELECT $1, id, $3, $4 FROM devices WHERE id = $2 AND state <> 'revoked'
                 ON CONFLICT (secret, device_id) DO UPDATE
                    SET expires_at = excluded.expires_at, checksum = excluded.checksum"
            ),
            (session.secret.0, session.device.0, session.expires_at.0, session.checksum),
        ),
        Write::UseNonce { nonce, expires_at } => tx.one(
            sql!(
                "INSERT INTO nonces (nonce, expires_at) SELECT $1, $2 WHERE $2 > nod_now()
                 ON CONFLICT DO NOTHING"
            ),
            (nonce.0, expires_at.0),
        ),
        Write::BindBrowser(browser, secret) => bind(tx, browser, secret),
        Write::RotateBrowser { browser, used, next, checksum } => rotate(tx, *browser, *used, next, *checksum),
        Write::UnbindBrowser { browser, user } => unbind(tx, *browser, *user),
        _ => Err(Refused),
    }
}

/// Nothing that the browser began goes on.
fn unbind<'w>(tx: &mut Plan<'w>, browser: BrowserId, user: UserId) -> Applied {
    tx.one(
        sql!("UPDATE browsers SET bound = 0, checksum = NULL WHERE id = $1 AND user_id = $2 AND bound = 1"),
        (browser.0, user.0),
    )?;
    tx.any(
        sql!("UPDATE browser_secrets SET retired = 1, checksum = NULL WHERE browser_id = $1 AND retired = 0"),
        (browser.0,),
    )?;
    tx.any(
        sql!(
            "UPDATE challenges SET state = 'withdrawn', checksum = NULL WHERE user_id = $2 AND state = 'pending'
               AND sign_in_id IN (SELECT id FROM sign_ins WHERE browser_id = $1 AND state = 'open')"
        ),
        (browser.0, user.0),
    )?;
    tx.any(
        sql!("UPDATE sign_ins SET state = 'cancelled', checksum = NULL WHERE browser_id = $1 AND state = 'open'"),
        (browser.0,),
    )
}

fn add_device<'w>(tx: &mut Plan<'w>, device: &'w Device) -> Applied {
    tx.one(
        sql!(
            "INSERT INTO devices (id, user_id, name, platform, state, device_key, checksum, notifications,
                                  subscription_id, created_at, last_seen_at, held_until)
             SELECT $1, id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM users WHERE id = $2 AND state = 'active'
             ON CONFLICT DO NOTHING"
        ),
        (
            device.id.0,
            device.user.0,
            &device.name,
            device.platform.name(),
            device.state.name(),
            &device.key,
            device.checksum,
            device.notifications.name(),
            device.subscription.map(|id| id.0),
            device.created_at.0,
            device.last_seen_at.0,
            device.held_until.map(|end| end.0),
        ),
    )
}

/// What falls with a phone: passkey, device sessions, queued pushes. A claimed push is settled by the worker that holds it.
fn after_revocation<'w>(tx: &mut Plan<'w>, device: DeviceId) -> Applied {
    tx.any(sql!("DELETE FROM passkeys WHERE device_id = $1"), (device.0,))?;
    tx.any(sql!("DELETE FROM device_sessions WHERE device_id = $1"), (device.0,))?;
    tx.any(
        sql!(
            "UPDATE pushes SET state = 'dropped'
             WHERE state IN ('queued', 'claimed') AND state = 'queued' AND device_id = $1"
        ),
        (device.0,),
    )
}

fn add_passkey<'w>(tx: &mut Plan<'w>, passkey: &'w Passkey) -> Applied {
    tx.one(
        // That a phone has one passkey and a credential id is new is kept by unique columns.
        sql!(
            "INSERT INTO passkeys (id, user_id, device_id, credential_id, public_key, backup_eligible, checksum,
                                   created_at)
             SELECT $1, user_id, id, $4, $5, $6, $7, $8 FROM devices
             WHERE id = $3 AND user_id = $2 AND state = 'pending'
               AND NOT EXISTS (SELECT 1 FROM security_keys WHERE credential_id = $4 OR id = $1)
             ON CONFLICT DO NOTHING"
        ),
        (
            passkey.id.0,
            passkey.user.0,
            passkey.device.0,
            &passkey.credential_id,
            &passkey.public_key,
            passkey.backup_eligible,
            passkey.checksum,
            passkey.created_at.0,
        ),
    )
}

fn bind<'w>(tx: &mut Plan<'w>, browser: &'w Browser, secret: &'w BrowserSecret) -> Applied {
    tx.one(
        sql!(
            "INSERT INTO browsers (id, user_id, label, bound_by, bound, created_at, last_used_at, checksum)
             SELECT $1, id, $3, $4, $5, $6, $7, $8 FROM users WHERE id = $2 AND state = 'active'
             ON CONFLICT DO NOTHING"
        ),
        (
            browser.id.0,
            browser.user.0,
            &browser.label,
            browser.bound_by.name(),
            browser.bound,
            browser.created_at.0,
            browser.last_used_at.0,
            browser.checksum,
        ),
    )?;
    add_secret(tx, secret)
}

fn add_secret<'w>(tx: &mut Plan<'w>, secret: &'w BrowserSecret) -> Applied {
    tx.one(
        sql!(
            "INSERT INTO browser_secrets (hash, browser_id, issued_at, retired, checksum)
             SELECT $1, id, $3, $4, $5 FROM browsers WHERE id = $2
             ON CONFLICT DO NOTHING"
        ),
        (secret.hash.0, secret.browser.0, secret.issued_at.0, secret.retired, secret.checksum),
    )
}

fn rotate<'w>(
    tx: &mut Plan<'w>,
    browser: BrowserId,
    used: SecretHash,
    next: &'w BrowserSecret,
    checksum: Checksum,
) -> Applied {
    if next.browser != browser {
        return Err(Refused);
    }
    tx.one(
        sql!(
            "UPDATE browsers SET last_used_at = $3, checksum = $7
             WHERE id = $1 AND bound = 1 AND last_used_at > nod_now() - $4 AND created_at > nod_now() - $5
               AND last_used_at <= $3 - $6
               AND EXISTS (SELECT 1 FROM browser_secrets WHERE hash = $2 AND browser_id = $1 AND retired = 0)"
        ),
        (
            browser.0,
            used.0,
            next.issued_at.0,
            limits::BROWSER_IDLE.0,
            limits::BROWSER_LIFE.0,
            limits::BROWSER_ROTATION_GRACE.0,
            checksum,
        ),
    )?;
    tx.any(
        sql!(
            "UPDATE browser_secrets SET retired = 1, checksum = NULL
             WHERE browser_id = $1 AND retired = 0 AND hash <> $2"
        ),
        (browser.0, used.0),
    )?;
    add_secret(tx, next)
}

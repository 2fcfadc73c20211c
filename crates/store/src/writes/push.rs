//! Subscriptions, queued pushes and the stages of their way.

use nod_core::push::PushState;
use nod_engine::ports::Write;

use super::{Applied, Plan, Refused};
use crate::names::Named;
use crate::sql::sql;

pub(super) fn apply<'w>(tx: &mut Plan<'w>, write: &'w Write) -> Applied {
    match write {
        Write::PutSubscription(row) => tx.one(
            sql!(
                "INSERT INTO subscriptions (id, endpoint, p256dh, auth, refusals) VALUES ($1, $2, $3, $4, 0)
                 ON CONFLICT (id) DO UPDATE SET endpoint = excluded.endpoint, p256dh = excluded.p256dh,
                    auth = excluded.auth, refusals = 0"
            ),
            (row.id.0, &row.endpoint, &row.p256dh, &row.auth),
        ),
        Write::DropSubscription(subscription) => {
            tx.any(sql!("DELETE FROM subscriptions WHERE id = $1"), (subscription.0,))?;
            tx.any(
                sql!(
                    "UPDATE devices SET notifications = 'unavailable', subscription_id = NULL
                     WHERE subscription_id = $1"
                ),
                (subscription.0,),
            )
        }
        Write::CountRefusal(subscription) => {
            tx.any(sql!("UPDATE subscriptions SET refusals = refusals + 1 WHERE id = $1"), (subscription.0,))
        }
        Write::ClearRefusals(subscription) => {
            tx.any(sql!("UPDATE subscriptions SET refusals = 0 WHERE id = $1"), (subscription.0,))
        }
        Write::DropPushes { subject } => {
            tx.any(sql!("UPDATE pushes SET state = 'dropped' WHERE subject = $1 AND state = 'queued'"), (subject,))
        }
        Write::QueuePush(push) => tx.one(
            sql!(
                "INSERT INTO pushes (id, kind, subject, device_id, state, due_at, expires_at, attempts)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"
            ),
            (
                push.id.0,
                push.kind.name(),
                push.subject,
                push.device.0,
                push.state.name(),
                push.due_at.0,
                push.expires_at.0,
                push.attempts,
            ),
        ),
        Write::ClaimPush { push, lease_until } => tx.one(
            sql!(
                "UPDATE pushes SET state = 'claimed', due_at = $2, attempts = attempts + 1
                 WHERE id = $1 AND state IN ('queued', 'claimed') AND due_at <= nod_now()"
            ),
            (push.0, lease_until.0),
        ),
        Write::SettlePush { push, to: to @ (PushState::Accepted | PushState::Dropped) } => {
            tx.one(sql!("UPDATE pushes SET state = $2 WHERE id = $1 AND state = 'claimed'"), (push.0, to.name()))
        }
        Write::RequeuePush { push, due_at } => tx.one(
            sql!("UPDATE pushes SET state = 'queued', due_at = $2 WHERE id = $1 AND state = 'claimed'"),
            (push.0, due_at.0),
        ),
        Write::Stage { subject, device, stage, at, .. } => tx.any(
            sql!(
                "INSERT INTO stages (subject, device_id, stage, at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT DO NOTHING"
            ),
            (subject, device.0, stage.name(), at.0),
        ),
        _ => Err(Refused),
    }
}

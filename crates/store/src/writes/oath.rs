//! Tokens that make one-time codes.

use nod_core::limits;
use nod_core::oath::{Moving, OathToken};
use nod_engine::ports::Write;

use super::{Applied, Plan, Refused};
use crate::names::Named;
use crate::sql::sql;

/// The most that a user has, as the store counts.
const TOKENS_PER_USER: i64 = limits::OATH_TOKENS_PER_USER as i64;

pub(super) fn apply<'w>(tx: &mut Plan<'w>, write: &'w Write) -> Applied {
    match write {
        Write::AddOathToken(token) => add(tx, token),
        Write::ChangeOathToken { from, to } => tx.one(
            // One commit uses a code: the row that it was judged by is the row that is changed (C02, C03, C04).
            sql!(
                "UPDATE oath_tokens SET name = $4, secret = $5, state = $6, next_counter = $7, last_used_at = $8, checksum = $9
                 WHERE id = $1 AND user_id = $2 AND checksum = $3 AND next_counter <= $7
                   AND EXISTS (SELECT 1 FROM users WHERE id = $2 AND state = 'active')"
            ),
            (
                to.id.0,
                to.user.0,
                *from,
                &to.name,
                &to.secret,
                to.state.name(),
                counter(to)?,
                to.last_used_at.map(|at| at.0),
                to.checksum,
            ),
        ),
        Write::ResealOathToken { from, to } => tx.one(
            sql!("UPDATE oath_tokens SET secret = $3, checksum = $4 WHERE id = $1 AND checksum = $2"),
            (to.id.0, *from, &to.secret, to.checksum),
        ),
        Write::RemoveOathToken { token, user } => {
            tx.one(sql!("DELETE FROM oath_tokens WHERE id = $1 AND user_id = $2"), (token.0, user.0))
        }
        _ => Err(Refused),
    }
}

/// Both databases count to 2^63; no token gets there.
fn counter(token: &OathToken) -> Result<i64, Refused> {
    i64::try_from(token.next).map_err(|_| Refused)
}

fn add<'w>(tx: &mut Plan<'w>, token: &'w OathToken) -> Applied {
    let step = match token.moving {
        Moving::Time { step } => Some(i64::from(step)),
        Moving::Press => None,
    };
    tx.one(
        sql!(
            "INSERT INTO oath_tokens (id, user_id, name, step, algorithm, digits, secret, state, next_counter, created_at,
                                      last_used_at, checksum)
             SELECT $1, u.id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM users u
             WHERE u.id = $2 AND u.state = 'active' AND (SELECT count(*) FROM oath_tokens WHERE user_id = $2) < $13
             ON CONFLICT DO NOTHING"
        ),
        (
            token.id.0,
            token.user.0,
            &token.name,
            step,
            token.algorithm.name(),
            token.digits,
            &token.secret,
            token.state.name(),
            counter(token)?,
            token.created_at.0,
            token.last_used_at.map(|at| at.0),
            token.checksum,
            TOKENS_PER_USER,
        ),
    )
}

//! Sign-ins and challenges: the hot path. Every transition names the old state.

use nod_core::challenge::{Challenge, ChallengeState};
use nod_core::limits;
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{ChallengeId, Checksum, SignInId, UserId};
use nod_engine::ports::Write;

use super::{Applied, Plan, Refused};
use crate::names::Named;
use crate::rows::sign_in_state_name;
use crate::sql::sql;

pub(super) fn apply<'w>(tx: &mut Plan<'w>, write: &'w Write) -> Applied {
    match write {
        Write::AddSignIn(sign_in) => add_sign_in(tx, sign_in),
        Write::ProveSignIn { sign_in, to, checksum } => {
            let (SignInState::Proved { .. } | SignInState::Coded(_)) = to else { return Err(Refused) };
            let (passkey, keep_browser, token) = proof(*to);
            tx.one(
                sql!(
                "UPDATE sign_ins SET state = 'proved', passkey_id = $2, keep_browser = $3, token_id = $4, checksum = $5
                 WHERE id = $1 AND state = 'open' AND expires_at > nod_now()
                   AND NOT EXISTS (SELECT 1 FROM challenges c WHERE c.sign_in_id = $1
                        AND (c.state = 'approved' OR (c.state = 'pending' AND c.expires_at > nod_now())))"
            ),
                (sign_in.0, passkey, keep_browser, token, *checksum),
            )
        }
        Write::FinishSignIn { sign_in, proved } => tx.one(
            sql!(
                "UPDATE sign_ins SET state = 'finished', checksum = NULL
                 WHERE id = $1 AND state = $2 AND expires_at > nod_now()
                   AND EXISTS (SELECT 1 FROM users u WHERE u.id = sign_ins.user_id AND u.state = 'active')
                   AND (($2 = 'proved' AND token_id IS NULL) OR ($2 = 'open' AND browser_id IS NULL)
                        OR EXISTS (SELECT 1 FROM browsers b
                        WHERE b.id = sign_ins.browser_id AND b.user_id = sign_ins.user_id AND b.bound = 1))
                   AND ($2 = 'open' OR EXISTS (SELECT 1 FROM passkeys p JOIN devices d ON d.id = p.device_id
                            WHERE p.id = sign_ins.passkey_id AND d.state = 'active')
                        OR EXISTS (SELECT 1 FROM security_keys k WHERE k.id = sign_ins.passkey_id
                            AND k.user_id = sign_ins.user_id)
                        OR EXISTS (SELECT 1 FROM oath_tokens t WHERE t.id = sign_ins.token_id
                            AND t.user_id = sign_ins.user_id AND t.state = 'active'))"
            ),
            (sign_in.0, if *proved { "proved" } else { "open" }),
        ),
        Write::CancelSignIn { sign_in } => tx.one(
            sql!(
                "UPDATE sign_ins SET state = 'cancelled', checksum = NULL
                 WHERE id = $1 AND state IN ('open', 'proved')"
            ),
            (sign_in.0,),
        ),
        Write::OpenChallenge(challenge) => open(tx, challenge),
        Write::RaiseChallenge { challenge, version, number, sign_in, user, checksum } => tx.one(
            sql!(
                "UPDATE challenges SET number = $3, version = version + 1, checksum = $6
                 WHERE id = $1 AND version = $2 AND sign_in_id = $4 AND user_id = $5
                   AND state = 'pending' AND expires_at > nod_now() AND number IS NULL"
            ),
            (challenge.0, version, number.to_string(), sign_in.0, user.0, *checksum),
        ),
        Write::AnswerChallenge { challenge, version, to, sign_in, user, checksum } => {
            answer(tx, (*challenge, *version), to, (*sign_in, *user), *checksum)
        }
        Write::EndChallenge { challenge, to, sign_in, user } => end(tx, *challenge, to, *sign_in, *user),
        Write::ConsumeChallenge { challenge, sign_in, user } => tx.one(
            // INV-02, INV-10
            sql!(
                "UPDATE challenges SET state = 'consumed', checksum = NULL
                 WHERE id = $1 AND sign_in_id = $2 AND user_id = $3 AND state = 'approved'
                   AND EXISTS (SELECT 1 FROM users u JOIN devices d ON d.user_id = u.id
                        WHERE u.id = $3 AND u.state = 'active'
                          AND d.id = challenges.answer_device AND d.state = 'active')"
            ),
            (challenge.0, sign_in.0, user.0),
        ),
        _ => Err(Refused),
    }
}

/// Columns of what proved a sign-in: passkey, whether the browser is kept, token.
const fn proof(state: SignInState) -> (Option<[u8; 16]>, Option<bool>, Option<[u8; 16]>) {
    match state {
        SignInState::Proved { passkey, keep_browser } => (Some(passkey.0), Some(keep_browser), None),
        SignInState::Coded(token) => (None, None, Some(token.0)),
        SignInState::Open | SignInState::Finished | SignInState::Cancelled => (None, None, None),
    }
}

fn add_sign_in<'w>(tx: &mut Plan<'w>, sign_in: &'w SignIn) -> Applied {
    let (passkey, keep_browser, token) = proof(sign_in.state);
    tx.one(
        sql!(
            "INSERT INTO sign_ins (id, secret, user_id, app_id, return_to, binding, browser_id, address, agent, state,
                                   passkey_id, keep_browser, token_id, created_at, expires_at, checksum)
             SELECT $1, $2, u.id, $4, $5, $6, $7, $8, $9, $10, $11, $12, $18, $13, $14, $17 FROM users u
             WHERE u.id = $3 AND u.state = 'active'
               AND ($7 IS NULL OR EXISTS (SELECT 1 FROM browsers b WHERE b.id = $7 AND b.user_id = $3 AND b.bound = 1
                    AND b.last_used_at > nod_now() - $15 AND b.created_at > nod_now() - $16))
             ON CONFLICT DO NOTHING"
        ),
        (
            sign_in.id.0,
            sign_in.secret.0,
            sign_in.user.0,
            sign_in.app.map(|id| id.0),
            &sign_in.return_to,
            sign_in.binding.map(|hash| hash.0),
            sign_in.browser.map(|id| id.0),
            &sign_in.address,
            &sign_in.agent,
            sign_in_state_name(sign_in.state),
            passkey,
            keep_browser,
            sign_in.created_at.0,
            sign_in.expires_at.0,
            limits::BROWSER_IDLE.0,
            limits::BROWSER_LIFE.0,
            sign_in.checksum,
            token,
        ),
    )
}

/// At most one live challenge of a sign-in; beside others of the user, each with a number (INV-08).
fn open<'w>(tx: &mut Plan<'w>, challenge: &'w Challenge) -> Applied {
    if challenge.state != ChallengeState::Pending {
        return Err(Refused);
    }
    tx.one(
        sql!(
            "INSERT INTO challenges (id, sign_in_id, user_id, version, state, nonce, context, number, created_at,
                                     expires_at, checksum)
             SELECT $1, s.id, u.id, $4, 'pending', $5, $6, $7, $8, $9, $10 FROM sign_ins s JOIN users u ON u.id = s.user_id
             WHERE s.id = $2 AND s.user_id = $3 AND s.state = 'open' AND s.expires_at > nod_now() AND u.state = 'active'
               AND NOT EXISTS (SELECT 1 FROM challenges c WHERE c.sign_in_id = $2
                    AND (c.state = 'approved' OR (c.state = 'pending' AND c.expires_at > nod_now())))
               AND NOT EXISTS (SELECT 1 FROM challenges c WHERE c.user_id = $3 AND c.state = 'pending'
                    AND c.expires_at > nod_now() AND ($7 IS NULL OR c.number IS NULL))
             ON CONFLICT DO NOTHING"
        ),
        (
            challenge.id.0,
            challenge.sign_in.0,
            challenge.user.0,
            challenge.version,
            challenge.nonce,
            &challenge.context,
            challenge.number.map(|number| number.to_string()),
            challenge.created_at.0,
            challenge.expires_at.0,
            challenge.checksum,
        ),
    )
}

fn answer<'w>(
    tx: &mut Plan<'w>,
    (challenge, version): (ChallengeId, u32),
    to: &'w ChallengeState,
    (sign_in, user): (SignInId, UserId),
    checksum: Checksum,
) -> Applied {
    let (ChallengeState::Approved(answer) | ChallengeState::Denied(answer) | ChallengeState::Failed(answer)) = to
    else {
        return Err(Refused);
    };
    tx.one(
        // INV-01: only the writer that changes the row may act on it.
        sql!(
            "UPDATE challenges
             SET state = $3, answer_device = $4, decision = $5, jws = $6, assertion = $7, answered_at = $8, checksum = $11
             WHERE id = $1 AND version = $2 AND sign_in_id = $9 AND user_id = $10
               AND state = 'pending' AND expires_at > nod_now()
               AND EXISTS (SELECT 1 FROM users u JOIN devices d ON d.user_id = u.id
                    WHERE u.id = $10 AND u.state = 'active' AND d.id = $4 AND d.state = 'active')"
        ),
        (
            challenge.0,
            version,
            to.name(),
            answer.device.0,
            answer.decision.name(),
            &answer.jws,
            &answer.assertion,
            answer.at.0,
            sign_in.0,
            user.0,
            checksum,
        ),
    )
}

fn end<'w>(
    tx: &mut Plan<'w>,
    challenge: ChallengeId,
    to: &'w ChallengeState,
    sign_in: SignInId,
    user: UserId,
) -> Applied {
    let overdue_only = match to {
        ChallengeState::Withdrawn | ChallengeState::Superseded => false,
        ChallengeState::Expired => true,
        _ => return Err(Refused),
    };
    tx.one(
        sql!(
            "UPDATE challenges SET state = $4, checksum = NULL
             WHERE id = $1 AND sign_in_id = $2 AND user_id = $3 AND state = 'pending'
               AND ($5 = 0 OR expires_at <= nod_now())"
        ),
        (challenge.0, sign_in.0, user.0, to.name(), overdue_only),
    )
}

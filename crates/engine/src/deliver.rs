//! The delivery worker: takes due pushes from the outbox, rings, and settles.

use futures::future::join_all;
use nod_core::audit::EventKind;
use nod_core::challenge::ChallengeState;
use nod_core::push::{Push, PushKind, PushState, Stage};
use nod_core::{Millis, Timestamp, limits};

use tracing::Instrument as _;

use crate::SPANS;
use crate::engine::Engine;
use crate::fault::{Outcome, applied};
use crate::meters::Met;
use crate::ports::{Errand, Ring, Ringer, Rung, Topic, Write};

/// Pushes taken from the outbox at once.
const BATCH: u32 = 64;
/// Overdue challenges taken up in one round of housekeeping.
const OVERDUE_BATCH: u32 = 4_096;
/// How long a worker may hold a push before another may take it: longer than the sender's total time limit.
const LEASE: Millis = Millis::seconds(15);
/// The outbox is looked at again after this span even when nobody woke us.
const POLL: Millis = Millis::seconds(1);

impl Engine {
    /// Pushes that this worker has claimed and must ring with [`Self::deliver`].
    ///
    /// # Errors
    /// Only the store's.
    pub async fn claim_pushes(&self) -> Outcome<Vec<Push>> {
        let due = self.store.due_pushes(BATCH).await?;
        if due.is_empty() {
            return Ok(due);
        }
        let lease_until = self.now().await?.after(LEASE);
        // Together, so that the store can put them into one transaction; each has its own guard.
        let claims = join_all(due.into_iter().map(|push| self.claim(push, lease_until))).await;
        Ok(claims.into_iter().collect::<Outcome<Vec<_>>>()?.into_iter().flatten().collect())
    }

    async fn claim(&self, mut push: Push, lease_until: Timestamp) -> Outcome<Option<Push>> {
        let claim = Write::ClaimPush { push: push.id, lease_until };
        push.attempts += 1;
        Ok(applied(self.store.commit(vec![claim]).await)?.then_some(push))
    }

    /// Waits until the outbox may hold something due.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn pushes_due(&self) -> Outcome<()> {
        let mut waiter = self.store.wakes().wait_for(Topic::Outbox);
        let now = self.now().await?;
        let wait = match self.store.next_push_due().await? {
            Some(due) => (due.0 - now.0).clamp(0, POLL.0),
            None => POLL.0,
        };
        let wait = std::time::Duration::from_millis(u64::try_from(wait).unwrap_or(0));
        // Either way we look again.
        let _ = tokio::time::timeout(wait, waiter.changed()).await;
        Ok(())
    }

    /// How many pushes are queued or being sent, and how long the oldest of them has been overdue.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn outbox(&self) -> Outcome<(u64, Millis)> {
        let (open, due, now) = (self.store.open_pushes().await?, self.store.next_push_due().await?, self.now().await?);
        let lag = due.map_or(0, |due| now.0.saturating_sub(due.0).max(0));
        Ok((open, Millis(lag)))
    }

    /// Rings one claimed push and settles it. A push nobody needs any more is dropped unsent.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn deliver(&self, push: &Push, ringer: &dyn Ringer) -> Outcome<()> {
        let now = self.now().await?;
        let wanted = self.store.errand(push.device, push.subject).await?.filter(|it| still_wanted(push, it, now));
        let Some(Errand { device, subscription: Some(subscription), challenge, pending, .. }) = wanted else {
            return self.settle(push, Vec::new(), PushState::Dropped).await;
        };
        let ring = Ring { kind: push.kind, subject: push.subject, pending, expires_at: push.expires_at };
        let sign_in = challenge.map(|challenge| challenge.sign_in);
        let stage = |stage, at| Write::Stage {
            subject: push.subject,
            device: device.id,
            stage,
            at,
            sign_in,
            user: device.user,
        };
        let span = tracing::info_span!(target: SPANS, "push", otel.kind = "client");
        let rung = ringer.ring(&subscription, &ring, push.attempts, now).instrument(span).await;
        let done = self.now().await?;
        self.meters.rung(&subscription, rung, (now, done));
        tracing::debug!(kind = ?push.kind, attempt = push.attempts, ?rung, "a push service answered");
        let sent = stage(Stage::Sent, now);
        match rung {
            Rung::Accepted if subscription.refusals == 0 => {
                self.settle(push, vec![sent, stage(Stage::Accepted, done)], PushState::Accepted).await
            }
            Rung::Accepted => {
                let writes = vec![sent, stage(Stage::Accepted, done), Write::ClearRefusals(subscription.id)];
                self.settle(push, writes, PushState::Accepted).await
            }
            Rung::Retry(Some(after)) => {
                let due_at = done.after(Millis(after));
                let writes = vec![sent, Write::RequeuePush { push: push.id, due_at }];
                applied(self.store.commit(writes).await).map(|_| ())
            }
            Rung::Retry(None) => self.settle(push, vec![sent, stage(Stage::Failed, done)], PushState::Dropped).await,
            Rung::Refused if subscription.refusals + 1 < limits::MAX_PUSH_REFUSALS => {
                let writes = vec![sent, stage(Stage::Failed, done), Write::CountRefusal(subscription.id)];
                self.settle(push, writes, PushState::Dropped).await
            }
            Rung::Gone | Rung::Refused | Rung::Blocked => {
                let writes = vec![sent, stage(Stage::Failed, done), Write::DropSubscription(subscription.id)];
                self.settle(push, writes, PushState::Dropped).await
            }
        }
    }

    async fn settle(&self, push: &Push, mut writes: Vec<Write>, to: PushState) -> Outcome<()> {
        writes.push(Write::SettlePush { push: push.id, to });
        applied(self.store.commit(writes).await).map(|_| ())
    }

    /// Housekeeping: writes down which challenges nobody answered in time, and removes what ended long ago. Returns the rows
    /// it changed.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn sweep(&self) -> Outcome<u64> {
        let mut rows = 0;
        for challenge in self.store.overdue(OVERDUE_BATCH).await? {
            let now = self.now().await?;
            let (Some(user), Some(sign_in)) =
                (self.store.user(challenge.user).await?, self.store.sign_in(challenge.sign_in).await?)
            else {
                continue;
            };
            let (app, _) = self.app_for(sign_in.app, user.id).await?;
            let event = Self::event(EventKind::Expired, now, &user).app(sign_in.app, &self.app_name(app.as_ref()));
            let (id, to) = (challenge.id, ChallengeState::Expired);
            let writes = vec![
                Write::EndChallenge { challenge: id, to, sign_in: sign_in.id, user: user.id },
                Write::Audit(event.address(&sign_in.address)),
            ];
            // Another engine may have been first.
            if applied(self.store.commit(writes).await)? {
                self.meters.challenge(&challenge, Met::Expired);
                rows += 1;
            }
        }
        Ok(rows + self.store.sweep().await?)
    }
}

/// Whether the phone still has something to be rung for: the request is live and not yet fetched.
fn still_wanted(push: &Push, errand: &Errand, now: Timestamp) -> bool {
    let live = || errand.challenge.as_ref().is_some_and(|challenge| challenge.is_live(now));
    !push.expires_at.has_passed(now) && (push.kind != PushKind::Request || live() && !errand.fetched)
}

//! Subscriptions, queued pushes and the stages of their way.

use nod_core::Timestamp;
use nod_core::possession::Notifications;
use nod_core::push::{PushState, Subscription};
use nod_engine::ports::Write;

use super::super::{Placed, State};
use super::when;

impl State {
    pub(super) fn apply_push(&mut self, write: &Write, now: Timestamp) -> Option<()> {
        match write {
            Write::PutSubscription(subscription) => {
                self.subscriptions.put(subscription.id, Subscription { refusals: 0, ..subscription.clone() });
            }
            Write::DropSubscription(subscription) => {
                let _ = self.subscriptions.remove(subscription);
                self.devices.change_where(
                    |device| device.subscription == Some(*subscription),
                    |device| {
                        device.subscription = None;
                        device.notifications = Notifications::Unavailable;
                    },
                );
            }
            Write::CountRefusal(subscription) => {
                if let Some(row) = self.subscriptions.get_mut(subscription) {
                    row.refusals = row.refusals.saturating_add(1);
                }
            }
            Write::ClearRefusals(subscription) => {
                if let Some(row) = self.subscriptions.get_mut(subscription) {
                    row.refusals = 0;
                }
            }
            Write::QueuePush(push) => {
                let place = self.next_place();
                self.pushes.add(push.id, Placed { place, row: push.clone() })?;
            }
            Write::DropPushes { subject } => {
                self.pushes.change_where(
                    |push| push.row.subject == *subject && push.row.state == PushState::Queued,
                    |push| push.row.state = PushState::Dropped,
                );
            }
            Write::ClaimPush { push, lease_until } => {
                let row = &mut self.pushes.get_mut(push)?.row;
                when(matches!(row.state, PushState::Queued | PushState::Claimed) && row.due_at.has_passed(now))?;
                row.state = PushState::Claimed;
                row.due_at = *lease_until;
                row.attempts += 1;
            }
            Write::SettlePush { push, to } => {
                let row = &mut self.pushes.get_mut(push)?.row;
                when(row.state == PushState::Claimed && matches!(to, PushState::Accepted | PushState::Dropped))?;
                row.state = *to;
            }
            Write::RequeuePush { push, due_at } => {
                let row = &mut self.pushes.get_mut(push)?.row;
                when(row.state == PushState::Claimed)?;
                row.state = PushState::Queued;
                row.due_at = *due_at;
            }
            Write::Stage { subject, device, stage, at, .. } => {
                let place = self.next_place();
                // The first report stands.
                let _ = self.stages.add((*subject, *device, *stage), Placed { place, row: *at });
            }
            _ => return None,
        }
        Some(())
    }
}

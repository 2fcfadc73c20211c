//! Wakes those who wait: a parked sign-in costs a future and a map entry, no thread.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use nod_core::{SignInId, UserId};
use tokio::sync::watch;

/// What somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// The page of one sign-in.
    SignIn(SignInId),
    /// A user's phones, enrolment page and account.
    User(UserId),
    /// The delivery worker.
    Outbox,
}

type Slots = Arc<Mutex<HashMap<Topic, watch::Sender<u64>>>>;

/// The waiting room of one store. Stores wake it after each commit.
#[derive(Debug, Default, Clone)]
pub struct Wakes {
    slots: Slots,
}

/// A place in the waiting room, given up when dropped.
#[derive(Debug)]
pub struct Waiter {
    topic: Topic,
    slots: Slots,
    receiver: watch::Receiver<u64>,
}

impl Wakes {
    /// Takes a place. Take it before reading the state, so that no change falls between.
    #[must_use]
    pub fn wait_for(&self, topic: Topic) -> Waiter {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = slots.entry(topic).or_insert_with(|| watch::Sender::new(0)).subscribe();
        Waiter { topic, slots: Arc::clone(&self.slots), receiver }
    }

    /// Wakes everybody who waits for one of `topics`.
    pub fn wake(&self, topics: impl IntoIterator<Item = Topic>) {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        for topic in topics {
            if let Some(slot) = slots.get(&topic) {
                slot.send_modify(|count| *count = count.wrapping_add(1));
            }
        }
    }

    /// Wakes everybody: another process changed the store.
    pub fn wake_all(&self) {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        for slot in slots.values() {
            slot.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// How many topics are waited for.
    #[must_use]
    pub fn topics(&self) -> usize {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Waiter {
    /// Returns once there was a change since the place was taken or since this last returned.
    pub async fn changed(&mut self) {
        // The sender lives in the map as long as this waiter does; an error would mean a change all the same.
        let _ = self.receiver.changed().await;
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.get(&self.topic).is_some_and(|slot| slot.receiver_count() <= 1) {
            slots.remove(&self.topic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_after_taking_the_place_is_never_missed() {
        let wakes = Wakes::default();
        let mut waiter = wakes.wait_for(Topic::Outbox);
        wakes.wake([Topic::Outbox]);
        waiter.changed().await;
        wakes.wake_all();
        waiter.changed().await;
    }

    #[test]
    fn places_are_given_up() {
        let wakes = Wakes::default();
        let first = wakes.wait_for(Topic::Outbox);
        let second = wakes.wait_for(Topic::Outbox);
        drop(first);
        assert_eq!(wakes.topics(), 1);
        drop(second);
        assert_eq!(wakes.topics(), 0);
    }
}

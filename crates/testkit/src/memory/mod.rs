//! The store in memory: the same contract as on disk, in plain maps. For tests and the simulation.

mod reads;
mod store;
mod sweep;
mod table;
mod writes;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nod_core::access::{App, AppCode, AppSession, Session};
use nod_core::audit::{ChainHash, Event};
use nod_core::challenge::Challenge;
use nod_core::enrolment::{Enrolment, IntroductionLink};
use nod_core::keys::SecurityKey;
use nod_core::oath::OathToken;
use nod_core::people::{Group, Member, User};
use nod_core::possession::{Browser, BrowserSecret, Device, DeviceSession, Passkey};
use nod_core::push::{Push, Stage, Subscription};
use nod_core::recovery::RecoveryCode;
use nod_core::sign_in::SignIn;
use nod_core::{
    AppId, BrowserId, ChallengeId, DeviceId, EnrolmentId, GroupId, Millis, OathId, PasskeyId, PushId, RecoveryId,
    SecretHash, SessionId, SignInId, SubscriptionId, Timestamp, UserId,
};
use nod_engine::ports::{CommitError, Wakes, Write};

use crate::TestClock;
use table::Table;

/// A store in memory. It is lost when dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    clock: TestClock,
    wakes: Wakes,
    state: Mutex<State>,
    is_stuck: AtomicBool,
}

/// Something that is used once.
#[derive(Debug, Clone)]
struct Once<T> {
    row: T,
    used: bool,
}

/// Something whose place in the order is that of its arrival.
#[derive(Debug, Clone)]
struct Placed<T> {
    place: u64,
    row: T,
}

/// Counted since `since`, in a window of `window`.
#[derive(Debug, Clone, Copy)]
struct Counted {
    since: Timestamp,
    window: Millis,
    count: u32,
}

macro_rules! state {
    ($($table:ident: $key:ty => $row:ty,)*) => {
        #[derive(Debug, Default)]
        struct State {
            /// Counts pushes and stages as they come.
            places: u64,
            $($table: Table<$key, $row>,)*
        }
        impl State {
            fn keep(&mut self) {
                $(self.$table.keep();)*
            }
            fn take_back(&mut self) {
                $(self.$table.take_back();)*
            }
        }
    };
}

state! {
    users: UserId => User,
    groups: GroupId => Group,
    members: (GroupId, UserId) => Member,
    apps: AppId => App,
    devices: DeviceId => Device,
    passkeys: PasskeyId => Passkey,
    oath_tokens: OathId => OathToken,
    recovery_codes: RecoveryId => RecoveryCode,
    security_keys: PasskeyId => SecurityKey,
    subscriptions: SubscriptionId => Subscription,
    device_sessions: (SecretHash, DeviceId) => DeviceSession,
    nonces: SecretHash => Timestamp,
    browsers: BrowserId => Browser,
    browser_secrets: SecretHash => BrowserSecret,
    sign_ins: SignInId => SignIn,
    challenges: ChallengeId => Challenge,
    pushes: PushId => Placed<Push>,
    stages: ([u8; 16], DeviceId, Stage) => Placed<Timestamp>,
    sessions: SessionId => Session,
    app_codes: SecretHash => Once<AppCode>,
    app_sessions: SecretHash => AppSession,
    enrolments: EnrolmentId => Enrolment,
    links: SecretHash => Once<IntroductionLink>,
    counters: String => Counted,
    audit: i64 => (Event, ChainHash),
    meta: String => Vec<u8>,
}

impl State {
    fn next_place(&mut self) -> u64 {
        self.places += 1;
        self.places
    }
}

impl MemoryStore {
    /// An empty store that lives by `clock`.
    #[must_use]
    pub fn new(clock: TestClock) -> Self {
        Self { clock, ..Self::default() }
    }

    /// From now on nothing becomes durable: [`Store::durable`](nod_engine::ports::Store::durable) fails.
    pub fn stick(&self) {
        self.is_stuck.store(true, Ordering::SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit_now(&self, writes: &[Write]) -> Result<(), CommitError> {
        let now = self.clock.now();
        let mut state = self.lock();
        for (index, write) in writes.iter().enumerate() {
            if state.apply(write, now).is_none() {
                state.take_back();
                return Err(CommitError::Conflict { index });
            }
        }
        state.keep();
        drop(state);
        self.wakes.wake(writes.iter().flat_map(Write::topics).flatten());
        Ok(())
    }
}

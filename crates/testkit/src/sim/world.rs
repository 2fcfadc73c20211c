//! The world: engines, people, tasks, time, and the executor that chooses who moves next.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};

use async_trait::async_trait;
use nod_core::push::Subscription;
use nod_core::{Millis, Timestamp};
use nod_engine::Engine;
use nod_engine::ports::{Ring, Ringer, Rung, Store};

use super::ledger::{Ledger, Tally, check_numbers};
use super::people;
use crate::folk::{self, Person};
use crate::stepped::{GiveWay, block_on};
use crate::{SeededEntropy, Stepped, TestClock};

/// A push service that loses, refuses and forgets, as the dice say.
struct Lossy(SeededEntropy);

#[async_trait]
impl Ringer for Lossy {
    async fn ring(&self, _to: &Subscription, _ring: &Ring, _attempt: u32, _now: Timestamp) -> Rung {
        match self.0.below(20) {
            0 => Rung::Gone,
            1 => Rung::Refused,
            2..=4 => Rung::Retry(Some(700)),
            5 => Rung::Retry(None),
            _ => Rung::Accepted,
        }
    }
}

/// Which kinds of trouble this run has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Troubles {
    pub(super) crashes: bool,
    pub(super) jumps: bool,
    pub(super) forgers: bool,
    pub(super) takers: bool,
    pub(super) attackers: bool,
    pub(super) replays: bool,
}

/// What tasks share.
pub(super) struct Shared<S> {
    pub(super) engines: [Engine; 2],
    pub(super) dice: SeededEntropy,
    pub(super) inner: Arc<S>,
    pub(super) ledger: RefCell<Ledger>,
    pub(super) people: Vec<Person>,
    pub(super) troubles: Troubles,
    ringer: Lossy,
    spawned: RefCell<Vec<Task>>,
    /// Sign-ins that somebody still has to do or to watch. Phones and workers rest once there are none.
    under_way: Cell<usize>,
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    /// Runs in a server process, which may stop.
    on_engine: bool,
}

impl<S: Store + 'static> Shared<S> {
    /// Either engine.
    pub(super) fn engine(&self) -> &Engine {
        let [first, second] = &self.engines;
        if self.dice.below(2) == 0 { first } else { second }
    }
    /// One in `n`.
    pub(super) fn one_in(&self, n: u64) -> bool {
        self.dice.below(n) == 0
    }
    /// Adds a task that runs inside a server and may be cut off with it.
    pub(super) fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        self.spawned.borrow_mut().push(Task { future: Box::pin(future), on_engine: true });
    }
    /// Whether phones and workers still have something to do.
    pub(super) fn is_busy(&self) -> bool {
        self.under_way.get() > 0
    }
    /// Somebody takes their time.
    pub(super) async fn pause(&self, most: u64) {
        for _ in 0..self.dice.below(most) {
            GiveWay::default().await;
        }
    }
}

/// The whole simulated world.
pub(super) struct World<S> {
    seed: u64,
    clock: TestClock,
    shared: Option<Rc<Shared<S>>>,
    inner: Arc<S>,
    tasks: Vec<Task>,
    commits: Arc<AtomicU64>,
    checked: u64,
}

impl<S: Store + 'static> World<S> {
    pub(super) fn new(seed: u64, inner: Arc<S>, clock: TestClock) -> Self {
        Self { seed, clock, shared: None, inner, tasks: Vec::new(), commits: Arc::default(), checked: 0 }
    }

    /// Adds people and enrols their phones, before trouble begins.
    pub(super) fn settle_in(&mut self) {
        let dice = SeededEntropy::new(self.seed);
        let flag = |n| dice.below(n) != 0;
        let troubles = Troubles {
            crashes: flag(2),
            jumps: flag(2),
            forgers: flag(2),
            takers: flag(3),
            attackers: flag(4),
            replays: flag(2),
        };
        let skews = [-30_000, -1_500, 0, 0, 0, 0, 1_500, 30_000];
        let skew = skews.get(dice.below(8) as usize).copied().unwrap_or(0);
        let engine = |nth: u64, skew: i64| {
            let store =
                Stepped { inner: Arc::clone(&self.inner), skew: Millis(skew), commits: Arc::clone(&self.commits) };
            folk::engine(Arc::new(store), self.seed ^ (nth << 40))
        };
        let engines = [engine(1, 0), engine(2, skew)];
        let people =
            ["anna", "ben"].map(|name| block_on(folk::enrolled(&engines[0], &dice, name, 1 + dice.below(2)))).into();
        let ringer = Lossy(SeededEntropy::new(self.seed.rotate_left(17)));
        let (inner, spawned) = (Arc::clone(&self.inner), RefCell::default());
        let ledger = RefCell::default();
        self.shared = Some(Rc::new(Shared {
            engines,
            dice,
            inner,
            ledger,
            people,
            troubles,
            ringer,
            spawned,
            under_way: Cell::default(),
        }));
    }

    fn shared(&self) -> &Rc<Shared<S>> {
        self.shared.as_ref().unwrap_or_else(|| unreachable!("settle_in comes first"))
    }

    /// Who will do what in this run.
    pub(super) fn plan(&mut self) {
        let shared = Rc::clone(self.shared());
        let own = |future: Pin<Box<dyn Future<Output = ()>>>| Task { future, on_engine: false };
        for person in 0..shared.people.len() {
            for _ in 0..=shared.dice.below(3) {
                shared.under_way.set(shared.under_way.get() + 1);
                let (one, done) = (people::sign_in(Rc::clone(&shared), person), Rc::clone(&shared));
                self.tasks.push(own(Box::pin(async move {
                    one.await;
                    done.under_way.set(done.under_way.get() - 1);
                })));
            }
            if shared.troubles.attackers {
                self.tasks.push(own(Box::pin(people::attack(Rc::clone(&shared), person))));
            }
            self.tasks.push(own(Box::pin(people::introduce(Rc::clone(&shared), person))));
            let phones = shared.people.get(person).map_or(0, |person| person.phones.len());
            for phone in 0..phones {
                self.tasks.push(own(Box::pin(people::watch_phone(Rc::clone(&shared), person, phone))));
            }
        }
        if shared.troubles.takers {
            self.tasks.push(own(Box::pin(people::take_away(Rc::clone(&shared)))));
        }
        for _ in 0..2 {
            self.tasks.push(Task { future: Box::pin(deliver(Rc::clone(&shared))), on_engine: true });
        }
    }

    /// One step of somebody, or of time. False once everybody is done.
    pub(super) fn step(&mut self) -> bool {
        let shared = Rc::clone(self.shared());
        self.tasks.append(&mut shared.spawned.borrow_mut());
        let count = self.tasks.len() as u64;
        if count == 0 {
            return false;
        }
        if shared.one_in(4) {
            let far = shared.troubles.jumps && shared.one_in(60);
            self.clock.advance(Millis(shared.dice.below(if far { 130_000 } else { 900 }) as i64));
        }
        let chosen = shared.dice.below(count) as usize;
        let Some(task) = self.tasks.get_mut(chosen) else { return false };
        if task.on_engine && shared.troubles.crashes && shared.one_in(40) {
            shared.ledger.borrow_mut().tally.crashes += 1;
            drop(self.tasks.swap_remove(chosen));
            return true;
        }
        let done = task.future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        if done {
            drop(self.tasks.swap_remove(chosen));
        }
        true
    }

    /// The first property that does not hold now.
    pub(super) fn check(&mut self) -> Option<String> {
        // Only a commit can break a property.
        let commits = self.commits.load(Ordering::Relaxed);
        if std::mem::replace(&mut self.checked, commits) == commits {
            return None;
        }
        let shared = self.shared();
        let now = self.clock.now();
        let mut ledger = shared.ledger.borrow_mut();
        for (sign_in, bound) in ledger.sign_ins.clone() {
            let challenges = block_on(self.inner.challenges_of(sign_in)).ok()?;
            let found = ledger.check_sign_in(sign_in, bound, &challenges, now);
            let found =
                found.or_else(|| challenges.iter().find_map(|challenge| ledger.check_challenge(challenge, now)));
            if found.is_some() {
                return found;
            }
        }
        drop(ledger);
        let live = |person: &Person| block_on(self.inner.pending_for(person.user)).unwrap_or_default();
        shared.people.iter().find_map(|person| check_numbers(&live(person)))
    }

    pub(super) fn tally(&self, steps: u64) -> Tally {
        Tally { steps, ..self.shared().ledger.borrow().tally }
    }
}

/// A delivery worker.
async fn deliver<S: Store + 'static>(shared: Rc<Shared<S>>) {
    while shared.is_busy() {
        shared.pause(24).await;
        let engine = shared.engine();
        for push in engine.claim_pushes().await.unwrap_or_default() {
            // A store that fails would fail the run elsewhere.
            let _ = engine.deliver(&push, &shared.ringer).await;
        }
    }
}

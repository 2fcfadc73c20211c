//! The suite that every store must pass: each write's guard both ways, each read with its order, expiry at the exact
//! millisecond, atomicity, races, wakes and the sweep.
//!
//! A store's test crate calls [`conformance!`](crate::conformance!) with a function that makes an empty store.

pub mod access;
pub mod challenge;
pub mod checksums;
pub mod enrolment;
pub mod facts;
pub mod keys;
pub mod oath;
pub mod people;
pub mod possession;
pub mod push;
pub mod recovery;
pub mod rows;
pub mod sign_in;
pub mod whole;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use nod_core::{Millis, Timestamp};
use nod_engine::ports::{CommitError, Store, Write};
use tokio::task::JoinSet;

use crate::TestClock;

/// How many do the same at the same time in the races.
pub const RACERS: u32 = 64;

/// A store under test, with its clock.
#[derive(Debug)]
pub struct Bed<S> {
    /// The store.
    pub store: Arc<S>,
    /// Its clock.
    pub clock: TestClock,
    marks: AtomicU32,
}

impl<S: Store + 'static> Bed<S> {
    /// A bed for an empty store that lives by `clock`.
    pub fn new(store: S, clock: TestClock) -> Self {
        Self { store: Arc::new(store), clock, marks: AtomicU32::new(0) }
    }

    /// The commit is accepted.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn accepts<const N: usize>(&self, writes: [Write; N]) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let said = format!("{writes:?}");
            assert_eq!(self.store.commit(writes.into()).await, Ok(()), "at {caller}: {said}");
        }
    }

    /// The commit is refused because of the write at `index`, and nothing of it was done.
    ///
    /// # Panics
    /// When it is accepted, refused otherwise, or half done.
    #[track_caller]
    pub fn refuses_at<const N: usize>(&self, index: usize, writes: [Write; N]) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let said = format!("{writes:?}");
            let key = format!("mark {}", self.marks.fetch_add(1, Ordering::Relaxed));
            let mark = Write::SetMeta { key: key.clone(), value: vec![1] };
            let marked: Vec<Write> = std::iter::once(mark).chain(writes).collect();
            let refused = Err(CommitError::Conflict { index: index + 1 });
            assert_eq!(self.store.commit(marked).await, refused, "at {caller}: {said}");
            assert_eq!(self.store.meta(&key).await, Ok(None), "half done, at {caller}: {said}");
        }
    }

    /// This write alone is refused, and changes nothing.
    ///
    /// # Panics
    /// When it is accepted.
    #[track_caller]
    pub fn refuses(&self, write: Write) -> impl Future<Output = ()> {
        self.refuses_at(0, [write])
    }

    /// Moves the clock to the last millisecond before `end`.
    pub fn just_before(&self, end: Timestamp) {
        self.clock.set(end.before(Millis(1)));
    }

    /// How many of [`RACERS`] commits at the same time are accepted; the others must meet a conflict.
    ///
    /// # Panics
    /// When a loser fails in another way.
    pub async fn winners(&self, writes: impl Fn(u32) -> Vec<Write>) -> usize {
        let mut racers = JoinSet::new();
        for racer in 0..RACERS {
            let (store, writes) = (Arc::clone(&self.store), writes(racer));
            racers.spawn(async move { store.commit(writes).await });
        }
        let mut won = 0;
        for outcome in racers.join_all().await {
            match outcome {
                Ok(()) => won += 1,
                Err(lost) => assert!(matches!(lost, CommitError::Conflict { .. }), "{lost}"),
            }
        }
        won
    }
}

/// Makes a `#[tokio::test]` of each case. `$make` is a `fn(TestClock) -> (impl Store, impl Sized)`: an empty store and
/// whatever must live as long.
#[macro_export]
macro_rules! conformance {
    ($make:path) => {
        $crate::conformance_list! { conformance_cases $make }
    };
}

/// Runs each case in turn, inside one async function, for stores that share a server. `$make` is an async closure from
/// `TestClock` to `(impl Store, impl Sized)`.
#[macro_export]
macro_rules! conformance_in_turn {
    ($make:ident) => {
        $crate::conformance_list! { conformance_turns $make }
    };
}

/// The cases by module, handed to a macro.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_list {
    ($with:ident $($make:tt)*) => {
        $crate::$with! { $($make)*;
            people: users_are_added_once_and_found, users_are_changed_from_what_they_were, groups_and_members,
                apps_are_unique_and_take_their_rows_with_them, counters_count_in_windows, audit_is_read_backwards,
                the_audit_of_one_user_is_theirs_alone,
                audit_is_one_chain, racing_events_are_one_chain, meta_is_set_once;
            possession: devices_are_added_and_listed, devices_are_changed_by_their_user_only, activation_needs_everything,
                holds_are_set_lifted_and_revoked, revoking_takes_what_fell_with_the_phone, passkeys_are_new, device_sessions_end, nonces_are_used_once,
                browsers_are_bound_and_found, browser_secrets_rotate, browsers_are_unbound, browsers_end_by_the_clock;
            oath: tokens_are_added_and_listed, tokens_change_from_what_they_were,
                secrets_are_sealed_anew_whoever_is_disabled, a_code_is_used_by_one_of_many,
                codes_open_while_token_and_browser_stand;
            recovery: codes_are_added_and_listed, codes_are_used_once, passes_end_by_the_clock,
                hashes_are_sealed_anew_whoever_is_disabled;
            keys: keys_are_added_and_listed, keys_change_from_what_they_were, keys_open_while_they_stand,
                enrolments_end_with_a_key;
            checksums: checksums_are_changed_from_what_they_were, what_ended_carries_no_checksum;
            sign_in: sign_ins_are_added, sign_ins_are_proved, sign_ins_are_finished_once, sign_ins_are_cancelled;
            challenge: challenges_open_one_at_a_time, challenges_beside_others_have_numbers,
                challenges_side_by_side_have_numbers, challenges_come_back_whole, challenges_are_raised_once,
                answers_need_a_pending_challenge, answers_need_user_and_phone, answers_move_to_answered_states_only,
                challenges_end, approvals_are_consumed_once, challenges_are_listed;
            facts: denials_are_remembered, prompts_are_counted_in_their_windows,
                a_question_comes_with_its_sign_in_and_user,
                a_grant_comes_with_user_browser_and_newest_challenge, an_errand_knows_what_ringing_needs;
            push: subscriptions_are_put_and_dropped, queued_pushes_of_a_subject_are_dropped, pushes_are_claimed_and_settled, due_pushes_come_in_order,
                stages_keep_the_first, a_phone_was_last_rung_about;
            access: sessions_are_added_and_found, sessions_end, sessions_end_by_the_clock, all_sessions_of_a_user_end,
                app_codes_are_used_once, app_sessions_need_session_and_app;
            enrolment: enrolments_are_added_and_found, enrolments_are_opened_once, enrolments_move_from_the_named_state,
                codes_end_and_are_unique_while_shown, confirmed_enrolments_do_not_go_back,
                enrolment_passwords_are_limited, all_enrolments_of_a_user_end, introduction_links_are_used_once;
            whole: a_refused_commit_leaves_everything, writes_of_a_commit_see_each_other, an_empty_commit_is_accepted,
                races_have_one_winner, counters_let_exactly_the_limit_through, racing_sign_ins_share_nothing,
                commits_wake_those_who_wait, the_sweep_removes_what_ended_long_ago,
                the_sweep_ends_set_ups_and_browsers;
        }
    };
}

/// What [`conformance!`](crate::conformance!) expands to.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($make:path; $($module:ident: $($case:ident),*;)*) => {$($(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let clock = $crate::TestClock::default();
            let (store, _kept) = $make(clock.clone());
            $crate::conformance::$module::$case(&$crate::conformance::Bed::new(store, clock)).await;
        }
    )*)*};
}

/// What [`conformance_in_turn!`](crate::conformance_in_turn!) expands to.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_turns {
    ($make:ident; $($module:ident: $($case:ident),*;)*) => {$($({
        println!("{}", stringify!($case));
        let clock = $crate::TestClock::default();
        let (store, _kept) = $make(clock.clone()).await;
        Box::pin($crate::conformance::$module::$case(&$crate::conformance::Bed::new(store, clock))).await;
    })*)*};
}

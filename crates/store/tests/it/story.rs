//! Random writes about a handful of rows, so that guards meet every state: memory and disk must agree on each.

use std::collections::BTreeMap;
use std::fmt::Debug;

use nod_core::access::Session;
use nod_core::challenge::{Answer, Challenge, ChallengeState, Decision, Number};
use nod_core::enrolment::{Enrolment, EnrolmentState};
use nod_core::limits::Limit;
use nod_core::people::{User, UserState};
use nod_core::possession::{Browser, BrowserSecret, Device, Notifications};
use nod_core::push::{Push, PushState, Stage, Subscription};
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{
    BrowserId, ChallengeId, DeviceId, EnrolmentId, Millis, PasskeyId, PushId, SessionId, SignInId, SubscriptionId,
    Timestamp, UserId,
};
use nod_engine::ports::{Store, Write};
use nod_testkit::conformance::rows::*;
use nod_testkit::{MemoryStore, SeededEntropy, TestClock};
use tempfile::TempDir;

use super::open;

/// Stories, each from an empty store.
const STORIES: u64 = 8;
/// Commits in a story.
const STEPS: u32 = 500;
/// Kinds of writes that must have been accepted.
const KINDS: usize = 45;
/// The limit of every counter.
const COUNTED: Limit = Limit { count: 3, window: Millis(50_000) };
/// Rows of each kind.
const FEW: u64 = 4;

fn few(chance: &SeededEntropy) -> u8 {
    1 + u8::try_from(chance.below(FEW)).unwrap()
}
/// One of the few things that this part of the story is about; who has it follows from its number.
fn thing(chance: &SeededEntropy, step: u32) -> u8 {
    1 + u8::try_from(u64::from(step / 100 * 2) + chance.below(4)).unwrap()
}
/// One of the few sign-ins that this part of the story is about.
fn attempt(chance: &SeededEntropy, step: u32) -> u8 {
    u8::try_from(u64::from(step / 40) + chance.below(2)).unwrap()
}
fn owner_of(thing: u8) -> UserId {
    UserId([thing % 4 + 1; 16])
}
fn coin(chance: &SeededEntropy) -> bool {
    chance.below(2) == 0
}

/// A random write at `now`.
fn write(chance: &SeededEntropy, now: Timestamp, step: u32) -> Write {
    match chance.below(7) {
        0 => people(chance),
        1 => possession(chance, now, step),
        2 | 3 | 6 => sign_ins(chance, now, step),
        4 => pushes(chance, now),
        _ => access(chance, now, step),
    }
}

fn people(chance: &SeededEntropy) -> Write {
    let user_id = UserId([few(chance); 16]);
    let group_id = group(few(chance)).id;
    match chance.below(12) {
        0 | 1 => Write::AddUser(user(user_id.0[0])),
        2 if chance.below(8) == 0 => changing(User { state: UserState::Disabled, ..user(user_id.0[0]) }),
        2..=4 => changing(User { number_always: coin(chance), ..user(user_id.0[0]) }),
        5 => Write::AddGroup(group(few(chance))),
        6 => Write::RemoveGroup(group_id),
        7 => Write::AddMember(member(group_id, user_id)),
        8 => Write::RemoveMember { group: group_id, user: user_id },
        9 => Write::AddApp(nod_core::access::App { group: coin(chance).then_some(group_id), ..app(few(chance)) }),
        10 if chance.below(3) == 0 => Write::RemoveApp(app(few(chance)).id),
        _ => Write::Count { bucket: format!("b{}", few(chance)), limit: COUNTED },
    }
}

fn possession(chance: &SeededEntropy, now: Timestamp, step: u32) -> Write {
    let phone = DeviceId([thing(chance, step); 16]);
    let owner = owner_of(phone.0[0]);
    let handset = Device { created_at: now, ..device(phone.0[0], owner) };
    let browser_id = BrowserId([thing(chance, step); 16]);
    let next = |n: u8| BrowserSecret { issued_at: now, ..secret(n, browser_id) };
    let fresh = u8::try_from(chance.below(250)).unwrap();
    let shown = browser_id.0[0] * 16 + few(chance);
    let gone = SubscriptionId([few(chance); 16]);
    match chance.below(17) {
        0 | 1 => Write::AddDevice(handset),
        2 | 3 => Write::AddPasskey(passkey(phone.0[0], &handset)),
        4 | 5 => Write::SetNotifications {
            device: phone,
            user: owner,
            notifications: if coin(chance) { Notifications::Granted } else { Notifications::Unavailable },
            subscription: coin(chance).then_some(gone),
        },
        6 | 7 => Write::ActivateDevice { device: phone, user: owner, held_until: None, checksum: CHANGED },
        8 if chance.below(8) == 0 => Write::RevokeDevice { device: phone, user: owner },
        9 => Write::AddDeviceSession(device_session(fresh, phone, now.after(Millis(90_000)))),
        10 => Write::UseNonce { nonce: hash(fresh), expires_at: now.after(Millis(60_000)) },
        11 => Write::BindBrowser(
            Browser { created_at: now, last_used_at: now, ..browser(browser_id.0[0], owner_of(browser_id.0[0])) },
            next(browser_id.0[0] * 16 + 1),
        ),
        12 => {
            let (used, next) = (hash(shown), next(shown + 1));
            Write::RotateBrowser { browser: browser_id, used, next, checksum: CHANGED }
        }
        13 => Write::UnbindBrowser { browser: browser_id, user: owner_of(browser_id.0[0]) },
        14 => Write::PutSubscription(Subscription { refusals: 2, ..subscription(few(chance)) }),
        15 => Write::DropSubscription(gone),
        _ => Write::CountRefusal(gone),
    }
}

fn sign_ins(chance: &SeededEntropy, now: Timestamp, step: u32) -> Write {
    let n = attempt(chance, step);
    let user = owner_of(n);
    let owner = SignIn {
        browser: (chance.below(4) == 0).then_some(BrowserId([thing(chance, step); 16])),
        created_at: now,
        expires_at: now.after(Millis(120_000)),
        ..sign_in(n, user)
    };
    let (challenge_id, sign_in, version) = (ChallengeId([n; 16]), owner.id, 1 + u32::from(chance.below(4) == 0));
    // A phone of this user, or the one of the next.
    let device = DeviceId([(n + 3) % 4 + 1 - u8::from(chance.below(8) == 0); 16]);
    let answer = |decision| Answer { at: now, ..nod_testkit::conformance::rows::answer(device.0[0], decision, now) };
    let number = Number::parse("314159");
    match chance.below(13) {
        0 | 1 => Write::AddSignIn(owner),
        2 | 3 => Write::OpenChallenge(Challenge {
            number: if coin(chance) { number } else { None },
            created_at: now,
            expires_at: now.after(Millis(30_000)),
            ..challenge(n, &owner)
        }),
        4 => match number {
            Some(number) => {
                let challenge = challenge_id;
                Write::RaiseChallenge { challenge, version, number, sign_in, user, checksum: CHANGED }
            }
            None => Write::CancelSignIn { sign_in },
        },
        5 | 6 => {
            let to = match chance.below(3) {
                0 => ChallengeState::Approved(answer(Decision::Approve)),
                1 => ChallengeState::Denied(answer(Decision::Deny)),
                _ => ChallengeState::Failed(answer(Decision::Approve)),
            };
            Write::AnswerChallenge { challenge: challenge_id, version, to, sign_in, user, checksum: CHANGED }
        }
        7 => {
            let to = if coin(chance) { ChallengeState::Expired } else { ChallengeState::Superseded };
            Write::EndChallenge { challenge: challenge_id, to, sign_in, user }
        }
        8 | 9 => Write::ConsumeChallenge { challenge: challenge_id, sign_in, user },
        10 => {
            let (passkey, keep_browser) = (PasskeyId([n; 16]), coin(chance));
            Write::ProveSignIn { sign_in, to: SignInState::Proved { passkey, keep_browser }, checksum: CHANGED }
        }
        11 => Write::FinishSignIn { sign_in, proved: coin(chance) },
        _ => Write::CancelSignIn { sign_in },
    }
}

fn pushes(chance: &SeededEntropy, now: Timestamp) -> Write {
    let push_id = PushId([u8::try_from(chance.below(12)).unwrap(); 16]);
    let phone = DeviceId([few(chance); 16]);
    match chance.below(6) {
        0 | 1 => Write::QueuePush(Push {
            due_at: now.after(Millis(i64::from(few(chance)) * 1_000)),
            expires_at: now.after(Millis(60_000)),
            ..push(push_id.0[0], [few(chance); 16], phone)
        }),
        2 => Write::ClaimPush { push: push_id, lease_until: now.after(Millis(5_000)) },
        3 => Write::SettlePush { push: push_id, to: PushState::Accepted },
        4 => Write::RequeuePush { push: push_id, due_at: now.after(Millis(2_000)) },
        _ => Write::Stage {
            subject: [few(chance); 16],
            device: phone,
            stage: if coin(chance) { Stage::Sent } else { Stage::Shown },
            at: now,
            sign_in: None,
            user: ANNA,
        },
    }
}

fn access(chance: &SeededEntropy, now: Timestamp, step: u32) -> Write {
    let session_id = SessionId([thing(chance, step); 16]);
    let user = owner_of(session_id.0[0]);
    let fresh = u8::try_from(chance.below(16)).unwrap();
    let (enrolment_id, phone) = (EnrolmentId([session_id.0[0]; 16]), DeviceId([few(chance); 16]));
    match chance.below(14) {
        0 | 1 => Write::AddSession(Session { created_at: now, last_seen_at: now, ..session(session_id.0[0], user) }),
        2 => Write::SeeSession { session: session_id, at: now, checksum: CHANGED },
        3 => Write::EndSession { session: session_id, user },
        4 => Write::EndSessionsOf { user, browser: None },
        5 => Write::AddAppCode(nod_core::access::AppCode {
            expires_at: now.after(Millis(60_000)),
            ..app_code(fresh, session_id, app(few(chance)).id)
        }),
        6 => Write::UseAppCode { code: hash(fresh) },
        7 => Write::AddAppSession(app_session(fresh, session_id, app(few(chance)).id)),
        8 | 9 => Write::AddEnrolment(Enrolment {
            created_at: now,
            expires_at: now.after(Millis(90_000)),
            ..enrolment(enrolment_id.0[0], user)
        }),
        10 => Write::OpenEnrolment {
            enrolment: enrolment_id,
            user,
            session: hash(enrolment_id.0[0]),
            expires_at: now.after(Millis(90_000)),
            checksum: CHANGED,
        },
        11 => Write::CountEnrolmentPassword { enrolment: enrolment_id },
        12 if chance.below(8) == 0 => Write::EndEnrolmentsOf { user },
        _ => {
            let states = [
                EnrolmentState::Opened,
                EnrolmentState::Proved,
                EnrolmentState::Coded { code: hash(1), code_expires_at: Timestamp(i64::MAX) },
                EnrolmentState::Joined(phone),
                EnrolmentState::Confirmed(phone),
                EnrolmentState::Ended,
            ];
            let at = usize::try_from(chance.below(5)).unwrap();
            let (from, to) = (states.get(at).copied(), states.get(at + 1).copied());
            Write::MoveEnrolment {
                enrolment: enrolment_id,
                user,
                from: from.unwrap_or(EnrolmentState::Ended),
                to: to.unwrap_or(EnrolmentState::Ended),
                checksum: CHANGED,
            }
        }
    }
}

fn same<T: PartialEq + Debug>(a: T, b: T) {
    assert_eq!(a, b);
}

/// Compares what the two stores say about every row of the story.
async fn compare(a: &impl Store, b: &impl Store) {
    same(a.users().await, b.users().await);
    same(a.groups().await, b.groups().await);
    same(a.apps().await, b.apps().await);
    same(a.due_pushes(100).await, b.due_pushes(100).await);
    same(a.next_push_due().await, b.next_push_due().await);
    for n in 0..=250 {
        same(a.browser_by_secret(hash(n)).await, b.browser_by_secret(hash(n)).await);
        same(a.device_session(hash(n)).await, b.device_session(hash(n)).await);
        same(a.app_code(hash(n)).await, b.app_code(hash(n)).await);
        same(a.app_session(hash(n)).await, b.app_session(hash(n)).await);
        same(a.enrolment_by_session(hash(n)).await, b.enrolment_by_session(hash(n)).await);
    }
    for n in 0..24 {
        let id = [n; 16];
        same(a.sign_in(SignInId(id)).await, b.sign_in(SignInId(id)).await);
        same(a.challenge(ChallengeId(id)).await, b.challenge(ChallengeId(id)).await);
        same(a.challenges_of(SignInId(id)).await, b.challenges_of(SignInId(id)).await);
    }
    for n in 0..15 {
        let id = [n; 16];
        same(a.members(group(n).id).await, b.members(group(n).id).await);
        same(a.devices_of(UserId(id)).await, b.devices_of(UserId(id)).await);
        same(a.passkeys_of(UserId(id)).await, b.passkeys_of(UserId(id)).await);
        same(a.browsers_of(UserId(id)).await, b.browsers_of(UserId(id)).await);
        same(a.sessions_of(UserId(id)).await, b.sessions_of(UserId(id)).await);
        let counted = [("b1", COUNTED), ("b2", COUNTED)];
        let (user, since) = (UserId(id), Timestamp(0));
        same(a.lately(user, since, "none", counted).await, b.lately(user, since, "none", counted).await);
        same(a.grant(SignInId(id)).await, b.grant(SignInId(id)).await);
        same(a.errand(DeviceId(id), id).await, b.errand(DeviceId(id), id).await);
        same(a.question(ChallengeId(id)).await, b.question(ChallengeId(id)).await);
        same(a.pending_for(UserId(id)).await, b.pending_for(UserId(id)).await);
        same(a.answered_by(DeviceId(id), 100).await, b.answered_by(DeviceId(id), 100).await);
        same(a.subscription(SubscriptionId(id)).await, b.subscription(SubscriptionId(id)).await);
        same(a.sign_in(SignInId(id)).await, b.sign_in(SignInId(id)).await);
        same(a.challenge(ChallengeId(id)).await, b.challenge(ChallengeId(id)).await);
        same(a.challenges_of(SignInId(id)).await, b.challenges_of(SignInId(id)).await);
        same(a.pushes_of(id).await, b.pushes_of(id).await);
        same(a.stages(id).await, b.stages(id).await);
        same(a.session(SessionId(id)).await, b.session(SessionId(id)).await);
        same(a.enrolment(EnrolmentId(id)).await, b.enrolment(EnrolmentId(id)).await);
        same(a.enrolment_by_code(hash(n)).await, b.enrolment_by_code(hash(n)).await);
    }
}

#[tokio::test]
async fn memory_and_disk_agree_on_random_stories() {
    let mut accepted = BTreeMap::<String, usize>::new();
    for seed in 0..STORIES {
        let (folder, clock) = (TempDir::new().unwrap(), TestClock::default());
        let disk = open(&folder.path().join("nod.db"), &clock).unwrap();
        tell(seed, &disk, &clock, &mut accepted).await;
    }
    assert!(accepted.len() >= KINDS, "a story needs a plot: {} kinds in {accepted:?}", accepted.len());
}

/// A user with an active phone.
fn beginning(n: u8) -> Vec<Write> {
    let user = UserId([n; 16]);
    // The phone of this number belongs to the user that `owner_of` says.
    let phone = device(if n == 1 { 4 } else { n - 1 }, user);
    let (device, notifications) = (phone.id, Notifications::Unavailable);
    vec![
        Write::AddUser(nod_testkit::conformance::rows::user(n)),
        Write::AddDevice(phone.clone()),
        Write::AddPasskey(passkey(phone.id.0[0], &phone)),
        Write::SetNotifications { device, user, notifications, subscription: None },
        Write::ActivateDevice { device, user, held_until: None, checksum: CHANGED },
    ]
}

/// Tells one story to `disk`, an empty store that lives by `clock`, and to a store in memory.
pub(super) async fn tell(seed: u64, disk: &impl Store, clock: &TestClock, accepted: &mut BTreeMap<String, usize>) {
    let chance = SeededEntropy::new(seed);
    let memory = MemoryStore::new(clock.clone());
    for n in 1..=4 {
        disk.commit(beginning(n)).await.unwrap();
        memory.commit(beginning(n)).await.unwrap();
    }
    for step in 1..=STEPS {
        // Now and then two, so that the second's refusal takes back the first.
        let two = u64::from(chance.below(6) == 0);
        let writes: Vec<Write> = (0..=two).map(|_| write(&chance, clock.now(), step)).collect();
        let (on_disk, in_memory) = (disk.commit(writes.clone()).await, memory.commit(writes.clone()).await);
        assert_eq!(on_disk, in_memory, "story {seed}, step {step}: {writes:?}");
        for write in writes.iter().filter(|_| on_disk.is_ok()) {
            let kind: String = format!("{write:?}").chars().take_while(char::is_ascii_alphanumeric).collect();
            *accepted.entry(kind).or_default() += 1;
        }
        if chance.below(10) == 0 {
            clock.advance(Millis(i64::try_from(chance.below(6_000)).unwrap()));
        }
        if chance.below(300) == 0 {
            clock.advance(Millis::hours(30));
        }
        if step.is_multiple_of(STEPS / 3) {
            compare(disk, &memory).await;
            assert_eq!(disk.sweep().await, memory.sweep().await, "story {seed}, step {step}");
        }
    }
    compare(disk, &memory).await;
}

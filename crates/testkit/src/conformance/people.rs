//! Users, groups, apps, counters, audit, values.
#![allow(missing_docs, clippy::missing_panics_doc, reason = "cases are named by what they check")]

use nod_core::audit::{ChainHash, Event, EventKind};
use nod_core::limits::Limit;
use nod_core::people::{User, UserState};
use nod_core::{AppId, DeviceId, GroupId, Millis, UserId};
use nod_engine::ports::{CommitError, Store, Write, chain_hash};

use super::rows::*;
use super::{Bed, RACERS};

pub async fn users_are_added_once_and_found<S: Store + 'static>(bed: &Bed<S>) {
    let whole = User {
        state: UserState::Disabled,
        password_hash: Some("$argon2id$x".into()),
        number_always: true,
        terminal_phone: false,
        mail: Some("anna@example.com".into()),
        ..user(2)
    };
    bed.accepts([Write::AddUser(user(3)), Write::AddUser(whole.clone())]).await;
    bed.refuses(Write::AddUser(User { id: UserId([9; 16]), ..user(2) })).await;
    bed.refuses(Write::AddUser(User { name: "other".into(), ..user(2) })).await;
    assert_eq!(bed.store.user(whole.id).await, Ok(Some(whole.clone())));
    assert_eq!(bed.store.user_by_name("user003").await, Ok(Some(user(3))));
    assert_eq!(bed.store.user(UserId([9; 16])).await, Ok(None));
    assert_eq!(bed.store.user_by_name("User003").await, Ok(None), "names are stored canonical and compared exactly");
    assert_eq!(bed.store.users().await, Ok(vec![whole, user(3)]));
}

pub async fn users_are_changed_from_what_they_were<S: Store + 'static>(bed: &Bed<S>) {
    let whole = User {
        state: UserState::Disabled,
        password_hash: Some("$h".into()),
        number_always: true,
        terminal_phone: false,
        mail: Some("anna@example.com".into()),
        checksum: CHANGED,
        ..user(1)
    };
    let change = |from, to: &User| Write::ChangeUser { from, to: to.clone() };
    bed.refuses(changing(user(1))).await;
    bed.accepts([Write::AddUser(user(1)), Write::AddUser(user(2))]).await;
    bed.refuses(change([99; 32], &whole)).await;
    bed.accepts([change(user(1).checksum, &whole)]).await;
    bed.refuses(change(user(1).checksum, &user(1))).await;
    assert_eq!(bed.store.users().await, Ok(vec![whole, user(2)]), "others stay as they are");
    let kept = User { name: "other".into(), display_name: "Other".into(), created_at: at(99), ..user(1) };
    bed.accepts([change(CHANGED, &kept)]).await;
    assert_eq!(bed.store.user(ANNA).await, Ok(Some(user(1))), "names are never changed");
}

pub async fn groups_and_members<S: Store + 'static>(bed: &Bed<S>) {
    let (first, second) = (group(1), group(2));
    bed.accepts([Write::AddUser(user(2)), Write::AddUser(user(1)), Write::AddGroup(second.clone())]).await;
    bed.accepts([Write::AddGroup(first.clone())]).await;
    bed.refuses(Write::AddGroup(nod_core::people::Group { id: GroupId([9; 16]), ..group(1) })).await;
    bed.refuses(Write::AddGroup(nod_core::people::Group { name: "other".into(), ..group(1) })).await;
    assert_eq!(bed.store.groups().await, Ok(vec![first.clone(), second.clone()]));

    let member = |group: u8, user: u8| (GroupId([group; 16]), UserId([user; 16]));
    let add = |(group, user)| Write::AddMember(super::rows::member(group, user));
    let remove = |(group, user)| Write::RemoveMember { group, user };
    bed.accepts([add(member(1, 2)), add(member(1, 1)), add(member(2, 1))]).await;
    bed.refuses(add(member(1, 2))).await;
    bed.refuses(add(member(9, 1))).await;
    bed.refuses(add(member(1, 9))).await;
    bed.refuses(remove(member(2, 2))).await;
    assert_eq!(bed.store.members(first.id).await, Ok(vec![ANNA, UserId([2; 16])]));
    assert_eq!(bed.store.member(second.id, ANNA).await, Ok(Some(super::rows::member(second.id, ANNA))));
    assert_eq!(bed.store.member(second.id, UserId([2; 16])).await, Ok(None));
    bed.accepts([remove(member(1, 1))]).await;
    assert_eq!(bed.store.members(first.id).await, Ok(vec![UserId([2; 16])]));

    bed.accepts([Write::AddApp(nod_core::access::App { group: Some(first.id), ..app(1) })]).await;
    bed.refuses(Write::RemoveGroup(first.id)).await;
    bed.refuses(Write::RemoveGroup(GroupId([9; 16]))).await;
    bed.accepts([Write::RemoveApp(app(1).id), Write::RemoveGroup(first.id)]).await;
    assert_eq!(bed.store.groups().await, Ok(vec![second]));
    assert_eq!(bed.store.member(first.id, UserId([2; 16])).await, Ok(None));
    bed.accepts([Write::AddGroup(first.clone())]).await;
    assert_eq!(bed.store.members(first.id).await, Ok(vec![]), "memberships went with the group");
}

pub async fn apps_are_unique_and_take_their_rows_with_them<S: Store + 'static>(bed: &Bed<S>) {
    let grouped = nod_core::access::App { group: Some(group(5).id), ..app(2) };
    bed.anna().await;
    bed.refuses(Write::AddApp(grouped.clone())).await;
    bed.accepts([Write::AddGroup(group(5)), Write::AddApp(grouped.clone()), Write::AddApp(app(1))]).await;
    for taken in [
        nod_core::access::App { name: app(1).name, ..app(3) },
        nod_core::access::App { origin: app(1).origin, ..app(3) },
        nod_core::access::App { id: app(1).id, ..app(3) },
    ] {
        bed.refuses(Write::AddApp(taken)).await;
    }
    assert_eq!(bed.store.app(grouped.id).await, Ok(Some(grouped.clone())));
    assert_eq!(bed.store.app_by_origin("https://app1.example.com").await, Ok(Some(app(1))));
    assert_eq!(bed.store.app_by_origin("https://app1.example.com/").await, Ok(None));
    assert_eq!(bed.store.apps().await, Ok(vec![app(1), grouped.clone()]));

    let session = session(1, ANNA);
    bed.accepts([
        Write::AddSession(session.clone()),
        Write::AddAppCode(app_code(5, session.id, app(1).id)),
        Write::AddAppSession(app_session(6, session.id, app(1).id)),
        Write::AddAppSession(app_session(7, session.id, grouped.id)),
        Write::RemoveApp(app(1).id),
    ])
    .await;
    bed.refuses(Write::RemoveApp(app(1).id)).await;
    assert_eq!(bed.store.app(app(1).id).await, Ok(None));
    assert_eq!(bed.store.app_code(hash(5)).await, Ok(None));
    assert_eq!(bed.store.app_session(hash(6)).await, Ok(None));
    assert_eq!(bed.store.app_session(hash(7)).await, Ok(Some(app_session(7, session.id, grouped.id))));
    bed.refuses(Write::UseAppCode { code: hash(5) }).await;
}

pub async fn counters_count_in_windows<S: Store + 'static>(bed: &Bed<S>) {
    let limit = Limit { count: 2, window: Millis(1_000) };
    let count = |bucket: &str| Write::Count { bucket: bucket.into(), limit };
    assert_eq!(bed.store.count("a", limit).await, Ok(0));
    let start = bed.clock.now();
    bed.accepts([count("a")]).await;
    bed.clock.set(start.after(Millis(999)));
    bed.accepts([count("a")]).await;
    bed.refuses(count("a")).await;
    assert_eq!(bed.store.commit(vec![count("a")]).await, Err(CommitError::Conflict { index: 0 }));
    bed.accepts([count("b")]).await;
    assert_eq!(bed.store.count("a", limit).await, Ok(2));
    assert_eq!(bed.store.count("b", limit).await, Ok(1));

    // The window starts with the first, and its end counts as ended.
    bed.clock.set(start.after(Millis(1_000)));
    assert_eq!(bed.store.count("a", limit).await, Ok(0));
    bed.accepts([count("a"), count("a")]).await;
    bed.refuses(count("a")).await;
    bed.accepts([Write::ResetCount { bucket: "a".into() }, Write::ResetCount { bucket: "none".into() }]).await;
    assert_eq!(bed.store.count("a", limit).await, Ok(0));
    bed.accepts([count("a")]).await;
    let never = Limit { count: 0, window: Millis(1_000) };
    bed.refuses(Write::Count { bucket: "fresh".into(), limit: never }).await;
}

pub async fn audit_is_read_backwards<S: Store + 'static>(bed: &Bed<S>) {
    let whole = Event::new(EventKind::Approved, at(1))
        .user(ANNA, "Anna")
        .app(Some(AppId([2; 16])), "Payroll")
        .device(DeviceId([3; 16]), "Pixel")
        .address("192.0.2.1")
        .detail(", number matched");
    let nod = Event::new(EventKind::SignedIn, at(2)).app(None, "Nod");
    let bare = Event::new(EventKind::GroupChanged, at(0));
    assert_eq!(bed.store.audit(None, 10).await, Ok(vec![]));
    bed.accepts([Write::Audit(whole.clone()), Write::Audit(nod.clone())]).await;
    bed.accepts([Write::Audit(bare.clone())]).await;
    let all = bed.store.audit(None, 10).await.unwrap_or_default();
    let events: Vec<&Event> = all.iter().map(|(_, event)| event).collect();
    assert_eq!(events, [&bare, &nod, &whole]);
    assert!(all.windows(2).all(|pair| matches!(pair, [newer, older] if newer.0 > older.0)), "{all:?}");
    let newest = bed.store.audit(None, 1).await.unwrap_or_default();
    assert_eq!(newest.as_slice(), all.get(..1).unwrap_or_default());
    let before = newest.first().map(|(place, _)| *place);
    let older = bed.store.audit(before, 10).await.unwrap_or_default();
    assert_eq!(older.as_slice(), all.get(1..).unwrap_or_default());
}

pub async fn the_audit_of_one_user_is_theirs_alone<S: Store + 'static>(bed: &Bed<S>) {
    let about = |user: UserId, ms| Event::new(EventKind::SignedIn, at(ms)).user(user, "Somebody");
    let (first, other, second) = (about(ANNA, 1), about(UserId([77; 16]), 2), about(ANNA, 3));
    let nobody = Event::new(EventKind::GroupChanged, at(4));
    assert_eq!(bed.store.audit_of(ANNA, None, 10).await, Ok(vec![]));
    bed.accepts([&first, &other, &second, &nobody].map(|event| Write::Audit(event.clone()))).await;
    let all = bed.store.audit_of(ANNA, None, 10).await.unwrap_or_default();
    assert_eq!(all.iter().map(|(_, event)| event).collect::<Vec<_>>(), [&second, &first]);
    let newest = bed.store.audit_of(ANNA, None, 1).await.unwrap_or_default();
    assert_eq!(newest.as_slice(), all.get(..1).unwrap_or_default());
    let before = newest.first().map(|(place, _)| *place);
    assert_eq!(bed.store.audit_of(ANNA, before, 10).await.as_deref(), Ok(all.get(1..).unwrap_or_default()));
}

/// INV-22: each event follows from the one before it, counted from 1, whatever came between.
pub async fn audit_is_one_chain<S: Store + 'static>(bed: &Bed<S>) {
    let event = |detail: &str| Event::new(EventKind::PasswordRefused, at(1)).user(ANNA, "Anna").detail(detail);
    assert_eq!(bed.store.audit_after(0, 10).await, Ok(vec![]));
    bed.accepts([Write::Audit(event("a")), Write::Audit(event("b\r\nc"))]).await;
    // What a refused commit wrote leaves no gap.
    let never = Write::Count { bucket: "none".into(), limit: Limit { count: 0, window: Millis(1) } };
    bed.refuses_at(1, [Write::Audit(event("lost")), never]).await;
    bed.accepts([Write::Audit(Event::new(EventKind::AppAdded, at(-1)).app(Some(AppId([2; 16])), ""))]).await;
    bed.accepts([Write::Audit(Event::new(EventKind::AppRemoved, at(9)).address("::1"))]).await;
    assert_eq!(follows(bed).await, 4);
    let chain = bed.store.audit_after(0, 10).await.unwrap_or_default();
    assert_eq!(bed.store.audit_after(1, 2).await.as_deref(), Ok(chain.get(1..3).unwrap_or_default()));
    assert_eq!(bed.store.audit_after(4, 10).await, Ok(vec![]));
}

pub async fn racing_events_are_one_chain<S: Store + 'static>(bed: &Bed<S>) {
    let event = |racer: u32| Write::Audit(Event::new(EventKind::SignedIn, at(1)).detail(racer.to_string()));
    assert_eq!(bed.winners(|racer| vec![event(racer), event(racer)]).await, RACERS as usize);
    assert_eq!(follows(bed).await, i64::from(RACERS) * 2);
}

/// Every link follows from the one before; how many there are.
async fn follows<S: Store + 'static>(bed: &Bed<S>) -> i64 {
    let (mut sequence, mut previous) = (0, ChainHash::START);
    for link in bed.store.audit_after(0, 1_000).await.unwrap_or_default() {
        sequence += 1;
        let event = link.event.as_ref().map(|event| chain_hash(&previous, sequence, event));
        assert_eq!((link.sequence, link.hash), (sequence, event), "{link:?}");
        previous = link.hash.unwrap_or(ChainHash::START);
    }
    sequence
}

pub async fn meta_is_set_once<S: Store + 'static>(bed: &Bed<S>) {
    let set = |value: u8| Write::SetMeta { key: "k".into(), value: vec![value, 0] };
    assert_eq!(bed.store.meta("k").await, Ok(None));
    bed.accepts([set(1)]).await;
    bed.refuses(set(2)).await;
    assert_eq!(bed.store.meta("k").await, Ok(Some(vec![1, 0])));
    let change = |from: u8, to: u8| Write::ChangeMeta { key: "k".into(), from: vec![from, 0], to: vec![to, 0] };
    bed.refuses(change(2, 3)).await;
    bed.accepts([change(1, 2)]).await;
    bed.refuses(change(1, 3)).await;
    assert_eq!(bed.store.meta("k").await, Ok(Some(vec![2, 0])));
    bed.refuses(Write::ChangeMeta { key: "other".into(), from: vec![], to: vec![1] }).await;
}

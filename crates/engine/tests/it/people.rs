//! Accounts by the hundred.

use nod_engine::ports::Store as _;
use nod_engine::{NewUser, Standing};

use crate::{Scene, kind};

fn named(name: &str, group: &str) -> NewUser {
    NewUser { name: name.to_owned(), groups: vec![group.to_owned()], ..NewUser::default() }
}

/// Between judging and adding somebody takes a name, or removes a group: then no account of the file is there.
#[tokio::test]
async fn accounts_are_added_together_or_not_at_all() {
    let scene = Scene::new().await;
    let staff = scene.engine.add_group("staff").await.unwrap();
    let judge =
        || async { scene.engine.judge_users(&[named("bo", "staff"), named("cid", "staff")]).await.unwrap().unwrap() };
    let users = judge().await;
    let cid = scene.engine.add_user("cid", None, false).await.unwrap();
    let events = scene.store.audit(None, 1_000).await.unwrap().len();
    assert_eq!(kind(scene.engine.add_users(users).await), "conflict");
    assert!(scene.store.user_by_name("bo").await.unwrap().is_none());
    assert_eq!(scene.store.audit(None, 1_000).await.unwrap().len(), events);
    let bad = scene.engine.judge_users(&[named("cid", "staff")]).await.unwrap().unwrap_err();
    assert!(bad[0].reason.contains("already"), "{bad:?}");

    let users = scene.engine.judge_users(&[named("bo", "staff")]).await.unwrap().unwrap();
    scene.engine.remove_group(&staff).await.unwrap();
    assert_eq!(kind(scene.engine.add_users(users).await), "conflict");
    assert!(scene.store.user_by_name("bo").await.unwrap().is_none());
    assert!(scene.store.user(cid.id).await.unwrap().is_some());
}

/// Letters of two runs at once: one of them writes, and nobody is written to twice within a day.
#[tokio::test]
async fn a_letter_with_a_link_goes_out_once_a_day() {
    let scene = Scene::new().await;
    let bo = scene.engine.add_user("bo", None, false).await.unwrap();
    let anna = scene.store.user(scene.anna.user).await.unwrap().unwrap();
    assert_eq!(scene.engine.enrolment_standing(&anna).await.unwrap(), Standing::Enrolled(1));
    assert_eq!(scene.engine.enrolment_standing(&bo).await.unwrap(), Standing::Waiting);
    let mut race = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (engine, bo) = (scene.engine.clone(), bo.id);
        race.spawn(async move { engine.open_enrolment_by_letter(bo, true).await.unwrap() });
    }
    let made: Vec<_> = race.join_all().await.into_iter().flatten().collect();
    assert_eq!(made.len(), 1);
    assert_eq!(scene.engine.enrolment_standing(&bo).await.unwrap(), Standing::Linked(made[0].1));

    // Not sent: the link is dead, and the next run may write.
    scene.engine.letter_not_sent(&bo, "the mail server is away").await.unwrap();
    assert_eq!(kind(scene.engine.open_link(&made[0].0).await), "not found");
    let (_, until) = scene.engine.open_enrolment_by_letter(bo.id, true).await.unwrap().unwrap();
    assert!(scene.engine.open_enrolment_by_letter(bo.id, true).await.unwrap().is_none());
    scene.clock.advance(nod_core::Millis::days(1));
    assert_eq!(scene.engine.enrolment_standing(&bo).await.unwrap(), Standing::Linked(until));
    let (secret, _) = scene.engine.open_enrolment_by_letter(bo.id, true).await.unwrap().unwrap();
    scene.engine.open_link(&secret).await.unwrap();
    assert!(matches!(scene.engine.enrolment_standing(&bo).await.unwrap(), Standing::Busy(_)));
    scene.clock.advance(nod_core::limits::ENROLMENT_SESSION_LIFE);
    assert_eq!(scene.engine.enrolment_standing(&bo).await.unwrap(), Standing::Waiting);
    // One letter for one person is sent whenever it is asked for.
    for _ in 0..2 {
        assert!(scene.engine.open_enrolment_by_letter(bo.id, false).await.unwrap().is_some());
    }
    scene.engine.set_user_state(&bo, nod_core::people::UserState::Disabled).await.unwrap();
    let bo = scene.store.user(bo.id).await.unwrap().unwrap();
    assert_eq!(scene.engine.enrolment_standing(&bo).await.unwrap(), Standing::Disabled);
    assert_eq!(kind(scene.engine.open_enrolment_by_letter(bo.id, true).await), "not found");
}

//! Accounts by the hundred.

use nod_engine::NewUser;
use nod_engine::ports::Store as _;

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

//! Recovery codes: INV-15, INV-19, INV-21.

use std::collections::BTreeSet;

use nod_core::access::Session;
use nod_core::people::User;
use nod_core::recovery::{RecoveryKind, read_typed};
use nod_core::{Millis, limits};
use nod_engine::ports::Store as _;
use nod_protocol::answer::Decision;

use crate::{Scene, kind};

impl Scene {
    /// Anna's account.
    pub(crate) async fn owner(&self) -> User {
        self.engine.user_named("anna").await.unwrap()
    }

    /// A session that her phone approved just now, in her own browser.
    pub(crate) async fn signed_in(&self) -> Session {
        self.clock.advance(limits::BROWSER_ROTATION_GRACE);
        let (sign_in, request) = self.asked().await;
        self.give(&request, &self.signed(&request, Decision::Approve)).await.unwrap();
        let cookie = self.engine.finish(&sign_in, None).await.unwrap().session;
        self.engine.session(&cookie).await.unwrap().0
    }

    /// A fresh set of codes, as they are printed.
    pub(crate) async fn codes(&self) -> Vec<String> {
        let (codes, _) = self.engine.make_recovery_codes(&self.signed_in().await, &self.owner().await).await.unwrap();
        codes.iter().map(|code| code.to_string()).collect()
    }
}

#[tokio::test]
async fn codes_are_made_in_a_fresh_session_and_shown_once() {
    let scene = Scene::new().await;
    let (session, anna) = (scene.signed_in().await, scene.owner().await);
    let (codes, _) = scene.engine.make_recovery_codes(&session, &anna).await.unwrap();
    assert_eq!(scene.events().await[0], "recovery_made");
    let read: BTreeSet<String> = codes.iter().map(|code| read_typed(code).unwrap()).collect();
    assert_eq!(read.len(), limits::RECOVERY_CODES);
    assert!(read.iter().all(|code| code.len() == 24) && codes.iter().all(|code| code.split('-').count() == 6));
    let rows = scene.store.recovery_codes_of(anna.id).await.unwrap();
    for code in &read {
        let row = rows.iter().find(|row| code.starts_with(&row.prefix)).unwrap();
        assert!(row.kind == RecoveryKind::Code && row.expires_at.is_none());
        let hash = nod_protocol::sha256(code.as_bytes());
        let holds = |part: &[u8]| row.hash.windows(part.len()).any(|window| window == part);
        assert!(!holds(code.as_bytes()) && !holds(&hash), "INV-19, D01: nothing to guess against without the key");
    }
    scene.clock.advance(Millis(1));
    scene.engine.make_recovery_codes(&session, &anna).await.unwrap();
    let again = scene.store.recovery_codes_of(anna.id).await.unwrap();
    assert!(again.len() == rows.len() && again.iter().all(|new| rows.iter().all(|old| old.id != new.id)), "void");
    scene.clock.advance(limits::FRESH_SIGN_IN);
    assert_eq!(kind(scene.engine.make_recovery_codes(&session, &anna).await), "forbidden", "INV-15");
    assert_eq!(scene.store.recovery_codes_of(anna.id).await.unwrap(), again);
}

#[tokio::test]
async fn phones_hear_of_new_codes_and_an_administrator_takes_them_away() {
    let scene = Scene::new().await;
    let anna = scene.owner().await;
    assert_eq!(kind(scene.engine.revoke_recovery(&anna).await), "conflict", "there are none");
    scene.clock.advance(Millis(1));
    scene.codes().await;
    assert_eq!(scene.engine.recovery_codes_left(anna.id).await.unwrap(), limits::RECOVERY_CODES);
    scene.engine.revoke_recovery(&anna).await.unwrap();
    assert_eq!(scene.engine.recovery_codes_left(anna.id).await.unwrap(), 0);
    let told = scene.engine.notices(&scene.phone().await.unwrap()).await.unwrap();
    let kinds: Vec<&str> = told.iter().map(|notice| notice.kind.as_str()).collect();
    assert!(kinds.contains(&"recovery_made") && kinds.contains(&"recovery_revoked"), "INV-15: {kinds:?}");
}

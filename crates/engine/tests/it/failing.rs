//! INV-27: a store that fails grants nothing and says so.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use nod_protocol::answer::Decision;
use nod_testkit::{Broken, folk};

use crate::{Scene, kind};

/// Every call of the store fails in turn, once; whatever comes of it, nothing is granted that was not approved, and an error
/// is an error.
#[tokio::test]
async fn every_failing_call_denies() {
    for fails_at in 0..200 {
        let scene = Scene::new().await;
        let (sign_in, request) = scene.asked().await;
        let store = Arc::new(Broken { inner: Arc::clone(&scene.store), countdown: AtomicU64::new(fails_at) });
        let engine = folk::engine(store.clone(), 3);
        let Ok(phone) = engine.phone(&scene.anna.phones[0].token).await else { continue };
        let (deny, id) = (scene.signed(&request, Decision::Deny), nod_core::ChallengeId(request.id.0));
        // Whatever becomes of the fetching, the phone knows what it is asked.
        let fetched = engine.request(&phone, id).await;
        assert!(fetched.is_ok() || kind(fetched) == "store", "call {fails_at}");
        let answered = engine.answer(&phone, id, &deny).await;
        let finished = engine.finish(&sign_in, None).await;
        assert!(finished.is_err(), "call {fails_at}: a denied or failed sign-in was granted");
        if answered.is_err() {
            assert_eq!(kind(answered), "store", "call {fails_at}");
            assert_eq!(scene.state(&request).await, "pending", "nothing half done");
        }
        if !store.has_failed() {
            assert!(fails_at > 10, "the run makes more calls than that");
            return;
        }
    }
    panic!("the run ends somewhere");
}

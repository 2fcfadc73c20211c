//! The internal router where time is moved by hand.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use nod_http::{AppState, Followers, Pulse, TrustedProxies, internal};
use tower::ServiceExt as _;

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn a_delivery_that_no_longer_turns_is_not_ready() {
    let world = World::new();
    let pulse = Pulse::new();
    let state = AppState::new(world.engine.clone(), TrustedProxies::default(), world.word.clone()).unwrap();
    let router = internal(state, pulse.clone(), &Followers::default(), None);
    let ready = async || {
        let request = Request::get("/health/ready").body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        (status, String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
    };
    assert_eq!(ready().await, (200, "ready\n".to_owned()));
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(ready().await, (503, "not ready: the delivery of pushes has not moved for 31 s\n".to_owned()));
    pulse.beat();
    assert_eq!(ready().await.0, 200);
    world.stop.stop();
    assert_eq!(ready().await, (503, "not ready: stopping\n".to_owned()));
}

//! A phone's whole life over HTTP.

use http::Method;
use http::header::{AUTHORIZATION, COOKIE};
use http_body_util::BodyExt as _;
use nod_core::people::UserState;
use nod_protocol::answer::Decision;
use nod_protocol::device_api::{
    AnswerAnswer, HistoryAnswer, PendingAnswer, PendingEvent, RequestBody, RequestState, ServerInfo, SessionRequest,
    paths,
};

use crate::people::{enrolled, signed_in, with};
use crate::world::{NOD, ORIGIN, WithJson as _, World, get, post, to};

/// The next event's data of a stream, comment lines skipped; none at the end.
async fn event(body: &mut axum::body::Body) -> Option<PendingEvent> {
    loop {
        let frame = body.frame().await?.unwrap().into_data().unwrap();
        let text = std::str::from_utf8(&frame).unwrap();
        if let Some(data) = text.strip_prefix("event: pending\ndata: ") {
            return Some(serde_json::from_str(data.trim_end()).unwrap());
        }
    }
}

#[tokio::test]
async fn enrol_sign_in_answer_history_and_removal() {
    let world = World::new();
    let mut anna = enrolled(&world, "anna").await;
    let info: ServerInfo = world.send(get(paths::SERVER).empty()).await.json();
    assert_eq!((info.origin.as_str(), info.rp_id.as_str()), (ORIGIN, NOD));

    let token = anna.phone.token.clone();
    let asked = |method, path: &str| with(&token, method, path).empty();
    let mut stream = world.open(asked(Method::GET, paths::EVENTS), "192.0.2.10:1").await.into_body();
    assert_eq!(event(&mut stream).await.unwrap().ids, []);

    let sign_in = anna.begin(&world, None, "/").await;
    let id = anna.challenge(&world, &sign_in).await;
    assert_eq!(event(&mut stream).await.unwrap().ids, [id]);
    let pending: PendingAnswer = world.send(asked(Method::GET, paths::PENDING)).await.json();
    assert_eq!(pending.requests.iter().map(|request| request.id).collect::<Vec<_>>(), [id]);
    let request: RequestBody = world.send(asked(Method::GET, &paths::request(&id))).await.json();
    assert_eq!((request.state, request.device), (RequestState::Pending, anna.phone.device));

    let body = anna.phone.answer(&request, Decision::Approve);
    let answer = || async { world.send(with(&token, Method::POST, &paths::answer(&id)).json(&body)).await };
    assert_eq!(answer().await.json::<AnswerAnswer>().state, RequestState::Approved);
    assert_eq!(answer().await.json::<AnswerAnswer>().state, RequestState::Approved, "a lost reply is given again");
    assert_eq!(event(&mut stream).await.unwrap().ids, []);
    let other = anna.phone.answer(&request, Decision::Deny);
    let late = world.send(with(&token, Method::POST, &paths::answer(&id)).json(&other)).await;
    assert_eq!((late.status.as_u16(), late.error().as_str()), (409, "conflict"));
    let history: HistoryAnswer = world.send(asked(Method::GET, paths::HISTORY)).await.json();
    assert_eq!((history.answers.len(), history.answers[0].decision), (1, Decision::Approve));

    let removed = world.send(asked(Method::DELETE, &paths::device(&anna.phone.device))).await;
    assert_eq!(removed.status, 204);
    assert_eq!(event(&mut stream).await, None, "a removed phone hears nothing more");
    assert_eq!(world.send(asked(Method::GET, paths::PENDING)).await.status, 401);
}

#[tokio::test]
async fn a_forged_answer_is_told_nothing_and_written_down() {
    let world = World::new();
    let mut anna = enrolled(&world, "anna").await;
    let sign_in = anna.begin(&world, None, "/").await;
    let id = anna.challenge(&world, &sign_in).await;
    let token = anna.phone.token.clone();
    let request: RequestBody = world.send(with(&token, Method::GET, &paths::request(&id)).empty()).await.json();
    let mut body = anna.phone.answer(&request, Decision::Approve);
    let stolen = anna.phone.answer(&request, Decision::Deny);
    body.answer = stolen.answer.rsplit_once('.').map(|(signed, _)| format!("{signed}.{}", "A".repeat(86))).unwrap();
    body.assertion = None;
    let before = world.engine.store().audit(None, 100).await.unwrap().len();
    let answer = world.send(with(&token, Method::POST, &paths::answer(&id)).json(&body)).await;
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (401, "bad_signature"));
    let audit = world.engine.store().audit(None, 100).await.unwrap();
    assert_eq!(audit.len(), before + 1);
    assert!(!audit[0].1.detail.is_empty() && !answer.text().contains(&audit[0].1.detail), "{}", answer.text());
    let unchanged: RequestBody = world.send(with(&token, Method::GET, &paths::request(&id)).empty()).await.json();
    assert_eq!(unchanged.state, RequestState::Pending);
}

#[tokio::test]
async fn other_peoples_things_are_not_there() {
    let world = World::new();
    let (mut anna, ben) = (enrolled(&world, "anna").await, enrolled(&world, "ben").await);
    let sign_in = anna.begin(&world, None, "/").await;
    let id = anna.challenge(&world, &sign_in).await;
    let request: RequestBody =
        world.send(with(&anna.phone.token, Method::GET, &paths::request(&id)).empty()).await.json();
    let rows = world.rows();
    let answer = anna.phone.answer(&request, Decision::Approve);
    let device = serde_json::json!({ "device": anna.phone.device });
    for refused in [
        with(&ben.phone.token, Method::GET, &paths::request(&id)).empty(),
        with(&ben.phone.token, Method::POST, &paths::answer(&id)).json(&answer),
        with(&ben.phone.token, Method::GET, &paths::enrol_state(&anna.phone.device)).empty(),
        with(&ben.phone.token, Method::DELETE, &paths::device(&anna.phone.device)).empty(),
        with(&ben.phone.token, Method::POST, paths::SELF_TEST).json(&device),
        with(&ben.phone.token, Method::GET, &paths::self_test(&id)).empty(),
        with(&ben.phone.token, Method::GET, &paths::request(&anna.phone.device)).empty(),
        with(&ben.phone.token, Method::GET, "/api/device/v1/requests/not-an-id").empty(),
    ] {
        let path = refused.uri().clone();
        let answer = world.send(refused).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (404, "not_found"), "{path}");
    }
    assert_eq!(world.rows(), rows);
}

#[tokio::test]
async fn the_cookie_is_as_good_as_the_token_but_not_from_other_sites() {
    let world = World::new();
    let anna = enrolled(&world, "anna").await;
    let cookie = format!("__Host-nod-device={}", anna.phone.token);
    let own = world.send(get(paths::PENDING).header(COOKIE, &cookie).empty()).await;
    assert_eq!(own.status, 200);
    let twice = get(paths::PENDING).header(COOKIE, format!("{cookie}; {cookie}")).empty();
    assert_eq!(world.send(twice).await.status, 401, "two of one name are none (W14)");
    let revoke = paths::device(&anna.phone.device);
    let rows = world.rows();
    for foreign in [
        to(NOD, Method::DELETE, &revoke).header(COOKIE, &cookie).header("sec-fetch-site", "cross-site"),
        to(NOD, Method::DELETE, &revoke).header(COOKIE, &cookie).header("sec-fetch-site", "same-site"),
        to(NOD, Method::DELETE, &revoke).header(COOKIE, &cookie).header("origin", "https://evil.example"),
        to(NOD, Method::DELETE, &revoke).header(COOKIE, &cookie).header("origin", "null"),
        to(NOD, Method::DELETE, &revoke).header(COOKIE, &cookie),
        get(paths::EVENTS).header(COOKIE, &cookie).header("sec-fetch-site", "cross-site"),
        get(paths::EVENTS).header(COOKIE, &cookie).header("origin", "https://evil.example"),
    ] {
        let answer = world.send(foreign.empty()).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (403, "forbidden"));
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    assert_eq!(world.rows(), rows);
    let self_test = post(paths::SELF_TEST).header(COOKIE, &cookie);
    let answer = world.send(self_test.json(&serde_json::json!({ "device": anna.phone.device }))).await;
    assert_eq!(answer.error(), "conflict", "our own page may, though this phone cannot be rung");
}

#[tokio::test]
async fn a_used_nonce_and_a_disabled_account_open_nothing() {
    let world = World::new();
    let anna = enrolled(&world, "anna").await;
    let nonce = world.engine.device_nonce().await.unwrap().nonce;
    let payload = nod_protocol::device_sign_in::DeviceSignInPayload {
        nonce,
        device: anna.phone.device,
        origin: ORIGIN.to_owned(),
    };
    let statement = nod_protocol::device_sign_in::sign_device_sign_in(&anna.phone.key, &payload).unwrap();
    let body = SessionRequest { devices: vec![statement] };
    let sent = || async { world.send(to(NOD, Method::POST, paths::SESSION).json(&body)).await };
    assert_eq!(sent().await.status, 200);
    let again = sent().await;
    assert_eq!((again.status.as_u16(), again.error().as_str()), (401, "bad_signature"));
    assert_eq!(again.cookie("__Host-nod-device"), None);

    let session = signed_in(&world, &anna.phone.key, anna.phone.device).await;
    world.clock.advance(nod_core::limits::DEVICE_SESSION_LIFE);
    assert_eq!(world.send(with(&session.token, Method::GET, paths::PENDING).empty()).await.status, 401, "it has ended");
    let session = signed_in(&world, &anna.phone.key, anna.phone.device).await;
    world.engine.set_user_state(&anna.user, UserState::Disabled).await.unwrap();
    let pending = get(paths::PENDING).header(AUTHORIZATION, format!("Bearer {}", session.token)).empty();
    let pending = world.send(pending).await;
    let empty = pending.status == 401 || pending.json::<PendingAnswer>().requests.is_empty();
    assert!(empty, "{}", pending.text());
}

#[tokio::test]
async fn stages_are_always_taken_in_silence() {
    let world = World::new();
    let rows = world.rows();
    for body in [
        &b""[..],
        b"{",
        b"\xff",
        b"{\"request\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"stage\":\"worker_woke\"}",
        b"{\"request\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"stage\":\"approved\"}",
        &[b' '; 20_000],
    ] {
        let answer = world.send(to(NOD, Method::POST, paths::STAGES).body(body.to_vec().into()).unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    }
    assert_eq!(world.rows(), rows);
}

//! A phone's whole life: enrol, sign in, list, answer, be revoked.

use std::sync::Arc;

use nod_phone::client::server_info;
use nod_phone::{Phone, PhoneError};
use nod_protocol::answer::Decision;
use nod_protocol::context::Context;
use nod_protocol::device_api::{DeviceState, ErrorCode, Missing, RequestState};
use nod_protocol::enrolment::confirmation;

use crate::server::{CODE, DEVICE, ENROLMENT, Stub};
use crate::{Seeded, http};

async fn pending_phone(stub: &Stub) -> Phone {
    let (mut phone, enrolled) =
        Phone::enrol(http(), Arc::new(Seeded::new(1)), &stub.origin(), CODE.parse().unwrap(), "terminal")
            .await
            .unwrap();
    let thumbprint = stub.lock().key.unwrap().thumbprint();
    assert_eq!(enrolled.confirmation, confirmation(&ENROLMENT, &DEVICE, &thumbprint));
    phone.finish_enrolment(&enrolled).await.unwrap();
    phone
}

async fn active_phone(stub: &Stub) -> Phone {
    let phone = pending_phone(stub).await;
    stub.lock().confirmed = true;
    phone.wait_active().await.unwrap();
    phone
}

#[tokio::test]
async fn an_enrolment_ends_with_the_confirmation() {
    let stub = Stub::start().await;
    assert_eq!(server_info(&http(), &stub.origin()).await.unwrap().rp_id, "nod.localhost");
    let phone = pending_phone(&stub).await;
    let state = phone.enrol_state().await.unwrap();
    assert_eq!((state.state, state.missing), (DeviceState::Pending, vec![Missing::Confirmation]));
    stub.lock().confirmed = true;
    phone.wait_active().await.unwrap();
    assert!(phone.account().passkey.is_some());
}

#[tokio::test]
async fn a_wrong_code_enrols_nothing() {
    let stub = Stub::start().await;
    let code = "ZZZZ9999".parse().unwrap();
    let refused = Phone::enrol(http(), Arc::new(Seeded::new(1)), &stub.origin(), code, "terminal").await;
    assert_eq!(refused.unwrap_err().code(), Some(ErrorCode::NotFound));
    assert!(stub.lock().key.is_none());
}

#[tokio::test]
async fn a_server_that_calls_itself_otherwise_is_refused() {
    let stub = Stub::start().await;
    let origin = stub.origin();
    stub.lock().origin = "https://nod.example.com".to_owned();
    let refused =
        Phone::enrol(http(), Arc::new(Seeded::new(1)), &origin, CODE.parse().unwrap(), "terminal").await.unwrap_err();
    assert!(matches!(refused, PhoneError::WrongContext(_)), "{refused}");
}

#[tokio::test]
async fn requests_are_listed_approved_and_denied() {
    let stub = Stub::start().await;
    let phone = active_phone(&stub).await;
    assert!(phone.pending().await.unwrap().is_empty());
    let ids = [stub.ask(1, None), stub.ask(2, None), stub.ask(3, None)];
    let requests = phone.pending().await.unwrap();
    assert_eq!(requests.iter().map(nod_phone::Request::id).collect::<Vec<_>>(), ids);
    assert_eq!(requests[0].context().app, "Wiki");
    assert_eq!(requests[0].time_left_ms(), 60_500);
    let approved = phone.answer(&requests[0], Decision::Approve, None).await.unwrap();
    let denied = phone.answer(&requests[1], Decision::Deny, None).await.unwrap();
    let fraud = phone.answer(&requests[2], Decision::DenyFraud, None).await.unwrap();
    assert_eq!([approved, denied, fraud], [RequestState::Approved, RequestState::Denied, RequestState::Denied]);
    let again = phone.answer(&requests[0], Decision::Deny, None).await.unwrap_err();
    assert_eq!(again.code(), Some(ErrorCode::Conflict));
    let decisions: Vec<Decision> = phone.history().await.unwrap().iter().map(|entry| entry.decision).collect();
    assert_eq!(decisions, [Decision::DenyFraud, Decision::Deny, Decision::Approve]);
}

#[tokio::test]
async fn number_mode_needs_the_number_and_a_wrong_one_ends_the_request() {
    let stub = Stub::start().await;
    let phone = active_phone(&stub).await;
    let number = "042137".parse().unwrap();
    let right = stub.ask(1, Some(number));
    let wrong = stub.ask(2, Some(number));
    let request = phone.request(&right).await.unwrap();
    assert!(stub.lock().challenges[&right].opened);
    let missing = phone.answer(&request, Decision::Approve, None).await.unwrap_err();
    assert!(matches!(missing, PhoneError::NumberNeeded));
    assert_eq!(phone.answer(&request, Decision::Approve, Some(number)).await.unwrap(), RequestState::Approved);
    let request = phone.request(&wrong).await.unwrap();
    let refused = phone.answer(&request, Decision::Approve, "999999".parse().ok()).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::WrongNumber));
    assert_eq!(phone.request(&wrong).await.unwrap().body().state, RequestState::Failed);
}

#[tokio::test]
async fn a_denial_needs_no_number_and_sends_none() {
    let stub = Stub::start().await;
    let phone = active_phone(&stub).await;
    let number = "042137".parse().unwrap();
    let request = phone.request(&stub.ask(1, Some(number))).await.unwrap();
    // The stub asserts that neither number nor assertion came.
    assert_eq!(phone.answer(&request, Decision::Deny, Some(number)).await.unwrap(), RequestState::Denied);
}

#[tokio::test]
async fn a_lapsed_session_is_renewed_once() {
    let stub = Stub::start().await;
    let phone = active_phone(&stub).await;
    assert_eq!(stub.lock().sign_ins, 1, "one session for all calls");
    stub.lock().tokens.clear();
    phone.pending().await.unwrap();
    assert_eq!(stub.lock().sign_ins, 2);
    stub.lock().failures = vec![ErrorCode::NotSignedIn; 2];
    assert_eq!(phone.pending().await.unwrap_err().code(), Some(ErrorCode::NotSignedIn));
    assert_eq!(stub.lock().sign_ins, 3, "no endless renewal");
    phone.sign_in().await.unwrap();
    assert_eq!(stub.lock().sign_ins, 4);
}

#[tokio::test]
async fn calls_at_the_same_time_share_one_sign_in() {
    let stub = Stub::start().await;
    let phone = active_phone(&stub).await;
    stub.lock().tokens.clear();
    let outcomes = futures::future::join_all((0..8).map(|_| phone.pending())).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(stub.lock().sign_ins, 2);
}

#[tokio::test]
async fn a_removed_phone_is_not_accepted_any_more() {
    let stub = Stub::start().await;
    let phone = active_phone(&stub).await;
    phone.remove().await.unwrap();
    assert!(matches!(phone.pending().await, Err(PhoneError::NotAccepted)));
    assert!(matches!(phone.events().next().await, Err(PhoneError::NotAccepted)));
}

#[tokio::test]
async fn contexts_of_others_are_refused() {
    let stub = Stub::start().await;
    let phone = active_phone(&stub).await;
    let origin = stub.lock().origin.clone();
    for (origin, user) in [("https://evil.example.com", "ann"), (origin.as_str(), "eve")] {
        let id = stub.ask_with(1, None, |context: &mut Context| {
            context.origin = origin.to_owned();
            context.user = user.to_owned();
        });
        assert!(matches!(phone.request(&id).await, Err(PhoneError::WrongContext(_))));
        assert!(matches!(phone.pending().await, Err(PhoneError::WrongContext(_))));
    }
    let id = stub.ask(1, None);
    stub.lock().challenges.get_mut(&id).unwrap().body.context.0.push(b'x');
    assert!(matches!(phone.request(&id).await, Err(PhoneError::Context(_))));
    let id = stub.ask(1, None);
    stub.lock().challenges.get_mut(&id).unwrap().body.device = nod_protocol::Id([0; 16]);
    assert!(matches!(phone.request(&id).await, Err(PhoneError::WrongContext(_))));
    assert!(phone.pending().await.unwrap().is_empty(), "requests of other devices are not ours to list");
}

#[tokio::test]
async fn the_live_channel_tells_each_change_and_comes_back_after_a_break() {
    let stub = Stub::start().await;
    let phone = active_phone(&stub).await;
    let mut events = phone.events();
    assert_eq!(events.next().await.unwrap(), []);
    let first = stub.ask(1, None);
    assert_eq!(events.next().await.unwrap(), [first]);
    stub.break_streams();
    // Asked while the connection is broken: the new connection tells it at once.
    let second = stub.ask(2, None);
    assert_eq!(events.next().await.unwrap(), [first, second]);
    assert_eq!(stub.lock().streams, 2);
}

#[tokio::test]
async fn the_live_channel_outlives_a_restarting_server_and_a_lapsed_session() {
    let stub = Stub::start().await;
    let phone = active_phone(&stub).await;
    let id = stub.ask(1, None);
    {
        let mut inner = stub.lock();
        inner.failures = vec![ErrorCode::Unavailable, ErrorCode::TooMany];
        inner.tokens.clear();
    }
    let request = phone.wait_request().await.unwrap();
    assert_eq!(request.id(), id);
    assert_eq!(stub.lock().sign_ins, 2);
    assert!(stub.lock().failures.is_empty());
}

#[tokio::test]
async fn waiting_gets_the_next_request() {
    let stub = Stub::start().await;
    let phone = active_phone(&stub).await;
    let gone = stub.ask(1, None);
    stub.lock().challenges.get_mut(&gone).unwrap().body.state = RequestState::Expired;
    let mut id = None;
    let ask = async { id = Some(stub.ask(2, None)) };
    let (request, ()) = futures::join!(phone.wait_request(), ask);
    assert_eq!(Some(request.unwrap().id()), id);
}

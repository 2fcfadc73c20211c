//! The asking browser: cookie by hand, steps in order.

use std::sync::{Arc, Mutex};

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use nod_phone::EnrolBrowser;
use nod_protocol::pages::{ConfirmRequest, EnrolStatus, EnrolStep, OpenRequest, PasswordRequest, paths};

use crate::http;

const COOKIE: &str = "__Host-nod-enrol=secret";

type Shared = Arc<Mutex<EnrolStep>>;

fn status(step: EnrolStep) -> Json<EnrolStatus> {
    Json(EnrolStatus {
        can_use_key: true,
        on_hold: false,
        held_until: None,
        step,
        user: Some("ann".to_owned()),
        code: (step == EnrolStep::Device).then(|| "ABCD2345".parse().unwrap()),
        link: None,
        qr: None,
        expires_at: Some(2),
        now: 1,
        device: None,
    })
}

fn may(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    text("cookie") == Some(COOKIE) && text("origin").is_some_and(|origin| origin.starts_with("http://nod.localhost:"))
}

async fn open(Json(request): Json<OpenRequest>) -> Response {
    if request.token != "token" {
        return StatusCode::NOT_FOUND.into_response();
    }
    ([("set-cookie", format!("{COOKIE}; Path=/; Secure; HttpOnly; SameSite=Strict"))], status(EnrolStep::Password))
        .into_response()
}

async fn password(State(step): State<Shared>, headers: HeaderMap, Json(request): Json<PasswordRequest>) -> Response {
    if !may(&headers) || request.password != "correct horse battery" {
        return StatusCode::FORBIDDEN.into_response();
    }
    *step.lock().unwrap() = EnrolStep::Code;
    // No body: the browser then asks for the status.
    StatusCode::NO_CONTENT.into_response()
}

async fn code(State(step): State<Shared>, headers: HeaderMap) -> Response {
    if !may(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    *step.lock().unwrap() = EnrolStep::Device;
    status(EnrolStep::Device).into_response()
}

async fn current(State(step): State<Shared>, headers: HeaderMap) -> Response {
    if !may(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let mut step = step.lock().unwrap();
    let now = *step;
    // The device comes between two looks.
    if now == EnrolStep::Device {
        *step = EnrolStep::Confirm;
    }
    status(now).into_response()
}

async fn confirm(headers: HeaderMap, Json(request): Json<ConfirmRequest>) -> Response {
    if !may(&headers) || request.confirmation != "000042" {
        return StatusCode::FORBIDDEN.into_response();
    }
    ([("set-cookie", "__Host-nod-enrol=; Max-Age=0; Path=/; Secure")], status(EnrolStep::Done)).into_response()
}

async fn start() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://nod.localhost:{}", listener.local_addr().unwrap().port());
    let router = Router::new()
        .route(paths::ENROL_OPEN, post(open))
        .route(paths::ENROL_PASSWORD, post(password))
        .route(paths::ENROL_CODE, post(code))
        .route(paths::ENROL_STATUS, get(current))
        .route(paths::ENROL_CONFIRM, post(confirm))
        .with_state(Shared::new(Mutex::new(EnrolStep::Password)));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    origin
}

#[tokio::test]
async fn an_asking_browser_goes_through_its_steps() {
    let origin = start().await;
    let (mut browser, first) = EnrolBrowser::open_link(http(), &format!("{origin}/enrol#token")).await.unwrap();
    assert_eq!(first.step, EnrolStep::Password);
    assert!(browser.password("wrong").await.is_err());
    assert_eq!(browser.password("correct horse battery").await.unwrap().step, EnrolStep::Code);
    let shown = browser.code().await.unwrap();
    assert_eq!(shown.code, Some("ABCD2345".parse().unwrap()));
    assert_eq!(browser.wait_step(&[EnrolStep::Confirm]).await.unwrap().step, EnrolStep::Confirm);
    assert_eq!(browser.confirm("000042".parse().unwrap()).await.unwrap().step, EnrolStep::Done);
    // The cookie was taken back.
    assert!(browser.status().await.is_err());
}

#[tokio::test]
async fn a_wrong_or_foreign_link_opens_nothing() {
    let origin = start().await;
    assert!(EnrolBrowser::open_link(http(), &format!("{origin}/enrol#other")).await.is_err());
    assert!(EnrolBrowser::open_link(http(), &format!("{origin}/authenticator#enrol=ABCD2345")).await.is_err());
}

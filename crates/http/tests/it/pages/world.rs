//! A server over the store in memory, and browsers that keep cookies and say where their requests come from.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::header::{
    CONTENT_TYPE, COOKIE, HOST as HOST_HEADER, LOCATION, ORIGIN as ORIGIN_HEADER, SET_COOKIE, USER_AGENT,
};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use nod_core::people::User;
use nod_engine::{Engine, Outcome, Passwords, Settings, Vault};
use nod_http::{AppState, Peer, StopHandle, TrustedProxies, router};
use nod_protocol::enrolment::EnrolmentCode;
use nod_testkit::{MemoryStore, SeededEntropy, TestClock};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use zeroize::Zeroizing;

use super::softphone::SoftPhone;

pub(super) const HOST: &str = "nod.example.com";
pub(super) const ORIGIN: &str = "https://nod.example.com";
pub(super) const PASSWORD: &str = "correct horse battery";

/// Passwords without the work of hashing.
struct Plain;

#[async_trait::async_trait]
impl Passwords for Plain {
    async fn verify(&self, hash: Option<String>, password: Zeroizing<String>, _: &str) -> Outcome<bool> {
        Ok(hash.is_some_and(|hash| hash == format!("plain:{}", *password)))
    }
    async fn hash(&self, password: Zeroizing<String>, _: &str) -> Outcome<String> {
        Ok(format!("plain:{}", *password))
    }
}

pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) clock: TestClock,
    pub(super) router: Router,
    /// Dropping it would stop the event streams.
    _stop: StopHandle,
}

impl World {
    pub(super) fn new() -> Self {
        let clock = TestClock::default();
        let settings = Settings {
            origin: ORIGIN.to_owned(),
            rp_id: HOST.to_owned(),
            server_name: "Example Works".to_owned(),
            number_always: false,
            vapid_public_key: vec![4; 65],
        };
        let engine = Engine::new(
            Arc::new(MemoryStore::new(clock.clone())),
            Arc::new(SeededEntropy::new(7)),
            Arc::new(Plain),
            Vault::new(&[7; 32]),
            settings,
        );
        let (handle, stop) = StopHandle::new();
        let state = AppState::new(engine.clone(), TrustedProxies::default(), stop).unwrap();
        Self { engine, clock, router: router(state), _stop: handle }
    }

    pub(super) async fn user(&self, name: &str) -> User {
        let user = self.engine.add_user(name, None, false).await.unwrap();
        self.engine.set_password(&user, Zeroizing::new(PASSWORD.to_owned())).await.unwrap();
        self.engine.user_named(name).await.unwrap()
    }

    pub(super) fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: BTreeMap::new() }
    }

    /// Opens an enrolment for `user` in `browser` and shows the code.
    pub(super) async fn code(&self, browser: &mut Browser, user: &User) -> EnrolmentCode {
        let (_, token) = self.engine.open_enrolment(user.id).await.unwrap();
        browser.post("/enrol/open", json!({"token": token})).await.expect(200);
        let step = browser.post("/enrol/password", json!({"password": PASSWORD})).await.expect(200);
        assert_eq!(step.json()["step"], "code");
        let code = browser.post("/enrol/code", json!({})).await.expect(200);
        code.json()["code"].as_str().unwrap().parse().unwrap()
    }

    /// A user with an active phone that was enrolled in a browser which is gone.
    pub(super) async fn user_with_phone(&self, name: &str) -> (User, SoftPhone) {
        let user = self.user(name).await;
        let mut browser = self.browser();
        let code = self.code(&mut browser, &user).await;
        let phone = SoftPhone::join(&self.engine, code, 11).await;
        let confirmation = phone.confirmation.to_string();
        browser.post("/enrol/confirm", json!({"confirmation": confirmation})).await.expect(200);
        (user, phone)
    }

    /// Signs `name` in with the passkey in `browser`, which becomes bound when `keep`.
    pub(super) async fn introduce(&self, browser: &mut Browser, name: &str, phone: &SoftPhone, keep: bool) {
        browser.sign_in(name, PASSWORD).await.expect(303);
        let options = browser.post("/sign-in/passkey/options", json!({})).await.expect(200).json();
        let assertion = phone.assert(&challenge(&options));
        let body = json!({"assertion": assertion, "keep_browser": keep});
        assert_eq!(browser.post("/sign-in/passkey", body).await.expect(200).json()["phase"], "ready");
        let done = browser.post("/sign-in/finish", json!({})).await.expect(200);
        assert_eq!(done.json()["location"], "/portal");
    }
}

/// The challenge in request options.
pub(super) fn challenge(options: &Value) -> Vec<u8> {
    nod_protocol::b64::decode(options["challenge"].as_str().unwrap()).unwrap()
}

#[derive(Clone)]
pub(super) struct Browser {
    router: Router,
    pub(super) cookies: BTreeMap<String, String>,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    #[track_caller]
    pub(super) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self
    }
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
    pub(super) fn location(&self) -> &str {
        self.headers[LOCATION].to_str().unwrap()
    }
    pub(super) fn set_cookies(&self) -> Vec<String> {
        self.headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().unwrap().to_owned()).collect()
    }
}

impl Browser {
    pub(super) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).header("sec-fetch-site", "same-origin"), Body::empty()).await
    }

    pub(super) async fn post(&mut self, path: &str, body: Value) -> Answer {
        let request = Request::post(path)
            .header("sec-fetch-site", "same-origin")
            .header(ORIGIN_HEADER, ORIGIN)
            .header(CONTENT_TYPE, "application/json");
        self.send(request, Body::from(body.to_string())).await
    }

    pub(super) async fn post_form(&mut self, path: &str, body: &str) -> Answer {
        let request = Request::post(path)
            .header("sec-fetch-site", "same-origin")
            .header(ORIGIN_HEADER, ORIGIN)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, Body::from(body.to_owned())).await
    }

    pub(super) async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        let form = format!("app=&return=&binding=&user={name}&password={}", password.replace(' ', "+"));
        self.post_form("/sign-in", &form).await
    }

    /// The first frame of an event stream.
    pub(super) async fn first_event(&mut self, path: &str) -> String {
        let request = self.request(Request::get(path).header("sec-fetch-site", "same-origin"), Body::empty());
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let frame = response.into_body().frame().await.unwrap().unwrap().into_data().unwrap();
        String::from_utf8(frame.to_vec()).unwrap()
    }

    fn request(&self, builder: http::request::Builder, body: Body) -> Request<Body> {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut builder = builder
            .header(HOST_HEADER, HOST)
            .header(USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
            .extension(Peer(SocketAddr::from(([203, 0, 113, 9], 50_000))));
        if !cookies.is_empty() {
            builder = builder.header(COOKIE, cookies.join("; "));
        }
        builder.body(body).unwrap()
    }

    pub(super) async fn send(&mut self, builder: http::request::Builder, body: Body) -> Answer {
        let request = self.request(builder, body);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = String::from_utf8_lossy(&body.collect().await.unwrap().to_bytes()).into_owned();
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        for line in answer.set_cookies() {
            assert!(line.contains("; Path=/; Secure; HttpOnly; SameSite="), "{line}");
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            assert!(name.starts_with("__Host-"), "{line}");
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

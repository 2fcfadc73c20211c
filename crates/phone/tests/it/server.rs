//! A device API in memory that checks signatures and bodies with nod-protocol, and can be told to misbehave.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Json;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use nod_protocol::answer::{Decision, ParsedAnswer};
use nod_protocol::context::Context;
use nod_protocol::device_api::*;
use nod_protocol::device_sign_in::ParsedDeviceSignIn;
use nod_protocol::enrolment::confirmation;
use nod_protocol::webauthn::{
    NewPasskey, RelyingParty, RpJson, UserJson, creation_options, verify_assertion, verify_registration,
};
use nod_protocol::{B64, Bytes32, Id, Jwk, SixDigits, sha256};
use tokio::sync::watch;

pub(crate) const CODE: &str = "ABCD2345";
pub(crate) const NOW: i64 = 1_790_000_000_000;
const PASSKEY_CHALLENGE: [u8; 32] = [0xCC; 32];

pub(crate) struct Challenge {
    pub(crate) body: RequestBody,
    pub(crate) number: Option<SixDigits>,
    pub(crate) opened: bool,
}

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) origin: String,
    pub(crate) key: Option<Jwk>,
    pub(crate) passkey: Option<NewPasskey>,
    pub(crate) notifications: bool,
    pub(crate) confirmed: bool,
    pub(crate) revoked: bool,
    pub(crate) nonces: BTreeSet<String>,
    pub(crate) tokens: BTreeSet<String>,
    pub(crate) sign_ins: u32,
    pub(crate) streams: u32,
    pub(crate) failures: Vec<ErrorCode>,
    pub(crate) challenges: BTreeMap<Id, Challenge>,
    pub(crate) history: Vec<HistoryEntry>,
}

/// The server; it ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Stub {
    pub(crate) inner: Arc<Mutex<Inner>>,
    /// Bumped at each change; the flag ends every open stream.
    changed: watch::Sender<(u64, u64)>,
}

pub(crate) const DEVICE: Id = Id([0xDE; 16]);
pub(crate) const ENROLMENT: Id = Id([0xE0; 16]);

type Refused = (StatusCode, Json<ErrorBody>);

fn refuse(error: ErrorCode) -> Refused {
    let body = ErrorBody { error, message: format!("Refused: {error:?}.") };
    (StatusCode::from_u16(error.status()).unwrap(), Json(body))
}

impl Stub {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://nod.localhost:{}", listener.local_addr().unwrap().port());
        let inner = Inner { origin, ..Inner::default() };
        let stub = Self { inner: Arc::new(Mutex::new(inner)), changed: watch::channel((0, 0)).0 };
        let router = Router::new()
            .route(paths::SERVER, get(server))
            .route(paths::ENROL, post(enrol))
            .route(paths::NONCE, post(nonce))
            .route(paths::SESSION, post(session))
            .route(paths::ENROL_PASSKEY, post(enrol_passkey))
            .route(paths::ENROL_STATE, get(enrol_state))
            .route(paths::SUBSCRIPTION, put(subscription))
            .route(paths::PENDING, get(pending))
            .route(paths::REQUEST, get(request))
            .route(paths::ANSWER, post(answer))
            .route(paths::EVENTS, get(events))
            .route(paths::HISTORY, get(history))
            .route(paths::DEVICE, delete(remove))
            .with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        stub
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub(crate) fn origin(&self) -> nod_phone::Origin {
        self.lock().origin.parse().unwrap()
    }

    /// Opens a sign-in and tells the live channels.
    pub(crate) fn ask(&self, id: u8, number: Option<SixDigits>) -> Id {
        let origin = self.lock().origin.clone();
        self.ask_with(id, number, |context| context.origin = origin)
    }

    pub(crate) fn ask_with(&self, id: u8, number: Option<SixDigits>, edit: impl FnOnce(&mut Context)) -> Id {
        let id = Id([id; 16]);
        let mut context = Context {
            v: 1,
            user: "ann".to_owned(),
            display_name: "Ann".to_owned(),
            app: "Wiki".to_owned(),
            action: "sign in".to_owned(),
            origin: String::new(),
            browser: "Chrome on Windows".to_owned(),
            address: "203.0.113.9".to_owned(),
            place: "unknown".to_owned(),
            new: vec![],
            at: NOW,
        };
        edit(&mut context);
        let body = RequestBody {
            id,
            device: DEVICE,
            user: user(),
            version: 1,
            nonce: Bytes32([7; 32]),
            context: B64(context.context_bytes().unwrap()),
            number_required: number.is_some(),
            others: 0,
            created_at: NOW,
            expires_at: NOW + 60_500,
            now: NOW,
            state: RequestState::Pending,
        };
        self.lock().challenges.insert(id, Challenge { body, number, opened: false });
        self.changed.send_modify(|(change, _)| *change += 1);
        id
    }

    /// Breaks every open stream.
    pub(crate) fn break_streams(&self) {
        self.changed.send_modify(|(_, generation)| *generation += 1);
    }

    fn check(&self, headers: &HeaderMap) -> Result<MutexGuard<'_, Inner>, Refused> {
        let mut inner = self.lock();
        if let Some(error) = inner.failures.pop() {
            return Err(refuse(error));
        }
        let token = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        if token.is_some_and(|token| inner.tokens.contains(token)) && !inner.revoked {
            Ok(inner)
        } else {
            Err(refuse(ErrorCode::NotSignedIn))
        }
    }
}

fn user() -> UserBody {
    UserBody { name: "ann".to_owned(), display_name: "Ann".to_owned() }
}

fn body<T: serde::de::DeserializeOwned>(bytes: &Bytes) -> Result<T, Refused> {
    serde_json::from_slice(bytes).map_err(|_| refuse(ErrorCode::BadRequest))
}

fn rp(inner: &Inner) -> RelyingParty {
    RelyingParty { id: "nod.localhost".to_owned(), origin: inner.origin.clone() }
}

async fn server(State(stub): State<Stub>) -> Json<ServerInfo> {
    let origin = stub.lock().origin.clone();
    Json(ServerInfo {
        name: "Nod".to_owned(),
        origin,
        rp_id: "nod.localhost".to_owned(),
        vapid_public_key: B64(vec![4; 65]),
    })
}

async fn enrol(State(stub): State<Stub>, bytes: Bytes) -> Result<Response, Refused> {
    let request: EnrolRequest = body(&bytes)?;
    let mut inner = stub.lock();
    if request.code != CODE.parse().unwrap() {
        return Err(refuse(ErrorCode::NotFound));
    }
    inner.key = Some(request.key);
    let rp = RpJson { id: "nod.localhost".to_owned(), name: "Nod".to_owned() };
    let handle = UserJson { id: B64(b"ann-handle".to_vec()), name: "ann".to_owned(), display_name: "Ann".to_owned() };
    let answer = EnrolAnswer {
        device: DEVICE,
        user: user(),
        server: ServerName { name: "Nod".to_owned(), origin: inner.origin.clone() },
        confirmation: confirmation(&ENROLMENT, &DEVICE, &request.key.thumbprint()),
        passkey: creation_options(rp, handle, &PASSKEY_CHALLENGE, &[] as &[Vec<u8>]),
        expires_at: NOW + 600_000,
    };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

async fn nonce(State(stub): State<Stub>) -> Json<NonceAnswer> {
    let mut inner = stub.lock();
    let nonce = format!("nonce-{}", inner.nonces.len() + usize::try_from(inner.sign_ins).unwrap() * 1000);
    inner.nonces.insert(nonce.clone());
    Json(NonceAnswer { nonce, expires_at: NOW + 60_000 })
}

async fn session(State(stub): State<Stub>, bytes: Bytes) -> Result<Json<SessionAnswer>, Refused> {
    let request: SessionRequest = body(&bytes)?;
    let mut inner = stub.lock();
    let bad = |_| refuse(ErrorCode::BadSignature);
    let parsed = ParsedDeviceSignIn::parse(&request.devices[0]).map_err(bad)?;
    let verified = parsed.verify(&inner.key.ok_or_else(|| refuse(ErrorCode::NotFound))?).map_err(bad)?;
    let payload = verified.payload();
    if payload.origin != inner.origin || payload.device != DEVICE || !inner.nonces.remove(&payload.nonce) {
        return Err(refuse(ErrorCode::BadSignature));
    }
    inner.sign_ins += 1;
    let token = format!("token-{}", inner.sign_ins);
    inner.tokens.insert(token.clone());
    let device = SessionDevice {
        device: DEVICE,
        user: Some(user()),
        state: Some(DeviceState::Active),
        accepted: !inner.revoked,
    };
    Ok(Json(SessionAnswer { token, expires_at: NOW + 600_000, devices: vec![device] }))
}

async fn enrol_passkey(
    State(stub): State<Stub>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Json<DeviceStateAnswer>, Refused> {
    let mut inner = stub.check(&headers)?;
    let request: EnrolPasskeyRequest = body(&bytes)?;
    let passkey = verify_registration(&request.credential, &PASSKEY_CHALLENGE, &rp(&inner))
        .map_err(|_| refuse(ErrorCode::BadSignature))?;
    inner.passkey = Some(passkey);
    Ok(Json(DeviceStateAnswer { state: DeviceState::Pending }))
}

async fn enrol_state(State(stub): State<Stub>, headers: HeaderMap) -> Result<Json<EnrolState>, Refused> {
    let inner = stub.check(&headers)?;
    let lacks = [
        (inner.passkey.is_none(), Missing::Passkey),
        (!inner.notifications, Missing::Notifications),
        (!inner.confirmed, Missing::Confirmation),
    ];
    let missing: Vec<Missing> = lacks.iter().filter(|(lacks, _)| *lacks).map(|(_, what)| *what).collect();
    let state = if missing.is_empty() { DeviceState::Active } else { DeviceState::Pending };
    Ok(Json(EnrolState { state, missing }))
}

async fn subscription(State(stub): State<Stub>, headers: HeaderMap, bytes: Bytes) -> Result<StatusCode, Refused> {
    let mut inner = stub.check(&headers)?;
    let request: SubscriptionRequest = body(&bytes)?;
    inner.notifications = request.subscription.is_none() && request.notifications == Notifications::Unavailable;
    Ok(StatusCode::NO_CONTENT)
}

async fn pending(State(stub): State<Stub>, headers: HeaderMap) -> Result<Json<PendingAnswer>, Refused> {
    let inner = stub.check(&headers)?;
    let open = inner.challenges.values().filter(|challenge| challenge.body.state == RequestState::Pending);
    Ok(Json(PendingAnswer {
        held_until: None,
        now: NOW,
        requests: open.map(|challenge| challenge.body.clone()).collect(),
    }))
}

async fn request(
    State(stub): State<Stub>,
    headers: HeaderMap,
    Path(id): Path<Id>,
) -> Result<Json<RequestBody>, Refused> {
    let mut inner = stub.check(&headers)?;
    let challenge = inner.challenges.get_mut(&id).ok_or_else(|| refuse(ErrorCode::NotFound))?;
    challenge.opened = true;
    Ok(Json(challenge.body.clone()))
}

async fn answer(
    State(stub): State<Stub>,
    headers: HeaderMap,
    Path(id): Path<Id>,
    bytes: Bytes,
) -> Result<Json<AnswerAnswer>, Refused> {
    let mut inner = stub.check(&headers)?;
    let request: AnswerRequest = body(&bytes)?;
    let bad = || refuse(ErrorCode::BadSignature);
    let parsed = ParsedAnswer::parse(&request.answer).map_err(|_| bad())?;
    let verified = parsed.verify(&inner.key.unwrap()).map_err(|_| bad())?;
    let payload = verified.payload();
    let (rp, origin, passkey) = (rp(&inner), inner.origin.clone(), inner.passkey.clone());
    let challenge = inner.challenges.get_mut(&id).ok_or_else(|| refuse(ErrorCode::NotFound))?;
    let body = &mut challenge.body;
    if body.state != RequestState::Pending {
        return Err(refuse(ErrorCode::Conflict));
    }
    let same = payload.challenge == id
        && payload.version == body.version
        && payload.nonce == body.nonce
        && payload.context_sha256.0 == sha256(body.context.as_bytes())
        && payload.device == DEVICE
        && payload.origin == origin
        && payload.exp == body.expires_at / 1000;
    if !same {
        return Err(bad());
    }
    if payload.decision == Decision::Approve {
        let assertion = request.assertion.as_ref().ok_or_else(bad)?;
        let key = passkey.ok_or_else(bad)?;
        let checked =
            verify_assertion(assertion, verified.payload_sha256(), &rp, &key.public_key).map_err(|_| bad())?;
        assert_eq!(checked.user_handle.as_deref(), Some(b"ann-handle".as_slice()));
        if payload.number != challenge.number {
            body.state = RequestState::Failed;
            return Err(refuse(ErrorCode::WrongNumber));
        }
        body.state = RequestState::Approved;
    } else {
        // A report of fraud carries user verification, a plain denial does not (E19).
        assert_eq!(request.assertion.is_some(), payload.decision == Decision::DenyFraud);
        assert!(payload.number.is_none());
        body.state = RequestState::Denied;
    }
    let state = body.state;
    let entry = HistoryEntry {
        request: id,
        app: "Wiki".to_owned(),
        decision: payload.decision,
        at: NOW,
        from: "203.0.113.9".to_owned(),
    };
    inner.history.insert(0, entry);
    Ok(Json(AnswerAnswer { state }))
}

async fn events(State(stub): State<Stub>, headers: HeaderMap) -> Result<Response, Refused> {
    stub.check(&headers)?.streams += 1;
    let mut changes = stub.changed.subscribe();
    changes.mark_changed();
    let generation = changes.borrow().1;
    let stream = futures::stream::unfold((stub, changes), move |(stub, mut changes)| async move {
        changes.changed().await.ok()?;
        if changes.borrow_and_update().1 != generation {
            return None;
        }
        let ids = {
            let inner = stub.lock();
            let open = inner.challenges.values().filter(|challenge| challenge.body.state == RequestState::Pending);
            open.map(|challenge| challenge.body.id).collect()
        };
        let data = serde_json::to_string(&PendingEvent { ids }).unwrap();
        let text = format!(": hello\n\nevent: {PENDING_EVENT}\ndata: {data}\n\n");
        Some((Ok::<_, std::convert::Infallible>(text), (stub, changes)))
    });
    Ok(([("content-type", "text/event-stream")], Body::from_stream(stream)).into_response())
}

async fn history(State(stub): State<Stub>, headers: HeaderMap) -> Result<Json<HistoryAnswer>, Refused> {
    Ok(Json(HistoryAnswer { answers: stub.check(&headers)?.history.clone() }))
}

async fn remove(State(stub): State<Stub>, headers: HeaderMap, Path(id): Path<Id>) -> Result<StatusCode, Refused> {
    let mut inner = stub.check(&headers)?;
    assert_eq!(id, DEVICE);
    inner.revoked = true;
    Ok(StatusCode::NO_CONTENT)
}

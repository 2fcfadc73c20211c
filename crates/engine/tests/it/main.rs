//! The engine's promises, by the number of the invariant, over the store in memory and with phones that really sign.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests say what they expect")]

mod answers;
mod audit;
mod browsers;
mod codes;
mod factors;
mod failing;
mod people;
mod recovery;

use std::sync::Arc;

use nod_core::challenge::{Answer, Challenge, ChallengeState};
use nod_core::sign_in::SignIn;
use nod_core::{ChallengeId, Checksum, Timestamp};
use nod_engine::ports::Store as _;
use nod_engine::{Begun, Engine, Fault, Outcome, Phone};
use nod_protocol::answer::Decision;
use nod_protocol::device_api::{AnswerRequest, RequestBody, RequestState};
use nod_testkit::folk::{self, Person};
use nod_testkit::{MemoryStore, SeededEntropy, TestClock};

/// One installation with Anna, who has one phone and one introduced browser.
pub(crate) struct Scene {
    pub(crate) clock: TestClock,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) engine: Engine,
    pub(crate) dice: SeededEntropy,
    pub(crate) anna: Person,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let clock = TestClock::default();
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let engine = folk::engine(store.clone(), 1);
        let dice = SeededEntropy::new(2);
        let anna = folk::enrolled(&engine, &dice, "anna", 1).await;
        Self { clock, store, engine, dice, anna }
    }

    /// Begins a sign-in with this browser cookie; gives its token and the cookie to use from now on.
    pub(crate) async fn begin(&self, cookie: Option<String>) -> (String, Option<String>) {
        match self.engine.begin(self.anna.request(cookie.clone())).await.unwrap() {
            Begun::Started { token, browser_cookie } => (token, browser_cookie.or(cookie)),
            other => panic!("{other:?}"),
        }
    }

    /// Begins one in the introduced browser and gives the sign-in and what the phone is shown.
    pub(crate) async fn asked(&self) -> (SignIn, RequestBody) {
        let cookie = self.anna.cookie.borrow().clone();
        let (token, cookie) = self.begin(cookie).await;
        self.anna.cookie.replace(cookie);
        let sign_in = self.engine.sign_in_of(&token).await.unwrap();
        let newest = self.store.challenges_of(sign_in.id).await.unwrap().remove(0);
        let request = self.engine.request(&self.phone().await.unwrap(), newest.id).await.unwrap();
        (sign_in, request)
    }

    pub(crate) async fn phone(&self) -> Outcome<Phone> {
        self.engine.phone(&self.anna.phones[0].token).await
    }

    /// An honest answer.
    pub(crate) fn signed(&self, request: &RequestBody, decision: Decision) -> AnswerRequest {
        self.anna.phones[0].answer(request, decision, None, request.context.as_bytes()).unwrap()
    }

    pub(crate) async fn give(&self, request: &RequestBody, body: &AnswerRequest) -> Outcome<RequestState> {
        self.engine.answer(&self.phone().await?, ChallengeId(request.id.0), body).await
    }

    /// How the challenge stands in the store.
    pub(crate) async fn state(&self, request: &RequestBody) -> &'static str {
        self.store.challenge(ChallengeId(request.id.0)).await.unwrap().unwrap().state.name()
    }

    /// The checksum of the challenge with this approval.
    pub(crate) async fn approved(&self, request: &RequestBody, answer: &Answer) -> Checksum {
        let found = self.store.challenge(ChallengeId(request.id.0)).await.unwrap().unwrap();
        self.engine.vault().checksum(&Challenge { state: ChallengeState::Approved(answer.clone()), ..found })
    }

    /// Kinds of events, newest first.
    pub(crate) async fn events(&self) -> Vec<&'static str> {
        self.store.audit(None, 50).await.unwrap().into_iter().map(|(_, event)| event.kind.name()).collect()
    }

    /// The clock at `millis` after its start.
    pub(crate) fn at(&self, millis: i64) {
        self.clock.set(Timestamp(self.clock.now().0 + millis));
    }
}

/// The fault's kind, for comparing.
pub(crate) fn kind<T: std::fmt::Debug>(outcome: Outcome<T>) -> &'static str {
    match outcome.unwrap_err() {
        Fault::BadRequest(_) => "bad request",
        Fault::NotSignedIn => "not signed in",
        Fault::BadSignature(_) => "bad signature",
        Fault::Forbidden(_) => "forbidden",
        Fault::NotFound(_) => "not found",
        Fault::Conflict(_) => "conflict",
        Fault::Gone(_) => "gone",
        Fault::WrongNumber => "wrong number",
        Fault::WrongCode(_) => "wrong code",
        Fault::TooMany { .. } => "too many",
        Fault::Busy => "busy",
        Fault::Store(_) => "store",
    }
}

//! A stand-in for a browser maker's push service: the endpoint that senders post to, strict as the real ones, and
//! behind it Firefox's own protocol, so that Firefox receives and decrypts for real.

use crate::autopush::Desk;
use crate::process::{PATIENCE, until};
use crate::push_check::{Terms, check};
use crate::web::{Request, Response, WebServer};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// What happens to a message at the endpoint, when a test wants something else than delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Answers this status and delivers nothing: 404 or 410 for a subscription that is gone, 500, ...
    Status(u16),
    /// Answers 429 or 503 with `Retry-After` in seconds.
    RetryAfter(u16, u32),
    /// Answers 201 and loses the message.
    Lose,
    /// Answers 201 and delivers twice.
    Double,
}

/// A message that reached the endpoint.
#[derive(Debug, Clone)]
pub struct Received {
    /// The whole address posted to.
    pub endpoint: String,
    /// Status answered.
    pub status: u16,
    /// Why it was refused by the checks.
    pub refusal: Option<String>,
    /// What the sender asked for, when the checks passed.
    pub terms: Option<Terms>,
    /// The encrypted body.
    pub body: Vec<u8>,
    /// When it came.
    pub at: Instant,
}

#[derive(Debug, Default)]
struct Ledger {
    received: Vec<Received>,
    faults: VecDeque<Fault>,
    always: Option<Fault>,
}

/// The stub; it serves until the test process ends.
#[derive(Debug)]
pub struct PushStub {
    server: WebServer,
    desk: Arc<Desk>,
    ledger: Arc<Mutex<Ledger>>,
}

impl PushStub {
    /// Starts endpoint and browser side on free ports of 127.0.0.1.
    ///
    /// # Panics
    /// When the loopback has no free port.
    #[must_use]
    pub fn start() -> Self {
        let ledger = Arc::<Mutex<Ledger>>::default();
        let desk = Desk::start();
        let (for_handler, book) = (Arc::clone(&desk), Arc::clone(&ledger));
        let server = WebServer::start(move |request| receive(request, &for_handler, &book));
        desk.set_origin(server.origin("127.0.0.1"));
        Self { server, desk, ledger }
    }

    /// Scheme, host and port of the endpoints: the audience of VAPID tokens.
    #[must_use]
    pub fn origin(&self) -> String {
        self.server.origin("127.0.0.1")
    }

    /// For Firefox's [`crate::firefox::Settings::push_server`].
    #[must_use]
    pub fn websocket_address(&self) -> String {
        self.desk.websocket_address()
    }

    /// Makes an endpoint without a browser behind it; the first key that posts is pinned if none is given.
    #[must_use]
    pub fn new_endpoint(&self, key: Option<&str>) -> String {
        self.desk.subscribe(None, "", key)
    }

    /// From now on this endpoint answers 410, as after an unsubscription.
    pub fn end(&self, endpoint: &str) {
        self.desk.end(endpoint);
    }

    /// The next messages meet these faults, one each.
    ///
    /// # Panics
    /// When the serving thread has panicked.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.ledger.lock().unwrap().faults.extend(faults);
    }

    /// All messages meet this fault (after those of [`Self::next`]), until it is taken back with `None`.
    ///
    /// # Panics
    /// When the serving thread has panicked.
    pub fn always(&self, fault: Option<Fault>) {
        self.ledger.lock().unwrap().always = fault;
    }

    /// Everything that reached an endpoint so far.
    ///
    /// # Panics
    /// When the serving thread has panicked.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.ledger.lock().unwrap().received.clone()
    }

    /// Waits for a message beyond the first `after` ones that `wanted` accepts.
    ///
    /// # Panics
    /// When it does not come in time.
    #[track_caller]
    pub fn wait_received(&self, after: usize, wanted: impl Fn(&Received) -> bool) -> Received {
        until("a message at the push stub", PATIENCE, || {
            self.received().into_iter().skip(after).find(|message| wanted(message))
        })
    }

    /// How Firefox acknowledged each message: 100 delivered, 101 not decrypted, 102 not delivered.
    #[must_use]
    pub fn acknowledgements(&self) -> Vec<u64> {
        self.desk.acknowledgements()
    }

    /// Endpoints that browsers hold now.
    #[must_use]
    pub fn endpoints(&self) -> Vec<String> {
        self.desk.endpoints()
    }

    /// Treats browsers as unknown at their next connection, so that they lose their subscriptions.
    pub fn forget_browsers(&self) {
        self.desk.forget_browsers();
    }
}

fn receive(request: &Request, desk: &Desk, ledger: &Mutex<Ledger>) -> Response {
    let origin = desk.origin();
    let endpoint = format!("{origin}{}", request.path);
    let (status, outcome, mut response) = match desk.pinned_key(&endpoint) {
        None => (404, Err("no such endpoint".to_owned()), Response::status(404)),
        Some(_) if desk.is_ended(&endpoint) => {
            (410, Err("the subscription has ended".to_owned()), Response::status(410))
        }
        Some(_) if request.method != "POST" => (405, Err("not a POST".to_owned()), Response::status(405)),
        Some(pinned) => match check(request, &origin, pinned.as_deref()) {
            Err((status, why)) => {
                let told = Response::body("text/plain", why.clone()).with_status(status);
                (status, Err(why), told)
            }
            Ok(terms) => (201, Ok(terms), Response::status(201).with("location", &format!("{endpoint}/message"))),
        },
    };
    let mut book = ledger.lock().unwrap();
    let mut status = status;
    if let Ok(terms) = &outcome {
        desk.pin(&endpoint, &terms.key);
        let fault = book.faults.pop_front().or_else(|| book.always.clone());
        match fault {
            Some(Fault::Status(other)) => (status, response) = (other, Response::status(other)),
            Some(Fault::RetryAfter(other, seconds)) => {
                (status, response) = (other, Response::status(other).with("retry-after", &seconds.to_string()));
            }
            Some(Fault::Lose) => {}
            Some(Fault::Double) => {
                desk.deliver(&endpoint, terms, &request.body);
                desk.deliver(&endpoint, terms, &request.body);
            }
            None => desk.deliver(&endpoint, terms, &request.body),
        }
    }
    let (terms, refusal) = match outcome {
        Ok(terms) => (Some(terms), None),
        Err(why) => (None, Some(why)),
    };
    let body = request.body.clone();
    book.received.push(Received { endpoint, status, refusal, terms, body, at: Instant::now() });
    response
}

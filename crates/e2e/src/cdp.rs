//! The DevTools protocol over one WebSocket: calls, events, and what must happen at once when a page appears.

use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

/// Longest wait for an answer.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(30);

/// A page known to the connection.
#[derive(Debug, Clone)]
pub struct Attached {
    /// DevTools session of the page.
    pub session: String,
    /// DevTools target of the page.
    pub target: String,
    /// Browser context (a separate cookie jar and storage) of the page.
    pub context: String,
    authenticator: Option<String>,
}

/// What the reading thread knows.
#[derive(Debug, Default)]
pub(crate) struct State {
    last_id: u64,
    replies: HashMap<u64, Value>,
    authenticator_requests: HashMap<u64, String>,
    pub(crate) pages: Vec<Attached>,
    /// Service worker registrations: scope to id.
    pub(crate) registrations: HashMap<String, String>,
    /// Script errors and refused content, with the session that they came from.
    pub(crate) problems: Vec<(String, String)>,
    /// WebAuthn credentials by id, with their browser context.
    credentials: HashMap<String, (String, Value)>,
    user_verified: bool,
    ended: bool,
}

/// A connection; cheap to clone.
#[derive(Debug, Clone)]
pub struct Cdp {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    writer: Mutex<WebSocket<TcpStream>>,
    state: Mutex<State>,
    news: Condvar,
}

impl Cdp {
    /// Connects to the browser's DevTools address.
    ///
    /// # Panics
    /// When the browser refuses.
    #[must_use]
    pub fn connect(port: u16, path: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        let address = format!("ws://127.0.0.1:{port}{path}");
        let (mut reader, _) = tungstenite::client(address, stream).expect("the DevTools handshake");
        reader.set_config(|config| config.max_frame_size = None);
        // The browser sends no pings, so a second writer on the same socket never meets the reader's.
        let writer = WebSocket::from_raw_socket(reader.get_ref().try_clone().unwrap(), Role::Client, None);
        let state = State { user_verified: true, ..State::default() };
        let shared = Arc::new(Shared { writer: Mutex::new(writer), state: Mutex::new(state), news: Condvar::new() });
        let client = Self { shared };
        let receiver = client.clone();
        std::thread::Builder::new().name("devtools".to_owned()).spawn(move || receiver.receive(reader)).unwrap();
        client
    }

    fn receive(&self, mut reader: WebSocket<TcpStream>) {
        while let Ok(message) = reader.read() {
            if let Message::Text(text) = message {
                let value: Value = serde_json::from_str(&text).expect("DevTools sends JSON");
                self.take(value);
            }
        }
        self.state().ended = true;
        self.shared.news.notify_all();
    }

    fn take(&self, message: Value) {
        if let Some(id) = message["id"].as_u64() {
            let mut state = self.state();
            match state.authenticator_requests.remove(&id) {
                Some(session) => {
                    let authenticator = message["result"]["authenticatorId"].as_str().map(str::to_owned);
                    if let Some(page) = state.pages.iter_mut().find(|page| page.session == session) {
                        page.authenticator = authenticator;
                    }
                    drop(state);
                    self.equip(&session);
                }
                None => drop(state.replies.insert(id, message)),
            }
        } else {
            self.event(&message);
        }
        self.shared.news.notify_all();
    }

    fn event(&self, message: &Value) {
        let session = message["sessionId"].as_str().unwrap_or_default();
        let details = &message["params"];
        match message["method"].as_str().unwrap_or_default() {
            "Target.attachedToTarget" => self.attached(details),
            "Target.detachedFromTarget" => {
                self.state().pages.retain(|page| details["sessionId"] != page.session.as_str());
            }
            "ServiceWorker.workerRegistrationUpdated" => self.registered(details),
            "WebAuthn.credentialAdded" | "WebAuthn.credentialAsserted" => self.share(session, &details["credential"]),
            "Runtime.exceptionThrown" => {
                let text = details["exceptionDetails"]["exception"]["description"].as_str();
                let text = text.or(details["exceptionDetails"]["text"].as_str()).unwrap_or("an exception");
                self.state().problems.push((session.to_owned(), text.to_owned()));
            }
            "Log.entryAdded" if details["entry"]["level"] == "error" => {
                let entry = &details["entry"];
                let text = format!("{} ({})", entry["text"].as_str().unwrap_or_default(), entry["url"]);
                self.state().problems.push((session.to_owned(), text));
            }
            _ => {}
        }
    }

    /// A new page waits for the debugger until it has an authenticator; so a ceremony started at once finds one.
    fn attached(&self, details: &Value) {
        let session = details["sessionId"].as_str().unwrap_or_default().to_owned();
        let info = &details["targetInfo"];
        if info["type"] == "page" {
            self.state().pages.push(Attached {
                session: session.clone(),
                target: info["targetId"].as_str().unwrap_or_default().to_owned(),
                context: info["browserContextId"].as_str().unwrap_or_default().to_owned(),
                authenticator: None,
            });
            for domain in ["Runtime.enable", "Log.enable", "WebAuthn.enable"] {
                self.post(&session, domain, &json!({}));
            }
            let options = json!({"options": {
                "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": true,
                "hasUserVerification": true, "isUserVerified": self.state().user_verified,
                "automaticPresenceSimulation": true}});
            // The request is noted under the lock that hands out its id, before the answer can arrive.
            let mut state = self.state();
            let id = next_id(&mut state);
            state.authenticator_requests.insert(id, session.clone());
            drop(state);
            self.send(id, &session, "WebAuthn.addVirtualAuthenticator", &options);
        } else {
            self.post(&session, "Runtime.runIfWaitingForDebugger", &json!({}));
        }
    }

    /// Gives a page's new authenticator what the others hold, then lets the page run.
    fn equip(&self, session: &str) {
        let state = self.state();
        let page = state.pages.iter().find(|page| page.session == session).cloned();
        let held: Vec<Value> = state
            .credentials
            .values()
            .filter(|(context, _)| page.as_ref().is_some_and(|page| page.context == *context))
            .map(|(_, credential)| credential.clone())
            .collect();
        drop(state);
        for credential in held {
            self.add_credential(page.as_ref(), &credential);
        }
        self.post(session, "Runtime.runIfWaitingForDebugger", &json!({}));
    }

    /// Authenticators are per page in Chromium; a person has one for the whole browser.
    fn share(&self, session: &str, credential: &Value) {
        let Some(id) = credential["credentialId"].as_str() else { return };
        let mut state = self.state();
        let Some(origin) = state.pages.iter().find(|page| page.session == session).cloned() else { return };
        let known = state.credentials.insert(id.to_owned(), (origin.context.clone(), credential.clone())).is_some();
        let others: Vec<Attached> = state
            .pages
            .iter()
            .filter(|page| !known && page.context == origin.context && page.session != session)
            .cloned()
            .collect();
        drop(state);
        for page in others {
            self.add_credential(Some(&page), credential);
        }
    }

    fn add_credential(&self, page: Option<&Attached>, credential: &Value) {
        if let Some(Attached { session, authenticator: Some(authenticator), .. }) = page {
            let parameters = json!({"authenticatorId": authenticator, "credential": credential});
            self.post(session, "WebAuthn.addCredential", &parameters);
        }
    }

    fn registered(&self, details: &Value) {
        let mut state = self.state();
        for registration in details["registrations"].as_array().into_iter().flatten() {
            let scope = registration["scopeURL"].as_str().unwrap_or_default().to_owned();
            if registration["isDeleted"] == true {
                state.registrations.remove(&scope);
            } else {
                let id = registration["registrationId"].as_str().unwrap_or_default().to_owned();
                state.registrations.insert(scope, id);
            }
        }
    }

    /// Whether every authenticator, also those of pages yet to come, accepts the finger.
    pub fn set_user_verified(&self, verified: bool) {
        let mut state = self.state();
        state.user_verified = verified;
        let pages = state.pages.clone();
        drop(state);
        for page in pages {
            if let Some(authenticator) = &page.authenticator {
                let parameters = json!({"authenticatorId": authenticator, "isUserVerified": verified});
                self.call(&page.session, "WebAuthn.setUserVerified", &parameters);
            }
        }
    }

    /// A call that must succeed; `session` is empty for the browser itself.
    ///
    /// # Panics
    /// When the browser answers with an error.
    #[track_caller]
    pub fn call(&self, session: &str, method: &str, parameters: &Value) -> Value {
        match self.try_call(session, method, parameters) {
            Ok(result) => result,
            Err(error) => panic!("{method}: {error}"),
        }
    }

    /// A call.
    ///
    /// # Errors
    /// The browser's own message.
    pub fn try_call(&self, session: &str, method: &str, parameters: &Value) -> Result<Value, String> {
        let id = next_id(&mut self.state());
        self.send(id, session, method, parameters);
        let reply = self.wait(ANSWER_PATIENCE, |state| {
            let ended = state.ended.then(|| json!({"error": {"message": "the browser has ended"}}));
            state.replies.remove(&id).or(ended)
        });
        match reply {
            None => Err(format!("no answer within {ANSWER_PATIENCE:?}")),
            Some(reply) if reply["error"].is_null() => Ok(reply["result"].clone()),
            Some(reply) => Err(reply["error"]["message"].as_str().unwrap_or("unknown error").to_owned()),
        }
    }

    /// A call whose answer nobody needs; the browser keeps the order of calls in a session.
    fn post(&self, session: &str, method: &str, parameters: &Value) {
        let id = next_id(&mut self.state());
        self.send(id, session, method, parameters);
    }

    fn send(&self, id: u64, session: &str, method: &str, parameters: &Value) {
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if !session.is_empty() {
            message["sessionId"] = json!(session);
        }
        let _ = self.shared.writer.lock().unwrap().send(Message::text(message.to_string()));
    }

    /// Waits until `look` finds something in what the reading thread knows; `None` when time is up.
    pub(crate) fn wait<T>(&self, patience: Duration, mut look: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let end = Instant::now() + patience;
        let mut state = self.state();
        loop {
            if let Some(found) = look(&mut state) {
                return Some(found);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            state = self.shared.news.wait_timeout(state, left).unwrap().0;
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }
}

impl Attached {
    pub(crate) fn authenticator(&self) -> Option<&str> {
        self.authenticator.as_deref()
    }
}

fn next_id(state: &mut State) -> u64 {
    state.last_id += 1;
    state.last_id
}

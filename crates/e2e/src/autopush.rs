//! The browser side of the push stub: Mozilla's push protocol over a WebSocket (JSON text frames).

use crate::push_check::Terms;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

type Writer = WebSocket<TcpStream>;

#[derive(Debug)]
struct Channel {
    browser: Option<String>,
    id: String,
    key: Option<String>,
    ended: bool,
}

#[derive(Debug)]
struct Waiting {
    topic: Option<String>,
    message: Value,
}

#[derive(Debug, Default)]
struct State {
    origin: String,
    last_number: u64,
    /// By endpoint.
    channels: HashMap<String, Channel>,
    /// Browsers by id; connected when there is a writer.
    browsers: HashMap<String, Option<Writer>>,
    /// Messages for browsers that are away.
    waiting: HashMap<String, Vec<Waiting>>,
    acknowledgements: Vec<u64>,
}

/// Browsers, their channels and what waits for them.
#[derive(Debug)]
pub(crate) struct Desk {
    state: Mutex<State>,
    port: u16,
}

impl Desk {
    pub(crate) fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let desk = Arc::new(Self { state: Mutex::default(), port });
        let own = Arc::clone(&desk);
        let accept = move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let desk = Arc::clone(&own);
                let _ = std::thread::Builder::new().name("push stub".to_owned()).spawn(move || desk.talk(stream));
            }
        };
        std::thread::Builder::new().name("push stub accept".to_owned()).spawn(accept).unwrap();
        desk
    }

    pub(crate) fn websocket_address(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port)
    }

    pub(crate) fn set_origin(&self, origin: String) {
        self.state().origin = origin;
    }

    pub(crate) fn origin(&self) -> String {
        self.state().origin.clone()
    }

    /// Makes an endpoint for a browser's channel, or for nobody.
    pub(crate) fn subscribe(&self, browser: Option<&str>, channel: &str, key: Option<&str>) -> String {
        let mut state = self.state();
        let name = state.next("endpoint");
        let endpoint = format!("{}/push/{name}", state.origin);
        let browser = browser.map(str::to_owned);
        let channel = Channel { browser, id: channel.to_owned(), key: key.map(str::to_owned), ended: false };
        state.channels.insert(endpoint.clone(), channel);
        endpoint
    }

    /// `None` when there is no such endpoint, `Some(None)` when no key is pinned yet.
    #[expect(clippy::option_option, reason = "unknown endpoint and unpinned key are different answers")]
    pub(crate) fn pinned_key(&self, endpoint: &str) -> Option<Option<String>> {
        self.state().channels.get(endpoint).map(|channel| channel.key.clone())
    }

    pub(crate) fn pin(&self, endpoint: &str, key: &str) {
        if let Some(channel) = self.state().channels.get_mut(endpoint) {
            channel.key.get_or_insert_with(|| key.to_owned());
        }
    }

    pub(crate) fn is_ended(&self, endpoint: &str) -> bool {
        self.state().channels.get(endpoint).is_some_and(|channel| channel.ended)
    }

    pub(crate) fn end(&self, endpoint: &str) {
        if let Some(channel) = self.state().channels.get_mut(endpoint) {
            channel.ended = true;
        }
    }

    pub(crate) fn endpoints(&self) -> Vec<String> {
        let state = self.state();
        let live = state.channels.iter().filter(|(_, channel)| channel.browser.is_some() && !channel.ended);
        live.map(|(endpoint, _)| endpoint.clone()).collect()
    }

    pub(crate) fn acknowledgements(&self) -> Vec<u64> {
        self.state().acknowledgements.clone()
    }

    pub(crate) fn forget_browsers(&self) {
        let mut state = self.state();
        state.browsers.clear();
        state.waiting.clear();
        for channel in state.channels.values_mut() {
            channel.ended |= channel.browser.is_some();
        }
    }

    /// Sends to a connected browser; keeps it for one that is away, unless the sender said not to (TTL 0).
    pub(crate) fn deliver(&self, endpoint: &str, terms: &Terms, body: &[u8]) {
        let mut state = self.state();
        let version = state.next("version");
        let Some(channel) = state.channels.get(endpoint) else { return };
        let Some(browser) = channel.browser.clone() else { return };
        let message = json!({
            "messageType": "notification", "channelID": channel.id, "version": version,
            "data": URL_SAFE_NO_PAD.encode(body), "headers": {"encoding": "aes128gcm"}});
        if state.send(&browser, &message) || terms.ttl == 0 {
            return;
        }
        let waiting = state.waiting.entry(browser).or_default();
        waiting.retain(|other| terms.topic.is_none() || other.topic != terms.topic);
        waiting.push(Waiting { topic: terms.topic.clone(), message });
    }

    fn talk(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let Ok(mut reader) = tungstenite::accept(stream) else { return };
        let mut browser = String::new();
        while let Ok(message) = reader.read() {
            let Message::Text(text) = message else { continue };
            let Ok(message) = serde_json::from_str::<Value>(&text) else { return };
            match message["messageType"].as_str() {
                Some("hello") => browser = self.greet(&reader, message["uaid"].as_str()),
                Some("register") => self.register(&browser, &message),
                Some("unregister") => self.unregister(&browser, &message),
                Some("ack") => self.acknowledge(&message),
                _ => drop(self.state().send(&browser, &json!({}))),
            }
        }
        // A newer connection of the same browser has put its own writer here already only if ours was replaced.
        let mut state = self.state();
        let ours = reader.get_ref().peer_addr().ok();
        if let Some(slot) = state.browsers.get_mut(&browser)
            && slot.as_ref().and_then(|writer| writer.get_ref().peer_addr().ok()) == ours
        {
            *slot = None;
        }
    }

    fn greet(&self, reader: &WebSocket<TcpStream>, known: Option<&str>) -> String {
        // The reader writes only to answer pings and closes, which the browser does not send amid messages.
        let writer = WebSocket::from_raw_socket(reader.get_ref().try_clone().unwrap(), Role::Server, None);
        let mut state = self.state();
        let browser = match known.filter(|id| state.browsers.contains_key(*id)) {
            Some(id) => id.to_owned(),
            None => state.next("browser"),
        };
        state.browsers.insert(browser.clone(), Some(writer));
        let hello = json!({"messageType": "hello", "uaid": browser, "status": 200, "use_webpush": true});
        state.send(&browser, &hello);
        for waiting in state.waiting.remove(&browser).unwrap_or_default() {
            state.send(&browser, &waiting.message);
        }
        browser
    }

    fn register(&self, browser: &str, message: &Value) {
        let channel = message["channelID"].as_str().unwrap_or_default();
        let endpoint = self.subscribe(Some(browser), channel, message["key"].as_str());
        let answer = json!({"messageType": "register", "channelID": channel, "status": 200, "pushEndpoint": endpoint});
        self.state().send(browser, &answer);
    }

    fn unregister(&self, browser: &str, message: &Value) {
        let mut state = self.state();
        for channel in state.channels.values_mut().filter(|channel| message["channelID"] == channel.id.as_str()) {
            channel.ended = true;
        }
        let answer = json!({"messageType": "unregister", "channelID": message["channelID"], "status": 200});
        state.send(browser, &answer);
    }

    fn acknowledge(&self, message: &Value) {
        let updates = message["updates"].as_array().cloned().unwrap_or_default();
        let codes = updates.iter().filter_map(|update| update["code"].as_u64());
        self.state().acknowledgements.extend(codes);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    /// A name that was not used before.
    fn next(&mut self, kind: &str) -> String {
        self.last_number += 1;
        let mut random = [0; 8];
        aws_lc_rs::rand::fill(&mut random).unwrap();
        format!("{kind}-{}-{}", self.last_number, URL_SAFE_NO_PAD.encode(random))
    }

    /// Whether the browser is connected and took the message.
    fn send(&mut self, browser: &str, message: &Value) -> bool {
        let Some(slot) = self.browsers.get_mut(browser) else { return false };
        let sent = slot.as_mut().is_some_and(|writer| writer.send(Message::text(message.to_string())).is_ok());
        if !sent {
            *slot = None;
        }
        sent
    }
}

//! The log: its two forms, the id that holds a request's lines together, and no secret at any level (INV-24).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::thread::JoinHandle;
use std::time::Instant;

use nod_phone::PhoneState;
use nod_protocol::device_api::{NonceAnswer, SessionAnswer, SessionRequest, paths};
use nod_protocol::device_sign_in::{DeviceSignInPayload, sign_device_sign_in};
use nod_protocol::{SigningKey, b64};
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, COOKIE, LOCATION};
use serde_json::{Value, json};

use crate::harness::{Nod, Running};
use crate::visitor::{Visitor, pairs};
use crate::watching::{SOON, get};

const PASSWORD: &str = "four plain words here";
const APP: &str = "payroll.localhost:4443";

/// A push service that answers so many pushes, each differently, and gives what they brought along.
struct PushService {
    endpoint: String,
    heard: JoinHandle<Vec<String>>,
}

impl PushService {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let endpoint = format!("http://{}/push/endpoint-that-opens-a-phone", listener.local_addr().unwrap());
        let heard = std::thread::spawn(move || {
            let answers = ["201 Created", "500 Internal Server Error", "400 endpoint-that-opens-a-phone"];
            answers.into_iter().flat_map(|answer| Self::one(&listener, answer)).collect()
        });
        Self { endpoint, heard }
    }

    /// Header values of one push.
    fn one(listener: &TcpListener, answer: &str) -> Vec<String> {
        let (stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(&stream).lines().map(Result::unwrap).take_while(|line| !line.is_empty());
        let heads: Vec<String> = lines.skip(1).filter_map(|line| Some(line.split_once(": ")?.1.to_owned())).collect();
        write!(&stream, "HTTP/1.1 {answer}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").unwrap();
        heads.into_iter().filter(|value| value.len() >= 22).collect()
    }
}

/// A collector of traces.
struct Collector {
    address: String,
    heard: JoinHandle<Vec<u8>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let heard = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(&stream);
            let mut heard = Vec::new();
            while let Some(size) = Self::size_of_next(&mut reader) {
                let mut body = vec![0; size];
                reader.read_exact(&mut body).unwrap();
                heard.extend_from_slice(&body);
                write!(&stream, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
            }
            heard
        });
        Self { address, heard }
    }

    /// Bytes of the next request's body; none at the end.
    fn size_of_next(reader: &mut impl std::io::BufRead) -> Option<usize> {
        let head: Vec<String> = reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        assert!(head.is_empty() || head[0].starts_with("POST /v1/traces "), "{head:?}");
        head.iter().find_map(|line| line.strip_prefix("content-length: ")).map(|size| size.parse().unwrap())
    }
}

/// Everything that must not be in the log, by what it is.
#[derive(Default)]
struct Secrets(BTreeMap<String, String>);

impl Secrets {
    fn add(&mut self, what: impl Into<String>, secret: impl Into<String>) {
        let secret = secret.into();
        assert!(secret.len() >= 6, "too short to be looked for: {secret}");
        self.0.insert(what.into(), secret);
    }

    /// Long strings anywhere in a JSON value.
    fn add_all(&mut self, what: &str, value: &Value) {
        match value {
            Value::String(text) if text.len() >= 40 => self.add(format!("{what} {}", self.0.len()), text),
            Value::Array(values) => values.iter().for_each(|value| self.add_all(what, value)),
            Value::Object(members) => members.values().for_each(|value| self.add_all(what, value)),
            _ => {}
        }
    }

    #[track_caller]
    fn are_not_in(&self, log: &str) {
        for (what, secret) in &self.0 {
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            for spelled in [secret, &encoded, &b64::encode(secret)] {
                let line = log.lines().find(|line| line.contains(spelled.as_str()));
                assert_eq!(line, None, "the {what} is in the log");
            }
        }
    }
}

/// A server whose log goes to a file, at the lowest level.
struct Logged {
    nod: Nod,
    running: Running,
    address: String,
    secrets: Secrets,
}

impl Logged {
    fn start(format: &str, push: &str, collector: &str) -> Self {
        let nod = Nod::init();
        nod.append(&format!("[log]\nformat = \"{format}\"\nlevel = \"trace\"\n"));
        nod.append("[internal]\nlisten = \"127.0.0.1:0\"\n");
        nod.append(&format!("[trace]\ncollector = \"{collector}\"\n"));
        nod.set("# allow_insecure_endpoints = false", &format!("allow_insecure_endpoints = true\n{push}"));
        let log = File::create(nod.folder.path().join("log")).unwrap();
        let mut running = Running::start_with(nod.folder.command(&["serve"]), log.into());
        let line = running.wait_for("metrics and health on ");
        running.wait_for("listening on ");
        let mut secrets = Secrets::default();
        secrets.add("enrolment link", nod.link.split_once('#').unwrap().1);
        secrets.add("password", PASSWORD);
        secrets.add("data key", std::fs::read_to_string(nod.data("data.key")).unwrap().trim());
        Self { nod, running, address: line.rsplit(' ').next().unwrap().to_owned(), secrets }
    }

    /// A terminal phone with a subscription; gives the token of another session of it.
    async fn enrol(&mut self, http: &reqwest::Client, endpoint: &str) {
        self.nod.run(&["user", "set", "anna", "--terminal-phone", "on"]).ok();
        let enrol = ["phone", "enrol", &self.nod.link, "--password-stdin"];
        self.nod.folder.run_with(&enrol, PASSWORD).ok();
        let file = self.nod.folder.path().join(".local/state/nod/phone.json");
        let state: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        self.secrets.add_all("phone's key", &state["accounts"][0]);
        let device = PhoneState::load(&file).unwrap().accounts[0].device;
        let key = b64::decode(state["accounts"][0]["pkcs8"].as_str().unwrap()).unwrap();
        let url = |path: &str| format!("{}{path}", self.nod.origin);
        let nonce: NonceAnswer = http.post(url(paths::NONCE)).send().await.unwrap().json().await.unwrap();
        let payload = DeviceSignInPayload { nonce: nonce.nonce.clone(), device, origin: self.nod.origin.clone() };
        let statement = sign_device_sign_in(&SigningKey::from_pkcs8(&key).unwrap(), &payload).unwrap();
        let body = SessionRequest { devices: vec![statement.clone()] };
        let session = http.post(url(paths::SESSION)).json(&body).send().await.unwrap();
        let session: SessionAnswer = session.json().await.unwrap();
        let keys = json!({"p256dh": b64::encode(key_of_a_browser()), "auth": b64::encode([7; 16])});
        let body = json!({"subscription": {"endpoint": endpoint, "keys": keys}, "notifications": "granted"});
        let put = http.put(url(paths::SUBSCRIPTION)).bearer_auth(&session.token).json(&body);
        assert!(put.send().await.unwrap().status().is_success());
        self.secrets.add("nonce", nonce.nonce);
        self.secrets.add("signed statement", statement);
        self.secrets.add("device session", session.token);
        self.secrets.add("push endpoint", endpoint);
        self.secrets.add("path of the push endpoint", "endpoint-that-opens-a-phone");
        self.secrets.add_all("subscription key", &json!([keys["p256dh"]]));
        self.secrets.add("subscription secret", b64::encode([7; 16]));
    }

    /// Signs in at an app, from its door and back.
    async fn sign_in_at_app(&mut self, anna: &mut Visitor) {
        let start = anna.http().get(format!("http://{APP}/.nod/start?return=%2Fplanted-return-path"));
        let start = self.at_app(start).send().await.unwrap();
        let location = start.headers()[LOCATION].to_str().unwrap().to_owned();
        let pre = start.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let asked: BTreeMap<String, String> = pairs(location.split_once('?').unwrap().1);
        let form = [("app", &asked["app"]), ("return", &asked["return"]), ("binding", &asked["binding"])];
        anna.sign_in_with("anna", PASSWORD, &form).await;
        self.nod.run(&["phone", "wait", "--timeout", "20", "--approve"]).ok();
        let back: Value = anna.post("/sign-in/finish", &json!({})).await.json().await.unwrap();
        let back = back["location"].as_str().unwrap();
        let arrived = self.at_app(anna.http().get(back)).header(COOKIE, &pre).send().await.unwrap();
        assert_eq!(arrived.status(), StatusCode::SEE_OTHER);
        let cookie = arrived.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let auth = self.at_app(anna.http().get(format!("http://{APP}/.nod/auth"))).header(COOKIE, &cookie);
        assert_eq!(auth.send().await.unwrap().status(), StatusCode::NO_CONTENT);
        self.secrets.add("return path", "planted-return-path");
        self.secrets.add("binding", &asked["binding"]);
        self.secrets.add("code", back.split_once("code=").unwrap().1);
        self.secrets.add("pre-login cookie", pre.split_once('=').unwrap().1);
        self.secrets.add("app cookie", cookie.split_once('=').unwrap().1);
    }

    /// A request for the app, through its proxy.
    fn at_app(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let (client, request) = request.build_split();
        let mut request = request.unwrap();
        let port = self.nod.origin.rsplit(':').next().unwrap().parse().unwrap();
        request.url_mut().set_port(Some(port)).unwrap();
        reqwest::RequestBuilder::from_parts(client, request).header("host", APP)
    }

    /// Requests that are wrong in every part.
    async fn spoilt(&mut self, anna: &mut Visitor) {
        for (number, path) in ["/sign-in", "/enrol/open", paths::SESSION, "/nothing", paths::STAGES].iter().enumerate()
        {
            for method in [reqwest::Method::GET, reqwest::Method::POST] {
                let url = format!("{}{path}?q=planted-query", self.nod.origin);
                let request = anna.http().request(method, url).header(AUTHORIZATION, "Bearer planted-bearer");
                let request = request.header(COOKIE, "__Host-nod-session=planted-cookie; nod-session=planted-cookie");
                let body = format!("{{\"planted-body\": \"{number}\"");
                request.header("content-type", "application/json").body(body).send().await.unwrap();
            }
        }
        anna.refused("planted-name", "planted-password").await;
        for planted in ["planted-query", "planted-bearer", "planted-cookie", "planted-body", "planted-password"] {
            self.secrets.add(planted, planted);
        }
        self.secrets.add("word typed as a name", "planted-name");
    }

    /// Waits until so many pushes were tried.
    fn rung(&self, least: f64) {
        let deadline = Instant::now() + SOON;
        let sent = |text: &str| -> f64 {
            let lines = text.lines().filter(|line| line.starts_with("nod_push_stages_total{stage=\"sent\""));
            lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
        };
        while sent(&get(&self.address, "/metrics").1) < least {
            assert!(Instant::now() < deadline, "no push was sent");
        }
    }

    /// The whole log.
    fn end(mut self) -> (String, Secrets) {
        self.running.signal("TERM");
        assert_eq!(self.running.code(), Some(0));
        (std::fs::read_to_string(self.nod.folder.path().join("log")).unwrap(), self.secrets)
    }
}

/// A point of P-256, as browsers send it.
fn key_of_a_browser() -> Vec<u8> {
    let key = SigningKey::from_entropy(&[3; 32]).unwrap();
    let jwk = serde_json::to_value(key.jwk()).unwrap();
    let coordinate = |name: &str| b64::decode(jwk[name].as_str().unwrap()).unwrap();
    [vec![4], coordinate("x"), coordinate("y")].concat()
}

/// From enrolment to sign-in, with everything that goes wrong on the way.
async fn whole_run(logged: &mut Logged, endpoint: &str, pushes: f64) {
    logged.nod.run(&["app", "add", "payroll", "--origin", &format!("http://{APP}")]).ok();
    let mut anna = Visitor::new(&logged.nod);
    logged.enrol(&anna.http().clone(), endpoint).await;
    let link = logged.nod.run(&["browser", "introduce", "anna", "--json"]).json()["link"].as_str().unwrap().to_owned();
    anna.introduce(&link, "anna", PASSWORD).await;
    logged.secrets.add("introduction link", link.split_once('#').unwrap().1);
    for at in 1..=3 {
        assert_eq!(anna.sign_in("anna", PASSWORD).await["phase"], "waiting");
        logged.rung(f64::from(at).min(pushes));
        logged.nod.run(&["phone", "wait", "--timeout", "20", "--approve"]).ok();
        assert!(anna.post("/sign-in/finish", &json!({})).await.status().is_success());
        anna.keep_cookies(|name, secret| logged.secrets.add(format!("cookie {name} {at}"), secret));
    }
    logged.sign_in_at_app(&mut anna).await;
    logged.spoilt(&mut anna).await;
    let other = rusqlite::Connection::open(logged.nod.data("nod.db")).unwrap();
    other.execute_batch("ALTER TABLE users RENAME TO gone").unwrap();
    assert_eq!(anna.give("anna", PASSWORD).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    other.execute_batch("ALTER TABLE gone RENAME TO users").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn json_at_the_lowest_level_holds_no_secret_and_ties_lines_to_requests() {
    let service = PushService::start();
    let collector = Collector::start();
    let mut logged = Logged::start("json", "", &collector.address);
    whole_run(&mut logged, &service.endpoint, 3.0).await;
    let heard = service.heard.join().unwrap();
    assert!(heard.iter().any(|value| value.starts_with("vapid ")), "{heard:?}");
    for (number, value) in heard.into_iter().enumerate() {
        logged.secrets.add(format!("push header {number}"), value);
    }
    let (log, secrets) = logged.end();
    secrets.are_not_in(&log);
    let traces = String::from_utf8_lossy(&collector.heard.join().unwrap()).into_owned();
    secrets.are_not_in(&traces);
    for word in ["service.name", "/sign-in/finish", "commit", "read", "password", "push"] {
        assert!(traces.contains(word), "{word}");
    }
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let with = |message: &str| lines.iter().filter(|line| line["message"] == message).collect::<Vec<_>>();
    let id = |line: &Value| line["span"]["id"].as_str().unwrap().to_owned();
    let requests: BTreeSet<String> = with("request").into_iter().map(id).collect();
    assert!(requests.len() > 30 && requests.len() == with("request").len(), "each has its own id");
    for line in lines.iter().filter(|line| line["span"]["name"] == "request") {
        assert!(requests.contains(&id(line)), "{line}");
    }
    let denied = with("a request was denied because the store failed");
    assert_eq!(denied.len(), 1, "{log}");
    let its = lines.iter().filter(|line| line["span"] == denied[0]["span"]).map(|line| line["status"].clone());
    assert_eq!(its.collect::<Vec<_>>(), [Value::Null, json!(503)]);
    let rung: Vec<_> = with("a push service answered").into_iter().map(|line| line["rung"].clone()).collect();
    assert!(rung.len() >= 3 && rung[0] == "Accepted", "{rung:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn text_at_the_lowest_level_holds_no_secret_either() {
    let mut logged = Logged::start(
        "text",
        "egress_proxy = \"http://nod:planted-proxy-word@127.0.0.1:9\"",
        "http://x:planted-collector-word@127.0.0.1:9",
    );
    logged.secrets.add("password of the proxy", "planted-proxy-word");
    logged.secrets.add("password of the collector", "planted-collector-word");
    whole_run(&mut logged, "https://updates.push.services.mozilla.com/wpush/v2/endpoint-that-opens-a-phone", 1.0).await;
    let (log, secrets) = logged.end();
    secrets.are_not_in(&log);
    assert!(log.lines().any(|line| line.contains(" INFO request{id=\"") && line.contains("status=200")), "{log}");
    assert!(log.contains("DEBUG a push service answered"), "{log}");
    assert_eq!(log.matches("WARN traces cannot be sent to the collector").count(), 1, "{log}");
}

#[test]
fn the_level_is_the_configurations() {
    for (level, expected) in [("info", true), ("warn", false)] {
        let nod = Nod::init();
        nod.append(&format!("[log]\nlevel = \"{level}\"\n"));
        let log = nod.folder.path().join("log");
        let mut running = Running::start_with(nod.folder.command(&["serve"]), File::create(&log).unwrap().into());
        running.wait_for("listening on ");
        running.signal("TERM");
        assert_eq!(running.code(), Some(0));
        assert_eq!(std::fs::read_to_string(log).unwrap().contains("INFO stopped"), expected, "{level}");
    }
}

//! Events of the audit told to a program: signed, all, in order, over restarts of either side (INV-22, INV-24, INV-26).

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use crate::doctor::found;
use crate::forward::{Pair, SOON, logging, says};
use crate::harness::{Nod, Running};

const SECRET: [u8; 32] = *b"nod-sample-secret-of-32-bytes!!!";

/// What a program was told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    id: String,
    body: Value,
}

impl Told {
    fn sequence(&self) -> i64 {
        self.body["sequence"].as_i64().unwrap()
    }
}

/// A program; gone when dropped. It answers as it is told, otherwise 204.
struct Program {
    port: u16,
    told: Receiver<Told>,
    answers: Arc<Mutex<Vec<&'static str>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Program {
    fn start(port: u16, pair: &Pair, answers: &[&'static str]) -> Self {
        let config = pair.config();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, told) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let answers = Arc::new(Mutex::new(answers.to_vec()));
        let (stopped, planned) = (Arc::clone(&stop), Arc::clone(&answers));
        let thread = std::thread::spawn(move || {
            for socket in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                hear(&config, socket.unwrap(), &planned, &tell);
            }
        });
        Self { port, told, answers, stop, thread: Some(thread) }
    }

    #[track_caller]
    fn next(&self) -> Told {
        self.told.recv_timeout(SOON).unwrap()
    }

    fn will(&self, answer: &'static str) {
        self.answers.lock().unwrap().push(answer);
    }

    /// The next messages are these lines of `nod audit export`.
    #[track_caller]
    fn hears(&self, lines: &[Value]) {
        for line in lines {
            assert_eq!(self.next().body, *line);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        let _ = self.thread.take().unwrap().join();
    }
}

fn hear(config: &Arc<ServerConfig>, socket: TcpStream, answers: &Mutex<Vec<&'static str>>, tell: &Sender<Told>) {
    let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), socket);
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let (head, body) = loop {
        // One that only looks whether somebody is there, or was killed, says no more.
        let Ok(read @ 1..) = stream.read(&mut buffer) else { return };
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = field(head, "content-length").map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            break (head.to_owned(), body.to_owned());
        }
    };
    let mut planned = answers.lock().unwrap();
    let answer = if planned.is_empty() { "204 No Content" } else { planned.remove(0) };
    drop(planned);
    if head.starts_with("POST ") {
        let id = verified(&head, &body);
        let _ = tell.send(Told { id, body: serde_json::from_str(&body).unwrap() });
    }
    if answer != "killed" {
        let _ = write!(stream, "HTTP/1.1 {answer}\r\nconnection: close\r\n\r\n").and_then(|()| stream.flush());
    }
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The receiver's side of the convention, by its text: gives the id of a message that is signed well.
fn verified(head: &str, body: &str) -> String {
    let (id, time) = (field(head, "webhook-id").unwrap(), field(head, "webhook-timestamp").unwrap());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(time.parse().unwrap()) < 300, "{time}");
    let signature = field(head, "webhook-signature").unwrap().strip_prefix("v1,").unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &SECRET);
    let signed = format!("{id}.{time}.{body}");
    aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &STANDARD.decode(signature).unwrap()).unwrap();
    id.to_owned()
}

fn configure(nod: &Nod, port: u16, pair: &Pair, more: &str) {
    nod.append(&format!(
        "[[webhook]]\nname = \"chat\"\nurl = \"https://127.0.0.1:{port}/in?token=hunter2\"\nsecret_file = \"chat-secret\"\n\
         ca = \"hooks-ca.pem\"\n{more}"
    ));
    std::fs::write(nod.folder.path().join("hooks-ca.pem"), &pair.pem).unwrap();
    secret(nod, &format!("whsec_{}\n", STANDARD.encode(SECRET)), 0o600);
}

fn secret(nod: &Nod, text: &str, mode: u32) {
    let file = nod.folder.path().join("chat-secret");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

const LOOPBACK: &str = "allow = [\"127.0.0.0/8\"]\n";

/// Events behind this number.
fn exported(nod: &Nod, after: i64) -> Vec<Value> {
    let text = nod.run(&["audit", "export", "--after", &after.to_string()]).ok();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn place(nod: &Nod) -> Option<Value> {
    let database = rusqlite::Connection::open(nod.data("nod.db")).unwrap();
    let read = "SELECT CAST(value AS TEXT) FROM meta WHERE key = 'audit_sent/webhook/chat'";
    let text = database.query_row(read, [], |row| row.get::<_, String>(0)).ok()?;
    serde_json::from_str(&text).ok()
}

/// Until everything up to this event was written down as sent.
fn settled(nod: &Nod, sequence: i64) {
    while !place(nod).is_some_and(|place| place["sequence"] == sequence && place["until"] == 0) {
        std::thread::yield_now();
    }
}

fn last(nod: &Nod) -> i64 {
    exported(nod, 0).last().unwrap()["sequence"].as_i64().unwrap()
}

#[test]
fn everything_from_the_first_start_on_is_told_in_order_whoever_was_killed() {
    let nod = Nod::init();
    let pair = Pair::new();
    let program = Program::start(0, &pair, &[]);
    configure(&nod, program.port, &pair, LOOPBACK);
    let (mut running, _log) = logging(&nod);
    let start = last(&nod);
    settled(&nod, start);
    nod.run(&["user", "add", "bo"]).ok();
    nod.run(&["app", "add", "wiki", "--origin", "https://wiki.nod-mfa.org", "--display-name", "Wiki ✓"]).ok();
    program.hears(&exported(&nod, start));
    settled(&nod, start + 2);
    // The server is killed with an event told and no answer heard.
    program.will("killed");
    nod.run(&["user", "disable", "bo"]).ok();
    let told = program.next();
    running.signal("KILL");
    running.code();
    // As when the lease has ended; what the dead server may have seen of the answer does not matter.
    let database = rusqlite::Connection::open(nod.data("nod.db")).unwrap();
    let free = "UPDATE meta SET value = CAST(json_set(CAST(value AS TEXT), '$.until', 0) AS BLOB) \
                WHERE key = 'audit_sent/webhook/chat'";
    database.execute_batch(free).unwrap();
    nod.run(&["user", "enable", "bo"]).ok();
    for answer in ["500 Broken", "429 Slow\r\nretry-after: 1", "302 There\r\nlocation: http://169.254.169.254/"] {
        program.will(answer);
    }
    let (_running, mut log) = logging(&nod);
    for _ in 0..4 {
        assert_eq!(program.next(), told, "each try of an event is the same");
    }
    program.hears(&exported(&nod, told.sequence()));
    for words in ["answered 500", "answered 429", "a redirect (302)"] {
        let line = says(&mut log, words);
        assert!(line.contains("WARN") && line.contains("the webhook chat") && !line.contains("hunter2"), "{line}");
    }
    says(&mut log, "are sent to the webhook chat again");
    drop(program);
}

#[test]
fn only_wanted_kinds_are_told_and_one_that_is_gone_stays_seen() {
    let nod = Nod::init();
    let pair = Pair::new();
    let program = Program::start(0, &pair, &[]);
    let more =
        format!("{LOOPBACK}events = [\"user_disabled\", \"user_enabled\"]\n[internal]\nlisten = \"127.0.0.1:0\"\n");
    nod.set("[internal]\n", "");
    configure(&nod, program.port, &pair, &more);
    let mut running = Running::start_with(nod.folder.command(&["serve"]), std::process::Stdio::piped());
    let address = running.wait_for("metrics and health on ").rsplit(' ').next().unwrap().to_owned();
    let mut log = std::io::BufRead::lines(std::io::BufReader::new(running.child.stderr.take().unwrap()));
    let start = last(&nod);
    settled(&nod, start);
    nod.run(&["user", "add", "bo"]).ok();
    nod.run(&["user", "disable", "bo"]).ok();
    assert_eq!(program.next().body["kind"], "user_disabled");
    settled(&nod, start + 2);
    for _ in 0..100 {
        program.will("410 Gone");
    }
    nod.run(&["user", "enable", "bo"]).ok();
    let line = says(&mut log, "410 Gone");
    assert!(line.contains("WARN") && line.contains("nod.toml"), "{line}");
    program.next();
    // Nothing is given up: it is tried again.
    assert_eq!(program.next().body["kind"], "user_enabled");
    let text = metrics(&address);
    assert!(text.contains("nod_audit_waiting{to=\"webhook/chat\"} 1"), "{text}");
    assert!(text.contains("nod_audit_send_failures_total{to=\"webhook/chat\"}"), "{text}");
    found(&nod.run(&["doctor", "--offline", "--json"]), "ok", "audit", "webhook/chat: 1 events wait");
}

fn metrics(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_webhook_is_tried_and_examined() {
    let nod = Nod::init();
    let pair = Pair::new();
    let program = Program::start(0, &pair, &["200 OK", "403 No", "200 OK"]);
    configure(&nod, program.port, &pair, LOOPBACK);
    let text = nod.run(&["webhook", "test", "chat"]).ok();
    assert_eq!(text, "the webhook chat took it: 200\n");
    let told = program.next();
    assert_eq!((&told.body["kind"], told.sequence()), (&Value::from("test"), 0));
    nod.run(&["webhook", "test", "chat"]).fails(1, &["the webhook chat answered 403"]);
    let json = nod.run(&["webhook", "test", "chat", "--json"]).json();
    assert_eq!((&json["status"], &json["taken"]), (&Value::from(200), &Value::from(true)));
    nod.run(&["webhook", "test", "chat2"]).fails(1, &["has no webhook chat2; it has: chat"]);
    let ids: BTreeMap<String, ()> =
        [told, program.next(), program.next()].into_iter().map(|told| (told.id, ())).collect();
    assert_eq!(ids.len(), 3, "samples are no repetitions of each other");
    found(&nod.run(&["doctor", "--json"]), "ok", "webhook", "chat is reached");
    drop(program);
    found(&nod.run(&["doctor", "--json"]), "problem", "webhook", "chat is not reached: ");
}

#[test]
fn inner_addresses_want_a_word_and_bad_settings_stop_the_start() {
    let nod = Nod::init();
    let pair = Pair::new();
    let program = Program::start(0, &pair, &[]);
    configure(&nod, program.port, &pair, "");
    let words = ["the host leads to a loopback address", "name its address or range in `allow` of this [[webhook]]"];
    nod.run(&["webhook", "test", "chat"]).fails(1, &words);
    found(&nod.run(&["doctor", "--json"]), "problem", "webhook", words[1]);
    let whsec = format!("whsec_{}\n", STANDARD.encode(SECRET));
    for (text, mode, words) in [(&*whsec, 0o644, "chmod"), ("hunter2\n", 0o600, "it must hold a secret: whsec_")] {
        secret(&nod, text, mode);
        nod.run(&["serve"]).fails(1, &["the webhook chat", "chat-secret", words]);
    }
    assert!(program.told.try_recv().is_err());
    for (from, to, words) in [
        ("https://127.0.0.1:", "ftp://127.0.0.1:", "the url of the webhook chat must be https://"),
        ("\nname = \"chat\"", "\nname = \"Chat!\"", "the name of a webhook has"),
        ("\nname = \"chat\"", "\nname = \"chat\"\nevents = [\"signed\"]", "no events of the kind \"signed\""),
        ("\nname = \"chat\"", "\nname = \"chat\"\nallow = [\"inside\"]", "10.0.0.0/8"),
    ] {
        nod.set(from, to);
        nod.run(&["serve"]).fails(2, &["nod.toml:", words]);
        nod.set(to, from);
    }
}

#[test]
fn a_secret_may_be_a_credential() {
    let nod = Nod::init();
    let pair = Pair::new();
    let program = Program::start(0, &pair, &[]);
    configure(&nod, program.port, &pair, LOOPBACK);
    let credentials = nod.folder.path().join("credentials");
    std::fs::create_dir(&credentials).unwrap();
    nod.set("secret_file = \"chat-secret\"\nca", "ca");
    let environment = [("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap())];
    let test = || nod.folder.run_in(&["webhook", "test", "chat"], &environment);
    test().fails(1, &["there is no secret", "the credential nod-webhook-chat"]);
    std::fs::write(credentials.join("nod-webhook-chat"), format!("whsec_{}", STANDARD.encode(SECRET))).unwrap();
    test().ok();
    assert_eq!(program.next().body["kind"], "test");
}

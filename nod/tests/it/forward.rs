//! Events of the audit sent to a collector: all, in order, by one node, over restarts of either side (INV-22).

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{ChildStderr, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use nod_testkit::postgres::Cluster;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use serde_json::Value;

use crate::harness::{Nod, Running};

/// How long events may take: far more than they should.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// What a collector met.
#[derive(Debug, PartialEq, Eq)]
enum Met {
    Message(String),
    /// A connection that it closed before it read anything.
    Dropped,
    /// A connection that did not become a secure one.
    Insecure,
}

/// A certificate for this machine and its key.
pub(crate) struct Pair {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) pem: String,
    pub(crate) key: Vec<u8>,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let made = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
        Self { certificate: made.der().clone(), pem: made.pem(), key: key.serialize_der() }
    }

    /// A server that shows it.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()));
        Arc::new(config.with_no_client_auth().with_single_cert(vec![self.certificate.clone()], key).unwrap())
    }
}

/// A collector of syslog over TLS; gone when dropped.
struct Collector {
    port: u16,
    met: Receiver<Met>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Collector {
    /// On this port, 0 for any, with this certificate. The first connections it closes without reading what was sent.
    fn start(port: u16, pair: &Pair, drops: u32) -> Self {
        let config = pair.config();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, met) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            for (number, socket) in (0..).zip(listener.incoming()) {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                collect(&config, socket.unwrap(), number, drops, &tell);
            }
        });
        Self { port, met, stop, thread: Some(thread) }
    }

    #[track_caller]
    fn next(&self) -> Met {
        self.met.recv_timeout(SOON).unwrap()
    }

    /// The next messages, as many as there are lines, are these.
    #[track_caller]
    fn meets(&self, lines: &[String]) {
        for line in lines {
            assert_eq!(self.next(), Met::Message(line.clone()));
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        let _ = self.thread.take().unwrap().join();
    }
}

/// Gives a byte at a time, so that TLS reads nothing behind the handshake before it is asked to.
struct Sip(TcpStream);

impl Read for Sip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(&mut buffer[..1])
    }
}

impl Write for Sip {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn collect(config: &Arc<ServerConfig>, socket: TcpStream, number: u32, drops: u32, tell: &Sender<Met>) {
    let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), Sip(socket));
    while stream.conn.is_handshaking() {
        if stream.conn.complete_io(&mut stream.sock).is_err() {
            let _ = tell.send(Met::Insecure);
            return;
        }
    }
    if number < drops {
        drop(stream);
        let _ = tell.send(Met::Dropped);
        return;
    }
    let mut text = String::new();
    // A sender that was killed ends without TLS's word for it.
    if stream.read_to_string(&mut text).is_err() {
        return;
    }
    let mut rest = &*text;
    while let Some((length, tail)) = rest.split_once(' ') {
        let (message, tail) = tail.split_at(length.parse().unwrap());
        let _ = tell.send(Met::Message(message.to_owned()));
        rest = tail;
    }
    assert_eq!(rest, "");
    // Some say that they end, some just do.
    if number.is_multiple_of(2) {
        stream.conn.send_close_notify();
        let _ = stream.flush();
    }
}

fn configure(nod: &Nod, port: u16, pair: &Pair) {
    nod.append(&format!("[audit]\nsyslog = \"tls://127.0.0.1:{port}\"\nsyslog_ca = \"ca.pem\"\n"));
    std::fs::write(nod.folder.path().join("ca.pem"), &pair.pem).unwrap();
}

/// What is to arrive: events behind this number.
fn exported(nod: &Nod, after: usize) -> Vec<String> {
    let text = nod.run(&["audit", "export", "--format", "syslog", "--after", &after.to_string()]).ok();
    text.lines().map(str::to_owned).collect()
}

/// A running server with its log.
pub(crate) fn logging(nod: &Nod) -> (Running, io::Lines<BufReader<ChildStderr>>) {
    let mut running = Running::start_with(nod.folder.command(&["serve"]), Stdio::piped());
    let log = BufReader::new(running.child.stderr.take().unwrap()).lines();
    running.wait_for("listening on ");
    (running, log)
}

#[track_caller]
pub(crate) fn says(log: &mut io::Lines<BufReader<ChildStderr>>, words: &str) -> String {
    log.map(Result::unwrap).find(|line| line.contains(words)).unwrap_or_else(|| panic!("it never said {words}"))
}

#[test]
fn everything_arrives_in_order_whoever_was_away() {
    let nod = Nod::init();
    let pair = Pair::new();
    let collector = Collector::start(0, &pair, 0);
    let port = collector.port;
    configure(&nod, port, &pair);
    let (mut running, mut log) = logging(&nod);
    let first = exported(&nod, 0);
    assert!(!first.is_empty());
    collector.meets(&first);
    nod.run(&["user", "add", "bo"]).ok();
    nod.run(&["app", "add", "wiki", "--origin", "https://wiki.nod-mfa.org", "--display-name", "Wiki ✓"]).ok();
    let second = exported(&nod, first.len());
    assert!(second.len() == 2 && second[1].contains('✓'), "{second:?}");
    collector.meets(&second);
    // The collector goes away; then the server too; both come back, and the collector is killed once more as it is sent something.
    drop(collector);
    nod.run(&["user", "disable", "bo"]).ok();
    let line = says(&mut log, "audit events wait");
    assert!(line.contains("WARN") && line.contains(&format!("127.0.0.1:{port}")), "{line}");
    running.signal("TERM");
    assert_eq!(running.code(), Some(0));
    assert!(!log.any(|line| line.unwrap().contains("audit events wait")), "it says so once");
    nod.run(&["user", "enable", "bo"]).ok();
    let collector = Collector::start(port, &pair, 2);
    let (_running, mut log) = logging(&nod);
    assert_eq!(collector.next(), Met::Dropped);
    says(&mut log, "audit events wait");
    assert_eq!(collector.next(), Met::Dropped);
    collector.meets(&exported(&nod, first.len() + second.len()));
    says(&mut log, "are sent to 127.0.0.1");
}

#[test]
fn a_collector_with_another_certificate_is_sent_nothing() {
    let nod = Nod::init();
    let (expected, other) = (Pair::new(), Pair::new());
    let collector = Collector::start(0, &other, 0);
    configure(&nod, collector.port, &expected);
    let (_running, mut log) = logging(&nod);
    let line = says(&mut log, "audit events wait");
    assert!(line.contains("invalid peer certificate"), "{line}");
    assert_eq!(collector.next(), Met::Insecure);
    // It is tried again, not less strictly.
    assert_eq!(collector.next(), Met::Insecure);
    let port = collector.port;
    drop(collector);
    Collector::start(port, &expected, 0).meets(&exported(&nod, 0));
}

#[test]
fn authorities_that_are_none_stop_the_start() {
    let nod = Nod::init();
    configure(&nod, 6514, &Pair::new());
    std::fs::write(nod.folder.path().join("ca.pem"), "nothing").unwrap();
    nod.run(&["serve"]).fails(1, &["ca.pem holds no certificate"]);
    std::fs::remove_file(nod.folder.path().join("ca.pem")).unwrap();
    nod.run(&["serve"]).fails(1, &["ca.pem", "No such file"]);
}

#[test]
fn a_chain_that_lost_what_was_sent_is_told_and_sent_anew() {
    let nod = Nod::init();
    let pair = Pair::new();
    let collector = Collector::start(0, &pair, 0);
    configure(&nod, collector.port, &pair);
    nod.run(&["user", "add", "bo"]).ok();
    let running = nod.serve();
    collector.meets(&exported(&nod, 0));
    // Until the place is written down.
    let database = rusqlite::Connection::open(nod.data("nod.db")).unwrap();
    let place = "SELECT CAST(value AS TEXT) FROM meta WHERE key = 'audit_sent/syslog'";
    while !database.query_row(place, [], |row| row.get::<_, String>(0)).unwrap().contains("\"until\":0") {
        std::thread::yield_now();
    }
    drop(running);
    database.execute_batch("DELETE FROM audit WHERE place = (SELECT max(place) FROM audit)").unwrap();
    database.execute_batch("UPDATE audit SET kind = 'nonsense' WHERE place = 1").unwrap();
    nod.run(&["user", "add", "cia"]).ok();
    let (_running, mut log) = logging(&nod);
    says(&mut log, "is not in the audit: all are sent again");
    let Met::Message(first) = collector.next() else { panic!("no message") };
    assert!(first.contains("[nod@32473 sequence=\"1\"] Event 1 holds what Nod never wrote"), "{first}");
    collector.meets(&exported(&nod, 1));
}

/// INV-21, INV-22: whoever edits the database cannot have the collector skip what happened.
#[test]
fn an_edited_place_hides_no_event() {
    let nod = Nod::init();
    let pair = Pair::new();
    let collector = Collector::start(0, &pair, 0);
    configure(&nod, collector.port, &pair);
    let running = nod.serve();
    collector.meets(&exported(&nod, 0));
    drop(running);
    nod.run(&["user", "add", "bo"]).ok();
    // As if all had been sent: the number and the hash of the last event.
    let database = rusqlite::Connection::open(nod.data("nod.db")).unwrap();
    let read = "SELECT CAST(value AS TEXT) FROM meta WHERE key = 'audit_sent/syslog'";
    let mut place: Value =
        serde_json::from_str(&database.query_row(read, [], |row| row.get::<_, String>(0)).unwrap()).unwrap();
    let last = nod.run(&["audit", "export"]).ok();
    let last: Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
    place["sequence"] = last["sequence"].clone();
    place["hash"] = last["hash"].clone();
    place["until"] = 0.into();
    let write = "UPDATE meta SET value = CAST(?1 AS BLOB) WHERE key = 'audit_sent/syslog'";
    assert_eq!(database.execute(write, [place.to_string()]).unwrap(), 1);
    let (_running, mut log) = logging(&nod);
    says(&mut log, "is not as Nod wrote it: all is sent again");
    collector.meets(&exported(&nod, 0));
}

#[test]
fn two_nodes_send_each_event_once() {
    let Some(cluster) = Cluster::start() else { return };
    let near = Nod::init_with(&["--database", &cluster.database()]);
    let pair = Pair::new();
    let collector = Collector::start(0, &pair, 0);
    configure(&near, collector.port, &pair);
    let far = near.beside("127.0.0.2");
    std::fs::write(far.folder.path().join("ca.pem"), &pair.pem).unwrap();
    let _serving = [near.serve(), far.serve()];
    let mut seen = BTreeSet::new();
    for round in 0..4 {
        near.run(&["user", "add", &format!("user{round}")]).ok();
        let new = exported(&near, seen.len());
        collector.meets(&new);
        seen.extend(new);
    }
}

//! Certificates from an ACME server: pebble, which refuses one nonce in twenty and lets none be used unproved.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nod_testkit::tools::{PEBBLE, allowed_skip, is_ci};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;

use crate::authority::{HOST, Secure, connect};
use crate::doctor::found;
use crate::forward::{logging, says};
use crate::harness::Nod;

const ISSUED: &str = "a certificate from the ACME server is in use";

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A child process; killed when dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An ACME server and the name server that it asks.
struct Pebble {
    server: Option<Killed>,
    _names: Killed,
    management: u16,
    own_roots: RootCertStore,
}

fn root(pem: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    roots
}

impl Pebble {
    /// For this server, whose plain HTTP is on `http`, and whose certificates hold for so many seconds. Configures the server.
    fn start(nod: &mut Nod, http: Option<u16>, seconds: u64, blocked: &[&str]) -> Option<Self> {
        let Some(program) = PEBBLE.find() else {
            assert!(!is_ci() || allowed_skip(PEBBLE.name).is_some(), "{}", PEBBLE.missing());
            eprintln!("SKIP: {}", PEBBLE.missing());
            return None;
        };
        let folder = nod.folder.path().to_owned();
        let (names, listen, management) = (free_port(), free_port(), free_port());
        let own = own_certificate(&folder);
        let tls: u16 = nod.origin.rsplit(':').next().unwrap().parse().unwrap();
        let at = |port: u16| format!("127.0.0.1:{port}");
        let config = json!({"pebble": {
            "listenAddress": at(listen), "managementListenAddress": at(management),
            "certificate": folder.join("pebble.pem"), "privateKey": folder.join("pebble.key"),
            "httpPort": http.unwrap_or(1), "tlsPort": tls, "certificateValidityPeriod": seconds, "domainBlocklist": blocked,
        }});
        std::fs::write(folder.join("pebble.json"), config.to_string()).unwrap();
        let quiet =
            |command: &mut Command| Killed(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let mut dns = Command::new(program.with_file_name("pebble-challtestsrv"));
        dns.args(["-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""]);
        let names_server = quiet(dns.args(["-dns01", &at(names), "-management", &at(free_port())]));
        let mut server = Command::new(&program);
        server.env("PEBBLE_VA_NOSLEEP", "1").arg("-config").arg(folder.join("pebble.json"));
        let server = quiet(server.args(["-dnsserver", &at(names)]));
        for port in [listen, management, names] {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
                std::thread::yield_now();
            }
        }
        nod.set(&nod.origin, &nod.origin.replace("http://", "https://"));
        nod.origin = nod.origin.replace("http://", "https://");
        let redirect = http.map_or_else(String::new, |port| format!("redirect = \"127.0.0.1:{port}\"\n"));
        nod.append(&format!(
            "[tls]\n{redirect}[tls.acme]\ndirectory = \"https://127.0.0.1:{listen}/dir\"\ncontact = \"mailto:it@nod-mfa.org\"\n\
             ca = \"acme-ca.pem\"\n"
        ));
        std::fs::write(folder.join("acme-ca.pem"), &own).unwrap();
        Some(Self { server: Some(server), _names: names_server, management, own_roots: root(&own) })
    }

    /// What its certificates lead to.
    fn roots(&self) -> RootCertStore {
        let mut asked = connect("localhost", self.management, self.own_roots.clone(), &[], b"").unwrap().0;
        write!(asked, "GET /roots/0 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        let _ = asked.read_to_string(&mut answer);
        root(&answer)
    }
}

/// Pebble's own certificate, written down; gives its authority.
fn own_certificate(folder: &Path) -> String {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let root = params.self_signed(&key).unwrap().pem();
    let own_key = KeyPair::generate().unwrap();
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let own = CertificateParams::new(names).unwrap().signed_by(&own_key, &Issuer::new(params, key)).unwrap();
    std::fs::write(folder.join("pebble.pem"), own.pem()).unwrap();
    std::fs::write(folder.join("pebble.key"), own_key.serialize_pem()).unwrap();
    root
}

fn visit(nod: &Nod, roots: &RootCertStore) -> std::io::Result<Secure> {
    let port = nod.origin.rsplit(':').next().unwrap().parse().unwrap();
    connect(HOST, port, roots.clone(), &["http/1.1"], b"")
}

#[test]
fn both_challenges_are_answered_and_a_restart_orders_nothing() {
    for http in [None, Some(free_port())] {
        let mut nod = Nod::init();
        let Some(mut pebble) = Pebble::start(&mut nod, http, 3_600, &[]) else { return };
        let roots = pebble.roots();
        let (mut running, mut log) = logging(&nod);
        says(&mut log, "there is no certificate yet");
        says(&mut log, ISSUED);
        let mut first = visit(&nod, &roots).unwrap();
        assert!(first.is_well());
        // The protocol of challenges shows nothing when none waits.
        let port = nod.origin.rsplit(':').next().unwrap().parse().unwrap();
        assert!(connect(HOST, port, roots.clone(), &["acme-tls/1"], b"").is_err());
        found(&nod.run(&["doctor", "--offline", "--json"]), "ok", "certificate", "ACME: it holds for 0 days more");
        nod.run(&["key", "rotate"]).ok();
        running.signal("TERM");
        running.code();
        pebble.server = None;
        let (mut running, log) = logging(&nod);
        assert_eq!(visit(&nod, &roots).unwrap().certificate(), first.certificate());
        running.signal("TERM");
        running.code();
        let log: Vec<String> = log.map(Result::unwrap).collect();
        assert!(!log.iter().any(|line| line.contains("ordered") || line.contains("WARN")), "{log:#?}");
    }
}

#[test]
fn a_certificate_is_renewed_in_time_and_kept_when_the_server_is_away() {
    let mut nod = Nod::init();
    let Some(mut pebble) = Pebble::start(&mut nod, None, 20, &[]) else { return };
    let roots = pebble.roots();
    let (_running, mut log) = logging(&nod);
    says(&mut log, ISSUED);
    let first = visit(&nod, &roots).unwrap().certificate();
    says(&mut log, ISSUED);
    let second = visit(&nod, &roots).unwrap().certificate();
    assert_ne!(first, second);
    pebble.server = None;
    let line = says(&mut log, "the certificate before stays in use");
    assert!(line.contains("WARN"), "{line}");
    assert_eq!(visit(&nod, &roots).unwrap().certificate(), second);
    found(&nod.run(&["doctor", "--offline", "--json"]), "warning", "certificate", "the last order failed");
}

#[test]
fn a_server_that_refuses_is_told_and_asked_again_later() {
    let mut nod = Nod::init();
    let Some(pebble) = Pebble::start(&mut nod, None, 3_600, &[HOST]) else { return };
    let (_running, mut log) = logging(&nod);
    let line = says(&mut log, "there is no certificate: ");
    assert!(line.contains(HOST), "{line}");
    assert!(visit(&nod, &pebble.roots()).is_err());
    found(&nod.run(&["doctor", "--offline", "--json"]), "problem", "certificate", "there is none that holds");
}

#[test]
fn the_table_is_one_or_the_other() {
    let mut nod = Nod::init();
    nod.set(&nod.origin, &nod.origin.replace("http://", "https://"));
    nod.origin = nod.origin.replace("http://", "https://");
    nod.append("[tls]\ncertificate = \"cert.pem\"\n");
    nod.run(&["serve"])
        .fails(2, &["nod.toml:", "needs `certificate` and `key`, or instead of both a table [tls.acme]"]);
    nod.set("\ncertificate = \"cert.pem\"\n", "\n[tls.acme]\ndirectory = \"http://localhost/dir\"\n");
    nod.run(&["serve"]).fails(2, &["nod.toml:", "must be https://"]);
}

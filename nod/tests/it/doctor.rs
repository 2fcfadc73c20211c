//! `nod doctor`: a sound installation is left in peace, and each fault is named in its place.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::Value;
use tokio_rustls::TlsAcceptor;

use crate::harness::{Folder, Nod, Said};

fn findings(said: &Said) -> Vec<(String, String, String)> {
    let verdict: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let all = verdict["findings"].as_array().unwrap();
    assert!(all.iter().all(|finding| (finding["level"] == "ok") == finding["advice"].is_null()), "{verdict}");
    all.iter().map(|finding| (text(finding, "level"), text(finding, "area"), text(finding, "what"))).collect()
}

/// The findings hold one like this.
#[track_caller]
pub(crate) fn found(said: &Said, level: &str, area: &str, words: &str) {
    let found = findings(said);
    let fits = |(l, a, what): &(String, String, String)| l == level && a == area && what.contains(words);
    assert!(found.iter().any(fits), "no {level} in {area} with {words:?}: {found:#?}");
    assert_eq!(said.code, i32::from(found.iter().any(|(level, ..)| level == "problem")), "{said:?}");
}

fn examined(nod: &Nod) -> Said {
    nod.run(&["doctor", "--offline", "--json"])
}

#[test]
fn a_sound_installation_has_no_problem() {
    let nod = Nod::init();
    found(&examined(&nod), "warning", "server", "nothing listens");
    let mut running = nod.serve();
    running.signal("TERM");
    running.code();
    let _running = nod.serve();
    let said = examined(&nod);
    let worse: Vec<_> = findings(&said).into_iter().filter(|(level, ..)| level != "ok").collect();
    assert_eq!((said.code, worse.len()), (0, 0), "{worse:?}");
    let text = nod.run(&["doctor", "--offline"]).ok();
    assert!(text.contains("ok       database     SQLite") && text.ends_with("problems: 0, warnings: 0\n"), "{text}");
}

#[test]
fn faults_are_named_in_their_places() {
    let sql = |nod: &Nod, sql: &str| {
        rusqlite::Connection::open(nod.data("nod.db")).unwrap().execute_batch(sql).unwrap();
    };
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    type Fault<'f> = (&'f dyn Fn(&Nod), &'f str, &'f str);
    let faults: [Fault<'_>; 10] = [
        (&|nod| mode(&nod.data("data.key"), 0o644), "files", "may be read by other users (mode 644)"),
        (&|nod| mode(&nod.data(""), 0o755), "files", "(mode 755)"),
        (&|nod| fs::remove_file(nod.data("data.key")).unwrap(), "files", "No such file"),
        (
            &|nod| fs::write(nod.data("data.key"), "A".repeat(43)).unwrap(),
            "database",
            "does not open with this data key",
        ),
        (&|nod| fs::remove_dir_all(nod.data("")).unwrap(), "files", "No such file"),
        (
            &|nod| fs::write(nod.data("nod.db"), "no database at all ".repeat(500)).unwrap(),
            "database",
            "not a database",
        ),
        (
            &|nod| sql(nod, "INSERT INTO migrations VALUES (99, 'later', zeroblob(32), 0)"),
            "database",
            "schema 99; this binary knows",
        ),
        (
            &|nod| {
                let text = fs::read_to_string(nod.config()).unwrap();
                fs::write(nod.config(), text.replace("[\"127.0.0.1\"", "[\"0.0.0.0/0\"")).unwrap();
            },
            "proxies",
            "the whole internet",
        ),
        (
            &|nod| {
                let text = fs::read_to_string(nod.config()).unwrap();
                fs::write(nod.config(), text.replace("nod.localhost", "other.localhost")).unwrap();
            },
            "database",
            "made for nod.localhost",
        ),
        (
            &|nod| {
                let mut running = nod.serve();
                running.signal("TERM");
                running.code();
                sql(nod, "DELETE FROM audit WHERE place > 2");
            },
            "audit",
            "an older database was put back",
        ),
    ];
    for (break_it, area, words) in faults {
        let nod = Nod::init();
        break_it(&nod);
        found(&examined(&nod), "problem", area, words);
    }
}

#[test]
fn another_installation_at_the_host_is_told_from_this_one() {
    let nod = Nod::init();
    let _running = nod.serve();
    let here = nod.run(&["doctor", "--json"]);
    found(&here, "ok", "host", "this installation answers");
    found(&here, "warning", "host", "this machine only");
    let folder = Folder::new();
    let (origin, contact) = (nod.origin.as_str(), "mailto:it@nod-mfa.org");
    let init = ["init", "--non-interactive", "--origin", origin, "--contact", contact, "--admin", "anna"];
    folder.run(&init).ok();
    found(&folder.run(&["doctor", "--json"]), "problem", "host", "another installation");
}

#[test]
fn push_services_are_asked_through_the_proxy_and_its_password_is_not_told() {
    let nod = Nod::init();
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = proxy.local_addr().unwrap().port();
    let text = fs::read_to_string(nod.config()).unwrap();
    let line = format!("[push]\negress_proxy = \"http://me:hunter2@127.0.0.1:{port}\"");
    fs::write(nod.config(), text.replace("[push]", &line)).unwrap();
    let refusing = std::thread::Builder::new().spawn(move || {
        let asked = |_| {
            let (mut stream, _) = proxy.accept().unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).unwrap();
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").unwrap();
            String::from_utf8_lossy(&request[..read]).into_owned()
        };
        (0..3).map(asked).collect::<Vec<_>>()
    });
    let said = nod.run(&["doctor", "--json"]);
    found(&said, "problem", "push", "Google (Android, Chrome) is not reached through the egress proxy");
    assert!(!said.out.contains("hunter2") && !said.err.contains("hunter2"), "{said:?}");
    let asked = refusing.unwrap().join().unwrap();
    assert!(asked.iter().all(|request| request.starts_with("CONNECT ")), "{asked:?}");
    assert!(asked.iter().any(|request| request.contains("web.push.apple.com:443")), "{asked:?}");
}

/// RFC 7468.
fn pem(certificate: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// A TLS server for `nod.localhost` with a certificate that ends in so many days; gives its port and its authority in PEM.
async fn tls_server(days: i64) -> (u16, String) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut own = CertificateParams::new(vec!["nod.localhost".to_owned()]).unwrap();
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let now = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    own.not_before = now - Duration::from_secs(60);
    own.not_after = now + Duration::from_secs(u64::try_from(days).unwrap() * 86_400 + 3_600);
    let certificate = own.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await;
        }
    });
    (port, pem(authority.der()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_the_public_host_is_judged_with_its_days() {
    for (days, trusted, level, words) in [
        (30, true, "ok", "at least 14 days more"),
        (10, true, "warning", "at least 7 days more, but not for 14"),
        (1, true, "problem", "ends within 2 days"),
        (30, false, "problem", "does not hold"),
    ] {
        let (port, authority) = tls_server(days).await;
        let folder = Folder::new();
        let origin = format!("https://nod.localhost:{port}");
        let init = ["init", "--non-interactive", "--origin", &origin, "--contact", "mailto:it@nod-mfa.org"];
        folder.run(&[&init[..], &["--admin", "anna"]].concat()).ok();
        let authorities = folder.path().join("authorities.pem");
        let other = KeyPair::generate().unwrap();
        let other = CertificateParams::new(vec!["other".to_owned()]).unwrap().self_signed(&other).unwrap();
        fs::write(&authorities, if trusted { authority } else { pem(other.der()) }).unwrap();
        let said = folder.run_in(&["doctor", "--json"], &[("SSL_CERT_FILE", authorities.to_str().unwrap())]);
        found(&said, level, "certificate", words);
    }
}

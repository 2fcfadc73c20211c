//! TLS, renewed certificates, the PROXY protocol (INV-25) and the listener for plain HTTP, from outside.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::Stdio;

use reqwest::Version;
use reqwest::header::LOCATION;
use serde_json::json;

use crate::authority::{Authority, HOST};
use crate::harness::{Nod, Running};
use crate::visitor::Visitor;

const PASSWORD: &str = "four plain words here";

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_over_http2_outlives_a_stop() {
    let mut nod = Nod::init();
    let _authority = Authority::new(&mut nod, "");
    nod.run(&["user", "set", "anna", "--terminal-phone", "on"]).ok();
    let mut running = nod.serve();
    nod.folder.run_with(&["phone", "enrol", &nod.link, "--password-stdin"], PASSWORD).ok();
    let link = nod.run(&["browser", "introduce", "anna", "--json"]).json()["link"].as_str().unwrap().to_owned();
    let mut anna = Visitor::new(&nod);
    anna.introduce(&link, "anna", PASSWORD).await;
    assert_eq!(anna.get("/sign-in").await.version(), Version::HTTP_2);
    assert_eq!(anna.sign_in("anna", PASSWORD).await["phase"], "waiting");
    let mut events = anna.get("/sign-in/events").await;
    assert!(!events.chunk().await.unwrap().unwrap().is_empty());
    running.signal("TERM");
    // The stream ends in good order, not by a cut.
    while events.chunk().await.unwrap().is_some() {}
    assert_eq!(running.code(), Some(0));
    let _running = nod.serve();
    assert_eq!(anna.status().await["phase"], "waiting");
    nod.run(&["phone", "wait", "--timeout", "20", "--approve"]).ok();
    assert!(anna.post("/sign-in/finish", &json!({})).await.status().is_success());
    assert_eq!(anna.get("/portal").await.status(), 200);
}

#[tokio::test]
async fn both_protocols_over_both_versions() {
    let mut nod = Nod::init();
    let authority = Authority::new(&mut nod, "");
    let _running = nod.serve();
    let versions = [reqwest::tls::Version::TLS_1_2, reqwest::tls::Version::TLS_1_3];
    for tls in versions {
        for (only_old, expected) in [(true, Version::HTTP_11), (false, Version::HTTP_2)] {
            let builder = crate::visitor::builder(&nod).tls_version_min(tls).tls_version_max(tls);
            let builder = if only_old { builder.http1_only() } else { builder };
            let http = nod_phone::http_client(builder).unwrap();
            let answer = http.get(format!("{}/healthz", nod.origin)).send().await.unwrap();
            assert_eq!((answer.version(), answer.status().as_u16()), (expected, 200), "{tls:?}");
        }
    }
    let secure = authority.connect(&["h2"], b"").unwrap();
    let exchange = secure.0.conn.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(exchange, rustls::NamedGroup::X25519MLKEM768);
    // Something else by name is refused, nothing by name is HTTP/1.1.
    assert!(authority.connect(&["h3"], b"").is_err());
    assert!(authority.connect(&[], b"").unwrap().is_well());
    let mut plain = TcpStream::connect(("127.0.0.1", authority.port)).unwrap();
    write!(plain, "GET /healthz HTTP/1.1\r\nhost: {HOST}\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // A reset is an end as well.
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[test]
fn a_renewed_certificate_is_taken_and_a_broken_one_is_not() {
    let mut nod = Nod::init();
    let authority = Authority::new(&mut nod, "");
    let mut running = Running::start_with(nod.folder.command(&["serve"]), Stdio::piped());
    let mut log = BufReader::new(running.child.stderr.take().unwrap()).lines();
    running.wait_for("listening on ");
    let mut says = |words: &str| {
        let line = log.find(|line| line.as_ref().is_ok_and(|line| line.contains("certificate")));
        assert!(line.as_ref().is_some_and(|line| line.as_ref().unwrap().contains(words)), "{line:?}");
    };
    let now = || authority.connect(&["http/1.1"], b"").unwrap();
    let mut open = now();
    let first = open.certificate();
    assert!(open.is_well());
    authority.put(&authority.pair(HOST));
    says("a renewed certificate is in use");
    let second = now().certificate();
    assert_ne!(first, second);
    assert!(open.is_well() && open.certificate() == first, "the open connection goes on");
    let [good, key] = authority.pair(HOST);
    let [stranger, its_key] = authority.pair("other.localhost");
    for (pair, words) in [
        ([good.clone(), authority.pair(HOST)[1].clone()], "do not belong together"),
        (["nothing".to_owned(), key.clone()], "holds no certificate"),
        ([stranger, its_key], "not for nod.localhost"),
    ] {
        authority.put(&pair);
        says(words);
        assert_eq!(now().certificate(), second, "{words}");
    }
    authority.put(&[good, key]);
    says("a renewed certificate is in use");
    assert_ne!(now().certificate(), second);
    assert!(open.is_well());
}

#[test]
fn files_that_cannot_be_used_stop_the_start() {
    let mut nod = Nod::init();
    let authority = Authority::new(&mut nod, "");
    let key = nod.folder.path().join("key.pem");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    nod.run(&["serve"]).fails(1, &["key.pem may be read by everybody", "chmod o="]);
    authority.put(&authority.pair("other.localhost"));
    nod.run(&["serve"]).fails(1, &["cert.pem", "is not for nod.localhost"]);
    std::fs::remove_file(&key).unwrap();
    nod.run(&["serve"]).fails(1, &["key.pem", "No such file"]);
    nod.set("https://nod", "http://nod");
    nod.run(&["serve"]).fails(2, &["nod.toml:", "must begin with https://"]);
}

#[test]
fn plain_http_is_led_to_the_public_address() {
    let mut nod = Nod::init();
    let _authority = Authority::new(&mut nod, "redirect = \"127.0.0.1:0\"\n");
    let mut running = Running::start(nod.folder.command(&["serve"]));
    let line = running.wait_for("plain HTTP on ");
    running.wait_for("listening on ");
    let address = line.split(' ').nth(3).unwrap();
    let ask = |method: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "{method} /sign-in?app=x HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let answer = ask("GET");
    assert!(answer.starts_with("HTTP/1.1 308"), "{answer}");
    assert!(answer.contains(&format!("{}: {}/sign-in?app=x\r\n", LOCATION, nod.origin)), "{answer}");
    assert!(ask("POST").starts_with("HTTP/1.1 403"));
}

/// PROXY headers (version 1 and 2) that tell of this client.
fn headers(client: [u8; 4]) -> [Vec<u8>; 2] {
    let [a, b, c, d] = client;
    let first = format!("PROXY TCP4 {a}.{b}.{c}.{d} 127.0.0.1 40000 443\r\n").into_bytes();
    let mut second = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    second.extend_from_slice(&client);
    second.extend_from_slice(&[127, 0, 0, 1, 0x9c, 0x40, 0x01, 0xbb]);
    [first, second]
}

/// What the server answers to `said`, to its end.
fn answer(port: u16, said: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    // The server may have closed before all is written.
    let _ = stream.write_all(said);
    if !said.ends_with(b"here") {
        // Otherwise the server would wait for the rest.
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// A sign-in with a wrong password, whose address the audit keeps.
fn wrong_password(nod: &Nod) -> Vec<u8> {
    let body = "user=anna&password=wrong+words+here";
    let host = nod.origin.split_once("//").unwrap().1;
    let head = format!("POST /sign-in HTTP/1.1\r\nhost: {host}\r\norigin: {}\r\nconnection: close\r\n", nod.origin);
    let kind = "content-type: application/x-www-form-urlencoded";
    format!("{head}{kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn last_address(nod: &Nod) -> String {
    let events = nod.run(&["audit", "list", "--json", "--limit", "1"]).json();
    assert_eq!(events[0]["kind"], "password_refused", "{events}");
    events[0]["address"].as_str().unwrap().to_owned()
}

#[test]
fn a_proxy_header_counts_from_configured_peers_only() {
    let nod = Nod::init();
    nod.configure("proxy_protocol = [\"127.0.0.1\"]\n");
    let port = nod.origin.rsplit(':').next().unwrap().parse().unwrap();
    let running = nod.serve();
    let request = wrong_password(&nod);
    for (client, name) in [([203, 0, 113, 9], "203.0.113.9"), ([198, 51, 100, 7], "198.51.100.7")] {
        for header in headers(client) {
            let said = answer(port, &[header.clone(), request.clone()].concat());
            assert!(said.starts_with("HTTP/1.1"), "{said}");
            assert_eq!(last_address(&nod), name);
        }
    }
    // A balancer that asks for itself is itself.
    let said = answer(port, &[b"PROXY UNKNOWN\r\n", request.as_slice()].concat());
    assert!(said.starts_with("HTTP/1.1"), "{said}");
    assert_eq!(last_address(&nod), "127.0.0.1");
    for broken in [request.clone(), b"PROXY TCP4 nonsense\r\n".to_vec(), headers([1; 4])[1][..20].to_vec()] {
        assert_eq!(answer(port, &broken), "", "without a whole header nothing is answered");
    }
    drop(running);
    // Now from a peer that is none.
    nod.set("proxy_protocol = [\"127.0.0.1\"]", "proxy_protocol = [\"192.0.2.1\"]");
    let _running = nod.serve();
    answer(port, &request);
    let before = nod.run(&["audit", "list", "--json"]).json().as_array().unwrap().len();
    for header in headers([203, 0, 113, 9]) {
        let said = answer(port, &[header, request.clone()].concat());
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 400"), "{said}");
    }
    assert_eq!(nod.run(&["audit", "list", "--json"]).json().as_array().unwrap().len(), before);
}

#[test]
fn a_proxy_header_comes_before_tls() {
    let mut nod = Nod::init();
    nod.configure("proxy_protocol = [\"127.0.0.1\"]\n");
    let authority = Authority::new(&mut nod, "");
    let log = File::create(nod.folder.path().join("log")).unwrap();
    let mut running = Running::start_with(nod.folder.command(&["serve"]), log.into());
    running.wait_for("listening on ");
    for header in headers([203, 0, 113, 9]) {
        let mut secure = authority.connect(&["http/1.1"], &header).unwrap();
        secure.0.write_all(&wrong_password(&nod)).unwrap();
        let mut text = Vec::new();
        let _ = secure.0.read_to_end(&mut text);
        assert!(text.starts_with(b"HTTP/1.1"), "{}", String::from_utf8_lossy(&text));
        assert_eq!(last_address(&nod), "203.0.113.9");
    }
    assert!(authority.connect(&["http/1.1"], b"").is_err(), "without one there is no TLS");
}

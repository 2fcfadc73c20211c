//! An ACME server that means no good: whatever it answers, the server goes on, says in one line what was wrong, and tries later.

use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PublicKeyData, SignatureAlgorithm};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::authority::HOST;
use crate::doctor::found;
use crate::forward::{logging, says};
use crate::harness::Nod;

/// What it does at one point of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trick {
    /// Its directory has no end.
    Endless,
    /// Its directory is elsewhere, over plain HTTP.
    Elsewhere,
    /// The order's address is one of plain HTTP.
    Plain,
    /// The directory is no JSON.
    Garbage,
    /// Before the order is ready it is to be asked again after all time.
    Later,
    /// The certificate is none.
    NoCertificate,
    /// It is for another host.
    OtherHost,
    /// It is for another key.
    OtherKey,
    /// It holds from tomorrow on.
    Tomorrow,
    /// It ended long ago.
    Ended,
    /// What is wrong is told in many lines.
    Chatter,
}

type Stream = StreamOwned<ServerConnection, TcpStream>;

struct Hostile {
    trick: Trick,
    origin: String,
    issuer: Issuer<'static, KeyPair>,
    /// What it was asked to certify.
    request: Vec<u8>,
    /// How often the order was asked for.
    asked: u32,
}

/// The public key in a certificate request of P-256.
struct Point(Vec<u8>);

impl PublicKeyData for Point {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }
    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl Hostile {
    /// Serves on a thread of its own that ends with the process; configures the server for it.
    fn start(nod: &mut Nod, trick: Trick) {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let own_key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&own_key, &issuer).unwrap();
        // It is vouched for by the second certificate of the file.
        let stranger = rcgen::generate_simple_self_signed(["stranger.localhost".to_owned()]).unwrap().cert.pem();
        std::fs::write(nod.folder.path().join("acme-ca.pem"), stranger + &root).unwrap();

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        nod.set(&nod.origin, &nod.origin.replace("http://", "https://"));
        nod.origin = nod.origin.replace("http://", "https://");
        nod.append(&format!(
            "[tls]\n[tls.acme]\ndirectory = \"https://who:Geheim1@127.0.0.1:{port}/dir?token=Geheim2\"\nca = \"acme-ca.pem\"\n"
        ));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own_key.serialize_der()));
        let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![own.der().clone()], key).unwrap());
        let origin = format!("https://127.0.0.1:{port}");
        let mut hostile = Self { trick, origin, issuer, request: Vec::new(), asked: 0 };
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let session = ServerConnection::new(Arc::clone(&config)).unwrap();
                // Whoever hangs up comes again.
                let _ = hostile.serve(StreamOwned::new(session, socket));
            }
        });
    }

    fn serve(&mut self, stream: Stream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let (mut line, mut path, mut length) = (String::new(), String::new(), 0);
        while stream.read_line(&mut line)? > 0 {
            match line.trim_end().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                None if path.is_empty() => path = line.split(' ').nth(1).unwrap_or_default().to_owned(),
                None if line.trim_end().is_empty() => break,
                _ => {}
            }
            line.clear();
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        let stream = stream.get_mut();
        if self.trick == Trick::Endless {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
            loop {
                write!(stream, "1000\r\n{}\r\n", " ".repeat(0x1000))?;
            }
        }
        let payload = serde_json::from_slice::<Value>(&body).ok();
        let payload = payload.and_then(|jose| URL_SAFE_NO_PAD.decode(jose["payload"].as_str()?).ok());
        let (head, answer) = self.answer(path.split('?').next().unwrap_or_default(), &payload.unwrap_or_default());
        let length = answer.len();
        write!(
            stream,
            "HTTP/1.1 {head}\r\nreplay-nonce: bm9uY2U\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}"
        )?;
        stream.conn.send_close_notify();
        stream.flush()
    }

    /// Status with further headers, and the body.
    fn answer(&mut self, path: &str, payload: &[u8]) -> (String, String) {
        let at = |path: &str| format!("{}/{path}", self.origin);
        let order = |status: &str| {
            let plain = at("certificate").replace("https", "http");
            let certificate = if self.trick == Trick::Plain { plain } else { at("certificate") };
            json!({"status": status, "identifiers": [{"type": "dns", "value": HOST}], "authorizations": [at("authorization")],
                "finalize": at("finalize"), "certificate": certificate})
            .to_string()
        };
        let ok = || "200 OK".to_owned();
        match (path, self.trick) {
            ("/dir", Trick::Garbage) => (ok(), "{\"newNonce\":\u{7}".to_owned()),
            ("/dir", Trick::Elsewhere) => {
                (format!("302 Found\r\nlocation: {}", at("dir").replace("https", "http")), String::new())
            }
            ("/dir", _) => {
                let made = json!({"newNonce": at("nonce"), "newAccount": at("account"), "newOrder": at("order")});
                (ok(), made.to_string())
            }
            ("/account", _) => (format!("201 Created\r\nlocation: {}", at("account/1")), "{}".to_owned()),
            ("/order", Trick::Chatter) => {
                let long = format!("no\n2026 ERROR forged\u{1b}[2J {}", "blah ".repeat(1_000));
                let problem = json!({"type": "urn:ietf:params:acme:error:malformed", "detail": long, "status": 400});
                ("400 Bad Request".to_owned(), problem.to_string())
            }
            ("/order", _) => (format!("201 Created\r\nlocation: {}", at("order/1")), order("pending")),
            ("/order/1", Trick::Later) if self.asked == 0 => {
                self.asked += 1;
                (format!("200 OK\r\nretry-after: {}", u64::MAX), order("pending"))
            }
            ("/order/1", _) => (ok(), order(if self.request.is_empty() { "ready" } else { "valid" })),
            ("/authorization", _) => {
                let identifier = json!({"type": "dns", "value": HOST});
                (ok(), json!({"status": "valid", "identifier": identifier, "challenges": []}).to_string())
            }
            ("/finalize", _) => {
                let request: Value = serde_json::from_slice(payload).unwrap();
                self.request = URL_SAFE_NO_PAD.decode(request["csr"].as_str().unwrap()).unwrap();
                (ok(), order("valid"))
            }
            ("/certificate", _) => (ok(), self.certificate()),
            _ => (ok(), String::new()),
        }
    }

    fn certificate(&self) -> String {
        let host = if self.trick == Trick::OtherHost { "other.localhost" } else { HOST };
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        // The BIT STRING of an uncompressed point.
        let head = [0x03, 0x42, 0x00, 0x04];
        let begin = self.request.windows(4).position(|bytes| bytes == head).unwrap() + 3;
        let key = Point(self.request[begin..begin + 65].to_vec());
        match self.trick {
            Trick::NoCertificate => {
                let garbage = STANDARD.encode([0x30; 600]);
                return format!("-----BEGIN CERTIFICATE-----\n{garbage}\n-----END CERTIFICATE-----\n");
            }
            Trick::OtherKey => {
                return params.signed_by(&KeyPair::generate().unwrap(), &self.issuer).unwrap().pem();
            }
            Trick::Tomorrow => params.not_before = rcgen::date_time_ymd(4_000, 1, 1),
            Trick::Ended => params.not_after = rcgen::date_time_ymd(2_020, 1, 1),
            _ => {}
        }
        params.signed_by(&key, &self.issuer).unwrap().pem()
    }
}

/// One order with this trick; `words` are said of it.
fn plays(trick: Trick, words: &str) {
    let mut nod = Nod::init();
    Hostile::start(&mut nod, trick);
    let (mut running, mut log) = logging(&nod);
    let before = says(&mut log, "there is no certificate yet");
    let well = trick == Trick::Later;
    let line = says(&mut log, if well { " is in use" } else { "there is no certificate: " });
    assert!(line.contains(words), "{trick:?}: {line}");
    assert!(line.len() < 600 && !line.contains('\u{1b}'), "{trick:?}: {line}");
    if well {
        assert!(line.contains("INFO"), "{line}");
        found(&nod.run(&["doctor", "--offline", "--json"]), "ok", "certificate", "ACME: it holds");
    } else {
        assert!(line.contains("WARN"), "{trick:?}: {line}");
        found(&nod.run(&["doctor", "--offline", "--json"]), "problem", "certificate", "there is none that holds");
    }
    running.signal("TERM");
    assert_eq!(running.code(), Some(0), "{trick:?}");
    let rest: Vec<String> = log.map(Result::unwrap).collect();
    let doctor = nod.run(&["doctor", "--offline", "--json"]);
    let told = format!("{before}{line}{}{}{}", rest.join("\n"), doctor.out, doctor.err);
    assert!(told.contains("/dir") && !told.contains("Geheim"), "{trick:?}: {told}");
}

#[test]
fn answers_that_are_too_long_lead_elsewhere_or_mean_nothing_are_told_and_nothing_more() {
    for (trick, words) in [
        (Trick::Endless, "longer than 131072 bytes"),
        (Trick::Elsewhere, "it answered 302 Found"),
        (Trick::Plain, "URL scheme is not allowed"),
        (Trick::Garbage, "expected value"),
        (Trick::Chatter, "\\u{1b}[2J"),
        (Trick::Later, "a certificate from the ACME server is in use"),
    ] {
        plays(trick, words);
    }
}

#[test]
fn certificates_that_would_serve_nobody_are_not_taken() {
    for (trick, words) in [
        (Trick::NoCertificate, "the certificate cannot be used"),
        (Trick::OtherHost, "the certificate is not for nod.localhost"),
        (Trick::OtherKey, "key and certificate do not belong together"),
        (Trick::Tomorrow, "does not hold yet"),
        (Trick::Ended, "due for another one already"),
    ] {
        plays(trick, words);
    }
}

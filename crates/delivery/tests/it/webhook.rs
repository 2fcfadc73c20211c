//! Webhooks: what is sent, what is read of the answer, and INV-26 for an address that an operator named.

use std::sync::Arc;
use std::time::Duration;

use nod_core::network::Network;
use nod_delivery::gate::AddressClass::{LinkLocal, Loopback, Metadata, Private, Reserved};
use nod_delivery::gate::GateError;
use nod_delivery::webhook::{Answer, Secrets, Webhook, WebhookConfig, WebhookError};
use nod_delivery::{Limits, MAX_RESPONSE_BYTES};
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

use crate::support::{NOW_MS, Script, Sink};
use crate::tls::acceptor;

const NAME: &str = "hooks.corp-site.net";
const SECRET: &str = "whsec_bm9kLXNhbXBsZS1zZWNyZXQtb2YtMzItYnl0ZXMhISE=";

fn webhook(url: &str, allow: &[&str], root: Option<CertificateDer<'static>>, resolver: Arc<Script>) -> Webhook {
    let config = WebhookConfig {
        url: Url::parse(url).unwrap(),
        secrets: Secrets::parse(SECRET).unwrap(),
        admitted: allow.iter().map(|range| range.parse::<Network>().unwrap()).collect(),
        extra_roots: root.into_iter().collect(),
        limits: Limits { connect: Duration::from_secs(2), ..Limits::default() },
    };
    Webhook::new(config, resolver).unwrap()
}

async fn sent(webhook: &Webhook) -> Result<Answer, WebhookError> {
    webhook.send("msg_1", NOW_MS, b"{}".to_vec()).await
}

/// A receiver that gives this answer to every request; what it was asked comes out of the set when it is dropped.
struct Receiver {
    port: u16,
    root: CertificateDer<'static>,
    asked: tokio::sync::mpsc::UnboundedReceiver<String>,
    _tasks: JoinSet<()>,
}

impl Receiver {
    async fn start(answer: String) -> Self {
        let (tls, root) = acceptor(NAME, &[b"http/1.1"]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, asked) = tokio::sync::mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = tls.accept(stream).await else { continue };
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap();
                tell.send(String::from_utf8_lossy(&request[..read]).into_owned()).unwrap();
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { port, root, asked, _tasks: tasks }
    }

    fn url(&self) -> String {
        format!("https://{NAME}:{}/in?token=hunter2", self.port)
    }
}

fn here() -> Arc<Script> {
    Script::of(&[(NAME, &[&["127.0.0.1"]])])
}

#[tokio::test]
async fn a_message_carries_its_three_headers_and_the_answer_comes_back() {
    let long = "x".repeat(2 * MAX_RESPONSE_BYTES);
    let mut receiver =
        Receiver::start(format!("HTTP/1.1 429 Slow\r\nretry-after: 7\r\nconnection: close\r\n\r\n{long}")).await;
    let webhook = webhook(&receiver.url(), &["127.0.0.0/8"], Some(receiver.root.clone()), here());
    let answer = sent(&webhook).await.unwrap();
    assert_eq!((answer.status, answer.is_taken(), answer.retry_after), (429, false, Some(Duration::from_secs(7))));
    assert_eq!(answer.body.len(), MAX_RESPONSE_BYTES);
    let asked = receiver.asked.recv().await.unwrap();
    assert!(asked.starts_with("POST /in?token=hunter2 HTTP/1.1\r\n"), "{asked}");
    for line in ["webhook-id: msg_1\r\n", "webhook-timestamp: 1768478400\r\n", "webhook-signature: v1,"] {
        assert!(asked.contains(line), "{line} is not in {asked}");
    }
}

#[tokio::test]
async fn inner_addresses_are_contacted_only_where_their_network_is_named() {
    let receiver = Receiver::start("HTTP/1.1 204 Taken\r\n\r\n".to_owned()).await;
    let root = || Some(receiver.root.clone());
    for allow in [&["127.0.0.1"][..], &["10.0.0.0/8", "127.0.0.0/8"]] {
        assert_eq!(sent(&webhook(&receiver.url(), allow, root(), here())).await.unwrap().status, 204);
    }
    let mapped = Script::of(&[(NAME, &[&["::ffff:127.0.0.1"]])]);
    let refused = |class| Err(WebhookError::Blocked(GateError::Address(class)));
    for allow in [&[][..], &["10.0.0.0/8"], &["127.0.0.2"]] {
        assert_eq!(sent(&webhook(&receiver.url(), allow, root(), here())).await, refused(Loopback), "{allow:?}");
        let mapped = webhook(&receiver.url(), allow, root(), Arc::clone(&mapped));
        assert_eq!(sent(&mapped).await, refused(Loopback), "{allow:?}");
    }
    let internal = webhook("https://hooks.internal/", &[], None, here());
    assert_eq!(sent(&internal).await, Err(WebhookError::Blocked(GateError::InternalName)));
    assert_eq!(internal.reach().await, Err(WebhookError::Blocked(GateError::InternalName)));
}

/// No range opens what nobody means: metadata, link-local and translated addresses.
#[tokio::test]
async fn the_widest_range_admits_no_metadata() {
    let everything = ["0.0.0.0/0", "::/0"];
    for (host, class) in [
        ("169.254.169.254", Metadata),
        ("[::ffff:169.254.169.254]", Metadata),
        ("[fd00:ec2::254]", Metadata),
        ("[64:ff9b::a9fe:a9fe]", Metadata),
        ("100.100.100.200", Metadata),
        ("169.254.1.1", LinkLocal),
        ("0.0.0.0", Reserved),
    ] {
        let webhook = webhook(&format!("https://{host}/"), &everything, None, here());
        assert_eq!(sent(&webhook).await, Err(WebhookError::Blocked(GateError::Address(class))), "{host}");
    }
    let plain = webhook("http://127.0.0.1/", &everything, None, here());
    assert_eq!(sent(&plain).await, Err(WebhookError::Blocked(GateError::Scheme)));
}

/// Each connection has one look-up, and its answer is the one that is checked and used.
#[tokio::test]
async fn a_name_that_rebinds_or_mixes_gains_nothing() {
    let sink = Sink::new();
    let url = format!("https://{NAME}:{}/", sink.port());
    let mixed = Script::of(&[(NAME, &[&["10.1.2.3", "127.0.0.1"]])]);
    let refused = Err(WebhookError::Blocked(GateError::Address(Loopback)));
    assert_eq!(sent(&webhook(&url, &["10.0.0.0/8"], None, mixed)).await, refused);
    let receiver =
        Receiver::start("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()).await;
    let rebinding = Script::of(&[(NAME, &[&["127.0.0.1"], &["192.168.1.1"], &["169.254.169.254"]])]);
    let webhook = webhook(&receiver.url(), &["127.0.0.1"], Some(receiver.root.clone()), Arc::clone(&rebinding));
    assert!(sent(&webhook).await.unwrap().is_taken());
    assert_eq!(sent(&webhook).await, Err(WebhookError::Blocked(GateError::Address(Private))));
    assert_eq!(sent(&webhook).await, Err(WebhookError::Blocked(GateError::Address(Metadata))));
    assert_eq!(rebinding.asked().len(), 3);
    sink.assert_untouched();
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_no_error_tells_the_address() {
    let sink = Sink::new();
    for to in [format!("http://127.0.0.1:{}/", sink.port()), "http://169.254.169.254/latest".to_owned()] {
        let receiver = Receiver::start(format!("HTTP/1.1 307 There\r\nlocation: {to}\r\n\r\n")).await;
        let webhook = webhook(&receiver.url(), &["127.0.0.1"], Some(receiver.root.clone()), here());
        assert_eq!(sent(&webhook).await, Err(WebhookError::Blocked(GateError::Redirect { status: 307 })));
    }
    sink.assert_untouched();
    let receiver = Receiver::start(String::new()).await;
    let untrusted = webhook(&receiver.url(), &["127.0.0.1"], None, here());
    let cut = webhook(&receiver.url(), &["127.0.0.1"], Some(receiver.root.clone()), here());
    for webhook in [untrusted, cut] {
        let error = sent(&webhook).await.unwrap_err();
        assert!(matches!(error, WebhookError::Network(_)), "{error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

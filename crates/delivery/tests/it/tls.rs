//! The real path: https on a name, certificate checked, HTTP/2 negotiated and reused.

use std::sync::Arc;
use std::time::Duration;

use http::Version;
use nod_delivery::Limits;
use nod_delivery::web_push::{Outcome, RetryCause, WebPushConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::stub::Stub;
use crate::support::{NOW_MS, Script, config, message, sender};

const NAME: &str = "push.corp-site.net";
const BURST: usize = 20;

pub fn acceptor(name: &str, protocols: &[&[u8]]) -> (TlsAcceptor, CertificateDer<'static>) {
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
    let mut server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    server.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    (TlsAcceptor::from(Arc::new(server)), ca.der().clone())
}

/// Loopback needs the switch; everything else is as in production.
fn https(root: Option<CertificateDer<'static>>) -> WebPushConfig {
    WebPushConfig { allow_insecure: true, extra_roots: root.into_iter().collect(), ..config() }
}

#[tokio::test]
async fn http2_is_negotiated_and_one_connection_carries_a_burst() {
    let (tls, root) = acceptor(NAME, &[b"h2", b"http/1.1"]);
    let stub = Stub::start(Some(tls), &format!("https://{NAME}")).await;
    let resolver = Script::of(&[(NAME, &[&["127.0.0.1"]])]);
    let push = sender(https(Some(root)), Arc::<Script>::clone(&resolver));
    let (subscription, message) = (stub.subscription(), message());
    assert_eq!(push.send(&subscription, &message, NOW_MS).await, Outcome::Accepted { status: 201 });
    let burst = (0..BURST).map(|_| push.send(&subscription, &message, NOW_MS));
    for outcome in futures::future::join_all(burst).await {
        assert_eq!(outcome, Outcome::Accepted { status: 201 });
    }
    let received = stub.received();
    assert_eq!(received.len(), BURST + 1);
    assert!(received.iter().all(|push| push.version == Version::HTTP_2));
    assert_eq!((stub.connections(), resolver.asked().len()), (1, 1));
    let token = &received[0].headers["authorization"];
    assert!(received.iter().all(|push| push.headers["authorization"] == token), "signed once");
}

#[tokio::test]
async fn a_dead_http2_connection_is_given_up_for_a_new_one() {
    let (tls, root) = acceptor(NAME, &[b"h2"]);
    let stub = Stub::start(Some(tls), &format!("https://{NAME}")).await;
    let quick = Duration::from_millis(100);
    let limits = Limits { ping_interval: quick, ping_timeout: quick, ..Limits::default() };
    let config = WebPushConfig { limits, ..https(Some(root)) };
    let push = sender(config, Script::of(&[(NAME, &[&["127.0.0.1"]])]));
    let (subscription, message) = (stub.subscription(), message());
    let accepted = Outcome::Accepted { status: 201 };
    assert_eq!(push.send(&subscription, &message, NOW_MS).await, accepted);
    stub.freeze();
    let lost = push.send(&subscription, &message, NOW_MS).await;
    assert!(matches!(lost, Outcome::Retry { after: None, .. }), "{lost:?}");
    assert_eq!(push.send(&subscription, &message, NOW_MS).await, accepted);
    assert_eq!((stub.received().len(), stub.connections()), (2, 2));
}

#[tokio::test]
async fn http1_is_enough() {
    let (tls, root) = acceptor(NAME, &[b"http/1.1"]);
    let stub = Stub::start(Some(tls), &format!("https://{NAME}")).await;
    let push = sender(https(Some(root)), Script::of(&[(NAME, &[&["127.0.0.1"]])]));
    assert_eq!(push.send(&stub.subscription(), &message(), NOW_MS).await, Outcome::Accepted { status: 201 });
    assert_eq!(stub.received()[0].version, Version::HTTP_11);
}

/// The switch opens addresses, not certificates.
#[tokio::test]
async fn a_wrong_certificate_gets_nothing() {
    let network = Outcome::Retry { after: None, cause: RetryCause::Network };
    let (tls, root) = acceptor("other.corp-site.net", &[b"h2"]);
    let stub = Stub::start(Some(tls), &format!("https://{NAME}")).await;
    for trust in [Some(root), None] {
        let push = sender(https(trust), Script::of(&[(NAME, &[&["127.0.0.1"]])]));
        assert_eq!(push.send(&stub.subscription(), &message(), NOW_MS).await, network);
    }
    assert_eq!(stub.received().len(), 0);
    assert_eq!(stub.connections(), 2);
}

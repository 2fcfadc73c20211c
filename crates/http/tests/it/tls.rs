//! The limits that hold over TLS and HTTP/2 as they do without (INV-28).

use std::sync::Arc;
use std::time::Duration;

use nod_http::{Tls, Transport, serve};
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::world::{NOD, World};

/// A server with TLS, and what connects to it.
struct Secure {
    world: World,
    address: std::net::SocketAddr,
    connector: TlsConnector,
    tasks: JoinSet<()>,
}

impl Secure {
    async fn start(protocol: &[u8]) -> Self {
        let made = rcgen::generate_simple_self_signed([NOD.to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let tls = Tls::new(certificate.as_bytes(), key.as_bytes(), NOD).unwrap();
        let transport = Transport { tls: Some(tls), ..Transport::default() };
        let world = World::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, world.router.clone(), transport, world.word.clone().requested()));
        let mut roots = RootCertStore::empty();
        roots.add(rustls::pki_types::CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        Self { world, address, connector: TlsConnector::from(Arc::new(config)), tasks }
    }

    async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        self.connector.connect(ServerName::try_from(NOD).unwrap(), self.tcp().await).await.unwrap()
    }
}

/// Reads to the end, which must come within a minute of paused time.
async fn end(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut seen = Vec::new();
    // A reset is an end as well.
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut seen)).await;
    assert!(read.is_ok(), "still open after {seen:?}");
    seen
}

/// On paused time: the limits are waited for without waiting.
#[tokio::test(start_paused = true)]
async fn a_peer_that_says_too_little_is_cut() {
    let secure = Secure::start(b"http/1.1").await;
    for said in [&b""[..], b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = secure.tcp().await;
        stream.write_all(said).await.unwrap();
        end(&mut stream).await;
    }
    for said in ["", "GET /healthz HTTP/1.1\r\nhost: a\r\n"] {
        let mut stream = secure.connect().await;
        stream.write_all(said.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        assert!(!end(&mut stream).await.starts_with(b"HTTP/1.1 200"), "{said:?}");
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_handshake() {
    let mut secure = Secure::start(b"http/1.1").await;
    let mut silent = secure.tcp().await;
    // Accepted before the one that is answered.
    let mut stream = secure.connect().await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    assert_ne!(stream.read(&mut [0; 64]).await.unwrap(), 0);
    secure.world.stop.stop();
    let ended = tokio::time::timeout(Duration::from_secs(5), secure.tasks.join_next()).await;
    assert!(ended.is_ok(), "it waits for a peer that has said nothing");
    assert_eq!(silent.read(&mut [0]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn http2_says_its_limits() {
    let secure = Secure::start(b"h2").await;
    let mut stream = secure.connect().await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    stream.flush().await.unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(head[3], 4, "the first frame has the settings (RFC 9113 section 3.4)");
    let mut settings = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
    stream.read_exact(&mut settings).await.unwrap();
    let setting = |wanted: u16| {
        let each = settings.chunks_exact(6).find(|each| each[..2] == wanted.to_be_bytes());
        each.map(|each| u32::from_be_bytes(each[2..].try_into().unwrap()))
    };
    assert_eq!(setting(3), Some(64), "streams at once");
    assert_eq!(setting(6), Some(16 * 1024), "bytes of headers");
}

#[tokio::test]
async fn http2_refuses_what_is_too_large() {
    let secure = Secure::start(b"h2").await;
    let io = hyper_util::rt::TokioIo::new(secure.connect().await);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { drop(connection.await) });
    let mut send = async |fields: &str, body: usize| {
        let request = http::Request::post("https://nod.example.com/enrol/open").header("origin", crate::world::ORIGIN);
        let request = request.header("content-type", "application/json").header("x", fields);
        sender.ready().await.unwrap();
        let answer = sender.send_request(request.body("x".repeat(body)).unwrap()).await;
        answer.map_or(0, |answer| answer.status().as_u16())
    };
    assert_eq!(send("a", 10).await, 400, "small enough: it is read, and is no JSON");
    assert_eq!(send("a", 200_000).await, 413);
    let refused = send(&"a".repeat(20_000), 10).await;
    assert!(refused == 431 || refused == 0, "{refused}");
}

//! The accept loop over real sockets on the loopback.

use std::time::Duration;

use nod_http::{Stop, Transport, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::people::enrolled;
use crate::world::World;

/// A server that ends with the returned set.
async fn started(world: &World, stop: Stop) -> (TcpStream, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(serve(listener, world.router.clone(), Transport::default(), stop.requested()));
    (TcpStream::connect(address).await.unwrap(), tasks)
}

async fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn it_answers_and_stops_when_told_and_streams_end_with_it() {
    let world = World::new();
    let anna = enrolled(&world, "anna").await;
    let (mut stream, mut tasks) = started(&world, world.word.clone()).await;
    let request = format!(
        "GET /api/device/v1/events HTTP/1.1\r\nhost: nod.example.com\r\nauthorization: Bearer {}\r\n\r\n",
        anna.phone.token
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("{\"ids\":[]}") {
        assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0, "{}", String::from_utf8_lossy(&seen));
    }
    assert!(seen.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&seen));
    world.stop.stop();
    assert!(tokio::time::timeout(Duration::from_secs(20), tasks.join_next()).await.unwrap().unwrap().is_ok());
    assert!(rest(stream).await.ends_with("0\r\n\r\n"), "the stream ended in good order");
}

#[tokio::test]
async fn oversized_heads_are_refused() {
    let world = World::new();
    let (mut stream, _tasks) = started(&world, world.word.clone()).await;
    let request = format!("GET /healthz HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "a".repeat(64 * 1024));
    // The server may close before all is written.
    let _ = stream.write_all(request.as_bytes()).await;
    let answer = rest(stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let (mut stream, _tasks) = started(&world, world.word.clone()).await;
    let request = format!("GET /healthz HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: a\r\n".repeat(200));
    let _ = stream.write_all(request.as_bytes()).await;
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 431") || answer.is_empty(), "{answer}");
}

/// On paused time: the limits are waited for without waiting.
#[tokio::test(start_paused = true)]
async fn a_peer_that_says_too_little_is_cut() {
    for said in ["", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n", "GET /healthz HTTP/1.1\r\nhost: a\r\n"] {
        let world = World::new();
        let (mut stream, _tasks) = started(&world, world.word.clone()).await;
        stream.write_all(said.as_bytes()).await.unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(60), rest(stream)).await;
        let answer = answer.unwrap_or_else(|_| panic!("still open after {said:?}"));
        assert!(!answer.contains("200 OK"), "{answer}");
    }
}

#[tokio::test]
async fn http2_without_tls_is_spoken() {
    let world = World::new();
    let (stream, _tasks) = started(&world, world.word.clone()).await;
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { drop(connection.await) });
    let request = http::Request::get("http://nod.example.com/api/device/v1/server").body(String::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, http::Version::HTTP_2));
}

//! A plain HTTP/1.1 client on one kept connection: as little CPU as can be, since it shares the cores with the server.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::installation::HOST;

/// One connection.
pub(crate) struct Http {
    stream: TcpStream,
    read: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Http {
    pub(crate) async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::with_capacity(4096) }
    }

    /// Sends one request and reads its answer. `fields` are whole header lines.
    pub(crate) async fn send(&mut self, line: &str, fields: &[&str], body: &[u8]) -> Answer {
        self.write(line, fields, body).await;
        let end = self.head().await;
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let length = field(&head, "content-length").map_or(0, |text| text.parse::<usize>().unwrap());
        while self.read.len() < length {
            self.more().await;
        }
        let body = self.read.drain(..length).collect();
        Answer { status: head[9..12].parse().unwrap(), head, body }
    }

    pub(crate) async fn write(&mut self, line: &str, fields: &[&str], body: &[u8]) {
        let mut request = format!("{line} HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: {}\r\n", body.len()).into_bytes();
        for field in fields {
            request.extend_from_slice(field.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        self.stream.write_all(&request).await.unwrap();
    }

    /// Reads until a piece that ends in `mark` is there, and takes it out.
    pub(crate) async fn until(&mut self, mark: &[u8]) -> Vec<u8> {
        loop {
            if let Some(at) = self.read.windows(mark.len()).position(|window| window == mark) {
                return self.read.drain(..at + mark.len()).collect();
            }
            self.more().await;
        }
    }

    async fn head(&mut self) -> usize {
        loop {
            if let Some(at) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                return at + 4;
            }
            self.more().await;
        }
    }

    async fn more(&mut self) {
        let read = self.stream.read_buf(&mut self.read).await.unwrap();
        assert!(read > 0, "the server closed a connection");
    }
}

impl Answer {
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}{}", self.head, String::from_utf8_lossy(&self.body));
        self
    }

    /// The value that a cookie is set to.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let lines = self.head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
        lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')?.split(';').next()).next().map(str::to_owned)
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

//! Marionette, Firefox's remote control: length-prefixed JSON over TCP.

use serde_json::{Value, json};
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longest wait for one answer; commands that wait (a page load, a script) end earlier by themselves.
const ANSWER_PATIENCE: Duration = Duration::from_secs(60);

/// A connection to one Firefox.
#[derive(Debug)]
pub struct Marionette {
    stream: BufReader<TcpStream>,
    last_id: u64,
}

impl Marionette {
    /// Connects and reads the greeting; `None` while Firefox does not listen yet.
    ///
    /// # Panics
    /// When Firefox accepts but does not greet.
    #[must_use]
    pub fn connect(port: u16) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(ANSWER_PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut client = Self { stream: BufReader::new(stream), last_id: 0 };
        let greeting = client.read().expect("Marionette greets");
        assert_eq!(greeting["marionetteProtocol"], 3, "unknown Marionette protocol: {greeting}");
        Some(client)
    }

    /// Sends a command and waits for its result; the error is Marionette's own object.
    ///
    /// # Errors
    /// What Firefox answered, or that it ended.
    pub fn try_call(&mut self, command: &str, parameters: &Value) -> Result<Value, Value> {
        self.last_id += 1;
        let text = json!([0, self.last_id, command, parameters]).to_string();
        let frame = format!("{}:{text}", text.len());
        self.stream.get_mut().write_all(frame.as_bytes()).map_err(|error| json!({"error": error.to_string()}))?;
        let answer = self.read().map_err(|error| json!({"error": error.to_string()}))?;
        assert_eq!(answer[1], self.last_id, "Marionette answers in order");
        if answer[2].is_null() { Ok(answer[3].clone()) } else { Err(answer[2].clone()) }
    }

    fn read(&mut self) -> std::io::Result<Value> {
        let mut length = 0_usize;
        loop {
            let mut byte = [0];
            self.stream.read_exact(&mut byte)?;
            match byte[0] {
                b':' => break,
                digit => length = length * 10 + usize::from(digit - b'0'),
            }
        }
        let mut text = vec![0; length];
        self.stream.read_exact(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }
}

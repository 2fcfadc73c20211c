//! Server-sent events (HTML standard, section 9.2.6): a parser fed with chunks as they come.

/// Longest accepted event or line, in bytes.
pub const EVENT_MAX_BYTES: usize = 64 * 1024;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SseEvent {
    /// The event's name; "message" where the stream gave none.
    pub event: String,
    /// The data, lines joined by line feeds.
    pub data: String,
}

/// The stream exceeded [`EVENT_MAX_BYTES`]: give it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {EVENT_MAX_BYTES} bytes")]
pub struct EventTooLong;

/// The parser. Where chunks are cut does not matter.
#[derive(Debug, Default)]
pub struct SseParser {
    line: Vec<u8>,
    event: String,
    data: Option<String>,
    after_cr: bool,
    begun: bool,
}

impl SseParser {
    /// Takes the next chunk and returns the events that it completes. `id` and `retry` fields are skipped.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<SseEvent>, EventTooLong> {
        let mut events = Vec::new();
        for byte in chunk {
            let after_cr = std::mem::take(&mut self.after_cr);
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => {
                    self.after_cr = *byte == b'\r';
                    events.extend(self.end_line());
                }
                _ => self.line.push(*byte),
            }
            if self.line.len() + self.event.len() + self.data.as_ref().map_or(0, String::len) > EVENT_MAX_BYTES {
                return Err(EventTooLong);
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Option<SseEvent> {
        let bytes = std::mem::take(&mut self.line);
        let mut line = String::from_utf8_lossy(&bytes).into_owned();
        if !std::mem::replace(&mut self.begun, true) && line.starts_with('\u{FEFF}') {
            line.remove(0);
        }
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            let data = self.data.take()?;
            return Some(SseEvent { event: if event.is_empty() { "message".to_owned() } else { event }, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            _ => {}
        }
        None
    }
}

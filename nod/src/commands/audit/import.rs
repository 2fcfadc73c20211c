//! Exported events read back, for a restore.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use nod_core::audit::{ChainHash, Event, EventKind, Link};
use nod_core::{AppId, DeviceId, Timestamp, UserId};
use nod_engine::{Engine, Replayed};
use nod_protocol::b64;
use serde::Deserialize;

use crate::failure::{Failure, Outcome};

/// Longest line that is read, in bytes: many times what an event holds.
const MAX_LINE_BYTES: u64 = 64 * 1024;
/// Events that are handed on at a time.
const EVENTS_AT_ONCE: usize = 500;

/// A line that `nod audit export` wrote. What only people read is left aside.
#[derive(Deserialize)]
struct Line {
    sequence: i64,
    at: String,
    kind: String,
    user: Option<Named>,
    app: Option<Named>,
    device: Option<Named>,
    address: Option<String>,
    detail: String,
    hash: String,
}

#[derive(Deserialize)]
struct Named {
    id: Option<String>,
    name: String,
}

impl Named {
    fn id(&self) -> Option<[u8; 16]> {
        self.id.as_ref().and_then(|id| b64::decode_array(id).ok())
    }
}

impl Line {
    /// The event with its place. What is no event is given without it, and refused by whoever follows the chain.
    fn link(self) -> Link {
        let hash = b64::decode_array(&self.hash).ok().map(ChainHash);
        Link { sequence: self.sequence, hash, event: self.event() }
    }

    fn event(self) -> Option<Event> {
        let with_id = |named: Option<Named>| match named {
            None => Some(None),
            Some(named) => named.id().map(|id| Some((id, named.name))),
        };
        Some(Event {
            kind: EventKind::from_name(&self.kind)?,
            at: Timestamp(self.at.parse::<jiff::Timestamp>().ok()?.as_millisecond()),
            user: with_id(self.user)?.map(|(id, name)| (UserId(id), name)),
            app: self.app.map(|named| (named.id().map(AppId), named.name)),
            device: with_id(self.device)?.map(|(id, name)| (DeviceId(id), name)),
            address: self.address,
            detail: self.detail,
        })
    }
}

/// Adds the events of this file that are behind those of the store, and revokes again what they revoked.
pub(in crate::commands) async fn replay(engine: &Engine, path: &Path) -> Outcome<Replayed> {
    let shown = path.display();
    let failed = |error: std::io::Error| Failure::new(format!("{shown}: {error}"));
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let mut replayed = Replayed::default();
    let (mut batch, mut number) = (Vec::new(), 0_usize);
    loop {
        let mut line = Vec::new();
        let read = file.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line).map_err(failed)?;
        number += 1;
        if read > 0 && !line.trim_ascii().is_empty() {
            let wrong = |error: serde_json::Error| {
                Failure::new(format!("{shown}:{number} is no line of nod audit export: {error}"))
            };
            batch.push(serde_json::from_slice::<Line>(&line).map_err(wrong)?.link());
        }
        if batch.len() == EVENTS_AT_ONCE || read == 0 {
            let more = engine.replay(std::mem::take(&mut batch)).await?;
            replayed.events += more.events;
            replayed.again.extend(more.again);
            replayed.to_do.extend(more.to_do);
        }
        if read == 0 {
            return Ok(replayed);
        }
    }
}

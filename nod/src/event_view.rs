//! An event of the audit as JSON.

use nod_core::audit::{ChainHash, Event};
use serde::Serialize;

use crate::failure::Outcome;
use crate::output::{Time, escape_json};

/// All fields of an event, and its sentence.
#[derive(Serialize)]
pub(crate) struct EventView {
    sequence: i64,
    at: Option<Time>,
    kind: &'static str,
    sentence: String,
    user: Option<Named>,
    app: Option<Named>,
    device: Option<Named>,
    address: Option<String>,
    detail: String,
}

#[derive(Serialize)]
struct Named {
    id: Option<String>,
    name: String,
}

#[derive(Serialize)]
struct WithHash {
    #[serde(flatten)]
    event: EventView,
    hash: Option<String>,
}

impl EventView {
    /// Of an event with its place.
    pub(crate) fn of(sequence: i64, event: Event) -> Self {
        Self {
            sequence,
            at: Some(Time(event.at)),
            kind: event.kind.name(),
            sentence: event.sentence(),
            user: event.user.map(|(id, name)| Named { id: Some(id.to_string()), name }),
            app: event.app.map(|(id, name)| Named { id: id.map(|id| id.to_string()), name }),
            device: event.device.map(|(id, name)| Named { id: Some(id.to_string()), name }),
            address: event.address,
            detail: event.detail,
        }
    }

    /// Of something that is no event, in the form of one.
    pub(crate) fn said(sequence: i64, kind: &'static str, sentence: String) -> Self {
        let (user, app, device) = (None, None, None);
        Self { sequence, at: None, kind, sentence, user, app, device, address: None, detail: String::new() }
    }

    /// One line of JSON whatever the fields hold (D08).
    pub(crate) fn line(self, hash: Option<ChainHash>) -> Outcome<String> {
        let whole = WithHash { event: self, hash: hash.map(|hash| hash.to_string()) };
        Ok(escape_json(&serde_json::to_string(&whole)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syslog::tests::{is_one_line, nasty};

    #[test]
    fn a_json_line_is_one_line_and_gives_back_every_field() {
        let line = EventView::of(7, nasty()).line(Some(ChainHash([4; 32]))).unwrap();
        assert!(is_one_line(&line), "{line}");
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        let event = nasty();
        assert_eq!(
            (read["detail"].as_str(), read["address"].as_str()),
            (Some(&*event.detail), event.address.as_deref())
        );
        assert_eq!(read["user"]["name"].as_str(), event.user.as_ref().map(|(_, name)| &**name));
        assert_eq!(read["hash"], ChainHash([4; 32]).to_string());
    }
}

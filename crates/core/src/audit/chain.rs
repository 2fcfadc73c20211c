//! The hash chain over the audit (INV-22): the bytes of an event that are hashed, and what a link is.
//!
//! `hash = SHA-256(previous hash || canonical bytes)`; before the first event stands [`ChainHash::START`]. Hashing is done by
//! `nod-engine`, which has SHA-256; the bytes are defined here, once.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Event;

/// The first bytes under every hash of the chain: no other thing that Nod hashes begins with them.
const LABEL: &[u8] = b"nod-audit-v1";
const ABSENT: u8 = 0;
const PRESENT: u8 = 1;

/// SHA-256 of one link. In text 43 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash(pub [u8; 32]);

impl ChainHash {
    /// What the first event follows: 32 zero bytes.
    pub const START: Self = Self([0; 32]);
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainHash({self})")
    }
}

/// One row of the audit as it is stored, sound or not: nothing of it is believed before it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its place: 1 is the first, without gaps.
    pub sequence: i64,
    /// The hash that the row carries; `None` when that is no hash.
    pub hash: Option<ChainHash>,
    /// What the row says; `None` when no event has such values.
    pub event: Option<Event>,
}

impl Event {
    /// The bytes of this event at `sequence` that the chain covers. Two events, or two places, never have the same bytes.
    ///
    /// The label `nod-audit-v1`, then these fields in this order: sequence and time (each a 64-bit big-endian number; the time in
    /// milliseconds since 1970), kind, user id, user name, app id, app name, device id, device name, address, detail. A field is
    /// the byte 0 when it is absent; else the byte 1, its length in bytes as a 64-bit big-endian number, and its bytes: ids raw,
    /// text in UTF-8.
    #[must_use]
    pub fn canonical(&self, sequence: i64) -> Vec<u8> {
        let user = self.user.as_ref().map(|(id, name)| (id.0.as_slice(), name.as_bytes())).unzip();
        let app = self.app.as_ref().map(|(id, name)| (id.as_ref().map(|id| id.0.as_slice()), name.as_bytes())).unzip();
        let device = self.device.as_ref().map(|(id, name)| (id.0.as_slice(), name.as_bytes())).unzip();
        let (sequence, at) = (sequence.to_be_bytes(), self.at.0.to_be_bytes());
        let fields = [
            Some(sequence.as_slice()),
            Some(at.as_slice()),
            Some(self.kind.name().as_bytes()),
            user.0,
            user.1,
            app.0.flatten(),
            app.1,
            device.0,
            device.1,
            self.address.as_deref().map(str::as_bytes),
            Some(self.detail.as_bytes()),
        ];
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(LABEL);
        for field in fields {
            match field {
                None => bytes.push(ABSENT),
                Some(field) => {
                    bytes.push(PRESENT);
                    bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
                    bytes.extend_from_slice(field);
                }
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::super::EventKind;
    use super::*;
    use crate::{AppId, DeviceId, Timestamp, UserId};

    fn framed(bytes: &[u8]) -> Vec<u8> {
        [&[1, 0, 0, 0, 0, 0, 0, 0, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    }

    /// The golden vector: whoever writes another reader of the chain holds it against these bytes.
    #[test]
    fn the_bytes_of_an_event_are_fixed() {
        let whole = Event::new(EventKind::Approved, Timestamp(0x0001_0203_0405))
            .user(UserId([1; 16]), "Anna Bérg")
            .app(Some(AppId([2; 16])), "Payroll")
            .device(DeviceId([3; 16]), "Pixel")
            .address("192.0.2.1")
            .detail(", number matched");
        let expected: Vec<u8> = [
            b"nod-audit-v1".to_vec(),
            framed(&[0, 0, 0, 0, 0, 0, 1, 2]),
            framed(&[0, 0, 0, 1, 2, 3, 4, 5]),
            framed(b"approved"),
            framed(&[1; 16]),
            framed("Anna Bérg".as_bytes()),
            framed(&[2; 16]),
            framed(b"Payroll"),
            framed(&[3; 16]),
            framed(b"Pixel"),
            framed(b"192.0.2.1"),
            framed(b", number matched"),
        ]
        .concat();
        assert_eq!(whole.canonical(258), expected);
    }

    #[test]
    fn what_is_absent_is_one_byte() {
        let bare = Event::new(EventKind::Denied, Timestamp(-1)).app(None, "");
        let (one, none): (&[u8], &[u8]) = (&[0], &[1, 0, 0, 0, 0, 0, 0, 0, 0]);
        let expected: Vec<u8> = [
            b"nod-audit-v1",
            framed(&[0, 0, 0, 0, 0, 0, 0, 1]).as_slice(),
            &framed(&[255; 8]),
            &framed(b"denied"),
            one,
            one,
            one,
            none,
            one,
            one,
            one,
            none,
        ]
        .concat();
        assert_eq!(bare.canonical(1), expected);
    }
}

//! Every number that bounds a request, with its unit (INV-28).

use std::time::Duration;

/// Longest request body, in bytes: the contract's.
pub const BODY_BYTES: usize = nod_protocol::device_api::BODY_MAX_BYTES;
/// A body must have arrived after this time.
pub const BODY_TIME: Duration = Duration::from_secs(10);
/// Levels that a JSON body may be nested: what serde_json allows. More is "not JSON".
pub const JSON_NESTING: usize = 128;
/// Request line and headers together, in bytes (HTTP/1.1 buffer and HTTP/2 header list).
pub const HEADER_BYTES: usize = 16 * 1024;
/// Header fields of one request.
pub const HEADER_FIELDS: usize = 100;
/// A new connection's first request must have arrived, up to the end of its headers, after this time; PROXY header and TLS
/// handshake are in it.
pub const FIRST_REQUEST_TIME: Duration = Duration::from_secs(10);
/// A later request's headers, and the silence before them.
pub const HEADER_TIME: Duration = Duration::from_secs(30);
/// HTTP/2: a connection is asked for a sign of life this often.
pub const PING_INTERVAL: Duration = Duration::from_secs(20);
/// HTTP/2: how long that sign may take.
pub const PING_TIME: Duration = Duration::from_secs(10);
/// HTTP/2: requests of one connection at once.
pub const REQUESTS_PER_CONNECTION: u32 = 64;
/// Connections at once; further ones wait in the kernel's queue.
pub const CONNECTIONS: usize = 8_192;
/// Connections of one source that have not sent a request yet (A01). A proxy's are few, as it sends at once.
pub const NEWCOMERS_PER_SOURCE: usize = 1_024;
/// Connections of one source, unless it is a configured proxy: one alone must not take all of [`CONNECTIONS`] (A01).
pub const CONNECTIONS_PER_SOURCE: usize = 1_024;
/// After a stop, running requests may take this long.
pub const STOP_TIME: Duration = Duration::from_secs(10);
/// A pause after `accept` failed (out of file descriptors).
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A look at the database for `/health/ready` or `/metrics` may take this long.
pub const PROBE_TIME: Duration = Duration::from_secs(2);
/// The loop that sends pushes must have turned within this time. A turn waits for pushes under way at most, 15 s each.
pub const PULSE_TIME: Duration = Duration::from_secs(30);
/// Open event streams of one source address (A04): an office behind one address is many phones.
pub const STREAMS_PER_SOURCE: usize = 256;
/// Open event streams in all.
pub const STREAMS: usize = 16_384;
/// What a refused stream is told to wait, in seconds.
pub const STREAM_RETRY_SECONDS: u32 = 10;
/// A stream with nothing to say sends a comment line this often, and looks whether its reader may still listen.
pub const STREAM_COMMENT: Duration = Duration::from_secs(nod_protocol::device_api::EVENTS_COMMENT_SECONDS);
/// Longest cookie value that is read, in bytes.
pub const COOKIE_BYTES: usize = 512;
/// Longest path that a sign-in returns to, in bytes.
pub const RETURN_BYTES: usize = 2_048;
/// Entries of X-Forwarded-For that are looked at, from the right.
pub const FORWARDED_ENTRIES: usize = 16;

//! The phone against a small server that checks everything with nod-protocol.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod enrol_browser;
mod phone;
mod server;
mod sse;
mod state;

use std::sync::Mutex;

use nod_phone::Entropy;

/// A seeded source: a counter hashed, so that a test repeats.
pub(crate) struct Seeded(Mutex<u64>);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(seed << 32))
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let mut counter = self.0.lock().unwrap();
            *counter += 1;
            chunk.copy_from_slice(&nod_protocol::sha256(&counter.to_be_bytes())[..chunk.len()]);
        }
    }
}

/// A client as the binary would make it.
pub(crate) fn http() -> reqwest::Client {
    // Another test of this process may have been first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    nod_phone::http_client(reqwest::Client::builder().no_proxy()).unwrap()
}

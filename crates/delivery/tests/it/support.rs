//! A seeded source of randomness, a browser that decrypts, a resolver that says what the test wants, and a sender.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use nod_delivery::Limits;
use nod_delivery::gate::{Lookup, Resolver};
use nod_delivery::web_push::{
    Kind, Message, PublicOrigin, PushId, Subscription, VapidKey, VapidSubject, WebPush, WebPushConfig,
};
use nod_engine::ports::Entropy;

/// The store's time in every test: 2026-01-15 12:00:00 UTC, in milliseconds.
pub const NOW_MS: i64 = 1_768_478_400_000;
pub const ORIGIN: &str = "https://nod.corp-site.net";
pub const ID: &str = "AbCdEfGhIjKlMnOpQr-_12";

/// SHA-256 over seed and counter.
pub struct Seeded {
    seed: u64,
    next: AtomicU64,
}

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Self { seed, next: AtomicU64::new(0) }
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let mut block = self.seed.to_be_bytes().to_vec();
            block.extend(self.next.fetch_add(1, Ordering::SeqCst).to_be_bytes());
            chunk.copy_from_slice(&digest(&SHA256, &block).as_ref()[..chunk.len()]);
        }
    }
}

/// The receiving side of RFC 8291, written from the receiver's point of view with plain HMAC.
pub struct Browser {
    private: PrivateKey,
    pub public: [u8; 65],
    pub auth: [u8; 16],
}

impl Browser {
    pub fn new(seed: u64) -> Self {
        let entropy = Seeded::new(seed);
        let mut scalar = [0; 32];
        entropy.fill(&mut scalar);
        let private = PrivateKey::from_private_key(&ECDH_P256, &scalar).unwrap();
        let public = private.compute_public_key().unwrap().as_ref().try_into().unwrap();
        let mut auth = [0; 16];
        entropy.fill(&mut auth);
        Self { private, public, auth }
    }

    pub fn subscription(&self, endpoint: &str) -> Subscription {
        Subscription::parse(endpoint, &B64.encode(self.public), &B64.encode(self.auth)).unwrap()
    }

    /// Content and length of the padding, or what is wrong with the body.
    pub fn decrypt(&self, body: &[u8]) -> Result<(Vec<u8>, usize), String> {
        let (salt, rest) = body.split_at_checked(16).ok_or("no salt")?;
        let (size, rest) = rest.split_at_checked(4).ok_or("no record size")?;
        let (id_len, rest) = rest.split_first().ok_or("no key id")?;
        let (sender, record) = rest.split_at_checked(usize::from(*id_len)).ok_or("short key id")?;
        let size = u32::from_be_bytes(size.try_into().unwrap()) as usize;
        if record.len() > size {
            return Err("more than one record".into());
        }
        let input = agree(&self.private, UnparsedPublicKey::new(&ECDH_P256, sender), "bad point", |shared| {
            let info = [b"WebPush: info\0".as_slice(), &self.public, sender].concat();
            Ok(hkdf(&self.auth, shared, &info, 32))
        })?;
        let key = hkdf(salt, &input, b"Content-Encoding: aes128gcm\0", 16);
        let nonce = hkdf(salt, &input, b"Content-Encoding: nonce\0", 12);
        let mut plain = record.to_vec();
        let opened = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap())
            .open_in_place(Nonce::try_assume_unique_for_key(&nonce).unwrap(), Aad::empty(), &mut plain)
            .map_err(|_| "does not decrypt")?;
        let end = opened.iter().rposition(|byte| *byte != 0).ok_or("no delimiter")?;
        if opened[end] != 2 {
            return Err("not the last record".into());
        }
        Ok((opened[..end].to_vec(), opened.len() - end - 1))
    }
}

/// HKDF (RFC 5869) for up to one block of output.
fn hkdf(salt: &[u8], input: &[u8], info: &[u8], len: usize) -> Vec<u8> {
    let prk = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt), input);
    let block = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, prk.as_ref()), &[info, &[1]].concat());
    block.as_ref()[..len].to_vec()
}

/// Answers look-ups from a script: each name has a list of answers, the last of which repeats.
#[derive(Default)]
pub struct Script {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    pub asked: Mutex<Vec<String>>,
}

impl Script {
    pub fn of(entries: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let parse = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        let answers = entries.iter().map(|(name, lists)| ((*name).into(), lists.iter().map(parse).collect()));
        Arc::new(Self { answers: Mutex::new(answers.collect()), asked: Mutex::default() })
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Resolver for Script {
    fn lookup(&self, host: &str) -> Lookup {
        self.asked.lock().unwrap().push(host.into());
        let mut answers = self.answers.lock().unwrap();
        let found = answers.get_mut(host).map(|lists| if lists.len() > 1 { lists.remove(0) } else { lists[0].clone() });
        Box::pin(std::future::ready(found.ok_or_else(|| io::Error::other("no such name"))))
    }
}

/// A listener that must never be contacted.
pub struct Sink(TcpListener);

impl Sink {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// A loopback connect is complete when the client's call returns, so this sees every attempt made before it.
    pub fn assert_untouched(&self) {
        match self.0.accept() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            other => panic!("the sink was contacted: {other:?}"),
        }
    }
}

pub fn config() -> WebPushConfig {
    WebPushConfig {
        subject: VapidSubject::parse("mailto:it@corp-site.net").unwrap(),
        origin: PublicOrigin::parse(ORIGIN).unwrap(),
        allow_insecure: false,
        egress_proxy: None,
        extra_roots: Vec::new(),
        limits: Limits::default(),
    }
}

pub fn sender(config: WebPushConfig, resolver: Arc<dyn Resolver>) -> WebPush {
    let entropy = Arc::new(Seeded::new(1));
    let key = VapidKey::generate(entropy.as_ref()).unwrap();
    WebPush::new(config, key, entropy, resolver).unwrap()
}

/// A sender that may reach loopback over plain http.
pub fn insecure_sender() -> WebPush {
    sender(WebPushConfig { allow_insecure: true, ..config() }, Script::of(&[]))
}

pub fn message() -> Message {
    Message { kind: Kind::Request, id: PushId::parse(ID).unwrap(), expires_ms: NOW_MS + 45_500, pending: 2 }
}

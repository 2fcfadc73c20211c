//! A sender of Web Push messages, small and separate from the product's, to test the stub and the browsers with.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) struct Sender {
    key: EcdsaKeyPair,
    pub(crate) subject: String,
    pub(crate) audience: Option<String>,
    pub(crate) lifetime: u64,
    pub(crate) headers: Vec<(String, String)>,
}

impl Sender {
    pub(crate) fn new() -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            subject: "mailto:admin@example.com".to_owned(),
            audience: None,
            lifetime: 3600,
            headers: Vec::new(),
        }
    }

    /// The key that a page subscribes with.
    pub(crate) fn public_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key.public_key())
    }

    /// Posts a message and gives the whole answer.
    pub(crate) fn send(&self, subscription: &Value, text: &str) -> String {
        let endpoint = subscription["endpoint"].as_str().unwrap();
        let (authority, path) = endpoint.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let audience = self.audience.clone().unwrap_or_else(|| format!("http://{authority}"));
        let body = encrypt(subscription, text.as_bytes());
        let mut head = format!("POST /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n");
        for (name, value) in [("ttl", "60"), ("content-encoding", "aes128gcm"), ("urgency", "high")] {
            let changed = self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
            head.push_str(&format!("{name}: {}\r\n", changed.unwrap_or(value)));
        }
        let token = self.token(&audience);
        head.push_str(&format!("authorization: vapid t={token}, k={}\r\n", self.public_key()));
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        let mut stream = TcpStream::connect(authority).unwrap();
        stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn token(&self, audience: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let claims = json!({"aud": audience, "exp": now + self.lifetime, "sub": self.subject});
        let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(json!({"typ": "JWT", "alg": "ES256"})), encode(claims));
        let signature = self.key.sign(&aws_lc_rs::rand::SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive<const N: usize>(salt: &[u8], secret: &[u8], info: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    let key = Salt::new(HKDF_SHA256, salt).extract(secret);
    key.expand(&[info], Length(N)).unwrap().fill(&mut out).unwrap();
    out
}

/// RFC 8291 with fresh keys and some padding.
fn encrypt(subscription: &Value, text: &[u8]) -> Vec<u8> {
    let value = |name: &str| URL_SAFE_NO_PAD.decode(subscription["keys"][name].as_str().unwrap()).unwrap();
    let (receiver, auth) = (value("p256dh"), value("auth"));
    let own = PrivateKey::generate(&ECDH_P256).unwrap();
    let public = own.compute_public_key().unwrap().as_ref().to_vec();
    let shared = agree(&own, UnparsedPublicKey::new(&ECDH_P256, &receiver), (), |secret| Ok(secret.to_vec())).unwrap();
    let ikm: [u8; 32] = derive(&auth, &shared, &[b"WebPush: info\0", receiver.as_slice(), &public].concat());
    let mut salt = [0; 16];
    aws_lc_rs::rand::fill(&mut salt).unwrap();
    let key: [u8; 16] = derive(&salt, &ikm, b"Content-Encoding: aes128gcm\0");
    let nonce: [u8; 12] = derive(&salt, &ikm, b"Content-Encoding: nonce\0");
    let mut record = [text, &[2], &[0; 20]].concat();
    LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap())
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record)
        .unwrap();
    [&salt[..], &4096_u32.to_be_bytes(), &[65], &public, &record].concat()
}

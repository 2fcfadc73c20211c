//! The receiving end of Web Push encryption (RFC 8291), for messages to an endpoint without a browser behind it, and
//! for Chromium, which has no push service here.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

const PUBLIC_KEY_BYTES: usize = 65;
const SALT_BYTES: usize = 16;
/// Salt, record size, length of the key.
const KEY_AT: usize = SALT_BYTES + 4 + 1;
const BODY_AT: usize = KEY_AT + PUBLIC_KEY_BYTES;

/// Keys of a subscription.
#[derive(Debug)]
pub struct PushReceiver {
    private: PrivateKey,
    public: Vec<u8>,
    secret: [u8; 16],
}

impl Default for PushReceiver {
    fn default() -> Self {
        Self::new()
    }
}

impl PushReceiver {
    /// Fresh keys.
    ///
    /// # Panics
    /// When the system gives no randomness.
    #[must_use]
    pub fn new() -> Self {
        let private = PrivateKey::generate(&ECDH_P256).unwrap();
        let public = private.compute_public_key().unwrap().as_ref().to_vec();
        let mut secret = [0; 16];
        aws_lc_rs::rand::fill(&mut secret).unwrap();
        Self { private, public, secret }
    }

    /// What `PushSubscription.toJSON()` gives for this endpoint and these keys.
    #[must_use]
    pub fn subscription(&self, endpoint: &str) -> Value {
        let keys = json!({"p256dh": URL_SAFE_NO_PAD.encode(&self.public), "auth": URL_SAFE_NO_PAD.encode(self.secret)});
        json!({"endpoint": endpoint, "expirationTime": null, "keys": keys})
    }

    /// A script for [`crate::page::Page::before_each_document`] by which `pushManager.subscribe` in a page gives this
    /// subscription. Everything else about the worker and its notifications stays real.
    #[must_use]
    pub fn script(&self, endpoint: &str) -> String {
        let subscription = self.subscription(endpoint);
        format!(
            "(() => {{
              const json = {subscription};
              const bytes = text => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), c => c.charCodeAt(0)).buffer;
              const kept = 'harness-push-subscription';
              const make = key => ({{
                endpoint: json.endpoint, expirationTime: null,
                options: {{userVisibleOnly: true, applicationServerKey: bytes(key)}},
                getKey: name => bytes(json.keys[name]), toJSON: () => structuredClone(json),
                unsubscribe: async () => {{ localStorage.removeItem(kept); return true; }},
              }});
              if (!('PushManager' in window)) return;
              PushManager.prototype.subscribe = async function(options) {{
                let key = options.applicationServerKey;
                if (typeof key !== 'string') {{
                  const view = new Uint8Array(key.buffer ?? key, key.byteOffset ?? 0, key.byteLength);
                  key = btoa(String.fromCharCode(...view)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
                }}
                localStorage.setItem(kept, key);
                return make(key);
              }};
              PushManager.prototype.getSubscription = async function() {{
                const key = localStorage.getItem(kept);
                return key === null ? null : make(key);
              }};
            }})();"
        )
    }

    /// The message in an `aes128gcm` body, without its padding.
    ///
    /// # Errors
    /// What is wrong with the body.
    pub fn decrypt(&self, body: &[u8]) -> Result<Vec<u8>, String> {
        if body.len() <= BODY_AT || usize::from(body[KEY_AT - 1]) != PUBLIC_KEY_BYTES {
            return Err("no header with a P-256 key".to_owned());
        }
        let (salt, sender) = (&body[..SALT_BYTES], &body[KEY_AT..BODY_AT]);
        let peer = UnparsedPublicKey::new(&ECDH_P256, sender);
        let shared =
            agree(
                &self.private,
                peer,
                "the sender's key is not on the curve".to_owned(),
                |secret| Ok(secret.to_vec()),
            )?;
        let info = [b"WebPush: info\0", self.public.as_slice(), sender].concat();
        let ikm: [u8; 32] = derive(&self.secret, &shared, &info);
        let key: [u8; 16] = derive(salt, &ikm, b"Content-Encoding: aes128gcm\0");
        let nonce: [u8; 12] = derive(salt, &ikm, b"Content-Encoding: nonce\0");
        let opener = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap());
        let mut record = body[BODY_AT..].to_vec();
        let plain = opener
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record)
            .map_err(|_| "the record does not decrypt".to_owned())?;
        // One record only: the delimiter of the last one is 2, then zeros (RFC 8188, section 2).
        let end = plain.iter().rposition(|byte| *byte != 0).ok_or("the record is all padding")?;
        if plain[end] != 2 { Err("this is not the last record".to_owned()) } else { Ok(plain[..end].to_vec()) }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8291, section 5 and appendix A.
    #[test]
    fn decrypts_the_example_of_the_rfc() {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let scalar = decode("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94");
        let private = PrivateKey::from_private_key(&ECDH_P256, &scalar).unwrap();
        let public = private.compute_public_key().unwrap().as_ref().to_vec();
        let secret = decode("BTBZMqHH6r4Tts7J_aSIgg").try_into().unwrap();
        let receiver = PushReceiver { private, public, secret };
        let body = decode(concat!(
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml",
            "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT",
            "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
        ));
        assert_eq!(receiver.decrypt(&body).unwrap(), b"When I grow up, I want to be a watermelon");
        let mut broken = body;
        broken[100] ^= 1;
        assert!(receiver.decrypt(&broken).is_err());
    }
}

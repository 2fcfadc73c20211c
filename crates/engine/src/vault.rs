//! The data key and what is made with it: keyed checksums (INV-21), sealed secrets, and challenges that need no row.

use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use nod_core::SecretHash;
use nod_protocol::b64;

use crate::ports::{Entropy, random};

/// Bytes of the data key.
pub const DATA_KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;

/// The data keys of an installation: one that everything is made with, and those that what was made before still holds under.
#[derive(Clone)]
pub struct DataKeys {
    /// Makes checksums and seals.
    pub sealing: Zeroizing<[u8; DATA_KEY_BYTES]>,
    /// Also accepted, while rows are made anew after a rotation.
    pub accepted: Vec<Zeroizing<[u8; DATA_KEY_BYTES]>>,
}

impl std::fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKeys(..)")
    }
}

/// One data key.
struct Key {
    mac: hmac::Key,
    root: hmac::Key,
}

impl Key {
    fn new(key: &[u8; DATA_KEY_BYTES]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, key);
        let mac = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, b"nod checksums v1").as_ref());
        Self { mac, root }
    }

    fn mac(&self, message: &[u8]) -> [u8; 32] {
        let tag = hmac::sign(&self.mac, message);
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        bytes
    }

    fn sealing(&self, label: &str) -> Result<LessSafeKey, Unsealable> {
        let derived = hmac::sign(&self.root, &framed("nod seal v1", &[label.as_bytes()]));
        UnboundKey::new(&AES_256_GCM, derived.as_ref()).map(LessSafeKey::new).map_err(|_| Unsealable)
    }

    fn open(&self, label: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        let (nonce, body) = sealed.split_at_checked(NONCE_BYTES).ok_or(Unsealable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unsealable)?;
        let mut body = body.to_vec();
        let plain = self.sealing(label)?.open_in_place(nonce, Aad::from(label), &mut body).map_err(|_| Unsealable)?;
        Ok(Zeroizing::new(plain.to_vec()))
    }
}

/// The keys at work: the sealing one first.
struct Keys {
    sealing: Key,
    accepted: Vec<Key>,
}

impl Keys {
    fn new(keys: &DataKeys) -> Self {
        Self { sealing: Key::new(&keys.sealing), accepted: keys.accepted.iter().map(|key| Key::new(key)).collect() }
    }
    fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.sealing).chain(&self.accepted)
    }
}

/// How a row stands to the data keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// With the key that seals now.
    Now,
    /// With one that is still accepted.
    Before,
    /// With none of them: the row is not ours.
    Elsewhere,
}

/// Holds the data keys. They are never in the database.
pub struct Vault {
    keys: RwLock<Arc<Keys>>,
    epoch: Vec<u8>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(..)")
    }
}

/// Something sealed that this key does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open with this data key: is it the key that this database was made with?")]
pub struct Unsealable;

impl Vault {
    /// A vault for this data key alone.
    #[must_use]
    pub fn new(key: &[u8; DATA_KEY_BYTES]) -> Self {
        Self::with(&DataKeys { sealing: Zeroizing::new(*key), accepted: Vec::new() })
    }

    /// A vault for these data keys.
    #[must_use]
    pub fn with(keys: &DataKeys) -> Self {
        Self { keys: RwLock::new(Arc::new(Keys::new(keys))), epoch: Vec::new() }
    }

    /// From now on these are the data keys.
    pub fn replace(&self, keys: &DataKeys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Keys::new(keys));
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same vault in the time after a restore: what was given out before without a row of its own does not hold any more (D11).
    #[must_use]
    pub fn in_epoch(self, epoch: Vec<u8>) -> Self {
        Self { epoch, ..self }
    }

    /// What tells the time since the last restore from those before; empty when there was none.
    #[must_use]
    pub fn epoch(&self) -> &[u8] {
        &self.epoch
    }

    /// Keyed checksum over labelled parts; each part is preceded by its length, so that none runs into the next.
    #[must_use]
    pub fn mac(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        self.keys().sealing.mac(&framed(label, parts))
    }

    /// The same under every accepted key, [`Self::mac`]'s first: for values that somebody brings back and that need no row.
    #[must_use]
    pub fn macs(&self, label: &str, parts: &[&[u8]]) -> Vec<[u8; 32]> {
        let message = framed(label, parts);
        self.keys().all().map(|key| key.mac(&message)).collect()
    }

    /// Whether `checksum` is one over these parts under an accepted key, in constant time.
    #[must_use]
    pub fn holds(&self, checksum: &[u8], label: &str, parts: &[&[u8]]) -> bool {
        let message = framed(label, parts);
        self.keys().all().any(|key| hmac::verify(&key.mac, &message, checksum).is_ok())
    }

    /// Under which key this checksum was made.
    #[must_use]
    pub fn made(&self, checksum: &[u8], label: &str, parts: &[&[u8]]) -> Made {
        let (message, keys) = (framed(label, parts), self.keys());
        let holds = |key: &Key| hmac::verify(&key.mac, &message, checksum).is_ok();
        if holds(&keys.sealing) {
            Made::Now
        } else if keys.accepted.iter().any(holds) {
            Made::Before
        } else {
            Made::Elsewhere
        }
    }

    /// Seals a secret of the installation: AES-256-GCM under a key of its own per label and nonce, the label as associated data.
    ///
    /// # Errors
    /// Never for inputs of sane length.
    pub fn seal(&self, entropy: &dyn Entropy, label: &str, plain: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let nonce: [u8; NONCE_BYTES] = random(entropy);
        let mut sealed = plain.to_vec();
        let key = self.keys().sealing.sealing(label)?;
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(label), &mut sealed)
            .map_err(|_| Unsealable)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Self::seal`] made, under any accepted key.
    ///
    /// # Errors
    /// [`Unsealable`] when the key, the label or the bytes are others.
    pub fn open(&self, label: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        self.keys().all().find_map(|key| key.open(label, sealed).ok()).ok_or(Unsealable)
    }

    /// Whether the key that seals now has sealed this.
    #[must_use]
    pub fn sealed_now(&self, label: &str, sealed: &[u8]) -> bool {
        self.keys().sealing.open(label, sealed).is_ok()
    }
}

fn framed(label: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut message = Vec::with_capacity(256);
    for part in std::iter::once(label.as_bytes()).chain(parts.iter().copied()) {
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part);
    }
    message
}

/// What the first of these challenges that `verify` accepts gives, or what it says about the first of them.
pub(crate) fn first_ok<T, E>(
    challenges: &[impl AsRef<[u8]>],
    mut verify: impl FnMut(&[u8]) -> Result<T, E>,
) -> Result<T, E> {
    let mut each = challenges.iter().map(AsRef::as_ref);
    // Nothing is an expectation that nothing meets.
    let first = verify(each.next().unwrap_or_default());
    first.or_else(|error| each.find_map(|challenge| verify(challenge).ok()).ok_or(error))
}

/// A fresh secret of 256 bits: the text goes to the client, the hash to the store.
#[must_use]
pub fn fresh_secret(entropy: &dyn Entropy) -> (String, SecretHash) {
    let text = b64::encode(random::<32>(entropy));
    let hash = hash_secret(&text);
    (text, hash)
}

/// SHA-256 of a secret's text. Looking a hash up leaks nothing of the secret by time (D15).
#[must_use]
pub fn hash_secret(text: &str) -> SecretHash {
    SecretHash(nod_protocol::sha256(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_key_and_label_only() {
        let vault = Vault::new(&[1; 32]);
        let sealed = vault.seal(&Counting(0.into()), "vapid", b"secret").unwrap();
        assert_eq!(vault.open("vapid", &sealed).unwrap().as_slice(), b"secret");
        assert!(vault.open("other", &sealed).is_err());
        assert!(Vault::new(&[2; 32]).open("vapid", &sealed).is_err());
        assert!(vault.open("vapid", &sealed[..5]).is_err());
        let mut bent = sealed.clone();
        bent[15] ^= 1;
        assert!(vault.open("vapid", &bent).is_err());
    }

    #[test]
    fn checksums_tie_parts_in_their_places() {
        let vault = Vault::new(&[1; 32]);
        let mac = vault.mac("device", &[b"ab", b"c"]);
        assert!(vault.holds(&mac, "device", &[b"ab", b"c"]));
        assert!(!vault.holds(&mac, "device", &[b"a", b"bc"]));
        assert!(!vault.holds(&mac, "passkey", &[b"ab", b"c"]));
        assert!(!Vault::new(&[2; 32]).holds(&mac, "device", &[b"ab", b"c"]));
    }

    #[test]
    fn what_was_made_before_a_rotation_holds_until_its_key_is_retired() {
        let (old, new) = (Zeroizing::new([1; 32]), Zeroizing::new([2; 32]));
        let vault = Vault::new(&old);
        let mac = vault.mac("device", &[b"a"]);
        let sealed = vault.seal(&Counting(0.into()), "vapid", b"secret").unwrap();
        let keys = DataKeys { sealing: new.clone(), accepted: vec![old] };
        vault.replace(&keys);
        assert!(vault.holds(&mac, "device", &[b"a"]) && vault.macs("device", &[b"a"])[1] == mac);
        assert_eq!(vault.made(&mac, "device", &[b"a"]), Made::Before);
        assert_eq!(vault.made(&mac, "device", &[b"b"]), Made::Elsewhere);
        assert_eq!(vault.made(&vault.mac("device", &[b"a"]), "device", &[b"a"]), Made::Now);
        assert_eq!(vault.open("vapid", &sealed).unwrap().as_slice(), b"secret");
        assert!(!vault.sealed_now("vapid", &sealed));
        vault.replace(&DataKeys { accepted: Vec::new(), ..keys });
        assert!(!vault.holds(&mac, "device", &[b"a"]) && vault.open("vapid", &sealed).is_err());
    }
}

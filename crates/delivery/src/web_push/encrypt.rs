//! Message encryption: RFC 8291 on top of the `aes128gcm` content coding (RFC 8188), always one record.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use zeroize::Zeroizing;

use super::Entropy;
use super::keys::{self, POINT_BYTES, SCALAR_BYTES};

/// Content, delimiter and padding together, in bytes. Constant, so that the length on the wire tells nothing; small
/// enough for Mozilla's bridge to Android, which cuts at about 2,700.
pub const PADDED_BYTES: usize = 1024;
/// Longest content, in bytes: one byte of the padded size is the delimiter.
pub const MAX_CONTENT_BYTES: usize = PADDED_BYTES - 1;
/// Length of every encrypted body, in bytes.
pub const BODY_BYTES: usize = HEADER_BYTES + PADDED_BYTES + TAG_BYTES;

/// Salt, record size, key id length, key id (RFC 8188 section 2.1).
const HEADER_BYTES: usize = SALT_BYTES + 4 + 1 + POINT_BYTES;
const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 16;
/// Record size announced. Larger than any record sent, as RFC 8291 section 4 demands of the only record.
const RECORD_SIZE: u32 = 4096;
/// Ends the content of the last record (RFC 8188 section 2).
const LAST_RECORD_DELIMITER: u8 = 2;

/// Why a message could not be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncryptError {
    /// The content does not fit the padded size.
    #[error("the message has {bytes} bytes; at most {MAX_CONTENT_BYTES} fit one push")]
    TooLong {
        /// Length of the content, in bytes.
        bytes: usize,
    },
    /// The subscription's public key is not a point of P-256.
    #[error("the subscription's key is not usable; the phone must subscribe again")]
    SubscriptionKey,
    /// No valid ephemeral key could be drawn.
    #[error("the source of randomness gave no usable key; check the system's entropy source")]
    Randomness,
    /// The cryptographic library refused an operation that should not fail.
    #[error("the cryptographic library refused to encrypt the message")]
    Cipher,
}

/// The random part of one message: the sender's ephemeral key and the salt. Used once.
pub struct MessageKeys {
    private: PrivateKey,
    public: [u8; POINT_BYTES],
    salt: [u8; SALT_BYTES],
}

impl MessageKeys {
    /// Draws a fresh key and salt.
    ///
    /// # Errors
    /// [`EncryptError::Randomness`] if the source is broken.
    pub fn from_entropy(entropy: &dyn Entropy) -> Result<Self, EncryptError> {
        let (_, private) = keys::draw(entropy).ok_or(EncryptError::Randomness)?;
        let public = keys::public_point(&private).ok_or(EncryptError::Cipher)?;
        let mut salt = [0; SALT_BYTES];
        entropy.fill(&mut salt);
        Ok(Self { private, public, salt })
    }

    /// Given parts, for test vectors.
    ///
    /// # Errors
    /// [`EncryptError::Randomness`] if the scalar is outside the group order.
    pub fn from_parts(scalar: &[u8; SCALAR_BYTES], salt: [u8; SALT_BYTES]) -> Result<Self, EncryptError> {
        let private = PrivateKey::from_private_key(&ECDH_P256, scalar).map_err(|_| EncryptError::Randomness)?;
        let public = keys::public_point(&private).ok_or(EncryptError::Cipher)?;
        Ok(Self { private, public, salt })
    }
}

/// Encrypts `content` for the subscription with key `ua_public` (`p256dh`) and secret `auth`, padded to
/// [`PADDED_BYTES`]. Takes the keys by value: a second message with them would reuse a nonce.
///
/// # Errors
/// Content too long, a public key that is no point, or a refusal of the library.
pub fn encrypt(
    ua_public: &[u8; POINT_BYTES],
    auth: &[u8; 16],
    keys: MessageKeys,
    content: &[u8],
) -> Result<Vec<u8>, EncryptError> {
    if content.len() > MAX_CONTENT_BYTES {
        return Err(EncryptError::TooLong { bytes: content.len() });
    }
    seal(ua_public, auth, &keys, content, PADDED_BYTES)
}

/// One record of `max(padded, content + 1)` bytes before the tag.
fn seal(
    ua_public: &[u8; POINT_BYTES],
    auth: &[u8; 16],
    keys: &MessageKeys,
    content: &[u8],
    padded: usize,
) -> Result<Vec<u8>, EncryptError> {
    let input_key = input_key(ua_public, auth, keys)?;
    let prk = Salt::new(HKDF_SHA256, &keys.salt).extract(input_key.as_ref());
    let content_key: Zeroizing<[u8; 16]> = expand(&prk, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: Zeroizing<[u8; 12]> = expand(&prk, &[b"Content-Encoding: nonce\0"])?;

    let record_len = padded.max(content.len() + 1);
    let mut body = Vec::with_capacity(HEADER_BYTES + record_len + TAG_BYTES);
    body.extend_from_slice(&keys.salt);
    body.extend_from_slice(&RECORD_SIZE.to_be_bytes());
    body.push(POINT_BYTES as u8);
    body.extend_from_slice(&keys.public);
    body.extend_from_slice(content);
    body.push(LAST_RECORD_DELIMITER);
    body.resize(HEADER_BYTES + record_len, 0);

    let cipher =
        LessSafeKey::new(UnboundKey::new(&AES_128_GCM, content_key.as_ref()).map_err(|_| EncryptError::Cipher)?);
    let record = body.get_mut(HEADER_BYTES..).ok_or(EncryptError::Cipher)?;
    let tag = cipher
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(*nonce), Aad::empty(), record)
        .map_err(|_| EncryptError::Cipher)?;
    body.extend_from_slice(tag.as_ref());
    Ok(body)
}

/// Combines the ECDH secret with the authentication secret (RFC 8291 section 3.4).
fn input_key(
    ua_public: &[u8; POINT_BYTES],
    auth: &[u8; 16],
    keys: &MessageKeys,
) -> Result<Zeroizing<[u8; 32]>, EncryptError> {
    let peer = UnparsedPublicKey::new(&ECDH_P256, ua_public.as_slice());
    agree(&keys.private, peer, EncryptError::SubscriptionKey, |shared| {
        let prk = Salt::new(HKDF_SHA256, auth).extract(shared);
        expand(&prk, &[b"WebPush: info\0", ua_public, &keys.public])
    })
}

/// Output length of one HKDF expansion.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(prk: &Prk, info: &[&[u8]]) -> Result<Zeroizing<[u8; N]>, EncryptError> {
    let mut out = Zeroizing::new([0; N]);
    prk.expand(info, Length(N)).and_then(|okm| okm.fill(out.as_mut())).map_err(|_| EncryptError::Cipher)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;

    use super::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        B64.decode(text).unwrap().try_into().unwrap()
    }

    /// RFC 8291, section 5 and appendix A: the whole message, from the published keys and salt.
    #[test]
    fn rfc_8291_vector() {
        let content = b"When I grow up, I want to be a watermelon";
        let keys = MessageKeys::from_parts(
            &bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
            bytes("DGv6ra1nlYgDCS1FRnbzlw"),
        )
        .unwrap();
        let ua_public = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
        let body = seal(&bytes(ua_public), &bytes("BTBZMqHH6r4Tts7J_aSIgg"), &keys, content, 0).unwrap();
        assert_eq!(
            B64.encode(body),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEq\
             KK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn a_point_off_the_curve_is_refused() {
        let keys = MessageKeys::from_parts(&[7; 32], [1; 16]).unwrap();
        let mut point = [9; 65];
        point[0] = 4;
        assert_eq!(encrypt(&point, &[0; 16], keys, b"x"), Err(EncryptError::SubscriptionKey));
    }
}

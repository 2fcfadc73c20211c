//! P-256 scalars from injected randomness.

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use zeroize::Zeroizing;

use super::Entropy;

/// Length of a P-256 private key (big-endian scalar), in bytes.
pub(crate) const SCALAR_BYTES: usize = 32;
/// Length of an uncompressed P-256 point (`0x04 || x || y`), in bytes.
pub(crate) const POINT_BYTES: usize = 65;
/// Draws before giving up. A uniform draw is outside `1..n` with probability 2^-32, so more than a few failures in a
/// row mean that the source of randomness is broken.
const MAX_DRAWS: usize = 8;

/// A scalar in `1..n`, drawn by rejection (FIPS 186-5, A.2.2), with its ECDH key. `None` if the source is broken.
pub(crate) fn draw(entropy: &dyn Entropy) -> Option<(Zeroizing<[u8; SCALAR_BYTES]>, PrivateKey)> {
    let mut scalar = Zeroizing::new([0_u8; SCALAR_BYTES]);
    for _ in 0..MAX_DRAWS {
        entropy.fill(scalar.as_mut());
        if let Ok(key) = PrivateKey::from_private_key(&ECDH_P256, scalar.as_ref()) {
            return Some((scalar, key));
        }
    }
    None
}

/// The uncompressed public point of a key.
pub(crate) fn public_point(key: &PrivateKey) -> Option<[u8; POINT_BYTES]> {
    key.compute_public_key().ok()?.as_ref().try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    struct Scripted(Mutex<Vec<[u8; 32]>>);

    impl Entropy for Scripted {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0.lock().unwrap().remove(0));
        }
    }

    #[test]
    fn scalars_outside_the_group_order_are_drawn_again() {
        let mut good = [0; 32];
        good[31] = 7;
        let source = Scripted(Mutex::new(vec![[0; 32], [0xff; 32], good]));
        assert_eq!(*draw(&source).unwrap().0, good);
        assert!(source.0.lock().unwrap().is_empty());
    }

    #[test]
    fn a_stuck_source_is_refused() {
        let source = Scripted(Mutex::new(vec![[0; 32]; MAX_DRAWS]));
        assert!(draw(&source).is_none());
    }
}

//! Making keys from entropy.

use nod_protocol::{KeyError, SigningKey};

use crate::entropy::{self, Entropy};

// One draw in 2^32 is out of range; sixteen in a row mean a broken source.
const DRAWS_MAX: usize = 16;

/// Makes a P-256 key from random bytes.
pub fn new_key(source: &dyn Entropy) -> Result<SigningKey, KeyError> {
    for _ in 0..DRAWS_MAX {
        if let Ok(key) = SigningKey::from_entropy(&entropy::array(source)) {
            return Ok(key);
        }
    }
    Err(KeyError::BadPrivateKey)
}

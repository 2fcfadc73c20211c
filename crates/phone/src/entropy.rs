//! Randomness as an argument.

/// A source of random bytes. The binary hands in the operating system's; tests hand in a seeded one.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// Draws `N` bytes.
pub fn array<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

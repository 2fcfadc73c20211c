//! What a row carries so that an edit by SQL is seen (INV-21).

/// Keyed checksum of a row, HMAC-SHA-256 over the columns that decide.
pub type Checksum = [u8; 32];

/// What a row carries that grants nothing (any more): no key makes it, so a state that is set back by SQL is refused.
pub const UNSEALED: Checksum = [0; 32];

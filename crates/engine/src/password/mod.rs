//! Passwords: argon2id behind a bounded queue that sheds load per source (INV-28, A03). Hashes that came from elsewhere are
//! compared on the same queue, and made anew when they were right.

mod check;
mod foreign;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::Semaphore;
use tracing::Instrument as _;
use zeroize::Zeroizing;

pub use foreign::BadHash;
pub(crate) use foreign::Foreign;

use crate::SPANS;
use crate::fault::{Fault, Outcome};
use crate::ports::{Entropy, random};

/// Memory of one hash, in KiB (OWASP and RFC 9106 second choice, scaled to small servers).
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over the memory.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;
/// Bytes of the hash.
const OUTPUT_BYTES: usize = 32;
/// Bytes of salt.
const SALT_BYTES: usize = 16;
/// Passwords waiting or being hashed at once, all sources.
const MAX_WAITING: usize = 64;
/// Passwords waiting or being hashed at once for one source address.
const MAX_WAITING_PER_SOURCE: usize = 4;

/// How passwords are checked. The engine asks; tests may answer without the work.
#[async_trait::async_trait]
pub trait Passwords: Send + Sync {
    /// Whether `password` belongs to `hash`. Without a hash it costs the same and says no (INV-29).
    async fn verify(&self, hash: Option<String>, password: Zeroizing<String>, source: &str) -> Outcome<bool>;
    /// The hash to store, in PHC form.
    async fn hash(&self, password: Zeroizing<String>, source: &str) -> Outcome<String>;
    /// Whether the hash is as one made now would be; if not, it is made anew when a password was right.
    fn is_own(&self, _hash: &str) -> bool {
        true
    }
    /// How many are being checked or hashed, or wait for it.
    fn waiting(&self) -> usize {
        0
    }
}

/// Argon2id on the blocking pool.
pub struct Argon2Queue {
    running: Arc<Semaphore>,
    /// Memory of hashes that have ended, for those that come: as many as run at once. Given back to the allocator, each
    /// thread's share of the heap would keep its own.
    spare: Arc<Mutex<Vec<Vec<Block>>>>,
    waiting: Mutex<HashMap<String, usize>>,
    entropy: Arc<dyn Entropy>,
    decoy: String,
}

impl std::fmt::Debug for Argon2Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Argon2Queue")
    }
}

fn params() -> Outcome<Params> {
    Params::new(MEMORY_KIB, PASSES, LANES, Some(OUTPUT_BYTES)).map_err(|_| Fault::Busy)
}

/// Argon2id over `blocks`, which are made as many as the parameters ask for.
fn argon2id(params: Params, salt: &[u8], password: &str, blocks: &mut Vec<Block>) -> Option<[u8; OUTPUT_BYTES]> {
    blocks.resize(params.block_count(), Block::default());
    let mut output = [0; OUTPUT_BYTES];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut output, blocks).ok()?;
    Some(output)
}

fn hash_now(password: &str, salt: &[u8], blocks: &mut Vec<Block>) -> Outcome<String> {
    let params = params()?;
    let output = argon2id(params.clone(), salt, password, blocks).ok_or(Fault::Busy)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(|_| Fault::Busy)?,
        salt: Some(Salt::new(salt).map_err(|_| Fault::Busy)?),
        hash: Some(Output::new(&output).map_err(|_| Fault::Busy)?),
    };
    Ok(hash.to_string())
}

fn verify_now(hash: &str, password: &str, blocks: &mut Vec<Block>) -> bool {
    let fits = Foreign::read(hash).is_ok_and(|hash| hash.fits(password, blocks));
    if blocks.len() > MEMORY_KIB as usize {
        // What a costlier hash of another system took is not kept.
        *blocks = Vec::new();
    }
    fits
}

/// How the hashes begin that are made here and now.
fn own_head() -> String {
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$")
}

impl Argon2Queue {
    /// A queue that hashes on at most `cores` threads.
    ///
    /// # Errors
    /// [`Fault::Busy`] when the parameters are refused by the library.
    pub fn new(cores: usize, entropy: Arc<dyn Entropy>) -> Outcome<Self> {
        let decoy = hash_now("a password that nobody has", &random::<SALT_BYTES>(&*entropy), &mut Vec::new())?;
        let running = Arc::new(Semaphore::new(cores.max(1)));
        Ok(Self { running, spare: Arc::default(), waiting: Mutex::default(), entropy, decoy })
    }

    fn enter(&self, source: &str) -> Outcome<Place<'_>> {
        let source = &nod_core::limits::source_of(source);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = waiting.values().sum();
        let own = waiting.get(source).copied().unwrap_or(0);
        if total >= MAX_WAITING || own >= MAX_WAITING_PER_SOURCE {
            return Err(Fault::Busy);
        }
        waiting.insert(source.clone(), own + 1);
        Ok(Place { queue: self, source: source.clone() })
    }

    async fn run<T: Send + 'static>(
        &self,
        source: &str,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Outcome<T> {
        let _place = self.enter(source)?;
        let span = tracing::info_span!(target: SPANS, "password");
        self.hashed(work).instrument(span).await
    }

    async fn hashed<T: Send + 'static>(&self, work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static) -> Outcome<T> {
        let permit = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Fault::Busy)?;
        let spare = Arc::clone(&self.spare);
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let mut blocks = spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let result = work(&mut blocks);
            spare.lock().unwrap_or_else(PoisonError::into_inner).push(blocks);
            result
        });
        done.await.map_err(|_| Fault::Busy)
    }
}

struct Place<'a> {
    queue: &'a Argon2Queue,
    source: String,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.queue.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.get_mut(&self.source) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(waiting.remove(&self.source)),
        }
    }
}

#[async_trait::async_trait]
impl Passwords for Argon2Queue {
    async fn verify(&self, hash: Option<String>, password: Zeroizing<String>, source: &str) -> Outcome<bool> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        let right = self.run(source, move |blocks| verify_now(&hash, &password, blocks)).await?;
        Ok(right && known)
    }

    async fn hash(&self, password: Zeroizing<String>, source: &str) -> Outcome<String> {
        let salt: [u8; SALT_BYTES] = random(&*self.entropy);
        self.run(source, move |blocks| hash_now(&password, &salt, blocks)).await?
    }

    fn is_own(&self, hash: &str) -> bool {
        hash.starts_with(&own_head())
    }

    fn waiting(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zero;
    impl Entropy for Zero {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[tokio::test]
    async fn right_wrong_and_unknown() {
        let queue = Argon2Queue::new(1, Arc::new(Zero)).unwrap();
        let hash = queue.hash(Zeroizing::new("correct horse".into()), "a").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && queue.is_own(&hash));
        let verify = |hash: Option<String>, password: &str| queue.verify(hash, Zeroizing::new(password.into()), "a");
        assert!(verify(Some(hash.clone()), "correct horse").await.unwrap());
        assert!(!verify(Some(hash), "wrong horse").await.unwrap());
        assert!(!verify(None, "a password that nobody has").await.unwrap());
        assert!(!verify(Some("nonsense".into()), "x").await.unwrap());
    }

    #[tokio::test]
    async fn memory_of_a_costlier_hash_is_not_kept() {
        let queue = Argon2Queue::new(1, Arc::new(Zero)).unwrap();
        let hash = "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdHNvbWVzYWx0c29tZXNhbHQ";
        assert!(!queue.is_own(hash));
        assert!(!queue.verify(Some(hash.to_owned()), Zeroizing::new("x".into()), "a").await.unwrap());
        let spare = queue.spare.lock().unwrap();
        assert_eq!(spare.iter().map(Vec::capacity).sum::<usize>(), 0);
    }

    #[test]
    fn one_source_cannot_fill_the_queue() {
        let queue = Argon2Queue::new(1, Arc::new(Zero)).unwrap();
        let places: Vec<_> = (0..MAX_WAITING_PER_SOURCE).map(|_| queue.enter("a").unwrap()).collect();
        assert!(matches!(queue.enter("a"), Err(Fault::Busy)));
        assert!(queue.enter("b").is_ok());
        drop(places);
        assert!(queue.enter("a").is_ok());
    }
}

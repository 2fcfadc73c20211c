//! Passwords: argon2id behind a bounded queue that sheds load per source (INV-28, A03).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::fault::{Fault, Outcome};
use crate::ports::{Entropy, random};

/// Memory of one hash, in KiB (OWASP and RFC 9106 second choice, scaled to small servers).
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over the memory.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;
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
}

/// Argon2id on the blocking pool.
pub struct Argon2Queue {
    running: Arc<Semaphore>,
    waiting: Mutex<HashMap<String, usize>>,
    entropy: Arc<dyn Entropy>,
    decoy: String,
}

impl std::fmt::Debug for Argon2Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Argon2Queue")
    }
}

fn argon2() -> Outcome<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| Fault::Busy)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &str, salt: &[u8]) -> Outcome<String> {
    let hash = argon2()?.hash_password_with_salt(password.as_bytes(), salt).map_err(|_| Fault::Busy)?;
    Ok(hash.to_string())
}

fn verify_now(hash: &str, password: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(hash) else { return false };
    argon2().is_ok_and(|argon2| argon2.verify_password(password.as_bytes(), &parsed).is_ok())
}

impl Argon2Queue {
    /// A queue that hashes on at most `cores` threads.
    ///
    /// # Errors
    /// [`Fault::Busy`] when the parameters are refused by the library.
    pub fn new(cores: usize, entropy: Arc<dyn Entropy>) -> Outcome<Self> {
        let decoy = hash_now("a password that nobody has", &random::<SALT_BYTES>(&*entropy))?;
        Ok(Self { running: Arc::new(Semaphore::new(cores.max(1))), waiting: Mutex::default(), entropy, decoy })
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

    async fn run<T: Send + 'static>(&self, source: &str, work: impl FnOnce() -> T + Send + 'static) -> Outcome<T> {
        let _place = self.enter(source)?;
        let permit = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Fault::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
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
        let right = self.run(source, move || verify_now(&hash, &password)).await?;
        Ok(right && known)
    }

    async fn hash(&self, password: Zeroizing<String>, source: &str) -> Outcome<String> {
        let salt: [u8; SALT_BYTES] = random(&*self.entropy);
        self.run(source, move || hash_now(&password, &salt)).await?
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
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let verify = |hash: Option<String>, password: &str| queue.verify(hash, Zeroizing::new(password.into()), "a");
        assert!(verify(Some(hash.clone()), "correct horse").await.unwrap());
        assert!(!verify(Some(hash), "wrong horse").await.unwrap());
        assert!(!verify(None, "a password that nobody has").await.unwrap());
        assert!(!verify(Some("nonsense".into()), "x").await.unwrap());
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

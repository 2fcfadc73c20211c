//! Password hashes of other systems, taken as they are until their owner next signs in: each format read, a
//! password compared, its cost bounded (INV-28).

use std::num::NonZeroU32;
use std::str::FromStr as _;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::{digest, pbkdf2};
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha_crypt::PasswordVerifier as _;
use subtle::ConstantTimeEq as _;

/// Longest hash that is read, in bytes.
const MAX_BYTES: usize = 512;
/// Most memory that a hash may ask for, in KiB (scrypt as OWASP advises it).
const MAX_MEMORY_KIB: usize = 128 * 1024;
/// Most KiB that argon2 may go over, all passes together: a third of a second.
const MAX_ARGON2_KIB: usize = 256 * 1024;
/// Most of N x r x p of scrypt.
const MAX_SCRYPT_WORK: u64 = 1 << 20;
/// Most doublings of bcrypt: half a second.
const MAX_BCRYPT_COST: u32 = 13;
/// Fewest doublings that bcrypt has.
const MIN_BCRYPT_COST: u32 = 4;
/// Most rounds of PBKDF2.
const MAX_PBKDF2_ROUNDS: u32 = 1_500_000;
/// Most rounds of SHA-512-crypt.
const MAX_SHA_CRYPT_ROUNDS: u32 = 400_000;
/// Characters of the last part of SHA-512-crypt.
const SHA_CRYPT_CHARS: usize = 86;
/// How long the outcome may be, in bytes: a shorter one is found by guessing.
const OUTPUT_BYTES: std::ops::RangeInclusive<usize> = 16..=64;

/// Base64 of the usual alphabet, with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Why a hash of another system is not taken. It never repeats the hash (INV-24).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHash {
    /// No format that is known.
    #[error("this is no hash that Nod knows (argon2, bcrypt, scrypt, PBKDF2, SHA-512-crypt)")]
    Unknown,
    /// It begins like one, and does not go on so.
    #[error("this is no whole {0} hash")]
    Malformed(&'static str),
    /// Checking it would keep the server busy: whoever signs in could shut others out (A03).
    #[error("this {0} hash costs more than Nod spends on a sign-in (at most {1})")]
    Costly(&'static str, &'static str),
}

/// A hash of another system that can be compared with.
pub(crate) struct Foreign {
    /// What it is called.
    pub(crate) scheme: &'static str,
    kind: Kind,
}

enum Kind {
    Argon2 {
        algorithm: Algorithm,
        version: Version,
        params: Params,
        salt: Vec<u8>,
        output: Vec<u8>,
    },
    /// The whole of it; whether the password goes through SHA-256 first, as Django does.
    Bcrypt {
        hash: String,
        through_sha256: bool,
    },
    Scrypt {
        params: scrypt::Params,
        salt: Vec<u8>,
        output: Vec<u8>,
    },
    Pbkdf2 {
        algorithm: pbkdf2::Algorithm,
        rounds: NonZeroU32,
        salt: Vec<u8>,
        output: Vec<u8>,
    },
    ShaCrypt {
        hash: String,
    },
}

const ARGON2: &str = "argon2";
const BCRYPT: &str = "bcrypt";
const SCRYPT: &str = "scrypt";
const PBKDF2: &str = "PBKDF2";
const SHA_CRYPT: &str = "SHA-512-crypt";

impl Foreign {
    /// Reads one, as PHC string, as crypt(3) writes it, or as Django, passlib and Werkzeug do.
    ///
    /// # Errors
    /// [`BadHash`].
    pub(crate) fn read(text: &str) -> Result<Self, BadHash> {
        if text.len() > MAX_BYTES {
            return Err(BadHash::Unknown);
        }
        let parts: Vec<&str> = text.split('$').collect();
        let kind = match parts.as_slice() {
            ["", "argon2id" | "argon2i" | "argon2d", ..] => argon2(text),
            ["argon2", ..] => argon2(text.strip_prefix("argon2").unwrap_or(text)),
            ["", "2a" | "2b" | "2y", ..] => bcrypt(text, false),
            ["bcrypt", "", ..] => bcrypt(text.strip_prefix("bcrypt$").unwrap_or(text), false),
            ["bcrypt_sha256", "", ..] => bcrypt(text.strip_prefix("bcrypt_sha256$").unwrap_or(text), true),
            ["", "6", rest @ ..] => sha_crypt(text, rest),
            ["", "scrypt", params, salt, output] => scrypt_phc(params, salt, output),
            ["scrypt", n, salt, r, p, output] => scrypt_of([n, r, p], salt.as_bytes().to_vec(), base64(output)),
            [head, salt, output] if head.starts_with("scrypt:") => {
                let numbers: Vec<&str> = head.split(':').skip(1).collect();
                let [n, r, p] = numbers.as_slice() else { return Err(BadHash::Malformed(SCRYPT)) };
                scrypt_of([n, r, p], salt.as_bytes().to_vec(), hex(output))
            }
            ["", head, rounds, salt, output] if head.starts_with("pbkdf2") => {
                let rounds = phc_rounds(rounds);
                let salt = base64(salt).ok_or(BadHash::Malformed(PBKDF2))?;
                pbkdf2_of(head.strip_prefix("pbkdf2-").unwrap_or("sha1"), rounds, salt, base64(output))
            }
            [head, rounds, salt, output] if head.starts_with("pbkdf2_") => {
                let digest = head.strip_prefix("pbkdf2_").unwrap_or_default();
                pbkdf2_of(digest, rounds, salt.as_bytes().to_vec(), base64(output))
            }
            [head, salt, output] if head.starts_with("pbkdf2:") => {
                let numbers: Vec<&str> = head.split(':').skip(1).collect();
                let [digest, rounds] = numbers.as_slice() else { return Err(BadHash::Malformed(PBKDF2)) };
                pbkdf2_of(digest, rounds, salt.as_bytes().to_vec(), hex(output))
            }
            _ => return Err(BadHash::Unknown),
        }?;
        let scheme = match &kind {
            Kind::Argon2 { .. } => ARGON2,
            Kind::Bcrypt { .. } => BCRYPT,
            Kind::Scrypt { .. } => SCRYPT,
            Kind::Pbkdf2 { .. } => PBKDF2,
            Kind::ShaCrypt { .. } => SHA_CRYPT,
        };
        Ok(Self { scheme, kind })
    }

    /// Whether this is the password. `blocks` is memory that may be used, and grow.
    pub(crate) fn fits(&self, password: &str, blocks: &mut Vec<Block>) -> bool {
        match &self.kind {
            Kind::Argon2 { algorithm, version, params, salt, output } => {
                blocks.resize(params.block_count(), Block::default());
                let mut made = vec![0; output.len()];
                let argon2 = Argon2::new(*algorithm, *version, params.clone());
                let done = argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut made, blocks);
                done.is_ok() && bool::from(made.ct_eq(output))
            }
            // It looks at the first 72 bytes, as the system that made the hash did.
            Kind::Bcrypt { hash, through_sha256: false } => bcrypt::verify(password, hash).unwrap_or(false),
            Kind::Bcrypt { hash, through_sha256: true } => {
                let digest = digest::digest(&digest::SHA256, password.as_bytes());
                bcrypt::verify(data_encoding::HEXLOWER.encode(digest.as_ref()), hash).unwrap_or(false)
            }
            Kind::Scrypt { params, salt, output } => {
                let mut made = vec![0; output.len()];
                let done = scrypt::scrypt(password.as_bytes(), salt, params, &mut made);
                done.is_ok() && bool::from(made.ct_eq(output))
            }
            Kind::Pbkdf2 { algorithm, rounds, salt, output } => {
                pbkdf2::verify(*algorithm, *rounds, salt, password.as_bytes(), output).is_ok()
            }
            Kind::ShaCrypt { hash } => {
                sha_crypt::ShaCrypt::SHA512.verify_password(password.as_bytes(), hash.as_str()).is_ok()
            }
        }
    }
}

fn argon2(text: &str) -> Result<Kind, BadHash> {
    let malformed = || BadHash::Malformed(ARGON2);
    let parsed = PasswordHash::new(text).map_err(|_| malformed())?;
    let algorithm = Algorithm::new(parsed.algorithm.as_str()).map_err(|_| malformed())?;
    let version = match parsed.version {
        Some(version) => Version::try_from(version).map_err(|_| malformed())?,
        None => Version::V0x10,
    };
    let params = Params::try_from(&parsed).map_err(|_| malformed())?;
    let (Some(salt), Some(output)) = (&parsed.salt, &parsed.hash) else { return Err(malformed()) };
    if !OUTPUT_BYTES.contains(&output.as_bytes().len()) {
        return Err(malformed());
    }
    let passes = usize::try_from(params.t_cost()).unwrap_or(usize::MAX);
    if params.block_count() > MAX_MEMORY_KIB || params.block_count().saturating_mul(passes) > MAX_ARGON2_KIB {
        return Err(BadHash::Costly(ARGON2, "128 MiB, and 256 MiB over all passes"));
    }
    Ok(Kind::Argon2 { algorithm, version, params, salt: salt.to_vec(), output: output.as_bytes().to_vec() })
}

fn bcrypt(text: &str, through_sha256: bool) -> Result<Kind, BadHash> {
    let parts = bcrypt::HashParts::from_str(text).map_err(|_| BadHash::Malformed(BCRYPT))?;
    let known = ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix));
    if !known || parts.get_cost() < MIN_BCRYPT_COST {
        return Err(BadHash::Malformed(BCRYPT));
    }
    if parts.get_cost() > MAX_BCRYPT_COST {
        return Err(BadHash::Costly(BCRYPT, "cost 13"));
    }
    Ok(Kind::Bcrypt { hash: text.to_owned(), through_sha256 })
}

fn sha_crypt(text: &str, rest: &[&str]) -> Result<Kind, BadHash> {
    let malformed = || BadHash::Malformed(SHA_CRYPT);
    let (rounds, salt, output) = match rest {
        [salt, output] => (None, salt, output),
        [rounds, salt, output] => (Some(rounds), salt, output),
        _ => return Err(malformed()),
    };
    if let Some(rounds) = rounds {
        let rounds = rounds.strip_prefix("rounds=").and_then(number).ok_or_else(malformed)?;
        if rounds < sha_crypt::Params::ROUNDS_MIN {
            return Err(malformed());
        }
        if rounds > MAX_SHA_CRYPT_ROUNDS {
            return Err(BadHash::Costly(SHA_CRYPT, "1,000,000 rounds"));
        }
    }
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'));
    if salt.len() > 16 || output.len() != SHA_CRYPT_CHARS || !plain(output) {
        return Err(malformed());
    }
    Ok(Kind::ShaCrypt { hash: text.to_owned() })
}

fn scrypt_phc(params: &str, salt: &str, output: &str) -> Result<Kind, BadHash> {
    let named = |name: &str| params.split(',').find_map(|param| param.strip_prefix(name)?.strip_prefix('='));
    let (Some(log_n), Some(r), Some(p)) = (named("ln").and_then(number), named("r"), named("p")) else {
        return Err(BadHash::Malformed(SCRYPT));
    };
    let n = 1_u64.checked_shl(log_n).unwrap_or(u64::MAX).to_string();
    scrypt_of([&n, r, p], base64(salt).ok_or(BadHash::Malformed(SCRYPT))?, base64(output))
}

fn scrypt_of([n, r, p]: [&str; 3], salt: Vec<u8>, output: Option<Vec<u8>>) -> Result<Kind, BadHash> {
    let malformed = || BadHash::Malformed(SCRYPT);
    let (Ok(n), Some(r), Some(p)) = (n.parse::<u64>(), number(r), number(p)) else { return Err(malformed()) };
    let output = output.filter(|output| OUTPUT_BYTES.contains(&output.len())).ok_or_else(malformed)?;
    let memory = u64::from(r).saturating_mul(128).saturating_mul(n);
    let work = n.saturating_mul(u64::from(r)).saturating_mul(u64::from(p));
    if memory > (MAX_MEMORY_KIB as u64) << 10 || work > MAX_SCRYPT_WORK {
        return Err(BadHash::Costly(SCRYPT, "128 MiB, and N x r x p of 1,048,576"));
    }
    if !n.is_power_of_two() {
        return Err(malformed());
    }
    let log_n = u8::try_from(n.trailing_zeros()).map_err(|_| malformed())?;
    let params = scrypt::Params::new(log_n, r, p, output.len()).map_err(|_| malformed())?;
    Ok(Kind::Scrypt { params, salt, output })
}

/// `i=1000,l=32`, or the number alone as passlib writes it.
fn phc_rounds(text: &str) -> &str {
    text.split(',').find_map(|param| param.strip_prefix("i=")).unwrap_or(text)
}

fn pbkdf2_of(digest: &str, rounds: &str, salt: Vec<u8>, output: Option<Vec<u8>>) -> Result<Kind, BadHash> {
    let malformed = || BadHash::Malformed(PBKDF2);
    let algorithm = match digest {
        "sha1" => pbkdf2::PBKDF2_HMAC_SHA1,
        "sha256" => pbkdf2::PBKDF2_HMAC_SHA256,
        "sha512" => pbkdf2::PBKDF2_HMAC_SHA512,
        _ => return Err(BadHash::Unknown),
    };
    let rounds = number(rounds).and_then(NonZeroU32::new).ok_or_else(malformed)?;
    let output = output.filter(|output| OUTPUT_BYTES.contains(&output.len())).ok_or_else(malformed)?;
    if rounds.get() > MAX_PBKDF2_ROUNDS {
        return Err(BadHash::Costly(PBKDF2, "1,500,000 rounds"));
    }
    Ok(Kind::Pbkdf2 { algorithm, rounds, salt, output })
}

fn number(text: &str) -> Option<u32> {
    // `parse` takes a plus sign too, which nobody writes.
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// passlib writes a dot for the plus sign.
fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.replace('.', "+")).ok()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by the programs that are named, from [`PASSWORD`]: see the head of the file.
    const MADE: &str = include_str!("foreign.tsv");
    const PASSWORD: &str = "Grüße, four plain words";

    fn made() -> impl Iterator<Item = (&'static str, &'static str)> {
        MADE.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_once('\t').unwrap())
    }

    #[test]
    fn hashes_of_other_programs_fit_their_password_alone() {
        assert_eq!(made().count(), 25);
        for (maker, hash) in made() {
            let read = Foreign::read(hash).unwrap_or_else(|error| panic!("{maker}: {error}"));
            assert!(read.fits(PASSWORD, &mut Vec::new()), "{maker}");
            for wrong in ["grüße, four plain words", "Grüße, four plain word", ""] {
                assert!(!read.fits(wrong, &mut Vec::new()), "{maker}: {wrong:?}");
            }
        }
    }

    /// One character of the outcome changed: no longer that password's, in whatever format.
    #[test]
    fn an_edited_hash_fits_nothing() {
        for (maker, hash) in made() {
            // Not the last: its lowest bits may say nothing.
            let at = hash.trim_end_matches('=').len() - 4;
            let (head, tail) = hash.split_at(at);
            let other = if tail.starts_with('0') { '1' } else { '0' };
            let edited = format!("{head}{other}{}", tail.get(1..).unwrap());
            let fits = Foreign::read(&edited).is_ok_and(|read| read.fits(PASSWORD, &mut Vec::new()));
            assert!(!fits, "{maker}: {edited}");
        }
    }

    #[test]
    fn what_would_keep_the_server_busy_is_refused() {
        let output = "c29tZXNhbHRzb21lc2FsdHNvbWVzYWx0c29tZXNhbHQ";
        let hex = "00".repeat(32);
        let bcrypt = |cost: u32| format!("$2b${cost:02}$abcdefghijklmnopqrstuuwypJwKuskt6eGdeaaVqS4IKD8ICGjUC");
        let crypt = |rounds: u32| format!("$6$rounds={rounds}$salt${}", "a".repeat(86));
        for (good, costly) in [
            (bcrypt(13), bcrypt(14)),
            (bcrypt(4), bcrypt(31)),
            (crypt(400_000), crypt(400_001)),
            (
                format!("$argon2id$v=19$m=65536,t=4,p=4$c29tZXNhbHQ${output}"),
                format!("$argon2id$v=19$m=65536,t=5,p=4$c29tZXNhbHQ${output}"),
            ),
            (
                format!("$argon2id$v=19$m=131072,t=2,p=1$c29tZXNhbHQ${output}"),
                format!("$argon2id$v=19$m=262144,t=1,p=1$c29tZXNhbHQ${output}"),
            ),
            (
                format!("$scrypt$ln=17,r=8,p=1$c29tZXNhbHQ${output}"),
                format!("$scrypt$ln=18,r=8,p=1$c29tZXNhbHQ${output}"),
            ),
            (format!("scrypt:16384:8:5$salt${hex}"), format!("scrypt:16384:8:100$salt${hex}")),
            (
                format!("$scrypt$ln=10,r=8,p=1$c29tZXNhbHQ${output}"),
                format!("$scrypt$ln=63,r=4294967295,p=4294967295$c29tZXNhbHQ${output}"),
            ),
            (format!("pbkdf2_sha256$1200000$salt${output}"), format!("pbkdf2_sha256$1500001$salt${output}")),
        ] {
            assert!(Foreign::read(&good).is_ok(), "{good}: {:?}", Foreign::read(&good).err());
            let refused = Foreign::read(&costly).err();
            assert!(matches!(refused, Some(BadHash::Costly(..))), "{costly}: {refused:?}");
        }
    }

    #[test]
    fn what_is_no_whole_hash_is_refused() {
        let long = "a".repeat(MAX_BYTES + 1);
        for bad in [
            "",
            "secret",
            "$",
            "$$$",
            "5f4dcc3b5aa765d61d8327deb882cf99",
            "$1$salt$hash",
            "$5$salt$hash",
            "$y$j9T$salt$hash",
            "{SSHA}abcd",
            "pbkdf2_md5$1000$salt$aGFzaGhhc2hoYXNoaGFzaA==",
            &long,
        ] {
            assert_eq!(Foreign::read(bad).err(), Some(BadHash::Unknown), "{bad}");
        }
        for bad in [
            "$2b$12$short",
            "$2x$05$abcdefghijklmnopqrstuuxI1vFhYlMLop4UtrHuEJAHJk5UDqrfu",
            "$2b$03$abcdefghijklmnopqrstuuxI1vFhYlMLop4UtrHuEJAHJk5UDqrfu",
            "$6$salt$hash",
            "$6$rounds=10$salt$hash",
            "$6$rounds=9999999999$salt$hash",
            "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ",
            "$argon2id$",
            "$scrypt$ln=10,r=8,p=1$c29tZXNhbHQ$YQ",
            "$scrypt$ln=10,r=8$c29tZXNhbHQ$YWFhYWFhYWFhYWFhYWFhYWE",
            "scrypt:1000:8:1$salt$00000000000000000000000000000000",
            "pbkdf2_sha256$0$salt$YWFhYWFhYWFhYWFhYWFhYWE",
            "pbkdf2_sha256$-1$salt$YWFhYWFhYWFhYWFhYWFhYWE",
            "pbkdf2_sha256$1000$salt$YQ==",
            "pbkdf2_sha256$1000$salt$",
        ] {
            let refused = Foreign::read(bad).err();
            assert!(matches!(refused, Some(BadHash::Malformed(_) | BadHash::Unknown)), "{bad}: {refused:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_stands_there_is_read_without_harm(
            head in proptest::sample::select(vec!["", "$argon2id$", "$2b$", "bcrypt$$2b$", "$6$", "$6$rounds=", "$scrypt$ln=", "scrypt:", "scrypt$", "$pbkdf2-sha256$", "pbkdf2:sha1:", "pbkdf2_sha256$"]),
            tail in "[0-9a-zA-Z=,:./+$]{0,120}|.{0,40}",
        ) {
            let _ = Foreign::read(&format!("{head}{tail}"));
        }

        #[test]
        fn a_changed_hash_is_read_without_harm(which in 0..25_usize, at: usize, character: char) {
            let (_, hash) = made().nth(which).unwrap();
            let mut characters: Vec<char> = hash.chars().collect();
            let at = at % characters.len();
            characters[at] = character;
            let _ = Foreign::read(&characters.into_iter().collect::<String>());
        }
    }
}

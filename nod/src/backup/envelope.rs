//! The age file around a backup: who can open it, and reading and writing it.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use age::secrecy::SecretString;
use age::stream::{StreamReader, StreamWriter};
use age::{DecryptError, Decryptor, Encryptor, Identity, IdentityFile, Recipient, scrypt, x25519};
use zeroize::Zeroizing;

use crate::failure::{Failure, Outcome};
use crate::private_file;

/// Shortest passphrase for a new file, in characters: it stands between a stolen file and everything in it.
const PASSPHRASE_MIN: usize = 12;
/// Work that a guess at a passphrase costs, as a power of two: about a second and 256 MiB.
const WORK: u8 = 18;
/// Most work that a file may ask for when it is opened with a passphrase, as a power of two: some minutes and 4 GiB.
const MAX_WORK: u8 = 22;
/// Bytes that are written to the file at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// How a new file is closed.
pub(crate) enum Lock {
    /// With a passphrase.
    Passphrase(SecretString),
    /// For the holders of some keys. Our own of this moment is one of them: with it the file is read back, then it is forgotten.
    Recipients(Vec<x25519::Recipient>, x25519::Identity),
}

impl Lock {
    /// For these recipients, each `age1...`.
    pub(crate) fn recipients(names: &[String]) -> Outcome<Self> {
        let parse = |name: &String| {
            let wrong =
                |why| Failure::misuse(format!("{name} is no age recipient ({why}); make a key with: age-keygen"));
            name.parse::<x25519::Recipient>().map_err(wrong)
        };
        Ok(Self::Recipients(names.iter().map(parse).collect::<Outcome<_>>()?, x25519::Identity::generate()))
    }

    /// With this passphrase, unless it is too short.
    pub(crate) fn passphrase(text: &str) -> Outcome<Self> {
        if text.chars().count() < PASSPHRASE_MIN {
            return Err(Failure::misuse(format!(
                "the passphrase is too short: take at least {PASSPHRASE_MIN} characters"
            )));
        }
        Ok(Self::Passphrase(SecretString::from(text.to_owned())))
    }

    /// What opens the file that this closes.
    pub(crate) fn opener(&self) -> Opener {
        match self {
            Self::Passphrase(passphrase) => Opener::Passphrase(passphrase.clone()),
            Self::Recipients(_, own) => Opener::Identities(vec![Box::new(own.clone())]),
        }
    }

    fn encryptor(&self) -> Outcome<Encryptor> {
        Ok(match self {
            Self::Passphrase(passphrase) => {
                let mut recipient = scrypt::Recipient::new(passphrase.clone());
                recipient.set_work_factor(WORK);
                Encryptor::with_recipients(std::iter::once(&recipient as &dyn Recipient))?
            }
            Self::Recipients(others, own) => {
                let own = own.to_public();
                let all = others.iter().chain([&own]).map(|recipient| recipient as &dyn Recipient);
                Encryptor::with_recipients(all)?
            }
        })
    }
}

/// What opens a file.
pub(crate) enum Opener {
    /// A passphrase.
    Passphrase(SecretString),
    /// Keys.
    Identities(Vec<Box<dyn Identity + Send + Sync>>),
}

impl Opener {
    /// This passphrase.
    pub(crate) fn passphrase(text: &str) -> Self {
        Self::Passphrase(SecretString::from(text.to_owned()))
    }

    /// The keys in a file of age identities.
    pub(crate) fn identity_file(path: &Path) -> Outcome<Self> {
        let shown = path.display();
        let failed = |error: &dyn std::fmt::Display| Failure::new(format!("{shown}: {error}"));
        let text = File::open(path).map_err(|error| failed(&error))?;
        let file = IdentityFile::from_buffer(BufReader::new(text)).map_err(|error| failed(&error))?;
        Ok(Self::Identities(file.into_identities().map_err(|error| failed(&error))?))
    }
}

/// The first line of a file that nobody else may read.
pub(crate) fn passphrase_from(path: &Path) -> Outcome<Zeroizing<String>> {
    let text = private_file::read(path)?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// Makes the file; gives where its content is written to.
pub(super) fn create(path: &Path, lock: &Lock) -> Outcome<StreamWriter<BufWriter<File>>> {
    let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
    let file = private_file::create(path).map_err(failed)?;
    lock.encryptor()?.wrap_output(BufWriter::with_capacity(BUFFER_BYTES, file)).map_err(failed)
}

/// Ends the file; it is on disk when this returns.
pub(super) fn finish(content: StreamWriter<BufWriter<File>>, path: &Path) -> Outcome {
    let end = || {
        let file = content.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()
    };
    end().map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// Opens the file; gives its content.
pub(super) fn open(path: &Path, opener: &Opener) -> Outcome<StreamReader<BufReader<File>>> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    let file = Decryptor::new_buffered(BufReader::new(file)).map_err(|error| refused(path, &error))?;
    match (opener, file.is_scrypt()) {
        (Opener::Passphrase(_), false) => {
            Err(Failure::misuse(format!("{shown} opens with a key, not a passphrase: give it with --identity FILE")))
        }
        (Opener::Identities(_), true) => Err(Failure::misuse(format!("{shown} opens with a passphrase, not a key"))),
        (Opener::Passphrase(passphrase), true) => {
            let mut identity = scrypt::Identity::new(passphrase.clone());
            identity.set_max_work_factor(MAX_WORK);
            file.decrypt(std::iter::once(&identity as &dyn Identity)).map_err(|error| refused(path, &error))
        }
        (Opener::Identities(identities), false) => {
            let all = identities.iter().map(|identity| &**identity as &dyn Identity);
            file.decrypt(all).map_err(|error| refused(path, &error))
        }
    }
}

fn refused(path: &Path, error: &DecryptError) -> Failure {
    let why = match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => "the passphrase is not the right one",
        DecryptError::NoMatchingKeys => "none of these keys opens it",
        DecryptError::InvalidMac | DecryptError::InvalidHeader => "it was changed after it was made, or cut off",
        DecryptError::UnknownFormat => "it is no backup",
        DecryptError::ExcessiveWork { .. } => "it asks for more work than any backup does",
        _ => return Failure::new(format!("{}: {error}", path.display())),
    };
    Failure::new(format!("{} cannot be opened: {why}", path.display()))
}

/// A reader for the stream inside.
pub(super) trait Plain: Read + Send {}
impl<R: Read + Send> Plain for R {}
/// A writer for the stream inside.
pub(super) trait PlainOut: Write + Send {}
impl<W: Write + Send> PlainOut for W {}

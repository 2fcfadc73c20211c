//! The certificate's files, and whoever renews them: the running server takes a new pair by itself.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nod_http::{Tls, TlsError};
use nod_protocol::sha256;
use zeroize::Zeroizing;

use crate::config::{Config, Source};
use crate::failure::{Failure, Outcome};

/// Time between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Everybody else's rights to a file.
const OTHERS: u32 = 0o007;
/// Largest file that is read, in bytes: a chain of certificates has a few thousand.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("{path}: {source}", path = path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path} is too large to be a certificate or key", path = path.display())]
    TooLarge { path: PathBuf },
    #[error("{path} may be read by everybody (mode {mode:o}); run: chmod o= {path}", path = path.display())]
    TooOpen { path: PathBuf, mode: u32 },
    #[error("{certificate}, {key}: {source}", certificate = certificate.display(), key = key.display())]
    Unusable { certificate: PathBuf, key: PathBuf, source: TlsError },
}

/// Contents of both files.
struct Pair {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Pair {
    fn read(certificate: &Path, key: &Path) -> Result<Self, FileError> {
        Ok(Self { certificate: read(certificate, 0)?, key: Zeroizing::new(read(key, OTHERS)?) })
    }

    /// What tells one pair from another, so that no key is kept for it.
    fn mark(&self) -> [u8; 32] {
        sha256(&[sha256(&self.certificate), sha256(&self.key)].concat())
    }
}

fn read(path: &Path, forbidden: u32) -> Result<Vec<u8>, FileError> {
    let unreadable = |source| FileError::Unreadable { path: path.to_owned(), source };
    // Mode, size and content of one file, whatever has its name by then.
    let file = fs::File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & forbidden != 0 {
        return Err(FileError::TooOpen { path: path.to_owned(), mode });
    }
    let mut content = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut content).map_err(unreadable)?;
    if content.len() as u64 > MAX_FILE_BYTES {
        return Err(FileError::TooLarge { path: path.to_owned() });
    }
    Ok(content)
}

/// TLS from files, which are looked at again and again.
pub(crate) struct Renewing {
    tls: Tls,
    certificate: PathBuf,
    key: PathBuf,
    /// The pair or the complaint of the last look: each is told once.
    last: Result<[u8; 32], String>,
}

impl Renewing {
    /// From the files that the configuration names, if it names any.
    pub(crate) fn open(config: &Config) -> Outcome<Option<Self>> {
        let Some(crate::config::Tls { source: Source::Files { certificate, key }, .. }) = &config.tls else {
            return Ok(None);
        };
        let (certificate, key) = (certificate.clone(), key.clone());
        let failed = |error: FileError| Failure::new(error.to_string());
        let pair = Pair::read(&certificate, &key).map_err(failed)?;
        let tls = Tls::new(&pair.certificate, &pair.key, config.address.host());
        let tls = tls.map_err(|source| {
            failed(FileError::Unusable { certificate: certificate.clone(), key: key.clone(), source })
        })?;
        Ok(Some(Self { tls, certificate, key, last: Ok(pair.mark()) }))
    }

    /// What the listener uses.
    pub(crate) const fn tls(&self) -> &Tls {
        &self.tls
    }

    /// Takes each new pair until `stop` is ready. Whatever is wrong with one, the pair before stays in use.
    pub(crate) async fn watch(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                () = &mut stop => return,
                _ = looks.tick() => {}
            }
            // Off the server's own threads: the files may be on a share that hangs.
            let looked = tokio::task::spawn_blocking(move || {
                self.look();
                self
            });
            match looked.await {
                Ok(back) => self = back,
                Err(_) => return,
            }
        }
    }

    fn look(&mut self) {
        let pair = Pair::read(&self.certificate, &self.key);
        let found = pair.as_ref().map(Pair::mark).map_err(ToString::to_string);
        if found == self.last {
            return;
        }
        let renewed = pair.and_then(|pair| {
            let (certificate, key) = (self.certificate.clone(), self.key.clone());
            let renewed = self.tls.renew(&pair.certificate, &pair.key);
            renewed.map_err(|source| FileError::Unusable { certificate, key, source })
        });
        match renewed {
            Ok(()) => tracing::info!("a renewed certificate is in use"),
            Err(error) => tracing::warn!("the certificate before stays in use: {error}"),
        }
        self.last = found;
    }
}

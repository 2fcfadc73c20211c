//! Backups: an age file around a stream of rows. Written from one snapshot, read back before it counts, and restored into an empty
//! place only.

mod envelope;
mod file;
mod stream;

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use nod_engine::Vault;
use nod_store::{Piece, PostgresOptions};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::installation::{self, DATABASE};

pub(crate) use envelope::{Lock, Opener, passphrase_from};
pub(crate) use file::{Partial, Scratch};
pub(crate) use stream::{Header, Tally};

/// Most bytes of a short secret.
const MAX_SECRET_BYTES: u64 = 4_096;

/// Where rows come from or go to.
pub(crate) enum Place {
    /// A SQLite file.
    File(std::path::PathBuf),
    /// A PostgreSQL database.
    Postgres(PostgresOptions),
}

impl Place {
    /// The rows of this installation.
    pub(crate) fn of(config: &Config) -> Outcome<Self> {
        Ok(match installation::postgres_options(config)? {
            Some(options) => Self::Postgres(options),
            None => Self::File(config.data_dir.join(DATABASE)),
        })
    }

    async fn dump(self, out: mpsc::Sender<Piece>) -> Outcome {
        match self {
            Self::File(path) => {
                let dump = move || nod_store::dump_sqlite(&path, Arc::new(crate::system::now), &out);
                Ok(tokio::task::spawn_blocking(dump).await??)
            }
            Self::Postgres(options) => Ok(nod_store::dump_postgres(&options, out).await?),
        }
    }

    async fn load(self, schema: u32, mark: Vec<u8>, mut pieces: mpsc::Receiver<Piece>) -> Outcome {
        match self {
            Self::File(path) => {
                let load =
                    move || nod_store::load_sqlite(&path, Arc::new(crate::system::now), schema, &mark, &mut pieces);
                Ok(tokio::task::spawn_blocking(load).await??)
            }
            Self::Postgres(options) => Ok(nod_store::load_postgres(&options, schema, &mark, &mut pieces).await?),
        }
    }
}

/// Writes the rows at `from` to a new file at `path`, locked, sealed with the data key, and on disk when this returns.
pub(crate) async fn write(
    from: Place,
    header: Header,
    path: &Path,
    lock: Arc<Lock>,
    vault: Arc<Vault>,
) -> Outcome<Tally> {
    let (out, pieces) = nod_store::pieces();
    let path = path.to_owned();
    let writing = tokio::task::spawn_blocking(move || {
        let plain = envelope::create(&path, &lock)?;
        let (plain, tally) = stream::write(plain, &header, pieces, &vault)?;
        envelope::finish(plain, &path)?;
        Ok(tally)
    });
    let (dumped, written) = tokio::join!(from.dump(out), writing);
    let written: Outcome<Option<Tally>> = written?;
    // Where the file could not be written, the dump only tells that nobody took it.
    let tally = written?;
    dumped?;
    tally.ok_or_else(|| Failure::new("the dump ended too early"))
}

/// Writes a short secret to a new file, locked, and reads it back.
pub(crate) async fn write_secret(path: &Path, lock: Arc<Lock>, secret: Zeroizing<String>) -> Outcome {
    let path = path.to_owned();
    let write = move || {
        let mut plain = envelope::create(&path, &lock)?;
        plain.write_all(secret.as_bytes())?;
        envelope::finish(plain, &path)?;
        let read = read_short(&path, &lock.opener())?;
        if *read == *secret { Ok(()) } else { Err(Failure::new("the file does not read back as it was written")) }
    };
    tokio::task::spawn_blocking(write).await?
}

/// Reads what [`write_secret`] wrote.
pub(crate) async fn read_secret(path: &Path, opener: Arc<Opener>) -> Outcome<Zeroizing<String>> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || read_short(&path, &opener)).await?
}

fn read_short(path: &Path, opener: &Opener) -> Outcome<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let damaged = |_| Failure::new(format!("{} is damaged: it was cut off or changed", path.display()));
    envelope::open(path, opener)?.take(MAX_SECRET_BYTES).read_to_end(&mut bytes).map_err(damaged)?;
    // What is no text is no secret of ours: the caller finds nothing in it.
    Ok(Zeroizing::new(std::str::from_utf8(&bytes).unwrap_or_default().to_owned()))
}

/// Opens the backup at `path` and gives what it says of itself. Nothing of that is believed before all of it is read.
pub(crate) async fn header(path: &Path, opener: Arc<Opener>) -> Outcome<Header> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        stream::Reading::begin(envelope::open(&path, &opener)?).map(|(header, _)| header)
    })
    .await?
}

/// Reads all of the backup at `path` into an empty place. It is loaded only if it is whole and was made with this data key.
pub(crate) async fn load(
    path: &Path,
    opener: Arc<Opener>,
    vault: Arc<Vault>,
    into: Place,
    mark: Vec<u8>,
) -> Outcome<(Header, Tally)> {
    let (out, pieces) = nod_store::pieces();
    let (told, schema) = tokio::sync::oneshot::channel();
    let path = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let (header, reading) = stream::Reading::begin(envelope::open(&path, &opener)?)?;
        // Nobody waits for it: the loader has given up and says why.
        let _ = told.send(header.schema);
        Ok((header, reading.rest(&out, &vault)?))
    });
    let loading = async {
        match schema.await {
            Ok(schema) => into.load(schema, mark, pieces).await,
            // The reader says why.
            Err(_) => Ok(()),
        }
    };
    let (read, loaded) = tokio::join!(reading, loading);
    let read: Outcome<(Header, Option<Tally>)> = read?;
    let (header, tally) = read?;
    loaded?;
    Ok((header, tally.ok_or_else(|| Failure::new("the rows were not taken"))?))
}

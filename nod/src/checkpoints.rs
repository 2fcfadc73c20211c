//! Signed checkpoints of the audit in a file that leaves the node (INV-22): append only, one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nod_engine::Engine;
use nod_engine::audit::Checkpointed;
use nod_engine::ports::Store;
use nod_protocol::checkpoint::{CheckpointPayload, ParsedCheckpoint, sign_checkpoint};
use nod_protocol::{JWS_MAX_BYTES, Jwk, SigningKey};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Outcome};
use crate::restores;

/// The file's name among the data, where the configuration names no other.
pub(crate) const DEFAULT_FILE: &str = "audit-checkpoints.jsonl";
/// Readable by the owner's group, which a program that ships the file may belong to. It holds no secret.
const FILE_MODE: u32 = 0o640;
/// So many bytes at the end hold the last whole line, even behind a torn one.
const TAIL_BYTES: u64 = 4 * JWS_MAX_BYTES as u64;

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    checkpoint: String,
}

/// What a line is worth.
enum Worth {
    /// Signed with our key.
    Signed(CheckpointPayload),
    /// A checkpoint, but not signed with our key.
    Forged,
    /// No checkpoint: for instance torn when the power failed.
    Torn,
}

fn worth(line: &[u8], key: &Jwk) -> Worth {
    let Ok(line) = serde_json::from_slice::<Line>(line) else { return Worth::Torn };
    let Ok(parsed) = ParsedCheckpoint::parse(&line.checkpoint) else { return Worth::Torn };
    parsed.verify(key).map_or(Worth::Forged, Worth::Signed)
}

/// What a file of checkpoints says; line numbers count from 1.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Signed with our key.
    pub(crate) signed: Vec<CheckpointPayload>,
    /// Lines with another key or a signature that does not hold.
    pub(crate) forged: Vec<usize>,
    /// Lines that are no checkpoint.
    pub(crate) torn: Vec<usize>,
}

/// Reads a whole file.
pub(crate) fn read(path: &Path, key: &Jwk) -> Outcome<Found> {
    let text = std::fs::read(path).map_err(|error| failed(path, &error))?;
    let mut found = Found::default();
    let lines = text.split(|byte| *byte == b'\n').zip(1..).filter(|(line, _)| !line.trim_ascii().is_empty());
    for (line, number) in lines {
        match worth(line, key) {
            Worth::Signed(payload) => found.signed.push(payload),
            Worth::Forged => found.forged.push(number),
            Worth::Torn => found.torn.push(number),
        }
    }
    Ok(found)
}

/// The signed checkpoints of the restores that the store remembers: they count as if they stood in every file.
pub(crate) async fn of_restores(store: &dyn Store, key: &Jwk) -> Outcome<Vec<CheckpointPayload>> {
    let parsed = restores::checkpoints(store).await?;
    let signed = parsed.iter().filter_map(|text| ParsedCheckpoint::parse(text).ok()?.verify(key).ok());
    Ok(signed.collect())
}

/// A file's last checkpoint by our key. Without a file there is none.
pub(crate) fn last(path: &Path, key: &Jwk) -> io::Result<Option<CheckpointPayload>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let end = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(end.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut tail)?;
    let signed = |line| match worth(line, key) {
        Worth::Signed(payload) => Some(payload),
        Worth::Forged | Worth::Torn => None,
    };
    Ok(tail.rsplit(|byte| *byte == b'\n').find_map(signed))
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("{}: {error}", path.display()))
}

/// Writes the checkpoints of one node.
#[derive(Clone)]
pub(crate) struct Checkpointer {
    engine: Engine,
    key: Arc<SigningKey>,
    path: PathBuf,
}

impl Checkpointer {
    /// For this installation's engine, key and file.
    pub(crate) const fn new(engine: Engine, key: Arc<SigningKey>, path: PathBuf) -> Self {
        Self { engine, key, path }
    }

    /// Appends a checkpoint if the chain has grown since the file's last one. A chain that does not go on from there is not
    /// signed; that, and a file that cannot be written, is told in the log.
    pub(crate) async fn write(&self) {
        match self.try_write().await {
            Ok(Checkpointed::Unmoved) => {}
            Ok(Checkpointed::Due(payload)) => tracing::debug!(count = payload.count, "audit checkpoint written"),
            Ok(Checkpointed::Refused(_)) => tracing::error!(
                file = %self.path.display(),
                "the audit does not go on from its last checkpoint, so no new one is signed; run: nod audit verify"
            ),
            Err(failure) => tracing::error!("no audit checkpoint was written: {}", failure.words()),
        }
    }

    /// Writes down the restores that the file does not tell of yet, so that it explains itself wherever it is kept.
    pub(crate) async fn write_restores(&self) {
        if let Err(failure) = self.try_write_restores().await {
            tracing::error!("the restore was not noted among the checkpoints: {}", failure.words());
        }
    }

    async fn try_write_restores(&self) -> Outcome {
        let restores = restores::checkpoints(&**self.engine.store()).await?;
        if restores.is_empty() {
            return Ok(());
        }
        let told = match std::fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            told => told.map_err(|error| failed(&self.path, &error))?,
        };
        let told = String::from_utf8_lossy(&told);
        for checkpoint in restores.into_iter().filter(|checkpoint| !told.contains(checkpoint)) {
            self.append(&serde_json::to_string(&Line { checkpoint })?).map_err(|error| failed(&self.path, &error))?;
        }
        Ok(())
    }

    async fn try_write(&self) -> Outcome<Checkpointed> {
        let last = last(&self.path, self.key.jwk()).map_err(|error| failed(&self.path, &error))?;
        let outcome = self.engine.checkpoint_audit(last).await?;
        if let Checkpointed::Due(payload) = &outcome {
            let checkpoint = sign_checkpoint(&self.key, payload)?;
            let line = serde_json::to_string(&Line { checkpoint })?;
            self.append(&line).map_err(|error| failed(&self.path, &error))?;
        }
        Ok(outcome)
    }

    /// One write, on disk when it returns. A torn line before it is ended first.
    fn append(&self, line: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(FILE_MODE).open(&self.path)?;
        let mut last = [b'\n'];
        if file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        let start = if last == [b'\n'] { "" } else { "\n" };
        file.write_all(format!("{start}{line}\n").as_bytes())?;
        file.sync_all()
    }
}

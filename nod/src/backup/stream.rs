//! What is inside a backup: a CBOR sequence (RFC 8742) of a header, tables and rows, and an end with a keyed checksum over all that
//! stands before it. Who can write the age file need not have the data key; who has not cannot make a backup that loads.

use std::io::{self, BufReader, BufWriter, Read, Write};

use aws_lc_rs::digest::{Context, SHA256};
use ciborium::Value;
use ciborium::value::Integer;
use nod_engine::Vault;
use nod_store::{Cell, Piece, SCHEMA};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::envelope::{Plain, PlainOut};
use crate::failure::{Failure, Outcome};

/// The form of the stream.
const FORMAT: u32 = 1;
/// What is sealed at the end, for the keyed checksum.
const SEAL_LABEL: &str = "backup";
/// Deepest nesting that is read.
const MAX_DEPTH: usize = 8;
/// Bytes that are read at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// What a backup says of itself, first of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The form of what follows.
    pub(crate) format: u32,
    /// The schema of its rows.
    pub(crate) schema: u32,
    /// The version of Nod that made it.
    pub(crate) version: String,
    /// The public origin of the installation.
    pub(crate) origin: String,
    /// When it was made, in milliseconds since 1970.
    pub(crate) made_at: i64,
}

impl Header {
    /// Of a backup that this binary makes now.
    pub(crate) fn now(origin: &str) -> Self {
        Self {
            format: FORMAT,
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            origin: origin.to_owned(),
            made_at: crate::system::now().0,
        }
    }
}

/// How much there is.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Rows of each table, in order.
    pub(crate) tables: Vec<(String, u64)>,
}

impl Tally {
    /// Rows of this table.
    pub(crate) fn rows(&self, table: &str) -> u64 {
        self.tables.iter().find(|(name, _)| name == table).map_or(0, |(_, rows)| *rows)
    }

    fn count(&mut self, piece: &Piece) -> Outcome {
        match piece {
            Piece::Table { name, .. } => self.tables.push((name.clone(), 0)),
            Piece::Rows(rows) => {
                let last = self.tables.last_mut().ok_or_else(damaged)?;
                last.1 += rows.len() as u64;
            }
            Piece::End => {}
        }
        Ok(())
    }
}

/// One item behind the header.
#[derive(Serialize, Deserialize)]
enum Item {
    #[serde(rename = "table")]
    Table(String, Vec<String>),
    #[serde(rename = "rows")]
    Rows(Vec<Vec<Value>>),
    /// The keyed checksum over everything before.
    #[serde(rename = "end")]
    End(Value),
}

impl From<Piece> for Item {
    fn from(piece: Piece) -> Self {
        match piece {
            Piece::Table { name, columns } => Self::Table(name, columns),
            Piece::Rows(rows) => Self::Rows(rows.into_iter().map(|row| row.into_iter().map(value).collect()).collect()),
            Piece::End => Self::End(Value::Null),
        }
    }
}

fn value(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Int(number) => Value::Integer(number.into()),
        Cell::Text(text) => Value::Text(text),
        Cell::Bytes(bytes) => Value::Bytes(bytes),
    }
}

fn cell(value: Value) -> Outcome<Cell> {
    Ok(match value {
        Value::Null => Cell::Null,
        Value::Integer(number) => Cell::Int(Integer::try_into(number).map_err(|_| damaged())?),
        Value::Text(text) => Cell::Text(text),
        Value::Bytes(bytes) => Cell::Bytes(bytes),
        _ => return Err(damaged()),
    })
}

fn damaged() -> Failure {
    Failure::new("the backup does not hold what a backup holds: it was not made by this version or an older one")
}

/// Hashes what passes.
struct Hashed<T> {
    inner: T,
    hash: Context,
}

impl<T> Hashed<T> {
    fn new(inner: T) -> Self {
        Self { inner, hash: Context::new(&SHA256) }
    }
    /// The hash of what has passed so far.
    fn so_far(&self) -> Vec<u8> {
        self.hash.clone().finish().as_ref().to_owned()
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.hash.update(bytes.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// Writes header, pieces and end. No tally when the pieces end too early: who gave them says why.
pub(super) fn write<W: PlainOut>(
    out: W,
    header: &Header,
    mut pieces: mpsc::Receiver<Piece>,
    vault: &Vault,
) -> Outcome<(W, Option<Tally>)> {
    let failed =
        |error: ciborium::ser::Error<io::Error>| Failure::new(format!("the backup cannot be written: {error}"));
    let mut out = Hashed::new(BufWriter::with_capacity(BUFFER_BYTES, out));
    let mut tally = Tally::default();
    ciborium::into_writer(header, &mut out).map_err(failed)?;
    let mut complete = false;
    while let Some(piece) = pieces.blocking_recv() {
        tally.count(&piece)?;
        let item = match piece {
            Piece::End => {
                complete = true;
                Item::End(Value::Bytes(vault.mac(SEAL_LABEL, &[&out.so_far()]).to_vec()))
            }
            other => Item::from(other),
        };
        ciborium::into_writer(&item, &mut out).map_err(failed)?;
    }
    let out = out.inner.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok((out, complete.then_some(tally)))
}

/// A backup whose header was read.
pub(super) struct Reading<R>(Hashed<BufReader<R>>);

impl<R: Plain> Reading<R> {
    /// Reads the header.
    pub(super) fn begin(plain: R) -> Outcome<(Header, Self)> {
        let mut input = Hashed::new(BufReader::with_capacity(BUFFER_BYTES, plain));
        let header: Header = read(&mut input)?;
        if header.format != FORMAT || header.schema > SCHEMA {
            return Err(Failure::new(format!(
                "the backup was made by a newer Nod ({}): install that version, or a newer one",
                crate::output::one_line(&header.version)
            )));
        }
        Ok((header, Self(input)))
    }

    /// Hands on everything else; the end only if the whole is what a holder of the data key wrote. No tally when nobody takes it any
    /// more: who took it says why.
    pub(super) fn rest(mut self, out: &mpsc::Sender<Piece>, vault: &Vault) -> Outcome<Option<Tally>> {
        let mut tally = Tally::default();
        loop {
            let before = self.0.so_far();
            let piece = match read(&mut self.0)? {
                Item::Table(name, columns) => Piece::Table { name, columns },
                Item::Rows(rows) => {
                    let row = |row: Vec<Value>| row.into_iter().map(cell).collect::<Outcome<Vec<Cell>>>();
                    Piece::Rows(rows.into_iter().map(row).collect::<Outcome<_>>()?)
                }
                Item::End(seal) => {
                    let holds = seal.as_bytes().is_some_and(|seal| vault.holds(seal, SEAL_LABEL, &[&before]));
                    if !holds {
                        return Err(Failure::new(
                            "the backup was not made with this data key: put the key of that installation in its place",
                        ));
                    }
                    // What follows would not be covered; a file that was cut off inside its last block shows here.
                    if self.0.read(&mut [0])? != 0 {
                        return Err(damaged());
                    }
                    Piece::End
                }
            };
            tally.count(&piece)?;
            let end = piece == Piece::End;
            if out.blocking_send(piece).is_err() {
                return Ok(None);
            }
            if end {
                return Ok(Some(tally));
            }
        }
    }
}

fn read<T: for<'de> Deserialize<'de>>(input: &mut impl Read) -> Outcome<T> {
    use ciborium::de::Error;
    ciborium::de::from_reader_with_recursion_limit(input, MAX_DEPTH).map_err(|error| match error {
        Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Failure::new("the backup is damaged: it was cut off, or changed after it was made")
        }
        Error::Io(error) => Failure::new(format!("the backup cannot be read: {error}")),
        _ => damaged(),
    })
}

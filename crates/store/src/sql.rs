//! Statements as both databases take them: text with numbered parameters, values, and rows that come back.

use std::borrow::Cow;

use nod_engine::ports::{StoreError, StoreResult};

/// A statement's text in both dialects: they differ in how a parameter is numbered and in nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sql {
    /// With `?n`: to SQLite `$1` is a name, numbered by where it first stands.
    pub(crate) sqlite: &'static str,
    /// With `$n`.
    pub(crate) postgres: &'static str,
}

/// Turns `$1` into `?1`.
#[expect(clippy::indexing_slicing, reason = "runs when compiled")]
pub(crate) const fn positional<const N: usize>(text: &str) -> [u8; N] {
    let text = text.as_bytes();
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = if text[at] == b'$' { b'?' } else { text[at] };
        at += 1;
    }
    bytes
}

/// A statement, made when compiled.
macro_rules! sql {
    ($($text:expr),+ $(,)?) => {{
        const TEXT: &str = concat!($($text),+);
        const BYTES: [u8; TEXT.len()] = $crate::sql::positional(TEXT);
        const SQLITE: &str = match std::str::from_utf8(&BYTES) {
            Ok(sql) => sql,
            Err(_) => "",
        };
        $crate::sql::Sql { sqlite: SQLITE, postgres: TEXT }
    }};
}
pub(crate) use sql;

/// A parameter. Its kind is known even where it is null, so that PostgreSQL need not guess.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    /// Numbers, times, and truth as 0 and 1.
    Int(Option<i64>),
    /// Text.
    Text(Option<Cow<'a, str>>),
    /// An id.
    Id(Option<[u8; 16]>),
    /// A hash.
    Hash(Option<[u8; 32]>),
    /// Other bytes.
    Bytes(Cow<'a, [u8]>),
}

macro_rules! values {
    ($($kind:ty: $value:ident => $made:expr;)*) => {$(
        impl<'a> From<$kind> for Value<'a> {
            fn from($value: $kind) -> Self {
                $made
            }
        }
    )*};
}

values! {
    i64: value => Self::Int(Some(value));
    Option<i64>: value => Self::Int(value);
    u32: value => Self::Int(Some(value.into()));
    &u32: value => Self::Int(Some((*value).into()));
    bool: value => Self::Int(Some(value.into()));
    &bool: value => Self::Int(Some((*value).into()));
    Option<bool>: value => Self::Int(value.map(i64::from));
    &'a str: value => Self::Text(Some(Cow::Borrowed(value)));
    &'a String: value => Self::Text(Some(Cow::Borrowed(value)));
    Option<&'a String>: value => Self::Text(value.map(|text| Cow::Borrowed(text.as_str())));
    &'a Option<String>: value => Self::Text(value.as_deref().map(Cow::Borrowed));
    String: value => Self::Text(Some(Cow::Owned(value)));
    Option<String>: value => Self::Text(value.map(Cow::Owned));
    [u8; 16]: value => Self::Id(Some(value));
    &[u8; 16]: value => Self::Id(Some(*value));
    Option<[u8; 16]>: value => Self::Id(value);
    [u8; 32]: value => Self::Hash(Some(value));
    Option<[u8; 32]>: value => Self::Hash(value);
    &'a [u8]: value => Self::Bytes(Cow::Borrowed(value));
    &'a Vec<u8>: value => Self::Bytes(Cow::Borrowed(value));
}

/// A tuple of parameters.
pub(crate) trait Values<'a> {
    /// As a list.
    fn list(self) -> Vec<Value<'a>>;
}

impl<'a> Values<'a> for () {
    fn list(self) -> Vec<Value<'a>> {
        Vec::new()
    }
}

macro_rules! tuples {
    ($($first:ident $($rest:ident)*)?) => {$(
        impl<'a, $first: Into<Value<'a>>, $($rest: Into<Value<'a>>),*> Values<'a> for ($first, $($rest,)*) {
            #[expect(non_snake_case, reason = "a parameter is named like its type")]
            fn list(self) -> Vec<Value<'a>> {
                let ($first, $($rest,)*) = self;
                vec![$first.into(), $($rest.into()),*]
            }
        }
        tuples! { $($rest)* }
    )?};
}
tuples! { A B C D E F G H I J K L M N O P Q R }

/// A row of either database. A value that makes no sense is a failure of the store, never a panic.
pub(crate) trait Cells {
    /// A number.
    fn int(&self, at: usize) -> StoreResult<Option<i64>>;
    /// Text.
    fn text(&self, at: usize) -> StoreResult<Option<&str>>;
    /// Bytes.
    fn bytes(&self, at: usize) -> StoreResult<Option<&[u8]>>;
}

/// A value in column `at` that cannot be.
pub(crate) fn nonsense(at: usize, what: &str) -> StoreError {
    StoreError(format!("column {at} of the stored row holds an impossible {what}"))
}

/// A type that a column holds.
pub(crate) trait Cell: Sized {
    /// Reads column `at`; none for null.
    fn read(row: &dyn Cells, at: usize) -> StoreResult<Option<Self>>;
}

/// Reads column `at`, which is not null.
pub(crate) fn get<T: Cell>(row: &dyn Cells, at: usize) -> StoreResult<T> {
    T::read(row, at)?.ok_or_else(|| nonsense(at, "null"))
}
/// Reads column `at`.
pub(crate) fn maybe<T: Cell>(row: &dyn Cells, at: usize) -> StoreResult<Option<T>> {
    T::read(row, at)
}
/// Text of column `at`, which is not null.
pub(crate) fn text(row: &dyn Cells, at: usize) -> StoreResult<&str> {
    row.text(at)?.ok_or_else(|| nonsense(at, "null"))
}

impl Cell for i64 {
    fn read(row: &dyn Cells, at: usize) -> StoreResult<Option<Self>> {
        row.int(at)
    }
}
impl Cell for u32 {
    fn read(row: &dyn Cells, at: usize) -> StoreResult<Option<Self>> {
        row.int(at)?.map(|value| Self::try_from(value).map_err(|_| nonsense(at, "number"))).transpose()
    }
}
impl Cell for bool {
    fn read(row: &dyn Cells, at: usize) -> StoreResult<Option<Self>> {
        Ok(row.int(at)?.map(|value| value != 0))
    }
}
impl Cell for String {
    fn read(row: &dyn Cells, at: usize) -> StoreResult<Option<Self>> {
        Ok(row.text(at)?.map(ToOwned::to_owned))
    }
}
impl Cell for Vec<u8> {
    fn read(row: &dyn Cells, at: usize) -> StoreResult<Option<Self>> {
        Ok(row.bytes(at)?.map(ToOwned::to_owned))
    }
}
impl<const N: usize> Cell for [u8; N] {
    fn read(row: &dyn Cells, at: usize) -> StoreResult<Option<Self>> {
        row.bytes(at)?.map(|bytes| bytes.try_into().map_err(|_| nonsense(at, "length"))).transpose()
    }
}

/// A read: one statement, and what each of its rows becomes.
pub(crate) struct Query<'a, T> {
    /// The statement.
    pub(crate) sql: Sql,
    /// Its parameters.
    pub(crate) params: Vec<Value<'a>>,
    /// What a row becomes.
    pub(crate) row: fn(&dyn Cells) -> StoreResult<T>,
}

impl<'a, T> Query<'a, T> {
    /// Of a statement, parameters and a reader of rows.
    pub(crate) fn new(sql: Sql, params: impl Values<'a>, row: fn(&dyn Cells) -> StoreResult<T>) -> Self {
        Self { sql, params: params.list(), row }
    }
}

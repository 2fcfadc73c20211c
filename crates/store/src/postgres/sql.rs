//! Running statements: parameters, rows, failures.

use std::error::Error as StdError;

use deadpool_postgres::{Client, PoolError};
use nod_engine::ports::{StoreError, StoreResult};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Error, Row, Statement};

use crate::sql::{Cells, Sql, Value, nonsense};

impl Value<'_> {
    /// What PostgreSQL is told the parameter is, so that it guesses nothing from the statement.
    const fn kind(&self) -> Type {
        match self {
            Self::Int(_) => Type::INT8,
            Self::Text(_) => Type::TEXT,
            Self::Id(_) | Self::Hash(_) | Self::Bytes(_) => Type::BYTEA,
        }
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Int(value) => value.to_sql(kind, out),
            Self::Text(text) => text.as_deref().to_sql(kind, out),
            Self::Id(id) => id.as_ref().map(|id| id.as_slice()).to_sql(kind, out),
            Self::Hash(hash) => hash.as_ref().map(|hash| hash.as_slice()).to_sql(kind, out),
            Self::Bytes(bytes) => bytes.as_ref().to_sql(kind, out),
        }
    }
    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(kind)
    }
    to_sql_checked!();
}

impl Cells for Row {
    fn int(&self, at: usize) -> StoreResult<Option<i64>> {
        self.try_get(at).map_err(|_| nonsense(at, "number"))
    }
    fn text(&self, at: usize) -> StoreResult<Option<&str>> {
        self.try_get(at).map_err(|_| nonsense(at, "text"))
    }
    fn bytes(&self, at: usize) -> StoreResult<Option<&[u8]>> {
        self.try_get(at).map_err(|_| nonsense(at, "value"))
    }
}

/// The statement, prepared once for each connection.
pub(super) async fn prepared(client: &Client, sql: Sql, params: &[Value<'_>]) -> Result<Statement, Error> {
    client.prepare_typed_cached(sql.postgres, &kinds(params)).await
}

/// What the parameters are.
pub(super) fn kinds(params: &[Value<'_>]) -> Vec<Type> {
    params.iter().map(Value::kind).collect()
}

/// The parameters as the driver takes them.
pub(super) fn references<'p>(params: &'p [Value<'_>]) -> Vec<&'p (dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// What to do about a failed statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A unique or foreign key: the write's guard did not hold.
    Guard,
    /// Two transactions met in a way that only one survives: the same again may pass.
    Again,
    /// The connection, or the server behind it, is of no use any more: another connection may be.
    Lost,
    /// The statement failed.
    Failed,
}

/// See [`Kind`].
pub(super) fn kind(error: &Error) -> Kind {
    let Some(code) = error.code() else {
        return if error.is_closed() || error.source().is_some_and(<dyn StdError>::is::<std::io::Error>) {
            Kind::Lost
        } else {
            Kind::Failed
        };
    };
    if [SqlState::UNIQUE_VIOLATION, SqlState::FOREIGN_KEY_VIOLATION].contains(code) {
        Kind::Guard
    } else if [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code) {
        Kind::Again
    } else if [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        // It has become a standby.
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ]
    .contains(code)
    {
        Kind::Lost
    } else {
        Kind::Failed
    }
}

/// The failure in words for the log, with what to do where that is known. Never a parameter: the server's own detail, which
/// may quote rows, is left out.
pub(crate) fn failure(error: &Error) -> StoreError {
    let Some(server) = error.as_db_error() else {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        return StoreError(format!("PostgreSQL: {error}{cause}; check that it runs and can be reached"));
    };
    let code = server.code();
    let advice = if *code == SqlState::DISK_FULL {
        "; its disk is full: free some space"
    } else if *code == SqlState::TOO_MANY_CONNECTIONS {
        "; raise max_connections, or lower database.connections in nod.toml"
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        "; the role that Nod uses must own the database"
    } else if *code == SqlState::QUERY_CANCELED || *code == SqlState::LOCK_NOT_AVAILABLE {
        "; it took too long: see what holds it with pg_stat_activity"
    } else if [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION].contains(code) {
        "; check role and password in nod.toml, and pg_hba.conf"
    } else if *code == SqlState::UNDEFINED_DATABASE {
        "; make it with createdb"
    } else {
        ""
    };
    StoreError(format!("PostgreSQL: {} ({}){advice}", server.message(), code.code()))
}

/// A connection that could not be had, in words.
pub(crate) fn no_connection(error: &PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) => failure(error),
        PoolError::Timeout(_) => StoreError(
            "PostgreSQL: no connection was free in time; raise database.connections in nod.toml, or see what holds them"
                .to_owned(),
        ),
        other => StoreError(format!("PostgreSQL: {other}")),
    }
}

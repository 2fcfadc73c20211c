//! Bringing a database to this binary's schema.

use deadpool_postgres::{Client, Transaction};
use tokio_postgres::Error;

use super::sql::failure;
use crate::migrations::{Applied, MIGRATIONS, Migration, SchemaError, missing};

/// The advisory lock under which nodes that start together migrate one after the other: "nod" and a number.
const MIGRATION_LOCK: i64 = 0x6e6f_6400_0000_0001;

impl From<Error> for SchemaError {
    fn from(error: Error) -> Self {
        Self::Failed(failure(&error))
    }
}

/// Brings the database to this binary's schema, in one transaction.
pub(super) async fn migrate(client: &mut Client) -> Result<(), SchemaError> {
    let tx = client.transaction().await?;
    apply(&tx, MIGRATIONS).await?;
    tx.commit().await?;
    Ok(())
}

/// Brings an empty database to the schema that ends with `version`.
pub(crate) async fn migrate_to(tx: &Transaction<'_>, version: u32) -> Result<(), SchemaError> {
    apply(tx, crate::migrations::until(version)?).await
}

async fn apply(tx: &Transaction<'_>, migrations: &[Migration]) -> Result<(), SchemaError> {
    tx.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await?;
    tx.batch_execute(
        "CREATE TABLE IF NOT EXISTS migrations (
            version BIGINT PRIMARY KEY,
            name TEXT NOT NULL,
            checksum BYTEA NOT NULL,
            applied_at BIGINT NOT NULL
        )",
    )
    .await?;
    let mut applied: Vec<Applied> = Vec::new();
    for row in tx.query("SELECT version, name, checksum FROM migrations ORDER BY version", &[]).await? {
        let version: i64 = row.try_get(0)?;
        applied.push((u32::try_from(version).unwrap_or(u32::MAX), row.try_get(1)?, row.try_get(2)?));
    }
    for (migration, sum) in missing(migrations, |migration| migration.postgres, &applied)? {
        tx.batch_execute(migration.postgres).await?;
        tx.execute(
            "INSERT INTO migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, nod_now())",
            &[&i64::from(migration.version), &migration.name, &sum.as_slice()],
        )
        .await?;
        tracing::info!(schema = migration.version, name = migration.name, "the database has a new schema");
    }
    Ok(())
}

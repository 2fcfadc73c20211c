//! Bringing a file to this binary's schema.

use rusqlite::{Connection, TransactionBehavior};

use super::sql::failure;
use crate::migrations::{Applied, MIGRATIONS, Migration, SchemaError, missing};

impl From<rusqlite::Error> for SchemaError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(failure(&error))
    }
}

/// Brings the database to this binary's schema, in one transaction.
pub(super) fn migrate(db: &mut Connection) -> Result<(), SchemaError> {
    apply(db, MIGRATIONS)
}

/// Brings an empty database to the schema that ends with `version`.
pub(crate) fn migrate_to(db: &mut Connection, version: u32) -> Result<(), SchemaError> {
    apply(db, crate::migrations::until(version)?)
}

fn apply(db: &mut Connection, migrations: &[Migration]) -> Result<(), SchemaError> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (
            version INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            checksum BLOB NOT NULL,
            applied_at INTEGER NOT NULL
        ) STRICT",
    )?;
    let applied: Vec<Applied> = tx
        .prepare("SELECT version, name, checksum FROM migrations ORDER BY version")?
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (migration, sum) in missing(migrations, |migration| migration.sqlite, &applied)? {
        tx.execute_batch(migration.sqlite)?;
        tx.execute(
            "INSERT INTO migrations (version, name, checksum, applied_at) VALUES (?1, ?2, ?3, nod_now())",
            (migration.version, migration.name, sum),
        )?;
        tracing::info!(schema = migration.version, name = migration.name, "the database has a new schema");
    }
    tx.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        super::super::connection::register_clock(&db, std::sync::Arc::new(|| nod_core::Timestamp(5))).unwrap();
        db
    }
    const fn step(version: u32, sql: &'static str) -> Migration {
        Migration { version, name: "step", sqlite: sql, postgres: "" }
    }

    #[test]
    fn steps_are_applied_once_and_in_order() {
        let mut db = database();
        let first = [step(1, "CREATE TABLE a (x INTEGER) STRICT")];
        apply(&mut db, &first).unwrap();
        apply(&mut db, &first).unwrap();
        let both = [step(1, "CREATE TABLE a (x INTEGER) STRICT"), step(2, "INSERT INTO a VALUES (1)")];
        apply(&mut db, &both).unwrap();
        apply(&mut db, &both).unwrap();
        let rows: i64 = db.query_row("SELECT count(*) FROM a", (), |row| row.get(0)).unwrap();
        assert_eq!(rows, 1);
    }

    #[test]
    fn a_failing_step_leaves_nothing_of_the_upgrade() {
        let mut db = database();
        let broken = [step(1, "CREATE TABLE a (x INTEGER) STRICT"), step(2, "INSERT INTO b VALUES (1)")];
        assert!(matches!(apply(&mut db, &broken), Err(SchemaError::Failed(_))));
        let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0)).unwrap();
        assert_eq!(tables, 0);
    }

    #[test]
    fn newer_and_edited_ones_are_refused() {
        let mut db = database();
        let all = [step(1, "CREATE TABLE a (x INTEGER) STRICT"), step(2, "CREATE TABLE b (x INTEGER) STRICT")];
        apply(&mut db, &all).unwrap();
        let older = apply(&mut db, &all[..1]).unwrap_err();
        assert!(older.to_string().contains("it has schema 2 (step), this binary knows 1; install"), "{older}");
        let edited = [step(1, "CREATE TABLE a (y INTEGER) STRICT"), step(2, "CREATE TABLE b (x INTEGER) STRICT")];
        assert!(matches!(apply(&mut db, &edited), Err(SchemaError::Changed { version: 1, .. })));
    }
}

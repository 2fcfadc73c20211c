//! Migrations: numbered, checksummed, never edited once released; a database of a newer Nod is refused.

use aws_lc_rs::digest::{SHA256, digest};
use rusqlite::{Connection, TransactionBehavior};

use super::sql::{all, sql};

/// One step from a schema to the next.
pub(super) struct Migration {
    /// Counts up from 1.
    version: u32,
    /// What it brings.
    name: &'static str,
    /// The statements.
    sql: &'static str,
}

/// All of them, in order.
const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "foundation", sql: include_str!("../../migrations/0001_foundation.sqlite.sql") }];

/// Why the schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum SchemaError {
    #[error(
        "it was made by a newer Nod: it has schema {found} ({name}), this binary knows {known}; \
         install the version that made it, or restore a backup made before the upgrade"
    )]
    Newer { found: u32, name: String, known: u32 },
    #[error(
        "its migration {version} ({name}) is not the one of this binary: \
         install the version that made it, or restore a backup"
    )]
    Changed { version: u32, name: String },
    #[error(transparent)]
    Failed(#[from] rusqlite::Error),
}

/// Brings the database to this binary's schema, in one transaction.
pub(super) fn migrate(db: &mut Connection) -> Result<(), SchemaError> {
    apply(db, MIGRATIONS)
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
    let applied: Vec<(u32, String, [u8; 32])> =
        all(&tx, "SELECT version, name, checksum FROM migrations ORDER BY version", (), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let known = migrations.last().map_or(0, |migration| migration.version);
    if let Some((found, name, _)) = applied.last().filter(|(version, ..)| *version > known) {
        return Err(SchemaError::Newer { found: *found, name: name.clone(), known });
    }
    for migration in migrations {
        let sum = checksum(migration.sql);
        match applied.iter().find(|(version, ..)| *version == migration.version) {
            Some((_, _, applied)) if *applied == sum => {}
            Some((version, name, _)) => {
                return Err(SchemaError::Changed { version: *version, name: name.clone() });
            }
            None => {
                tx.execute_batch(migration.sql)?;
                tx.execute(
                    sql!("INSERT INTO migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, nod_now())"),
                    (migration.version, migration.name, sum),
                )?;
            }
        }
    }
    tx.commit()?;
    Ok(())
}

fn checksum(sql: &str) -> [u8; 32] {
    let mut sum = [0; 32];
    for (to, from) in sum.iter_mut().zip(digest(&SHA256, sql.as_bytes()).as_ref()) {
        *to = *from;
    }
    sum
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
        Migration { version, name: "step", sql }
    }

    #[test]
    fn versions_count_up_from_one() {
        for (expected, migration) in (1..).zip(MIGRATIONS) {
            assert_eq!(migration.version, expected);
        }
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

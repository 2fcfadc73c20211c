//! Migrations: numbered, checksummed, never edited once released, both dialects side by side; a database of a newer Nod is
//! refused.

use aws_lc_rs::digest::{SHA256, digest};
use nod_engine::ports::StoreError;

/// One step from a schema to the next.
pub(crate) struct Migration {
    /// Counts up from 1.
    pub(crate) version: u32,
    /// What it brings.
    pub(crate) name: &'static str,
    /// The statements for SQLite.
    pub(crate) sqlite: &'static str,
    /// The statements for PostgreSQL.
    pub(crate) postgres: &'static str,
}

/// All of them, in order.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "foundation",
        sqlite: include_str!("../migrations/0001_foundation.sqlite.sql"),
        postgres: include_str!("../migrations/0001_foundation.postgres.sql"),
    },
    Migration {
        version: 2,
        name: "housekeeping",
        sqlite: include_str!("../migrations/0002_housekeeping.sqlite.sql"),
        postgres: include_str!("../migrations/0002_housekeeping.postgres.sql"),
    },
    Migration {
        version: 3,
        name: "mail",
        sqlite: include_str!("../migrations/0003_mail.sqlite.sql"),
        postgres: include_str!("../migrations/0003_mail.postgres.sql"),
    },
    Migration {
        version: 4,
        name: "portal",
        sqlite: include_str!("../migrations/0004_portal.sqlite.sql"),
        postgres: include_str!("../migrations/0004_portal.postgres.sql"),
    },
    Migration {
        version: 5,
        name: "codes",
        sqlite: include_str!("../migrations/0005_codes.sqlite.sql"),
        postgres: include_str!("../migrations/0005_codes.postgres.sql"),
    },
    Migration {
        version: 6,
        name: "recovery",
        sqlite: include_str!("../migrations/0006_recovery.sqlite.sql"),
        postgres: include_str!("../migrations/0006_recovery.postgres.sql"),
    },
    Migration {
        version: 7,
        name: "hold",
        sqlite: include_str!("../migrations/0007_hold.sqlite.sql"),
        postgres: include_str!("../migrations/0007_hold.postgres.sql"),
    },
    Migration {
        version: 8,
        name: "keys",
        sqlite: include_str!("../migrations/0008_keys.sqlite.sql"),
        postgres: include_str!("../migrations/0008_keys.postgres.sql"),
    },
];

/// Those up to `version`.
///
/// # Errors
/// When this binary does not know that one.
pub(crate) fn until(version: u32) -> Result<&'static [Migration], SchemaError> {
    let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
    let end = MIGRATIONS.iter().position(|migration| migration.version == version);
    let newer = || SchemaError::Newer { found: version, name: "of the backup".to_owned(), known };
    end.and_then(|end| MIGRATIONS.get(..=end)).ok_or_else(newer)
}

/// Stands among the migrations of a SQLite file whose installation was moved to PostgreSQL. To a binary that does not know it,
/// it is the schema of a newer one, which it refuses.
pub(crate) const MOVED: (u32, &str) = (1_000_000, "moved_to_postgresql");

/// A migration that the database has: version, name, checksum.
pub(crate) type Applied = (u32, String, Vec<u8>);

/// Why the schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
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
    #[error("it was moved to PostgreSQL and is out of date: name that database in nod.toml (`url` in `[database]`)")]
    Moved,
    #[error("{}", .0.0)]
    Failed(StoreError),
}

/// Those that the database lacks, in order, each with its checksum. `applied` is in order of versions.
///
/// # Errors
/// When the database has one that this binary does not, or not in this form.
pub(crate) fn missing<'m>(
    migrations: &'m [Migration],
    text: fn(&Migration) -> &'static str,
    applied: &[Applied],
) -> Result<Vec<(&'m Migration, [u8; 32])>, SchemaError> {
    let known = migrations.last().map_or(0, |migration| migration.version);
    if applied.last().is_some_and(|(version, name, _)| (*version, name.as_str()) == MOVED) {
        return Err(SchemaError::Moved);
    }
    if let Some((found, name, _)) = applied.last().filter(|(version, ..)| *version > known) {
        return Err(SchemaError::Newer { found: *found, name: name.clone(), known });
    }
    let mut missing = Vec::new();
    for migration in migrations {
        let sum = checksum(text(migration));
        match applied.iter().find(|(version, ..)| *version == migration.version) {
            Some((_, _, applied)) if *applied == sum => {}
            Some((version, name, _)) => return Err(SchemaError::Changed { version: *version, name: name.clone() }),
            None => missing.push((migration, sum)),
        }
    }
    Ok(missing)
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

    #[test]
    fn versions_count_up_from_one() {
        for (expected, migration) in (1..).zip(MIGRATIONS) {
            assert_eq!(migration.version, expected);
        }
    }
}

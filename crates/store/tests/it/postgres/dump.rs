//! A dump carries the same rows between both databases, and loads whole or not at all.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use nod_engine::ports::Store;
use nod_store::{Cell, Piece, PostgresStore, SCHEMA, dump_postgres, dump_sqlite, load_postgres, load_sqlite, pieces};
use nod_testkit::postgres::Cluster;
use nod_testkit::{SeededEntropy, TestClock, folk};
use tempfile::TempDir;

use super::options;

fn clock() -> nod_store::Clock {
    let clock = TestClock::default();
    Arc::new(move || clock.now())
}

/// Rows of each table, in the order of their values: PostgreSQL gives most tables in none.
fn rows(pieces: &[Piece]) -> BTreeMap<String, Vec<String>> {
    let mut tables = BTreeMap::<String, Vec<String>>::new();
    let mut name = String::new();
    for piece in pieces {
        match piece {
            Piece::Table { name: table, columns } => {
                name.clone_from(table);
                tables.insert(name.clone(), vec![format!("{columns:?}")]);
            }
            Piece::Rows(rows) => {
                let marked =
                    |row: &&Vec<Cell>| !matches!(row.first(), Some(Cell::Text(key)) if key.starts_with("restore/"));
                tables.get_mut(&name).unwrap().extend(rows.iter().filter(marked).map(|row| format!("{row:?}")));
            }
            Piece::End => {}
        }
    }
    tables.values_mut().for_each(|rows| rows.sort());
    tables
}

async fn from_sqlite(path: &Path) -> Vec<Piece> {
    let (out, mut taken) = pieces();
    let path = path.to_owned();
    let dump = tokio::task::spawn_blocking(move || dump_sqlite(&path, clock(), &out));
    let mut all = Vec::new();
    while let Some(piece) = taken.recv().await {
        all.push(piece);
    }
    dump.await.unwrap().unwrap();
    all
}

/// Hands these on from a task of their own.
fn given(all: Vec<Piece>) -> tokio::sync::mpsc::Receiver<Piece> {
    let (out, taken) = pieces();
    super::RUNTIME.spawn(async move {
        for piece in all {
            if out.send(piece).await.is_err() {
                return;
            }
        }
    });
    taken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_is_the_same_rows_in_both_databases() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("nod.db");
    let store = Arc::new(super::super::open(&path, &TestClock::default()).unwrap());
    let engine = folk::engine(store.clone(), 1);
    let dice = SeededEntropy::new(2);
    for name in ["anna", "bo"] {
        folk::enrolled(&engine, &dice, name, 2).await;
    }
    let (group, anna) = (engine.add_group("staff").await.unwrap(), engine.user_named("anna").await.unwrap());
    engine.set_member(&group, &anna, true).await.unwrap();
    engine.add_app("wiki", None, "https://wiki.example.com", Some(&group)).await.unwrap();
    let head = engine.verify_audit(Vec::new(), |_| ()).await.unwrap();
    let first = from_sqlite(&path).await;
    assert!(rows(&first)["passkeys"].len() == 5 && !rows(&first).contains_key("sessions"));

    let database = options(&cluster.database(), false);
    // Broken off, it leaves nothing.
    let half = first[..first.len() - 1].to_vec();
    let refused = load_postgres(&database, SCHEMA, b"epoch", &mut given(half)).await.unwrap_err();
    assert!(refused.to_string().contains("ends too early"), "{refused}");
    load_postgres(&database, SCHEMA, b"epoch", &mut given(first.clone())).await.unwrap();
    let refused = load_postgres(&database, SCHEMA, b"epoch", &mut given(first.clone())).await.unwrap_err();
    assert!(refused.to_string().contains("not empty"), "{refused}");

    let opened = Arc::new(PostgresStore::open(&database).await.unwrap());
    assert_eq!(opened.meta("restore/0").await.unwrap().unwrap(), b"epoch");
    let report = folk::engine(opened, 3).verify_audit(Vec::new(), |_| ()).await.unwrap();
    assert_eq!((report.findings, report.head), (Vec::new(), head.head));

    let (out, mut taken) = pieces();
    let mut second = Vec::new();
    let take = async {
        while let Some(piece) = taken.recv().await {
            second.push(piece);
        }
    };
    let (dumped, ()) = tokio::join!(dump_postgres(&database, out), take);
    dumped.unwrap();
    assert_eq!(rows(&second), rows(&first));
    let back = folder.path().join("back.db");
    let loaded = back.clone();
    let load = tokio::task::spawn_blocking(move || load_sqlite(&loaded, clock(), SCHEMA, b"later", &mut given(second)));
    load.await.unwrap().unwrap();
    assert_eq!(rows(&from_sqlite(&back).await), rows(&first));
}

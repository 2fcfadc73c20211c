//! The database: its schema, what is refused, and rows that make no sense.

use nod_core::people::User;
use nod_engine::ports::{CommitError, Store, Write};
use nod_store::{PostgresOptions, PostgresStore};
use nod_testkit::TestClock;
use nod_testkit::conformance::Bed;
use nod_testkit::conformance::rows::*;
use nod_testkit::postgres::Cluster;

use super::{open, options};

async fn refusal(url: &str) -> String {
    PostgresStore::open(&options(url, true)).await.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newer_edited_and_careless_databases_are_refused() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database();
    // Nodes that start together migrate one after the other.
    let options = options(&url, true);
    let (a, b) = tokio::join!(PostgresStore::open(&options), PostgresStore::open(&options));
    drop((a.unwrap(), b.unwrap()));
    let edit = |sql: &str| assert_eq!(cluster.psql(&url, sql), "");
    edit("INSERT INTO migrations VALUES (999, 'hash_chain', '\\x00', 0)");
    let expected = "made by a newer Nod: it has schema 999 (hash_chain), this binary knows";
    let advice = "install the version that made it, or restore a backup";
    let said = refusal(&url).await;
    assert!(said.contains(expected) && said.contains(advice), "{said}");
    edit("DELETE FROM migrations WHERE version = 999; UPDATE migrations SET checksum = '\\x00'");
    let expected = "migration 1 (foundation) is not the one of this binary";
    assert!(refusal(&url).await.contains(expected), "{}", refusal(&url).await);

    let url = cluster.database();
    let name = url.rsplit('/').next().unwrap();
    let careless = format!("ALTER DATABASE {name} SET synchronous_commit = off");
    assert_eq!(cluster.psql(&url, &careless), "");
    assert!(refusal(&url).await.contains("synchronous_commit or fsync is off"), "{}", refusal(&url).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_settings_are_refused_without_a_secret() {
    let refused = async |url: &str| {
        let options = PostgresOptions {
            url: url.to_owned(),
            password: Some("hunter2".to_owned()),
            tls: None,
            connections: 2,
            listen: true,
        };
        let text = format!("{} {options:?}", PostgresStore::open(&options).await.unwrap_err());
        assert!(!text.contains("hunter"), "{text}");
        text
    };
    assert!(
        refused("postgres://nod:hunter3@127.0.0.1/nod?sslmode=require")
            .await
            .contains("nothing says which authorities")
    );
    assert!(refused("postgres://nod:hunter3@127.0.0.1").await.contains("names no database"));
    assert!(refused("mysql://nod:hunter3@127.0.0.1/nod").await.contains("write it as postgres://nod@host/nod"));
    assert!(refused("postgres://nod:hunter3@hunter@127.0.0.1/nod").await.contains("@ as %40"));
    assert!(refused("postgres://nod:a@hunter3/x@127.0.0.1/nod").await.contains("@ as %40"));
    assert!(refused("postgres://nod@127.0.0.1/nod?hunter3=x").await.contains("write it as postgres://nod@host/nod"));
    let gone = refused("postgres://nod:hunter3@127.0.0.1:1/nod").await;
    assert!(gone.contains("nod on 127.0.0.1") && gone.contains("check that it runs"), "{gone}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_a_failure_and_harms_nobody_else() {
    let Some(cluster) = Cluster::start() else { return };
    let (url, clock) = (cluster.database(), TestClock::default());
    let bed = Bed::new(open(&url, &clock, true).await, clock);
    bed.asked().await;
    let edit = |sql: &str| assert_eq!(cluster.psql(&url, sql), "");
    edit("UPDATE challenges SET number = '12x456'; UPDATE devices SET platform = 'toaster'");
    assert!(bed.store.challenge(ASKED).await.unwrap_err().0.contains("impossible number"));
    assert!(bed.store.devices_of(ANNA).await.is_err());
    edit(
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room'; END $$;
         CREATE TRIGGER no_room BEFORE INSERT ON meta FOR EACH ROW EXECUTE FUNCTION no_room()",
    );
    let failing = vec![
        changing(User { password_hash: Some("half".into()), ..user(1) }),
        Write::SetMeta { key: "k".into(), value: vec![] },
    ];
    let failed = bed.store.commit(failing).await;
    assert!(matches!(&failed, Err(CommitError::Store(error)) if error.0.contains("no room")), "{failed:?}");
    assert_eq!(bed.store.user(ANNA).await, Ok(Some(user(1))));
    bed.accepts([Write::AddUser(user(2))]).await;
    // Text that PostgreSQL cannot hold is a failure of that commit alone.
    let nul = vec![changing(User { password_hash: Some("a\0b".into()), ..user(1) })];
    assert!(matches!(bed.store.commit(nul).await, Err(CommitError::Store(_))));
    bed.accepts([Write::AddUser(user(3))]).await;
}

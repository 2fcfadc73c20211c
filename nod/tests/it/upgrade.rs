//! A rolling upgrade: what a new version does to the schema, while nodes of the version before serve on.

use serde_json::json;

use crate::nodes::{FAR, NEAR, Nodes, account, hears, waiting};

/// What a next version may bring (decision 10): more columns, tables and indexes, and other indexes gone.
const NEXT_SCHEMA: &str = "
    ALTER TABLE users ADD COLUMN hint TEXT;
    ALTER TABLE challenges ADD COLUMN place TEXT NOT NULL DEFAULT '';
    ALTER TABLE sign_ins ADD COLUMN risk BIGINT;
    CREATE TABLE hints (id BYTEA PRIMARY KEY, user_id BYTEA NOT NULL REFERENCES users (id));
    CREATE INDEX challenges_by_place ON challenges (place);
    DROP INDEX browsers_by_start;
    INSERT INTO migrations (version, name, checksum, applied_at) VALUES (900, 'next', '', nod_now());";

#[tokio::test(flavor = "multi_thread")]
async fn nodes_of_the_version_before_serve_on_while_the_new_one_starts() {
    let Some(nodes) = Nodes::start(true) else { return };
    let mut page = nodes.enrol().await;
    // A sign-in that waits for its phone, with every statement of both nodes prepared.
    let mut stream = waiting(&mut page).await;

    assert_eq!(nodes.cluster.psql(&nodes.database, NEXT_SCHEMA), "");

    nodes.approve();
    hears(&mut stream, |said| said.contains("ready")).await;
    assert!(page.post("/sign-in/finish", &json!({})).await.status().is_success());
    assert!(account(&mut page).await.is_success());

    // And the whole of another one, begun on the other node.
    let mut page = page.through(&nodes.near, NEAR);
    let mut stream = waiting(&mut page).await;
    nodes.approve();
    hears(&mut stream, |said| said.contains("ready")).await;
    let mut page = page.through(&nodes.far, FAR);
    assert!(page.post("/sign-in/finish", &json!({})).await.status().is_success());

    // What starts from now on is of the new version, or says so.
    for command in [&["serve"][..], &["user", "list"]] {
        nodes.far.run(command).fails(1, &["made by a newer Nod", "schema 900 (next)"]);
    }
    assert!(account(&mut page).await.is_success());
}

//! What the disk and the databases give by themselves: the measure for the store.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::task::JoinSet;

const SPAN: Duration = Duration::from_secs(3);
/// A row as long as a challenge with its signed answer, in bytes.
const ROW_BYTES: usize = 1500;

/// Appends of a page, each flushed: a second's worth.
pub(crate) fn flushes(folder: &Path) -> f64 {
    let mut file = File::create(folder.join("flushes")).unwrap();
    rate(|| {
        file.write_all(&[7; 4096]).unwrap();
        file.sync_data().unwrap();
        1
    })
}

/// Rows a second from one thread, `rows` in each transaction, `synchronous=FULL`.
pub(crate) fn rows(folder: &Path, rows: usize) -> f64 {
    let db = Connection::open(folder.join(format!("raw{rows}.db"))).unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    db.pragma_update(None, "synchronous", "FULL").unwrap();
    db.execute_batch("CREATE TABLE t (id BLOB PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID").unwrap();
    let mut number = 0_u128;
    let body = [9; ROW_BYTES];
    rate(|| {
        db.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut insert = db.prepare_cached("INSERT INTO t VALUES (?1, ?2)").unwrap();
        for _ in 0..rows {
            // Ids are random in the product: keys far apart.
            number = number.wrapping_add(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            insert.execute((number.to_be_bytes(), body)).unwrap();
        }
        db.execute_batch("COMMIT").unwrap();
        rows
    })
}

/// Transactions a second of bare PostgreSQL: one row each, flushed before it is answered, on so many connections.
pub(crate) async fn postgres(url: &str, connections: usize) -> f64 {
    let admin = connect(url).await;
    admin
        .batch_execute("DROP TABLE IF EXISTS raw; CREATE TABLE raw (id BYTEA PRIMARY KEY, body BYTEA NOT NULL)")
        .await
        .unwrap();
    let start = Instant::now();
    let mut workers = JoinSet::new();
    for connection in 0..connections as u128 {
        let client = connect(url).await;
        workers.spawn(async move {
            let insert = client.prepare("INSERT INTO raw VALUES ($1, $2)").await.unwrap();
            let (mut number, mut done) = (connection << 64, 0);
            while start.elapsed() < SPAN {
                number = number.wrapping_add(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
                let id: &[u8] = &number.to_be_bytes();
                client.execute(&insert, &[&id, &[9_u8; ROW_BYTES].as_slice()]).await.unwrap();
                done += 1;
            }
            done
        });
    }
    let done: usize = workers.join_all().await.into_iter().sum();
    done as f64 / start.elapsed().as_secs_f64()
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn rate(mut work: impl FnMut() -> usize) -> f64 {
    let start = Instant::now();
    let mut done = 0;
    while start.elapsed() < SPAN {
        done += work();
    }
    done as f64 / start.elapsed().as_secs_f64()
}

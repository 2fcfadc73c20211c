//! `nod migrate sqlite-to-postgres` on an installation that people use: refused, interrupted, repeated, done; and a sign-in with the
//! phone that was enrolled before.

use std::collections::BTreeMap;
use std::time::Duration;

use nod_testkit::postgres::Cluster;
use serde_json::{Value, json};

use crate::harness::{Nod, Running};
use crate::visitor::Visitor;

const PASSWORD: &str = "four plain words here";
const MIGRATE: [&str; 2] = ["migrate", "sqlite-to-postgres"];
/// Rows that no terminal phone makes, with values at the edges of what a column holds.
const MORE_ROWS: &str = "
    INSERT INTO subscriptions VALUES (x'01', 'https://push.example.com/ü', x'', x'00ff', 3);
    INSERT INTO pushes (id, kind, subject, device_id, state, due_at, expires_at, attempts)
        VALUES (x'02', 'sign_in', x'03', x'04', 'accepted', -9223372036854775808, 9223372036854775807, 0);
    INSERT INTO stages (subject, device_id, stage, at) VALUES (x'03', x'04', 'sent', 1);
    INSERT INTO app_codes SELECT x'05', x'00', id, x'', '/a?b=\"c\\d', 9, 1, NULL FROM apps LIMIT 1;
    INSERT INTO app_sessions SELECT x'09', x'0a', id, NULL FROM apps LIMIT 1;
    INSERT INTO security_keys
        SELECT zeroblob(16), id, 'Blue ü', x'0d', x'', zeroblob(16), 0, 4294967295, 5, NULL, NULL FROM users LIMIT 1;
    INSERT INTO nonces VALUES (x'0b', 5)";

/// An installation in which something stands in every table, its page still signed in, and its server stopped.
struct Used {
    nod: Nod,
    cluster: Cluster,
    page: Visitor,
}

impl Used {
    async fn start() -> Option<Self> {
        let cluster = Cluster::start()?;
        let nod = Nod::init();
        nod.run(&["user", "set", "anna", "--terminal-phone", "on"]).ok();
        nod.run(&["app", "add", "wiki", "--origin", "https://wiki.nod-mfa.org", "--display-name", "Wiki ✓"]).ok();
        nod.run(&["user", "code", "add", "anna"]).ok();
        nod.run(&["user", "pass", "anna", "--reason", "a test"]).ok();
        let mut running = nod.serve();
        let input = format!("{PASSWORD}\n");
        nod.folder.run_with(&["phone", "enrol", &nod.link, "--password-stdin"], &input).ok();
        let link = nod.run(&["browser", "introduce", "anna", "--json"]).json()["link"].as_str().unwrap().to_owned();
        let mut page = Visitor::new(&nod);
        page.introduce(&link, "anna", PASSWORD).await;
        signs_in(&nod, &mut page).await;
        assert_eq!(page.give("anna", "another four words here").await.status(), 401);
        // Refused while the server has the file open, which it then still serves.
        nod.set("[database]\n", &format!("[database]\nurl = \"{}\"\n", cluster.database()));
        nod.run(&MIGRATE).fails(1, &["nod.db is in use by another process", "stop the server"]);
        assert_eq!(page.get("/portal").await.status(), 200);
        running.signal("TERM");
        assert_eq!(running.code(), Some(0));
        let used = Self { nod, cluster, page };
        used.sqlite().execute_batch(MORE_ROWS).unwrap();
        Some(used)
    }

    fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.nod.data("nod.db")).unwrap()
    }

    fn url(&self) -> String {
        let text = std::fs::read_to_string(self.nod.config()).unwrap();
        let (_, rest) = text.split_once("\nurl = \"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }

    fn psql(&self, sql: &str) -> String {
        self.cluster.psql(&self.url(), sql)
    }

    /// Rows of each table in the file.
    fn counts(&self) -> BTreeMap<String, i64> {
        let db = self.sqlite();
        let mut tables = db
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'migrations'")
            .unwrap();
        let names = tables.query_map((), |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
        let count = |name: &str| db.query_row(&format!("SELECT count(*) FROM {name}"), (), |row| row.get(0)).unwrap();
        names.map(|name| (name.clone(), count(&name))).collect()
    }

    /// Nothing was moved, and the file is what it was.
    fn is_unmoved(&self, before: &BTreeMap<String, i64>) {
        for table in before.keys() {
            assert_eq!(self.psql(&format!("SELECT count(*) FROM {table}")), "0", "{table}");
        }
        assert_eq!(self.counts(), *before);
    }
}

async fn signs_in(nod: &Nod, page: &mut Visitor) {
    assert_eq!(page.sign_in("anna", PASSWORD).await["phase"], "waiting");
    nod.run(&["phone", "wait", "--approve", "--timeout", "20"]).ok();
    assert!(page.post("/sign-in/finish", &json!({})).await.status().is_success());
    assert_eq!(page.get("/portal").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_installation_moves_and_its_phone_goes_on() {
    let Some(mut used) = Used::start().await else { return };
    let before = used.counts();
    assert!(before.len() > 20 && before.values().all(|rows| *rows > 0), "every table must hold something: {before:?}");

    let said = used.nod.run(&[&MIGRATE[..], &["--json"]].concat());
    assert!(said.err.contains("sign_ins") && said.err.contains("compared, the same"), "{said:?}");
    let done = said.json();
    let rows = |entry: &Value| (entry["table"].as_str().unwrap().to_owned(), entry["rows"].as_i64().unwrap());
    let moved: BTreeMap<String, i64> = done["tables"].as_array().unwrap().iter().map(rows).collect();
    assert_eq!((&moved, &done["were_there"]), (&before, &false.into()));
    for (table, rows) in &before {
        assert_eq!(used.psql(&format!("SELECT count(*) FROM {table}")), rows.to_string(), "{table}");
    }

    // The session, the browser and the phone of before go on.
    let running = used.nod.serve();
    assert_eq!(used.page.get("/portal").await.status(), 200);
    signs_in(&used.nod, &mut used.page).await;
    drop(running);
    assert_eq!(used.nod.run(&["audit", "verify", "--json"]).json()["holds"], true);

    // Nobody goes on with the file, and it is not moved again over what has happened since.
    used.nod.run(&MIGRATE).fails(1, &["moved to PostgreSQL before", "next:  nod serve"]);
    used.nod.set(&format!("url = \"{}\"\n", used.url()), "");
    for command in [&["serve"][..], &["user", "list"]] {
        used.nod.run(command).fails(1, &["nod.db", "was moved to PostgreSQL", "name that database in nod.toml"]);
    }
    let doctor = used.nod.run(&["doctor", "--offline"]).out;
    assert!(doctor.contains("moved to PostgreSQL and is out of date"), "{doctor}");
    used.nod.run(&MIGRATE).fails(2, &["names no PostgreSQL database"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_move_has_changed_nothing_and_is_repeated() {
    let Some(used) = Used::start().await else { return };
    let before = used.counts();
    // Makes the tables, and finds no installation in them.
    used.nod.run(&["user", "list"]).fails(1, &["does not say for which host", "nod migrate sqlite-to-postgres"]);

    // Killed in the middle.
    used.psql(
        "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;
         CREATE TRIGGER linger BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION linger()",
    );
    let mut moving = Running::start(used.nod.folder.command(&MIGRATE));
    let lingers = "FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    wait_until(|| used.psql(&format!("SELECT count(*) {lingers}")) == "1").await;
    assert!(rusqlite_is_locked(&used), "nobody reads or writes the file meanwhile");
    moving.child.kill().unwrap();
    moving.child.wait().unwrap();
    used.psql(&format!("SELECT pg_terminate_backend(pid) {lingers}"));
    wait_until(|| used.psql(&format!("SELECT count(*) {lingers}")) == "0").await;
    used.psql("DROP TRIGGER linger ON sessions");
    used.is_unmoved(&before);

    // A row that comes back as another one.
    used.psql(
        "CREATE FUNCTION alter_it() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN NEW.display_name := NEW.display_name || ' '; RETURN NEW; END $$;
         CREATE TRIGGER alter_it BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION alter_it()",
    );
    used.nod.run(&MIGRATE).fails(1, &["row 1 of the table users came back", "triggers"]);
    used.psql("DROP TRIGGER alter_it ON users");
    used.is_unmoved(&before);

    // Something else is there.
    used.psql("INSERT INTO users VALUES ('\\x01', 'eve', '', 'active', NULL, 0, 0, 0, NULL)");
    used.nod.run(&MIGRATE).fails(1, &["is not empty", "name an empty database"]);
    used.psql("DELETE FROM users");
    used.is_unmoved(&before);

    // Killed behind the last commit, before the file was marked: the rows are there, and each is compared.
    assert!(used.nod.run(&MIGRATE).ok().starts_with("Moved "));
    used.sqlite().execute("DELETE FROM migrations WHERE name = 'moved_to_postgresql'", ()).unwrap();
    used.psql("UPDATE sessions SET agent = agent || ' '");
    used.nod.run(&MIGRATE).fails(1, &["its table sessions differs in row 1"]);
    used.psql("UPDATE sessions SET agent = rtrim(agent)");
    assert!(used.nod.run(&MIGRATE).ok().contains("were in PostgreSQL already"));
    used.nod.run(&MIGRATE).fails(1, &["moved to PostgreSQL before"]);
}

fn rusqlite_is_locked(used: &Used) -> bool {
    let db = used.sqlite();
    db.busy_timeout(Duration::ZERO).unwrap();
    let read = db.query_row("SELECT count(*) FROM users", (), |row| row.get::<_, i64>(0));
    read.is_err_and(|error| error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy))
}

/// Looks until it is so; the test's own time limit ends what never is.
async fn wait_until(mut look: impl FnMut() -> bool) {
    while !look() {
        tokio::task::yield_now().await;
    }
}

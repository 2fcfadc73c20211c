//! A primary and a streaming standby that every commit waits for, on machines of their own.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nod_testkit::postgres::{Programs, succeed, wait_until_ready};
use tempfile::TempDir;

use super::net::Machine;
use super::until;

/// Who may connect from the other machines.
const ALLOWED: &str = "host all,replication all 10.77.0.0/24 trust\n";
/// Settings of both servers.
const SETTINGS: [&str; 5] = [
    "max_connections=120",
    "wal_retrieve_retry_interval=200ms",
    "log_min_messages=log",
    "unix_socket_directories=",
    "wal_receiver_timeout=3s",
];
/// Holds on both machines, or on one alone.
const ON_BOTH: &str = "ALTER SYSTEM SET synchronous_standby_names = '*'";
const ALONE: &str = "synchronous_standby_names = ''\n";

struct Server {
    machine: Machine,
    folder: TempDir,
    process: Option<Child>,
}

/// Two servers, of which one is the primary.
pub(crate) struct Pair {
    programs: Programs,
    servers: [Server; 2],
    primary: usize,
}

impl Pair {
    /// Starts both, with the database `nod`.
    pub(crate) fn start() -> Option<Self> {
        let programs = Programs::find()?;
        let servers = [("db1", 5), ("db2", 6)].map(|(name, number)| {
            let folder = TempDir::new().unwrap();
            programs.give(folder.path());
            Server { machine: Machine::new(name, number), folder, process: None }
        });
        let mut pair = Self { programs, servers, primary: 0 };
        let folder = pair.servers[0].folder.path().to_owned();
        let mut make = pair.programs.command("initdb", &folder);
        make.args(["--username=nod", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata", "data"]);
        succeed(&mut make);
        let access = folder.join("data/pg_hba.conf");
        fs::write(&access, fs::read_to_string(&access).unwrap() + ALLOWED).unwrap();
        pair.launch(0);
        pair.at(0, "postgres", "CREATE DATABASE nod");
        pair.add_standby();
        Some(pair)
    }

    /// The URL with both hosts.
    pub(crate) fn url(&self) -> String {
        format!("postgres://nod@{},{}/nod", self.servers[0].machine.address, self.servers[1].machine.address)
    }

    /// Runs SQL on the primary; gives what it printed.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.at(self.primary, "nod", sql)
    }

    fn at(&self, server: usize, database: &str, sql: &str) -> String {
        let server = &self.servers[server];
        let mut prompt = self.programs.command("psql", server.folder.path());
        prompt.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        prompt.args(["--host", &server.machine.address, "--username=nod", "--command", sql, database]);
        succeed(&mut prompt)
    }

    pub(crate) const fn machine(&self) -> &Machine {
        &self.servers[self.primary].machine
    }

    /// The machine of the primary loses its power.
    pub(crate) fn kill_primary(&mut self) {
        self.servers[self.primary].kill();
    }

    /// The standby becomes the primary. Alone, it keeps each commit on its one disk.
    pub(crate) fn promote(&mut self) {
        self.primary = 1 - self.primary;
        let folder = self.servers[self.primary].folder.path();
        succeed(self.programs.command("pg_ctl", folder).args(["promote", "-D", "data", "-w", "-s"]));
    }

    /// The machine that was without a network loses its power too, comes back, and becomes a standby. It may not come back as
    /// the primary that it was.
    pub(crate) fn replace_lost(&mut self) {
        let other = 1 - self.primary;
        self.servers[other].kill();
        self.servers[other].machine.plug_in();
        self.add_standby();
    }

    /// Makes the other server a standby anew, and waits until commits are on both.
    pub(crate) fn add_standby(&mut self) {
        let other = 1 - self.primary;
        self.servers[other].kill();
        let folder = self.servers[other].folder.path().to_owned();
        let data = folder.join("data");
        if data.exists() {
            fs::remove_dir_all(&data).unwrap();
        }
        let mut copy = self.programs.command("pg_basebackup", &folder);
        copy.args(["--host", &self.servers[self.primary].machine.address, "--username=nod", "--pgdata=data"]);
        succeed(copy.args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]));
        let own = data.join("postgresql.auto.conf");
        fs::write(&own, fs::read_to_string(&own).unwrap() + ALONE).unwrap();
        self.launch(other);
        self.at(self.primary, "nod", ON_BOTH);
        self.at(self.primary, "nod", "SELECT pg_reload_conf()");
        until("a standby in step", || {
            let state = self.sql("SELECT sync_state FROM pg_stat_replication");
            (state == "sync" || state == "quorum").then_some(())
        });
    }

    fn launch(&mut self, number: usize) {
        let server = &mut self.servers[number];
        let folder = server.folder.path();
        let mut run = Command::new(self.programs.path("postgres"));
        run.arg("-D").arg(folder.join("data")).args(["-c", &format!("listen_addresses={}", server.machine.address)]);
        for setting in SETTINGS {
            run.args(["-c", setting]);
        }
        run.current_dir(folder).env("LC_ALL", "C");
        let mut run = server.machine.runs(&run, self.programs.servant());
        let mut process = run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        wait_until_ready(&mut process);
        server.process = Some(process);
    }
}

impl Server {
    fn processes(&self) -> Vec<u32> {
        let Some(first) = self.process.as_ref().map(Child::id) else { return Vec::new() };
        let children = Path::new("/proc").join(format!("{first}/task/{first}/children"));
        let children = fs::read_to_string(children).unwrap_or_default();
        std::iter::once(first).chain(children.split_whitespace().map(|id| id.parse().unwrap())).collect()
    }

    fn kill(&mut self) {
        let ids: Vec<String> = self.processes().iter().map(u32::to_string).collect();
        if ids.is_empty() {
            return;
        }
        // One of them may end by itself meanwhile.
        let _ = Command::new("kill").args(["-s", "KILL"]).args(&ids).stderr(Stdio::null()).status();
        if let Some(mut process) = self.process.take() {
            let _ = process.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

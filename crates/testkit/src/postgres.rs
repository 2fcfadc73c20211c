//! A PostgreSQL server of a test's own: in a temporary folder, on a socket there, ended when dropped.
#![expect(clippy::missing_panics_doc, reason = "whatever goes wrong with a test's own server ends the test")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::tools;

/// Users under whom the server runs when the test runs as root, which the server refuses.
const SERVANTS: [&str; 2] = ["postgres", "nobody"];

/// An installed PostgreSQL.
#[derive(Debug, Clone)]
pub struct Programs {
    binaries: PathBuf,
    servant: Option<(u32, u32)>,
}

impl Programs {
    /// None, with a line that says so, where PostgreSQL is not installed; in CI that is a failure unless `ci-skips.toml`
    /// lists it.
    #[must_use]
    pub fn find() -> Option<Self> {
        let Some(server) = tools::POSTGRESQL.find() else {
            let missing = tools::POSTGRESQL.missing();
            println!("SKIP: {missing}");
            assert!(
                !tools::is_ci() || tools::allowed_skip(tools::POSTGRESQL.name).is_some(),
                "CI=true, so this fails: {missing}"
            );
            return None;
        };
        // A link on the search path leads to the folder with all programs.
        let server = fs::canonicalize(&server).unwrap_or(server);
        let binaries = server.parent().map(Path::to_owned).unwrap_or_default();
        Some(Self { binaries, servant: servant() })
    }

    /// User and group that servers run as, where that is not the test's own.
    #[must_use]
    pub const fn servant(&self) -> Option<(u32, u32)> {
        self.servant
    }

    /// Where a program is.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }

    /// A program, to be run as the servant in this folder.
    #[must_use]
    pub fn command(&self, name: &str, folder: &Path) -> Command {
        program(&self.path(name), self.servant, folder)
    }

    /// Gives a folder to the servant.
    pub fn give(&self, folder: &Path) {
        if let Some((user, group)) = self.servant {
            std::os::unix::fs::chown(folder, Some(user), Some(group))
                .unwrap_or_else(|error| unreachable!("giving the folder away: {error}"));
        }
    }
}

/// A running server. Commits are flushed to disk as in production.
#[derive(Debug)]
pub struct Cluster {
    server: Child,
    folder: TempDir,
    programs: Programs,
    settings: Vec<String>,
    databases: AtomicU32,
}

impl Cluster {
    /// Starts one. None, with a line that says so, where PostgreSQL is not installed; in CI that is a failure unless
    /// `ci-skips.toml` lists it.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// Starts one with settings, each `name=value`.
    #[must_use]
    pub fn start_with(settings: &[&str]) -> Option<Self> {
        let programs = Programs::find()?;
        let folder = TempDir::new().unwrap_or_else(|error| unreachable!("a temporary folder: {error}"));
        programs.give(folder.path());
        let data = folder.path().join("data");
        let mut make = programs.command("initdb", folder.path());
        make.args(["--username=nod", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"]);
        succeed(make.arg(&data));
        let usual = ["listen_addresses=", "log_min_messages=log", "max_connections=120"];
        let settings: Vec<String> = usual.iter().chain(settings).map(|setting| (*setting).to_owned()).collect();
        let server = launch(&programs, folder.path(), &settings);
        Some(Self { server, folder, programs, settings, databases: AtomicU32::new(0) })
    }

    /// The server ends at once, with whatever it had not written yet, and starts again on the same data.
    pub fn crash(&mut self) {
        self.quit();
        self.server = launch(&self.programs, self.folder.path(), &self.settings);
    }

    fn quit(&mut self) {
        let pid = self.server.id().to_string();
        let _ = Command::new("kill").args(["-s", "QUIT", &pid]).status();
        let _ = self.server.wait();
    }

    /// The id of the server's first process: all others are its children.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.server.id()
    }

    /// Makes an empty database, and gives its URL.
    #[must_use]
    pub fn database(&self) -> String {
        let name = format!("nod{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut make = self.programs.command("createdb", self.folder.path());
        succeed(make.arg("--host").arg(self.folder.path()).args(["--username=nod", &name]));
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://nod@{folder}/{name}")
    }

    /// Runs SQL as somebody at the database's own prompt would; gives what it printed.
    #[must_use]
    pub fn psql(&self, url: &str, sql: &str) -> String {
        let mut prompt = self.programs.command("psql", self.folder.path());
        succeed(prompt.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]).args([
            "--command",
            sql,
            url,
        ]))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Ends at once and without tidying up: nobody needs the data any more.
        self.quit();
    }
}

fn launch(programs: &Programs, folder: &Path, settings: &[String]) -> Child {
    let mut run = programs.command("postgres", folder);
    run.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
    for setting in settings {
        run.args(["-c", setting]);
    }
    let server = run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut server = server.unwrap_or_else(|error| unreachable!("starting the server: {error}"));
    wait_until_ready(&mut server);
    server
}

fn program(path: &Path, servant: Option<(u32, u32)>, folder: &Path) -> Command {
    let mut command = Command::new(path);
    command.current_dir(folder).env("LC_ALL", "C");
    if let Some((user, group)) = servant {
        command.uid(user).gid(group);
    }
    command
}

/// Runs a command to its end; gives what it printed.
pub fn succeed(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| unreachable!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Reads the server's log until it says that it is ready, and to its end on a thread, so that it never fills up.
pub fn wait_until_ready(server: &mut Child) {
    let Some(log) = server.stderr.take() else { unreachable!("its log is piped") };
    let mut lines = BufReader::new(log).lines().map_while(Result::ok);
    let mut said = Vec::new();
    let ready = lines.by_ref().any(|line| {
        // A standby accepts "read-only connections".
        let ready = line.contains("database system is ready to accept");
        said.push(line);
        ready
    });
    assert!(ready, "PostgreSQL did not start: {said:#?}");
    let drain = std::thread::Builder::new().name("postgres-log".to_owned()).spawn(move || lines.for_each(drop));
    drop(drain.unwrap_or_else(|error| unreachable!("a thread: {error}")));
}

/// Whom to run the server as: nobody else, unless this is root.
fn servant() -> Option<(u32, u32)> {
    let root = fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0);
    if !root {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    SERVANTS.iter().find_map(|name| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map_while(|id| id.parse().ok());
        Some((ids.next()?, ids.next()?))
    })
}

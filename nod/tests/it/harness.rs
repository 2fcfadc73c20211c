//! An installation in a temporary folder, and the binary run in it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a finished command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// It worked; gives what it printed.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// It worked and printed JSON.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }

    /// It failed with this code, and the error holds these words.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "{word} is not in: {}", self.err);
        }
    }
}

/// A folder of one test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where the certificate of a test's own authority is, if it has one.
    pub(crate) fn root(&self) -> PathBuf {
        self.path().join("root.pem")
    }

    /// The binary in this folder, with nothing of the tester's own environment that it reads.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nod"));
        command.args(arguments).current_dir(self.path()).env("HOME", self.path()).env("TMPDIR", self.path());
        for name in ["NOD_CONFIG", "XDG_STATE_HOME", "NOD_DATA_KEY", "CREDENTIALS_DIRECTORY"] {
            command.env_remove(name);
        }
        if self.root().exists() {
            command.env("SSL_CERT_FILE", self.root());
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().unwrap())
    }

    /// With something in the environment.
    pub(crate) fn run_in(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Said {
        Said::of(self.command(arguments).envs(environment.iter().copied()).output().unwrap())
    }

    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Said::of(child.wait_with_output().unwrap())
    }
}

/// A folder with an installation.
pub(crate) struct Nod {
    pub(crate) folder: Folder,
    pub(crate) origin: String,
    /// The first administrator's enrolment link.
    pub(crate) link: String,
}

impl Nod {
    /// `nod init` for a host of this machine, on a free port.
    pub(crate) fn init() -> Self {
        Self::init_with(&[])
    }

    /// The same with more arguments.
    pub(crate) fn init_with(more: &[&str]) -> Self {
        let folder = Folder::new();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let origin = format!("http://nod.localhost:{port}");
        let usual = [
            "init",
            "--non-interactive",
            "--origin",
            &origin,
            "--contact",
            "mailto:it@nod-mfa.org",
            "--admin",
            "anna",
            "--json",
        ];
        let made = folder.run(&[&usual[..], more].concat());
        let link = made.json()["link"].as_str().unwrap().to_owned();
        let nod = Self { folder, origin, link };
        nod.configure(&format!("listen = \"127.0.0.1:{port}\"\n"));
        nod
    }

    /// One more node on this installation's database, which listens on another address of this machine and the same port.
    pub(crate) fn beside(&self, address: &str) -> Self {
        let folder = Folder::new();
        let nod = Self { folder, origin: self.origin.clone(), link: String::new() };
        std::fs::create_dir(nod.data("")).unwrap();
        std::fs::copy(self.data("data.key"), nod.data("data.key")).unwrap();
        let text = std::fs::read_to_string(self.config()).unwrap();
        let port = self.origin.rsplit(':').next().unwrap();
        let (own, other) = (format!("\"127.0.0.1:{port}\""), format!("\"{address}:{port}\""));
        assert!(text.contains(&own), "{text}");
        std::fs::write(nod.config(), text.replace(&own, &other)).unwrap();
        nod
    }

    /// Puts lines at the head of the configuration.
    pub(crate) fn configure(&self, lines: &str) {
        let text = std::fs::read_to_string(self.config()).unwrap();
        std::fs::write(self.config(), format!("{lines}{text}")).unwrap();
    }

    /// Puts a table at the end of the configuration, in the place of an empty one of that name.
    pub(crate) fn append(&self, table: &str) {
        let text = std::fs::read_to_string(self.config()).unwrap();
        let head = format!("{}\n", table.lines().next().unwrap());
        std::fs::write(self.config(), format!("{}{table}", text.replace(&head, ""))).unwrap();
    }

    /// Puts `to` in the place of `from`, which stands there once.
    #[track_caller]
    pub(crate) fn set(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.config()).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from}");
        std::fs::write(self.config(), text.replace(from, to)).unwrap();
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("nod.toml")
    }

    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join("nod-data").join(name)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.folder.run(arguments)
    }

    /// `nod serve`, once it listens.
    pub(crate) fn serve(&self) -> Running {
        let mut running = Running::start(self.folder.command(&["serve"]));
        running.wait_for("listening on ");
        running
    }
}

/// A child that runs until it is told to end; killed when dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn start(command: Command) -> Self {
        // Nobody reads it: a full pipe would stop the child.
        Self::start_with(command, Stdio::null())
    }

    /// With its log going there.
    pub(crate) fn start_with(mut command: Command, log: Stdio) -> Self {
        let mut child = command.stderr(log).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads lines until one holds `words`, and gives it.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, words: &str) -> String {
        let mut seen = Vec::new();
        for line in &mut self.lines {
            let line = line.unwrap();
            if line.contains(words) {
                return line;
            }
            seen.push(line);
        }
        panic!("the output ended without {words:?}: {seen:#?}");
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The same value with ids and times named only, for comparing.
pub(crate) fn plain(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() == 22 && !text.contains([' ', ':']) => "ID".into(),
        Value::String(text) if text.starts_with("20") && text.ends_with('Z') && text.contains('T') => "TIME".into(),
        Value::Array(values) => values.into_iter().map(plain).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, plain(value))).collect(),
        other => other,
    }
}

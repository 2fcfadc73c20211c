//! The product itself: the `nod` binary with an installation of its own, driven by its command line and its pages only.

use crate::folder::Folder;
use crate::process::{PATIENCE, Process, free_port};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The host that passkeys are made for; browsers take it to this machine (RFC 6761, section 6.3).
pub const HOST: &str = "nod.localhost";
/// First administrator, made by `nod init`.
pub const ADMIN: &str = "root";

/// An installation in a temporary folder and, most of the time, `nod serve` on it.
#[derive(Debug)]
pub struct Product {
    // Field order is drop order: the process ends before its folder is removed.
    server: Option<Process>,
    folder: Folder,
    port: u16,
    public_port: u16,
}

impl Product {
    /// `nod init`, a free port, pushes to the loopback allowed; then `nod serve`.
    ///
    /// # Panics
    /// When the binary is not built or refuses.
    #[must_use]
    pub fn start() -> Self {
        let port = free_port();
        Self::made(port, port, &[])
    }

    /// The same on a PostgreSQL database, as one of several nodes: people reach them through a proxy on `public_port`.
    ///
    /// # Panics
    /// When the binary is not built or refuses.
    #[must_use]
    pub fn first_of_several(port: u16, public_port: u16, database: &str) -> Self {
        Self::made(port, public_port, &["--database", database])
    }

    /// One more node, by what the guide says: with a copy of `nod.toml` and of `data.key`.
    ///
    /// # Panics
    /// When the binary refuses.
    #[must_use]
    pub fn one_more(&self, port: u16) -> Self {
        let mut node = Self { server: None, folder: Folder::new(), port, public_port: self.public_port };
        let file = |product: &Self, name: &str| product.folder.path().join(name);
        let text = std::fs::read_to_string(file(self, "nod.toml")).unwrap();
        let (theirs, ours) = (format!("127.0.0.1:{}\"", self.port), format!("127.0.0.1:{port}\""));
        std::fs::write(file(&node, "nod.toml"), text.replace(&theirs, &ours)).unwrap();
        std::fs::create_dir(file(&node, "nod-data")).unwrap();
        std::fs::copy(file(self, "nod-data/data.key"), file(&node, "nod-data/data.key")).unwrap();
        node.serve();
        node
    }

    fn made(port: u16, public_port: u16, more: &[&str]) -> Self {
        let mut product = Self { server: None, folder: Folder::new(), port, public_port };
        let (origin, contact) = (product.origin(), "mailto:it@nod-mfa.org");
        let usual =
            ["init", "--non-interactive", "--origin", &origin, "--contact", contact, "--admin", ADMIN, "--server-name"];
        product.nod(&[&usual[..], &["Example Ltd"], more].concat());
        let file = product.folder.path().join("nod.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.replace("[push]\n", "[push]\nallow_insecure_endpoints = true\n");
        std::fs::write(&file, format!("listen = \"127.0.0.1:{port}\"\n{text}")).unwrap();
        product.serve();
        product
    }

    /// `http://nod.localhost:PORT`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{HOST}:{}", self.public_port)
    }

    /// The address of a page of ours.
    #[must_use]
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    /// Where it listens, for a proxy.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs a command of `nod` on this installation and gives what it printed as JSON.
    ///
    /// # Panics
    /// When the command fails; its own words are shown.
    #[track_caller]
    pub fn nod(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments).arg("--json").stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "nod {} failed: {said}", arguments.join(" "));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("nod {arguments:?}: {error}"))
    }

    /// Adds an account and gives the link by which its first phone is enrolled.
    #[track_caller]
    pub fn invite(&self, name: &str, display_name: &str) -> String {
        self.nod(&["user", "add", name, "--display-name", display_name]);
        self.enrolment_link(name)
    }

    /// A link by which a phone of this account is enrolled.
    #[track_caller]
    pub fn enrolment_link(&self, name: &str) -> String {
        let made = self.nod(&["user", "enrol", name, "--no-wait"]);
        made["link"].as_str().expect("a link").to_owned()
    }

    /// The only phone of this account that is not revoked.
    ///
    /// # Panics
    /// When there is none or more than one.
    #[track_caller]
    pub fn device_of(&self, name: &str) -> Value {
        let listed = self.nod(&["device", "list", name]);
        let mut live = listed.as_array().unwrap().iter().filter(|device| device["state"] != "revoked");
        let device = live.next().cloned().unwrap_or_else(|| panic!("{name} has no phone: {listed}"));
        assert!(live.next().is_none(), "{name} has several phones: {listed}");
        device
    }

    /// How many browsers of this account may ask its phone.
    #[track_caller]
    pub fn bound_browsers(&self, name: &str) -> usize {
        let listed = self.nod(&["browser", "list", name]);
        listed.as_array().unwrap().iter().filter(|browser| browser["bound"] == true).count()
    }

    /// Whether the audit log holds an event of this kind about this account.
    #[track_caller]
    pub fn has_event(&self, kind: &str, display_name: &str) -> bool {
        let listed = self.nod(&["audit", "list"]);
        let about = |event: &Value| event["kind"] == kind && event["user"]["name"] == display_name;
        listed.as_array().is_some_and(|events| events.iter().any(about))
    }

    /// The server ends as in a power cut.
    pub fn crash(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill();
        }
    }

    /// `nod serve` on the same data and port.
    pub fn serve(&mut self) {
        let mut server = Process::start("nod serve", &mut self.command(&["serve"]));
        server.wait_line("listening on", PATIENCE, |line| line.starts_with("listening on "));
        self.server = Some(server);
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(self.folder.path()).env("HOME", self.folder.path());
        command.env_remove("NOD_CONFIG").env_remove("XDG_STATE_HOME");
        command
    }
}

/// The `nod` that was built beside this test: `target/PROFILE/nod`, where tests are in `target/PROFILE/deps`.
///
/// # Panics
/// When it is not there: `cargo nextest run --workspace` builds it, a run of this package alone does not.
#[must_use]
pub fn binary() -> PathBuf {
    let own = std::env::current_exe().expect("a test knows its own file");
    let path = own.ancestors().nth(2).expect("a test is in target/PROFILE/deps").join("nod");
    assert!(path.is_file(), "{} is missing; build it first: cargo build -p nod", path.display());
    path
}

//! A network inside the machine: one bridge, and a namespace for each machine of the cluster. It ends with the test's process.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The port of PostgreSQL.
const DATABASE_PORT: u16 = 5432;

/// Prefix of all addresses.
const NETWORK: &str = "10.77.0";

/// A machine: a network namespace with one address.
pub(crate) struct Machine {
    name: String,
    pub(crate) address: String,
}

/// Makes the bridge, with an address for the test itself. The calling process has namespaces of its own.
pub(crate) fn bridge() {
    run(Command::new("mount").args(["-t", "tmpfs", "none", "/run"]));
    fs::create_dir("/run/netns").unwrap();
    ip("link set lo up");
    ip("link add nod0 type bridge");
    ip(&format!("addr add {NETWORK}.1/24 dev nod0"));
    ip("link set nod0 up");
}

impl Machine {
    pub(crate) fn new(name: &str, number: u8) -> Self {
        let address = format!("{NETWORK}.{number}");
        ip(&format!("netns add {name}"));
        ip(&format!("link add v-{name} type veth peer name eth0 netns {name}"));
        ip(&format!("link set v-{name} master nod0 up"));
        ip(&format!("-n {name} addr add {address}/24 dev eth0"));
        ip(&format!("-n {name} link set eth0 up"));
        ip(&format!("-n {name} link set lo up"));
        Self { name: name.to_owned(), address }
    }

    /// The same command, run on this machine; as another user and group if given.
    pub(crate) fn runs(&self, command: &Command, servant: Option<(u32, u32)>) -> Command {
        let mut there = Command::new("nsenter");
        there.arg(format!("--net={}", self.file().display()));
        if let Some((user, group)) = servant {
            there.arg(format!("--setuid={user}")).arg(format!("--setgid={group}"));
        }
        there.arg("--").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => there.env(name, value),
                None => there.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            there.current_dir(folder);
        }
        there.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        there
    }

    /// From now on every packet from here to a database, and back, is lost without a word.
    pub(crate) fn loses_databases(&self) {
        let rules = format!(
            "table inet cut {{
                chain out {{ type filter hook output priority 0; tcp dport {DATABASE_PORT} drop; }}
                chain in {{ type filter hook input priority 0; tcp sport {DATABASE_PORT} drop; }}
            }}\n"
        );
        self.filter(&rules);
    }

    /// The network is whole again.
    pub(crate) fn finds_databases(&self) {
        self.filter("delete table inet cut\n");
    }

    /// The cable is pulled: nothing comes or goes, without a word.
    pub(crate) fn unplug(&self) {
        ip(&format!("link set v-{} down", self.name));
    }

    pub(crate) fn plug_in(&self) {
        ip(&format!("link set v-{} up", self.name));
    }

    fn filter(&self, rules: &str) {
        let mut nft = self.runs(Command::new("nft").args(["-f", "-"]), None);
        let mut child = nft.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "nft: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn file(&self) -> PathBuf {
        PathBuf::from("/run/netns").join(&self.name)
    }
}

fn ip(words: &str) {
    run(Command::new("ip").args(words.split(' ')));
}

pub(crate) fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

//! The configuration file `nod.toml`.

mod complaint;
mod database;
mod host;
mod mail;
mod network;
mod template;
mod web_address;
mod webhook;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;

use crate::checkpoints;
use crate::log::{Form, Level};

pub(crate) use complaint::ConfigError;
pub(crate) use database::Database;
pub(crate) use host::{PublicAddress, app_origin};
pub(crate) use mail::Mail;
pub(crate) use network::{Acme, Range, Source, Syslog, Tls};
pub(crate) use template::{Answers, render};
pub(crate) use webhook::Webhook;

/// Where the file is looked for when no path is given.
pub(crate) const PLACES: [&str; 2] = ["nod.toml", "/etc/nod/nod.toml"];
/// Folder of the data when the file names none, beside the file.
pub(crate) const DEFAULT_DATA_DIR: &str = "nod-data";
/// Largest configuration file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// The configuration, checked.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Where it was read from.
    pub(crate) path: PathBuf,
    /// Public address.
    pub(crate) address: PublicAddress,
    /// Name that people read.
    pub(crate) server_name: String,
    /// Where the listener binds.
    pub(crate) listen: SocketAddr,
    /// Proxies whose `X-Forwarded-For` counts (INV-25).
    pub(crate) trusted_proxies: Vec<Range>,
    /// Peers that put a PROXY header before everything else (INV-25).
    pub(crate) proxy_protocol: Vec<Range>,
    /// TLS, if it ends here.
    pub(crate) tls: Option<Tls>,
    /// Where the listener for operators binds, if there is one.
    pub(crate) internal: Option<SocketAddr>,
    /// Folder of the data key, and of the database where that is a file.
    pub(crate) data_dir: PathBuf,
    /// Where the rows are.
    pub(crate) database: Database,
    /// `push` table.
    pub(crate) push: Push,
    /// Every sign-in asks for the number.
    pub(crate) number_always: bool,
    /// Where signed checkpoints of the audit are appended (INV-22).
    pub(crate) checkpoint_file: PathBuf,
    /// Where events of the audit go, if anywhere.
    pub(crate) syslog: Option<Syslog>,
    /// Programs that are told of each event.
    pub(crate) webhooks: Vec<Webhook>,
    /// The server that takes letters to people, if there is one.
    pub(crate) mail: Option<Mail>,
    /// `log` table.
    pub(crate) log: Log,
    /// Where traces go, if anywhere.
    pub(crate) collector: Option<Url>,
}

/// How phones are rung.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Push {
    /// The operator's contact, sent to push services. Judged at start.
    pub(crate) contact: String,
    /// Opens the SSRF gate for tests (INV-26).
    #[serde(default)]
    pub(crate) allow_insecure_endpoints: bool,
    /// HTTP proxy for pushes.
    #[serde(default, deserialize_with = "web_address::some")]
    pub(crate) egress_proxy: Option<Url>,
}

impl std::fmt::Debug for Push {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The proxy's address may hold a password (INV-24).
        f.debug_struct("Push").field("contact", &self.contact).finish_non_exhaustive()
    }
}

/// How `nod serve` logs.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    /// Text or JSON.
    #[serde(default)]
    pub(crate) format: Form,
    /// From which level on.
    #[serde(default)]
    pub(crate) level: Level,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trace {
    #[serde(default, deserialize_with = "web_address::some")]
    collector: Option<Url>,
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a password (INV-24).
        f.write_str("Trace(..)")
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    #[serde(default)]
    number_always: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Audit {
    checkpoint_file: Option<PathBuf>,
    syslog: Option<network::SyslogCollector>,
    syslog_ca: Option<PathBuf>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Internal {
    listen: Option<SocketAddr>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    origin: PublicAddress,
    server_name: Option<String>,
    #[serde(default = "default_listen")]
    listen: SocketAddr,
    #[serde(default)]
    trusted_proxies: Vec<Range>,
    #[serde(default)]
    proxy_protocol: Vec<Range>,
    tls: Option<network::TlsTable>,
    #[serde(default)]
    internal: Internal,
    data_dir: Option<PathBuf>,
    #[serde(default)]
    database: database::Table,
    push: Push,
    #[serde(default)]
    sign_in: SignIn,
    #[serde(default)]
    audit: Audit,
    #[serde(default)]
    log: Log,
    #[serde(default)]
    trace: Trace,
    #[serde(default)]
    webhook: Vec<Webhook>,
    mail: Option<mail::Table>,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

impl Config {
    /// Reads the named file, or the first that exists of [`PLACES`].
    pub(crate) fn load(named: Option<&Path>) -> Result<Self, ConfigError> {
        let path = match named {
            Some(path) => path.to_path_buf(),
            None => PLACES.iter().map(PathBuf::from).find(|path| path.exists()).ok_or(ConfigError::Nowhere)?,
        };
        let unreadable = |source| ConfigError::Unreadable { path: path.clone(), source };
        let size = std::fs::metadata(&path).map_err(unreadable)?.len();
        if size > MAX_FILE_BYTES {
            return Err(ConfigError::TooLarge { path });
        }
        let text = std::fs::read_to_string(&path).map_err(unreadable)?;
        let config = Self::parse(&path, &text)?;
        config.as_owner()?;
        Ok(config)
    }

    /// Refuses root where the data folder is somebody else's.
    pub(crate) fn as_owner(&self) -> Result<(), ConfigError> {
        use std::os::unix::fs::MetadataExt as _;
        // A folder that is not there yet will be whose makes it.
        let Ok(owner) = std::fs::metadata(&self.data_dir).map(|folder| folder.uid()) else { return Ok(()) };
        if rustix::process::geteuid().is_root() && owner != 0 {
            return Err(ConfigError::Root { folder: self.data_dir.clone(), owner });
        }
        Ok(())
    }

    /// Reads a configuration from its text.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text).map_err(|error| complaint::wrong(path, text, &error))?;
        let beside = path.parent().unwrap_or(Path::new(""));
        let database = file.database.checked(beside).map_err(|(key, what)| complaint::at_key(path, text, key, what))?;
        let tls = file.tls.map(|tls| tls.checked(beside)).transpose();
        let tls = tls.map_err(|what| complaint::at_key(path, text, "tls", what))?;
        if tls.is_some() && !file.origin.origin().starts_with("https://") {
            let what = format!("the origin is {}: with [tls] it must begin with https://", file.origin.origin());
            return Err(complaint::at_key(path, text, "tls", what));
        }
        // Relative to the file, so that the folder from which a command is run does not matter.
        let data_dir = beside.join(file.data_dir.unwrap_or_else(|| PathBuf::from(DEFAULT_DATA_DIR)));
        let checkpoint_file = file.audit.checkpoint_file.map(|path| beside.join(path));
        let syslog_ca = file.audit.syslog_ca.map(|path| beside.join(path));
        if syslog_ca.is_some() && file.audit.syslog.is_none() {
            let what = "syslog_ca needs `syslog`: the collector whose authority it holds".to_owned();
            return Err(complaint::at_key(path, text, "syslog_ca", what));
        }
        let webhooks = webhook::checked(file.webhook, beside);
        let webhooks = webhooks.map_err(|(key, what)| complaint::at_key(path, text, key, what))?;
        let mail = file.mail.map(|mail| mail.checked(beside)).transpose();
        let mail = mail.map_err(|(key, what)| complaint::at_key(path, text, key, what))?;
        let server_name = nod_core::text::shown(&file.server_name.unwrap_or_default());
        Ok(Self {
            path: path.to_path_buf(),
            server_name: if server_name.is_empty() { file.origin.host().to_owned() } else { server_name },
            address: file.origin,
            listen: file.listen,
            trusted_proxies: file.trusted_proxies,
            proxy_protocol: file.proxy_protocol,
            tls,
            internal: file.internal.listen,
            checkpoint_file: checkpoint_file.unwrap_or_else(|| data_dir.join(checkpoints::DEFAULT_FILE)),
            syslog: file.audit.syslog.map(|collector| Syslog { collector, ca: syslog_ca }),
            webhooks,
            mail,
            data_dir,
            database,
            push: file.push,
            number_always: file.sign_in.number_always,
            log: file.log,
            collector: file.trace.collector,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "origin = \"https://nod.example.com\"\n[push]\ncontact = \"mailto:it@example.com\"\n";

    fn complaint(text: &str) -> String {
        Config::parse(Path::new("nod.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn defaults_fill_what_is_not_said() {
        let config = Config::parse(Path::new("/etc/nod/nod.toml"), GOOD).unwrap();
        assert_eq!(config.server_name, "nod.example.com");
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.data_dir, Path::new("/etc/nod/nod-data"));
        assert_eq!(config.checkpoint_file, Path::new("/etc/nod/nod-data/audit-checkpoints.jsonl"));
        assert!(!config.push.allow_insecure_endpoints && !config.number_always && config.trusted_proxies.is_empty());
    }

    #[test]
    fn the_file_of_checkpoints_may_stand_elsewhere() {
        for (given, expected) in [("marks.jsonl", "/etc/nod/marks.jsonl"), ("/srv/marks.jsonl", "/srv/marks.jsonl")] {
            let text = format!("{GOOD}[audit]\ncheckpoint_file = \"{given}\"\n");
            let config = Config::parse(Path::new("/etc/nod/nod.toml"), &text).unwrap();
            assert_eq!(config.checkpoint_file, Path::new(expected));
        }
    }

    #[test]
    fn a_collector_is_named_by_an_address_of_its_own_kind() {
        let parsed = |lines: &str| Config::parse(Path::new("/etc/nod/nod.toml"), &format!("{GOOD}[audit]\n{lines}\n"));
        for (given, host, port) in [
            ("tls://logs.example.com:7000", "logs.example.com", 7000),
            ("tls://logs.example.com", "logs.example.com", 6514),
            ("tls://10.1.2.3/", "10.1.2.3", 6514),
            ("tls://[2001:db8::1]:7000", "2001:db8::1", 7000),
        ] {
            let syslog = parsed(&format!("syslog = \"{given}\"\nsyslog_ca = \"ca.pem\"")).unwrap().syslog.unwrap();
            assert_eq!((&*syslog.collector.host, syslog.collector.port), (host, port), "{given}");
            assert_eq!(syslog.ca.unwrap(), Path::new("/etc/nod/ca.pem"));
        }
        for given in [
            "tcp://logs.example.com",
            "logs.example.com:6514",
            "tls://a:b@logs.example.com",
            "tls://h/x?y",
            "tls://",
            "tls://a%20b",
        ] {
            let said = parsed(&format!("syslog = \"{given}\"")).unwrap_err().to_string();
            assert!(said.contains("nod.toml:5:10") && said.contains("tls://host:6514"), "{given}: {said}");
        }
        let said = parsed("syslog_ca = \"ca.pem\"").unwrap_err().to_string();
        assert!(said.contains("nod.toml:5:1: syslog_ca needs `syslog`"), "{said}");
    }

    #[test]
    fn complaints_name_file_place_and_the_right_key() {
        for (given, expected) in [
            (format!("orign = 1\n{GOOD}"), vec!["nod.toml:1:1", "`orign`", "did you mean `origin`?"]),
            (format!("{GOOD}contct = \"x\"\n"), vec!["nod.toml:4:1", "`contct`", "did you mean `contact`?"]),
            (format!("{GOOD}zzz = 1\n"), vec!["nod.toml:4:1", "`zzz`", "known keys here: `contact`"]),
            (GOOD.replace("nod.example.com", "nod"), vec!["nod.toml:1:10", "single label"]),
            (format!("listen = \"here\"\n{GOOD}"), vec!["nod.toml:1:10", "socket address"]),
            (format!("trusted_proxies = [\"ten\"]\n{GOOD}"), vec!["nod.toml:1:", "10.0.0.0/8"]),
            (
                format!("{GOOD}[log]\nlevel = \"loud\"\n"),
                vec!["nod.toml:5:9", "`error`, `warn`, `info`, `debug`, `trace`"],
            ),
            (format!("{GOOD}egress_proxy = \"//\"\n"), vec!["nod.toml:4:", "http://host:port"]),
            ("origin = \"https://nod.example.com\"\n".to_owned(), vec!["nod.toml", "missing field `push`"]),
            ("origin = \"https://nod.exa".to_owned(), vec!["nod.toml:1:"]),
        ] {
            let said = complaint(&given);
            for part in expected {
                assert!(said.contains(part), "{part} is not in: {said}");
            }
        }
    }

    #[test]
    fn complaints_repeat_no_value_that_may_hold_a_password() {
        let secret = "://user:hunter2@";
        for (table, value) in [
            ("egress_proxy", format!("\"http{secret}proxy:99999\"")),
            ("egress_proxy", format!("{{ url = \"http{secret}proxy\" }}")),
            ("[trace]\ncollector", format!("\"https{secret}[bad/v1\"")),
            ("[database]\nurl", format!("[\"postgres{secret}db/nod\"]")),
            ("[database]\nconnections", format!("\"postgres{secret}db/nod\"")),
            ("[audit]\nsyslog", format!("\"tls{secret}logs\"")),
        ] {
            let said = complaint(&format!("{GOOD}{table} = {value}\n"));
            assert!(!said.contains("hunter2") && said.contains("nod.toml:"), "{said}");
        }
        let said = complaint(&format!("database = \"postgres{secret}db/nod\"\n{GOOD}"));
        assert!(!said.contains("hunter2") && said.contains("invalid type: string, expected"), "{said}");
    }

    #[test]
    fn the_file_that_init_writes_is_read_back() {
        let answers = Answers {
            origin: "https://nod.example.org",
            server_name: "Example \"Ltd\"",
            contact: "mailto:it@example.org",
            data_dir: "data",
            database: Some("postgres://nod@db.example.org/nod"),
        };
        let config = Config::parse(Path::new("nod.toml"), &render(&answers)).unwrap();
        assert_eq!(config.address.origin(), "https://nod.example.org");
        assert_eq!(config.server_name, "Example \"Ltd\"");
        assert_eq!(config.push.contact, "mailto:it@example.org");
        assert_eq!(config.data_dir, Path::new("data"));
        assert!(matches!(config.database, Database::Postgres { .. }));
    }

    /// The guide's page shows what `init` writes, and each default that is shown can be written down as it stands.
    #[test]
    fn the_guide_shows_the_file_and_every_shown_default_is_right() {
        let answers = Answers {
            origin: "https://nod.your-domain.example",
            server_name: "Your organisation",
            contact: "mailto:it@your-domain.net",
            data_dir: "/var/lib/nod",
            database: None,
        };
        let text = render(&answers);
        let page = include_str!("../../../docs/guide/configuration.md");
        assert!(
            page.contains(&format!("```toml\n{text}```\n")),
            "docs/guide/configuration.md is to show this file:\n{text}"
        );
        let is_key = |line: &str| {
            let key = line.split_once(" = ").map_or(line, |(key, _)| key).trim_matches(['[', ']']);
            line != key && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        let shown = |line: &str| line.strip_prefix("# ").filter(|rest| is_key(rest)).map(str::to_owned);
        let spoken: Vec<String> = text.lines().map(|line| shown(line).unwrap_or_else(|| line.to_owned())).collect();
        Config::parse(Path::new("/etc/nod/nod.toml"), &spoken.join("\n")).unwrap();
    }

    #[test]
    fn a_database_is_a_file_unless_one_is_named() {
        let parsed = |lines: &str| Config::parse(Path::new("/etc/nod/nod.toml"), &format!("{GOOD}[database]\n{lines}"));
        assert!(matches!(Config::parse(Path::new("nod.toml"), GOOD).unwrap().database, Database::Sqlite));
        assert!(matches!(parsed("").unwrap().database, Database::Sqlite));
        let named = "url = \"postgres://nod@db/nod\"\npassword_file = \"db\"\nconnections = 40\nlisten = false\n";
        let Database::Postgres { password_file, connections, listen, .. } = parsed(named).unwrap().database else {
            panic!("not PostgreSQL");
        };
        assert_eq!(password_file.unwrap(), Path::new("/etc/nod/db"));
        assert_eq!((connections, listen), (40, false));
        for (lines, expected) in [
            ("connections = 4\n", "need `url`"),
            ("url = \"mysql://nod@db/nod\"\n", "postgres://"),
            ("url = \"postgres://db/nod\"\nconnections = 0\n", "between 1 and"),
            ("url = \"postgres://db/nod\"\nca = \"ca.pem\"\n", "?sslmode=require"),
        ] {
            let said = parsed(lines).unwrap_err().to_string();
            assert!(said.contains(expected) && said.contains("nod.toml:"), "{said}");
        }
        let secret = parsed("url = \"postgres://nod:hunter2@db/nod\"\n").unwrap();
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}

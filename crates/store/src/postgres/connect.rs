//! Connections: what each must have set, how long anything may take, and what is refused.

use std::net::IpAddr;
use std::time::Duration;

use deadpool_postgres::{Client, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::sql::no_connection;
use super::{Options, PostgresError};

/// A connection must be made within this time.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// What is sent must be acknowledged within this time, or the connection is given up: the network between is gone.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(5);
/// A silent connection is asked for a sign of life after this time.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// A caller waits so long for a free connection.
const POOL_WAIT: Duration = Duration::from_secs(5);
/// Limits that the server keeps for us, in milliseconds: a statement, a wait for a lock, a transaction that does nothing. And
/// each statement is planned once for a connection, and never compiled: all of them look up few rows by an index, whatever the
/// parameters, and planning some of them takes longer than running them.
const SERVER_SETTINGS: &str = "-c statement_timeout=10000 -c lock_timeout=5000 \
                               -c idle_in_transaction_session_timeout=10000 -c plan_cache_mode=force_generic_plan -c jit=off";

/// Other words for TLS in a URL. Whatever the word, certificate and host name are checked.
const STRICTER: [&str; 2] = ["sslmode=verify-full", "sslmode=verify-ca"];
const REQUIRED: &str = "sslmode=require";

/// A database, and how it is reached.
#[derive(Clone)]
pub(crate) struct Database {
    /// The settings of a connection.
    pub(super) config: Config,
    /// How the server's certificate is judged; none without TLS.
    pub(super) tls: Option<MakeRustlsConnect>,
}

/// Whether the URL asks for TLS.
#[must_use]
pub fn asks_for_tls(url: &str) -> bool {
    parse(url).is_ok_and(|config| config.get_ssl_mode() == SslMode::Require)
}

fn parse(url: &str) -> Result<Config, Error> {
    STRICTER.iter().fold(url.to_owned(), |url, word| url.replace(word, REQUIRED)).parse()
}

/// Reads the settings and adds ours.
pub(crate) fn database(options: &Options) -> Result<Database, PostgresError> {
    let mut config = parse(&options.url).map_err(|error| {
        // Causes that repeat a part of the URL may repeat the rest of a password (INV-24).
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        let cause = if cause.contains(['@', '`']) { "" } else { &cause };
        PostgresError::Url(format!("{error}{cause}"))
    })?;
    if let Some(password) = &options.password {
        config.password(password.as_bytes());
    }
    // The rest of a password, which no message may show (INV-24).
    let host_has_it = config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(name) if name.contains('@')));
    if host_has_it || config.get_dbname().is_some_and(|name| name.contains('@')) {
        return Err(PostgresError::Url("percent-encode what stands in the password, @ as %40".to_owned()));
    }
    if config.get_dbname().is_none() {
        return Err(PostgresError::Url("it names no database".to_owned()));
    }
    let tls = match config.get_ssl_mode() {
        SslMode::Require => {
            let tls = options.tls.as_deref().ok_or(PostgresError::Tls)?;
            Some(MakeRustlsConnect::new(tls.clone()))
        }
        // All or nothing: TLS that an attacker can talk the two out of protects nothing.
        _ => {
            config.ssl_mode(SslMode::Disable);
            None
        }
    };
    // What the URL says goes last, so that it counts.
    let ours = match config.get_options() {
        Some(theirs) => format!("{SERVER_SETTINGS} {theirs}"),
        None => SERVER_SETTINGS.to_owned(),
    };
    config
        .options(ours)
        .application_name("nod")
        .connect_timeout(CONNECT_WITHIN)
        .tcp_user_timeout(ACKNOWLEDGED_WITHIN)
        .keepalives_idle(KEEPALIVE)
        // Of several hosts the primary, also after a standby was promoted.
        .target_session_attrs(TargetSessionAttrs::ReadWrite);
    Ok(Database { config, tls })
}

impl Database {
    /// The settings in words that may be logged: where, never as whom nor with which password (INV-24).
    pub(crate) fn address(&self) -> String {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        let hosts: Vec<String> = hosts.collect();
        format!("{} on {}", self.config.get_dbname().unwrap_or("(no name)"), hosts.join(", "))
    }

    /// Whether passwords and rows would cross a network that others may read.
    pub(super) fn is_exposed(&self) -> bool {
        self.tls.is_none()
            && self.config.get_hosts().iter().any(|host| match host {
                Host::Unix(_) => false,
                Host::Tcp(name) => {
                    name != "localhost" && !name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
                }
            })
    }

    /// A pool of connections for reads and commits.
    pub(crate) fn pool(&self, connections: usize) -> Result<Pool, PostgresError> {
        let (config, recycling) = (self.config.clone(), ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let manager = match &self.tls {
            Some(tls) => Manager::from_config(config, tls.clone(), recycling),
            None => Manager::from_config(config, NoTls, recycling),
        };
        Pool::builder(manager)
            .max_size(connections.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(POOL_WAIT))
            .create_timeout(Some(CONNECT_WITHIN * 2))
            .build()
            .map_err(|error| self.refused(error.to_string()))
    }

    /// One connection, as it is: nothing is looked at or migrated. It is driven by the caller's executor.
    pub(crate) async fn client(&self) -> Result<Client, PostgresError> {
        self.pool(1)?.get().await.map_err(|error| self.refused(no_connection(&error).0))
    }

    /// The error that says why it cannot be used.
    pub(crate) fn refused(&self, reason: String) -> PostgresError {
        PostgresError::Refused { address: self.address(), reason }
    }
}

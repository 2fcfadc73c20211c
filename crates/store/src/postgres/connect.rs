//! Connections: what each must have set, how long anything may take, and what is refused.

use std::net::IpAddr;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Config, NoTls};

use super::{Options, PostgresError};

/// A connection must be made within this time.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// What is sent must be acknowledged within this time, or the connection is given up: the network between is gone.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(5);
/// A silent connection is asked for a sign of life after this time.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// A caller waits so long for a free connection.
const POOL_WAIT: Duration = Duration::from_secs(5);
/// Limits that the server keeps for us, in milliseconds: a statement, a wait for a lock, a transaction that does nothing.
const SERVER_LIMITS: &str =
    "-c statement_timeout=10000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=10000";

/// The settings in words that may be logged: where, never as whom nor with which password (INV-24).
pub(crate) fn address(config: &Config) -> String {
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    });
    let hosts: Vec<String> = hosts.collect();
    format!("{} on {}", config.get_dbname().unwrap_or("(no name)"), hosts.join(", "))
}

/// Reads the settings and adds ours.
pub(crate) fn settings(options: &Options) -> Result<Config, PostgresError> {
    let mut config: Config = options.url.parse().map_err(|error: tokio_postgres::Error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        PostgresError::Url(format!("{error}{cause}"))
    })?;
    if let Some(password) = &options.password {
        config.password(password.as_bytes());
    }
    if config.get_ssl_mode() == SslMode::Require {
        return Err(PostgresError::Tls);
    }
    if config.get_dbname().is_none() {
        return Err(PostgresError::Url("it names no database".to_owned()));
    }
    // What the URL says goes last, so that it counts.
    let ours = match config.get_options() {
        Some(theirs) => format!("{SERVER_LIMITS} {theirs}"),
        None => SERVER_LIMITS.to_owned(),
    };
    config
        .options(ours)
        .application_name("nod")
        .connect_timeout(CONNECT_WITHIN)
        .tcp_user_timeout(ACKNOWLEDGED_WITHIN)
        .keepalives_idle(KEEPALIVE)
        // Of several hosts the primary, also after a standby was promoted.
        .target_session_attrs(TargetSessionAttrs::ReadWrite);
    Ok(config)
}

/// Whether passwords and rows would cross a network that others may read.
pub(super) fn is_exposed(config: &Config) -> bool {
    config.get_hosts().iter().any(|host| match host {
        Host::Unix(_) => false,
        Host::Tcp(name) => name != "localhost" && !name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    })
}

/// The pool of connections for reads and commits.
pub(crate) fn pool(config: &Config, connections: usize) -> Result<Pool, PostgresError> {
    let recycling_method = RecyclingMethod::Fast;
    let manager = Manager::from_config(config.clone(), NoTls, ManagerConfig { recycling_method });
    Pool::builder(manager)
        .max_size(connections.max(1))
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(POOL_WAIT))
        .create_timeout(Some(CONNECT_WITHIN * 2))
        .build()
        .map_err(|error| PostgresError::Refused { address: address(config), reason: error.to_string() })
}

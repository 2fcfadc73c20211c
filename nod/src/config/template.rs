//! The commented file that `nod init` writes.

/// What the questions were answered with.
#[derive(Debug)]
pub(crate) struct Answers<'a> {
    /// Public origin.
    pub(crate) origin: &'a str,
    /// Name that people read.
    pub(crate) server_name: &'a str,
    /// VAPID subject.
    pub(crate) contact: &'a str,
    /// Folder of the data.
    pub(crate) data_dir: &'a str,
    /// URL of a PostgreSQL database.
    pub(crate) database: Option<&'a str>,
}

/// The file's text.
pub(crate) fn render(answers: &Answers<'_>) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let database = match answers.database {
        Some(url) => format!("url = {}", quoted(url)),
        None => "# url = \"postgres://nod@localhost/nod\"".to_owned(),
    };
    format!(
        r##"# Configuration of Nod. Lines that begin with # show the defaults. Unknown keys are refused.

# Where people and phones reach Nod. The host is what passkeys are made for: when it changes, every phone has to be
# enrolled again, so `nod serve` refuses another one unless it is told --accept-new-host.
origin = {origin}

# The name that people see on their phones.
server_name = {server_name}

# Where Nod listens. TLS ends at a proxy in front, which passes requests on to this address; or here, see [tls].
# listen = "127.0.0.1:8080"

# Proxies whose word about the visitor's address (X-Forwarded-For) is believed, and which may ask for apps. Addresses or ranges.
trusted_proxies = ["127.0.0.1", "::1"]

# Balancers that put a PROXY header (version 1 or 2) before each connection. From these it is required, from others refused.
# proxy_protocol = ["192.0.2.7"]

# The data key, and the database unless another one is named below. Relative to this file.
data_dir = {data_dir}

[database]
# A PostgreSQL database (15 or newer) instead of a file in data_dir. Several nodes may share it: give each the same data.key.
{database}

# A file with the password, so that none stands here.
# password_file = "database-password"

# Connections that this node keeps for its work; one more listens to the other nodes.
# connections = 16

# Hear of the other nodes' changes at once. Behind PgBouncer switch this off: then they are seen within a second.
# listen = true

# To end TLS here. New files are taken by the running server; they are PEM and relative to this file.
# [tls]
# certificate = "fullchain.pem"
# key = "privkey.pem"
# redirect = "0.0.0.0:80"    # plain HTTP here is led to the address above

[internal]
# A listener for whoever watches this server: /metrics, /health/live and /health/ready. It answers everybody who reaches it, so
# let nobody else. Without an address there is none.
# listen = "127.0.0.1:9464"

[push]
# Whom push services write to when something is wrong: a mailto: or https: address that works. Apple refuses others.
contact = {contact}

# An HTTP proxy for pushes to the phones.
# egress_proxy = "http://proxy.your-domain:3128"

# For tests only: lets pushes go to plain http and to inner addresses.
# allow_insecure_endpoints = false

[sign_in]
# Ask for the number on the screen at every sign-in, not only where several are pending or one was denied.
# number_always = false

[log]
# How the server writes its log to standard error: "text" for people or "json", one object a line.
# format = "text"

# From which level on: "error", "warn", "info" (each request), "debug" (each push) or "trace". No level writes a secret.
# level = "info"

[trace]
# An OpenTelemetry collector that is sent a trace of each request (OTLP over HTTP). Without an address there are none.
# collector = "http://127.0.0.1:4318"

[audit]
# Where signed checkpoints of the audit are appended: by default audit-checkpoints.jsonl among the data. Ship this file to
# another machine as it grows: only a copy elsewhere shows that the audit's tail was cut off. Relative to this file.
# checkpoint_file = "/var/log/nod/audit-checkpoints.jsonl"

# A collector that is sent each event of the audit as syslog over TLS (RFC 5424, RFC 5425). Without an address there is none.
# syslog = "tls://logs.your-domain.example:6514"

# A file with the authority of its certificate, where the system does not trust it. PEM, relative to this file.
# syslog_ca = "logs-ca.pem"
"##,
        origin = quoted(answers.origin),
        server_name = quoted(answers.server_name),
        data_dir = quoted(answers.data_dir),
        contact = quoted(answers.contact),
    )
}

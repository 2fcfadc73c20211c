//! What the demo plays on: a whole installation in a temporary folder, a running server, the sample site.

use std::net::SocketAddr;
use std::path::Path;

use nod_core::people::User;
use nod_engine::ports::{Entropy, random};
use nod_http::StopHandle;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::site;
use crate::config::{Config, Database, PublicAddress, Push};
use crate::failure::{Failure, Outcome};
use crate::installation::Installation;
use crate::listeners::Listeners;
use crate::server::Server;
use crate::system::OsEntropy;

/// The demo's user.
pub(super) const USER: &str = "anna";
/// Names that browsers take to this machine (RFC 6761 section 6.3), as a secure context.
const NOD_HOST: &str = "nod.localhost";
const SITE_HOST: &str = "site.localhost";
/// Ports of the first choice.
const NOD_PORT: u16 = 8080;
const SITE_PORT: u16 = 8081;

/// Everything is set.
pub(super) struct Stage {
    folder: TempDir,
    pub(super) installation: Installation,
    pub(super) user: User,
    pub(super) password: String,
    pub(super) site_origin: String,
    server: Server,
    site_stop: StopHandle,
    site: JoinSet<Outcome>,
}

impl Stage {
    /// Sets it. A port that was asked for must be free; others are chosen until one is.
    pub(super) async fn set(port: Option<u16>) -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("nod-demo-").tempdir()?;
        let nod = listener(port, NOD_PORT).await?;
        let site = listener(None, SITE_PORT).await?;
        let (nod_at, site_at) = (nod.local_addr()?, site.local_addr()?);
        let site_host = format!("{SITE_HOST}:{}", site_at.port());
        let site_origin = format!("http://{site_host}");
        let installation = Installation::create(config(folder.path(), nod_at)?).await?;
        let (user, password) = people(&installation, &site_origin).await?;
        let server = Server::start(&installation, Listeners::only(nod)).await?;
        let (site_stop, word) = StopHandle::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { site::serve(site, nod_at, &site_host, word.requested()).await });
        Ok(Self { folder, installation, user, password, site_origin, server, site_stop, site: tasks })
    }

    /// Nod's public origin.
    pub(super) fn origin(&self) -> &str {
        self.installation.config.address.origin()
    }

    /// A file for the phone's keys, which goes with the folder.
    pub(super) fn phone_file(&self) -> std::path::PathBuf {
        self.folder.path().join("phone.json")
    }

    /// Returns when a part ended by itself, which none should.
    pub(super) async fn failed(&mut self) -> Failure {
        tokio::select! {
            failure = self.server.failed() => failure,
            _ = self.site.join_next() => Failure::new("the sample site ended by itself"),
        }
    }

    /// Stops everything and removes the folder.
    pub(super) async fn clear(mut self) -> Outcome {
        self.site_stop.stop();
        self.site.shutdown().await;
        self.server.stop().await;
        drop(self.installation);
        Ok(self.folder.close()?)
    }
}

async fn listener(asked: Option<u16>, usual: u16) -> Outcome<TcpListener> {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    if let Some(port) = asked {
        let bound = TcpListener::bind(at(port)).await;
        return bound.map_err(|error| Failure::new(format!("port {port}: {error}")).next("nod demo"));
    }
    match TcpListener::bind(at(usual)).await {
        Ok(listener) => Ok(listener),
        Err(_) => Ok(TcpListener::bind(at(0)).await?),
    }
}

fn config(folder: &Path, listen: SocketAddr) -> Outcome<Config> {
    Ok(Config {
        path: folder.join("nod.toml"),
        address: PublicAddress::parse(&format!("http://{NOD_HOST}:{}", listen.port()))?,
        server_name: "Nod demo".to_owned(),
        listen,
        trusted_proxies: vec![crate::config::Range::try_from("127.0.0.1".to_owned())?],
        internal: None,
        proxy_protocol: Vec::new(),
        tls: None,
        data_dir: folder.join("data"),
        database: Database::Sqlite,
        push: Push {
            contact: env!("CARGO_PKG_REPOSITORY").to_owned(),
            allow_insecure_endpoints: false,
            egress_proxy: None,
        },
        number_always: false,
        log: crate::config::Log::default(),
        collector: None,
        checkpoint_file: folder.join(crate::checkpoints::DEFAULT_FILE),
        syslog: None,
        webhooks: Vec::new(),
        mail: None,
    })
}

/// One user, who may use a terminal as a phone, and one app.
async fn people(installation: &Installation, site_origin: &str) -> Outcome<(User, String)> {
    let engine = &installation.engine;
    let user = engine.add_user(USER, Some("Anna Berg"), true).await?;
    let password = password();
    engine.set_password(&user, Zeroizing::new(password.clone())).await?;
    engine.add_app("site", Some("Sample site"), site_origin, None).await?;
    Ok((user, password))
}

/// Easy to type, different each time: other people of this machine can reach the demo too.
fn password() -> String {
    let number = u32::from_be_bytes(random(&OsEntropy as &dyn Entropy));
    format!("nodding tulips {:06}", number % 1_000_000)
}

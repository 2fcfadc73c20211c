//! `nod serve`.

use std::net::SocketAddr;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Common;
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::installation::Installation;
use crate::log;
use crate::output;
use crate::server::Server;

/// Run the server
///
/// Listens without TLS on the configured address: a proxy in front (nginx, Caddy) ends TLS and passes requests on. Ends
/// gracefully on SIGTERM and Ctrl-C.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  nod serve\n  nod --config /etc/nod/nod.toml serve")]
pub(crate) struct ServeArguments {
    /// Serve under another host than before: every phone then has to be enrolled again
    #[arg(long)]
    accept_new_host: bool,
}

/// Runs it.
pub(crate) async fn run(common: &Common, arguments: ServeArguments) -> Outcome {
    let config = Config::load(common.config.as_deref())?;
    log::start(config.log.format, config.log.level);
    let installation = Installation::open_for(config, arguments.accept_new_host).await?;
    // Taken before anything runs, so that no signal is missed.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = bind(installation.config.listen, "listen").await?;
    let internal = match installation.config.internal {
        Some(address) => Some(bind(address, "internal.listen").await?),
        None => None,
    };
    let bound = listener.local_addr()?;
    if let Some(internal) = &internal {
        output::line(format!("metrics and health on {}", internal.local_addr()?));
    }
    let mut server = Server::start(&installation, listener, internal)?;
    output::line(format!("listening on {bound} as {}", installation.config.address.origin()));
    tokio::select! {
        failure = server.failed() => return Err(failure),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: running requests may end");
    server.stop().await;
    tracing::info!("stopped");
    Ok(())
}

async fn bind(address: SocketAddr, key: &str) -> Outcome<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| Failure::new(format!("cannot listen on {address}: {error}; change `{key}` in nod.toml")))
}

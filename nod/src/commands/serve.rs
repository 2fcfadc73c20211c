//! `nod serve`.

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Common;
use crate::config::Config;
use crate::failure::Outcome;
use crate::installation::Installation;
use crate::listeners::Listeners;
use crate::log;
use crate::output;
use crate::server::Server;
use crate::trace::Traces;

/// Run the server
///
/// Listens on the configured address. TLS ends at a proxy in front (nginx, Caddy), or here with a [tls] table. Ends gracefully
/// on SIGTERM and Ctrl-C.
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
    // No core dump, and no look by other processes of this user: keys are in memory (INV-24).
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    let traces = config.collector.as_ref().map(Traces::to).transpose()?;
    log::start(config.log.format, config.log.level, traces.as_ref().map(Traces::tracer));
    let installation = Installation::open_for(config, arguments.accept_new_host).await?;
    // Taken before anything runs, so that no signal is missed.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listeners = Listeners::bind(&installation.config).await?;
    let told = listeners.told(installation.config.address.origin())?;
    let mut server = Server::start(&installation, listeners).await?;
    told.into_iter().for_each(output::line);
    tokio::select! {
        failure = server.failed() => return Err(failure),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: running requests may end");
    server.stop().await;
    tracing::info!("stopped");
    if let Some(traces) = traces {
        traces.end().await;
    }
    Ok(())
}

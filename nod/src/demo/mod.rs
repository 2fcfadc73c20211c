//! `nod demo`: Nod's main job within five minutes, in a temporary folder.

mod browser;
mod site;
mod stage;
mod visitor;
mod walk;

use std::time::Duration;

use clap::Args;
use nod_engine::Engine;
use tokio::signal::unix::{SignalKind, signal};

use crate::commands::ask;
use crate::commands::enrol::make_link;
use crate::failure::Outcome;
use crate::output::{self, local};
use stage::{Stage, USER};

/// How often new events are looked for, to tell them.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// Events that are read at once.
const EVENTS: u32 = 100;

/// Everything in a temporary folder: server, sample site, one user; nothing is left behind
///
/// Prints what to open and what to type; tells each event as it happens. Ends with Ctrl-C and removes its folder.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  nod demo\n  nod demo --walk")]
pub(crate) struct DemoArguments {
    /// Play every part over the real interfaces, tell the story, and end; fails if a step goes otherwise
    #[arg(long)]
    walk: bool,
    /// Port of Nod [default: 8080, or a free one]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
}

/// Runs it.
pub(crate) async fn run(arguments: DemoArguments) -> Outcome {
    // Taken before the folder is made, so that it is removed whatever comes.
    let mut ends = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    let mut stage = Stage::set(arguments.port).await?;
    let ended = async {
        let waits = ends.iter_mut().filter_map(|end| end.as_mut().ok()).map(|end| Box::pin(end.recv()));
        futures::future::select_all(waits).await;
    };
    let played = if arguments.walk {
        tokio::select! {
            played = walk::play(&stage) => played,
            () = ended => Err(crate::failure::Failure::new("stopped before the end")),
        }
    } else {
        watch(&mut stage, ended).await
    };
    stage.clear().await?;
    played
}

async fn watch(stage: &mut Stage, ended: impl Future<Output = ()>) -> Outcome {
    let engine = stage.installation.engine.clone();
    introduce(stage).await?;
    tokio::select! {
        failure = stage.failed() => Err(failure),
        told = tell(&engine) => told,
        asked = more_links(&engine) => asked,
        () = ended => {
            output::line("\nThe demo is over; its folder is removed.");
            Ok(())
        }
    }
}

/// How this program was started, for commands to type.
fn this_command() -> String {
    let path = std::env::current_exe().unwrap_or_else(|_| "nod".into());
    let path = path.display().to_string();
    for (folder, command) in [("/target/release/", "cargo run --release --"), ("/target/debug/", "cargo run --")] {
        if path.contains(folder) {
            return command.to_owned();
        }
    }
    path
}

/// What to do, step by step.
async fn introduce(stage: &Stage) -> Outcome {
    let engine = &stage.installation.engine;
    let (_, link, _) = make_link(engine, &stage.user).await?;
    let introduction = introduction(engine).await?;
    let (command, file) = (this_command(), stage.phone_file());
    let (site, origin, password, file) = (&stage.site_origin, stage.origin(), &stage.password, file.display());
    output::line(format!(
        "\
Nod, for trying. Everything is in a temporary folder and goes away with Ctrl-C.

  Nod           {origin}
  Sample site   {site}
  User          {USER}
  Password      {password}

1. Give {USER} a phone. In a second terminal (it asks for the password):

     {command} phone enrol '{link}' --state {file}

   Or, if this computer has a fingerprint reader or a PIN for passkeys, open the link in a browser instead.

2. Make your browser known. Open this once, with name and password ({USER} has no passkey in your browser;
   press Enter here for a new link, it lasts 10 minutes):

     {introduction}

3. Open {site} and sign in. Then look at the phone and approve:

     {command} phone wait --state {file}

4. Sign out, sign in again, and deny. The next sign-in asks for the number on the screen.

5. Be an attacker: open {site} in a private window and sign in with the right password. The phone stays silent.

What happens:"
    ));
    Ok(())
}

async fn introduction(engine: &Engine) -> Outcome<String> {
    let user = engine.user_named(USER).await?;
    let token = engine.make_introduction_link(user.id).await?;
    Ok(format!("{}/introduce#{token}", engine.settings().origin))
}

/// Tells each event once, as it happens.
async fn tell(engine: &Engine) -> Outcome {
    let mut last = engine.store().audit(None, 1).await?.first().map_or(0, |(sequence, _)| *sequence);
    let mut looks = tokio::time::interval(TELL_EVERY);
    loop {
        looks.tick().await;
        let mut events = engine.store().audit(None, EVENTS).await?;
        events.retain(|(sequence, _)| *sequence > last);
        for (sequence, event) in events.into_iter().rev() {
            output::line(format!("  {}  {}", local(event.at), event.sentence()));
            last = sequence;
        }
    }
}

/// A new introduction link for each Enter. Without a terminal nobody asks.
async fn more_links(engine: &Engine) -> Outcome {
    while ask::is_possible() {
        if ask::line().await?.is_none() {
            break;
        }
        output::line(format!("\n     {}\n", introduction(engine).await?));
    }
    std::future::pending().await
}

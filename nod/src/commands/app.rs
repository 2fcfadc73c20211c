//! `nod app`: protected apps.

use clap::{Args, Subcommand};
use nod_core::access::App;
use nod_engine::Engine;
use serde::Serialize;

use super::group::named_group;
use super::open;
use crate::cli::Common;
use crate::config::app_origin;
use crate::failure::{Failure, Next as _, Outcome};
use crate::output::{self, Time};

/// Protected apps: add, list, remove
#[derive(Debug, Subcommand)]
pub(crate) enum AppCommand {
    /// Add an app at its exact address; its reverse proxy then asks Nod about every request
    #[command(
        after_long_help = "Examples:\n  nod app add wiki --origin https://wiki.your-domain\n  nod app add payroll --origin https://payroll.your-domain --display-name Payroll --group accounting\n\nHow to set up nginx or Caddy in front of the app: docs/guide/protect-an-app.md"
    )]
    Add(AddArguments),
    /// List apps
    #[command(after_long_help = "Example:\n  nod app list")]
    List,
    /// Remove an app; nobody gets in through Nod any more
    #[command(after_long_help = "Example:\n  nod app remove wiki")]
    Remove {
        /// App name
        name: String,
    },
}

/// What `nod app add` takes.
#[derive(Debug, Args)]
pub(crate) struct AddArguments {
    /// Short name, for commands
    name: String,
    /// Exact address of the app: https://HOST or https://HOST:PORT
    #[arg(long, value_name = "URL")]
    origin: String,
    /// Name that people see on the phone
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// Admit members of this group only
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
}

#[derive(Serialize)]
struct AppView {
    id: String,
    name: String,
    display_name: String,
    origin: String,
    group: Option<String>,
    created_at: Time,
}

async fn view(engine: &Engine, app: &App) -> Outcome<AppView> {
    let groups = engine.store().groups().await?;
    let group = app.group.and_then(|id| groups.into_iter().find(|group| group.id == id));
    Ok(AppView {
        id: app.id.to_string(),
        name: app.name.clone(),
        display_name: app.display_name.clone(),
        origin: app.origin.clone(),
        group: group.map(|group| group.name),
        created_at: Time(app.created_at),
    })
}

/// Runs it.
pub(crate) async fn run(common: &Common, command: AppCommand) -> Outcome {
    let installation = open(common).await?;
    let engine = &installation.engine;
    match command {
        AppCommand::Add(arguments) => {
            let (origin, host) = app_origin(&arguments.origin).map_err(|error| Failure::misuse(error.to_string()))?;
            if host == installation.config.address.host() {
                return Err(Failure::misuse(format!(
                    "{host} is Nod's own host; an app needs a host of its own, since cookies are shared between ports"
                )));
            }
            let group = match &arguments.group {
                Some(name) => Some(named_group(engine, name).await?),
                None => None,
            };
            let app = engine
                .add_app(&arguments.name, arguments.display_name.as_deref(), &origin, group.as_ref())
                .await
                .or_next("nod app list")?;
            if common.json {
                return output::json(&view(engine, &app).await?);
            }
            output::line(format!(
                "The app {} at {} is there. Set up its proxy: docs/guide/protect-an-app.md",
                app.name, app.origin
            ));
            Ok(())
        }
        AppCommand::List => list(common, engine).await,
        AppCommand::Remove { name } => {
            let app = engine.app_named(&name).await.map_err(|fault| match fault {
                nod_engine::Fault::NotFound(_) => Failure::new(format!("there is no app {name}")).next("nod app list"),
                other => other.into(),
            })?;
            let view = view(engine, &app).await?;
            engine.remove_app(&app).await.or_next("nod app list")?;
            if common.json {
                return output::json(&view);
            }
            output::line(format!("The app {} is gone; nobody gets in through Nod any more.", app.name));
            Ok(())
        }
    }
}

async fn list(common: &Common, engine: &Engine) -> Outcome {
    let mut views = Vec::new();
    for app in engine.store().apps().await? {
        views.push(view(engine, &app).await?);
    }
    if common.json {
        return output::json(&views);
    }
    if views.is_empty() {
        output::line("There is no app yet. Add one: nod app add NAME --origin https://HOST");
        return Ok(());
    }
    let rows: Vec<[String; 4]> = views
        .into_iter()
        .map(|view| [view.name, view.display_name, view.origin, view.group.unwrap_or_else(|| "everybody".to_owned())])
        .collect();
    output::table(["app", "shown as", "address", "admits"], &rows);
    Ok(())
}

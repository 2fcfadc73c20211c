//! `nod group`: who belongs together.

use clap::Subcommand;
use nod_core::people::Group;
use nod_engine::Engine;
use serde::Serialize;

use super::{named_user, open};
use crate::cli::Common;
use crate::failure::{Failure, Next as _, Outcome};
use crate::output::{self, Time};

/// Groups, which decide who may open an app
#[derive(Debug, Subcommand)]
pub(crate) enum GroupCommand {
    /// Add an empty group
    #[command(after_long_help = "Example:\n  nod group add accounting")]
    Add {
        /// Group name
        group: String,
    },
    /// List groups with their members
    #[command(after_long_help = "Example:\n  nod group list")]
    List,
    /// Remove a group that no app admits
    #[command(after_long_help = "Example:\n  nod group remove accounting")]
    Remove {
        /// Group name
        group: String,
    },
    /// Put a user into a group
    #[command(after_long_help = "Example:\n  nod group join accounting anna")]
    Join {
        /// Group name
        group: String,
        /// User name
        user: String,
    },
    /// Take a user out of a group; apps of that group are closed to them at once
    #[command(after_long_help = "Example:\n  nod group leave accounting anna")]
    Leave {
        /// Group name
        group: String,
        /// User name
        user: String,
    },
}

#[derive(Serialize)]
struct GroupView {
    id: String,
    name: String,
    members: Vec<String>,
    created_at: Time,
}

/// The group of this name.
pub(super) async fn named_group(engine: &Engine, name: &str) -> Outcome<Group> {
    engine.group_named(name).await.map_err(|fault| match fault {
        nod_engine::Fault::NotFound(_) => Failure::new(format!("there is no group {name}")).next("nod group list"),
        other => other.into(),
    })
}

async fn view(engine: &Engine, group: &Group) -> Outcome<GroupView> {
    let mut members = Vec::new();
    for id in engine.store().members(group.id).await? {
        members.extend(engine.store().user(id).await?.map(|user| user.name));
    }
    Ok(GroupView { id: group.id.to_string(), name: group.name.clone(), members, created_at: Time(group.created_at) })
}

/// Runs it.
pub(crate) async fn run(common: &Common, command: GroupCommand) -> Outcome {
    let installation = open(common).await?;
    let engine = &installation.engine;
    match command {
        GroupCommand::Add { group } => {
            let group = engine.add_group(&group).await.or_next("nod group list")?;
            say(
                common,
                engine,
                &group,
                &format!("The group {0} is there. Fill it: nod group join {0} USER", group.name),
            )
            .await
        }
        GroupCommand::List => list(common, engine).await,
        GroupCommand::Remove { group } => {
            let group = named_group(engine, &group).await?;
            let view = view(engine, &group).await?;
            engine.remove_group(&group).await.or_next("nod app list")?;
            if common.json {
                return output::json(&view);
            }
            output::line(format!("The group {} is gone.", group.name));
            Ok(())
        }
        GroupCommand::Join { group, user } => set_member(common, engine, &group, &user, true).await,
        GroupCommand::Leave { group, user } => set_member(common, engine, &group, &user, false).await,
    }
}

async fn say(common: &Common, engine: &Engine, group: &Group, sentence: &str) -> Outcome {
    if common.json {
        return output::json(&view(engine, group).await?);
    }
    output::line(sentence);
    Ok(())
}

async fn list(common: &Common, engine: &Engine) -> Outcome {
    let mut views = Vec::new();
    for group in engine.store().groups().await? {
        views.push(view(engine, &group).await?);
    }
    if common.json {
        return output::json(&views);
    }
    if views.is_empty() {
        output::line("There is no group yet. Add one: nod group add NAME");
        return Ok(());
    }
    let rows: Vec<[String; 2]> = views.into_iter().map(|view| [view.name, view.members.join(", ")]).collect();
    output::table(["group", "members"], &rows);
    Ok(())
}

async fn set_member(common: &Common, engine: &Engine, group: &str, user: &str, member: bool) -> Outcome {
    let group = named_group(engine, group).await?;
    let user = named_user(engine, user).await?;
    engine.set_member(&group, &user, member).await.or_next("nod group list")?;
    let words = if member { "is now in" } else { "is no longer in" };
    say(common, engine, &group, &format!("{} {words} {}.", user.name, group.name)).await
}

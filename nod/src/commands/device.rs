//! `nod device`: phones.

use clap::Subcommand;
use nod_core::DeviceId;
use nod_core::possession::{Device, DeviceState, Notifications, Platform};
use serde::Serialize;

use super::{named_or_all, open};
use crate::cli::Common;
use crate::failure::{Failure, Outcome};
use crate::output::{self, Time, local};

/// Phones: list, revoke
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// List phones, of one account or of all
    #[command(after_long_help = "Examples:\n  nod device list\n  nod device list anna --json")]
    List {
        /// User name
        user: Option<String>,
    },
    /// Revoke a phone: it can never answer again, and its passkey ends with it
    #[command(after_long_help = "Example:\n  nod device list anna\n  nod device revoke kDR2m0hVQqWk3T5cYxLr1A")]
    Revoke {
        /// The phone's id, from `nod device list`
        id: String,
    },
}

/// A phone in JSON.
#[derive(Serialize)]
pub(super) struct DeviceView {
    id: String,
    user: String,
    pub(super) name: String,
    pub(super) platform: &'static str,
    pub(super) state: &'static str,
    notifications: &'static str,
    created_at: Time,
    last_seen_at: Time,
    held_until: Option<Time>,
}

/// A phone as it is shown.
pub(super) fn view(device: &Device, user: &str) -> DeviceView {
    DeviceView {
        id: device.id.to_string(),
        user: user.to_owned(),
        name: device.name.clone(),
        platform: match device.platform {
            Platform::Android => "android",
            Platform::Ios => "ios",
            Platform::Desktop => "desktop",
            Platform::Terminal => "terminal",
        },
        state: match device.state {
            DeviceState::Pending => "pending",
            DeviceState::Active => "active",
            DeviceState::Revoked => "revoked",
        },
        notifications: match device.notifications {
            Notifications::Unknown => "unknown",
            Notifications::Granted => "granted",
            Notifications::Unavailable => "unavailable",
        },
        created_at: Time(device.created_at),
        last_seen_at: Time(device.last_seen_at),
        held_until: device.held_until.map(Time),
    }
}

/// Runs it.
pub(crate) async fn run(common: &Common, command: DeviceCommand) -> Outcome {
    let installation = open(common).await?;
    let engine = &installation.engine;
    match command {
        DeviceCommand::List { user } => {
            let mut views = Vec::new();
            for user in named_or_all(engine, user.as_deref()).await? {
                let devices = engine.store().devices_of(user.id).await?;
                views.extend(devices.iter().map(|device| view(device, &user.name)));
            }
            list(common, views)
        }
        DeviceCommand::Revoke { id } => {
            let id: DeviceId = id
                .parse()
                .map_err(|error| Failure::misuse(format!("{id} is no phone's id: {error}")).next("nod device list"))?;
            let device = engine.store().device(id).await?;
            let device = device.ok_or_else(|| Failure::new("there is no such phone").next("nod device list"))?;
            engine.revoke_device(device.user, id).await.map_err(|fault| match fault {
                nod_engine::Fault::NotFound(_) => Failure::new(format!("{} was revoked before", device.name)),
                other => other.into(),
            })?;
            let device = engine.store().device(id).await?.unwrap_or(device);
            let user = engine.store().user(device.user).await?.map_or_else(String::new, |user| user.name);
            if common.json {
                return output::json(&view(&device, &user));
            }
            output::line(format!("{} of {user} is revoked. Enrol another: nod user enrol {user}", device.name));
            Ok(())
        }
    }
}

fn list(common: &Common, views: Vec<DeviceView>) -> Outcome {
    if common.json {
        return output::json(&views);
    }
    if views.is_empty() {
        output::line("There is no phone. Enrol one: nod user enrol NAME");
        return Ok(());
    }
    let rows: Vec<[String; 7]> = views
        .into_iter()
        .map(|view| {
            let seen = local(view.last_seen_at.0);
            let (platform, state, notifications) = (view.platform, view.state, view.notifications);
            [view.id, view.user, view.name, platform.into(), state.into(), notifications.into(), seen]
        })
        .collect();
    output::table(["id", "user", "phone", "kind", "state", "notifications", "last seen"], &rows);
    Ok(())
}

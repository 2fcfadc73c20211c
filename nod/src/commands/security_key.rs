//! `nod user key`: security keys and passkeys that belong to no phone.

use clap::Subcommand;
use nod_core::PasskeyId;
use nod_core::keys::SecurityKey;
use nod_core::people::User;
use nod_engine::Engine;
use serde::Serialize;

use super::{named_or_all, named_user};
use crate::cli::Common;
use crate::failure::{Failure, Next as _, Outcome};
use crate::output::{self, Time, local};

/// Security keys and passkeys: list, rename, remove. People add them with the link of nod user enrol, or in their account page
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// List security keys and passkeys, of one account or of all
    #[command(after_long_help = "Examples:\n  nod user key list\n  nod user key list anna --json")]
    List {
        /// User name
        name: Option<String>,
    },
    /// Rename a security key or passkey
    #[command(
        after_long_help = "Example:\n  nod user key list anna\n  nod user key rename anna kDR2m0hVQqWk3T5cYxLr1A \"Key in the safe\""
    )]
    Rename {
        /// User name
        name: String,
        /// The key's id, from `nod user key list`
        id: String,
        /// How it is called from now on
        to: String,
    },
    /// Remove a security key or passkey: it opens nothing any more
    #[command(
        after_long_help = "Example:\n  nod user key list anna\n  nod user key remove anna kDR2m0hVQqWk3T5cYxLr1A"
    )]
    Remove {
        /// User name
        name: String,
        /// The key's id, from `nod user key list`
        id: String,
    },
}

/// A key in JSON.
#[derive(Serialize)]
struct KeyView {
    id: String,
    user: String,
    name: String,
    /// The model, by the authenticator's own word.
    aaguid: String,
    synced: bool,
    created_at: Time,
    last_used_at: Option<Time>,
}

fn view(key: &SecurityKey, user: &str) -> KeyView {
    KeyView {
        id: key.id.to_string(),
        user: user.to_owned(),
        name: key.name.clone(),
        aaguid: aaguid(key.aaguid),
        synced: key.backup_eligible,
        created_at: Time(key.created_at),
        last_used_at: key.last_used_at.map(Time),
    }
}

/// As lists of authenticator models write it: a UUID.
fn aaguid(bytes: [u8; 16]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let (mut text, mut rest) = (String::with_capacity(36), hex.as_str());
    for digits in [8, 4, 4, 4] {
        let (group, after) = rest.split_at_checked(digits).unwrap_or((rest, ""));
        text.push_str(group);
        text.push('-');
        rest = after;
    }
    text + rest
}

/// Runs it.
pub(crate) async fn run(common: &Common, engine: &Engine, command: KeyCommand) -> Outcome {
    match command {
        KeyCommand::List { name } => list(common, engine, name.as_deref()).await,
        KeyCommand::Rename { name, id, to } => {
            let (user, id) = (named_user(engine, &name).await?, key_id(&id, &name)?);
            engine.rename_key(&user, id, &to).await.or_next(list_command(&user.name))?;
            if common.json {
                let keys = engine.store().security_keys_of(user.id).await?;
                let key = keys.iter().find(|key| key.id == id).ok_or_else(|| Failure::new("the key is gone"))?;
                return output::json(&view(key, &user.name));
            }
            output::line("It is renamed.");
            Ok(())
        }
        KeyCommand::Remove { name, id } => {
            let (user, id) = (named_user(engine, &name).await?, key_id(&id, &name)?);
            engine.remove_key(&user, id).await.or_next(list_command(&user.name))?;
            if !common.json {
                output::line(removed(engine, &user).await?);
            }
            Ok(())
        }
    }
}

/// What is left, where it is nothing.
async fn removed(engine: &Engine, user: &User) -> Outcome<String> {
    let phones = engine.store().devices_of(user.id).await?;
    let phones = phones.iter().any(|phone| phone.state == nod_core::possession::DeviceState::Active);
    let left = phones || !engine.store().security_keys_of(user.id).await?.is_empty();
    let name = &user.name;
    Ok(match left {
        true => "It is removed and opens nothing any more.".to_owned(),
        false => format!("It is removed. {name} has no other way in now; make a new link: nod user enrol {name}"),
    })
}

fn list_command(user: &str) -> String {
    format!("nod user key list {user}")
}

fn key_id(id: &str, user: &str) -> Outcome<PasskeyId> {
    id.parse().map_err(|error| Failure::misuse(format!("{id} is no key's id: {error}")).next(list_command(user)))
}

async fn list(common: &Common, engine: &Engine, name: Option<&str>) -> Outcome {
    let mut views = Vec::new();
    for user in named_or_all(engine, name).await? {
        let keys = engine.store().security_keys_of(user.id).await?;
        views.extend(keys.iter().map(|key| view(key, &user.name)));
    }
    if common.json {
        return output::json(&views);
    }
    if views.is_empty() {
        output::line(
            "There is no security key and no passkey of its own. People add them with the link of: nod user enrol NAME",
        );
        return Ok(());
    }
    let rows: Vec<[String; 6]> = views
        .into_iter()
        .map(|view| {
            let used = view.last_used_at.map_or_else(|| "never".to_owned(), |at| local(at.0));
            let kept = if view.synced { "may be synced" } else { "on one device" };
            [view.id, view.user, view.name, kept.into(), local(view.created_at.0), used]
        })
        .collect();
    output::table(["id", "user", "key", "kept", "added", "last used"], &rows);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_written_as_lists_have_them() {
        let bytes = [0xee, 0x88, 0x28, 0x79, 0x72, 0x1c, 0x49, 0x13, 0x97, 0x75, 0x3d, 0xfc, 0xce, 0x97, 0x07, 0x2a];
        assert_eq!(aaguid(bytes), "ee882879-721c-4913-9775-3dfcce97072a");
    }
}

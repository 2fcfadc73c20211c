//! What the commands do. Each opens the store directly; a running server sees the change within a second.

pub(crate) mod app;
pub(crate) mod ask;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod browser;
mod campaign;
pub(crate) mod code;
pub(crate) mod device;
pub(crate) mod doctor;
pub(crate) mod enrol;
pub(crate) mod group;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod mail;
pub(crate) mod manual;
pub(crate) mod migrate;
pub(crate) mod passwords;
pub(crate) mod phone;
pub(crate) mod phone_wait;
pub(crate) mod recovery;
pub(crate) mod restore;
pub(crate) mod security_key;
pub(crate) mod serve;
pub(crate) mod user;
pub(crate) mod webhook;

use nod_core::people::User;
use nod_engine::Engine;

use crate::cli::Common;
use crate::config::Config;
use crate::failure::{Next as _, Outcome};
use crate::installation::Installation;

/// Opens the installation that the command line names.
async fn open(common: &Common) -> Outcome<Installation> {
    let config = Config::load(common.config.as_deref())?;
    Installation::open(config).await
}

/// The user of this name.
async fn named_user(engine: &Engine, name: &str) -> Outcome<User> {
    engine.user_named(name).await.map_err(|fault| match fault {
        nod_engine::Fault::NotFound(_) => {
            crate::failure::Failure::new(format!("there is no user {name}")).next("nod user list")
        }
        other => other.into(),
    })
}

/// The users a listing is about: the named one, or all.
async fn named_or_all(engine: &Engine, name: Option<&str>) -> Outcome<Vec<User>> {
    match name {
        Some(name) => Ok(vec![named_user(engine, name).await?]),
        None => Ok(engine.store().users().await.or_next("nod audit list")?),
    }
}

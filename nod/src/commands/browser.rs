//! `nod browser`: browsers that may ask a phone.

use clap::Subcommand;
use nod_core::possession::{BoundBy, Browser};
use nod_core::{BrowserId, Timestamp, limits};
use serde::Serialize;

use super::{named_or_all, named_user, open};
use crate::cli::Common;
use crate::failure::{Failure, Next as _, Outcome};
use crate::output::{self, Time, local};

/// Browsers that may ask a phone: list, unbind, introduce
#[derive(Debug, Subcommand)]
pub(crate) enum BrowserCommand {
    /// List bound browsers, of one account or of all
    #[command(after_long_help = "Examples:\n  nod browser list\n  nod browser list anna --json")]
    List {
        /// User name
        user: Option<String>,
    },
    /// Unbind a browser: it can no longer ask the phone, and its sessions end
    #[command(after_long_help = "Example:\n  nod browser list anna\n  nod browser unbind kDR2m0hVQqWk3T5cYxLr1A")]
    Unbind {
        /// The browser's id, from `nod browser list`
        id: String,
    },
    /// Make a single-use link that binds the browser in which it is opened
    #[command(
        after_long_help = "For machines without passkey, Bluetooth or security key. The link lasts 10 minutes, asks for name and\npassword, and shows in the list that it was used. Hand it over in person: whoever is tricked into\npassing it on binds a stranger's browser.\n\nExample:\n  nod browser introduce anna"
    )]
    Introduce {
        /// User name
        user: String,
    },
}

/// A browser in JSON.
#[derive(Serialize)]
pub(super) struct BrowserView {
    id: String,
    user: String,
    pub(super) label: String,
    pub(super) bound_by: &'static str,
    bound: bool,
    created_at: Time,
    last_used_at: Time,
}

/// A browser as it is shown; `bound` says whether it may still ask a phone.
pub(super) fn view(browser: &Browser, user: &str, now: Timestamp) -> BrowserView {
    BrowserView {
        id: browser.id.to_string(),
        user: user.to_owned(),
        label: browser.label.clone(),
        bound_by: match browser.bound_by {
            BoundBy::Passkey => "passkey",
            BoundBy::Link => "link",
        },
        bound: browser.is_bound(now),
        created_at: Time(browser.created_at),
        last_used_at: Time(browser.last_used_at),
    }
}

#[derive(Serialize)]
struct IntroductionView {
    user: String,
    link: String,
    expires_at: Time,
}

/// Runs it.
pub(crate) async fn run(common: &Common, command: BrowserCommand) -> Outcome {
    let installation = open(common).await?;
    let engine = &installation.engine;
    let now = engine.store().now().await?;
    match command {
        BrowserCommand::List { user } => {
            let mut views = Vec::new();
            for user in named_or_all(engine, user.as_deref()).await? {
                let browsers = engine.store().browsers_of(user.id).await?;
                views.extend(browsers.iter().map(|browser| view(browser, &user.name, now)));
            }
            list(common, views)
        }
        BrowserCommand::Unbind { id } => {
            let id: BrowserId = id.parse().map_err(|error| {
                Failure::misuse(format!("{id} is no browser's id: {error}")).next("nod browser list")
            })?;
            let browser = engine.store().browser(id).await?.filter(|browser| browser.bound);
            let browser = browser.ok_or_else(|| Failure::new("there is no such browser").next("nod browser list"))?;
            engine.unbind_browser(browser.user, id).await.or_next("nod browser list")?;
            let user = engine.store().user(browser.user).await?.map_or_else(String::new, |user| user.name);
            if common.json {
                return output::json(&view(&Browser { bound: false, ..browser }, &user, now));
            }
            output::line(format!("{} of {user} is unbound; its sessions have ended.", browser.label));
            Ok(())
        }
        BrowserCommand::Introduce { user } => {
            let user = named_user(engine, &user).await?;
            let token = engine.make_introduction_link(user.id).await.or_next(format!("nod user show {}", user.name))?;
            let link = format!("{}/introduce#{token}", engine.settings().origin);
            let expires_at = now.after(limits::INTRODUCTION_LINK_LIFE);
            if common.json {
                return output::json(&IntroductionView { user: user.name, link, expires_at: Time(expires_at) });
            }
            output::line(&link);
            output::line(format!(
                "Open it in the browser that {} will sign in from. It works once, until {}.",
                user.name,
                local(expires_at)
            ));
            Ok(())
        }
    }
}

fn list(common: &Common, views: Vec<BrowserView>) -> Outcome {
    if common.json {
        return output::json(&views);
    }
    if views.is_empty() {
        output::line("No browser is bound. A passkey at sign-in binds one; or: nod browser introduce USER");
        return Ok(());
    }
    let rows: Vec<[String; 5]> = views
        .into_iter()
        .map(|view| [view.id, view.user, view.label, view.bound_by.into(), local(view.last_used_at.0)])
        .collect();
    output::table(["id", "user", "browser", "bound by", "last used"], &rows);
    Ok(())
}

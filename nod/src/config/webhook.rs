//! The tables `webhook`: programs that are told what happened.

use std::path::{Path, PathBuf};

use nod_core::audit::EventKind;
use serde::Deserialize;
use url::Url;

use super::network::Range;

/// Most webhooks of an installation.
const MOST_WEBHOOKS: usize = 16;
/// Longest name of one, in bytes.
const MAX_NAME_BYTES: usize = 32;

/// A program that is told what happened.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    /// Its name, for people and for the place in the audit.
    pub(crate) name: String,
    /// Where events go.
    #[serde(deserialize_with = "super::web_address::one")]
    pub(crate) url: Url,
    /// File of the secret that signs, where no systemd credential is.
    pub(crate) secret_file: Option<PathBuf>,
    /// Only these kinds of events; all when it is empty.
    #[serde(default)]
    pub(crate) events: Vec<Kind>,
    /// Networks inside that it may be in.
    #[serde(default)]
    pub(crate) allow: Vec<Range>,
    /// PEM file of authorities that may vouch for it, beside the system's.
    pub(crate) ca: Option<PathBuf>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a token (INV-24).
        f.debug_struct("Webhook").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A kind of event by its name in the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Kind(pub(crate) EventKind);

/// No kind of event.
#[derive(Debug, thiserror::Error)]
#[error("there are no events of the kind {0:?}; their names: {names}", names = names())]
pub(crate) struct BadKind(String);

fn names() -> String {
    EventKind::all().map(EventKind::name).collect::<Vec<_>>().join(", ")
}

impl TryFrom<String> for Kind {
    type Error = BadKind;
    fn try_from(text: String) -> Result<Self, BadKind> {
        EventKind::from_name(&text).map(Self).ok_or(BadKind(text))
    }
}

impl Webhook {
    /// With files relative to this folder. An error says what is wrong.
    fn checked(self, folder: &Path) -> Result<Self, (&'static str, String)> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=MAX_NAME_BYTES).contains(&self.name.len()) || !self.name.bytes().all(fits) {
            let what = format!("the name of a webhook has 1 to {MAX_NAME_BYTES} of a to z, 0 to 9 and -");
            return Err(("name", what));
        }
        let bare = self.url.username().is_empty() && self.url.password().is_none() && self.url.fragment().is_none();
        if self.url.scheme() != "https" || !bare {
            let what = format!("the url of the webhook {} must be https://, without user name and fragment", self.name);
            return Err(("url", what));
        }
        let beside = |file: &PathBuf| folder.join(file);
        let (secret_file, ca) = (self.secret_file.as_ref().map(beside), self.ca.as_ref().map(beside));
        Ok(Self { secret_file, ca, ..self })
    }
}

/// All of them, with files relative to this folder. An error names the key and says what is wrong.
pub(super) fn checked(all: Vec<Webhook>, folder: &Path) -> Result<Vec<Webhook>, (&'static str, String)> {
    if all.len() > MOST_WEBHOOKS {
        return Err(("webhook", format!("there are more than {MOST_WEBHOOKS} webhooks")));
    }
    let all = all.into_iter().map(|webhook| webhook.checked(folder)).collect::<Result<Vec<_>, _>>()?;
    for (at, webhook) in all.iter().enumerate() {
        if all.iter().take(at).any(|before| before.name == webhook.name) {
            return Err(("webhook", format!("two webhooks have the name {}", webhook.name)));
        }
    }
    Ok(all)
}

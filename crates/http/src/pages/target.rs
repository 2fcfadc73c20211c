//! Where a sign-in leads: the app that sent the visitor, and the path to come back to.

use nod_core::access::App;
use nod_core::sign_in::SignIn;
use nod_core::{AppId, SecretHash};
use nod_engine::{Engine, Fault, Outcome};
use nod_protocol::b64;
use serde::Deserialize;

use crate::return_path;

/// As it came in the address or the form; every field may be missing.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    pub(super) app: String,
    #[serde(default, rename = "return")]
    pub(super) return_to: String,
    #[serde(default)]
    pub(super) binding: String,
    /// `1`: show the form even to somebody who is signed in (INV-15 asks for fresh sign-ins).
    #[serde(default)]
    pub(super) fresh: String,
}

/// Looked up and checked.
pub(super) struct Target {
    /// None is Nod's own account page.
    pub(super) app: Option<(App, SecretHash)>,
    /// Path on the app's host.
    pub(super) return_to: String,
}

impl Asked {
    /// # Errors
    /// [`Fault::NotFound`] for an app that is not there; [`Fault::BadRequest`] for an app without the binding of its browser.
    pub(super) async fn find(&self, engine: &Engine) -> Outcome<Target> {
        let return_to = return_path::checked(&self.return_to).to_owned();
        if self.app.is_empty() {
            return Ok(Target { app: None, return_to });
        }
        let id: AppId = self.app.parse().map_err(|_| Fault::NotFound("app"))?;
        let app = engine.store().app(id).await?.ok_or(Fault::NotFound("app"))?;
        let binding = b64::decode_array(&self.binding).map(SecretHash);
        let binding =
            binding.map_err(|_| Fault::BadRequest("this address is not complete: open the app again".to_owned()))?;
        Ok(Target { app: Some((app, binding)), return_to })
    }
}

impl Target {
    /// A page of ours on the way to the same place.
    pub(super) fn link(&self, page: &str) -> String {
        match &self.app {
            Some((app, binding)) => link(page, app.id, *binding, &self.return_to),
            None => page.to_owned(),
        }
    }
}

fn link(page: &str, app: AppId, binding: SecretHash, return_to: &str) -> String {
    let (return_to, binding) = (return_path::encoded(return_to), b64::encode(binding.0));
    format!("{page}?app={app}&return={return_to}&binding={binding}")
}

/// The first page of the same sign-in again, on the way to the same app.
pub(super) fn start_over(sign_in: &SignIn) -> String {
    match (sign_in.app, sign_in.binding) {
        (Some(app), Some(binding)) => link("/sign-in", app, binding, &sign_in.return_to),
        _ => "/sign-in".to_owned(),
    }
}

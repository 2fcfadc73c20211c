//! Which app a request is for.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use nod_core::access::App;
use nod_engine::{Engine, Outcome};
use nod_protocol::device_api::ErrorCode;

use crate::client;
use crate::fault::Refusal;
use crate::host;
use crate::state::AppState;

/// The app whose host the request names. The request came through a configured proxy, which vouches for that name (INV-25).
pub(super) struct AppHost(pub(super) App);

impl FromRequestParts<AppState> for AppHost {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let peer = client::peer(parts)?.0.ip();
        if !state.proxies().trusts(peer) {
            tracing::warn!(%peer, "an app's request came from an address that is not a configured proxy");
            let words =
                "this server takes requests for apps from configured proxies only: an administrator can add yours";
            return Err(Refusal::new(ErrorCode::Forbidden, words));
        }
        // A proxy's Host decides. The other header is for proxies that call us by our own name (Traefik does): a visitor can
        // write it through nginx, and must not choose the app by it.
        for named in [host::requested(parts), only(&parts.headers, "x-forwarded-host").and_then(host::plain)] {
            let Some(named) = named else { continue };
            if let Some(app) = app_at(state.engine(), &named).await? {
                return Ok(Self(app));
            }
        }
        Err(Refusal::new(ErrorCode::NotFound, "no app with this host is known: an administrator can add it"))
    }
}

/// Apps have exact origins. Which scheme a proxy uses is configuration, so both are looked up and no header is asked.
async fn app_at(engine: &Engine, host: &str) -> Outcome<Option<App>> {
    for (scheme, default_port) in [("https://", ":443"), ("http://", ":80")] {
        let host = host.strip_suffix(default_port).unwrap_or(host);
        if let Some(app) = engine.app_at(&format!("{scheme}{host}")).await? {
            return Ok(Some(app));
        }
    }
    Ok(None)
}

/// A header's value, if it came once and is text.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() { None } else { first.to_str().ok() }
}

//! Who this server is, device sign-in, and the end of a device.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::response::AppendHeaders;
use http::header::{AUTHORIZATION, HeaderName, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use nod_core::{DeviceId, limits};
use nod_engine::{Fault, Phone};
use nod_protocol::B64;
use nod_protocol::device_api::{NonceAnswer, ServerInfo, SessionAnswer, SessionRequest};

use crate::body::{InPath, JsonBody, NoBody};
use crate::cookies::DEVICE;
use crate::fault::{Refusal, Reply};
use crate::state::AppState;

/// The phone that asks, by bearer token or cookie.
pub(super) struct Caller {
    pub(super) phone: Phone,
    /// A secret.
    pub(super) token: String,
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let token = token(&parts.headers).ok_or(Fault::NotSignedIn)?;
        let phone = state.engine().phone(&token).await?;
        Ok(Self { phone, token })
    }
}

/// The token. Where there is an Authorization header, it alone counts, and there must be one only.
fn token(headers: &HeaderMap) -> Option<String> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    match (given.next(), given.next()) {
        (None, _) => DEVICE.read(headers),
        (Some(only), None) => {
            let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
            let is_bearer = scheme.eq_ignore_ascii_case("bearer") && token.len() <= crate::limits::COOKIE_BYTES;
            is_bearer.then(|| token.to_owned())
        }
        _ => None,
    }
}

pub(super) async fn server(State(state): State<AppState>) -> Json<ServerInfo> {
    let settings = state.engine().settings();
    Json(ServerInfo {
        name: settings.server_name.clone(),
        origin: settings.origin.clone(),
        rp_id: settings.rp_id.clone(),
        vapid_public_key: B64(settings.vapid_public_key.clone()),
    })
}

pub(super) async fn nonce(State(state): State<AppState>, _: NoBody) -> Reply<Json<NonceAnswer>> {
    Ok(Json(state.engine().device_nonce().await?))
}

pub(super) async fn sign_in(
    State(state): State<AppState>,
    JsonBody(body): JsonBody<SessionRequest>,
) -> Reply<(AppendHeaders<[(HeaderName, HeaderValue); 1]>, Json<SessionAnswer>)> {
    let answer = state.engine().device_sign_in(&body.devices).await?;
    let cookie = DEVICE.set(&answer.token, limits::DEVICE_SESSION_LIFE);
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), Json(answer)))
}

pub(super) async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    InPath(id): InPath<DeviceId>,
) -> Reply<StatusCode> {
    let device = caller.phone.device(id)?;
    state.engine().revoke_device(device.user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::COOKIE;

    #[test]
    fn one_authorization_header_or_the_cookie() {
        for (lines, expected) in [
            (vec![(AUTHORIZATION, "Bearer abc")], Some("abc")),
            (vec![(AUTHORIZATION, "bearer abc"), (COOKIE, "__Host-nod-device=def")], Some("abc")),
            (vec![(COOKIE, "__Host-nod-device=def")], Some("def")),
            (vec![(AUTHORIZATION, "Basic abc"), (COOKIE, "__Host-nod-device=def")], None),
            (vec![(AUTHORIZATION, "Bearer a"), (AUTHORIZATION, "Bearer b")], None),
            (vec![], None),
        ] {
            let headers: HeaderMap =
                lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
            assert_eq!(token(&headers).as_deref(), expected, "{lines:?}");
        }
    }
}

//! Security keys and passkeys that belong to no phone: added in place of a phone, used without a user name, renamed and removed.

use axum::Json;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use nod_core::{PasskeyId, limits};
use nod_engine::{AuthnRequest, Begun};
use nod_protocol::device_api::ErrorCode;
use nod_protocol::pages::{EnrolKeyRequest, EnrolStatus, LocationAnswer, NamelessRequest};
use nod_protocol::portal::{RenameRequest, RevokeRequest};
use nod_protocol::webauthn::{CreationOptions, RequestOptions};
use zeroize::Zeroizing;

use super::callers::{OwnEnrolment, SignedIn};
use super::portal::{no_content, opened, or_sign_in_again};
use super::target::Asked;
use super::views::NamelessView;
use super::{agent, sign_in};
use crate::body::{InPath, InQuery, JsonBody, NoBody};
use crate::client::Client;
use crate::cookies;
use crate::fault::{Refusal, Reply};
use crate::state::AppState;

/// POST `/enrol/key/options`.
pub(super) async fn enrol_options(
    State(state): State<AppState>,
    own: OwnEnrolment,
    _: NoBody,
) -> Reply<Json<CreationOptions>> {
    Ok(Json(state.engine().enrolment_key_options(&own.enrolment, &own.user).await?))
}

/// POST `/enrol/key`: ends the enrolment with the key in place of a phone.
pub(super) async fn enrol(
    State(state): State<AppState>,
    Client(address): Client,
    own: OwnEnrolment,
    JsonBody(body): JsonBody<EnrolKeyRequest>,
) -> Reply<Json<EnrolStatus>> {
    let address = address.to_string();
    state.engine().enrol_key(&own.enrolment, &own.user, &body.registration, &body.name, &address).await?;
    Ok(Json(own.status(state.engine()).await?))
}

/// GET `/sign-in/nameless`: a page of its own, so that the form that takes a password needs no script.
pub(super) async fn nameless_page(
    State(state): State<AppState>,
    headers: HeaderMap,
    asked: Reply<InQuery<Asked>>,
) -> Response {
    let site = state.site();
    let found = match asked {
        Ok(InQuery(asked)) => asked.find(state.engine()).await.map(|target| (asked, target)).map_err(Refusal::from),
        Err(refusal) => Err(refusal),
    };
    let (asked, target) = match found {
        Ok(found) => found,
        Err(refusal) => return site.refusal(&refusal, &headers),
    };
    let view = NamelessView {
        assets: &site.assets,
        server: &site.server,
        words: site.words(&headers),
        app_name: target.app.as_ref().map_or("", |(app, _)| app.display_name.as_str()),
        app: &asked.app,
        return_to: &target.return_to,
        binding: &asked.binding,
        back: &target.link("/sign-in"),
    };
    site.page(StatusCode::OK, &view, &site.policies.nameless)
}

/// POST `/sign-in/nameless/options`: the same for everybody (INV-29), and good in this browser only.
pub(super) async fn nameless_options(State(state): State<AppState>, _: NoBody) -> Reply<Response> {
    let secret = state.engine().fresh_secret();
    let options: RequestOptions = state.engine().nameless_options(&secret).await?;
    let set = AppendHeaders([(SET_COOKIE, cookies::NAMELESS.set(&secret, limits::NAMELESS_CHALLENGE_LIFE))]);
    Ok((set, Json(options)).into_response())
}

/// POST `/sign-in/nameless`: the passkey says who it is; the sign-in is then finished like every other.
pub(super) async fn nameless(
    State(state): State<AppState>,
    Client(address): Client,
    headers: HeaderMap,
    JsonBody(body): JsonBody<NamelessRequest>,
) -> Reply<Response> {
    let engine = state.engine();
    let asked = Asked { app: body.app, return_to: body.return_to, binding: body.binding, fresh: String::new() };
    let target = asked.find(engine).await?;
    let request = AuthnRequest {
        user_name: String::new(),
        password: Zeroizing::default(),
        app: target.app.as_ref().map(|(app, _)| app.id),
        return_to: target.return_to,
        binding: target.app.as_ref().map(|(_, binding)| *binding),
        browser_cookie: cookies::BROWSER.read(&headers),
        address: address.to_string(),
        agent: agent::label_of(&headers),
    };
    let Some(secret) = cookies::NAMELESS.read(&headers) else { return Err(refused()) };
    match engine.begin_nameless(&request, &secret, &body.assertion).await? {
        Begun::Refused => Err(refused()),
        Begun::UnknownRefused => Err(sign_in::unknown_refused()),
        Begun::NotPermitted => Err(sign_in::not_permitted()),
        Begun::Started { token, browser_cookie } => {
            let mut set = sign_in::started(&token, browser_cookie);
            set.push((SET_COOKIE, cookies::NAMELESS.clear()));
            Ok((AppendHeaders(set), Json(LocationAnswer { location: "/sign-in/continue".to_owned() })).into_response())
        }
    }
}

/// One answer for an unknown passkey, a disabled account, a challenge that has ended and a signature that does not hold (INV-29).
fn refused() -> Refusal {
    Refusal::new(
        ErrorCode::BadSignature,
        "this passkey opens no account here: try again, or sign in with your user name and password",
    )
}

/// POST `/portal/keys/add`: opens an enrolment in this browser, for a key.
pub(super) async fn add(State(state): State<AppState>, who: SignedIn, _: NoBody) -> Reply<Response> {
    or_sign_in_again(state.engine().open_own_enrolment(&who.session).await, |secret| opened(&secret, "/enrol?key"))
}

/// POST `/portal/keys/{id}/remove`.
pub(super) async fn remove(
    State(state): State<AppState>,
    who: SignedIn,
    InPath(id): InPath<PasskeyId>,
    JsonBody(body): JsonBody<RevokeRequest>,
) -> Reply<Response> {
    or_sign_in_again(state.engine().remove_own_key(&who.session, &who.user, id, body.even_last).await, no_content)
}

/// POST `/portal/keys/{id}/rename`.
pub(super) async fn rename(
    State(state): State<AppState>,
    who: SignedIn,
    InPath(id): InPath<PasskeyId>,
    JsonBody(body): JsonBody<RenameRequest>,
) -> Reply<StatusCode> {
    state.engine().rename_key(&who.user, id, &body.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

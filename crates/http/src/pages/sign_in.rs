//! The first page of a sign-in: name and password, as a plain form that needs no script.

use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use nod_core::{limits, text};
use nod_engine::{AuthnRequest, Begun, Fault};
use nod_protocol::device_api::ErrorCode;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::agent;
use super::target::{Asked, Target};
use super::views::SignInView;
use crate::body::{FormBody, InQuery};
use crate::client::Client;
use crate::cookies;
use crate::fault::{Refusal, Reply};
use crate::state::AppState;

/// One sentence for a wrong name, a wrong password and a disabled account (INV-29).
const REFUSED: &str = "User name or password is not right. Try again.";

/// What the form posts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInForm {
    #[serde(default)]
    app: String,
    #[serde(default, rename = "return")]
    return_to: String,
    #[serde(default)]
    binding: String,
    user: String,
    password: String,
}

/// GET `/sign-in`: the form, or straight on for somebody who is signed in.
pub(super) async fn form(State(state): State<AppState>, asked: Reply<InQuery<Asked>>, headers: HeaderMap) -> Response {
    let answer = match asked {
        Ok(InQuery(asked)) => first_page(&state, &asked, &headers).await,
        Err(refusal) => Err(refusal),
    };
    answer.unwrap_or_else(|refusal| state.site().refusal(&refusal, &headers))
}

async fn first_page(state: &AppState, asked: &Asked, headers: &HeaderMap) -> Reply<Response> {
    let engine = state.engine();
    let target = asked.find(engine).await?;
    let session = match cookies::SESSION.read(headers) {
        Some(cookie) if asked.fresh != "1" => engine.session(&cookie).await.ok(),
        _ => None,
    };
    let Some((session, _)) = session else {
        return Ok(show(state, headers, asked, &target, None));
    };
    let location = match &target.app {
        Some((app, binding)) => engine.carry_on(&session, app, *binding, &target.return_to).await?,
        None => "/portal".to_owned(),
    };
    Ok(Redirect::to(&location).into_response())
}

fn show(state: &AppState, headers: &HeaderMap, asked: &Asked, target: &Target, again: Option<&str>) -> Response {
    let site = state.site();
    let words = site.words(headers);
    let error = again.map(|_| words.sentence(ErrorCode::NotSignedIn, REFUSED)).unwrap_or_default();
    let status = if again.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    let view = SignInView {
        assets: &site.assets,
        server: &site.server,
        words,
        app_name: target.app.as_ref().map_or("", |(app, _)| app.display_name.as_str()),
        app: &asked.app,
        return_to: &asked.return_to,
        binding: &asked.binding,
        user: again.unwrap_or_default(),
        error: &error,
        passkey: &target.link("/sign-in/nameless"),
    };
    site.page(status, &view, &site.policies.plain)
}

/// POST `/sign-in`: checks name and password, and goes on to `/sign-in/continue`.
pub(super) async fn submit(
    State(state): State<AppState>,
    Client(address): Client,
    headers: HeaderMap,
    form: Reply<FormBody<SignInForm>>,
) -> Response {
    let answer = match form {
        Ok(FormBody(form)) => begin(&state, form, address.to_string(), &headers).await,
        Err(refusal) => Err(refusal),
    };
    answer.unwrap_or_else(|refusal| state.site().refusal(&refusal, &headers))
}

async fn begin(state: &AppState, form: SignInForm, address: String, headers: &HeaderMap) -> Reply<Response> {
    let asked = Asked { app: form.app, return_to: form.return_to, binding: form.binding, fresh: String::new() };
    let target = asked.find(state.engine()).await?;
    let user = text::shown(&form.user);
    let request = AuthnRequest {
        user_name: form.user,
        password: Zeroizing::new(form.password),
        app: target.app.as_ref().map(|(app, _)| app.id),
        return_to: target.return_to.clone(),
        binding: target.app.as_ref().map(|(_, binding)| *binding),
        browser_cookie: cookies::BROWSER.read(headers),
        address,
        agent: agent::label_of(headers),
    };
    match state.engine().begin(request).await? {
        Begun::Refused => Ok(show(state, headers, &asked, &target, Some(&user))),
        Begun::UnknownRefused => Err(unknown_refused()),
        Begun::NotPermitted => Err(not_permitted()),
        Begun::Started { token, browser_cookie } => {
            let set = AppendHeaders(started(&token, browser_cookie));
            Ok((set, Redirect::to("/sign-in/continue")).into_response())
        }
    }
}

/// The cookies of a sign-in that was begun: a new secret after the proof, so that one planted before it is worth nothing (W05).
pub(super) fn started(token: &str, browser_cookie: Option<String>) -> Vec<(HeaderName, HeaderValue)> {
    let mut set = vec![(SET_COOKIE, cookies::SIGN_IN.set(token, limits::SIGN_IN_LIFE))];
    set.extend(browser_cookie.map(|secret| (SET_COOKIE, cookies::BROWSER.set(&secret, limits::BROWSER_LIFE))));
    set
}

pub(super) fn unknown_refused() -> Refusal {
    Refusal::from(Fault::Forbidden(
        "a sign-in to this account was reported, so Nod takes only browsers that it knows: use one of them, or ask \
         your administrator"
            .to_owned(),
    ))
}

pub(super) fn not_permitted() -> Refusal {
    Refusal::from(Fault::Forbidden("your account is not admitted to this app: ask your administrator".to_owned()))
}

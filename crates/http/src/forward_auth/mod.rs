//! Forward-auth: `/.nod/*` on the hosts of protected apps, behind the apps' proxy (nginx `auth_request`, Caddy
//! `forward_auth`). `docs/guide/protect-an-app.md` shows how.
//!
//! Everything here is judged by host, never by path: there is nothing to gain by writing a path in another way (W10). Identity
//! headers of the request are not read anywhere.

mod app_host;
mod auth;
mod page;
mod sign_out;
mod start;

use axum::routing::{get, post};

use crate::routes::{Access, Route, Verb};

/// Where an app's visitor is sent to sign in.
pub(crate) const START: &str = "/.nod/start";
const SIGN_OUT: &str = "/.nod/sign-out";

/// What apps' hosts answer.
pub(crate) const ROUTES: &[Route] = &[
    Route { verb: Verb::Get, path: "/.nod/auth", access: Access::App, handler: || get(auth::check) },
    Route { verb: Verb::Get, path: START, access: Access::Open, handler: || get(start::begin) },
    Route { verb: Verb::Get, path: "/.nod/callback", access: Access::Proof, handler: || get(start::arrive) },
    Route { verb: Verb::Get, path: SIGN_OUT, access: Access::Open, handler: || get(sign_out::ask) },
    Route { verb: Verb::Post, path: SIGN_OUT, access: Access::Open, handler: || post(sign_out::go) },
];

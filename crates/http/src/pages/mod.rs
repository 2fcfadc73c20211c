//! The pages for people, and the endpoints that their scripts use (`docs/device-api.md`, "Pages and their endpoints").
//!
//! Pages carry no inline script or style; each has a policy that lists its own files (`csp`). Errors are sentences: as a page
//! where a person asked for one, as JSON where a script did.

mod account;
mod account_view;
mod agent;
mod ago;
mod assets;
mod authenticator;
mod callers;
mod csp;
mod enrol;
mod go_on;
mod introduce;
mod qr;
mod sign_in;
mod site;
mod target;
mod views;

use axum::routing::{get, post};

use crate::routes::{Access, Route, Verb};

pub(crate) use site::Site;

macro_rules! routes {
    ($($verb:ident $path:literal $access:ident $handler:path;)*) => {
        &[$(Route { verb: routes!(@verb $verb), path: $path, access: Access::$access, handler: || $verb($handler) }),*]
    };
    (@verb get) => { Verb::Get };
    (@verb post) => { Verb::Post };
}

/// What the pages answer.
pub(crate) const ROUTES: &[Route] = routes! {
    get "/" Open account::home;
    get "/assets/{*path}" Open assets::serve;
    // Without a sign-in or session these two lead to the form.
    get "/sign-in/continue" Open go_on::page;
    get "/account" Open account::page;
    get "/sign-in" Open sign_in::form;
    post "/sign-in" Proof sign_in::submit;
    get "/sign-in/status" SignIn go_on::status;
    get "/sign-in/events" SignIn go_on::events;
    post "/sign-in/resend" SignIn go_on::resend;
    post "/sign-in/cancel" SignIn go_on::cancel;
    post "/sign-in/again" SignIn go_on::again;
    post "/sign-in/passkey/options" SignIn go_on::passkey_options;
    post "/sign-in/passkey" SignIn go_on::passkey;
    post "/sign-in/finish" SignIn go_on::finish;
    get "/enrol" Open enrol::page;
    post "/enrol/open" Proof enrol::open;
    get "/enrol/status" Enrolment enrol::status;
    get "/enrol/events" Enrolment enrol::events;
    post "/enrol/password" Enrolment enrol::password;
    post "/enrol/code" Enrolment enrol::code;
    post "/enrol/confirm" Enrolment enrol::confirm;
    post "/enrol/refuse" Enrolment enrol::refuse;
    post "/enrol/passkey/options" Enrolment enrol::passkey_options;
    post "/enrol/passkey" Enrolment enrol::passkey;
    get "/introduce" Open introduce::page;
    post "/introduce" Proof introduce::submit;
    post "/account/enrol" Session account::enrol;
    post "/account/devices/{id}/revoke" Session account::revoke_device;
    post "/account/devices/{id}/rename" Session account::rename_device;
    post "/account/browsers/{id}/unbind" Session account::unbind_browser;
    post "/account/sessions/{id}/end" Session account::end_session;
    post "/account/sign-out" Session account::sign_out;
    get "/authenticator" Open authenticator::page;
    get "/authenticator/worker.js" Open authenticator::worker;
    get "/authenticator/manifest.webmanifest" Open authenticator::manifest;
};

//! The pages for people, and the endpoints that their scripts use (`docs/device-api.md`, "Pages and their endpoints").
//!
//! Pages carry no inline script or style; each has a policy that lists its own files (`csp`). Errors are sentences: as a page
//! where a person asked for one, as JSON where a script did.

mod agent;
mod assets;
mod authenticator;
mod callers;
mod csp;
mod enrol;
mod go_on;
mod introduce;
mod keys;
mod language;
mod portal;
mod qr;
mod recovery;
mod sign_in;
mod site;
mod target;
mod views;

use axum::routing::{get, post};

use crate::routes::{Access, Route, Verb};

pub(crate) use language::Words;
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
    get "/" Open portal::home;
    get "/assets/{*path}" Open assets::serve;
    // Without a sign-in or session these two lead to the form.
    get "/sign-in/continue" Open go_on::page;
    get "/portal" Open portal::page;
    get "/sign-in" Open sign_in::form;
    post "/sign-in" Proof sign_in::submit;
    get "/sign-in/nameless" Open keys::nameless_page;
    // What it gives is the same for everybody and opens nothing.
    post "/sign-in/nameless/options" Open keys::nameless_options;
    post "/sign-in/nameless" Proof keys::nameless;
    get "/sign-in/status" SignIn go_on::status;
    get "/sign-in/events" SignIn go_on::events;
    post "/sign-in/resend" SignIn go_on::resend;
    post "/sign-in/cancel" SignIn go_on::cancel;
    post "/sign-in/again" SignIn go_on::again;
    post "/sign-in/passkey/options" SignIn go_on::passkey_options;
    post "/sign-in/passkey" SignIn go_on::passkey;
    post "/sign-in/code" SignIn go_on::code;
    post "/sign-in/recover" SignIn recovery::use_code;
    post "/sign-in/finish" SignIn go_on::finish;
    get "/enrol" Open enrol::page;
    post "/enrol/open" Proof enrol::open;
    get "/enrol/status" Enrolment enrol::status;
    get "/enrol/events" Enrolment enrol::events;
    post "/enrol/password" Enrolment enrol::password;
    post "/enrol/code" Enrolment enrol::code;
    post "/enrol/key/options" Enrolment keys::enrol_options;
    post "/enrol/key" Enrolment keys::enrol;
    post "/enrol/confirm" Enrolment enrol::confirm;
    post "/enrol/refuse" Enrolment enrol::refuse;
    post "/enrol/passkey/options" Enrolment enrol::passkey_options;
    post "/enrol/passkey" Enrolment enrol::passkey;
    get "/introduce" Open introduce::page;
    post "/introduce" Proof introduce::submit;
    get "/portal/state" Session portal::look;
    get "/portal/history" Session portal::history;
    post "/portal/history/{place}/not-me" Session portal::not_me;
    post "/portal/allow-unknown" Session portal::allow_unknown;
    post "/portal/enrol" Session portal::enrol;
    post "/portal/recovery" Session recovery::make;
    post "/portal/recovery/cancel" Session recovery::cancel;
    post "/portal/phones/{id}/revoke" Session portal::revoke_phone;
    post "/portal/phones/{id}/rename" Session portal::rename_phone;
    post "/portal/phones/{id}/test" Session portal::test_phone;
    post "/portal/keys/add" Session keys::add;
    post "/portal/keys/{id}/remove" Session keys::remove;
    post "/portal/keys/{id}/rename" Session keys::rename;
    get "/portal/tests/{id}" Session portal::test_state;
    post "/portal/browsers/{id}/forget" Session portal::forget_browser;
    post "/portal/sessions/{id}/end" Session portal::end_session;
    post "/portal/sign-out" Session portal::sign_out;
    get "/authenticator" Open authenticator::page;
    get "/authenticator/worker.js" Open authenticator::worker;
    get "/authenticator/manifest.webmanifest" Open authenticator::manifest;
};

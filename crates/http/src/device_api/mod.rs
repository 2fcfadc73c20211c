//! The device API, `docs/device-api.md`. One file per group; each handler parses, calls the engine and formats.

mod enrol;
mod events;
mod requests;
mod self_test;
mod session;

use axum::routing::{delete, get, post, put};
use nod_protocol::device_api::paths;

use crate::routes::{Access, Route, Verb};

/// What the device API answers.
pub(crate) const ROUTES: &[Route] = &[
    Route { verb: Verb::Get, path: paths::SERVER, access: Access::Open, handler: || get(session::server) },
    Route { verb: Verb::Post, path: paths::NONCE, access: Access::Open, handler: || post(session::nonce) },
    Route { verb: Verb::Post, path: paths::SESSION, access: Access::Proof, handler: || post(session::sign_in) },
    Route { verb: Verb::Delete, path: paths::DEVICE, access: Access::Device, handler: || delete(session::remove) },
    Route { verb: Verb::Post, path: paths::ENROL, access: Access::Proof, handler: || post(enrol::join) },
    Route { verb: Verb::Post, path: paths::ENROL_PASSKEY, access: Access::Device, handler: || post(enrol::passkey) },
    Route { verb: Verb::Get, path: paths::ENROL_STATE, access: Access::Device, handler: || get(enrol::state) },
    Route { verb: Verb::Put, path: paths::SUBSCRIPTION, access: Access::Device, handler: || put(enrol::subscription) },
    Route { verb: Verb::Get, path: paths::PENDING, access: Access::Device, handler: || get(requests::pending) },
    Route { verb: Verb::Get, path: paths::REQUEST, access: Access::Device, handler: || get(requests::one) },
    Route { verb: Verb::Post, path: paths::ANSWER, access: Access::Device, handler: || post(requests::answer) },
    Route { verb: Verb::Get, path: paths::HISTORY, access: Access::Device, handler: || get(requests::history) },
    Route { verb: Verb::Get, path: paths::NOTICES, access: Access::Device, handler: || get(requests::notices) },
    Route {
        verb: Verb::Post,
        path: paths::CANCEL_RECOVERY,
        access: Access::Device,
        handler: || post(requests::cancel_recovery),
    },
    Route { verb: Verb::Get, path: paths::EVENTS, access: Access::Device, handler: || get(events::pending) },
    // Says nothing to anybody, and takes times only for ids that nobody can guess.
    Route { verb: Verb::Post, path: paths::STAGES, access: Access::Open, handler: || post(self_test::stage) },
    Route { verb: Verb::Post, path: paths::SELF_TEST, access: Access::Device, handler: || post(self_test::start) },
    Route { verb: Verb::Get, path: paths::SELF_TEST_STATE, access: Access::Device, handler: || get(self_test::state) },
    Route {
        verb: Verb::Post,
        path: paths::SELF_TEST_ANSWER,
        access: Access::Device,
        handler: || post(self_test::answer),
    },
];

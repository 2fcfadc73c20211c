//! The one table of everything that is answered. The router is built from it, and the probe test walks it: a route that is not
//! here does not exist, and one whose `access` is wrong fails the test.

use axum::routing::MethodRouter;
use http::Method;

use crate::state::AppState;
use crate::{device_api, forward_auth, pages};

/// Which host a route lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// Nod's own host.
    Own,
    /// Apps' hosts: `/.nod/*`.
    Apps,
}

/// Who gets anything out of a route. Without it the answer is 401, 403 or 404 and nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody: it gives and changes nothing of anybody's.
    Open,
    /// Whoever brings the right secret or password in the body or the address; it is judged (and counted) by the engine.
    Proof,
    /// A device session.
    Device,
    /// The browser whose sign-in is under way.
    SignIn,
    /// The browser that asked for an enrolment.
    Enrolment,
    /// A session at Nod's own origin.
    Session,
    /// An app session, on the app's host.
    App,
}

/// A method of a route. GET answers HEAD as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
}

impl From<Verb> for Method {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Get => Self::GET,
            Verb::Post => Self::POST,
            Verb::Put => Self::PUT,
            Verb::Delete => Self::DELETE,
        }
    }
}

/// One method of one path.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Which method.
    pub verb: Verb,
    /// The path, in axum's form.
    pub path: &'static str,
    /// Who gets anything out of it.
    pub access: Access,
    /// The handler; a function, as method routers cannot be made in a constant. Must answer `verb` alone.
    pub handler: fn() -> MethodRouter<AppState>,
}

/// Every route with its face.
pub fn routes() -> impl Iterator<Item = (Face, &'static Route)> {
    let own = device_api::ROUTES.iter().chain(pages::ROUTES).chain(HEALTH).map(|route| (Face::Own, route));
    own.chain(forward_auth::ROUTES.iter().chain(HEALTH).map(|route| (Face::Apps, route)))
}

/// For load balancers and service managers, which ask by address: on every host.
const HEALTH: &[Route] = &[Route {
    verb: Verb::Get,
    path: "/healthz",
    access: Access::Open,
    handler: || axum::routing::get(crate::router::healthy),
}];

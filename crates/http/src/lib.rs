//! HTTP faces of Nod: the device API, the pages and forward-auth. Thin: parse, call the engine, format.
//!
//! On Nod's own host live the device API and the pages; on every other host only `/.nod/*`, for protected apps. Which face
//! answers is decided by the request's host against the configured one; links and redirects always name the configured
//! address (E17). [`routes`] is the one table that the router is built from and that the probe test walks.

pub mod body;
pub mod client;
pub mod cookies;
mod device_api;
pub mod fault;
mod followers;
mod forward_auth;
pub mod headers;
mod host;
mod internal;
pub mod limits;
mod log;
mod meters;
pub mod origin;
pub mod pages;
mod per_source;
mod redirect;
pub mod return_path;
mod router;
pub mod routes;
pub mod serve;
pub mod sse;
mod state;
mod stop;
mod tls;
mod transport;

pub use client::{Peer, TrustedProxies};
pub use fault::{Refusal, Reply};
pub use followers::Followers;
pub use host::{BadOrigin, PublicAddress};
pub use internal::{Pulse, internal};
pub use redirect::{HttpChallenge, redirect};
pub use router::router;
pub use routes::{Access, Face, Route, Verb, routes};
pub use serve::serve;
pub use state::AppState;
pub use stop::{Stop, StopHandle};
pub use tls::{Tls, TlsError, certificate_validity};
pub use transport::Transport;

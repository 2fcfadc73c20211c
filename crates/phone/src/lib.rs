//! The device side of Nod as a library: what `nod phone` and the tests use in place of a real phone.
//!
//! User verification by a software passkey is this program's own word: no biometric stands behind it. A server lets such a
//! device in only for users to whom it is permitted.
//!
//! Randomness comes in through [`Entropy`]; of time only the server's clock is used, and timers for waiting. The HTTP client
//! comes in as well ([`http_client`] prepares one; the binary must have installed rustls's crypto provider before).

pub mod client;
pub mod enrol_browser;
pub mod entropy;
mod error;
pub mod events;
pub mod keys;
pub mod origin;
pub mod softkey;
pub mod sse;
pub mod state;
mod transport;

pub use client::{Enrolled, Phone, Request};
pub use enrol_browser::EnrolBrowser;
pub use entropy::Entropy;
pub use error::PhoneError;
pub use events::Events;
pub use origin::{EnrolLink, Origin};
pub use softkey::SoftPasskey;
pub use state::{Account, PhoneState, StateError};
pub use transport::http_client;

//! Signing in: begin, poll, act, finish. A front end parses and formats around these.

mod ask;
mod begin;
mod browser;
mod code;
mod finish;
mod nameless;
mod passkey;
mod recover;
mod status;

pub(crate) use code::reset_codes;

pub use begin::{AuthnRequest, Begun};
pub use browser::Asking;
pub use finish::Finished;

use nod_core::sign_in::SignIn;
use nod_core::{SignInId, Timestamp};
use subtle::ConstantTimeEq as _;

use crate::engine::Engine;
use crate::fault::{Fault, Outcome};
use crate::vault::hash_secret;

impl Engine {
    /// The sign-in that a browser's cookie names, if the secret is its own (INV-05).
    ///
    /// # Errors
    /// [`Fault::NotSignedIn`] for anything else: which part was wrong is not said.
    pub async fn sign_in_of(&self, token: &str) -> Outcome<SignIn> {
        let (id, secret) = token.split_once('.').ok_or(Fault::NotSignedIn)?;
        let id: SignInId = id.parse().map_err(|_| Fault::NotSignedIn)?;
        let sign_in = self.store.sign_in(id).await?.ok_or(Fault::NotSignedIn)?;
        let own = bool::from(hash_secret(secret).0.ct_eq(&sign_in.secret.0));
        if own { Ok(sign_in) } else { Err(Fault::NotSignedIn) }
    }
}

/// Whether the sign-in's life is over.
fn is_over(sign_in: &SignIn, now: Timestamp) -> bool {
    sign_in.expires_at.has_passed(now)
}

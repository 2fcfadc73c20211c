//! Who calls: the sign-in, enrolment or session of this browser's cookie. Judged before the body is looked at.

use axum::extract::FromRequestParts;
use http::request::Parts;
use nod_core::access::Session;
use nod_core::enrolment::Enrolment;
use nod_core::people::User;
use nod_core::sign_in::SignIn;
use nod_engine::{Engine, Fault, Outcome};
use nod_protocol::pages::{EnrolStatus, SignInPhase, SignInStatus};

use super::target::start_over;
use crate::cookies::{self, Cookie};
use crate::fault::Refusal;
use crate::state::AppState;

/// The sign-in that this browser began (INV-05).
pub(super) struct OwnSignIn {
    cookie: String,
    pub(super) sign_in: SignIn,
}

/// The enrolment that this browser opened (INV-16).
pub(super) struct OwnEnrolment {
    cookie: String,
    pub(super) enrolment: Enrolment,
    pub(super) user: User,
}

/// A live session and its active user.
pub(super) struct SignedIn {
    pub(super) session: Session,
    pub(super) user: User,
}

fn secret(parts: &Parts, cookie: Cookie) -> Outcome<String> {
    cookie.read(&parts.headers).ok_or(Fault::NotSignedIn)
}

impl OwnSignIn {
    /// How it stands now: read anew, for whoever still holds the cookie. When it has ended, `location` is where to start over.
    pub(super) async fn status(&self, engine: &Engine) -> Outcome<SignInStatus> {
        let mut status = engine.status(&engine.sign_in_of(&self.cookie).await?).await?;
        if status.phase == SignInPhase::Ended {
            status.location = Some(start_over(&self.sign_in));
        }
        Ok(status)
    }
}

impl OwnEnrolment {
    /// The enrolment of this secret.
    pub(super) async fn find(engine: &Engine, cookie: String) -> Outcome<Self> {
        let (enrolment, user) = engine.enrolment_of(&cookie).await?;
        Ok(Self { cookie, enrolment, user })
    }

    /// How it stands now: read anew, for whoever still holds the cookie.
    pub(super) async fn status(&self, engine: &Engine) -> Outcome<EnrolStatus> {
        let (enrolment, user) = engine.enrolment_of(&self.cookie).await?;
        engine.enrolment_status(&enrolment, &user).await
    }
}

impl FromRequestParts<AppState> for OwnSignIn {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let cookie = secret(parts, cookies::SIGN_IN)?;
        let sign_in = state.engine().sign_in_of(&cookie).await?;
        Ok(Self { cookie, sign_in })
    }
}

impl FromRequestParts<AppState> for OwnEnrolment {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        Ok(Self::find(state.engine(), secret(parts, cookies::ENROL)?).await?)
    }
}

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let (session, user) = state.engine().session(&secret(parts, cookies::SESSION)?).await?;
        Ok(Self { session, user })
    }
}

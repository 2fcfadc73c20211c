//! Bodies and paths of the pages' own endpoints: sign-in STATUS, enrolment STATUS and what is posted to them.

use serde::{Deserialize, Serialize};

use crate::device_api::Missing;
use crate::digits::SixDigits;
use crate::enrolment::EnrolmentCode;
use crate::webauthn::{AssertionJson, RegistrationJson};

/// Paths of the enrolment pages.
pub mod paths {
    /// GET: the enrolment page; the link is `ORIGIN/enrol#TOKEN`.
    pub const ENROL: &str = "/enrol";
    /// POST [`super::OpenRequest`].
    pub const ENROL_OPEN: &str = "/enrol/open";
    /// POST [`super::PasswordRequest`].
    pub const ENROL_PASSWORD: &str = "/enrol/password";
    /// POST `{}`: a fresh code.
    pub const ENROL_CODE: &str = "/enrol/code";
    /// GET: enrolment STATUS.
    pub const ENROL_STATUS: &str = "/enrol/status";
    /// GET: SSE with enrolment STATUS.
    pub const ENROL_EVENTS: &str = "/enrol/events";
    /// POST [`super::ConfirmRequest`].
    pub const ENROL_CONFIRM: &str = "/enrol/confirm";
}

/// Where a sign-in stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInPhase {
    /// A phone was asked.
    Waiting,
    /// A passkey or security key is asked for: this browser is not known, or there is no phone to ask.
    Introduce,
    /// A one-time code is asked for: there is no phone.
    Code,
    /// Over, see the outcome.
    Ended,
    /// Approved: finish it.
    Ready,
    /// Too many attempts.
    Locked,
}

/// How a sign-in ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInOutcome {
    /// The phone said no.
    Denied,
    /// The phone said "This wasn't me".
    Fraud,
    /// Nobody answered in time.
    Expired,
    /// The number typed was not the number shown.
    WrongNumber,
    /// Cancelled.
    Withdrawn,
    /// A check failed.
    Failed,
    /// A newer sign-in took its place.
    Superseded,
}

/// STATUS of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInStatus {
    /// Where it stands.
    pub phase: SignInPhase,
    /// How it ended; null while it has not.
    pub outcome: Option<SignInOutcome>,
    /// Names of the devices that were asked.
    pub devices: Vec<String>,
    /// The number to type on the phone, in number mode.
    pub number: Option<SixDigits>,
    /// A push was sent.
    pub sent: bool,
    /// A phone was reached.
    pub reached: bool,
    /// A phone opened the request.
    pub opened: bool,
    /// A phone answered.
    pub answered: bool,
    /// Unix milliseconds.
    pub expires_at: i64,
    /// The server's clock, Unix milliseconds.
    pub now: i64,
    /// Whether "send again" is allowed now.
    pub can_resend: bool,
    /// Whether a one-time code may be typed now.
    #[serde(default)]
    pub can_type_code: bool,
    /// Whether a recovery code may be typed now.
    #[serde(default)]
    pub can_recover: bool,
    /// Until when a phone of the account is on hold.
    #[serde(default)]
    pub held_until: Option<i64>,
    /// This browser was introduced before; a passkey is asked for because no phone is.
    #[serde(default)]
    pub known_browser: bool,
    /// The app's name.
    pub app: String,
    /// Where to go, once finished.
    pub location: Option<String>,
}

/// Body of POST `/sign-in/passkey`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInPasskeyRequest {
    /// The assertion.
    pub assertion: AssertionJson,
    /// Whether this browser is to be bound.
    pub keep_browser: bool,
}

/// Body of POST `/sign-in/code`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeRequest {
    /// The code as typed: a secret.
    pub code: String,
}

/// Answer of POST `/sign-in/finish`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationAnswer {
    /// Where to go.
    pub location: String,
}

/// A body without members: `{}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmptyRequest {}

/// Body of POST `/enrol/open`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenRequest {
    /// The link's token: a secret.
    pub token: String,
}

/// Body of POST `/enrol/password`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    /// The password: a secret.
    pub password: String,
}

/// Body of POST `/introduce`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntroduceRequest {
    /// The link's token: a secret.
    pub token: String,
    /// The user name.
    pub user: String,
    /// The password: a secret.
    pub password: String,
}

macro_rules! opaque_debug {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}
opaque_debug!(OpenRequest, PasswordRequest, IntroduceRequest, CodeRequest);

/// Body of POST `/enrol/key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolKeyRequest {
    /// The new credential.
    pub registration: RegistrationJson,
    /// How the person calls it; empty for a name of ours.
    pub name: String,
}

/// Body of POST `/sign-in/nameless`: where the sign-in leads, as in the form, and the passkey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamelessRequest {
    /// The app, or empty for the account's own page.
    pub app: String,
    /// Path on the app's host.
    #[serde(rename = "return")]
    pub return_to: String,
    /// Hash of the app host's cookie.
    pub binding: String,
    /// The assertion.
    pub assertion: AssertionJson,
}

/// Body of POST `/enrol/confirm`. The text is what the person typed; read it with [`SixDigits::parse_typed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmRequest {
    /// Six digits as typed.
    pub confirmation: String,
}

/// Where an enrolment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrolStep {
    /// The password is asked for.
    Password,
    /// The person has none yet and chooses one.
    ChoosePassword,
    /// A code can be made.
    Code,
    /// A code is shown; the device is awaited or not complete.
    Device,
    /// The confirmation is asked for.
    Confirm,
    /// Done; this browser may be introduced with the new passkey.
    Introduce,
    /// Done.
    Done,
    /// Done, with a security key or passkey in place of a phone.
    Keyed,
    /// Lapsed or withdrawn.
    Ended,
}

/// STATUS of an enrolment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolStatus {
    /// Where it stands.
    pub step: EnrolStep,
    /// The user name.
    #[serde(default)]
    pub user: Option<String>,
    /// The code, while one is open.
    #[serde(default)]
    pub code: Option<EnrolmentCode>,
    /// `ORIGIN/authenticator#enrol=CODE`.
    #[serde(default)]
    pub link: Option<String>,
    /// The link as an SVG of a QR code.
    #[serde(default)]
    pub qr: Option<String>,
    /// Unix milliseconds.
    #[serde(default)]
    pub expires_at: Option<i64>,
    /// The server's clock, Unix milliseconds.
    pub now: i64,
    /// The device, once it came.
    #[serde(default)]
    pub device: Option<EnrolDevice>,
    /// The device is put on hold: it comes by a recovery code typed in an unknown browser.
    #[serde(default)]
    pub on_hold: bool,
    /// Until when it is.
    #[serde(default)]
    pub held_until: Option<i64>,
    /// A security key or passkey may be added in place of a phone.
    #[serde(default)]
    pub can_use_key: bool,
}

/// The device of an enrolment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolDevice {
    /// Its name.
    pub name: String,
    /// What it still lacks.
    pub missing: Vec<Missing>,
}

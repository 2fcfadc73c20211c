//! Enrolment of a phone and its push subscription.

use serde::{Deserialize, Serialize};

use super::{DeviceState, ServerName, UserBody};
use crate::b64::{B64, Id};
use crate::digits::SixDigits;
use crate::enrolment::EnrolmentCode;
use crate::jwk::Jwk;
use crate::webauthn::{CreationOptions, RegistrationJson};

/// What kind of phone it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// The PWA on Android.
    Android,
    /// The PWA on iOS or iPadOS.
    Ios,
    /// The PWA in a desktop browser.
    Desktop,
    /// `nod phone`.
    Terminal,
}

/// Body of POST `/enrol`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// The code that the asking browser shows.
    pub code: EnrolmentCode,
    /// The device's name, at most [`DEVICE_NAME_MAX_CHARS`]; the server trims and checks it.
    pub name: String,
    /// The kind of device.
    pub platform: Platform,
    /// The device key.
    pub key: Jwk,
}

/// Answer of POST `/enrol` (201).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolAnswer {
    /// The new device.
    pub device: Id,
    /// Its user.
    pub user: UserBody,
    /// Its server.
    pub server: ServerName,
    /// What the person types in the asking browser.
    pub confirmation: SixDigits,
    /// Options for the passkey.
    pub passkey: CreationOptions,
    /// When the enrolment lapses, Unix milliseconds.
    pub expires_at: i64,
}

/// Body of POST `/enrol/passkey`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolPasskeyRequest {
    /// The pending device.
    pub device: Id,
    /// The new passkey.
    pub credential: RegistrationJson,
}

/// Answer of POST `/enrol/passkey`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceStateAnswer {
    /// The state after it.
    pub state: DeviceState,
}

/// What a pending device still lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// The passkey.
    Passkey,
    /// The word about notifications (granted or unavailable).
    Notifications,
    /// The confirmation typed in the asking browser.
    Confirmation,
}

/// Answer of GET `/enrol/{device}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolState {
    /// The state.
    pub state: DeviceState,
    /// What is missing for "active".
    pub missing: Vec<Missing>,
}

/// `PushSubscription.toJSON()` (Push API section 8).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushSubscription {
    /// The push service's URL for this subscription: a capability, so a secret.
    pub endpoint: String,
    /// Unix milliseconds; browsers send null.
    #[serde(rename = "expirationTime", default)]
    pub expiration_time: Option<serde_json::Number>,
    /// The keys.
    pub keys: PushKeys,
}

impl std::fmt::Debug for PushSubscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PushSubscription(…)")
    }
}

/// The keys of a push subscription (RFC 8291 section 2).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushKeys {
    /// Uncompressed P-256 point, 65 bytes.
    pub p256dh: B64,
    /// 16 bytes.
    pub auth: B64,
}

impl std::fmt::Debug for PushKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PushKeys(…)")
    }
}

/// Whether a phone can show notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notifications {
    /// The person allowed them.
    Granted,
    /// This kind of phone has none.
    Unavailable,
}

/// Body of PUT `/subscription`. The member may be null but must be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionRequest {
    /// The subscription, or null.
    #[serde(deserialize_with = "Option::deserialize")]
    pub subscription: Option<PushSubscription>,
    /// The word about notifications.
    pub notifications: Notifications,
}

//! Audit events: machine fields, a sentence for people, and the chain that ties them (INV-22).

mod chain;

pub use chain::{ChainHash, Link};

use crate::id::{AppId, DeviceId, UserId};
use crate::time::Timestamp;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// Password wrong, or no such user.
    PasswordRefused,
    /// Too many tries.
    PasswordThrottled,
    /// An unknown browser was sent to introduction; no prompt was made.
    IntroductionAsked,
    /// A phone was asked.
    ChallengeOpened,
    /// Two sign-ins at once: both now need the number.
    ChallengeRaised,
    /// Approved on the phone.
    Approved,
    /// Denied on the phone.
    Denied,
    /// "This wasn't me".
    FraudReported,
    /// "This wasn't me", said afterwards of a sign-in that was granted.
    SignInReported,
    /// Unknown browsers may sign in again after such a report.
    UnknownAllowed,
    /// Wrong number typed.
    WrongNumber,
    /// Nobody answered in time.
    Expired,
    /// Cancelled by the person.
    Withdrawn,
    /// A signed answer that did not verify.
    AnswerRefused,
    /// Signed in.
    SignedIn,
    /// A passkey did not verify.
    PasskeyRefused,
    /// A one-time code was wrong.
    CodeRefused,
    /// Too many wrong codes.
    CodeThrottled,
    /// A token that makes codes was added.
    TokenAdded,
    /// Its first code was right: it may be used.
    TokenActivated,
    /// It was renamed.
    TokenRenamed,
    /// Its count was found again by two codes in a row.
    TokenResynced,
    /// It was removed.
    TokenRemoved,
    /// Recovery codes were made; older ones are void.
    RecoveryMade,
    /// An administrator made a pass for the help desk to read out.
    PassMade,
    /// One was used: a phone may be added by it.
    RecoveryUsed,
    /// A wrong one was typed.
    RecoveryRefused,
    /// Too many wrong ones.
    RecoveryThrottled,
    /// "This wasn't me", said of one that was used: what it brought in is gone.
    RecoveryCancelled,
    /// A phone on hold showed its passkey in a browser that is known.
    HoldLifted,
    /// An administrator took the recovery codes and passes away.
    RecoveryRevoked,
    /// A security key or passkey was added.
    KeyAdded,
    /// It was renamed.
    KeyRenamed,
    /// It was removed.
    KeyRemoved,
    /// Its counter went back: there may be a copy.
    KeyCloned,
    /// A session ended before its time.
    SessionEnded,
    /// A browser was bound.
    BrowserBound,
    /// A browser was unbound.
    BrowserUnbound,
    /// Two copies of one browser secret were seen; both are unbound.
    BrowserCloned,
    /// An enrolment link was made.
    EnrolmentOpened,
    /// A phone joined and waits for confirmation.
    DeviceJoined,
    /// A phone is active.
    DeviceEnrolled,
    /// A phone came by a recovery code and is on hold.
    DeviceHeld,
    /// A pending phone was refused by the person.
    DeviceRefused,
    /// A phone was revoked.
    DeviceRevoked,
    /// A phone was renamed.
    DeviceRenamed,
    /// An introduction link was made.
    IntroductionLinkMade,
    /// A user was added.
    UserAdded,
    /// A user was disabled.
    UserDisabled,
    /// A user was enabled.
    UserEnabled,
    /// A user's settings changed.
    UserChanged,
    /// Where a user's letters go was changed.
    MailChanged,
    /// A letter to a user was refused by the mail server.
    MailRefused,
    /// A password was set or chosen.
    PasswordSet,
    /// The hash of a right password came from another system and was made anew.
    PasswordRehashed,
    /// A group or its members changed.
    GroupChanged,
    /// An application was added.
    AppAdded,
    /// An application was removed.
    AppRemoved,
    /// The session was refused at an application's door.
    AppRefused,
    /// A stored row failed its checksum (INV-21).
    Tampered,
    /// The installation was restored from a backup.
    Restored,
    /// The data key was replaced by another.
    KeyRotated,
}

/// Every kind with its name in the store and its sentence. `{user}`, `{app}`, `{device}`, `{address}`, `{detail}` are filled in.
const KINDS: &[(EventKind, &str, &str)] = &[
    (EventKind::PasswordRefused, "password_refused", "A wrong password was given for {detail} from {address}."),
    (
        EventKind::PasswordThrottled,
        "password_throttled",
        "Too many passwords were tried for {detail} from {address}; further tries are refused for a while.",
    ),
    (
        EventKind::IntroductionAsked,
        "introduction_asked",
        "{user} gave the right password for {app} in an unknown browser ({detail}) at {address}; no phone was asked.",
    ),
    (
        EventKind::ChallengeOpened,
        "challenge_opened",
        "{user} was asked on the phone about a sign-in to {app} from {address} ({detail}).",
    ),
    (EventKind::ChallengeRaised, "challenge_raised", "Another sign-in of {user} is pending; both now need the number."),
    (EventKind::Approved, "approved", "{user} approved a sign-in to {app} from {address} with {device}{detail}."),
    (EventKind::Denied, "denied", "{user} denied a sign-in to {app} from {address} with {device}."),
    (
        EventKind::FraudReported,
        "fraud_reported",
        "{user} said of a sign-in to {app} from {address} \"this wasn't me\", with {device}.",
    ),
    (
        EventKind::SignInReported,
        "sign_in_reported",
        "{user} said of a past sign-in to {app} from {address} \"this wasn't me\": {detail}.",
    ),
    (EventKind::UnknownAllowed, "unknown_allowed", "{user} may sign in from unknown browsers again: {detail}."),
    (
        EventKind::WrongNumber,
        "wrong_number",
        "{user} typed a wrong number for a sign-in to {app} on {device}; the request ended.",
    ),
    (EventKind::Expired, "expired", "Nobody answered {user}'s sign-in to {app} from {address} in time."),
    (EventKind::Withdrawn, "withdrawn", "{user} cancelled a sign-in to {app} from {address}."),
    (EventKind::AnswerRefused, "answer_refused", "An answer from {device} for {user} was refused: {detail}."),
    (EventKind::SignedIn, "signed_in", "{user} signed in to {app} from {address}{detail}."),
    (EventKind::PasskeyRefused, "passkey_refused", "A passkey shown for {user} from {address} was refused: {detail}."),
    (EventKind::CodeRefused, "code_refused", "A code typed for {user} from {address} was refused: {detail}."),
    (
        EventKind::CodeThrottled,
        "code_throttled",
        "Too many wrong codes were typed for {user}, the last from {address}; further ones are refused for a while.",
    ),
    (EventKind::TokenAdded, "token_added", "The token {detail} was added for {user}."),
    (EventKind::TokenActivated, "token_activated", "Codes of the token {detail} now open sign-ins of {user}."),
    (EventKind::TokenResynced, "token_resynced", "The token {detail} of {user} was found again by two codes in a row."),
    (EventKind::TokenRenamed, "token_renamed", "A token of {user} is now called {detail}."),
    (
        EventKind::TokenRemoved,
        "token_removed",
        "The token {detail} of {user} was removed; its codes open nothing any more.",
    ),
    (EventKind::RecoveryMade, "recovery_made", "{user} made new recovery codes; older ones are void."),
    (EventKind::PassMade, "pass_made", "An administrator made a pass by which {user} may add one phone, {detail}."),
    (EventKind::RecoveryUsed, "recovery_used", "{user} used {detail} from {address}; a phone may be added by it."),
    (EventKind::RecoveryRefused, "recovery_refused", "A wrong recovery code was typed for {user} from {address}."),
    (
        EventKind::RecoveryThrottled,
        "recovery_throttled",
        "Too many wrong recovery codes were typed for {user}, the last from {address}; further ones are refused for a while.",
    ),
    (
        EventKind::RecoveryCancelled,
        "recovery_cancelled",
        "{user} said of a recovery \"this wasn't me\", {detail}; what it brought in is gone, and so are the other codes.",
    ),
    (
        EventKind::HoldLifted,
        "hold_lifted",
        "{device} of {user} is no longer on hold: its passkey was used in a browser that is known.",
    ),
    (
        EventKind::RecoveryRevoked,
        "recovery_revoked",
        "An administrator took away the recovery codes and passes of {user}: {detail}.",
    ),
    (EventKind::KeyAdded, "key_added", "The security key or passkey {detail} was added for {user}, from {address}."),
    (EventKind::KeyRenamed, "key_renamed", "A security key or passkey of {user} is now called {detail}."),
    (EventKind::KeyRemoved, "key_removed", "The security key or passkey {detail} of {user} was removed."),
    (
        EventKind::KeyCloned,
        "key_cloned",
        "The counter of {user}'s security key or passkey {detail} went back, at {address}: there may be a copy. It was refused.",
    ),
    (EventKind::SessionEnded, "session_ended", "A session of {user} was ended: {detail}."),
    (EventKind::BrowserBound, "browser_bound", "{user} now signs in from {detail}, at {address}."),
    (EventKind::BrowserUnbound, "browser_unbound", "A browser of {user} ({detail}) was unbound."),
    (
        EventKind::BrowserCloned,
        "browser_cloned",
        "A copy of {user}'s browser ({detail}) was seen at {address}; both copies are unbound.",
    ),
    (EventKind::EnrolmentOpened, "enrolment_opened", "A phone or a security key may be enrolled for {user}: {detail}."),
    (EventKind::DeviceJoined, "device_joined", "{device} joined for {user} and waits for confirmation."),
    (EventKind::DeviceEnrolled, "device_enrolled", "{device} was enrolled for {user}."),
    (
        EventKind::DeviceHeld,
        "device_held",
        "{device} was added for {user} by a recovery code and is on hold for a day.",
    ),
    (EventKind::DeviceRefused, "device_refused", "{user} did not recognise {device}; it was refused."),
    (EventKind::DeviceRevoked, "device_revoked", "{device} of {user} was revoked."),
    (EventKind::DeviceRenamed, "device_renamed", "A phone of {user} is now called {device}."),
    (EventKind::IntroductionLinkMade, "introduction_link_made", "A link that binds one browser was made for {user}."),
    (EventKind::UserAdded, "user_added", "The account {user} was added."),
    (EventKind::UserDisabled, "user_disabled", "The account {user} was disabled."),
    (EventKind::UserEnabled, "user_enabled", "The account {user} was enabled."),
    (EventKind::UserChanged, "user_changed", "The account {user} was changed: {detail}."),
    (EventKind::MailChanged, "mail_changed", "Letters to {user} now go to {detail}."),
    (EventKind::MailRefused, "mail_refused", "A letter to {user} was not taken by the mail server ({detail})."),
    (EventKind::PasswordSet, "password_set", "The password of {user} was set."),
    (
        EventKind::PasswordRehashed,
        "password_rehashed",
        "The imported password hash of {user} ({detail}) was replaced by one of Nod's own at a right sign-in.",
    ),
    (EventKind::GroupChanged, "group_changed", "Groups were changed: {detail}."),
    (EventKind::AppAdded, "app_added", "The app {app} was added ({detail})."),
    (EventKind::AppRemoved, "app_removed", "The app {app} was removed."),
    (EventKind::AppRefused, "app_refused", "{user} was refused at {app}: {detail}."),
    (EventKind::Tampered, "tampered", "A stored row is not as Nod wrote it and was refused: {detail}."),
    (EventKind::Restored, "restored", "A backup was restored: {detail}."),
    (EventKind::KeyRotated, "key_rotated", "The data key was replaced: {detail}."),
];

impl EventKind {
    /// The name in the store and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or("unknown", |(_, name, _)| name)
    }
    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known, _)| *known == name).map(|(kind, ..)| *kind)
    }
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|(kind, ..)| *kind)
    }
    fn sentence(self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or("", |(.., sentence)| sentence)
    }
}

/// One audit event. Names are copied in, so that the sentence stays true when a row is renamed or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// When, by the store's clock.
    pub at: Timestamp,
    /// About whom.
    pub user: Option<(UserId, String)>,
    /// Which app.
    pub app: Option<(Option<AppId>, String)>,
    /// Which phone.
    pub device: Option<(DeviceId, String)>,
    /// From which address.
    pub address: Option<String>,
    /// The rest, in words. Never a secret (INV-24).
    pub detail: String,
}

impl Event {
    /// An event of `kind` at `at` about nothing yet.
    #[must_use]
    pub const fn new(kind: EventKind, at: Timestamp) -> Self {
        Self { kind, at, user: None, app: None, device: None, address: None, detail: String::new() }
    }
    /// About this user.
    #[must_use]
    pub fn user(mut self, id: UserId, name: &str) -> Self {
        self.user = Some((id, name.to_owned()));
        self
    }
    /// About this app.
    #[must_use]
    pub fn app(mut self, id: Option<AppId>, name: &str) -> Self {
        self.app = Some((id, name.to_owned()));
        self
    }
    /// About this phone.
    #[must_use]
    pub fn device(mut self, id: DeviceId, name: &str) -> Self {
        self.device = Some((id, name.to_owned()));
        self
    }
    /// From this address.
    #[must_use]
    pub fn address(mut self, address: &str) -> Self {
        self.address = Some(address.to_owned());
        self
    }
    /// With this detail.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The event as a sentence for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut sentence = String::new();
        let mut rest = self.kind.sentence();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, tail) = after.split_once('}').unwrap_or((after, ""));
            sentence.push_str(before);
            sentence.push_str(self.field(name));
            rest = tail;
        }
        sentence.push_str(rest);
        sentence
    }

    fn field(&self, name: &str) -> &str {
        match name {
            "user" => self.user.as_ref().map_or("somebody", |(_, name)| name),
            "app" => self.app.as_ref().map_or("Nod", |(_, name)| name),
            "device" => self.device.as_ref().map_or("a phone", |(_, name)| name),
            "address" => self.address.as_deref().unwrap_or("an unknown address"),
            _ => &self.detail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_read_as_sentences() {
        let event = Event::new(EventKind::Approved, Timestamp(0))
            .user(UserId([0; 16]), "Anna Berg")
            .app(None, "Payroll")
            .device(DeviceId([0; 16]), "Pixel 9")
            .address("203.0.113.9")
            .detail(", number matched");
        assert_eq!(
            event.sentence(),
            "Anna Berg approved a sign-in to Payroll from 203.0.113.9 with Pixel 9, number matched."
        );
    }

    #[test]
    fn every_kind_has_one_name() {
        for (kind, name, _) in KINDS {
            assert_eq!(EventKind::from_name(name), Some(*kind));
            assert_eq!(KINDS.iter().filter(|(_, other, _)| other == name).count(), 1);
        }
    }
}

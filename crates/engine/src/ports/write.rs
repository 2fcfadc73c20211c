//! The writes a use case is made of. Each names the old state it expects; a commit applies all of its writes or none.

use nod_core::access::{App, AppCode, AppSession, Session};
use nod_core::audit::Event;
use nod_core::challenge::{Challenge, ChallengeState, Number};
use nod_core::enrolment::{Enrolment, EnrolmentState, IntroductionLink};
use nod_core::keys::SecurityKey;
use nod_core::limits::Limit;
use nod_core::oath::OathToken;
use nod_core::people::{Group, Member, User};
use nod_core::possession::{Browser, BrowserSecret, Device, DeviceSession, Notifications, Passkey};
use nod_core::push::{Push, PushState, Stage, Subscription};
use nod_core::recovery::{RecoveryCode, RecoveryKind};
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{
    AppId, BrowserId, ChallengeId, Checksum, DeviceId, EnrolmentId, GroupId, OathId, PasskeyId, PushId, RecoveryId,
    SecretHash, SessionId, SignInId, SubscriptionId, Timestamp, UserId,
};

use super::{SealedRow, Topic};

/// One guarded change. What ends a row, or a part of it, takes its checksum away in the same statement: whoever sets the state
/// back by SQL sets no checksum back (INV-21). "Guard" says what must hold, by the store's own state and clock, or the whole commit is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are named by their types; each variant says its guard")]
pub enum Write {
    /// Guard: the name is free.
    AddUser(User),
    /// State, password and options as in the row given. Guard: the user exists and carries the checksum `from`.
    ChangeUser { from: Checksum, to: User },
    /// Guard: the name is free.
    AddGroup(Group),
    /// Guard: it exists and no app names it. Its memberships go too.
    RemoveGroup(GroupId),
    /// Guard: both exist and the user is not a member.
    AddMember(Member),
    /// Guard: the user is a member.
    RemoveMember { group: GroupId, user: UserId },
    /// Guard: name and origin are free; the group, if any, exists.
    AddApp(App),
    /// Guard: it exists. Its codes and app sessions go too.
    RemoveApp(AppId),

    /// Guard: the user is active.
    AddDevice(Device),
    /// Guard: the device is the user's and not revoked.
    RenameDevice { device: DeviceId, user: UserId, name: String },
    /// Guard: the device is the user's and not revoked.
    SetNotifications {
        device: DeviceId,
        user: UserId,
        notifications: Notifications,
        subscription: Option<SubscriptionId>,
    },
    /// Guard: pending, with a passkey and with notifications known (INV-16). `checksum` is that of the active phone.
    ActivateDevice { device: DeviceId, user: UserId, held_until: Option<Timestamp>, checksum: Checksum },
    /// Guard: the user's, active, with an end of a hold. `checksum` is that of the phone without it.
    LiftHold { device: DeviceId, user: UserId, checksum: Checksum },
    /// Revokes every phone of the user that is on hold, as [`Self::RevokeDevice`] does. No guard.
    RevokeHeld { user: UserId },
    /// Guard: the user's and not revoked. Its passkey, device sessions and queued pushes go too.
    RevokeDevice { device: DeviceId, user: UserId },
    /// No guard.
    SeeDevice { device: DeviceId, at: Timestamp },
    /// Guard: the device is pending, the same user's, and has no passkey; the credential id is new.
    AddPasskey(Passkey),
    /// Inserts or replaces by id; refusals start again at zero. No guard.
    PutSubscription(Subscription),
    /// Removes it; phones that used it become `Unavailable`. No guard.
    DropSubscription(SubscriptionId),
    /// Counts one refusal. No guard.
    CountRefusal(SubscriptionId),
    /// Forgets refusals. No guard.
    ClearRefusals(SubscriptionId),
    /// Guard: the device is not revoked. One secret may cover several devices.
    AddDeviceSession(DeviceSession),
    /// Guard: this nonce has not been used, and has not expired.
    UseNonce { nonce: SecretHash, expires_at: Timestamp },

    /// Guard: the user is active and has fewer than [`nod_core::limits::OATH_TOKENS_PER_USER`].
    AddOathToken(OathToken),
    /// Name, state, secret, `next` and last use as in the row given. Guard: it is this user's and carries the checksum `from`; the
    /// user is active; `next` does not go down (C04).
    ChangeOathToken { from: Checksum, to: OathToken },
    /// The same secret under another key: secret and checksum as in the row given, whether or not the user is active. Guard: it
    /// carries the checksum `from`.
    ResealOathToken { from: Checksum, to: OathToken },
    /// Guard: it is the user's.
    RemoveOathToken { token: OathId, user: UserId },

    /// Guard: the user is active and has fewer than [`nod_core::limits::RECOVERY_ROWS_PER_USER`].
    AddRecoveryCode(RecoveryCode),
    /// Removes it. Guard: it is the user's, carries this checksum and has not ended; the user is active (E13).
    UseRecoveryCode { code: RecoveryId, user: UserId, checksum: Checksum },
    /// The same hash under another key: hash and checksum as in the row given. Guard: it carries the checksum `from`.
    ResealRecoveryCode { from: Checksum, to: RecoveryCode },
    /// Removes all of this kind. No guard.
    EndRecoveryCodes { user: UserId, kind: RecoveryKind },

    /// Guard: the user is active and has fewer than [`nod_core::limits::KEYS_PER_USER`]; the credential is new, also among phones'.
    AddSecurityKey(SecurityKey),
    /// Name, counter and last use as in the row given. Guard: it is this user's and carries the checksum `from`; the user is active;
    /// the counter does not go down.
    ChangeSecurityKey { from: Checksum, to: SecurityKey },
    /// Guard: it is the user's.
    RemoveSecurityKey { key: PasskeyId, user: UserId },

    /// Guard: the user is active; the secret is new.
    BindBrowser(Browser, BrowserSecret),
    /// Guard: bound; `used` is a live secret of it; its last rotation is over
    /// [`nod_core::limits::BROWSER_ROTATION_GRACE`] ago. All its other secrets retire, `next` is added, last use is `next.issued_at`,
    /// and `checksum` that of the browser used then.
    RotateBrowser { browser: BrowserId, used: SecretHash, next: BrowserSecret, checksum: Checksum },
    /// Guard: bound; the user's. All its secrets retire, its open sign-ins are cancelled, their pending challenges withdrawn.
    UnbindBrowser { browser: BrowserId, user: UserId },

    /// Guard: the user is active; the browser, if any, is bound.
    AddSignIn(SignIn),
    /// To `Proved` or `Coded`. Guard: open, not expired; no challenge of it is pending or approved.
    /// `checksum` is that of the sign-in proved.
    ProveSignIn { sign_in: SignInId, to: SignInState, checksum: Checksum },
    /// Guard: in the named state (proved in either way, or open), not expired; the user is active; the proving passkey's phone, the proving key or
    /// the proving token is active; the browser that an open one came from, if any, is still bound, and so is that of a code.
    FinishSignIn { sign_in: SignInId, proved: bool },
    /// Guard: open or proved.
    CancelSignIn { sign_in: SignInId },
    /// Guard: its sign-in is open and not expired; no challenge of that sign-in is live or approved; the user is active.
    /// Beside another live challenge of the user, this one and every other has a number (INV-08).
    OpenChallenge(Challenge),
    /// Guard: pending, of this version, not expired, without a number. The version counts up.
    /// `checksum` is that of the challenge raised.
    RaiseChallenge {
        challenge: ChallengeId,
        version: u32,
        number: Number,
        sign_in: SignInId,
        user: UserId,
        checksum: Checksum,
    },
    /// Guard: pending, of this version, not expired; user active; the answer's device is active and the user's (INV-01).
    /// `checksum` is that of the challenge answered.
    AnswerChallenge {
        challenge: ChallengeId,
        version: u32,
        to: ChallengeState,
        sign_in: SignInId,
        user: UserId,
        checksum: Checksum,
    },
    /// To `Withdrawn`, `Superseded` or `Expired`. Guard: pending; for `Expired` also past its end.
    EndChallenge { challenge: ChallengeId, to: ChallengeState, sign_in: SignInId, user: UserId },
    /// Guard: approved; user active; the answering device active (INV-02, INV-10).
    ConsumeChallenge { challenge: ChallengeId, sign_in: SignInId, user: UserId },

    /// No guard.
    QueuePush(Push),
    /// Guard: queued or claimed, and due. Claims it until `lease_until` and counts the attempt.
    ClaimPush { push: PushId, lease_until: Timestamp },
    /// Guard: claimed.
    SettlePush { push: PushId, to: PushState },
    /// Guard: claimed. Back to queued.
    RequeuePush { push: PushId, due_at: Timestamp },
    /// Drops what is still queued about a subject: nobody needs to be rung for it any more. No guard.
    DropPushes { subject: [u8; 16] },
    /// Keeps the first of each (subject, device, stage). No guard. `sign_in` is woken.
    Stage { subject: [u8; 16], device: DeviceId, stage: Stage, at: Timestamp, sign_in: Option<SignInId>, user: UserId },

    /// Guard: the user is active.
    AddSession(Session),
    /// Guard: not ended. `checksum` is that of the session seen then.
    SeeSession { session: SessionId, at: Timestamp, checksum: Checksum },
    /// Guard: the user's and not ended.
    EndSession { session: SessionId, user: UserId },
    /// Ends all of the user's (of one browser, when named). No guard.
    EndSessionsOf { user: UserId, browser: Option<BrowserId> },
    /// Guard: the session is not ended.
    AddAppCode(AppCode),
    /// Guard: unused and not expired.
    UseAppCode { code: SecretHash },
    /// Guard: the session is not ended; the app exists.
    AddAppSession(AppSession),

    /// Guard: the user is active.
    AddEnrolment(Enrolment),
    /// Guard: issued, not expired. `checksum` is that of the row opened.
    OpenEnrolment {
        enrolment: EnrolmentId,
        user: UserId,
        session: SecretHash,
        expires_at: Timestamp,
        checksum: Checksum,
    },
    /// Guard: in exactly the state `from`, not expired; the user is active. A code that has run out leads back to `Proved` only.
    /// `checksum` is that of the row in the state `to`.
    MoveEnrolment { enrolment: EnrolmentId, user: UserId, from: EnrolmentState, to: EnrolmentState, checksum: Checksum },
    /// Guard: opened, and fewer than the limit so far.
    CountEnrolmentPassword { enrolment: EnrolmentId },
    /// Ends every enrolment of the user that is not confirmed; revokes phones that are still pending. No guard.
    EndEnrolmentsOf { user: UserId },
    /// Guard: the user is active.
    AddIntroductionLink(IntroductionLink),
    /// Guard: unused and not expired.
    UseIntroductionLink { secret: SecretHash },

    /// Guard: fewer than the limit in the current window, by the store's clock.
    Count { bucket: String, limit: Limit },
    /// No guard.
    ResetCount { bucket: String },
    /// No guard. The store gives it the sequence number after the last one (the first is 1; no gaps, also after refused commits)
    /// and the hash [`super::chain_hash`] of the last event's hash and it. Both are read where nobody else can add one (INV-22).
    Audit(Event),
    /// Guard: the key is not set.
    SetMeta { key: String, value: Vec<u8> },
    /// Guard: the key's value is `from`.
    ChangeMeta { key: String, from: Vec<u8>, to: Vec<u8> },
    /// Guard: the row exists and carries the checksum of the row given.
    ChangeChecksum { row: SealedRow, to: Checksum },
}

impl Write {
    /// Who waits for this change.
    #[must_use]
    pub fn topics(&self) -> [Option<Topic>; 2] {
        match self {
            Self::ChangeUser { to, .. } => [Some(Topic::User(to.id)), None],
            Self::RenameDevice { user, .. }
            | Self::SetNotifications { user, .. }
            | Self::ActivateDevice { user, .. }
            | Self::LiftHold { user, .. }
            | Self::RevokeHeld { user }
            | Self::RevokeDevice { user, .. }
            | Self::UnbindBrowser { user, .. }
            | Self::EndSession { user, .. }
            | Self::EndSessionsOf { user, .. }
            | Self::OpenEnrolment { user, .. }
            | Self::MoveEnrolment { user, .. }
            | Self::EndEnrolmentsOf { user } => [Some(Topic::User(*user)), None],
            Self::AddDevice(device) => [Some(Topic::User(device.user)), None],
            Self::AddPasskey(passkey) => [Some(Topic::User(passkey.user)), None],
            Self::OpenChallenge(challenge) => {
                [Some(Topic::User(challenge.user)), Some(Topic::SignIn(challenge.sign_in))]
            }
            Self::RaiseChallenge { sign_in, user, .. }
            | Self::AnswerChallenge { sign_in, user, .. }
            | Self::EndChallenge { sign_in, user, .. }
            | Self::ConsumeChallenge { sign_in, user, .. } => [Some(Topic::User(*user)), Some(Topic::SignIn(*sign_in))],
            Self::Stage { sign_in, user, .. } => [
                sign_in.map(Topic::SignIn),
                // A self-test is watched by the phone itself.
                if sign_in.is_none() { Some(Topic::User(*user)) } else { None },
            ],
            Self::ProveSignIn { sign_in, .. } | Self::FinishSignIn { sign_in, .. } | Self::CancelSignIn { sign_in } => {
                [Some(Topic::SignIn(*sign_in)), None]
            }
            Self::QueuePush(_) | Self::RequeuePush { .. } => [Some(Topic::Outbox), None],
            _ => [None, None],
        }
    }
}

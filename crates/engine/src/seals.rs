//! What the checksum of each kind of row is made of, in one place: whoever writes, reads or rotates asks here (INV-21).
//!
//! A checksum is HMAC-SHA-256 over the table's name and every column that decides anything, each behind its length. What is only
//! shown, and what the store counts up by itself, is left out.

use nod_core::access::{App, AppCode, AppSession, Method, Session};
use nod_core::challenge::{Answer, Challenge, ChallengeState, Decision};
use nod_core::enrolment::{Enrolment, EnrolmentState, IntroductionLink, OpenedBy};
use nod_core::keys::SecurityKey;
use nod_core::oath::{Algorithm, Moving, OathState, OathToken};
use nod_core::people::{Member, User, UserState};
use nod_core::possession::{BoundBy, Browser, BrowserSecret, Device, DeviceSession, DeviceState, Passkey, Platform};
use nod_core::recovery::{RecoveryCode, RecoveryKind};
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{Checksum, Timestamp};

use crate::fault::{Fault, Outcome};
use crate::ports::{SealedRow, Table};
use crate::vault::{Made, Vault};

/// Domain of these checksums among all that the data key makes.
const LABEL: &str = "row";

/// A row that carries a checksum.
pub trait Sealed {
    /// Where it stands.
    const TABLE: Table;
    /// Its columns that decide.
    fn fields(&self) -> Fields;
    /// Whether its state grants anything. One that is over needs no checksum.
    fn grants(&self) -> bool;
    /// What names it in its table, for people.
    fn place(&self) -> String;
    /// The checksum that it carries.
    fn checksum(&mut self) -> &mut Checksum;
    /// The same, to look at.
    fn carried(&self) -> &Checksum;
}

/// The columns of a row one after another: each with its length in front, one that may be missing behind a byte that says so.
#[derive(Debug)]
pub struct Fields(Vec<u8>);

impl Fields {
    /// Bytes of most rows, so that they are gathered in one piece.
    const ROOM: usize = 384;

    fn new() -> Self {
        Self(Vec::with_capacity(Self::ROOM))
    }
    fn put(mut self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.0.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }
    fn maybe(self, bytes: Option<impl AsRef<[u8]>>) -> Self {
        match bytes {
            Some(bytes) => self.put([1]).put(bytes),
            None => self.put([0]),
        }
    }
    fn flag(self, on: bool) -> Self {
        self.put([u8::from(on)])
    }
    fn time(self, at: Timestamp) -> Self {
        self.put(at.0.to_be_bytes())
    }
    fn answer(self, answer: &Answer) -> Self {
        let decision: u8 = match answer.decision {
            Decision::Approve => 1,
            Decision::Deny => 2,
            Decision::DenyFraud => 3,
        };
        self.put(answer.device.0).put([decision]).put(&answer.jws).maybe(answer.assertion.as_ref()).time(answer.at)
    }
}

impl Vault {
    /// This row with its checksum.
    #[must_use]
    pub fn sealed<R: Sealed>(&self, mut row: R) -> R {
        *row.checksum() = self.checksum(&row);
        row
    }

    /// The checksum that this row must carry.
    #[must_use]
    pub fn checksum<R: Sealed>(&self, row: &R) -> Checksum {
        self.mac(LABEL, &[R::TABLE.name().as_bytes(), &row.fields().0])
    }

    /// The checksum of what the row becomes. Only for a row that is as Nod wrote it, whatever its state: one that grants nothing is
    /// given out unjudged, and an edit that makes it grant something meanwhile must not get a checksum of ours.
    ///
    /// # Errors
    /// [`Fault::Conflict`] for any other row.
    pub(crate) fn resealed<R: Sealed>(&self, from: &R, to: &R) -> Outcome<Checksum> {
        if self.holds(from.carried(), LABEL, &[R::TABLE.name().as_bytes(), &from.fields().0]) {
            Ok(self.checksum(to))
        } else {
            Err(Fault::Conflict("this has ended: start again".to_owned()))
        }
    }

    /// Whether the row is as Nod wrote it, or grants nothing anyway.
    pub(crate) fn stands<R: Sealed>(&self, row: &R) -> bool {
        !row.grants() || self.holds(row.carried(), LABEL, &[R::TABLE.name().as_bytes(), &row.fields().0])
    }

    fn made_of<R: Sealed>(&self, row: &R) -> Seen {
        let made = self.made(row.carried(), LABEL, &[R::TABLE.name().as_bytes(), &row.fields().0]);
        Seen { made, place: row.place(), anew: self.checksum(row) }
    }

    /// How a row stands to the data keys.
    pub(crate) fn seen(&self, row: &SealedRow) -> Seen {
        match row {
            SealedRow::User(row) => self.made_of(row),
            SealedRow::Device(row) => self.made_of(row),
            SealedRow::Passkey(row) => self.made_of(row),
            SealedRow::Browser(row) => self.made_of(row),
            SealedRow::BrowserSecret(row) => self.made_of(row),
            SealedRow::Session(row) => self.made_of(row),
            SealedRow::Enrolment(row) => self.made_of(row),
            SealedRow::Member(row) => self.made_of(row),
            SealedRow::App(row) => self.made_of(row),
            SealedRow::DeviceSession(row) => self.made_of(row),
            SealedRow::SignIn(row) => self.made_of(row),
            SealedRow::Challenge(row) => self.made_of(row),
            SealedRow::AppCode(row) => self.made_of(row),
            SealedRow::AppSession(row) => self.made_of(row),
            SealedRow::IntroductionLink(row) => self.made_of(row),
            SealedRow::OathToken(row) => self.made_of(row),
            SealedRow::RecoveryCode(row) => self.made_of(row),
            SealedRow::SecurityKey(row) => self.made_of(row),
        }
    }
}

/// A row, judged.
#[derive(Debug)]
pub(crate) struct Seen {
    /// By which key.
    pub(crate) made: Made,
    /// What names it.
    pub(crate) place: String,
    /// The checksum under the key that seals now.
    pub(crate) anew: Checksum,
}

/// What is the same for every kind.
macro_rules! carries {
    ($table:ident) => {
        const TABLE: Table = Table::$table;
        fn checksum(&mut self) -> &mut Checksum {
            &mut self.checksum
        }
        fn carried(&self) -> &Checksum {
            &self.checksum
        }
    };
}

impl Sealed for User {
    carries!(Users);
    fn fields(&self) -> Fields {
        let state: u8 = match self.state {
            UserState::Active => 1,
            UserState::Disabled => 2,
        };
        let fields = Fields::new()
            .put(self.id.0)
            .put(&self.name)
            .put([state])
            .maybe(self.password_hash.as_ref())
            .flag(self.number_always)
            .flag(self.terminal_phone)
            .time(self.created_at);
        // Rows from before there was mail keep the checksum that they have.
        self.mail.iter().fold(fields, Fields::put)
    }
    /// Also while disabled: what it carries then is what enabling it starts from.
    fn grants(&self) -> bool {
        true
    }
    fn place(&self) -> String {
        self.id.to_string()
    }
}

impl Sealed for Device {
    carries!(Devices);
    fn fields(&self) -> Fields {
        let state: u8 = match self.state {
            DeviceState::Pending => 1,
            DeviceState::Active => 2,
            DeviceState::Revoked => 3,
        };
        let platform: u8 = match self.platform {
            Platform::Android => 1,
            Platform::Ios => 2,
            Platform::Desktop => 3,
            Platform::Terminal => 4,
        };
        let fields = Fields::new().put(self.id.0).put(self.user.0).put([state]).put([platform]);
        let fields = fields.put(&self.key).time(self.created_at);
        // Rows from before there were holds keep the checksum that they have.
        self.held_until.into_iter().fold(fields, Fields::time)
    }
    fn grants(&self) -> bool {
        self.state != DeviceState::Revoked
    }
    fn place(&self) -> String {
        self.id.to_string()
    }
}

impl Sealed for Passkey {
    carries!(Passkeys);
    fn fields(&self) -> Fields {
        let fields = Fields::new().put(self.id.0).put(self.user.0).put(self.device.0).put(&self.credential_id);
        fields.put(&self.public_key).flag(self.backup_eligible).time(self.created_at)
    }
    /// It goes with its phone.
    fn grants(&self) -> bool {
        true
    }
    fn place(&self) -> String {
        self.id.to_string()
    }
}

impl Sealed for Browser {
    carries!(Browsers);
    fn fields(&self) -> Fields {
        let how: u8 = match self.bound_by {
            BoundBy::Passkey => 1,
            BoundBy::Link => 2,
        };
        let fields = Fields::new().put(self.id.0).put(self.user.0).put([how]).flag(self.bound);
        fields.time(self.created_at).time(self.last_used_at)
    }
    fn grants(&self) -> bool {
        self.bound
    }
    fn place(&self) -> String {
        self.id.to_string()
    }
}

impl Sealed for BrowserSecret {
    carries!(BrowserSecrets);
    fn fields(&self) -> Fields {
        Fields::new().put(self.hash.0).put(self.browser.0).time(self.issued_at).flag(self.retired)
    }
    /// A retired one only tells of a copy.
    fn grants(&self) -> bool {
        !self.retired
    }
    /// The browser's id: the hash itself is nobody's business.
    fn place(&self) -> String {
        format!("of browser {}", self.browser)
    }
}

impl Sealed for Session {
    carries!(Sessions);
    fn fields(&self) -> Fields {
        let method: u8 = match self.method {
            Method::Push => 1,
            Method::PushNumber => 2,
            Method::Passkey => 3,
            Method::Code => 4,
        };
        let fields = Fields::new().put(self.id.0).put(self.user.0).put(self.secret.0);
        let fields = fields.maybe(self.browser.map(|id| id.0)).put([method]);
        fields.time(self.created_at).time(self.last_seen_at).flag(self.ended)
    }
    fn grants(&self) -> bool {
        !self.ended
    }
    fn place(&self) -> String {
        self.id.to_string()
    }
}

impl Sealed for Enrolment {
    carries!(Enrolments);
    fn fields(&self) -> Fields {
        let (by, recovery) = match self.opened_by {
            OpenedBy::Administrator => (None, None),
            OpenedBy::Session(session) => (Some(session.0), None),
            OpenedBy::Recovery(browser) => (None, Some(browser)),
        };
        let fields = Fields::new().put(self.id.0).put(self.user.0).maybe(by).put(self.link.0);
        let fields = fields.maybe(self.session.map(|hash| hash.0)).time(self.created_at).time(self.expires_at);
        // Rows from before there was recovery keep the checksum that they have.
        let fields = recovery.into_iter().fold(fields, |fields, browser| fields.maybe(browser.map(|id| id.0)));
        match self.state {
            EnrolmentState::Issued => fields.put([1]),
            EnrolmentState::Opened => fields.put([2]),
            EnrolmentState::Proved => fields.put([3]),
            EnrolmentState::Coded { code, code_expires_at } => fields.put([4]).put(code.0).time(code_expires_at),
            EnrolmentState::Joined(device) => fields.put([5]).put(device.0),
            EnrolmentState::Confirmed(device) => fields.put([6]).put(device.0),
            EnrolmentState::Introduced(device) => fields.put([7]).put(device.0),
            EnrolmentState::Ended => fields.put([8]),
            EnrolmentState::Keyed(key) => fields.put([9]).put(key.0),
        }
    }
    fn grants(&self) -> bool {
        !matches!(self.state, EnrolmentState::Introduced(_) | EnrolmentState::Keyed(_) | EnrolmentState::Ended)
    }
    fn place(&self) -> String {
        self.id.to_string()
    }
}

impl Sealed for Member {
    carries!(Members);
    fn fields(&self) -> Fields {
        Fields::new().put(self.group.0).put(self.user.0)
    }
    fn grants(&self) -> bool {
        true
    }
    fn place(&self) -> String {
        format!("of user {} in group {}", self.user, self.group)
    }
}

impl Sealed for App {
    carries!(Apps);
    fn fields(&self) -> Fields {
        let fields = Fields::new().put(self.id.0).put(&self.name).put(&self.origin);
        fields.maybe(self.group.map(|id| id.0)).time(self.created_at)
    }
    fn grants(&self) -> bool {
        true
    }
    fn place(&self) -> String {
        self.id.to_string()
    }
}

impl Sealed for DeviceSession {
    carries!(DeviceSessions);
    fn fields(&self) -> Fields {
        Fields::new().put(self.secret.0).put(self.device.0).time(self.expires_at)
    }
    fn grants(&self) -> bool {
        true
    }
    fn place(&self) -> String {
        format!("of device {}", self.device)
    }
}

impl Sealed for SignIn {
    carries!(SignIns);
    fn fields(&self) -> Fields {
        let fields = Fields::new().put(self.id.0).put(self.secret.0).put(self.user.0).maybe(self.app.map(|id| id.0));
        let fields = fields.put(&self.return_to).maybe(self.binding.map(|hash| hash.0));
        let fields = fields.maybe(self.browser.map(|id| id.0)).time(self.created_at).time(self.expires_at);
        match self.state {
            SignInState::Open => fields.put([1]),
            SignInState::Proved { passkey, keep_browser } => fields.put([2]).put(passkey.0).flag(keep_browser),
            SignInState::Finished => fields.put([3]),
            SignInState::Cancelled => fields.put([4]),
            SignInState::Coded(token) => fields.put([5]).put(token.0),
        }
    }
    fn grants(&self) -> bool {
        !matches!(self.state, SignInState::Finished | SignInState::Cancelled)
    }
    fn place(&self) -> String {
        self.id.to_string()
    }
}

impl Sealed for Challenge {
    carries!(Challenges);
    fn fields(&self) -> Fields {
        let fields = Fields::new().put(self.id.0).put(self.sign_in.0).put(self.user.0).put(self.version.to_be_bytes());
        let fields = fields.put(self.nonce).put(&self.context).maybe(self.number.map(|number| number.to_string()));
        let fields = fields.time(self.created_at).time(self.expires_at).put(self.state.name());
        match self.state.answer() {
            Some(answer) => fields.answer(answer),
            None => fields,
        }
    }
    fn grants(&self) -> bool {
        matches!(self.state, ChallengeState::Pending | ChallengeState::Approved(_))
    }
    fn place(&self) -> String {
        self.id.to_string()
    }
}

impl Sealed for AppCode {
    carries!(AppCodes);
    fn fields(&self) -> Fields {
        let fields = Fields::new().put(self.code.0).put(self.session.0).put(self.app.0).put(self.binding.0);
        fields.put(&self.return_to).time(self.expires_at)
    }
    /// A used one is never read.
    fn grants(&self) -> bool {
        true
    }
    fn place(&self) -> String {
        format!("of session {}", self.session)
    }
}

impl Sealed for AppSession {
    carries!(AppSessions);
    fn fields(&self) -> Fields {
        Fields::new().put(self.secret.0).put(self.session.0).put(self.app.0)
    }
    fn grants(&self) -> bool {
        true
    }
    fn place(&self) -> String {
        format!("of session {}", self.session)
    }
}

impl Sealed for IntroductionLink {
    carries!(Links);
    fn fields(&self) -> Fields {
        Fields::new().put(self.secret.0).put(self.user.0).time(self.expires_at)
    }
    /// A used one is never read.
    fn grants(&self) -> bool {
        true
    }
    fn place(&self) -> String {
        format!("of user {}", self.user)
    }
}

impl Sealed for SecurityKey {
    carries!(SecurityKeys);
    fn fields(&self) -> Fields {
        let fields = Fields::new().put(self.id.0).put(self.user.0).put(&self.credential_id).put(&self.public_key);
        let fields = fields.put(self.aaguid).flag(self.backup_eligible).put(self.counter.to_be_bytes());
        fields.time(self.created_at)
    }
    fn grants(&self) -> bool {
        true
    }
    fn place(&self) -> String {
        self.id.to_string()
    }
}

impl Sealed for OathToken {
    carries!(OathTokens);
    fn fields(&self) -> Fields {
        let algorithm: u8 = match self.algorithm {
            Algorithm::Sha1 => 1,
            Algorithm::Sha256 => 2,
            Algorithm::Sha512 => 3,
        };
        let state: u8 = match self.state {
            OathState::Pending => 1,
            OathState::Active => 2,
        };
        let step = match self.moving {
            Moving::Time { step } => Some(step.to_be_bytes()),
            Moving::Press => None,
        };
        let fields = Fields::new().put(self.id.0).put(self.user.0).maybe(step).put([algorithm]);
        let fields = fields.put(self.digits.to_be_bytes()).put(&self.secret).put([state]);
        fields.put(self.next.to_be_bytes()).time(self.created_at)
    }
    /// A pending one may still be activated.
    fn grants(&self) -> bool {
        true
    }
    fn place(&self) -> String {
        self.id.to_string()
    }
}

impl Sealed for RecoveryCode {
    carries!(RecoveryCodes);
    fn fields(&self) -> Fields {
        let kind: u8 = match self.kind {
            RecoveryKind::Code => 1,
            RecoveryKind::Pass => 2,
        };
        let fields = Fields::new().put(self.id.0).put(self.user.0).put([kind]).put(&self.prefix).put(&self.hash);
        fields.time(self.created_at).maybe(self.expires_at.map(|end| end.0.to_be_bytes()))
    }
    /// A used one is gone.
    fn grants(&self) -> bool {
        true
    }
    fn place(&self) -> String {
        self.id.to_string()
    }
}

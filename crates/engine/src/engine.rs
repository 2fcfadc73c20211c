//! The engine: what every use case has at hand.

use std::sync::Arc;

use nod_core::access::App;
use nod_core::audit::{Event, EventKind};
use nod_core::people::{User, UserState};
use nod_core::possession::{Device, DeviceState};
use nod_core::{AppId, Timestamp, UserId};
use nod_protocol::webauthn::RelyingParty;

use crate::fault::{Fault, Outcome, applied};
use crate::guard::Guard;
use crate::meters::Meters;
use crate::password::Passwords;
use crate::ports::{Entropy, Store, Write, random};
use crate::vault::Vault;

/// How often a use case starts over when somebody else changed what it had read.
pub(crate) const MAX_RETRIES: usize = 4;

/// The six bits that base64url writes as a hyphen (RFC 4648 section 5).
const HYPHEN: u8 = 62;
/// Leading bytes of a time in milliseconds that an ordered id leaves out: 48 bits last until the year 10889.
const ORDERED_ID_SKIPS: usize = 2;

/// What an installation is called and where it is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Public origin, for example `https://nod.example.com`; its host is the relying party id.
    pub origin: String,
    /// Relying party id.
    pub rp_id: String,
    /// Name that people read, for example the organisation's.
    pub server_name: String,
    /// Every sign-in asks for the number.
    pub number_always: bool,
    /// VAPID public key, uncompressed point.
    pub vapid_public_key: Vec<u8>,
}

/// The use cases, over one store. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    /// Gives out only rows that are as Nod wrote them (INV-21).
    pub(crate) store: Arc<dyn Store>,
    /// The same, whatever stands in it: for judging every row.
    pub(crate) rows: Arc<dyn Store>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) passwords: Arc<dyn Passwords>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) meters: Meters,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        entropy: Arc<dyn Entropy>,
        passwords: Arc<dyn Passwords>,
        vault: Vault,
        settings: Settings,
    ) -> Self {
        let (vault, settings) = (Arc::new(vault), Arc::new(settings));
        let rows = store;
        let store = Arc::new(Guard::new(Arc::clone(&rows), Arc::clone(&vault)));
        Self { store, rows, entropy, passwords, vault, settings, meters: Meters::default() }
    }

    /// The store behind it, of which it takes no row that was edited (INV-21).
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }
    /// The data key and what is made with it.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }
    /// What the installation is called and where it is.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What it counts.
    #[must_use]
    pub const fn meters(&self) -> &Meters {
        &self.meters
    }
    /// Passwords that are being hashed or wait for it.
    #[must_use]
    pub fn passwords_waiting(&self) -> usize {
        self.passwords.waiting()
    }

    /// A fresh secret of 256 bits, for a front end's own cookie.
    #[must_use]
    pub fn fresh_secret(&self) -> String {
        crate::vault::fresh_secret(&*self.entropy).0
    }

    pub(crate) fn relying_party(&self) -> RelyingParty {
        RelyingParty { id: self.settings.rp_id.clone(), origin: self.settings.origin.clone() }
    }

    /// 128 random bits for an id that does not begin with a hyphen when written: ids are typed behind commands.
    pub(crate) fn fresh_id(&self) -> [u8; 16] {
        loop {
            let id: [u8; 16] = random(&*self.entropy);
            let [first, ..] = id;
            if first >> 2 != HYPHEN {
                return id;
            }
        }
    }

    /// An id for a row of the hot path: its time in front, then 80 random bits. Rows made one after another lie side by side in
    /// every index, so a commit touches fewer pages, however large the tables.
    pub(crate) fn ordered_id(&self, now: Timestamp) -> [u8; 16] {
        let mut id = self.fresh_id();
        for (byte, time) in id.iter_mut().zip(now.0.to_be_bytes().into_iter().skip(ORDERED_ID_SKIPS)) {
            *byte = time;
        }
        id
    }

    pub(crate) async fn now(&self) -> Outcome<Timestamp> {
        Ok(self.store.now().await?)
    }

    /// The user, if the account may sign in (INV-10).
    pub(crate) async fn active_user(&self, id: UserId) -> Outcome<User> {
        let user = self.store.user(id).await?.ok_or(Fault::NotSignedIn)?;
        Self::check_active(&user)?;
        Ok(user)
    }

    /// Refuses a user whose account may not sign in (INV-10).
    pub(crate) fn check_active(user: &User) -> Outcome<()> {
        if user.state == UserState::Active { Ok(()) } else { Err(Fault::NotSignedIn) }
    }

    /// The app and whether it admits the user; no app is Nod's own account page, which admits everybody.
    pub(crate) async fn app_for(&self, app: Option<AppId>, user: UserId) -> Outcome<(Option<App>, bool)> {
        let Some(id) = app else { return Ok((None, true)) };
        let Some(app) = self.store.app(id).await? else { return Ok((None, false)) };
        let admits = match app.group {
            Some(group) => self.store.member(group, user).await?.is_some(),
            None => true,
        };
        Ok((Some(app), admits))
    }

    pub(crate) fn app_name(&self, app: Option<&App>) -> String {
        app.map_or_else(|| self.settings.server_name.clone(), |app| app.display_name.clone())
    }

    /// Active phones that are not on hold.
    pub(crate) async fn active_devices(&self, user: UserId, now: Timestamp) -> Outcome<Vec<Device>> {
        let devices = self.store.devices_of(user).await?;
        Ok(devices.into_iter().filter(|device| device.answers(now)).collect())
    }

    /// Active phones that are on hold.
    pub(crate) async fn held_devices(&self, user: UserId, now: Timestamp) -> Outcome<Vec<Device>> {
        let devices = self.store.devices_of(user).await?;
        Ok(devices.into_iter().filter(|d| d.state == DeviceState::Active && d.is_held(now)).collect())
    }

    /// Phones whose passkeys may be used in a browser: in a bound one also those on hold, whose hold ends by it (F14).
    pub(crate) async fn passkey_devices(&self, user: UserId, bound: bool, now: Timestamp) -> Outcome<Vec<Device>> {
        let devices = self.store.devices_of(user).await?;
        let usable = |device: &Device| device.answers(now) || (bound && device.state == DeviceState::Active);
        Ok(devices.into_iter().filter(usable).collect())
    }

    /// Writes one event on its own. Only for refusals, where there is no change to go with.
    pub(crate) async fn record(&self, event: Event) -> Outcome<()> {
        self.store.commit(vec![Write::Audit(event)]).await.map_err(Fault::moved_on)
    }

    /// Writes down a bad proof of one account, up to a limit: who has the password alone must not fill the disk (A08).
    pub(crate) async fn record_bad_proof(&self, user: UserId, event: Event) -> Outcome<()> {
        let count = Write::Count { bucket: format!("bad proof/{user}"), limit: nod_core::limits::BAD_PROOFS };
        applied(self.store.commit(vec![count, Write::Audit(event)]).await).map(|_| ())
    }

    pub(crate) fn event(kind: EventKind, at: Timestamp, user: &User) -> Event {
        Event::new(kind, at).user(user.id, &user.display_name)
    }
}

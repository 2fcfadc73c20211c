//! Bound browsers: proof at the start of a sign-in, rotation, clones (INV-11, INV-12).
//!
//! One browser profile may be bound to several people (a shared computer): its cookie holds one secret for each, joined by dots.

use nod_core::audit::EventKind;
use nod_core::people::User;
use nod_core::possession::{BoundBy, Browser, BrowserSecret};
use nod_core::{BrowserId, SecretHash, Timestamp, UNSEALED, UserId, limits, text};

use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::ports::Write;
use crate::vault::{fresh_secret, hash_secret};

/// People whose binding one browser keeps; beyond it the oldest is dropped.
const MAX_SECRETS_PER_BROWSER: usize = 8;

/// The browser that asks, as a front end sees it.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// Its bound-browser cookie, if sent.
    pub cookie: Option<&'a str>,
    /// Its label for people.
    pub agent: &'a str,
    /// Client address (INV-25).
    pub address: &'a str,
}

impl std::fmt::Debug for Asking<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asking").field("agent", &self.agent).field("address", &self.address).finish_non_exhaustive()
    }
}

/// What a browser's cookie proved of one person.
pub(super) enum Proof {
    /// Nothing: an unknown browser.
    Unknown,
    /// Bound, with this secret.
    Bound(Browser, String),
    /// A copy of a bound browser.
    Clone(Browser),
}

/// A rotation to commit with the sign-in, and the cookie to send.
pub(super) struct Rotation {
    pub(super) write: Write,
    pub(super) cookie: String,
}

/// A new binding to commit, and the cookie to send.
pub(crate) struct Binding {
    pub(crate) writes: [Write; 2],
    pub(crate) browser: BrowserId,
    pub(crate) cookie: String,
}

fn secrets(cookie: Option<&str>) -> impl Iterator<Item = &str> {
    cookie.unwrap_or_default().split('.').filter(|secret| !secret.is_empty()).take(MAX_SECRETS_PER_BROWSER)
}

impl Engine {
    /// What the cookie proves of `user`. Every secret in it is looked up whoever signs in, so that time tells nothing (INV-29).
    pub(super) async fn browser_proof(
        &self,
        cookie: Option<&str>,
        user: Option<UserId>,
        now: Timestamp,
    ) -> Outcome<Proof> {
        let mut proof = Proof::Unknown;
        for secret in secrets(cookie) {
            let Some((browser, known)) = self.store.browser_by_secret(hash_secret(secret)).await? else { continue };
            if Some(browser.user) != user || !browser.is_bound(now) {
                continue;
            }
            proof = if known.retired { Proof::Clone(browser) } else { Proof::Bound(browser, secret.to_owned()) };
        }
        Ok(proof)
    }

    /// The bound browser of `user` that this cookie is of, for showing which one "this browser" is.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn this_browser(&self, cookie: Option<&str>, user: UserId) -> Outcome<Option<BrowserId>> {
        let now = self.now().await?;
        Ok(match self.browser_proof(cookie, Some(user), now).await? {
            Proof::Bound(browser, _) => Some(browser.id),
            Proof::Unknown | Proof::Clone(_) => None,
        })
    }

    /// The cookie with a new secret for `user` in place of the one `used`, if any, without what it held for them before, and
    /// what others still use.
    async fn cookie_with(
        &self,
        (cookie, used): (Option<&str>, Option<&str>),
        user: UserId,
        secret: String,
        now: Timestamp,
    ) -> Outcome<String> {
        let mut kept = Vec::new();
        for other in secrets(cookie).filter(|other| Some(*other) != used) {
            let found = self.store.browser_by_secret(hash_secret(other)).await?;
            if found.is_some_and(|(browser, known)| browser.user != user && browser.is_bound(now) && !known.retired) {
                kept.push(other.to_owned());
            }
        }
        let surplus = (kept.len() + 1).saturating_sub(MAX_SECRETS_PER_BROWSER);
        kept.drain(..surplus);
        kept.push(secret);
        Ok(kept.join("."))
    }

    /// Unbinds both copies, ends what they opened, and says so (INV-12).
    pub(super) async fn unbind_clone(
        &self,
        user: &User,
        browser: &Browser,
        address: &str,
        now: Timestamp,
    ) -> Outcome<()> {
        let event = Self::event(EventKind::BrowserCloned, now, user).address(address).detail(&browser.label);
        let writes = vec![
            Write::UnbindBrowser { browser: browser.id, user: user.id },
            Write::EndSessionsOf { user: user.id, browser: Some(browser.id) },
            Write::Audit(event),
        ];
        // Somebody else may have unbound it first.
        applied(self.store.commit(writes).await).map(|_| ())
    }

    /// The next secret for a browser, unless it was given one a moment ago: then a reply may still be under way.
    pub(super) async fn rotation(
        &self,
        cookie: Option<&str>,
        browser: &Browser,
        used: &str,
        now: Timestamp,
    ) -> Outcome<Option<Rotation>> {
        if !browser.last_used_at.after(limits::BROWSER_ROTATION_GRACE).has_passed(now) {
            return Ok(None);
        }
        let (secret, hash) = fresh_secret(&*self.entropy);
        let checksum = self.vault.resealed(browser, &Browser { last_used_at: now, ..browser.clone() })?;
        let next = self.browser_secret(hash, browser.id, now);
        let write = Write::RotateBrowser { browser: browser.id, used: hash_secret(used), next, checksum };
        Ok(Some(Rotation { write, cookie: self.cookie_with((cookie, Some(used)), browser.user, secret, now).await? }))
    }

    fn browser_secret(&self, hash: SecretHash, browser: BrowserId, now: Timestamp) -> BrowserSecret {
        self.vault.sealed(BrowserSecret { hash, browser, issued_at: now, retired: false, checksum: UNSEALED })
    }

    /// Writes that bind a new browser, its id and its cookie.
    pub(crate) async fn binding(
        &self,
        user: &User,
        asking: &Asking<'_>,
        by: BoundBy,
        now: Timestamp,
    ) -> Outcome<Binding> {
        let id = BrowserId(self.fresh_id());
        let (secret, hash) = fresh_secret(&*self.entropy);
        let label = text::shown(asking.agent);
        let how = match by {
            BoundBy::Passkey => label.clone(),
            BoundBy::Link => format!("{label}, bound by an administrator's link"),
        };
        let browser = self.vault.sealed(Browser {
            id,
            user: user.id,
            label,
            bound_by: by,
            bound: true,
            created_at: now,
            last_used_at: now,
            checksum: UNSEALED,
        });
        let event = Self::event(EventKind::BrowserBound, now, user).address(asking.address).detail(how);
        let row = self.browser_secret(hash, id, now);
        let cookie = self.cookie_with((asking.cookie, None), user.id, secret, now).await?;
        Ok(Binding { writes: [Write::BindBrowser(browser, row), Write::Audit(event)], browser: id, cookie })
    }

    /// Unbinds one browser and ends what it opened.
    ///
    /// # Errors
    /// [`Fault::NotFound`] when it is not a bound browser of this user.
    pub async fn unbind_browser(&self, user: UserId, browser: BrowserId) -> Outcome<()> {
        let now = self.now().await?;
        let owner = self.store.user(user).await?.ok_or(Fault::NotFound("user"))?;
        let found = self.store.browser(browser).await?.filter(|b| b.user == user && b.bound);
        let found = found.ok_or(Fault::NotFound("browser"))?;
        let writes = vec![
            Write::UnbindBrowser { browser, user },
            Write::EndSessionsOf { user, browser: Some(browser) },
            Write::Audit(Self::event(EventKind::BrowserUnbound, now, &owner).detail(found.label)),
        ];
        self.store.commit(writes).await.map_err(Fault::moved_on)
    }
}

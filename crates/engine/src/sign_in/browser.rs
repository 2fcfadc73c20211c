//! Bound browsers: proof at the start of a sign-in, rotation, clones (INV-11, INV-12).

use nod_core::audit::EventKind;
use nod_core::people::User;
use nod_core::possession::{BoundBy, Browser, BrowserSecret};
use nod_core::{BrowserId, SecretHash, Timestamp, UserId, limits};

use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::ports::Write;
use crate::vault::{fresh_secret, hash_secret};

/// What a browser's cookie proved.
pub(super) enum Proof {
    /// Nothing: an unknown browser.
    Unknown,
    /// Bound, with this secret.
    Bound(Browser, SecretHash),
    /// A copy of a bound browser.
    Clone(Browser),
}

/// A rotation to commit with the sign-in, and the cookie to send.
pub(super) struct Rotation {
    pub(super) write: Write,
    pub(super) cookie: String,
}

impl Engine {
    /// What the cookie proves about a browser of anybody's. Says nothing of the user who signs in.
    pub(super) async fn browser_proof(&self, cookie: Option<&str>, now: Timestamp) -> Outcome<Proof> {
        let Some(cookie) = cookie else { return Ok(Proof::Unknown) };
        let secret = hash_secret(cookie);
        let Some((browser, known)) = self.store.browser_by_secret(secret).await? else { return Ok(Proof::Unknown) };
        if !browser.is_bound(now) || !self.browser_is_intact(&browser) {
            return Ok(Proof::Unknown);
        }
        Ok(if known.retired { Proof::Clone(browser) } else { Proof::Bound(browser, secret) })
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
    pub(super) fn rotation(&self, browser: &Browser, used: SecretHash, now: Timestamp) -> Option<Rotation> {
        if !browser.last_used_at.after(limits::BROWSER_ROTATION_GRACE).has_passed(now) {
            return None;
        }
        let (cookie, hash) = fresh_secret(&*self.entropy);
        let next = BrowserSecret { hash, browser: browser.id, issued_at: now, retired: false };
        Some(Rotation { write: Write::RotateBrowser { browser: browser.id, used, next }, cookie })
    }

    /// Writes that bind a new browser, and its cookie.
    pub(crate) fn binding(
        &self,
        user: &User,
        label: &str,
        address: &str,
        by: BoundBy,
        now: Timestamp,
    ) -> (Vec<Write>, String) {
        let id = BrowserId(self.fresh_id());
        let (cookie, hash) = fresh_secret(&*self.entropy);
        let browser = Browser {
            id,
            user: user.id,
            label: label.to_owned(),
            bound_by: by,
            bound: true,
            created_at: now,
            last_used_at: now,
            checksum: self.vault.mac("browser", &[&id.0, &user.id.0]),
        };
        let how = match by {
            BoundBy::Passkey => label.to_owned(),
            BoundBy::Link => format!("{label}, bound by an administrator's link"),
        };
        let event = Self::event(EventKind::BrowserBound, now, user).address(address).detail(how);
        let secret = BrowserSecret { hash, browser: id, issued_at: now, retired: false };
        (vec![Write::BindBrowser(browser, secret), Write::Audit(event)], cookie)
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

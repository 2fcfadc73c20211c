//! Sessions at Nod's origin, and cookies on the hosts of protected apps.

use nod_core::access::{App, AppCode, AppSession, Session};
use nod_core::audit::EventKind;
use nod_core::people::User;
use nod_core::{SessionId, UNSEALED, UserId};

use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::ports::Write;
use crate::vault::{fresh_secret, hash_secret};

/// How long a session is used before its last use is written again, in milliseconds: not every subrequest costs a write.
const SEEN_STEP_MS: i64 = 60_000;

/// An app's door was opened for this browser.
pub struct Admitted {
    /// For the app cookie: a secret.
    pub cookie: String,
    /// Path on the app's host.
    pub return_to: String,
}

impl std::fmt::Debug for Admitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Admitted(..)")
    }
}

impl Engine {
    /// The live session and its active user behind a session cookie.
    ///
    /// # Errors
    /// [`Fault::NotSignedIn`].
    pub async fn session(&self, cookie: &str) -> Outcome<(Session, User)> {
        let session = self.store.session_by_secret(hash_secret(cookie)).await?.ok_or(Fault::NotSignedIn)?;
        self.live(session).await
    }

    async fn live(&self, session: Session) -> Outcome<(Session, User)> {
        let now = self.now().await?;
        if !session.is_live(now) {
            return Err(Fault::NotSignedIn);
        }
        let user = self.active_user(session.user).await?;
        if now.0 - session.last_seen_at.0 >= SEEN_STEP_MS {
            let checksum = self.vault.resealed(&session, &Session { last_seen_at: now, ..session.clone() })?;
            applied(self.store.commit(vec![Write::SeeSession { session: session.id, at: now, checksum }]).await)?;
        }
        Ok((session, user))
    }

    /// Whether this session may remove factors: like adding one, that needs a fresh sign-in (INV-15).
    ///
    /// # Errors
    /// [`Fault::Forbidden`] with what to do.
    pub async fn check_fresh(&self, session: &Session) -> Outcome<()> {
        let now = self.now().await?;
        if session.is_fresh(now) {
            return Ok(());
        }
        Err(Fault::Forbidden(
            "sign in again first, with your phone or a passkey: this needs such a sign-in of the last 10 minutes"
                .to_owned(),
        ))
    }

    /// Ends one session of a user; the app cookies behind it die with it.
    ///
    /// # Errors
    /// [`Fault::NotFound`] when it is not a live one of this user.
    pub async fn end_session(&self, user: UserId, session: SessionId, why: &str) -> Outcome<()> {
        let now = self.now().await?;
        let owner = self.store.user(user).await?.ok_or(Fault::NotFound("user"))?;
        let event = Self::event(EventKind::SessionEnded, now, &owner).detail(why);
        let writes = vec![Write::EndSession { session, user }, Write::Audit(event)];
        if applied(self.store.commit(writes).await)? { Ok(()) } else { Err(Fault::NotFound("session")) }
    }

    /// The app whose exact origin this is.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn app_at(&self, origin: &str) -> Outcome<Option<App>> {
        Ok(self.store.app_by_origin(origin).await?)
    }

    /// Who may pass an app's door with this cookie. Session, account and membership are judged at every request (INV-10).
    ///
    /// # Errors
    /// [`Fault::NotSignedIn`], or [`Fault::Forbidden`] when the app does not admit this person (any more).
    pub async fn admit(&self, app: &App, cookie: &str) -> Outcome<(Session, User)> {
        let found = self.store.app_session(hash_secret(cookie)).await?.filter(|s| s.app == app.id);
        let found = found.ok_or(Fault::NotSignedIn)?;
        let session = self.store.session(found.session).await?.ok_or(Fault::NotSignedIn)?;
        let (session, user) = self.live(session).await?;
        let (_, admits) = self.app_for(Some(app.id), user.id).await?;
        if admits {
            Ok((session, user))
        } else {
            Err(Fault::Forbidden("your account is not admitted to this app".to_owned()))
        }
    }

    /// Exchanges the one-time code at the app's host, in the browser that started there.
    ///
    /// # Errors
    /// [`Fault::NotSignedIn`] for a code that is unknown, used, expired, another app's or another browser's.
    pub async fn redeem_app_code(&self, app: &App, code: &str, pre_login: &str) -> Outcome<Admitted> {
        let code = self.store.app_code(hash_secret(code)).await?.ok_or(Fault::NotSignedIn)?;
        if code.app != app.id || code.binding != hash_secret(pre_login) {
            // Somebody has seen it who should not have: it is used up.
            applied(self.store.commit(vec![Write::UseAppCode { code: code.code }]).await)?;
            return Err(Fault::NotSignedIn);
        }
        let session = self.store.session(code.session).await?.ok_or(Fault::NotSignedIn)?;
        self.live(session).await?;
        let (cookie, secret) = fresh_secret(&*self.entropy);
        let entry = AppSession { secret, session: code.session, app: app.id, checksum: UNSEALED };
        let writes = vec![Write::UseAppCode { code: code.code }, Write::AddAppSession(self.vault.sealed(entry))];
        if applied(self.store.commit(writes).await)? {
            Ok(Admitted { cookie, return_to: code.return_to })
        } else {
            Err(Fault::NotSignedIn)
        }
    }

    /// Carries a live session on to another app without asking again: a fresh one-time code (single sign-on).
    ///
    /// # Errors
    /// [`Fault::Forbidden`] when the app does not admit this person.
    pub async fn carry_on(
        &self,
        session: &Session,
        app: &App,
        binding: nod_core::SecretHash,
        return_to: &str,
    ) -> Outcome<String> {
        let now = self.now().await?;
        let (_, admits) = self.app_for(Some(app.id), session.user).await?;
        if !admits {
            return Err(Fault::Forbidden("your account is not admitted to this app".to_owned()));
        }
        let (code, hash) = fresh_secret(&*self.entropy);
        let code_row = self.vault.sealed(AppCode {
            code: hash,
            session: session.id,
            app: app.id,
            binding,
            return_to: return_to.to_owned(),
            expires_at: now.after(nod_core::limits::APP_CODE_LIFE),
            checksum: UNSEALED,
        });
        self.store.commit(vec![Write::AddAppCode(code_row)]).await.map_err(Fault::moved_on)?;
        Ok(format!("{}/.nod/callback?code={code}", app.origin))
    }
}

//! The window for one phone: link or own page, password, code (INV-15, INV-16, INV-17).

use nod_core::access::Session;
use nod_core::audit::EventKind;
use nod_core::enrolment::{Enrolment, EnrolmentState, OpenedBy};
use nod_core::people::{User, check_new_password};
use nod_core::{EnrolmentId, SecretHash, Timestamp, UNSEALED, UserId, limits};
use nod_protocol::enrolment::EnrolmentCode;
use zeroize::Zeroizing;

use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::ports::{Topic, Waiter, Write, random};
use crate::vault::{fresh_secret, hash_secret};

impl Engine {
    /// Opens a window for one phone and gives the secret for the administrator's link. Earlier windows close.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such an active user.
    pub async fn open_enrolment(&self, user: UserId) -> Outcome<(EnrolmentId, String)> {
        let now = self.now().await?;
        let user = self.active_user(user).await.map_err(|_| Fault::NotFound("active user"))?;
        let (secret, link) = fresh_secret(&*self.entropy);
        let enrolment = self.new_enrolment(&user, OpenedBy::Administrator, link, now);
        let id = enrolment.id;
        let event =
            Self::event(EventKind::EnrolmentOpened, now, &user).detail("an administrator made a link for 72 hours");
        let mut writes = vec![
            Write::EndEnrolmentsOf { user: user.id },
            Write::AddEnrolment(self.vault.sealed(enrolment)),
            Write::Audit(event),
        ];
        writes.extend(self.tell(user.id, None, now).await?);
        self.store.commit(writes).await.map_err(Fault::moved_on)?;
        Ok((id, secret))
    }

    /// Opens a window from the user's own page; the session must be fresh (INV-15). Gives the enrolment cookie's secret.
    ///
    /// # Errors
    /// [`Fault::Forbidden`] when the session is not fresh.
    pub async fn open_own_enrolment(&self, session: &Session) -> Outcome<String> {
        let now = self.now().await?;
        let user = self.active_user(session.user).await?;
        if !session.is_fresh(now) {
            return Err(Fault::Forbidden(
                "sign in again first: adding a phone needs a sign-in of the last 10 minutes, with a phone or passkey"
                    .to_owned(),
            ));
        }
        let (secret, opened) = self.proved_enrolment(&user, OpenedBy::Session(session.id), now);
        let event = Self::event(EventKind::EnrolmentOpened, now, &user).detail("from the portal");
        let writes = vec![Write::EndEnrolmentsOf { user: user.id }, opened, Write::Audit(event)];
        self.store.commit(writes).await.map_err(Fault::moved_on)?;
        Ok(secret)
    }

    /// A window for somebody who has been proved already: the enrolment cookie's secret, and the write that opens it.
    pub(crate) fn proved_enrolment(&self, user: &User, opened_by: OpenedBy, now: Timestamp) -> (String, Write) {
        let (secret, hash) = fresh_secret(&*self.entropy);
        let mut enrolment = self.new_enrolment(user, opened_by, hash, now);
        enrolment.session = Some(hash);
        enrolment.state = EnrolmentState::Proved;
        enrolment.expires_at = now.after(limits::ENROLMENT_SESSION_LIFE);
        (secret, Write::AddEnrolment(self.vault.sealed(enrolment)))
    }

    pub(super) fn new_enrolment(
        &self,
        user: &User,
        opened_by: OpenedBy,
        link: SecretHash,
        now: Timestamp,
    ) -> Enrolment {
        Enrolment {
            id: EnrolmentId(self.fresh_id()),
            user: user.id,
            opened_by,
            link,
            session: None,
            state: EnrolmentState::Issued,
            password_tries: 0,
            created_at: now,
            expires_at: now.after(limits::ENROLMENT_LINK_LIFE),
            checksum: UNSEALED,
        }
    }

    /// Exchanges the link once for an enrolment session in this browser; gives the cookie's secret.
    ///
    /// # Errors
    /// [`Fault::NotFound`] for a link that is unknown, used or expired: which of them is not said.
    pub async fn open_link(&self, token: &str) -> Outcome<String> {
        let now = self.now().await?;
        let found = self.store.enrolment_by_link(hash_secret(token)).await?.ok_or(Fault::NotFound("enrolment link"))?;
        let (secret, session) = fresh_secret(&*self.entropy);
        let expires_at = now.after(limits::ENROLMENT_SESSION_LIFE);
        let (enrolment, user) = (found.id, found.user);
        let opened = Enrolment { session: Some(session), state: EnrolmentState::Opened, expires_at, ..found.clone() };
        let checksum = self.vault.resealed(&found, &opened).map_err(|_| Fault::NotFound("enrolment link"))?;
        let open = Write::OpenEnrolment { enrolment, user, session, expires_at, checksum };
        if applied(self.store.commit(vec![open]).await)? { Ok(secret) } else { Err(Fault::NotFound("enrolment link")) }
    }

    /// The enrolment of this browser's cookie.
    ///
    /// # Errors
    /// [`Fault::NotSignedIn`] when there is none or it has expired.
    pub async fn enrolment_of(&self, cookie: &str) -> Outcome<(Enrolment, User)> {
        let now = self.now().await?;
        let found = self.store.enrolment_by_session(hash_secret(cookie)).await?.ok_or(Fault::NotSignedIn)?;
        if found.expires_at.has_passed(now) {
            return Err(Fault::Gone("enrolment"));
        }
        self.check_window(&found, now).await?;
        let user = self.active_user(found.user).await?;
        Ok((found, user))
    }

    /// A window that a session opened ends with that session.
    pub(super) async fn check_window(&self, enrolment: &Enrolment, now: Timestamp) -> Outcome<()> {
        let OpenedBy::Session(id) = enrolment.opened_by else { return Ok(()) };
        let live = self.store.session(id).await?.is_some_and(|session| session.is_live(now));
        if live { Ok(()) } else { Err(Fault::NotSignedIn) }
    }

    /// A place to wait for the next change of an enrolment.
    #[must_use]
    pub fn watch_user(&self, user: UserId) -> Waiter {
        self.store.wakes().wait_for(Topic::User(user))
    }

    /// Checks the password, or takes the first one.
    ///
    /// # Errors
    /// [`Fault::Forbidden`] when it is wrong; after five wrong ones the link is void. [`Fault::BadRequest`] when a new one is no good.
    pub async fn enrolment_password(
        &self,
        enrolment: &Enrolment,
        user: &User,
        password: Zeroizing<String>,
        address: &str,
    ) -> Outcome<()> {
        let now = self.now().await?;
        let mut writes = vec![self.moved(enrolment, EnrolmentState::Opened, EnrolmentState::Proved)?];
        if user.password_hash.is_none() {
            check_new_password(&password, &user.name).map_err(|error| Fault::BadRequest(error.to_string()))?;
            let hash = self.passwords.hash(password, address).await?;
            writes.push(self.changed(user, User { password_hash: Some(hash), ..user.clone() }));
            writes.push(Write::Audit(Self::event(EventKind::PasswordSet, now, user).address(address)));
        } else {
            let count = Write::CountEnrolmentPassword { enrolment: enrolment.id };
            if !applied(self.store.commit(vec![count]).await)? {
                return Err(Fault::Forbidden(
                    "too many wrong passwords: ask your administrator for a new link".to_owned(),
                ));
            }
            if !self.password_fits(Some(user), password, address).await? {
                let event = Self::event(EventKind::PasswordRefused, now, user).address(address);
                self.record(event.detail(&user.name)).await?;
                return Err(Fault::Forbidden("that is not the password of this account: try again".to_owned()));
            }
        }
        self.store.commit(writes).await.map_err(Fault::moved_on)
    }

    /// Makes a new code for the phone; an earlier one is void.
    ///
    /// # Errors
    /// [`Fault::Conflict`] before the password or once a phone has joined.
    pub async fn enrolment_code(&self, enrolment: &Enrolment) -> Outcome<(EnrolmentCode, Timestamp)> {
        let now = self.now().await?;
        let code = EnrolmentCode::from_entropy(random(&*self.entropy));
        let code_expires_at = now.after(limits::ENROLMENT_CODE_LIFE);
        let shown = EnrolmentState::Coded { code: hash_secret(&code.to_string()), code_expires_at };
        let mut writes = Vec::new();
        if let from @ EnrolmentState::Coded { .. } = enrolment.state {
            writes.push(self.moved(enrolment, from, EnrolmentState::Proved)?);
        }
        writes.push(self.moved(enrolment, EnrolmentState::Proved, shown)?);
        self.store.commit(writes).await.map_err(Fault::moved_on)?;
        Ok((code, code_expires_at))
    }
}

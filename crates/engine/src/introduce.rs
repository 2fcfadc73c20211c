//! An administrator's single-use link that binds one browser, for machines without passkey, Bluetooth or key.

use nod_core::audit::EventKind;
use nod_core::enrolment::IntroductionLink;
use nod_core::possession::BoundBy;
use nod_core::{UNSEALED, UserId, limits, text};
use zeroize::Zeroizing;

use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::ports::Write;
use crate::sign_in::Asking;
use crate::vault::{fresh_secret, hash_secret};

impl Engine {
    /// Makes the link's secret.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such an active user.
    pub async fn make_introduction_link(&self, user: UserId) -> Outcome<String> {
        let now = self.now().await?;
        let user = self.active_user(user).await.map_err(|_| Fault::NotFound("active user"))?;
        let (token, secret) = fresh_secret(&*self.entropy);
        let expires_at = now.after(limits::INTRODUCTION_LINK_LIFE);
        let link = IntroductionLink { secret, user: user.id, expires_at, checksum: UNSEALED };
        let link = self.vault.sealed(link);
        let event = Self::event(EventKind::IntroductionLinkMade, now, &user);
        self.store
            .commit(vec![Write::AddIntroductionLink(link), Write::Audit(event)])
            .await
            .map_err(Fault::moved_on)?;
        Ok(token)
    }

    /// Uses the link: with its owner's name and password, this browser becomes bound. Gives the new bound-browser cookie.
    ///
    /// # Errors
    /// [`Fault::Forbidden`] when link, name or password is wrong: which one is not said. Tries count like a sign-in's.
    pub async fn introduce_by_link(
        &self,
        token: &str,
        name: &str,
        password: Zeroizing<String>,
        asking: &Asking<'_>,
    ) -> Outcome<String> {
        let address = asking.address;
        let now = self.now().await?;
        let refused = || {
            Fault::Forbidden(
                "the link, the name or the password is not right: ask your administrator for a new link".to_owned(),
            )
        };
        let name = text::canonical_name(name).map_err(|_| refused())?;
        // The link is 256 bits: without one, no password is looked at and no name is counted.
        let secret = hash_secret(token);
        let Some(link) = self.store.introduction_link(secret).await? else { return Err(refused()) };
        let tries = format!("introduce/{}", link.user);
        let count = Write::Count { bucket: tries.clone(), limit: limits::INTRODUCTION_TRIES };
        if !applied(self.store.commit(vec![count]).await)? {
            return Err(Fault::TooMany { retry_after_seconds: 900 });
        }
        let user = self.store.user_by_name(&name).await?.filter(Self::may_sign_in);
        let right = self.password_fits(user.as_ref(), password, address).await?;
        let Some(user) = user else { return Err(refused()) };
        if !right || link.user != user.id {
            let event = Self::event(EventKind::PasswordRefused, now, &user).address(address);
            self.record(event.detail(&user.name)).await?;
            return Err(refused());
        }
        let binding = self.binding(&user, asking, BoundBy::Link, now).await?;
        let mut writes = vec![Write::UseIntroductionLink { secret }, Write::ResetCount { bucket: tries }];
        writes.extend(binding.writes);
        if applied(self.store.commit(writes).await)? { Ok(binding.cookie) } else { Err(refused()) }
    }
}

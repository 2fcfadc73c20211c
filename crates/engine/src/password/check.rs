//! A password compared with an account's, whose hash is made anew where it came from another system.

use nod_core::audit::EventKind;
use nod_core::people::{MAX_PASSWORD_BYTES, User};
use zeroize::Zeroizing;

use super::Foreign;
use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::ports::Write;

impl Engine {
    /// Whether it is the user's password. Without a user, or one without a password, it costs the same and says no (INV-29).
    pub(crate) async fn password_fits(
        &self,
        user: Option<&User>,
        password: Zeroizing<String>,
        source: &str,
    ) -> Outcome<bool> {
        let hash = user.and_then(|user| user.password_hash.clone());
        // An imported hash may cost more the longer the password is; what is too long is nobody's (INV-28).
        if password.len() > MAX_PASSWORD_BYTES {
            return self.passwords.verify(hash, Zeroizing::default(), source).await.map(|_| false);
        }
        let Some((user, hash)) = user.zip(hash.filter(|hash| !self.passwords.is_own(hash))) else {
            return self.passwords.verify(user.and_then(|user| user.password_hash.clone()), password, source).await;
        };
        let right = self.passwords.verify(Some(hash.clone()), password.clone(), source).await?;
        if right {
            match self.rehash(user, &hash, password, source).await {
                // The old one still stands, for the next time.
                Ok(()) | Err(Fault::Busy) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(right)
    }

    /// Puts a hash of our own in the place of an imported one. Two right sign-ins at once: the second finds it done.
    async fn rehash(&self, user: &User, old: &str, password: Zeroizing<String>, source: &str) -> Outcome<()> {
        let new = self.passwords.hash(password, source).await?;
        let now = self.now().await?;
        let scheme = Foreign::read(old).map_or("another system", |old| old.scheme);
        let writes = vec![
            self.changed(user, User { password_hash: Some(new), ..user.clone() }),
            Write::Audit(Self::event(EventKind::PasswordRehashed, now, user).detail(scheme)),
        ];
        applied(self.store.commit(writes).await).map(|_| ())
    }
}

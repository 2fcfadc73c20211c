//! Tokens that make one-time codes: added, activated by their first right code, renamed, removed.

use data_encoding::BASE32_NOPAD;
use nod_core::audit::EventKind;
use nod_core::oath::{Algorithm, DIGITS, Moving, OathState, OathToken, SECRET_BYTES, STEP_SECONDS, Seen};
use nod_core::people::User;
use nod_core::{OathId, UNSEALED, UserId, text};
use zeroize::Zeroizing;

use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::ports::{StoreError, Write, random};
use crate::sign_in::reset_codes;

/// How far a token with a button may have come: no finger presses so often, and both databases count so far.
const MAX_COUNT: u64 = 1 << 60;

/// What a token is made of.
#[derive(Clone)]
pub struct NewToken {
    /// Shown name.
    pub name: String,
    /// What moves it.
    pub moving: Moving,
    /// The hash inside the HMAC.
    pub algorithm: Algorithm,
    /// Digits of a code.
    pub digits: u32,
    /// The secret that it has already; none makes a fresh one.
    pub secret: Option<Zeroizing<Vec<u8>>>,
    /// Where a token with a button stands.
    pub count: u64,
    /// Somebody vouches that the right person holds it: active without a first code.
    pub active: bool,
}

impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewToken").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Engine {
    /// Adds a token, and gives its secret: the only time that it leaves.
    ///
    /// # Errors
    /// [`Fault::BadRequest`] says which part is impossible; [`Fault::Conflict`] when there are too many, or the account is disabled.
    pub async fn add_token(&self, user: &User, mut new: NewToken) -> Outcome<(OathToken, Zeroizing<Vec<u8>>)> {
        let secret = match new.secret.take() {
            Some(secret) => secret,
            None => Zeroizing::new(self.fresh_token_secret(new.algorithm)),
        };
        check(&new, &secret)?;
        for known in self.store.oath_tokens_of(user.id).await? {
            // The same codes from two rows would each be taken once.
            if *self.token_secret(&known)? == *secret {
                return Err(Fault::Conflict(format!(
                    "{} has this secret already, in the token {}",
                    user.name, known.name
                )));
            }
        }
        let token = self.made_token(user, &new, &secret, self.now().await?)?;
        let writes = self.token_writes(user, token.clone()).await?;
        if applied(self.store.commit(writes).await)? {
            Ok((token, secret))
        } else {
            Err(Fault::Conflict(format!("{} has too many tokens already, or is disabled", user.name)))
        }
    }

    /// The row of a new token whose parts were checked.
    pub(crate) fn made_token(
        &self,
        user: &User,
        new: &NewToken,
        secret: &[u8],
        now: nod_core::Timestamp,
    ) -> Outcome<OathToken> {
        let id = OathId(self.fresh_id());
        let sealed = self.vault.seal(&*self.entropy, &label(id, user.id), secret);
        let name = text::shown(&new.name);
        Ok(self.vault.sealed(OathToken {
            id,
            user: user.id,
            name: if name.is_empty() { "Authenticator app".to_owned() } else { name },
            moving: new.moving,
            algorithm: new.algorithm,
            digits: new.digits,
            secret: sealed.map_err(|error| StoreError(error.to_string()))?,
            state: if new.active { OathState::Active } else { OathState::Pending },
            next: new.count,
            created_at: now,
            last_used_at: None,
            checksum: UNSEALED,
        }))
    }

    /// What adds it, with its lines in the audit; phones are told of one that may be used at once.
    pub(crate) async fn token_writes(&self, user: &User, token: OathToken) -> Outcome<Vec<Write>> {
        let (now, active) = (token.created_at, token.state == OathState::Active);
        let mut writes = vec![Write::Audit(Self::event(EventKind::TokenAdded, now, user).detail(&token.name))];
        if active {
            let detail = format!("{} (without a first code)", token.name);
            writes.push(Write::Audit(Self::event(EventKind::TokenActivated, now, user).detail(detail)));
            writes.extend(self.tell(user.id, None, now).await?);
        }
        writes.insert(0, Write::AddOathToken(token));
        Ok(writes)
    }

    /// Activates a token by its first right code, which is used up. Wrong codes of old tokens are forgotten with it.
    ///
    /// # Errors
    /// [`Fault::WrongCode`]; [`Fault::NotFound`]; [`Fault::Conflict`] when it is active already.
    pub async fn activate_token(&self, user: &User, token: OathId, typed: &str) -> Outcome<()> {
        let (token, now) = (self.token_of(user.id, token).await?, self.now().await?);
        if token.state != OathState::Pending {
            return Err(Fault::Conflict("this token may be used already".to_owned()));
        }
        let Seen::Right { next } = token.judge(&self.token_secret(&token)?, typed, now) else {
            return Err(Fault::WrongCode(
                "this code is not right: look at the clock of the device, then type the next one",
            ));
        };
        let event = Self::event(EventKind::TokenActivated, now, user).detail(&token.name);
        let to = OathToken { state: OathState::Active, next, last_used_at: Some(now), ..token.clone() };
        let mut writes = vec![Write::ChangeOathToken { from: token.checksum, to: self.vault.sealed(to) }];
        writes.extend(reset_codes(user.id));
        writes.push(Write::Audit(event));
        writes.extend(self.tell(user.id, None, now).await?);
        self.store.commit(writes).await.map_err(Fault::moved_on)
    }

    /// Finds the count of a token with a button again by two codes in a row, which are used up (C10).
    ///
    /// # Errors
    /// [`Fault::WrongCode`]; [`Fault::NotFound`].
    pub async fn resync_token(&self, user: &User, token: OathId, typed: [&str; 2]) -> Outcome<()> {
        let (token, now) = (self.token_of(user.id, token).await?, self.now().await?);
        let next = token.resync(&self.token_secret(&token)?, typed);
        let next = next
            .ok_or(Fault::WrongCode("these are not two codes in a row: press the button, and again, and type both"))?;
        let event = Self::event(EventKind::TokenResynced, now, user).detail(&token.name);
        let to = OathToken { next, last_used_at: Some(now), ..token.clone() };
        let change = Write::ChangeOathToken { from: token.checksum, to: self.vault.sealed(to) };
        self.store.commit(vec![change, Write::Audit(event)]).await.map_err(Fault::moved_on)
    }

    /// Renames a token.
    ///
    /// # Errors
    /// [`Fault::NotFound`]; [`Fault::BadRequest`] for an empty name.
    pub async fn rename_token(&self, user: &User, token: OathId, name: &str) -> Outcome<()> {
        let name = text::shown(name);
        if name.is_empty() {
            return Err(Fault::BadRequest("the name is empty".to_owned()));
        }
        let (token, now) = (self.token_of(user.id, token).await?, self.now().await?);
        let event = Self::event(EventKind::TokenRenamed, now, user).detail(&name);
        let change = Write::ChangeOathToken { from: token.checksum, to: OathToken { name, ..token } };
        self.store.commit(vec![change, Write::Audit(event)]).await.map_err(Fault::moved_on)
    }

    /// Removes a token; a sign-in that it proved and that is not finished opens nothing.
    ///
    /// # Errors
    /// [`Fault::NotFound`].
    pub async fn remove_token(&self, user: &User, token: OathId) -> Outcome<()> {
        let (token, now) = (self.token_of(user.id, token).await?, self.now().await?);
        let event = Self::event(EventKind::TokenRemoved, now, user).detail(&token.name);
        let mut writes = vec![Write::RemoveOathToken { token: token.id, user: user.id }, Write::Audit(event)];
        writes.extend(self.tell(user.id, None, now).await?);
        if applied(self.store.commit(writes).await)? { Ok(()) } else { Err(Fault::NotFound("token")) }
    }

    async fn token_of(&self, user: UserId, token: OathId) -> Outcome<OathToken> {
        let found = self.store.oath_token(token).await?.filter(|found| found.user == user);
        found.ok_or(Fault::NotFound("token"))
    }

    /// Tokens whose codes may be used.
    pub(crate) async fn active_tokens(&self, user: UserId) -> Outcome<Vec<OathToken>> {
        let tokens = self.store.oath_tokens_of(user).await?;
        Ok(tokens.into_iter().filter(|token| token.state == OathState::Active).collect())
    }

    /// The secret of a token, opened.
    pub(crate) fn token_secret(&self, token: &OathToken) -> Outcome<Zeroizing<Vec<u8>>> {
        let opened = self.vault.open(&label(token.id, token.user), &token.secret);
        opened.map_err(|error| StoreError(error.to_string()).into())
    }

    /// The write that seals the secret of a token anew, when another key than the present one sealed it.
    pub(crate) fn resealed_token(&self, token: &OathToken) -> Outcome<Option<Write>> {
        let label = label(token.id, token.user);
        if self.vault.sealed_now(&label, &token.secret) {
            return Ok(None);
        }
        let sealed = self.vault.seal(&*self.entropy, &label, &self.token_secret(token)?);
        let secret = sealed.map_err(|error| StoreError(error.to_string()))?;
        let to = self.vault.sealed(OathToken { secret, ..token.clone() });
        Ok(Some(Write::ResealOathToken { from: token.checksum, to }))
    }

    /// As long as the hash inside the HMAC gives (RFC 4226 section 4, RFC 6238 section 5.1).
    fn fresh_token_secret(&self, algorithm: Algorithm) -> Vec<u8> {
        match algorithm {
            Algorithm::Sha1 => random::<20>(&*self.entropy).to_vec(),
            Algorithm::Sha256 => random::<32>(&*self.entropy).to_vec(),
            Algorithm::Sha512 => random::<64>(&*self.entropy).to_vec(),
        }
    }

    /// What an authenticator app reads from a QR code.
    #[must_use]
    pub fn otpauth_uri(&self, user: &User, token: &OathToken, secret: &[u8]) -> Zeroizing<String> {
        otpauth_uri(&self.settings.server_name, &user.name, token, secret)
    }
}

/// The secret as people type it: base32 (RFC 4648 section 6).
#[must_use]
pub fn secret_text(secret: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(BASE32_NOPAD.encode(secret))
}

/// Reads a secret in base32: case, spaces, hyphens and padding do not matter.
///
/// # Errors
/// [`Fault::BadRequest`] says what was wrong.
pub fn read_secret(typed: &str) -> Outcome<Zeroizing<Vec<u8>>> {
    let plain: Zeroizing<String> = Zeroizing::new(
        typed
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '='))
            .collect::<String>()
            .to_ascii_uppercase(),
    );
    let decoded = BASE32_NOPAD.decode(plain.as_bytes());
    decoded
        .map(Zeroizing::new)
        .map_err(|_| Fault::BadRequest("the secret is not base32 (A to Z and 2 to 7)".to_owned()))
}

/// The key's identity is the label, so that a secret moved to another row or user does not open (INV-21).
fn label(token: OathId, user: UserId) -> String {
    format!("secret of token {token} of user {user}")
}

pub(crate) fn check(new: &NewToken, secret: &[u8]) -> Outcome<()> {
    let bad = |what: String| Err(Fault::BadRequest(what));
    if new.count > MAX_COUNT {
        return bad(format!("a token with a button stands at {MAX_COUNT} at most"));
    }
    if !DIGITS.contains(&new.digits) {
        return bad(format!("codes have {} to {} digits", DIGITS.start(), DIGITS.end()));
    }
    if !SECRET_BYTES.contains(&secret.len()) {
        let (least, most) = (SECRET_BYTES.start(), SECRET_BYTES.end());
        return bad(format!("the secret has {} bytes: {least} to {most} are taken", secret.len()));
    }
    match new.moving {
        Moving::Time { step } if !STEP_SECONDS.contains(&step) => {
            bad(format!("a step lasts {} to {} seconds", STEP_SECONDS.start(), STEP_SECONDS.end()))
        }
        Moving::Time { .. } | Moving::Press => Ok(()),
    }
}

/// The address that authenticator apps read (the "Key URI Format", which all of them follow).
fn otpauth_uri(issuer: &str, account: &str, token: &OathToken, secret: &[u8]) -> Zeroizing<String> {
    let algorithm = match token.algorithm {
        Algorithm::Sha1 => "SHA1",
        Algorithm::Sha256 => "SHA256",
        Algorithm::Sha512 => "SHA512",
    };
    let (kind, moving) = match token.moving {
        Moving::Time { step } => ("totp", format!("period={step}")),
        Moving::Press => ("hotp", format!("counter={}", token.next)),
    };
    // A colon parts the two, so that neither may hold one.
    let (issuer, account) = (escaped(&issuer.replace(':', " ")), escaped(&account.replace(':', " ")));
    let (secret, digits) = (secret_text(secret), token.digits);
    Zeroizing::new(format!(
        "otpauth://{kind}/{issuer}:{account}?secret={}&issuer={issuer}&algorithm={algorithm}&digits={digits}&{moving}",
        secret.as_str()
    ))
}

/// Percent-encoded: apps show a plus sign as one.
fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;
    use nod_core::Timestamp;

    #[test]
    fn apps_can_read_the_address() {
        let token = OathToken {
            id: OathId([1; 16]),
            user: UserId([2; 16]),
            name: String::new(),
            moving: Moving::Time { step: 30 },
            algorithm: Algorithm::Sha256,
            digits: 8,
            secret: Vec::new(),
            state: OathState::Pending,
            next: 0,
            created_at: Timestamp(0),
            last_used_at: None,
            checksum: UNSEALED,
        };
        let uri = otpauth_uri("Köln: R&D", "anna+x@example.com", &token, b"12345678901234567890");
        let expected = "otpauth://totp/K%C3%B6ln%20%20R%26D:anna%2Bx%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
                        &issuer=K%C3%B6ln%20%20R%26D&algorithm=SHA256&digits=8&period=30";
        assert_eq!(uri.as_str(), expected);
    }

    #[test]
    fn secrets_are_read_as_people_write_them() {
        let read = |typed| read_secret(typed).map(|secret| secret.to_vec()).ok();
        assert_eq!(read("gezd gnbv-GY3T QOJQ===="), Some(b"1234567890".to_vec()));
        assert_eq!(read("GEZD1"), None);
        assert_eq!(secret_text(b"1234567890").as_str(), "GEZDGNBVGY3TQOJQ");
    }
}

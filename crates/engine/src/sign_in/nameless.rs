//! A sign-in without a user name: a discoverable passkey with user verification says who it is. Two factors in one ceremony
//! (something held; a finger, face or PIN), bound to our origin: no password is asked, and any browser will do (rung 3).

use nod_core::audit::EventKind;
use nod_core::people::User;
use nod_core::policy::{Verdict, decide};
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{PasskeyId, Timestamp, limits};
use nod_protocol::webauthn::{AssertionJson, ClientData, RequestOptions, request_options};
use subtle::ConstantTimeEq as _;

use super::begin::{AuthnRequest, Begun};
use super::browser::{Proof, Rotation};
use crate::engine::{Engine, MAX_RETRIES};
use crate::fault::{Fault, Outcome};
use crate::keys::Signed;
use crate::ports::{CommitError, Write, random};
use crate::vault::hash_secret;

/// Challenge of such a sign-in: random bytes, when they end, and a keyed checksum over both and the asking browser's secret. Whoever
/// asks for many of them fills no table.
const CHALLENGE: &str = "nameless passkey challenge";
/// Random bytes in front.
const RANDOM_BYTES: usize = 16;
/// The end in milliseconds, behind them.
const TIME_BYTES: usize = 8;

impl Engine {
    /// What the browser that holds `secret` passes to `navigator.credentials.get`: the same for everybody (INV-29).
    ///
    /// # Errors
    /// Only the store's.
    pub async fn nameless_options(&self, secret: &str) -> Outcome<RequestOptions> {
        let ends = self.now().await?.after(limits::NAMELESS_CHALLENGE_LIFE);
        let mut challenge = random::<RANDOM_BYTES>(&*self.entropy).to_vec();
        challenge.extend(ends.0.to_be_bytes());
        let checksum = self.vault.mac(CHALLENGE, &[&challenge, &hash_secret(secret).0]);
        challenge.extend(checksum);
        Ok(request_options(&self.settings.rp_id, &challenge, &[] as &[Vec<u8>], &[]))
    }

    /// Opens a sign-in that the passkey has proved already; it is finished like every other one.
    ///
    /// # Errors
    /// [`Fault::Forbidden`] for a copied key; [`Fault::Busy`].
    pub async fn begin_nameless(
        &self,
        request: &AuthnRequest,
        secret: &str,
        assertion: &AssertionJson,
    ) -> Outcome<Begun> {
        let now = self.now().await?;
        let Some(challenge) = self.nameless_challenge(assertion, secret, now) else { return Ok(Begun::Refused) };
        let bucket = format!("nameless/{}", nod_protocol::b64::encode(nod_protocol::sha256(&challenge)));
        let limit = limits::NAMELESS_CHALLENGE_USES;
        // A page that sends twice is no copied key.
        if self.store.count(&bucket, limit).await? >= limit.count {
            return Ok(Begun::Refused);
        }
        let Some(user) = self.owner_of(assertion).await? else { return Ok(Begun::Refused) };
        // No phone on hold: whose browser this is, is not known yet (F14).
        let devices = self.active_devices(user.id, now).await?;
        let signed = match self.verified_passkey(&user, &devices, assertion, &[&challenge], &request.address).await {
            Err(Fault::BadSignature(why)) => {
                let event = Self::event(EventKind::PasskeyRefused, now, &user).address(&request.address);
                self.record_bad_proof(user.id, event.detail(&why)).await?;
                return Ok(Begun::Refused);
            }
            other => other?,
        };
        self.begin_proved(&user, request, signed, Write::Count { bucket, limit }).await
    }

    async fn begin_proved(&self, user: &User, request: &AuthnRequest, signed: Signed, spent: Write) -> Outcome<Begun> {
        for _ in 0..MAX_RETRIES {
            let now = self.now().await?;
            let bound = match self.browser_proof(request.browser_cookie.as_deref(), Some(user.id), now).await? {
                Proof::Bound(browser, secret) => Some((browser, secret)),
                Proof::Clone(browser) => {
                    self.unbind_clone(user, &browser, &request.address, now).await?;
                    None
                }
                Proof::Unknown => None,
            };
            let (token, sign_in) = self.new_sign_in(user, request, bound.as_ref().map(|(browser, _)| browser.id), now);
            let sign_in = self.proved(sign_in, signed.by.id());
            let facts = self.facts(user, &sign_in, now).await?;
            match decide(&facts.policy) {
                Verdict::Refuse => return self.refuse(user, &facts.standing.app_name, &request.address, now).await,
                Verdict::UnknownRefused => return self.refuse_unknown(user, &facts, &request.address, now).await,
                // A passkey is taken wherever a phone would be asked.
                Verdict::Locked | Verdict::Code | Verdict::Introduce | Verdict::Push { .. } => {}
            }
            let mut writes = vec![spent.clone(), Write::AddSignIn(sign_in)];
            writes.extend(signed.used.clone());
            let mut browser_cookie = None;
            if let (Some((browser, used)), true) = (&bound, facts.standing.browser.is_some()) {
                let cookie = request.browser_cookie.as_deref();
                if let Some(Rotation { write, cookie }) = self.rotation(cookie, browser, used, now).await? {
                    writes.push(write);
                    browser_cookie = Some(cookie);
                }
            }
            match self.store.commit(writes).await {
                Ok(()) => return Ok(Begun::Started { token, browser_cookie }),
                // The challenge was used before.
                Err(CommitError::Conflict { index: 0 }) => return Ok(Begun::Refused),
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(Fault::Busy)
    }

    fn proved(&self, sign_in: SignIn, passkey: PasskeyId) -> SignIn {
        let state = SignInState::Proved { passkey, keep_browser: false };
        self.vault.sealed(SignIn { state, ..sign_in })
    }

    /// The challenge that was signed, if it is one of ours for this browser and has not ended.
    fn nameless_challenge(&self, assertion: &AssertionJson, secret: &str, now: Timestamp) -> Option<Vec<u8>> {
        let client = ClientData::parse(assertion.response.client_data_json.as_bytes()).ok()?;
        let challenge = client.challenge.0;
        let (made, checksum) = challenge.split_at_checked(RANDOM_BYTES + TIME_BYTES)?;
        let ends = Timestamp(i64::from_be_bytes(*made.last_chunk::<TIME_BYTES>()?));
        let expected = self.vault.macs(CHALLENGE, &[made, &hash_secret(secret).0]);
        let ours = expected.iter().any(|expected| bool::from(expected.ct_eq(checksum)));
        (ours && !ends.has_passed(now)).then_some(challenge)
    }

    /// Whose passkey this is. It must say so itself as well (WebAuthn level 3, section 7.2, step 6): others were not made for this.
    async fn owner_of(&self, assertion: &AssertionJson) -> Outcome<Option<User>> {
        let credential = &assertion.raw_id.0;
        let owner = match self.store.security_key_by_credential(credential).await? {
            Some(key) => Some(key.user),
            None => self.store.passkey_by_credential(credential).await?.map(|passkey| passkey.user),
        };
        let says = assertion.response.user_handle.as_ref().map(|handle| handle.0.as_slice());
        let Some(owner) = owner.filter(|owner| says == Some(&owner.0)) else { return Ok(None) };
        Ok(self.store.user(owner).await?.filter(Self::may_sign_in))
    }
}

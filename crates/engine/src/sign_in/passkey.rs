//! A passkey in the signing-in browser: introduction of an unknown one, or a sign-in on the phone itself.

use nod_core::Timestamp;
use nod_core::audit::EventKind;
use nod_core::challenge::{Challenge, ChallengeState};
use nod_core::possession::Device;
use nod_core::sign_in::{SignIn, SignInState};
use nod_protocol::webauthn::{AssertionJson, RequestOptions, request_options};

use super::is_over;
use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::keys::Signer;
use crate::ports::Write;

/// Challenge of a sign-in by passkey: tied to the sign-in and worth nothing after it, so it needs no row.
const CHALLENGE: &str = "sign-in passkey challenge";

impl Engine {
    /// What the browser passes to `navigator.credentials.get`. Any passkey of this user will do, on this computer, a phone
    /// nearby or a security key.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when the sign-in is over; [`Fault::Forbidden`] when the user has no passkey.
    pub async fn passkey_options(&self, sign_in: &SignIn) -> Outcome<RequestOptions> {
        self.check_open(sign_in).await?;
        let passkeys = self.signers(sign_in.user, &self.phones_for(sign_in).await?).await?;
        if passkeys.is_empty() {
            return Err(Fault::Forbidden(
                "you have no passkey yet: ask your administrator for an enrolment link".to_owned(),
            ));
        }
        let allow: Vec<&[u8]> = passkeys.iter().map(Signer::credential_id).collect();
        Ok(request_options(
            &self.settings.rp_id,
            &self.vault.mac(CHALLENGE, &[&sign_in.id.0, &sign_in.secret.0]),
            &allow,
            &[],
        ))
    }

    /// Accepts a passkey with user verification; the sign-in can then be finished. A request on the phone is withdrawn.
    ///
    /// # Errors
    /// [`Fault::BadSignature`] when the assertion does not hold; [`Fault::Forbidden`] for a key that may have been copied.
    pub async fn prove_passkey(&self, sign_in: &SignIn, assertion: &AssertionJson, keep_browser: bool) -> Outcome<()> {
        self.check_open(sign_in).await?;
        let now = self.now().await?;
        let user = self.active_user(sign_in.user).await?;
        let challenges = self.vault.macs(CHALLENGE, &[&sign_in.id.0, &sign_in.secret.0]);
        let devices = self.phones_for(sign_in).await?;
        let signed = match self.verified_passkey(&user, &devices, assertion, &challenges, &sign_in.address).await {
            Err(Fault::BadSignature(why)) => {
                let event = Self::event(EventKind::PasskeyRefused, now, &user).address(&sign_in.address);
                self.record_bad_proof(user.id, event.detail(&why)).await?;
                return Err(Fault::BadSignature(why));
            }
            other => other?,
        };
        let newest = self.store.challenges_of(sign_in.id).await?.into_iter().next();
        let mut writes = supersede(newest.as_ref(), now);
        writes.extend(signed.used);
        let state = SignInState::Proved { passkey: signed.by.id(), keep_browser };
        let checksum = self.vault.resealed(sign_in, &SignIn { state, ..sign_in.clone() })?;
        writes.push(Write::ProveSignIn { sign_in: sign_in.id, to: state, checksum });
        if applied(self.store.commit(writes).await)? {
            Ok(())
        } else {
            Err(Fault::Conflict("this sign-in has moved on".to_owned()))
        }
    }

    /// Phones whose passkeys this sign-in may be proved with.
    pub(super) async fn phones_for(&self, sign_in: &SignIn) -> Outcome<Vec<Device>> {
        let now = self.now().await?;
        let browser = match sign_in.browser {
            Some(id) => self.store.browser(id).await?,
            None => None,
        };
        let bound = browser.is_some_and(|browser| browser.is_bound_for(sign_in.user, now));
        self.passkey_devices(sign_in.user, bound, now).await
    }

    pub(super) async fn check_open(&self, sign_in: &SignIn) -> Outcome<()> {
        let now = self.now().await?;
        let open = sign_in.state == SignInState::Open && !is_over(sign_in, now);
        if open { Ok(()) } else { Err(Fault::Conflict("this sign-in is over: start again".to_owned())) }
    }
}

/// The writes that take back what the phone is asked, when the sign-in goes on without it.
pub(super) fn supersede(newest: Option<&Challenge>, now: Timestamp) -> Vec<Write> {
    let Some(asked) = newest.filter(|challenge| challenge.is_live(now)) else { return Vec::new() };
    let (challenge, to, sign_in, user) = (asked.id, ChallengeState::Superseded, asked.sign_in, asked.user);
    vec![Write::DropPushes { subject: challenge.0 }, Write::EndChallenge { challenge, to, sign_in, user }]
}

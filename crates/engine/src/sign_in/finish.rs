//! The last step: collects the grant once and issues the session.

use nod_core::access::{AppCode, Method, Session};
use nod_core::audit::EventKind;
use nod_core::challenge::{Challenge, ChallengeState};
use nod_core::people::User;
use nod_core::possession::{BoundBy, Device};
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{OathId, SessionId, Timestamp, UNSEALED, limits};

use super::ask::{Standing, prompts_bucket};
use super::browser::Asking;
use super::is_over;
use crate::answer::approves;
use crate::engine::Engine;
use crate::fault::{Fault, Outcome};
use crate::meters::Met;
use crate::ports::{Grant, Write};
use crate::vault::fresh_secret;

/// A session was issued.
pub struct Finished {
    /// For the session cookie: a secret.
    pub session: String,
    /// For the bound-browser cookie, when this browser was just bound: a secret.
    pub browser_cookie: Option<String>,
    /// Where to go.
    pub location: String,
}

impl std::fmt::Debug for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Finished(..)")
    }
}

impl Engine {
    /// Collects the grant, once, and issues a session. Everything is judged again now (INV-10): account, app, phone, and the
    /// stored signature itself, so that a row edited by SQL grants nothing.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when there is nothing to collect (any more); [`Fault::Forbidden`] when the door has shut since.
    pub async fn finish(&self, sign_in: &SignIn, browser_cookie: Option<&str>) -> Outcome<Finished> {
        let now = self.now().await?;
        if is_over(sign_in, now) {
            return Err(Fault::Gone("sign-in"));
        }
        let Grant { user, browser, challenge } = self.store.grant(sign_in.id).await?.ok_or(Fault::NotSignedIn)?;
        // The sign-in was read and judged before; the user is whom it names now.
        if user.id != sign_in.user {
            return Err(Fault::NotSignedIn);
        }
        Self::check_active(&user)?;
        let standing = self.standing(&user, sign_in.app, browser, now).await?;
        if !standing.app_admits {
            let event = Self::event(EventKind::AppRefused, now, &user).app(sign_in.app, &standing.app_name);
            self.record_bad_proof(user.id, event.detail("no longer admitted")).await?;
            self.meters.password(Met::AppRefused);
            return Err(Fault::Forbidden("you are no longer admitted to this app: ask your administrator".to_owned()));
        }
        if standing.browser.is_none() && self.unknown_refused(user.id).await? {
            let words = "a sign-in to this account was reported: use a browser that Nod knows";
            return Err(Fault::Forbidden(words.to_owned()));
        }
        let (mut writes, method, bound) = match sign_in.state {
            SignInState::Open => self.collect_push(&user, challenge, &standing, now).await?,
            SignInState::Proved { passkey, keep_browser } => {
                let keep = (keep_browser && standing.browser.is_none()).then_some(Asking {
                    cookie: browser_cookie,
                    agent: &sign_in.agent,
                    address: &sign_in.address,
                });
                self.collect_passkey(&user, passkey, keep, &standing, now).await?
            }
            SignInState::Coded(token) => (Vec::new(), self.collect_code(&user, token, &standing).await?, None),
            SignInState::Finished | SignInState::Cancelled => {
                return Err(Fault::Conflict("this sign-in is over: start again".to_owned()));
            }
        };
        let proved = matches!(sign_in.state, SignInState::Proved { .. } | SignInState::Coded(_));
        writes.push(Write::FinishSignIn { sign_in: sign_in.id, proved });
        let (cookie, browser) = bound.map_or((None, sign_in.browser), |(cookie, id)| (Some(cookie), Some(id)));
        let (secret, hash) = fresh_secret(&*self.entropy);
        let session = self.vault.sealed(Session {
            id: SessionId(self.ordered_id(now)),
            user: user.id,
            secret: hash,
            browser,
            method,
            address: sign_in.address.clone(),
            agent: sign_in.agent.clone(),
            created_at: now,
            last_seen_at: now,
            ended: false,
            checksum: UNSEALED,
        });
        writes.push(Write::AddSession(session.clone()));
        let location = self.location(sign_in, &standing, &session, now, &mut writes);
        writes.push(Write::ResetCount { bucket: prompts_bucket(&user, "10m") });
        writes.push(Write::ResetCount { bucket: prompts_bucket(&user, "24h") });
        let event = Self::event(EventKind::SignedIn, now, &user).app(sign_in.app, &standing.app_name);
        writes.push(Write::Audit(event.address(&sign_in.address).detail(method_words(method))));
        self.store.commit(writes).await.map_err(Fault::moved_on)?;
        self.meters.granted(method);
        Ok(Finished { session: secret, browser_cookie: cookie, location })
    }

    async fn collect_push(
        &self,
        user: &User,
        newest: Option<Challenge>,
        standing: &Standing,
        now: Timestamp,
    ) -> Outcome<Collected> {
        let challenge = newest.filter(|c| matches!(c.state_at(now), ChallengeState::Approved(_)));
        let challenge = challenge.ok_or_else(|| Fault::Conflict("this sign-in has not been approved".to_owned()))?;
        // A browser that was unbound in the meantime collects nothing (INV-12).
        if standing.browser.is_none() {
            return Err(Fault::Forbidden("this browser is no longer bound: start again".to_owned()));
        }
        self.check_record(user, &standing.devices, &challenge, now).await?;
        let method = if challenge.number.is_some() { Method::PushNumber } else { Method::Push };
        let consume = Write::ConsumeChallenge { challenge: challenge.id, sign_in: challenge.sign_in, user: user.id };
        Ok((vec![consume], method, None))
    }

    async fn collect_passkey(
        &self,
        user: &User,
        passkey: nod_core::PasskeyId,
        keep: Option<Asking<'_>>,
        standing: &Standing,
        now: Timestamp,
    ) -> Outcome<Collected> {
        let signers = self.signers(user.id, standing.devices.iter().chain(&standing.held)).await?;
        let Some(signer) = signers.iter().find(|found| found.id() == passkey) else {
            return Err(Fault::Forbidden("this passkey was removed: start again".to_owned()));
        };
        let mut writes = Vec::new();
        if let Some(device) = standing.held.iter().find(|held| signer.is_of(held)) {
            writes.extend(self.lifted(user, device, now)?);
        }
        let bound = match keep {
            Some(asking) => {
                let binding = self.binding(user, &asking, BoundBy::Passkey, now).await?;
                writes.extend(binding.writes);
                Some((binding.cookie, binding.browser))
            }
            None => None,
        };
        Ok((writes, Method::Passkey, bound))
    }

    /// A phone on hold was near a browser that is bound, which no relay is (F14): it is as any other from now on.
    fn lifted(&self, user: &User, device: &Device, now: Timestamp) -> Outcome<[Write; 2]> {
        let checksum = self.vault.resealed(device, &Device { held_until: None, ..device.clone() })?;
        let event = Self::event(EventKind::HoldLifted, now, user).device(device.id, &device.name);
        Ok([Write::LiftHold { device: device.id, user: user.id, checksum }, Write::Audit(event)])
    }

    /// The token is still there, and the browser still bound: what was typed is worth nothing from elsewhere (INV-10, INV-12).
    async fn collect_code(&self, user: &User, token: OathId, standing: &Standing) -> Outcome<Method> {
        if standing.browser.is_none() {
            return Err(Fault::Forbidden("this browser is no longer bound: start again".to_owned()));
        }
        if !self.active_tokens(user.id).await?.iter().any(|active| active.id == token) {
            return Err(Fault::Forbidden("this token was removed: start again".to_owned()));
        }
        Ok(Method::Code)
    }

    /// Verifies the stored record again: signed answer, assertion, and that an active, intact phone of this user gave it.
    async fn check_record(
        &self,
        user: &User,
        devices: &[Device],
        challenge: &Challenge,
        now: Timestamp,
    ) -> Outcome<()> {
        let answer = challenge.state.answer().ok_or_else(|| Fault::Conflict("not approved".to_owned()))?;
        let record = match devices.iter().find(|device| device.id == answer.device) {
            Some(device) => {
                match self.verify_answer(challenge, device, &answer.jws, answer.assertion.as_deref()).await {
                    Ok(verified) if approves(&verified, challenge) => Ok(()),
                    Ok(_) => Err(Fault::BadSignature("the stored answer does not approve what was asked".to_owned())),
                    Err(fault) => Err(fault),
                }
            }
            None => Err(Fault::BadSignature("the phone is no longer active".to_owned())),
        };
        if let Err(Fault::BadSignature(why)) = record {
            self.record(
                Self::event(EventKind::Tampered, now, user)
                    .detail(format!("an approval by {}: {why}", user.display_name)),
            )
            .await?;
            return Err(Fault::Forbidden("this approval no longer holds: start again".to_owned()));
        }
        record
    }

    /// Where the browser goes: the app's callback with a one-time code, or the portal.
    fn location(
        &self,
        sign_in: &SignIn,
        standing: &Standing,
        session: &Session,
        now: Timestamp,
        writes: &mut Vec<Write>,
    ) -> String {
        let (Some(app), Some(binding)) = (&standing.app, sign_in.binding) else { return "/portal".to_owned() };
        let (code, hash) = fresh_secret(&*self.entropy);
        writes.push(Write::AddAppCode(self.vault.sealed(AppCode {
            code: hash,
            session: session.id,
            app: app.id,
            binding,
            return_to: sign_in.return_to.clone(),
            expires_at: now.after(limits::APP_CODE_LIFE),
            checksum: UNSEALED,
        })));
        format!("{}/.nod/callback?code={code}", app.origin)
    }
}

/// Writes, method, and the browser just bound.
type Collected = (Vec<Write>, Method, Option<(String, nod_core::BrowserId)>);

const fn method_words(method: Method) -> &'static str {
    match method {
        Method::Push => ", approved on the phone",
        Method::PushNumber => ", approved on the phone with the number",
        Method::Passkey => " with a passkey",
        Method::Code => " with a one-time code",
    }
}

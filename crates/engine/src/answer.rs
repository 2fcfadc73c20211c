//! The phone's answer: parse, verify, act.

use nod_core::audit::EventKind;
use nod_core::challenge::{Answer, Challenge, ChallengeState, Decision, Number, Refused};
use nod_core::people::User;
use nod_core::possession::Device;
use nod_core::push::Stage;
use nod_core::sign_in::SignIn;
use nod_core::{ChallengeId, Timestamp};
use nod_protocol::answer::{self as signed, ParsedAnswer, VerifiedAnswer};
use nod_protocol::device_api::{AnswerRequest, RequestState};
use nod_protocol::webauthn::{AssertionJson, verify_assertion};
use nod_protocol::{Jwk, sha256};

use crate::device::Phone;
use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::ports::{Question, Write};

impl Engine {
    /// Takes a signed answer from a phone's session. When this returns, the outcome is durable and final.
    /// Sending the same answer again gives the same result (a reply may have been lost).
    ///
    /// # Errors
    /// [`Fault::NotFound`] for requests that are not this phone's; [`Fault::BadSignature`]; [`Fault::WrongNumber`], which ends
    /// the request; [`Fault::Conflict`] and [`Fault::Gone`] when it has ended or was raised.
    pub async fn answer(&self, phone: &Phone, id: ChallengeId, body: &AnswerRequest) -> Outcome<RequestState> {
        let now = self.now().await?;
        let parsed = ParsedAnswer::parse(&body.answer).map_err(|error| Fault::BadRequest(error.to_string()))?;
        let question = self.store.question(id).await?.ok_or(Fault::NotFound("request"))?;
        let Question { challenge, user, .. } = &question;
        let device = phone.devices.iter().find(|d| d.id.0 == parsed.claimed_device().0 && d.user == challenge.user);
        // The session's rows may be older than a revocation: read again (P12).
        let device = match device {
            Some(device) => self.store.device(device.id).await?.filter(|d| d.answers(now)),
            None => None,
        };
        let device = device.ok_or(Fault::NotFound("request"))?;
        Self::check_active(user)?;
        if challenge.state.answer().is_some_and(|given| given.jws == body.answer) {
            return self.repeated(&challenge.state).await;
        }
        let assertion = match &body.assertion {
            Some(assertion) => Some(
                serde_json::to_string(assertion)
                    .map_err(|_| Fault::BadRequest("the assertion is malformed".to_owned()))?,
            ),
            None => None,
        };
        let verified = match self.verify_answer(challenge, &device, &body.answer, assertion.as_deref()).await {
            Err(Fault::BadSignature(why)) => {
                let event = Self::event(EventKind::AnswerRefused, now, user).device(device.id, &device.name);
                self.record_bad_proof(user.id, event.detail(&why)).await?;
                return Err(Fault::BadSignature(why));
            }
            other => other?,
        };
        self.act(
            &question,
            &device,
            &verified,
            Answer { device: device.id, decision: decision(&verified), jws: body.answer.clone(), assertion, at: now },
        )
        .await
    }

    async fn act(
        &self,
        Question { challenge, sign_in, user }: &Question,
        device: &Device,
        verified: &VerifiedAnswer,
        answer: Answer,
    ) -> Outcome<RequestState> {
        let now = answer.at;
        let payload = verified.payload();
        let number = payload.number.and_then(|digits| Number::parse(&digits.to_string()));
        let next = challenge.answered(now, payload.version, number, answer).map_err(refused)?;
        let mut writes = vec![
            Write::AnswerChallenge {
                challenge: challenge.id,
                version: challenge.version,
                to: next.clone(),
                sign_in: challenge.sign_in,
                user: user.id,
                checksum: self.vault.resealed(challenge, &Challenge { state: next.clone(), ..challenge.clone() })?,
            },
            Write::DropPushes { subject: challenge.id.0 },
            Write::Stage {
                subject: challenge.id.0,
                device: device.id,
                stage: Stage::Answered,
                at: now,
                sign_in: Some(challenge.sign_in),
                user: user.id,
            },
        ];
        writes.extend(self.consequences(user, device, challenge, sign_in, &next, now).await?);
        if !applied(self.store.commit(writes).await)? {
            return self.lost_race(challenge.id, next.answer()).await;
        }
        self.meters.answered(challenge, &next);
        match next {
            ChallengeState::Failed(_) => Err(Fault::WrongNumber),
            state => Ok(request_state(&state)),
        }
    }

    /// What goes with the answer: the audit event, and after "this wasn't me" the end of the browser that asked.
    async fn consequences(
        &self,
        user: &User,
        device: &Device,
        challenge: &Challenge,
        sign_in: &SignIn,
        next: &ChallengeState,
        now: Timestamp,
    ) -> Outcome<Vec<Write>> {
        let (app, _) = self.app_for(sign_in.app, user.id).await?;
        let fraud = next.answer().is_some_and(|answer| answer.decision == Decision::DenyFraud);
        let (kind, detail) = match next {
            ChallengeState::Approved(_) if challenge.number.is_some() => (EventKind::Approved, ", number matched"),
            ChallengeState::Approved(_) => (EventKind::Approved, ""),
            ChallengeState::Failed(_) => (EventKind::WrongNumber, ""),
            _ if fraud => (EventKind::FraudReported, ""),
            _ => (EventKind::Denied, ""),
        };
        let event =
            Self::event(kind, now, user).app(sign_in.app, &self.app_name(app.as_ref())).device(device.id, &device.name);
        let mut writes = vec![Write::Audit(event.address(&sign_in.address).detail(detail))];
        if fraud {
            writes.push(Write::CancelSignIn { sign_in: sign_in.id });
        }
        let bound = match sign_in.browser {
            Some(id) if fraud => self.store.browser(id).await?.filter(|b| b.bound),
            _ => None,
        };
        if let Some(browser) = bound {
            writes.push(Write::UnbindBrowser { browser: browser.id, user: user.id });
            writes.push(Write::EndSessionsOf { user: user.id, browser: Some(browser.id) });
            writes.push(Write::Audit(Self::event(EventKind::BrowserUnbound, now, user).detail(browser.label)));
        }
        Ok(writes)
    }

    /// Somebody was first: the same answer from a retry gets its result, anything else learns that it is over.
    async fn lost_race(&self, id: ChallengeId, ours: Option<&Answer>) -> Outcome<RequestState> {
        let now = self.now().await?;
        let challenge = self.store.challenge(id).await?.ok_or(Fault::NotFound("request"))?;
        if challenge.state.answer().zip(ours).is_some_and(|(given, ours)| given.jws == ours.jws) {
            return self.repeated(&challenge.state).await;
        }
        Err(match challenge.state_at(now) {
            ChallengeState::Pending => refused(Refused::Raised),
            ChallengeState::Expired => refused(Refused::Expired),
            state => refused(Refused::Ended(state.name())),
        })
    }

    /// The result that this answer had. It was read, and the commit that made it may still wait for the disk (INV-02).
    async fn repeated(&self, state: &ChallengeState) -> Outcome<RequestState> {
        self.store.durable().await?;
        match state {
            ChallengeState::Failed(_) => Err(Fault::WrongNumber),
            ChallengeState::Consumed(_) => Ok(RequestState::Approved),
            state => Ok(request_state(state)),
        }
    }

    /// Checks a signed answer against what was stored when the challenge was made (INV-03): nothing is taken from the answer
    /// but the decision and the number. All but a plain denial also needs the passkey's user verification over it (INV-09).
    pub(crate) async fn verify_answer(
        &self,
        challenge: &Challenge,
        device: &Device,
        jws: &str,
        assertion: Option<&str>,
    ) -> Outcome<VerifiedAnswer> {
        let bad = |why: &str| Fault::BadSignature(why.to_owned());
        let key: Jwk = serde_json::from_str(&device.key).map_err(|_| bad("the stored device key is malformed"))?;
        let parsed = ParsedAnswer::parse(jws).map_err(|error| Fault::BadSignature(error.to_string()))?;
        let verified = parsed.verify(&key).map_err(|error| Fault::BadSignature(error.to_string()))?;
        let payload = verified.payload();
        let mismatch = if payload.challenge.0 != challenge.id.0 {
            Some("it answers another request")
        } else if payload.nonce.0 != challenge.nonce {
            Some("another nonce")
        } else if payload.context_sha256.0 != sha256(&challenge.context) {
            Some("it was given over another text than was sent")
        } else if payload.device.0 != device.id.0 || payload.kid != key.thumbprint() {
            Some("another device or key")
        } else if payload.origin != self.settings.origin {
            Some("another server")
        } else if payload.exp != challenge.expires_at.unix_seconds() {
            Some("another expiry")
        } else {
            None
        };
        #[cfg(not(nod_break = "context_unchecked"))]
        if let Some(why) = mismatch {
            return Err(bad(why));
        }
        #[cfg(nod_break = "context_unchecked")]
        let _ = mismatch;
        // A report of fraud ends a browser, so the phone's owner must be behind it (E19); a plain denial is for anybody.
        if payload.decision != signed::Decision::Deny {
            let assertion = assertion.ok_or_else(|| bad("no user verification"))?;
            let assertion: AssertionJson = serde_json::from_str(assertion).map_err(|_| bad("a malformed assertion"))?;
            self.verify_user_verification(device, &assertion, verified.payload_sha256()).await?;
        }
        Ok(verified)
    }

    async fn verify_user_verification(
        &self,
        device: &Device,
        assertion: &AssertionJson,
        challenge: &[u8; 32],
    ) -> Outcome<()> {
        let bad = |why: &str| Fault::BadSignature(why.to_owned());
        let passkey = self.store.passkey_by_credential(&assertion.raw_id.0).await?;
        let passkey = passkey.filter(|p| p.device == device.id && p.user == device.user);
        let passkey = passkey.ok_or_else(|| bad("a passkey that is not this phone's"))?;
        verify_assertion(assertion, challenge, &self.relying_party(), &passkey.public_key)
            .map_err(|error| Fault::BadSignature(error.to_string()))?;
        Ok(())
    }
}

/// Whether this signed answer approves what `challenge` asked: decision, version and number.
pub(crate) fn approves(verified: &VerifiedAnswer, challenge: &Challenge) -> bool {
    let payload = verified.payload();
    let number = payload.number.and_then(|digits| Number::parse(&digits.to_string()));
    payload.decision == signed::Decision::Approve
        && payload.version == challenge.version
        && challenge.number.is_none_or(|shown| number == Some(shown))
}

fn decision(verified: &VerifiedAnswer) -> Decision {
    match verified.payload().decision {
        signed::Decision::Approve => Decision::Approve,
        signed::Decision::Deny => Decision::Deny,
        signed::Decision::DenyFraud => Decision::DenyFraud,
    }
}

fn refused(why: Refused) -> Fault {
    match why {
        Refused::Expired => Fault::Gone("request"),
        Refused::Ended(_) | Refused::Raised => Fault::Conflict(why.to_string()),
    }
}

/// The state's name on the wire.
pub(crate) const fn request_state(state: &ChallengeState) -> RequestState {
    match state {
        ChallengeState::Pending => RequestState::Pending,
        ChallengeState::Approved(_) => RequestState::Approved,
        ChallengeState::Consumed(_) => RequestState::Consumed,
        ChallengeState::Denied(_) => RequestState::Denied,
        ChallengeState::Failed(_) => RequestState::Failed,
        ChallengeState::Expired => RequestState::Expired,
        ChallengeState::Superseded => RequestState::Superseded,
        ChallengeState::Withdrawn => RequestState::Withdrawn,
    }
}

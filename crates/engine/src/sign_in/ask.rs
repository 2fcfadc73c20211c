//! Asking the phone: facts, challenge, pushes, and raising others to number mode (INV-08).

use nod_core::access::App;
use nod_core::audit::EventKind;
use nod_core::challenge::{Challenge, ChallengeState, Number};
use nod_core::people::{User, UserState};
use nod_core::policy::{self, Verdict, decide};
use nod_core::possession::{Browser, Device};
use nod_core::push::{Push, PushKind, PushState};
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{AppId, ChallengeId, PushId, Timestamp, UNSEALED, limits};
use nod_protocol::device_api::Context;

use super::is_over;
use crate::engine::{Engine, MAX_RETRIES};
use crate::fault::{Fault, Outcome, applied};
use crate::meters::Met;
use crate::ports::{Write, random};

/// What must still stand when a grant is collected: app, phones, browser.
pub(super) struct Standing {
    pub(super) app: Option<App>,
    pub(super) app_name: String,
    pub(super) app_admits: bool,
    /// Active ones whose rows are as we wrote them.
    pub(super) devices: Vec<Device>,
    /// Those on hold, where the browser is bound: their passkeys may be used in it.
    pub(super) held: Vec<Device>,
    /// The bound browser that the sign-in was begun in, while it is bound.
    pub(super) browser: Option<Browser>,
}

/// What was read before deciding.
pub(super) struct Facts {
    pub(super) policy: policy::Facts,
    pub(super) standing: Standing,
    /// Other live challenges of this user that have no number yet.
    to_raise: Vec<Challenge>,
    new_network: bool,
}

impl Engine {
    /// Loads what must stand at the end as at the beginning.
    pub(super) async fn standing(
        &self,
        user: &User,
        app: Option<AppId>,
        browser: Option<Browser>,
        now: Timestamp,
    ) -> Outcome<Standing> {
        let (app, app_admits) = self.app_for(app, user.id).await?;
        let browser = browser.filter(|browser| browser.is_bound_for(user.id, now));
        let usable = self.passkey_devices(user.id, browser.is_some(), now).await?;
        let (devices, held) = usable.into_iter().partition(|device| device.answers(now));
        Ok(Standing { app_name: self.app_name(app.as_ref()), app, app_admits, devices, held, browser })
    }

    /// Loads what the decision needs.
    pub(super) async fn facts(&self, user: &User, sign_in: &SignIn, now: Timestamp) -> Outcome<Facts> {
        let browser = match sign_in.browser {
            Some(id) => self.store.browser(id).await?,
            None => None,
        };
        let standing = self.standing(user, sign_in.app, browser, now).await?;
        let passkeys = self.signers(user.id, standing.devices.iter().chain(&standing.held)).await?.len();
        // With a phone or passkey the decision does not look at them.
        let tokens = match standing.devices.is_empty() && passkeys == 0 {
            true => self.active_tokens(user.id).await?.len(),
            false => 0,
        };
        let others: Vec<_> =
            self.store.pending_for(user.id).await?.into_iter().filter(|c| c.sign_in != sign_in.id).collect();
        let unknown_refused = standing.browser.is_none() && self.unknown_refused(user.id).await?;
        let since = now.before(limits::NUMBER_MODE_AFTER_DENIAL);
        let (short, long) = (prompts_bucket(user, "10m"), prompts_bucket(user, "24h"));
        let prompts = [(short.as_str(), limits::PROMPTS_SHORT), (long.as_str(), limits::PROMPTS_LONG)];
        let lately = self.store.lately(user.id, since, &sign_in.address, prompts).await?;
        Ok(Facts {
            policy: policy::Facts {
                user_active: user.state == UserState::Active,
                app_admits: standing.app_admits,
                browser_bound: standing.browser.is_some(),
                active_devices: standing.devices.len(),
                passkeys,
                tokens,
                others_pending: others.len(),
                denied_lately: lately.denied,
                number_always: user.number_always || self.settings.number_always,
                unknown_refused,
                prompts_exhausted: std::iter::zip(lately.prompts, prompts)
                    .any(|(count, (_, limit))| count >= limit.count),
            },
            standing,
            to_raise: others.into_iter().filter(|c| c.number.is_none()).collect(),
            new_network: lately.new_address,
        })
    }

    /// The writes that open a challenge and queue its pushes.
    pub(super) fn ask_phone(
        &self,
        user: &User,
        sign_in: &SignIn,
        facts: &Facts,
        number: bool,
        now: Timestamp,
    ) -> Outcome<Vec<Write>> {
        let id = ChallengeId(self.ordered_id(now));
        let context = self.context(user, sign_in, facts, now)?;
        let expires_at = now.after(limits::CHALLENGE_LIFE);
        let mut writes: Vec<Write> = Vec::with_capacity(8);
        for other in &facts.to_raise {
            let number = self.fresh_number();
            let raised = Challenge { number: Some(number), version: other.version + 1, ..other.clone() };
            writes.push(Write::RaiseChallenge {
                challenge: other.id,
                version: other.version,
                number,
                sign_in: other.sign_in,
                user: user.id,
                checksum: self.vault.resealed(other, &raised)?,
            });
            writes.push(Write::Audit(Self::event(EventKind::ChallengeRaised, now, user)));
        }
        writes.push(Write::Count { bucket: prompts_bucket(user, "10m"), limit: limits::PROMPTS_SHORT });
        writes.push(Write::Count { bucket: prompts_bucket(user, "24h"), limit: limits::PROMPTS_LONG });
        writes.push(Write::OpenChallenge(self.vault.sealed(Challenge {
            id,
            sign_in: sign_in.id,
            user: user.id,
            version: 1,
            state: ChallengeState::Pending,
            nonce: random(&*self.entropy),
            context,
            number: number.then(|| self.fresh_number()),
            created_at: now,
            expires_at,
            checksum: UNSEALED,
        })));
        for device in &facts.standing.devices {
            writes.extend(self.pushes(device, PushKind::Request, id.0, now, expires_at));
        }
        let detail = if number { format!("{}, with a number", sign_in.agent) } else { sign_in.agent.clone() };
        let event = Self::event(EventKind::ChallengeOpened, now, user).app(sign_in.app, &facts.standing.app_name);
        writes.push(Write::Audit(event.address(&sign_in.address).detail(detail)));
        Ok(writes)
    }

    fn context(&self, user: &User, sign_in: &SignIn, facts: &Facts, now: Timestamp) -> Outcome<Vec<u8>> {
        let context = Context {
            v: nod_protocol::context::CONTEXT_VERSION,
            user: user.name.clone(),
            display_name: user.display_name.clone(),
            app: facts.standing.app_name.clone(),
            action: "sign in".to_owned(),
            origin: self.settings.origin.clone(),
            browser: sign_in.agent.clone(),
            address: sign_in.address.clone(),
            place: "unknown".to_owned(),
            new: if facts.new_network { vec!["network".to_owned()] } else { Vec::new() },
            at: now.0,
        };
        context.context_bytes().map_err(|error| Fault::BadRequest(error.to_string()))
    }

    fn fresh_number(&self) -> Number {
        Number::from_random(u32::from_be_bytes(random(&*self.entropy)))
    }

    /// A push to a phone that can be rung, and a second one in case the first is lost.
    pub(crate) fn pushes(
        &self,
        device: &Device,
        kind: PushKind,
        subject: [u8; 16],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Vec<Write> {
        if device.subscription.is_none() {
            return Vec::new();
        }
        let push = |due_at| {
            Write::QueuePush(Push {
                id: PushId(self.ordered_id(now)),
                kind,
                subject,
                device: device.id,
                state: PushState::Queued,
                due_at,
                expires_at,
                attempts: 0,
            })
        };
        match kind {
            PushKind::Request => vec![push(now), push(now.after(limits::PUSH_AGAIN_AFTER))],
            PushKind::SelfTest | PushKind::Notice => vec![push(now)],
        }
    }

    /// "Send again": rings every phone once more for the live challenge.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when nothing is pending or the phones were rung often enough.
    pub async fn resend(&self, sign_in: &SignIn) -> Outcome<()> {
        let now = self.now().await?;
        let newest = self.store.challenges_of(sign_in.id).await?.into_iter().next();
        let challenge = newest.filter(|c| c.is_live(now));
        let challenge = challenge.ok_or_else(|| Fault::Conflict("there is no request to send again".to_owned()))?;
        let count = Write::Count { bucket: format!("resend/{}", challenge.id), limit: RESENDS };
        let mut writes = vec![count];
        for device in self.active_devices(challenge.user, now).await? {
            let pushes = self.pushes(&device, PushKind::Request, challenge.id.0, now, challenge.expires_at);
            writes.extend(pushes.into_iter().take(1));
        }
        let sent = applied(self.store.commit(writes).await)?;
        if sent {
            Ok(())
        } else {
            Err(Fault::Conflict("the phone has been rung often enough: open the app on it".to_owned()))
        }
    }

    /// "Cancel": ends the challenge and the sign-in.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when it has already ended.
    pub async fn cancel(&self, sign_in: &SignIn) -> Outcome<()> {
        let now = self.now().await?;
        let user = self.active_user(sign_in.user).await?;
        let (app, _) = self.app_for(sign_in.app, user.id).await?;
        let mut writes = vec![Write::CancelSignIn { sign_in: sign_in.id }];
        let newest = self.store.challenges_of(sign_in.id).await?.into_iter().next();
        let live = newest.filter(|c| c.is_live(now));
        if let Some(challenge) = &live {
            writes.push(Write::DropPushes { subject: challenge.id.0 });
            let (challenge, to) = (challenge.id, ChallengeState::Withdrawn);
            writes.push(Write::EndChallenge { challenge, to, sign_in: sign_in.id, user: user.id });
        }
        let event = Self::event(EventKind::Withdrawn, now, &user).app(sign_in.app, &self.app_name(app.as_ref()));
        writes.push(Write::Audit(event.address(&sign_in.address)));
        self.store.commit(writes).await.map_err(Fault::moved_on)?;
        if let Some(challenge) = &live {
            self.meters.challenge(challenge, Met::Withdrawn);
        }
        Ok(())
    }

    /// "Try again": another challenge for the same sign-in, without the password, once the last has ended.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when one is still live or approved, or too many were opened; [`Fault::Forbidden`] when the policy
    /// no longer allows a push.
    pub async fn again(&self, sign_in: &SignIn) -> Outcome<()> {
        for _ in 0..MAX_RETRIES {
            let now = self.now().await?;
            let user = self.active_user(sign_in.user).await?;
            let tries = self.store.challenges_of(sign_in.id).await?.len();
            let open = sign_in.state == SignInState::Open && !is_over(sign_in, now);
            if !open || tries >= limits::CHALLENGES_PER_SIGN_IN as usize {
                return Err(Fault::Conflict("this sign-in is over: start again".to_owned()));
            }
            let facts = self.facts(&user, sign_in, now).await?;
            let Verdict::Push { number } = decide(&facts.policy) else {
                return Err(Fault::Forbidden("the phone cannot be asked now: use your passkey".to_owned()));
            };
            let writes = self.ask_phone(&user, sign_in, &facts, number, now)?;
            if applied(self.store.commit(writes).await)? {
                self.meters.asked();
                return Ok(());
            }
        }
        Err(Fault::Conflict("a request is already waiting on your phone".to_owned()))
    }
}

/// "Send again" beyond the first push and its repetition.
const RESENDS: limits::Limit = limits::Limit { count: limits::PUSHES_PER_CHALLENGE, window: limits::CHALLENGE_LIFE };

/// Prompts without success, reset by a sign-in that succeeds.
pub(super) fn prompts_bucket(user: &User, window: &str) -> String {
    format!("prompts/{window}/{}", user.id)
}

//! The first step: name, password and what the browser proves. Decides what comes next and opens it in one commit.

use nod_core::audit::{Event, EventKind};
use nod_core::people::{User, UserState};
use nod_core::policy::{Verdict, decide};
use nod_core::sign_in::{SignIn, SignInState};
use nod_core::{AppId, SecretHash, SignInId, Timestamp, UNSEALED, limits, text};
use zeroize::Zeroizing;

use super::ask::Facts;
use super::browser::{Proof, Rotation};
use crate::engine::{Engine, MAX_RETRIES};
use crate::fault::{Fault, Outcome, applied};
use crate::meters::Met;
use crate::ports::Write;
use crate::vault::fresh_secret;

/// A sign-in as a front end parsed it.
pub struct AuthnRequest {
    /// As typed.
    pub user_name: String,
    /// As typed.
    pub password: Zeroizing<String>,
    /// Which app asks; none is Nod's account page.
    pub app: Option<AppId>,
    /// Path on the app's host.
    pub return_to: String,
    /// Hash of the app host's pre-login cookie.
    pub binding: Option<SecretHash>,
    /// The bound-browser cookie, if sent.
    pub browser_cookie: Option<String>,
    /// Client address (INV-25).
    pub address: String,
    /// Browser label for people.
    pub agent: String,
}

impl std::fmt::Debug for AuthnRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthnRequest").field("app", &self.app).finish_non_exhaustive()
    }
}

/// How a sign-in began.
#[derive(Debug)]
pub enum Begun {
    /// Name or password is wrong, or the account is disabled: one answer for all (INV-29).
    Refused,
    /// The right password, but this app does not admit this person.
    NotPermitted,
    /// The right password in an unknown browser, and only known ones may go on, since a sign-in was reported.
    UnknownRefused,
    /// Go on to the second factor.
    Started {
        /// For the sign-in cookie: a secret.
        token: String,
        /// The bound browser's next cookie, when it rotates; a secret.
        browser_cookie: Option<String>,
    },
}

impl Engine {
    /// Checks name and password and opens what the policy asks for.
    ///
    /// # Errors
    /// [`Fault::TooMany`] after too many wrong passwords, [`Fault::Busy`] when too many are waiting.
    pub async fn begin(&self, request: AuthnRequest) -> Outcome<Begun> {
        let now = self.now().await?;
        // An impossible name goes the same way as an unknown one.
        let name = text::canonical_name(&request.user_name).unwrap_or_else(|_| "-".to_owned());
        let user = self.store.user_by_name(&name).await?;
        let proof =
            self.browser_proof(request.browser_cookie.as_deref(), user.as_ref().map(|user| user.id), now).await?;
        let bucket = password_bucket(&name, &proof);
        let source = match &proof {
            // A bound browser is its own source: a neighbour behind the same address cannot shut it out (A05).
            Proof::Bound(browser, _) => format!("browser {}", browser.id),
            Proof::Clone(_) | Proof::Unknown => request.address.clone(),
        };
        self.count_password_try(&bucket, &name, (&source, &request.address), now).await?;
        let active = user.as_ref().filter(|user| user.state == UserState::Active);
        let right = self.password_fits(active, request.password.clone(), &source).await;
        let right = right.inspect_err(|_| self.meters.password(Met::Busy))?;
        let Some(user) = user.filter(|_| right) else {
            self.record_wrong_password(&name, &source, &request.address, now).await?;
            self.meters.password(Met::PasswordRefused);
            return Ok(Begun::Refused);
        };
        self.begin_with_password(&user, &request, proof, &bucket).await
    }

    async fn begin_with_password(
        &self,
        user: &User,
        request: &AuthnRequest,
        proof: Proof,
        bucket: &str,
    ) -> Outcome<Begun> {
        let bound = match proof {
            Proof::Bound(browser, secret) => Some((browser, secret)),
            Proof::Clone(browser) => {
                let now = self.now().await?;
                self.unbind_clone(user, &browser, &request.address, now).await?;
                None
            }
            Proof::Unknown => None,
        };
        for _ in 0..MAX_RETRIES {
            let now = self.now().await?;
            let (token, sign_in) = self.new_sign_in(user, request, bound.as_ref().map(|(browser, _)| browser.id), now);
            let mut writes = vec![Write::ResetCount { bucket: bucket.to_owned() }, Write::AddSignIn(sign_in.clone())];
            let facts = self.facts(user, &sign_in, now).await?;
            // As just read: another tab may have rotated it a moment ago.
            let rotation = match (&bound, &facts.standing.browser) {
                (Some((_, secret)), Some(browser)) => {
                    self.rotation(request.browser_cookie.as_deref(), browser, secret, now).await?
                }
                _ => None,
            };
            let verdict = decide(&facts.policy);
            match verdict {
                Verdict::Refuse => return self.refuse(user, &facts.standing.app_name, &request.address, now).await,
                Verdict::UnknownRefused => return self.refuse_unknown(user, &facts, &request.address, now).await,
                Verdict::Locked | Verdict::Code => {}
                // A bound browser has been introduced; there is no phone to ask, or it was asked too often.
                Verdict::Introduce if facts.standing.browser.is_some() => {}
                Verdict::Introduce => {
                    writes.push(Write::Audit(introduction_event(user, &sign_in, &facts.standing.app_name, now)))
                }
                Verdict::Push { number } => writes.extend(self.ask_phone(user, &sign_in, &facts, number, now)?),
            }
            let cookie = rotation.map(|Rotation { write, cookie }| {
                writes.push(write);
                cookie
            });
            if applied(self.store.commit(writes).await)? {
                if matches!(verdict, Verdict::Push { .. }) {
                    self.meters.asked();
                }
                return Ok(Begun::Started { token, browser_cookie: cookie });
            }
        }
        Err(Fault::Busy)
    }

    pub(super) fn new_sign_in(
        &self,
        user: &User,
        request: &AuthnRequest,
        browser: Option<nod_core::BrowserId>,
        now: Timestamp,
    ) -> (String, SignIn) {
        let id = SignInId(self.ordered_id(now));
        let (secret, hash) = fresh_secret(&*self.entropy);
        let sign_in = self.vault.sealed(SignIn {
            id,
            secret: hash,
            user: user.id,
            app: request.app,
            return_to: request.return_to.clone(),
            binding: request.binding,
            browser,
            address: request.address.clone(),
            agent: text::shown(&request.agent),
            state: SignInState::Open,
            created_at: now,
            expires_at: now.after(limits::SIGN_IN_LIFE),
            checksum: UNSEALED,
        });
        (format!("{id}.{secret}"), sign_in)
    }

    /// Counts before the password is looked at, so that parallel guesses cannot pass together (INV-07).
    async fn count_password_try(
        &self,
        bucket: &str,
        name: &str,
        (source, address): (&str, &str),
        now: Timestamp,
    ) -> Outcome<()> {
        let source = source_bucket(source);
        let from_source = self.store.count(&source, limits::PASSWORD_TRIES_PER_SOURCE).await?;
        let count = Write::Count { bucket: bucket.to_owned(), limit: limits::PASSWORD_TRIES_PER_NAME };
        let over =
            from_source >= limits::PASSWORD_TRIES_PER_SOURCE.count || !applied(self.store.commit(vec![count]).await)?;
        if !over {
            return Ok(());
        }
        self.meters.password(Met::Throttled);
        // One event an hour for each source, however many tries: a flood must not fill the disk (A08).
        let once = limits::Limit { count: 1, window: limits::PASSWORD_TRIES_PER_NAME.window };
        let event = Event::new(EventKind::PasswordThrottled, now).address(address).detail(text::shown(name));
        let told = vec![Write::Count { bucket: format!("throttled/{source}"), limit: once }, Write::Audit(event)];
        applied(self.store.commit(told).await)?;
        Err(Fault::TooMany { retry_after_seconds: RETRY_AFTER_SECONDS })
    }

    async fn record_wrong_password(&self, name: &str, source: &str, address: &str, now: Timestamp) -> Outcome<()> {
        let mut event = Event::new(EventKind::PasswordRefused, now).address(address);
        // The name as typed may be a password typed into the wrong field: only its canonical form, and never longer than a name.
        event.detail = text::shown(name);
        let count = Write::Count { bucket: source_bucket(source), limit: limits::PASSWORD_TRIES_PER_SOURCE };
        applied(self.store.commit(vec![count, Write::Audit(event)]).await).map(|_| ())
    }

    pub(super) async fn refuse_unknown(
        &self,
        user: &User,
        facts: &Facts,
        address: &str,
        now: Timestamp,
    ) -> Outcome<Begun> {
        let event = Self::event(EventKind::AppRefused, now, user).app(None, &facts.standing.app_name);
        self.record_bad_proof(user.id, event.address(address).detail(REPORTED)).await?;
        Ok(Begun::UnknownRefused)
    }

    pub(super) async fn refuse(&self, user: &User, app: &str, address: &str, now: Timestamp) -> Outcome<Begun> {
        let event = Self::event(EventKind::AppRefused, now, user).app(None, app).address(address);
        self.record(event.detail("not a member of the app's group")).await?;
        self.meters.password(Met::AppRefused);
        Ok(Begun::NotPermitted)
    }
}

/// How the audit tells that an unknown browser was refused.
const REPORTED: &str = "a sign-in was reported, so only known browsers are taken";

/// What clients are told to wait after too many tries, in seconds.
const RETRY_AFTER_SECONDS: u32 = 900;

fn source_bucket(source: &str) -> String {
    format!("password/source/{}", limits::source_of(source))
}

/// Bound and unbound sources count apart, so that a stranger cannot lock the owner out (A05).
fn password_bucket(name: &str, proof: &Proof) -> String {
    match proof {
        Proof::Bound(browser, _) => format!("password/browser/{}", browser.id),
        Proof::Clone(_) | Proof::Unknown => format!("password/name/{name}"),
    }
}

fn introduction_event(user: &User, sign_in: &SignIn, app: &str, now: Timestamp) -> Event {
    Engine::event(EventKind::IntroductionAsked, now, user)
        .app(sign_in.app, app)
        .address(&sign_in.address)
        .detail(&sign_in.agent)
}

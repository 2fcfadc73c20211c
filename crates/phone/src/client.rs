//! A phone: one device of one user on one server.

use std::sync::Arc;
use std::time::Duration;

use nod_protocol::answer::{AnswerPayload, Decision, sign_answer};
use nod_protocol::context::Context;
use nod_protocol::device_api::{
    AnswerAnswer, AnswerRequest, DeviceState, DeviceStateAnswer, EnrolAnswer, EnrolPasskeyRequest, EnrolRequest,
    EnrolState, ErrorCode, HistoryAnswer, HistoryEntry, Missing, NonceAnswer, Notifications, PendingAnswer, Platform,
    RequestBody, RequestState, ServerInfo, SessionAnswer, SessionRequest, SubscriptionRequest, paths,
};
use nod_protocol::device_sign_in::{DeviceSignInPayload, sign_device_sign_in};
use nod_protocol::enrolment::EnrolmentCode;
use nod_protocol::webauthn::CreationOptions;
use nod_protocol::{Bytes32, Id, SixDigits, sha256};
use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;

use crate::entropy::Entropy;
use crate::error::PhoneError;
use crate::events::Events;
use crate::keys;
use crate::origin::Origin;
use crate::softkey::SoftPasskey;
use crate::state::Account;
use crate::transport::{ANSWER_TIMEOUT, accepted, json};

/// Time between two looks at a pending enrolment.
pub const ENROL_POLL: Duration = Duration::from_millis(500);

/// An enrolment whose device exists on the server and is not complete.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// What the person types in the asking browser.
    pub confirmation: SixDigits,
    /// When the enrolment lapses, Unix milliseconds on the server's clock.
    pub expires_at: i64,
    passkey: CreationOptions,
}

/// A request that belongs to this account and whose context could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    body: RequestBody,
    context: Context,
}

impl Request {
    /// Checks what the server sent against the account: device, user, and origin inside the signed context.
    pub fn check(body: RequestBody, account: &Account) -> Result<Self, PhoneError> {
        let context = Context::parse(body.context.as_bytes())?;
        if body.device != account.device {
            return Err(PhoneError::WrongContext("it is for another device"));
        }
        if context.user != account.user.name || body.user.name != account.user.name {
            return Err(PhoneError::WrongContext("it is for another user"));
        }
        if context.origin != account.origin.as_str() {
            return Err(PhoneError::WrongContext("it is of another server"));
        }
        Ok(Self { body, context })
    }

    /// The challenge's id.
    pub const fn id(&self) -> Id {
        self.body.id
    }

    /// What to show.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Everything else that the server said.
    pub const fn body(&self) -> &RequestBody {
        &self.body
    }

    /// Milliseconds left when the server sent it.
    pub const fn time_left_ms(&self) -> i64 {
        self.body.expires_at.saturating_sub(self.body.now)
    }
}

/// A phone that talks to its server.
pub struct Phone {
    http: reqwest::Client,
    pub(crate) entropy: Arc<dyn Entropy>,
    account: Account,
    token: tokio::sync::Mutex<Option<String>>,
}

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Phone({:?})", self.account)
    }
}

/// Asks a server who it is.
pub async fn server_info(http: &reqwest::Client, origin: &Origin) -> Result<ServerInfo, PhoneError> {
    let request = http.get(format!("{origin}{}", paths::SERVER)).timeout(ANSWER_TIMEOUT);
    json(accepted(request.send().await?).await?).await
}

impl Phone {
    /// A phone from a stored account. `http` comes from [`crate::http_client`].
    pub fn new(http: reqwest::Client, entropy: Arc<dyn Entropy>, account: Account) -> Self {
        Self { http, entropy, account, token: tokio::sync::Mutex::new(None) }
    }

    /// Begins an enrolment with the code that the asking browser shows. The new device is pending: show
    /// `Enrolled::confirmation`, then call [`Phone::finish_enrolment`], and store [`Phone::account`].
    pub async fn enrol(
        http: reqwest::Client,
        entropy: Arc<dyn Entropy>,
        origin: &Origin,
        code: EnrolmentCode,
        name: &str,
    ) -> Result<(Self, Enrolled), PhoneError> {
        let key = keys::new_key(entropy.as_ref())?;
        let body = EnrolRequest { code, name: name.to_owned(), platform: Platform::Terminal, key: *key.jwk() };
        let request = http.post(format!("{origin}{}", paths::ENROL)).json(&body).timeout(ANSWER_TIMEOUT);
        let answer: EnrolAnswer = json(accepted(request.send().await?).await?).await?;
        if answer.server.origin != origin.as_str() {
            return Err(PhoneError::WrongContext("the server calls itself by another origin"));
        }
        let account = Account::new(origin.clone(), answer.server.name, answer.device, answer.user, &key)?;
        let enrolled =
            Enrolled { confirmation: answer.confirmation, expires_at: answer.expires_at, passkey: answer.passkey };
        Ok((Self::new(http, entropy, account), enrolled))
    }

    /// Makes the passkey and says that a terminal has no notifications. What remains is the confirmation in the browser.
    pub async fn finish_enrolment(&mut self, enrolled: &Enrolled) -> Result<(), PhoneError> {
        let (passkey, credential) =
            SoftPasskey::register(&enrolled.passkey, &self.account.origin, self.entropy.as_ref())?;
        let body = EnrolPasskeyRequest { device: self.account.device, credential };
        let response = self.call(Method::POST, paths::ENROL_PASSKEY, Some(&body)).await?;
        json::<DeviceStateAnswer>(response).await?;
        self.account.passkey = Some(passkey);
        let body = SubscriptionRequest { subscription: None, notifications: Notifications::Unavailable };
        self.call(Method::PUT, paths::SUBSCRIPTION, Some(&body)).await?;
        Ok(())
    }

    /// How far the enrolment is.
    pub async fn enrol_state(&self) -> Result<EnrolState, PhoneError> {
        json(self.get(&paths::enrol_state(&self.account.device)).await?).await
    }

    /// Waits until the server takes this device as active; looks every [`ENROL_POLL`]. Put a time limit around it.
    pub async fn wait_active(&self) -> Result<(), PhoneError> {
        loop {
            match self.enrol_state().await {
                Ok(EnrolState { state: DeviceState::Active, .. }) => return Ok(()),
                Ok(EnrolState { state: DeviceState::Revoked, .. }) => return Err(PhoneError::NotAccepted),
                Ok(EnrolState { state: DeviceState::Pending, missing }) => {
                    if missing.contains(&Missing::Passkey) && self.account.passkey.is_some() {
                        return Err(PhoneError::NotUnderstood("it lost the passkey"));
                    }
                }
                Err(error) if error.is_transient() => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(ENROL_POLL).await;
        }
    }

    /// The account, to be stored.
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// Signs the device in anew and keeps the token. Calls do this by themselves where it is needed.
    pub async fn sign_in(&self) -> Result<(), PhoneError> {
        let token = self.new_token().await?;
        *self.token.lock().await = Some(token);
        Ok(())
    }

    /// Requests that wait for an answer.
    pub async fn pending(&self) -> Result<Vec<Request>, PhoneError> {
        let answer: PendingAnswer = json(self.get(paths::PENDING).await?).await?;
        let own = answer.requests.into_iter().filter(|body| body.device == self.account.device);
        own.map(|body| Request::check(body, &self.account)).collect()
    }

    /// One request; the server notes that it was opened.
    pub async fn request(&self, id: &Id) -> Result<Request, PhoneError> {
        let body: RequestBody = json(self.get(&paths::request(id)).await?).await?;
        if body.id != *id {
            return Err(PhoneError::WrongContext("it is another request"));
        }
        Request::check(body, &self.account)
    }

    /// The live channel.
    pub const fn events(&self) -> Events<'_> {
        Events::new(self)
    }

    /// Waits for a request that is pending (there may be one already). Put a time limit around it.
    pub async fn wait_request(&self) -> Result<Request, PhoneError> {
        let mut events = self.events();
        loop {
            for id in events.next().await? {
                match self.request(&id).await {
                    Ok(request) if request.body.state == RequestState::Pending => return Ok(request),
                    // Ended in the meantime.
                    Ok(_) => {}
                    Err(error) if matches!(error.code(), Some(ErrorCode::NotFound | ErrorCode::Gone)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Answers a request. `number` is what the browser shows, in number mode. The state returned is final.
    pub async fn answer(
        &self,
        request: &Request,
        decision: Decision,
        number: Option<SixDigits>,
    ) -> Result<RequestState, PhoneError> {
        let approve = decision == Decision::Approve;
        let number = number.filter(|_| approve && request.body.number_required);
        if approve && request.body.number_required && number.is_none() {
            return Err(PhoneError::NumberNeeded);
        }
        let key = self.account.signing_key()?;
        let payload = AnswerPayload {
            challenge: request.body.id,
            version: request.body.version,
            nonce: request.body.nonce,
            decision,
            // Over the bytes received, never over a context written anew.
            context_sha256: Bytes32(sha256(request.body.context.as_bytes())),
            number,
            device: self.account.device,
            kid: key.jwk().thumbprint(),
            origin: self.account.origin.as_str().to_owned(),
            exp: request.body.expires_at.div_euclid(1000),
        };
        let assertion = if decision != Decision::Deny {
            let passkey = self.account.passkey.as_ref().ok_or(PhoneError::NoPasskey)?;
            Some(passkey.assert(&sha256(&payload.to_bytes()?), &self.account.origin)?)
        } else {
            None
        };
        let body = AnswerRequest { answer: sign_answer(&key, &payload)?, assertion };
        let response = self.call(Method::POST, &paths::answer(&request.body.id), Some(&body)).await?;
        Ok(json::<AnswerAnswer>(response).await?.state)
    }

    /// What this phone answered, newest first.
    pub async fn history(&self) -> Result<Vec<HistoryEntry>, PhoneError> {
        Ok(json::<HistoryAnswer>(self.get(paths::HISTORY).await?).await?.answers)
    }

    /// Removes this device from the server. Forget the account after it.
    pub async fn remove(&self) -> Result<(), PhoneError> {
        self.call(Method::DELETE, &paths::device(&self.account.device), None::<&()>).await?;
        Ok(())
    }

    async fn get(&self, path: &str) -> Result<Response, PhoneError> {
        self.call(Method::GET, path, None::<&()>).await
    }

    /// Calls an endpoint in the device's session.
    async fn call<B: Serialize + ?Sized>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<Response, PhoneError> {
        self.in_session(|| {
            let request = self.http.request(method.clone(), self.url(path)).timeout(ANSWER_TIMEOUT);
            match body {
                Some(body) => request.json(body),
                None => request,
            }
        })
        .await
    }

    /// Sends with the session's token; signs in first where there is none, and once more where it has lapsed.
    pub(crate) async fn in_session(&self, build: impl Fn() -> RequestBuilder) -> Result<Response, PhoneError> {
        let mut token = self.token(None).await?;
        let mut renewed = false;
        loop {
            match accepted(build().bearer_auth(&token).send().await?).await {
                Err(error) if error.code() == Some(ErrorCode::NotSignedIn) && !renewed => {
                    renewed = true;
                    token = self.token(Some(&token)).await?;
                }
                outcome => return outcome,
            }
        }
    }

    /// The token in use; a new one where there is none or it is still the `refused` one. One sign-in at a time.
    async fn token(&self, refused: Option<&str>) -> Result<String, PhoneError> {
        let mut held = self.token.lock().await;
        if let Some(token) = held.as_ref().filter(|token| Some(token.as_str()) != refused) {
            return Ok(token.clone());
        }
        let token = self.new_token().await?;
        *held = Some(token.clone());
        Ok(token)
    }

    async fn new_token(&self) -> Result<String, PhoneError> {
        let request = self.http.post(self.url(paths::NONCE)).timeout(ANSWER_TIMEOUT);
        let nonce: NonceAnswer = json(accepted(request.send().await?).await?).await?;
        let payload = DeviceSignInPayload {
            nonce: nonce.nonce,
            device: self.account.device,
            origin: self.account.origin.as_str().to_owned(),
        };
        let body = SessionRequest { devices: vec![sign_device_sign_in(&self.account.signing_key()?, &payload)?] };
        let request = self.http.post(self.url(paths::SESSION)).json(&body).timeout(ANSWER_TIMEOUT);
        let answer: SessionAnswer = json(accepted(request.send().await?).await?).await?;
        let accepted_here = answer.devices.iter().any(|device| device.device == self.account.device && device.accepted);
        if accepted_here { Ok(answer.token) } else { Err(PhoneError::NotAccepted) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.account.origin)
    }

    pub(crate) const fn http(&self) -> &reqwest::Client {
        &self.http
    }
}

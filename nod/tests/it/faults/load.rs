//! People who sign in all the time, through whichever node answers, and keep what they were told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nod_phone::{Account, Phone, PhoneError, Request};
use nod_protocol::SixDigits;
use nod_protocol::answer::Decision;
use nod_protocol::device_api::RequestState;
use nod_testkit::SeededEntropy;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use super::ledger::Ledger;
use crate::nodes::{Dice, PASSWORD};
use crate::visitor::Visitor;

/// Every request is answered within this time, whatever has failed: the store gives up sooner.
const ANSWERED_WITHIN: Duration = Duration::from_secs(25);
/// A sign-in that fails is tried on, on other nodes, for so long.
const TRIED_FOR: Duration = Duration::from_secs(40);
/// Pause of a client after a failure.
const PAUSE: Duration = Duration::from_millis(100);
/// One in so many requests is denied.
const DENIED: u64 = 4;

/// Somebody with a bound browser and a phone, both of which reach every node.
pub(crate) struct Person {
    name: String,
    browser: Visitor,
    nodes: Vec<Client>,
    phones: Vec<Phone>,
    chance: SeededEntropy,
    ledger: Arc<Ledger>,
}

/// Why a sign-in came to no end.
enum Lost {
    /// The node said no, or nothing.
    Failed(&'static str),
    /// This browser has to be introduced first.
    Unbound,
}

impl Person {
    pub(crate) fn new(
        name: &str,
        browser: Visitor,
        nodes: Vec<Client>,
        account: &Account,
        seed: u64,
        ledger: &Arc<Ledger>,
    ) -> Self {
        let phone = |http: &Client| Phone::new(http.clone(), Arc::new(Dice), account.clone());
        let phones = nodes.iter().map(phone).collect();
        let (chance, ledger) = (SeededEntropy::new(seed), Arc::clone(ledger));
        Self { name: name.to_owned(), browser, nodes, phones, chance, ledger }
    }

    fn node(&self) -> usize {
        usize::try_from(self.chance.below(self.nodes.len() as u64)).unwrap()
    }

    /// Signs in until told to stop. `introduce` gives a link.
    pub(crate) async fn work(mut self, over: Arc<AtomicBool>, introduce: impl Fn(&str) -> Option<String>) {
        while !over.load(Ordering::SeqCst) {
            match self.sign_in().await {
                Ok(()) => continue,
                Err(Lost::Failed(what)) => self.ledger.count(what),
                Err(Lost::Unbound) => {
                    self.ledger.count("introduced anew");
                    self.introduce(&introduce).await;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn introduce(&mut self, introduce: &impl Fn(&str) -> Option<String>) {
        let Some(link) = introduce(&self.name) else { return };
        let body = json!({"token": link.split_once('#').unwrap().1, "user": self.name, "password": PASSWORD});
        let node = self.node();
        let answer = limited(self.browser.by(&self.nodes[node]).try_post("/introduce", &body)).await;
        if answer.is_none_or(|answer| !answer.status().is_success()) {
            self.ledger.count("an introduction failed");
        }
    }

    /// From the password to the session, or to a denial.
    async fn sign_in(&mut self) -> Result<(), Lost> {
        let (began, at) = (Instant::now(), self.node());
        let given = limited(self.browser.by(&self.nodes[at]).try_give(&self.name, PASSWORD)).await;
        let given = given.ok_or(Lost::Failed("no answer to a password"))?;
        if given.status() != StatusCode::SEE_OTHER {
            return Err(Lost::Failed("a password was refused"));
        }
        let number = self.asked(at).await?;
        let (request, through) = self.fetch().await?;
        let deny = self.chance.below(DENIED) == 0;
        let state = self.answer(&request, through, deny, number).await?;
        if deny || state != RequestState::Approved {
            return Ok(());
        }
        self.collect(&request, at).await?;
        self.ledger.passed(&[at, through], began);
        Ok(())
    }

    /// What the page says after the password: that a phone is asked, perhaps with a number.
    async fn asked(&mut self, at: usize) -> Result<Option<SixDigits>, Lost> {
        let answer = limited(self.browser.by(&self.nodes[at]).try_get("/sign-in/status")).await;
        let answer = answer.filter(|answer| answer.status().is_success()).ok_or(Lost::Failed("no status"))?;
        let status: Value = answer.json().await.map_err(|_| Lost::Failed("half a status"))?;
        match status["phase"].as_str() {
            Some("waiting") => {}
            Some("introduce" | "locked") => return Err(Lost::Unbound),
            _ => return Err(Lost::Failed("a sign-in that does not wait")),
        }
        Ok(status["number"].as_str().and_then(|number| number.parse().ok()))
    }

    /// The newest request on the phone, and the node that told it. Older ones belong to sign-ins that were given up.
    async fn fetch(&self) -> Result<(Request, usize), Lost> {
        let end = Instant::now() + TRIED_FOR;
        while Instant::now() < end {
            let through = self.node();
            match tokio::time::timeout(ANSWERED_WITHIN, self.phones[through].pending()).await {
                Ok(Ok(pending)) => {
                    let newest = pending.into_iter().max_by_key(|request| request.body().created_at);
                    return newest.map(|request| (request, through)).ok_or(Lost::Failed("nothing on the phone"));
                }
                Ok(Err(error)) => self.unanswered(&error)?,
                Err(_) => panic!("a node did not answer a phone within {ANSWERED_WITHIN:?}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(Lost::Failed("no request could be fetched"))
    }

    /// Answers until somebody says how it stands.
    async fn answer(
        &self,
        request: &Request,
        first: usize,
        deny: bool,
        number: Option<SixDigits>,
    ) -> Result<RequestState, Lost> {
        let (mut through, end) = (first, Instant::now() + TRIED_FOR);
        let decision = if deny { Decision::Deny } else { Decision::Approve };
        if !deny {
            self.ledger.signs(request.id());
        }
        while Instant::now() < end {
            let sent = self.phones[through].answer(request, decision, number);
            match tokio::time::timeout(ANSWERED_WITHIN, sent).await {
                Ok(Ok(state)) => {
                    self.ledger.answered(request.id(), state);
                    return Ok(state);
                }
                Ok(Err(error)) => self.unanswered(&error)?,
                Err(_) => panic!("a node did not take an answer within {ANSWERED_WITHIN:?}"),
            }
            tokio::time::sleep(PAUSE).await;
            through = self.node();
        }
        Err(Lost::Failed("an answer was not taken"))
    }

    /// A failure after which the same may be tried again. Anything else ends the sign-in: it was refused.
    fn unanswered(&self, error: &PhoneError) -> Result<(), Lost> {
        self.ledger.count(match error {
            PhoneError::Transport(_) => "a phone found nobody",
            PhoneError::Refused { status: 500.., .. } => "a phone was told of a failure",
            _ => return Err(Lost::Failed("a phone was refused")),
        });
        Ok(())
    }

    /// Two pages collect at once, through two nodes: one gets the session.
    async fn collect(&mut self, request: &Request, at: usize) -> Result<(), Lost> {
        let (mut at, end) = (at, Instant::now() + TRIED_FOR);
        let nothing = json!({});
        while Instant::now() < end {
            let mut twin = self.browser.clone();
            twin.by(&self.nodes[self.node()]);
            self.browser.by(&self.nodes[at]);
            let (own, other) = tokio::join!(
                limited(self.browser.try_post("/sign-in/finish", &nothing)),
                limited(twin.try_post("/sign-in/finish", &nothing))
            );
            let granted = |answer: &Option<Response>| answer.as_ref().is_some_and(|a| a.status().is_success());
            for _ in [&own, &other].into_iter().filter(|answer| granted(answer)) {
                self.ledger.granted(request.id());
            }
            if granted(&other) {
                self.browser = twin;
            }
            if granted(&own) || granted(&other) {
                return Ok(());
            }
            let refused = |answer: &Option<Response>| answer.as_ref().is_some_and(|a| a.status().is_client_error());
            if refused(&own) || refused(&other) {
                return Err(Lost::Failed("a grant was collected and its answer lost, or it was refused"));
            }
            self.ledger.count("a page was told of a failure");
            tokio::time::sleep(PAUSE).await;
            at = self.node();
        }
        Err(Lost::Failed("a grant was not collected"))
    }
}

/// None when there is no answer. A node that keeps somebody waiting ends the test.
async fn limited(answer: impl Future<Output = reqwest::Result<Response>>) -> Option<Response> {
    let answer = tokio::time::timeout(ANSWERED_WITHIN, answer).await;
    answer.unwrap_or_else(|_| panic!("a node did not answer a browser within {ANSWERED_WITHIN:?}")).ok()
}

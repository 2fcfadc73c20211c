//! `nod phone wait`: one request, shown and answered.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures::future::select_all;
use nod_phone::{Phone, PhoneState, Request};
use nod_protocol::SixDigits;
use nod_protocol::answer::Decision;
use nod_protocol::device_api::RequestState;
use serde::Serialize;

use super::ask;
use super::phone::{StateFile, http_client};
use crate::cli::Common;
use crate::failure::{Failure, Outcome};
use crate::output::{self, Time, local};
use crate::system::OsEntropy;

/// What `nod phone wait` takes.
#[derive(Debug, Args)]
pub(crate) struct WaitArguments {
    #[command(flatten)]
    file: StateFile,
    /// Approve the request
    #[arg(long, group = "decision")]
    approve: bool,
    /// Deny the request
    #[arg(long, group = "decision")]
    deny: bool,
    /// Say "This wasn't me": denies and reports it
    #[arg(long, group = "decision")]
    fraud: bool,
    /// The number that the browser shows, where one is asked for
    #[arg(long, value_name = "DIGITS", value_parser = SixDigits::parse_typed)]
    number: Option<SixDigits>,
    /// Give up after so many seconds without a request [default: wait for ever]
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

impl WaitArguments {
    const fn decision(&self) -> Option<Decision> {
        match (self.approve, self.deny, self.fraud) {
            (true, ..) => Some(Decision::Approve),
            (_, true, _) => Some(Decision::Deny),
            (.., true) => Some(Decision::DenyFraud),
            _ => None,
        }
    }
}

#[derive(Serialize)]
struct RequestView<'a> {
    id: String,
    user: &'a str,
    display_name: &'a str,
    app: &'a str,
    action: &'a str,
    origin: &'a str,
    browser: &'a str,
    address: &'a str,
    place: &'a str,
    new: Vec<String>,
    at: Time,
    expires_at: Time,
    number_required: bool,
    others: u32,
}

#[derive(Serialize)]
struct Answered<'a> {
    request: RequestView<'a>,
    decision: Decision,
    state: RequestState,
}

fn view(request: &Request) -> RequestView<'_> {
    let (context, body) = (request.context(), request.body());
    RequestView {
        id: request.id().to_string(),
        user: &context.user,
        display_name: &context.display_name,
        app: &context.app,
        action: &context.action,
        origin: &context.origin,
        browser: &context.browser,
        address: &context.address,
        place: &context.place,
        new: context.new.clone(),
        at: Time(nod_core::Timestamp(context.at)),
        expires_at: Time(nod_core::Timestamp(body.expires_at)),
        number_required: body.number_required,
        others: body.others,
    }
}

/// Runs it.
pub(crate) async fn run(common: &Common, arguments: WaitArguments) -> Outcome {
    let state = PhoneState::load(&arguments.file.path()?)?;
    if state.accounts.is_empty() {
        return Err(Failure::new("no account is on this phone yet").next("nod phone enrol LINK"));
    }
    let http = http_client()?;
    let phones: Vec<Phone> =
        state.accounts.iter().map(|account| Phone::new(http.clone(), Arc::new(OsEntropy), account.clone())).collect();
    let (phone, request) = next_request(&phones, arguments.timeout).await?;
    if !common.json {
        show(&request);
    }
    let decision = match arguments.decision() {
        Some(decision) => decision,
        None => asked_decision(&request).await?,
    };
    let number = match arguments.number {
        None if decision == Decision::Approve && request.body().number_required => Some(asked_number().await?),
        given => given,
    };
    let state = phone.answer(&request, decision, number).await?;
    if common.json {
        return output::json(&Answered { request: view(&request), decision, state });
    }
    output::line(match decision {
        Decision::Approve => "Approved.",
        Decision::Deny => "Denied.",
        Decision::DenyFraud => "Denied, and reported as not yours. Change your password if somebody else may know it.",
    });
    Ok(())
}

/// The first request on any of the accounts.
async fn next_request(phones: &[Phone], timeout: Option<u64>) -> Outcome<(&Phone, Request)> {
    let waits = phones.iter().map(|phone| Box::pin(async move { (phone, phone.wait_request().await) }));
    let first = async {
        let mut waits: Vec<_> = waits.collect();
        loop {
            let ((phone, outcome), _, others) = select_all(waits).await;
            match outcome {
                Ok(request) => return Ok((phone, request)),
                // A revoked account must not silence the others.
                Err(error) if others.is_empty() => return Err(Failure::from(error)),
                Err(error) => eprintln!("{} at {}: {error}", phone.account().user.name, phone.account().origin),
            }
            waits = others;
        }
    };
    match timeout {
        None => first.await,
        Some(seconds) => match tokio::time::timeout(Duration::from_secs(seconds), first).await {
            Ok(found) => found,
            Err(_) => Err(Failure::new(format!("no request came within {seconds} s"))),
        },
    }
}

/// The facts in the order in which they matter.
fn show(request: &Request) {
    let (context, body) = (request.context(), request.body());
    // The server cleans what it shows; a terminal obeys control characters, so we do too (INV-30).
    let clean = nod_core::text::shown;
    let left = request.time_left_ms() / 1000;
    output::line(format!("Sign in to {}?", clean(&context.app)));
    output::line(format!("  who   {} ({})", clean(&context.display_name), clean(&context.user)));
    let (browser, place, address) = (clean(&context.browser), clean(&context.place), clean(&context.address));
    output::line(format!("  from  {browser}, place {place}, address {address}"));
    output::line(format!("  when  {}, {left} s left", local(nod_core::Timestamp(context.at))));
    for new in &context.new {
        output::line(format!("  new   first time from this {}", clean(new)));
    }
    match body.others {
        0 => {}
        1 => output::line("  also  1 more sign-in waits"),
        more => output::line(format!("  also  {more} more sign-ins wait")),
    }
    if body.number_required {
        output::line("Approving needs the number on the screen where you are signing in.");
        output::line("Nobody from IT will ever ask you for it.");
    }
}

async fn asked_decision(request: &Request) -> Outcome<Decision> {
    if !ask::is_possible() {
        return Err(
            Failure::misuse("nobody can be asked here; say --approve, --deny or --fraud").next("nod phone wait --deny")
        );
    }
    let question =
        format!("Do you know this sign-in to {}? y approve, n deny, f this wasn't me", request.context().app);
    loop {
        match ask::text(&question, None).await?.to_lowercase().as_str() {
            "y" | "yes" | "approve" => return Ok(Decision::Approve),
            "n" | "no" | "deny" => return Ok(Decision::Deny),
            "f" | "fraud" => return Ok(Decision::DenyFraud),
            _ => eprintln!("Type y, n or f."),
        }
    }
}

async fn asked_number() -> Outcome<SixDigits> {
    if !ask::is_possible() {
        return Err(Failure::misuse("this sign-in needs the number that the browser shows")
            .next("nod phone wait --approve --number DIGITS"));
    }
    loop {
        match SixDigits::parse_typed(&ask::text("Number on the screen", None).await?) {
            Ok(number) => return Ok(number),
            Err(error) => eprintln!("{error}"),
        }
    }
}

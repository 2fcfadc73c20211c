//! `demo --walk`: plays person, phone, attacker and administrator over the real interfaces, and tells what happens.

use std::sync::Arc;
use std::time::Duration;

use nod_core::audit::EventKind;
use nod_phone::{EnrolBrowser, Origin, Phone, PhoneError, Request};
use nod_protocol::SixDigits;
use nod_protocol::answer::Decision;
use nod_protocol::device_api::ErrorCode;
use nod_protocol::pages::{EnrolStep, SignInOutcome, SignInPhase, SignInStatus};
use tokio::time::Instant;

use super::stage::{Stage, USER};
use super::visitor::Visitor;
use crate::commands::enrol::make_link;
use crate::commands::phone::http_client;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::system::OsEntropy;

/// Longest time for one step.
const STEP_TIME: Duration = Duration::from_secs(20);
/// What the browsers call themselves.
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/// Plays it all.
pub(super) async fn play(stage: &Stage) -> Outcome {
    let mut walk = Walk { stage, began: Instant::now(), http: http_client()? };
    output::line(format!("Nod at {}, the sample site at {}.\n", stage.origin(), stage.site_origin));
    let phone = walk.step("Anna enrols a phone", async |walk| walk.enrol().await).await?;
    let mut anna = Visitor::new(walk.http.clone(), stage, FIREFOX);
    walk.step("Her browser is introduced", async |walk| walk.introduce(&mut anna, &phone).await).await?;
    walk.step("She signs in with a tap", async |walk| walk.tap(&mut anna, &phone).await).await?;
    walk.step("She denies a sign-in", async |walk| walk.deny(&mut anna, &phone).await).await?;
    walk.step("The number decides", async |walk| walk.number(&mut anna, &phone).await).await?;
    walk.step("An attacker has the password", async |walk| walk.attack(&phone).await).await?;
    walk.step("\"This wasn't me\"", async |walk| walk.fraud(&mut anna, &phone).await).await?;
    walk.step("The phone is revoked", async |walk| walk.revoke(&phone).await).await?;
    output::line(format!("\nEverything went as it should, in {:.2} s.", walk.began.elapsed().as_secs_f64()));
    Ok(())
}

struct Walk<'a> {
    stage: &'a Stage,
    began: Instant,
    http: reqwest::Client,
}

/// What must hold, or the walk ends here.
fn must(holds: bool, otherwise: impl Into<String>) -> Outcome {
    if holds { Ok(()) } else { Err(Failure::new(otherwise)) }
}

impl Walk<'_> {
    fn tell(&self, sentence: impl AsRef<str>) {
        output::line(format!("{:7.2} s  {}", self.began.elapsed().as_secs_f64(), sentence.as_ref()));
    }

    async fn step<T>(&mut self, title: &str, play: impl AsyncFnOnce(&Self) -> Outcome<T>) -> Outcome<T> {
        output::line(title);
        match tokio::time::timeout(STEP_TIME, play(self)).await {
            Ok(done) => done.map_err(|failure| failure.during(title)),
            Err(_) => Err(Failure::new(format!("\"{title}\" did not end within {} s", STEP_TIME.as_secs()))),
        }
    }

    /// A phone by an administrator's link: password, code, key, passkey, confirmation.
    async fn enrol(&self) -> Outcome<Phone> {
        let (_, link, _) = make_link(&self.stage.installation.engine, &self.stage.user).await?;
        self.tell("An administrator makes a link that works once.");
        let (mut browser, status) = EnrolBrowser::open_link(self.http.clone(), &link).await?;
        must(status.step == EnrolStep::Password, "the enrolment page does not ask for the password")?;
        let again = EnrolBrowser::open_link(self.http.clone(), &link).await;
        must(again.is_err(), "the link worked twice")?;
        let wrong = browser.password("not her password").await;
        must(wrong.is_err(), "a wrong password was taken")?;
        browser.password(&self.stage.password).await?;
        let code = browser.code().await?.code.ok_or_else(|| Failure::new("no code is shown"))?;
        self.tell("She opens it, gives her password, and sees a code.");
        let origin: Origin = self.stage.origin().parse()?;
        let (mut phone, enrolled) =
            Phone::enrol(self.http.clone(), Arc::new(OsEntropy), &origin, code, "Anna's phone").await?;
        phone.finish_enrolment(&enrolled).await?;
        browser.wait_step(&[EnrolStep::Confirm]).await?;
        self.tell(format!(
            "The phone makes its keys and shows {}; she types that in the browser.",
            enrolled.confirmation.grouped()
        ));
        browser.confirm(enrolled.confirmation).await?;
        phone.wait_active().await?;
        self.tell("She confirms; the phone is active.");
        Ok(phone)
    }

    /// The first sign-in of a browser: nothing reaches the phone, the passkey introduces it.
    async fn introduce(&self, anna: &mut Visitor, phone: &Phone) -> Outcome {
        let status = anna.sign_in(&self.stage.password).await?;
        must(status.phase == SignInPhase::Introduce, format!("an unknown browser was shown {:?}", status.phase))?;
        must(phone.pending().await?.is_empty(), "an unknown browser made the phone ask")?;
        self.tell("The right password in an unknown browser: the phone is not asked.");
        let passkey = phone.account().passkey.as_ref().ok_or_else(|| Failure::new("the phone has no passkey"))?;
        let status = anna.show_passkey(passkey, &phone.account().origin).await?;
        must(status.phase == SignInPhase::Ready, "the passkey was not taken")?;
        anna.finish().await?;
        self.tell("Her passkey introduces it; the site opens and says who she is.");
        Ok(())
    }

    /// The everyday sign-in.
    async fn tap(&self, anna: &mut Visitor, phone: &Phone) -> Outcome {
        let request = self.ask(anna, phone).await?;
        must(!request.body().number_required, "a calm sign-in asked for a number")?;
        let context = request.context();
        self.tell(format!("The phone asks: sign in to {}? From {}.", context.app, context.browser));
        let answered = Instant::now();
        phone.answer(&request, Decision::Approve, None).await?;
        anna.wait_for(SignInPhase::Ready).await?;
        let took = answered.elapsed().as_millis();
        anna.finish().await?;
        self.tell(format!("She approves; {took} ms later her browser knows, and the site opens."));
        Ok(())
    }

    async fn deny(&self, anna: &mut Visitor, phone: &Phone) -> Outcome {
        let request = self.ask(anna, phone).await?;
        phone.answer(&request, Decision::Deny, None).await?;
        let status = anna.wait_for(SignInPhase::Ended).await?;
        must(status.outcome == Some(SignInOutcome::Denied), "the browser does not say that it was denied")?;
        must(anna.finish().await.is_err(), "a denied sign-in was finished")?;
        let late = phone.answer(&request, Decision::Approve, None).await;
        must(late.is_err(), "a denied request was approved afterwards")?;
        self.tell("She denies; the browser says so, and nothing turns it round.");
        Ok(())
    }

    /// After a denial the number on the screen is asked for.
    async fn number(&self, anna: &mut Visitor, phone: &Phone) -> Outcome {
        let request = self.ask(anna, phone).await?;
        must(request.body().number_required, "no number is asked for after a denial")?;
        let shown = anna.status().await?.number.ok_or_else(|| Failure::new("the browser shows no number"))?;
        self.tell(format!("After a denial the browser shows a number: {}.", shown.grouped()));
        let other = SixDigits::from_bits(u64::from(shown.to_string() == "000000"));
        let wrong = phone.answer(&request, Decision::Approve, Some(other)).await;
        let refused = matches!(&wrong, Err(error) if error.code() == Some(ErrorCode::WrongNumber));
        must(refused, "a wrong number was not refused as one")?;
        let status = anna.wait_for(SignInPhase::Ended).await?;
        must(status.outcome == Some(SignInOutcome::WrongNumber), "the browser does not speak of the wrong number")?;
        self.tell("A wrong number on the phone ends that request.");
        let again = anna.again().await?;
        let right = again.number.ok_or_else(|| Failure::new("the second try shows no number"))?;
        must(right != shown, "the second try shows the same number")?;
        let request = phone.wait_request().await?;
        phone.answer(&request, Decision::Approve, Some(right)).await?;
        anna.wait_for(SignInPhase::Ready).await?;
        anna.finish().await?;
        self.tell("She tries again with the new number; the site opens.");
        Ok(())
    }

    /// Somebody else, somewhere else, with her password.
    async fn attack(&self, phone: &Phone) -> Outcome {
        let mut attacker = Visitor::new(self.http.clone(), self.stage, CHROME);
        let status = attacker.sign_in(&self.stage.password).await?;
        must(status.phase == SignInPhase::Introduce, format!("the attacker was shown {:?}", status.phase))?;
        must(!status.sent && status.devices.is_empty(), "the attacker learns of a phone")?;
        must(phone.pending().await?.is_empty(), "the attacker's sign-in reached the phone")?;
        must(attacker.finish().await.is_err(), "the attacker got in")?;
        let events = self.stage.installation.engine.store().audit(None, 1).await?;
        let told = events.first().is_some_and(|(_, event)| event.kind == EventKind::IntroductionAsked);
        must(told, "the audit does not tell of the attacker")?;
        self.tell("The right password in the attacker's browser: no prompt, no way on, a line in the audit.");
        Ok(())
    }

    async fn fraud(&self, anna: &mut Visitor, phone: &Phone) -> Outcome {
        let request = self.ask(anna, phone).await?;
        phone.answer(&request, Decision::DenyFraud, None).await?;
        let status = anna.wait_for(SignInPhase::Ended).await?;
        must(status.outcome == Some(SignInOutcome::Fraud), "the browser does not say that it was reported")?;
        let status = anna.sign_in(&self.stage.password).await?;
        must(status.phase == SignInPhase::Introduce, "the reported browser may still ask the phone")?;
        must(phone.pending().await?.is_empty(), "the reported browser still reaches the phone")?;
        self.tell("She reports a sign-in: it ends, and that browser can ask her phone no more.");
        Ok(())
    }

    async fn revoke(&self, phone: &Phone) -> Outcome {
        let engine = &self.stage.installation.engine;
        let device = nod_core::DeviceId(phone.account().device.0);
        engine.revoke_device(self.stage.user.id, device).await?;
        let refused = match phone.pending().await {
            Err(PhoneError::NotAccepted) => true,
            Err(error) => matches!(error.code(), Some(ErrorCode::NotSignedIn | ErrorCode::BadSignature)),
            Ok(_) => false,
        };
        must(refused, "a revoked phone is still served")?;
        self.tell(format!("An administrator revokes {USER}'s phone: it is refused at its next word."));
        Ok(())
    }

    /// Signs out, signs in again, and gives what the phone is asked.
    async fn ask(&self, anna: &mut Visitor, phone: &Phone) -> Outcome<Request> {
        anna.sign_out().await?;
        let status: SignInStatus = anna.sign_in(&self.stage.password).await?;
        must(status.phase == SignInPhase::Waiting, format!("her own browser was shown {:?}", status.phase))?;
        let request = phone.wait_request().await?;
        must(request.context().app == "Sample site", "the phone names another app")?;
        Ok(request)
    }
}

//! `nod user enrol --group`: letters with links to everybody of a group who has no phone, and who is left.

use jiff::civil::Date;
use nod_core::people::{Group, User};
use nod_delivery::mail::MailError;
use nod_engine::{Engine, Standing};
use serde::Serialize;

use super::enrol::{Sent, send_link};
use super::group::named_group;
use crate::cli::Common;
use crate::failure::{Failure, Next as _, Outcome};
use crate::installation::Installation;
use crate::mail;
use crate::output::{self, Time, local};

/// What is asked of a group.
#[derive(Debug)]
pub(super) struct Campaign {
    pub(super) group: String,
    /// Also those who have a link that nobody has opened.
    pub(super) remind: bool,
    /// The day that the letter names.
    pub(super) by: Option<Date>,
}

/// Somebody of the group.
#[derive(Serialize)]
struct Person {
    user: String,
    mail: Option<String>,
    state: &'static str,
    phones: usize,
    link_expires_at: Option<Time>,
}

impl Person {
    fn of(user: &User, standing: Standing) -> Self {
        let (state, phones, until) = match standing {
            Standing::Disabled => ("disabled", 0, None),
            Standing::Enrolled(phones) => ("enrolled", phones, None),
            Standing::Busy(until) => ("busy", 0, Some(until)),
            Standing::Linked(until) => ("linked", 0, Some(until)),
            Standing::Waiting => ("waiting", 0, None),
        };
        let link_expires_at = until.map(Time);
        Self { user: user.name.clone(), mail: user.mail.clone(), state, phones, link_expires_at }
    }

    fn is_left(&self) -> bool {
        !matches!(self.state, "enrolled" | "disabled")
    }

    fn words(&self) -> String {
        let until = self.link_expires_at.map_or_else(String::new, |until| local(until.0));
        match self.state {
            "enrolled" if self.phones == 1 => "has a phone".to_owned(),
            "enrolled" => format!("has {} phones", self.phones),
            "busy" => format!("has opened the link, and may go on until {until}"),
            "linked" => format!("has a link until {until}"),
            "disabled" => "is disabled".to_owned(),
            _ if self.mail.is_none() => "no link; no mail address: nod user set NAME --mail ADDRESS".to_owned(),
            _ => "no link".to_owned(),
        }
    }
}

#[derive(Serialize)]
struct StatusView<'a> {
    group: &'a str,
    enrolled: usize,
    left: usize,
    people: &'a [Person],
}

/// Tells who has a phone and who is left.
pub(super) async fn status(common: &Common, engine: &Engine, group: &str) -> Outcome {
    let group = named_group(engine, group).await?;
    let mut people = Vec::new();
    for user in members(engine, &group).await? {
        people.push(Person::of(&user, engine.enrolment_standing(&user).await.or_next("nod doctor")?));
    }
    let enrolled = people.iter().filter(|person| person.phones > 0).count();
    let left = people.iter().filter(|person| person.is_left()).count();
    if common.json {
        return output::json(&StatusView { group: &group.name, enrolled, left, people: &people });
    }
    let rows: Vec<[String; 3]> = people
        .iter()
        .map(|person| [person.user.clone(), person.mail.clone().unwrap_or_else(|| "none".to_owned()), person.words()])
        .collect();
    if !rows.is_empty() {
        output::table(["name", "mail", "phone"], &rows);
    }
    output::line(format!("{enrolled} of {} have a phone, {left} are left.", people.len()));
    if left > 0 {
        output::line(format!("Write to them: nod user enrol --group {} --mail", group.name));
    }
    Ok(())
}

#[derive(Serialize)]
struct SentTo {
    user: String,
    sent_to: String,
    expires_at: Time,
}

#[derive(Serialize)]
struct NotSent {
    user: String,
    reason: String,
}

#[derive(Serialize)]
struct RunView<'a> {
    group: &'a str,
    sent: &'a [SentTo],
    not_sent: &'a [NotSent],
}

/// What has become of a run so far.
#[derive(Default)]
struct Run {
    sent: Vec<SentTo>,
    not_sent: Vec<NotSent>,
    refused: usize,
    /// Why the run ended before its end.
    ended: Option<Failure>,
}

impl Run {
    fn leaves(&mut self, common: &Common, user: &User, reason: String) {
        if !common.json {
            output::line(format!("{}: {}", user.name, output::one_line(&reason)));
        }
        self.not_sent.push(NotSent { user: user.name.clone(), reason });
    }
}

/// Writes to everybody who is left. What was sent stays sent, whatever ends the run on the way.
pub(super) async fn send(common: &Common, installation: &Installation, campaign: Campaign) -> Outcome {
    let (engine, config) = (&installation.engine, &installation.config);
    let group = named_group(engine, &campaign.group).await?;
    // Before the first link is made.
    mail::open(config, mail::settings(config)?)?;
    let words = mail::letters::Request { reminder: campaign.remind, by: campaign.by };
    let mut run = Run::default();
    for user in members(engine, &group).await? {
        let standing = engine.enrolment_standing(&user).await.or_next("nod doctor")?;
        match (standing, &user.mail) {
            (Standing::Disabled | Standing::Enrolled(_), _) => continue,
            (Standing::Waiting | Standing::Linked(_), None) => {
                run.leaves(common, &user, format!("no mail address: nod user set {} --mail ADDRESS", user.name));
                continue;
            }
            (Standing::Linked(_), Some(_)) if campaign.remind => {}
            (Standing::Busy(_) | Standing::Linked(_), _) => {
                run.leaves(common, &user, Person::of(&user, standing).words());
                continue;
            }
            (Standing::Waiting, Some(_)) => {}
        }
        one(common, installation, &user, &words, &mut run).await?;
        if run.ended.is_some() {
            break;
        }
    }
    told(common, &group, run)
}

async fn one(
    common: &Common,
    installation: &Installation,
    user: &User,
    words: &mail::letters::Request,
    run: &mut Run,
) -> Outcome {
    match send_link(installation, user, words, true).await? {
        Sent::To(sent_to, expires_at) => {
            if !common.json {
                output::line(format!("{}: sent to {sent_to}", user.name));
            }
            run.sent.push(SentTo { user: user.name.clone(), sent_to, expires_at: Time(expires_at) });
        }
        Sent::Lately => run.leaves(common, user, "was sent a letter within the last day".to_owned()),
        Sent::Failed(error) => {
            run.leaves(common, user, error.to_string());
            match error {
                MailError::Refused(_) | MailError::Deferred(_) | MailError::Letter(_) => run.refused += 1,
                MailError::Unusable(_) | MailError::Timeout => run.ended = Some(mail::explained(&error)),
            }
        }
    }
    Ok(())
}

fn told(common: &Common, group: &Group, run: Run) -> Outcome {
    let Run { sent, not_sent, refused, ended } = run;
    let status = format!("nod user enrol --group {} --status", group.name);
    if common.json {
        output::json(&RunView { group: &group.name, sent: &sent, not_sent: &not_sent })?;
    } else {
        output::line(format!("{} sent. Who is left: {status}", letters(sent.len())));
    }
    match ended {
        Some(failure) => {
            Err(failure.during("the run has ended before its end; the same command goes on with the others"))
        }
        None if refused > 0 => {
            Err(Failure::new(format!("the mail server did not take {}", letters(refused))).next(status))
        }
        None => Ok(()),
    }
}

fn letters(count: usize) -> String {
    if count == 1 { "1 letter".to_owned() } else { format!("{count} letters") }
}

async fn members(engine: &Engine, group: &Group) -> Outcome<Vec<User>> {
    let mut users = Vec::new();
    for id in engine.store().members(group.id).await? {
        users.extend(engine.store().user(id).await?);
    }
    Ok(users)
}

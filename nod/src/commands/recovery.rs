//! `nod user recovery`: what is left of the printed codes; `nod user pass`: one for the help desk to read out.

use nod_core::recovery::{RecoveryCode, RecoveryKind};
use nod_engine::Engine;
use serde::Serialize;

use super::named_user;
use crate::cli::Common;
use crate::failure::{Next as _, Outcome};
use crate::output::{self, Time, local};

#[derive(Serialize)]
struct LeftView<'a> {
    user: &'a str,
    codes_left: usize,
    made_at: Option<Time>,
    passes: Vec<PassView>,
}

#[derive(Serialize)]
struct PassView {
    begins_with: String,
    expires_at: Option<Time>,
}

/// Shows how many there are, or takes them away.
pub(crate) async fn codes(common: &Common, engine: &Engine, name: &str, revoke: bool) -> Outcome {
    let user = named_user(engine, name).await?;
    if revoke {
        engine.revoke_recovery(&user).await.or_next(format!("nod user recovery {}", user.name))?;
    }
    let now = engine.store().now().await?;
    let found = engine.store().recovery_codes_of(user.id).await?;
    let of = |kind| found.iter().filter(move |code: &&RecoveryCode| code.kind == kind && code.is_live(now));
    let (left, made) = (of(RecoveryKind::Code).count(), of(RecoveryKind::Code).map(|code| code.created_at).max());
    if common.json {
        let pass =
            |code: &RecoveryCode| PassView { begins_with: code.prefix.clone(), expires_at: code.expires_at.map(Time) };
        let passes = of(RecoveryKind::Pass).map(pass).collect();
        return output::json(&LeftView { user: &user.name, codes_left: left, made_at: made.map(Time), passes });
    }
    if revoke {
        output::line(format!("The recovery codes and passes of {} open nothing any more.", user.name));
        return Ok(());
    }
    let mut rows = vec![("recovery codes", made.map_or(left.to_string(), |at| format!("{left}, made {}", local(at))))];
    for pass in of(RecoveryKind::Pass) {
        rows.push((
            "pass",
            pass.expires_at.map_or_else(String::new, |end| format!("{}…, until {}", pass.prefix, local(end))),
        ));
    }
    output::facts(&rows);
    if left == 0 {
        output::line(format!("{} can make recovery codes at {}/portal.", user.name, engine.settings().origin));
    }
    Ok(())
}

#[derive(Serialize)]
struct NewPassView<'a> {
    user: &'a str,
    pass: &'a str,
    expires_at: Time,
}

/// Makes a pass and prints it. Whoever may run commands is an administrator: Nod cannot see who it was, and asks for no second one
/// (INV-23); the reason, the letter and the audit stand in for that.
pub(crate) async fn pass(common: &Common, engine: &Engine, name: &str, reason: &str, minutes: u32) -> Outcome {
    let user = named_user(engine, name).await?;
    let (pass, end) = engine.make_pass(&user, reason, minutes).await.or_next(format!("nod user show {}", user.name))?;
    if common.json {
        return output::json(&NewPassView { user: &user.name, pass: &pass, expires_at: Time(end) });
    }
    output::line(pass.as_str());
    output::line(format!("For {}, once, until {}.", user.name, local(end)));
    output::line(format!(
        "At {}/sign-in: the password, then \"I don't have my phone\", then this pass.",
        engine.settings().origin
    ));
    output::line("Call back at a number that you know before you read it out. To take it back:");
    output::line(format!("  nod user recovery {} --revoke", user.name));
    Ok(())
}

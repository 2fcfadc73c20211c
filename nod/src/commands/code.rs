//! `nod user code`: tokens that make one-time codes, as apps on phones or as hardware.

use clap::{Args, Subcommand, ValueEnum};
use nod_core::OathId;
use nod_core::oath::{Algorithm, DEFAULT_STEP_SECONDS, Moving, OathState, OathToken};
use nod_core::people::User;
use nod_engine::{Engine, Fault, NewToken, read_secret, secret_text};
use serde::Serialize;
use zeroize::Zeroizing;

use super::import::tokens::{self, TokensArguments};
use super::{ask, named_or_all, named_user};
use crate::cli::Common;
use crate::failure::{Failure, Next as _, Outcome};
use crate::output::{self, Time, local};

/// Wrong first codes before the question is given up.
const TRIES: usize = 3;

/// One-time codes: add, confirm, list, resync, rename, remove the tokens that make them
#[derive(Debug, Subcommand)]
pub(crate) enum CodeCommand {
    /// Add a token for one-time codes: shows the QR code that authenticator apps read, and asks for the first code
    #[command(
        after_long_help = "The token opens nothing before its first right code: the person types it here, or you hand it over with\nnod user code confirm. With --active you vouch that the right person holds the token.\n\nExamples:\n  nod user code add anna\n  nod user code add anna --algorithm sha256 --digits 8\n  echo GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ | nod user code add anna --secret-stdin --button --active"
    )]
    Add(AddArguments),
    /// Activate a token by its first code
    #[command(
        after_long_help = "Example:\n  nod user code list anna\n  nod user code confirm anna kDR2m0hVQqWk3T5cYxLr1A 123456"
    )]
    Confirm {
        /// User name
        name: String,
        /// The token's id, from `nod user code list`
        id: String,
        /// The code that it shows now
        code: String,
    },
    Import(TokensArguments),
    /// List tokens, of one account or of all
    #[command(after_long_help = "Examples:\n  nod user code list\n  nod user code list anna --json")]
    List {
        /// User name
        name: Option<String>,
    },
    /// Find the count of a token with a button again, by two of its codes in a row
    #[command(after_long_help = "Example:\n  nod user code resync anna kDR2m0hVQqWk3T5cYxLr1A 123456 654321")]
    Resync {
        /// User name
        name: String,
        /// The token's id, from `nod user code list`
        id: String,
        /// The code that it shows at a press of its button
        first: String,
        /// The code that it shows at the next press
        second: String,
    },
    /// Rename a token
    #[command(after_long_help = "Example:\n  nod user code rename anna kDR2m0hVQqWk3T5cYxLr1A \"Token in the safe\"")]
    Rename {
        /// User name
        name: String,
        /// The token's id, from `nod user code list`
        id: String,
        /// How it is called from now on
        to: String,
    },
    /// Remove a token: its codes open nothing any more
    #[command(after_long_help = "Example:\n  nod user code remove anna kDR2m0hVQqWk3T5cYxLr1A")]
    Remove {
        /// User name
        name: String,
        /// The token's id, from `nod user code list`
        id: String,
    },
}

/// The hash inside the codes.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

/// What `nod user code add` takes.
#[derive(Debug, Args)]
pub(crate) struct AddArguments {
    /// User name
    name: String,
    /// How the token is called
    #[arg(long, value_name = "NAME", default_value = "Authenticator app")]
    label: String,
    /// The hash inside the codes; many apps know SHA-1 only
    #[arg(long, value_enum, default_value_t = Hash::Sha1)]
    algorithm: Hash,
    /// Digits of a code
    #[arg(long, default_value_t = *nod_core::oath::DIGITS.start(), value_name = "6-8")]
    digits: u32,
    /// Seconds that a code is shown
    #[arg(long, default_value_t = DEFAULT_STEP_SECONDS, value_name = "SECONDS")]
    step: u32,
    /// The token has a button that moves it on (HOTP), and stands at this count
    #[arg(long, value_name = "COUNT", num_args = 0..=1, default_missing_value = "0", conflicts_with = "step")]
    button: Option<u64>,
    /// Read the secret of a token that exists from standard input, in base32
    #[arg(long)]
    secret_stdin: bool,
    /// Active at once: you vouch that the right person holds it
    #[arg(long)]
    active: bool,
}

#[derive(Serialize)]
struct TokenView {
    id: String,
    user: String,
    name: String,
    kind: &'static str,
    algorithm: &'static str,
    digits: u32,
    step_seconds: Option<u32>,
    state: &'static str,
    created_at: Time,
    last_used_at: Option<Time>,
}

fn view(token: &OathToken, user: &User) -> TokenView {
    let (kind, step_seconds) = match token.moving {
        Moving::Time { step } => ("totp", Some(step)),
        Moving::Press => ("hotp", None),
    };
    TokenView {
        id: token.id.to_string(),
        user: user.name.clone(),
        name: token.name.clone(),
        kind,
        algorithm: match token.algorithm {
            Algorithm::Sha1 => "sha1",
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        },
        digits: token.digits,
        step_seconds,
        state: match token.state {
            OathState::Pending => "pending",
            OathState::Active => "active",
        },
        created_at: Time(token.created_at),
        last_used_at: token.last_used_at.map(Time),
    }
}

/// A token that was just made: the only time that its secret is shown.
#[derive(Serialize)]
struct AddedView<'a> {
    #[serde(flatten)]
    token: TokenView,
    secret: &'a str,
    uri: &'a str,
}

/// Runs it.
pub(crate) async fn run(common: &Common, engine: &Engine, command: CodeCommand) -> Outcome {
    match command {
        CodeCommand::Add(arguments) => add(common, engine, arguments).await,
        CodeCommand::Import(arguments) => tokens::run(common, engine, arguments).await,
        CodeCommand::List { name } => list(common, engine, name.as_deref()).await,
        CodeCommand::Confirm { name, id, code } => {
            let (user, id) = (named_user(engine, &name).await?, token_id(&id, &name)?);
            engine.activate_token(&user, id, &code).await.or_next(list_command(&user))?;
            say(common, engine, &user, id, "Its codes now open sign-ins.").await
        }
        CodeCommand::Resync { name, id, first, second } => {
            let (user, id) = (named_user(engine, &name).await?, token_id(&id, &name)?);
            engine.resync_token(&user, id, [&first, &second]).await.or_next(list_command(&user))?;
            say(common, engine, &user, id, "The token is found again; both codes are used up.").await
        }
        CodeCommand::Rename { name, id, to } => {
            let (user, id) = (named_user(engine, &name).await?, token_id(&id, &name)?);
            engine.rename_token(&user, id, &to).await.or_next(list_command(&user))?;
            say(common, engine, &user, id, "The token is renamed.").await
        }
        CodeCommand::Remove { name, id } => {
            let (user, id) = (named_user(engine, &name).await?, token_id(&id, &name)?);
            engine.remove_token(&user, id).await.or_next(list_command(&user))?;
            if !common.json {
                output::line("The token is removed; its codes open nothing any more.");
            }
            Ok(())
        }
    }
}

fn list_command(user: &User) -> String {
    format!("nod user code list {}", user.name)
}

fn token_id(id: &str, user: &str) -> Outcome<OathId> {
    let next = format!("nod user code list {user}");
    id.parse().map_err(|error| Failure::misuse(format!("{id} is no token's id: {error}")).next(next))
}

/// Prints the token as it stands now, or a sentence.
async fn say(common: &Common, engine: &Engine, user: &User, id: OathId, sentence: &str) -> Outcome {
    if !common.json {
        output::line(sentence);
        return Ok(());
    }
    let token = engine.store().oath_token(id).await?.ok_or_else(|| Failure::new("the token is gone"))?;
    output::json(&view(&token, user))
}

async fn add(common: &Common, engine: &Engine, arguments: AddArguments) -> Outcome {
    let user = named_user(engine, &arguments.name).await?;
    let secret = if arguments.secret_stdin { Some(given_secret(&user).await?) } else { None };
    let new = NewToken {
        name: arguments.label,
        moving: if arguments.button.is_some() { Moving::Press } else { Moving::Time { step: arguments.step } },
        count: arguments.button.unwrap_or(0),
        algorithm: match arguments.algorithm {
            Hash::Sha1 => Algorithm::Sha1,
            Hash::Sha256 => Algorithm::Sha256,
            Hash::Sha512 => Algorithm::Sha512,
        },
        digits: arguments.digits,
        secret,
        active: arguments.active,
    };
    let (token, secret) = engine.add_token(&user, new).await.or_next(list_command(&user))?;
    let uri = engine.otpauth_uri(&user, &token, &secret);
    let text = secret_text(&secret);
    if common.json {
        return output::json(&AddedView { token: view(&token, &user), secret: &text, uri: &uri });
    }
    if let Some(code) = output::qr(&uri) {
        output::line(code);
    }
    output::line(uri.as_str());
    output::line(format!("To type it instead: {}", grouped(&text).as_str()));
    output::line("This is shown once. Whoever sees it can make the codes.");
    if token.state == OathState::Active {
        output::line(format!("Codes of {} now open sign-ins of {}.", token.name, user.name));
        return Ok(());
    }
    confirm(engine, &user, &token).await
}

/// Asks for the first code at the terminal, where there is one.
async fn confirm(engine: &Engine, user: &User, token: &OathToken) -> Outcome {
    let later = format!("nod user code confirm {} {} CODE", user.name, token.id);
    for _ in 0..if ask::is_possible() { TRIES } else { 0 } {
        let code = ask::text("The code that it shows now (empty: later)", Some("")).await?;
        if code.is_empty() {
            break;
        }
        match engine.activate_token(user, token.id, &code).await {
            Ok(()) => {
                output::line(format!("Codes of {} now open sign-ins of {}.", token.name, user.name));
                return Ok(());
            }
            Err(Fault::WrongCode(why)) => output::line(format!("No: {why}.")),
            Err(other) => return Err(other.into()),
        }
    }
    output::line(format!("It opens nothing yet. With its first code: {later}"));
    Ok(())
}

async fn given_secret(user: &User) -> Outcome<Zeroizing<Vec<u8>>> {
    let again = format!("echo SECRET | nod user code add {} --secret-stdin", user.name);
    let line =
        ask::line().await?.ok_or_else(|| Failure::misuse("standard input holds no secret").next(again.clone()))?;
    read_secret(&line).or_next(again)
}

/// In groups of four, for reading aloud and typing.
fn grouped(text: &str) -> Zeroizing<String> {
    let mut groups = Zeroizing::new(String::with_capacity(text.len() * 2));
    for (at, character) in text.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            groups.push(' ');
        }
        groups.push(character);
    }
    groups
}

async fn list(common: &Common, engine: &Engine, name: Option<&str>) -> Outcome {
    let mut views = Vec::new();
    for user in named_or_all(engine, name).await? {
        let tokens = engine.store().oath_tokens_of(user.id).await?;
        views.extend(tokens.iter().map(|token| view(token, &user)));
    }
    if common.json {
        return output::json(&views);
    }
    if views.is_empty() {
        output::line("There is no token. Add one: nod user code add NAME");
        return Ok(());
    }
    let rows: Vec<[String; 7]> = views
        .into_iter()
        .map(|view| {
            let used = view.last_used_at.map_or_else(|| "never".to_owned(), |at| local(at.0));
            let kind = match view.step_seconds {
                Some(step) => format!("{} every {step} s", view.kind),
                None => format!("{} by button", view.kind),
            };
            let codes = format!("{} digits, {}", view.digits, view.algorithm);
            [view.id, view.user, view.name, kind, codes, view.state.into(), used]
        })
        .collect();
    output::table(["id", "user", "token", "kind", "codes", "state", "last used"], &rows);
    Ok(())
}

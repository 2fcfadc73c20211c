//! A password from the terminal or from standard input, never from the command line.

use zeroize::Zeroizing;

use super::ask;
use crate::failure::{Failure, Outcome};

/// How often two different passwords may be typed.
const TRIES: usize = 3;

/// A new password: one line of standard input, or asked twice without echo.
pub(crate) async fn new_password(from_stdin: bool, name: &str, command: &str) -> Outcome<Zeroizing<String>> {
    if from_stdin {
        return given(command).await;
    }
    must_be_asked(command)?;
    let typed = typed_twice(&format!("New password for {name}")).await?;
    typed.ok_or_else(|| Failure::new("the password was not typed the same way twice").next(command.to_owned()))
}

async fn typed_twice(question: &str) -> Outcome<Option<Zeroizing<String>>> {
    for _ in 0..TRIES {
        let first = ask::hidden(question).await?;
        let second = ask::hidden("Once more").await?;
        if *first == *second {
            return Ok(Some(first));
        }
        eprintln!("These two differ. Try again.");
    }
    Ok(None)
}

/// A new passphrase for a file, asked twice without echo.
pub(crate) async fn new_passphrase(what: &str) -> Outcome<Zeroizing<String>> {
    passphrase_must_be_asked()?;
    let typed = typed_twice(&format!("New passphrase for {what}")).await?;
    typed.ok_or_else(|| Failure::new("the passphrase was not typed the same way twice"))
}

/// The passphrase of a file, asked once.
pub(crate) async fn known_passphrase(question: &str) -> Outcome<Zeroizing<String>> {
    passphrase_must_be_asked()?;
    ask::hidden(question).await
}

fn passphrase_must_be_asked() -> Outcome {
    if ask::is_possible() {
        return Ok(());
    }
    Err(Failure::misuse("there is no terminal to ask for the passphrase at: give it with --passphrase-file FILE"))
}

/// A password that exists: one line of standard input, or asked once.
pub(crate) async fn known_password(from_stdin: bool, question: &str, command: &str) -> Outcome<Zeroizing<String>> {
    if from_stdin {
        return given(command).await;
    }
    must_be_asked(command)?;
    ask::hidden(question).await
}

fn must_be_asked(command: &str) -> Outcome {
    if ask::is_possible() {
        return Ok(());
    }
    let command = format!("echo PASSWORD | {command}");
    Err(Failure::misuse("there is no terminal to ask for the password at").next(command))
}

async fn given(command: &str) -> Outcome<Zeroizing<String>> {
    let line = ask::line().await?;
    line.filter(|line| !line.is_empty())
        .ok_or_else(|| Failure::misuse("standard input holds no password").next(format!("echo PASSWORD | {command}")))
}

//! Questions at the terminal.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};

use zeroize::Zeroizing;

use crate::failure::{Failure, Outcome};

/// Longest line that is taken from standard input, in bytes.
const MAX_LINE_BYTES: u64 = 4096;

/// Whether a person sits at the terminal and can be asked.
pub(crate) fn is_possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Runs a question on a thread of its own, so that what goes on meanwhile goes on.
async fn aside<T: Send + 'static>(question: impl FnOnce() -> Outcome<T> + Send + 'static) -> Outcome<T> {
    tokio::task::spawn_blocking(question).await?
}

/// One line from standard input; none at its end.
pub(crate) async fn line() -> Outcome<Option<Zeroizing<String>>> {
    aside(read_line).await
}

fn read_line() -> Outcome<Option<Zeroizing<String>>> {
    let mut line = Zeroizing::new(String::new());
    std::io::stdin().lock().take(MAX_LINE_BYTES).read_line(&mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    let shorter = line.trim_end_matches(['\n', '\r']).len();
    line.truncate(shorter);
    Ok(Some(line))
}

/// Asks and gives the answer as typed, or `default` for an empty one.
pub(crate) async fn text(question: &str, default: Option<&str>) -> Outcome<String> {
    let (question, default) = (question.to_owned(), default.map(str::to_owned));
    aside(move || {
        let mut terminal = std::io::stderr();
        match &default {
            Some(default) => write!(terminal, "{question} [{default}]: ")?,
            None => write!(terminal, "{question}: ")?,
        }
        terminal.flush()?;
        let answer = read_line()?.ok_or_else(|| Failure::new("there was no answer"))?;
        let answer = answer.trim();
        Ok(if answer.is_empty() { default.unwrap_or_default() } else { answer.to_owned() })
    })
    .await
}

/// Asks for a password without showing it.
pub(crate) async fn hidden(question: &str) -> Outcome<Zeroizing<String>> {
    let question = format!("{question}: ");
    aside(move || Ok(Zeroizing::new(rpassword::prompt_password(question)?))).await
}

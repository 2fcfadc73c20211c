//! Tokens by the hundred: all of them judged, then added in one commit or not at all.

use std::collections::{HashMap, HashSet};

use nod_core::limits::OATH_TOKENS_PER_USER;
use nod_core::oath::OathToken;
use nod_core::people::{User, UserState};
use nod_core::{Timestamp, UserId, text};
use nod_protocol::sha256;

use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::import::{BadPart, Part, Wrong};
use crate::oath::NewToken;
use crate::ports::Write;

/// A token as somebody wrote it down, and for whom.
#[derive(Debug, Clone)]
pub struct GivenToken {
    /// User name.
    pub user: String,
    /// With its secret.
    pub token: NewToken,
}

/// Tokens that can be added together.
#[derive(Debug)]
pub struct NewTokens(Vec<(User, OathToken)>);

/// What the tokens are judged by.
struct Known {
    users: HashMap<String, User>,
    /// Whose each secret is, by its hash, of tokens that are there.
    secrets: HashMap<[u8; 32], String>,
    tokens: HashMap<UserId, usize>,
    now: Timestamp,
}

impl Engine {
    /// Judges all of them, and says everything that is wrong.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn judge_tokens(&self, given: Vec<GivenToken>) -> Outcome<Result<NewTokens, Vec<BadPart>>> {
        let mut known = self.known_tokens().await?;
        let (mut seen, mut good, mut bad) = (HashSet::new(), Vec::new(), Vec::new());
        for (index, given) in given.into_iter().enumerate() {
            match self.judge_token(given, &mut known, &mut seen)? {
                Ok(token) => good.push(token),
                Err(wrong) => bad.push(wrong.at(index)),
            }
        }
        Ok(if bad.is_empty() { Ok(NewTokens(good)) } else { Err(bad) })
    }

    async fn known_tokens(&self) -> Outcome<Known> {
        let mut known =
            Known { users: HashMap::new(), secrets: HashMap::new(), tokens: HashMap::new(), now: self.now().await? };
        for user in self.store.users().await? {
            let tokens = self.store.oath_tokens_of(user.id).await?;
            known.tokens.insert(user.id, tokens.len());
            for token in tokens {
                known
                    .secrets
                    .insert(sha256(&self.token_secret(&token)?), format!("the token {} of {}", token.name, user.name));
            }
            known.users.insert(user.name.clone(), user);
        }
        Ok(known)
    }

    fn judge_token(
        &self,
        GivenToken { user, mut token }: GivenToken,
        known: &mut Known,
        seen: &mut HashSet<[u8; 32]>,
    ) -> Outcome<Result<(User, OathToken), Wrong>> {
        let name = text::canonical_name(&user).unwrap_or_default();
        let Some(user) = known.users.get(&name) else {
            let named = text::shown(&user);
            let remedy = "correct it; accounts come first: nod user add, nod user import";
            return Ok(Err(Wrong::new(Part::User, format!("there is no account {named}"), remedy)));
        };
        if user.state != UserState::Active {
            let remedy = format!("nod user enable {name}");
            return Ok(Err(Wrong::new(Part::User, format!("{name} is disabled"), remedy)));
        }
        let secret = token.secret.take().unwrap_or_default();
        if let Err(Fault::BadRequest(reason)) = crate::oath::check(&token, &secret) {
            return Ok(Err(Wrong::new(Part::Shape, reason, "correct the row, or leave it out")));
        }
        // The same codes from two rows would each be taken once.
        let hash = sha256(&secret);
        if let Some(holder) = known.secrets.get(&hash) {
            let reason = format!("{holder} has this secret already");
            return Ok(Err(Wrong::new(
                Part::Secret,
                reason,
                "to hand the token on, remove it there: nod user code remove",
            )));
        }
        if !seen.insert(hash) {
            return Ok(Err(Wrong::new(Part::Secret, "the file has this secret before", "leave one of the rows out")));
        }
        let tokens = known.tokens.entry(user.id).or_default();
        *tokens += 1;
        if *tokens > OATH_TOKENS_PER_USER {
            let reason = format!("{name} would have more than {OATH_TOKENS_PER_USER} tokens");
            return Ok(Err(Wrong::new(Part::User, reason, format!("nod user code list {name}"))));
        }
        let token = self.made_token(user, &token, &secret, known.now)?;
        Ok(Ok((user.clone(), token)))
    }

    /// Adds them in one commit: whatever ends it on the way, none of them is there.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when one of the accounts was changed meanwhile.
    pub async fn add_tokens(&self, tokens: NewTokens) -> Outcome<()> {
        let mut writes: Vec<Write> = Vec::new();
        for (user, token) in tokens.0 {
            writes.extend(self.token_writes(&user, token).await?);
        }
        if applied(self.store.commit(writes).await)? {
            return Ok(());
        }
        Err(Fault::Conflict("an account of the file was changed in the meantime".to_owned()))
    }
}

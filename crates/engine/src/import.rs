//! Accounts by the hundred: all rows judged, then added in one commit or not at all.

use std::collections::{HashMap, HashSet};

use nod_core::audit::EventKind;
use nod_core::people::{Group, Member, User, UserState};
use nod_core::{Timestamp, UNSEALED, UserId, text};

use crate::admin::membership;
use crate::engine::Engine;
use crate::fault::{Fault, Outcome, applied};
use crate::password::Foreign;
use crate::ports::Write;

/// An account as somebody wrote it down.
#[derive(Debug, Clone, Default)]
pub struct NewUser {
    /// User name.
    pub name: String,
    /// Shown name; without one the user name.
    pub display_name: Option<String>,
    /// Where notices and links go by e-mail.
    pub mail: Option<String>,
    /// Names of groups, which must be there.
    pub groups: Vec<String>,
    /// May enrol `nod phone`.
    pub terminal_phone: bool,
    /// The hash of a password, as another system stored it.
    pub password_hash: Option<String>,
}

/// A part of an account or a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The user name.
    Name,
    /// The mail address.
    Mail,
    /// The groups.
    Groups,
    /// The password's hash.
    PasswordHash,
    /// Who a token is for.
    User,
    /// A token's secret.
    Secret,
    /// The rest of a token.
    Shape,
}

/// Why an account or a token cannot be added.
#[derive(Debug)]
pub struct BadPart {
    /// Its place in what was given.
    pub index: usize,
    /// What is wrong with it.
    pub part: Part,
    /// Why.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

/// Accounts that can be added together.
#[derive(Debug)]
pub struct NewUsers(Vec<(User, Vec<Group>)>);

impl NewUsers {
    /// Their names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|(user, _)| user.name.clone()).collect()
    }
}

/// What the accounts are judged by.
struct Known {
    users: HashSet<String>,
    groups: HashMap<String, Group>,
    now: Timestamp,
}

impl Engine {
    /// Judges all of them, and says everything that is wrong.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn judge_users(&self, given: &[NewUser]) -> Outcome<Result<NewUsers, Vec<BadPart>>> {
        let users = self.store.users().await?.into_iter().map(|user| user.name).collect();
        let groups = self.store.groups().await?.into_iter().map(|group| (group.name.clone(), group)).collect();
        let known = Known { users, groups, now: self.now().await? };
        let (mut seen, mut good, mut bad) = (HashSet::new(), Vec::new(), Vec::new());
        for (index, new) in given.iter().enumerate() {
            match self.judge_user(new, &known, &mut seen) {
                Ok(user) => good.push(user),
                Err(wrong) => bad.extend(wrong.into_iter().map(|wrong| wrong.at(index))),
            }
        }
        Ok(if bad.is_empty() { Ok(NewUsers(good)) } else { Err(bad) })
    }

    fn judge_user(
        &self,
        new: &NewUser,
        known: &Known,
        seen: &mut HashSet<String>,
    ) -> Result<(User, Vec<Group>), Vec<Wrong>> {
        let mut wrong = Vec::new();
        let name = free_name(&new.name, known, seen).map_err(|why| wrong.push(why));
        let mail = new.mail.as_deref().map(text::mail_address).transpose();
        let mail = mail.map_err(|error| wrong.push(Wrong::new(Part::Mail, error, "correct it, or leave it empty")));
        let mut groups: Vec<Group> = Vec::new();
        for named in &new.groups {
            match known.groups.get(&named.trim().to_ascii_lowercase()) {
                Some(group) if groups.contains(group) => {}
                Some(group) => groups.push(group.clone()),
                None => {
                    let named = text::shown(named);
                    let reason = format!("there is no group {named}");
                    wrong.push(Wrong::new(Part::Groups, reason, format!("nod group add {named}")));
                }
            }
        }
        if let Some(Err(error)) = new.password_hash.as_deref().map(Foreign::read) {
            let remedy = "leave it empty: the person chooses a password while enrolling";
            wrong.push(Wrong::new(Part::PasswordHash, error, remedy));
        }
        match (name, mail) {
            (Ok(name), Ok(mail)) if wrong.is_empty() => Ok((self.new_user(name, new, mail, known.now), groups)),
            _ => Err(wrong),
        }
    }

    fn new_user(&self, name: String, new: &NewUser, mail: Option<String>, now: Timestamp) -> User {
        let shown = text::shown(new.display_name.as_deref().unwrap_or(&name));
        self.vault.sealed(User {
            id: UserId(self.fresh_id()),
            display_name: if shown.is_empty() { name.clone() } else { shown },
            name,
            state: UserState::Active,
            password_hash: new.password_hash.clone(),
            number_always: false,
            terminal_phone: new.terminal_phone,
            mail,
            created_at: now,
            checksum: UNSEALED,
        })
    }

    /// Adds them in one commit, each with its line in the audit: whatever ends it on the way, none of them is there.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when a name was taken or a group was removed meanwhile.
    pub async fn add_users(&self, users: NewUsers) -> Outcome<()> {
        let mut writes = Vec::new();
        for (user, groups) in users.0 {
            let mail = user.mail.as_ref().map(|mail| format!(", letters to {mail}")).unwrap_or_default();
            let scheme = user.password_hash.as_deref().and_then(|hash| Foreign::read(hash).ok());
            let scheme = scheme.map(|hash| format!(", with a password hash ({})", hash.scheme)).unwrap_or_default();
            let detail = format!("imported{mail}{scheme}");
            let event = Self::event(EventKind::UserAdded, user.created_at, &user).detail(detail);
            let joins = groups.iter().flat_map(|group| self.joining(&user, group)).collect::<Vec<_>>();
            writes.extend([Write::AddUser(user), Write::Audit(event)]);
            writes.extend(joins);
        }
        if applied(self.store.commit(writes).await)? {
            return Ok(());
        }
        Err(Fault::Conflict("an account or a group of the file was changed in the meantime".to_owned()))
    }

    fn joining(&self, user: &User, group: &Group) -> [Write; 2] {
        let member = Member { group: group.id, user: user.id, checksum: UNSEALED };
        let event = Self::event(EventKind::GroupChanged, user.created_at, user);
        [Write::AddMember(self.vault.sealed(member)), Write::Audit(event.detail(membership(user, "joined", group)))]
    }
}

/// What is wrong with a part, before it is known whose it is.
pub(crate) struct Wrong(Part, String, String);

impl Wrong {
    pub(crate) fn new(part: Part, reason: impl ToString, remedy: impl Into<String>) -> Self {
        Self(part, reason.to_string(), remedy.into())
    }

    pub(crate) fn at(self, index: usize) -> BadPart {
        BadPart { index, part: self.0, reason: self.1, remedy: self.2 }
    }
}

fn free_name(given: &str, known: &Known, seen: &mut HashSet<String>) -> Result<String, Wrong> {
    let name =
        text::canonical_name(given).map_err(|error| Wrong::new(Part::Name, error, "give the account another name"))?;
    if known.users.contains(&name) {
        let remedy = format!("leave the row out; to change the account: nod user set {name}");
        return Err(Wrong::new(Part::Name, format!("there is an account {name} already"), remedy));
    }
    if !seen.insert(name.clone()) {
        return Err(Wrong::new(Part::Name, format!("the file has {name} before"), "leave one of the rows out"));
    }
    Ok(name)
}

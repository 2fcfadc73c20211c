//! What administrators do from the command line: users, groups, apps.

use nod_core::access::App;
use nod_core::audit::{Event, EventKind};
use nod_core::challenge::{Challenge, ChallengeState};
use nod_core::people::{Group, Member, User, UserState, check_new_password};
use nod_core::recovery::RecoveryKind;
use nod_core::{AppId, GroupId, UNSEALED, UserId, text};
use zeroize::Zeroizing;

use crate::engine::{Engine, MAX_RETRIES};
use crate::fault::{Fault, Outcome, applied};
use crate::ports::Write;

impl Engine {
    /// The user of this name.
    ///
    /// # Errors
    /// [`Fault::BadRequest`] for an impossible name, [`Fault::NotFound`].
    pub async fn user_named(&self, name: &str) -> Outcome<User> {
        let name = canonical(name)?;
        self.store.user_by_name(&name).await?.ok_or(Fault::NotFound("user"))
    }

    /// Adds an active user without factors: locked for enrolment until a window is opened (INV-17).
    ///
    /// # Errors
    /// [`Fault::Conflict`] when the name is taken.
    pub async fn add_user(&self, name: &str, display_name: Option<&str>, terminal_phone: bool) -> Outcome<User> {
        let now = self.now().await?;
        let name = canonical(name)?;
        let display_name = text::shown(display_name.unwrap_or(&name));
        let display_name = if display_name.is_empty() { name.clone() } else { display_name };
        let user = self.vault.sealed(User {
            id: UserId(self.fresh_id()),
            name,
            display_name,
            state: UserState::Active,
            password_hash: None,
            number_always: false,
            terminal_phone,
            mail: None,
            created_at: now,
            checksum: UNSEALED,
        });
        let event = Self::event(EventKind::UserAdded, now, &user);
        let writes = vec![Write::AddUser(user.clone()), Write::Audit(event)];
        if applied(self.store.commit(writes).await)? {
            Ok(user)
        } else {
            Err(Fault::Conflict(format!("there is a user {} already", user.name)))
        }
    }

    /// The write that makes `to` of what was read, with its checksum; somebody else's change meanwhile refuses it.
    pub(crate) fn changed(&self, from: &User, to: User) -> Write {
        Write::ChangeUser { from: from.checksum, to: self.vault.sealed(to) }
    }

    /// Disables or enables; disabling ends every session and withdraws every question at once.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when the user is in that state already.
    pub async fn set_user_state(&self, user: &User, to: UserState) -> Outcome<()> {
        let now = self.now().await?;
        let kind = match to {
            UserState::Active => EventKind::UserEnabled,
            UserState::Disabled => EventKind::UserDisabled,
        };
        for _ in 0..MAX_RETRIES {
            let found = self.store.user(user.id).await?.ok_or(Fault::NotFound("user"))?;
            if found.state == to {
                return Err(Fault::Conflict(format!("{} is so already", user.name)));
            }
            let changed = self.changed(&found, User { state: to, ..found.clone() });
            let mut writes = vec![changed, Write::Audit(Self::event(kind, now, user))];
            if to == UserState::Disabled {
                writes.push(Write::EndSessionsOf { user: user.id, browser: None });
                writes.push(Write::EndEnrolmentsOf { user: user.id });
                // A hold does not run out while its owner cannot say no; a pass was made for now (E15).
                writes.push(Write::EndRecoveryCodes { user: user.id, kind: RecoveryKind::Pass });
                writes.extend(self.end_held(user, now).await?);
                writes.extend(self.store.pending_for(user.id).await?.iter().flat_map(withdrawal));
            }
            if applied(self.store.commit(writes).await)? {
                return Ok(());
            }
            // A phone answered meanwhile, or somebody else changed the user.
        }
        Err(Fault::Busy)
    }

    /// Sets a password and ends every session. No factor is touched (INV-18).
    ///
    /// # Errors
    /// [`Fault::BadRequest`] when it is no good.
    pub async fn set_password(&self, user: &User, password: Zeroizing<String>) -> Outcome<()> {
        let now = self.now().await?;
        check_new_password(&password, &user.name).map_err(|error| Fault::BadRequest(error.to_string()))?;
        let hash = self.passwords.hash(password, "command line").await?;
        let found = self.store.user(user.id).await?.ok_or(Fault::NotFound("user"))?;
        let writes = vec![
            self.changed(&found, User { password_hash: Some(hash), ..found.clone() }),
            Write::EndSessionsOf { user: user.id, browser: None },
            Write::EndEnrolmentsOf { user: user.id },
            Write::Audit(Self::event(EventKind::PasswordSet, now, user)),
        ];
        self.store.commit(writes).await.map_err(Fault::moved_on)
    }

    /// Sets what a user may and must do.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when the user is gone.
    pub async fn set_user_options(&self, user: &User, number_always: bool, terminal_phone: bool) -> Outcome<()> {
        let now = self.now().await?;
        let word = |on| if on { "on" } else { "off" };
        let detail =
            format!("number on every sign-in {}, terminal phone {}", word(number_always), word(terminal_phone));
        let found = self.store.user(user.id).await?.ok_or(Fault::NotFound("user"))?;
        let writes = vec![
            self.changed(&found, User { number_always, terminal_phone, ..found.clone() }),
            Write::Audit(Self::event(EventKind::UserChanged, now, user).detail(detail)),
        ];
        self.store.commit(writes).await.map_err(Fault::moved_on)
    }

    /// Sets where a user's notices go by e-mail; none takes the address away.
    ///
    /// # Errors
    /// [`Fault::BadRequest`] for what is no plain address; [`Fault::Conflict`] when the user changed meanwhile.
    pub async fn set_mail(&self, user: &User, address: Option<&str>) -> Outcome<()> {
        let now = self.now().await?;
        let mail = address.map(text::mail_address).transpose();
        let mail = mail.map_err(|error| Fault::BadRequest(error.to_string()))?;
        let found = self.store.user(user.id).await?.ok_or(Fault::NotFound("user"))?;
        let words = |mail: &Option<String>| mail.clone().unwrap_or_else(|| "nobody".to_owned());
        let detail = format!("{}, before to {}", words(&mail), words(&found.mail));
        let mut writes = vec![
            self.changed(&found, User { mail, ..found.clone() }),
            Write::Audit(Self::event(EventKind::MailChanged, now, user).detail(detail)),
        ];
        writes.extend(self.tell(user.id, None, now).await?);
        self.store.commit(writes).await.map_err(Fault::moved_on)
    }

    /// The group of this name.
    ///
    /// # Errors
    /// [`Fault::NotFound`].
    pub async fn group_named(&self, name: &str) -> Outcome<Group> {
        let name = canonical(name)?;
        self.store.groups().await?.into_iter().find(|group| group.name == name).ok_or(Fault::NotFound("group"))
    }

    /// Adds an empty group.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when the name is taken.
    pub async fn add_group(&self, name: &str) -> Outcome<Group> {
        let now = self.now().await?;
        let group = Group { id: GroupId(self.fresh_id()), name: canonical(name)?, created_at: now };
        let event = Event::new(EventKind::GroupChanged, now).detail(format!("{} was added", group.name));
        let writes = vec![Write::AddGroup(group.clone()), Write::Audit(event)];
        if applied(self.store.commit(writes).await)? {
            Ok(group)
        } else {
            Err(Fault::Conflict(format!("there is a group {} already", group.name)))
        }
    }

    /// Removes a group that no app names.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when an app names it.
    pub async fn remove_group(&self, group: &Group) -> Outcome<()> {
        let now = self.now().await?;
        let event = Event::new(EventKind::GroupChanged, now).detail(format!("{} was removed", group.name));
        let writes = vec![Write::RemoveGroup(group.id), Write::Audit(event)];
        if applied(self.store.commit(writes).await)? {
            Ok(())
        } else {
            Err(Fault::Conflict(format!("an app still admits the group {}: change the app first", group.name)))
        }
    }

    /// Puts a user into a group or takes them out.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when they are so already.
    pub async fn set_member(&self, group: &Group, user: &User, member: bool) -> Outcome<()> {
        let now = self.now().await?;
        let (write, words) = if member {
            let member = Member { group: group.id, user: user.id, checksum: UNSEALED };
            (Write::AddMember(self.vault.sealed(member)), "joined")
        } else {
            (Write::RemoveMember { group: group.id, user: user.id }, "left")
        };
        let event = Self::event(EventKind::GroupChanged, now, user).detail(membership(user, words, group));
        let done = applied(self.store.commit(vec![write, Write::Audit(event)]).await)?;
        if done { Ok(()) } else { Err(Fault::Conflict(format!("{} has {words} {} before", user.name, group.name))) }
    }

    /// The app of this name.
    ///
    /// # Errors
    /// [`Fault::NotFound`].
    pub async fn app_named(&self, name: &str) -> Outcome<App> {
        let name = canonical(name)?;
        self.store.apps().await?.into_iter().find(|app| app.name == name).ok_or(Fault::NotFound("app"))
    }

    /// Adds an app at an exact origin that the caller has checked.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when name or origin is taken.
    pub async fn add_app(
        &self,
        name: &str,
        display_name: Option<&str>,
        origin: &str,
        group: Option<&Group>,
    ) -> Outcome<App> {
        let now = self.now().await?;
        let name = canonical(name)?;
        let app = self.vault.sealed(App {
            id: AppId(self.fresh_id()),
            display_name: text::shown(display_name.unwrap_or(&name)),
            name,
            origin: origin.to_owned(),
            group: group.map(|group| group.id),
            created_at: now,
            checksum: UNSEALED,
        });
        let event = Event::new(EventKind::AppAdded, now).app(Some(app.id), &app.display_name).detail(origin);
        let writes = vec![Write::AddApp(app.clone()), Write::Audit(event)];
        if applied(self.store.commit(writes).await)? {
            Ok(app)
        } else {
            Err(Fault::Conflict(format!("there is an app with the name {} or at {origin} already", app.name)))
        }
    }

    /// Removes an app; its cookies end.
    ///
    /// # Errors
    /// [`Fault::NotFound`] when it is gone.
    pub async fn remove_app(&self, app: &App) -> Outcome<()> {
        let now = self.now().await?;
        let event = Event::new(EventKind::AppRemoved, now).app(Some(app.id), &app.display_name);
        let done = applied(self.store.commit(vec![Write::RemoveApp(app.id), Write::Audit(event)]).await)?;
        if done { Ok(()) } else { Err(Fault::NotFound("app")) }
    }
}

/// How the audit tells that somebody joined or left a group.
pub(crate) fn membership(user: &User, words: &str, group: &Group) -> String {
    format!("{} {words} {}", user.name, group.name)
}

fn canonical(name: &str) -> Outcome<String> {
    text::canonical_name(name).map_err(|error| Fault::BadRequest(error.to_string()))
}

/// The writes that end a question nobody may answer any more, and the sign-in behind it: the waiting page says so at once.
fn withdrawal(challenge: &Challenge) -> [Write; 3] {
    let (id, sign_in, user) = (challenge.id, challenge.sign_in, challenge.user);
    [
        Write::DropPushes { subject: id.0 },
        Write::EndChallenge { challenge: id, to: ChallengeState::Withdrawn, sign_in, user },
        Write::CancelSignIn { sign_in },
    ]
}

//! Users, groups, apps, counters, audit and values of the installation.

use nod_core::audit::ChainHash;
use nod_core::limits::Limit;
use nod_core::{GroupId, Timestamp};
use nod_engine::ports::{Write, chain_hash};

use super::super::{Counted, State};
use super::when;

impl State {
    pub(super) fn apply_people(&mut self, write: &Write, now: Timestamp) -> Option<()> {
        match write {
            Write::AddUser(user) => {
                when(!self.users.values().any(|other| other.name == user.name))?;
                self.users.add(user.id, user.clone())
            }
            Write::ChangeUser { from, to } => {
                let row = self.users.get_mut(&to.id)?;
                when(row.checksum == *from)?;
                row.state = to.state;
                row.password_hash.clone_from(&to.password_hash);
                (row.number_always, row.terminal_phone) = (to.number_always, to.terminal_phone);
                row.mail.clone_from(&to.mail);
                row.checksum = to.checksum;
                Some(())
            }
            Write::AddGroup(group) => {
                when(!self.groups.values().any(|other| other.name == group.name))?;
                self.groups.add(group.id, group.clone())
            }
            Write::RemoveGroup(group) => self.remove_group(*group),
            Write::AddMember(member) => {
                when(self.groups.has(&member.group) && self.users.has(&member.user))?;
                self.members.add((member.group, member.user), member.clone())
            }
            Write::RemoveMember { group, user } => self.members.remove(&(*group, *user)),
            Write::AddApp(app) => {
                when(!self.apps.values().any(|other| other.name == app.name || other.origin == app.origin))?;
                when(app.group.is_none_or(|group| self.groups.has(&group)))?;
                self.apps.add(app.id, app.clone())
            }
            Write::RemoveApp(app) => {
                self.apps.remove(app)?;
                self.app_codes.remove_where(|_, code| code.row.app == *app);
                self.app_sessions.remove_where(|_, session| session.app == *app);
                Some(())
            }
            Write::Count { bucket, limit } => self.count_up(bucket, *limit, now),
            Write::ResetCount { bucket } => {
                let _ = self.counters.remove(bucket);
                Some(())
            }
            Write::Audit(event) => {
                let last = self.audit.iter().next_back().map(|(last, (_, hash))| (*last, *hash));
                let (last, previous) = last.unwrap_or((0, ChainHash::START));
                self.audit.add(last + 1, (event.clone(), chain_hash(&previous, last + 1, event)))
            }
            Write::SetMeta { key, value } => self.meta.add(key.clone(), value.clone()),
            Write::ChangeMeta { key, from, to } => {
                let value = self.meta.get_mut(key).filter(|value| *value == from)?;
                value.clone_from(to);
                Some(())
            }
            _ => None,
        }
    }

    fn remove_group(&mut self, group: GroupId) -> Option<()> {
        when(!self.apps.values().any(|app| app.group == Some(group)))?;
        self.groups.remove(&group)?;
        self.members.remove_where(|(of, _), _| *of == group);
        Some(())
    }

    fn count_up(&mut self, bucket: &str, limit: Limit, now: Timestamp) -> Option<()> {
        let so_far = self.counted(bucket, limit, now);
        when(so_far < limit.count)?;
        let since = match self.counters.get(&bucket.to_owned()) {
            Some(counted) if so_far > 0 => counted.since,
            _ => now,
        };
        self.counters.put(bucket.to_owned(), Counted { since, window: limit.window, count: so_far + 1 });
        Some(())
    }
}

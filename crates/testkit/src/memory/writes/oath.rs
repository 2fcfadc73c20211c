//! Tokens that make one-time codes.

use nod_core::limits;
use nod_engine::ports::Write;

use super::super::State;
use super::when;

impl State {
    pub(super) fn apply_oath(&mut self, write: &Write) -> Option<()> {
        match write {
            Write::AddOathToken(token) => {
                self.user_active(token.user)?;
                when(self.oath_tokens_of(token.user).len() < limits::OATH_TOKENS_PER_USER)?;
                self.oath_tokens.add(token.id, token.clone())
            }
            Write::ChangeOathToken { from, to } => {
                self.user_active(to.user)?;
                let row = self.oath_tokens.get_mut(&to.id)?;
                when(row.user == to.user && row.checksum == *from && row.next <= to.next)?;
                row.name.clone_from(&to.name);
                row.secret.clone_from(&to.secret);
                (row.state, row.next) = (to.state, to.next);
                (row.last_used_at, row.checksum) = (to.last_used_at, to.checksum);
                Some(())
            }
            Write::ResealOathToken { from, to } => {
                let row = self.oath_tokens.get_mut(&to.id)?;
                when(row.checksum == *from)?;
                row.secret.clone_from(&to.secret);
                row.checksum = to.checksum;
                Some(())
            }
            Write::RemoveOathToken { token, user } => {
                when(self.oath_tokens.get(token)?.user == *user)?;
                self.oath_tokens.remove(token)
            }
            _ => None,
        }
    }
}

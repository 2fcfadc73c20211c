//! What clients were told, held against what the database says.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::Instant;

use nod_protocol::Id;
use nod_protocol::device_api::RequestState;

use super::database::Pair;

/// States of a challenge in the database, under each state that a phone was told.
fn allowed(said: RequestState) -> &'static [&'static str] {
    match said {
        RequestState::Approved | RequestState::Consumed => &["approved", "consumed"],
        RequestState::Denied => &["denied"],
        _ => &[],
    }
}

/// One that all clients share.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// Requests that a phone has signed an approval of.
    signed: HashSet<Id>,
    /// Answers that a phone has a 2xx for.
    answers: HashMap<Id, RequestState>,
    /// Requests whose sign-in has a session by a 2xx, with how often.
    grants: HashMap<Id, u32>,
    /// When the newest sign-in that was granted through this node began.
    whole: Vec<Option<Instant>>,
    tally: HashMap<&'static str, u64>,
}

impl Ledger {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap()
    }

    /// Before an approval leaves a phone.
    pub(crate) fn signs(&self, id: Id) {
        self.kept().signed.insert(id);
    }

    /// A phone has a 2xx.
    pub(crate) fn answered(&self, id: Id, state: RequestState) {
        let before = self.kept().answers.insert(id, state);
        let alike = |before: RequestState| allowed(before) == allowed(state);
        assert!(before.is_none_or(alike), "INV-02: {id:?} was {before:?}, then {state:?}");
    }

    /// A browser has a session.
    pub(crate) fn granted(&self, id: Id) {
        let mut kept = self.kept();
        let times = kept.grants.entry(id).or_default();
        *times += 1;
        assert_eq!(*times, 1, "{id:?} was granted twice");
        assert!(kept.signed.contains(&id), "{id:?} was granted, and no phone approved it");
    }

    /// A sign-in that began then went through these nodes to its end.
    pub(crate) fn passed(&self, nodes: &[usize], began: Instant) {
        let mut kept = self.kept();
        for node in nodes {
            if kept.whole.len() <= *node {
                kept.whole.resize(*node + 1, None);
            }
            kept.whole[*node] = kept.whole[*node].max(Some(began));
        }
    }

    /// Whether this node has carried a sign-in that began after this moment.
    pub(crate) fn serves_since(&self, node: usize, moment: Instant) -> bool {
        self.kept().whole.get(node).is_some_and(|began| began.is_some_and(|began| began >= moment))
    }

    pub(crate) fn count(&self, what: &'static str) {
        *self.kept().tally.entry(what).or_default() += 1;
    }

    /// Holds all receipts against the database.
    pub(crate) fn check(&self, database: &Pair) -> String {
        let (answers, grants) = {
            let kept = self.kept();
            (kept.answers.clone(), kept.grants.clone())
        };
        let rows = database.sql("SELECT encode(id, 'hex'), state FROM challenges");
        let rows: HashMap<&str, &str> = rows.lines().filter_map(|line| line.split_once('|')).collect();
        for (id, said) in &answers {
            let found = rows.get(hex(id).as_str());
            assert!(found.is_some_and(|state| allowed(*said).contains(state)), "{id:?}: told {said:?}, kept {found:?}");
        }
        for id in grants.keys() {
            assert_eq!(rows.get(hex(id).as_str()), Some(&"consumed"), "{id:?} was granted");
        }
        let approved: HashSet<String> = self.kept().signed.iter().map(hex).collect();
        for (id, state) in &rows {
            let needs = ["approved", "consumed"].contains(state);
            assert!(!needs || approved.contains(*id), "{id} is {state}, and no phone approved it");
        }
        // Counted in one statement, while sign-ins go on.
        let twice = database.sql(
            "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM challenges WHERE state = 'consumed'),
             (SELECT count(*) FROM audit WHERE kind = 'signed_in')",
        );
        let counts: Vec<&str> = twice.split('|').collect();
        assert!(counts.windows(2).all(|two| two[0] == two[1]), "sessions, grants, events: {twice}");
        format!("{} answers and {} grants acknowledged, all kept", answers.len(), grants.len())
    }

    /// What went wrong for clients, and how often.
    pub(crate) fn tally(&self) -> String {
        let mut tally: Vec<_> = self.kept().tally.iter().map(|(what, count)| format!("{what}: {count}")).collect();
        tally.sort();
        tally.join(", ")
    }
}

fn hex(id: &Id) -> String {
    id.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

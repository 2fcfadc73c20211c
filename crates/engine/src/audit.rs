//! Whether the audit's chain holds, and what may be signed of it (INV-22, D03).

use std::collections::BTreeMap;

use nod_core::Timestamp;
use nod_core::audit::{ChainHash, Link};
use nod_protocol::Bytes32;
use nod_protocol::checkpoint::CheckpointPayload;

use crate::engine::Engine;
use crate::fault::Outcome;
use crate::ports::chain_hash;

/// Events that are read at a time.
const PAGE: u32 = 1_000;
/// Findings that are kept; more are only counted.
const MAX_FINDINGS: usize = 100;

/// A place where the audit is not what was written. Sequence numbers are those that the rows carry now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// No row carries these numbers: they were deleted.
    Missing {
        /// The first missing one.
        first: i64,
        /// The last missing one.
        last: i64,
    },
    /// These rows do not carry the hash that follows from them and the row before: edited, inserted or moved; or the row before
    /// the first was edited and given a fitting hash.
    Broken {
        /// The first such row.
        first: i64,
        /// The last of those that follow on it.
        last: i64,
    },
    /// The chain holds in itself, but is not the one that was signed: something after `after` up to `count` was changed, or cut
    /// off and replaced, and hashed anew.
    Rewritten {
        /// The last event that an earlier checkpoint vouches for; 0 for none.
        after: i64,
        /// The event whose hash is another than the signed one.
        count: i64,
        /// When it was signed.
        at: Timestamp,
    },
    /// The chain ends before what was signed: its tail was cut off, or an older backup was restored.
    CutTail {
        /// The last event there is; 0 for none.
        last: i64,
        /// How many there were.
        count: i64,
        /// When that was signed.
        at: Timestamp,
    },
}

/// Events that a checkpoint signed and that are no more, because an older backup was restored. The signed checkpoint of that
/// restore answers for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostToRestore {
    /// The first of them.
    pub first: i64,
    /// The last that is known of.
    pub last: i64,
    /// When the restore was signed.
    pub at: Timestamp,
}

/// What a walk over the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The number of the last event; 0 when there is none.
    pub count: i64,
    /// Its hash.
    pub head: ChainHash,
    /// The last checkpoint that the chain agrees with.
    pub checkpoint: Option<CheckpointPayload>,
    /// Where it does not hold, in order; empty when it does.
    pub findings: Vec<Finding>,
    /// How many findings there are beyond those.
    pub more: u64,
    /// What restores have cost.
    pub lost: Vec<LostToRestore>,
}

/// Walks a chain link by link. Feed it every row there is, by sequence number, then ask for the report.
#[derive(Debug)]
pub struct Verifier {
    next: i64,
    /// The hash before `next`; `None` when that row is not there or carries none.
    previous: Option<ChainHash>,
    checkpoints: BTreeMap<i64, Vec<CheckpointPayload>>,
    matched: Option<CheckpointPayload>,
    /// Whether the last checkpoint passed was not matched: those after it are not either, which is no news.
    rewritten: bool,
    findings: Vec<Finding>,
    more: u64,
    lost: Vec<LostToRestore>,
}

impl Verifier {
    /// From the first event on, beside these checkpoints, whose signatures the caller has verified.
    #[must_use]
    pub fn new(checkpoints: impl IntoIterator<Item = CheckpointPayload>) -> Self {
        let (checkpoints, lost) = without_lost(checkpoints.into_iter().collect());
        let mut by_count = BTreeMap::<i64, Vec<_>>::new();
        for checkpoint in checkpoints {
            by_count.entry(checkpoint.count).or_default().push(checkpoint);
        }
        Self {
            next: 1,
            previous: Some(ChainHash::START),
            checkpoints: by_count,
            matched: None,
            rewritten: false,
            findings: Vec::new(),
            more: 0,
            lost,
        }
    }

    /// From the last event of this checkpoint on.
    #[must_use]
    pub fn resume(checkpoint: CheckpointPayload) -> Self {
        let next = checkpoint.count;
        Self { next, previous: None, ..Self::new([checkpoint]) }
    }

    /// The next row.
    pub fn step(&mut self, link: &Link) {
        if link.sequence < self.next {
            // The chain begins with 1: such a row was put before it.
            return self.broken(link.sequence);
        }
        if link.sequence > self.next {
            self.found(Finding::Missing { first: self.next, last: link.sequence - 1 });
            self.previous = None;
        }
        let holds = match (&link.event, link.hash, self.previous) {
            (Some(event), Some(hash), Some(previous)) => chain_hash(&previous, link.sequence, event) == hash,
            (event, hash, _) => event.is_some() && hash.is_some(),
        };
        if !holds {
            self.broken(link.sequence);
        }
        self.previous = link.hash;
        self.next = link.sequence.saturating_add(1);
        self.compare(link);
    }

    fn compare(&mut self, link: &Link) {
        for checkpoint in self.checkpoints.remove(&link.sequence).unwrap_or_default() {
            let agrees = link.hash.is_some_and(|hash| hash.0 == checkpoint.head.0);
            if agrees {
                self.matched = Some(checkpoint);
            } else if !self.rewritten {
                let after = self.matched.as_ref().map_or(0, |matched| matched.count);
                let at = Timestamp(checkpoint.at);
                self.found(Finding::Rewritten { after, count: checkpoint.count, at });
            }
            self.rewritten = !agrees;
        }
    }

    fn broken(&mut self, sequence: i64) {
        match self.findings.last_mut() {
            Some(Finding::Broken { last, .. }) if *last == sequence - 1 => *last = sequence,
            _ => self.found(Finding::Broken { first: sequence, last: sequence }),
        }
    }

    fn found(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        } else {
            self.more += 1;
        }
    }

    /// There are no more rows.
    #[must_use]
    pub fn finish(mut self) -> Report {
        let last = self.next - 1;
        let beyond = self.checkpoints.split_off(&self.next);
        if let Some(signed) = beyond.into_values().next_back().and_then(|mut signed| signed.pop()) {
            self.found(Finding::CutTail { last, count: signed.count, at: Timestamp(signed.at) });
        }
        Report {
            count: last,
            head: self.previous.unwrap_or(ChainHash::START),
            checkpoint: self.matched,
            findings: self.findings,
            more: self.more,
            lost: self.lost,
        }
    }
}

/// The checkpoints that must still hold, and what restores have cost. A restore answers only for what was signed before it: its
/// checkpoint, shown once more later, excuses nothing.
fn without_lost(checkpoints: Vec<CheckpointPayload>) -> (Vec<CheckpointPayload>, Vec<LostToRestore>) {
    let restores: Vec<(i64, i64)> =
        checkpoints.iter().filter_map(|restore| Some((restore.restored_from?, restore.at))).collect();
    let mut lost = BTreeMap::<(i64, i64), i64>::new();
    let kept = checkpoints.into_iter().filter(|checkpoint| {
        let excused = restores.iter().find(|(from, at)| checkpoint.at < *at && checkpoint.count > *from);
        let Some((from, at)) = excused else { return true };
        let last = lost.entry((*at, *from)).or_default();
        *last = (*last).max(checkpoint.count);
        false
    });
    let kept = kept.collect();
    let lost = lost.into_iter().map(|((at, from), last)| LostToRestore {
        first: from.saturating_add(1),
        last,
        at: Timestamp(at),
    });
    (kept, lost.collect())
}

/// What came of a wish for a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checkpointed {
    /// Nothing was added since the last one.
    Unmoved,
    /// The chain has grown and holds: this is to be signed.
    Due(CheckpointPayload),
    /// The chain does not hold from the last checkpoint on; nothing is signed.
    Refused(Report),
}

impl Engine {
    /// Walks the whole chain beside these checkpoints, whose signatures the caller has verified. `seen` is told how far it is.
    ///
    /// # Errors
    /// When the store fails. What is wrong with the chain stands in the report.
    pub async fn verify_audit(
        &self,
        checkpoints: Vec<CheckpointPayload>,
        seen: impl FnMut(i64) + Send,
    ) -> Outcome<Report> {
        // From the very first row, also where no event ever stood.
        self.walk(Verifier::new(checkpoints), i64::MIN, seen).await
    }

    /// What to sign of the chain as it is now, if it has grown since `last` and holds from there on.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn checkpoint_audit(&self, last: Option<CheckpointPayload>) -> Outcome<Checkpointed> {
        let before = last.as_ref().map_or(0, |last| last.count);
        let (verifier, after) = match last {
            Some(last) => (Verifier::resume(last), before - 1),
            None => (Verifier::new([]), i64::MIN),
        };
        let report = self.walk(verifier, after, |_| ()).await?;
        if !report.findings.is_empty() {
            return Ok(Checkpointed::Refused(report));
        }
        if report.count == before {
            return Ok(Checkpointed::Unmoved);
        }
        Ok(Checkpointed::Due(CheckpointPayload {
            head: Bytes32(report.head.0),
            count: report.count,
            at: self.now().await?.0,
            origin: self.settings.origin.clone(),
            restored_from: None,
        }))
    }

    async fn walk(&self, mut verifier: Verifier, mut after: i64, mut seen: impl FnMut(i64) + Send) -> Outcome<Report> {
        loop {
            let links = self.store.audit_after(after, PAGE).await?;
            let Some(last) = links.last() else { return Ok(verifier.finish()) };
            after = last.sequence;
            for link in &links {
                verifier.step(link);
            }
            seen(after);
            // A long chain must not keep this thread from its other work.
            tokio::task::yield_now().await;
        }
    }
}

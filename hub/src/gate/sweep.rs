//! Sweeping: forgets signals that have lapsed, and changes and screens that no cursor can ask for any more.
//! Small batches, so that nobody waits for it, each with an entry in the ledger; shows nothing to anybody.

use std::{collections::BTreeMap, mem};

use jiff::{SignedDuration, Timestamp};

use super::{Error, Gate};
use crate::{
    changes::{self, Change, screen},
    ledger::{Entry, Remainder},
    model::{AgencyId, KindId, SignalId},
    signals,
};

/// How many rows one batch forgets, at most.
const BATCH: usize = 1000;

/// At how many signals it looks at once, while a thread answers nobody: a millisecond or two.
const AT_ONCE: usize = 500;

/// How long a practitioner's token lives at most, and with it a watch.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(15);

/// What a sweep forgot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Signals that had lapsed.
    pub signals: usize,
    /// Rows of the change log and of screens.
    pub rows: usize,
}

impl Gate {
    /// Forgets what lapsed before `now`, and what is older than `cursors`.
    ///
    /// # Errors
    /// If the store fails; what was forgotten until then stays forgotten.
    pub async fn sweep(&self, cursors: SignedDuration, now: Timestamp) -> Result<Swept, Error> {
        let mut swept = Swept::default();
        let (mut after, mut lapsed) = (None, Vec::new());
        loop {
            after = self.add_lapsed(after, now, &mut lapsed)?;
            if !lapsed.is_empty() && (after.is_none() || lapsed.len() + AT_ONCE > BATCH) {
                swept.signals += self.forget(mem::take(&mut lapsed), now).await?;
            }
            if after.is_none() {
                break;
            }
            tokio::task::yield_now().await;
        }
        // A cursor may be as much younger than its watch's rows as a token lives.
        let before = now.saturating_sub(cursors + TOKEN_LIFE).unwrap_or(Timestamp::MIN);
        loop {
            let batch = self.committer.commit(move |txn| changes::forget(txn, before, BATCH));
            let forgotten = batch.await??.into_inner();
            swept.rows += forgotten;
            if forgotten < BATCH {
                break;
            }
        }
        let mut from = None;
        loop {
            let start = from.take();
            let batch = self
                .committer
                .commit(move |txn| screen::forget(txn, before, start, BATCH));
            let (forgotten, next) = batch.await??.into_inner();
            swept.rows += forgotten;
            from = next;
            if from.is_none() {
                return Ok(swept);
            }
        }
    }

    /// Adds the lapsed ones among the next signals after one, and gives after which to go on.
    fn add_lapsed(
        &self,
        after: Option<SignalId>,
        now: Timestamp,
        lapsed: &mut Vec<SignalId>,
    ) -> Result<Option<SignalId>, Error> {
        let next = signals::each(self.read(), after, AT_ONCE, |state| {
            if state.header.lapses_at <= now {
                lapsed.push(state.header.id);
            }
        })?;
        Ok(next)
    }

    /// Forgets those of these signals that have lapsed, and gives how many.
    async fn forget(&self, lapsed: Vec<SignalId>, now: Timestamp) -> Result<usize, Error> {
        let ledger = self.ledger.clone();
        let forgotten = self.committer.commit(move |txn| {
            let mut counts = BTreeMap::new();
            for signal in lapsed {
                if let Some(header) = signals::forget(txn, signal, now)? {
                    changes::record(txn, Change::Signal(signal), now)?;
                    *counts.entry((header.kind, header.owner)).or_default() += 1;
                }
            }
            let count = counts.values().sum::<u32>() as usize;
            if count > 0 {
                let _entered = ledger.enter(txn, entry(counts, now), &[])?;
            }
            Ok::<_, Error>(count)
        });
        Ok(forgotten.await??.into_inner())
    }
}

/// What the ledger says of one batch of what was forgotten: how much of what, and not of whom.
fn entry(counts: BTreeMap<(KindId, AgencyId), u32>, now: Timestamp) -> Entry {
    let counts = counts.into_iter();
    Entry {
        allowed: true,
        swept: counts
            .map(|((kind, owner), count)| Remainder { kind, owner, count })
            .collect(),
        ..Entry::new(now, "swept")
    }
}

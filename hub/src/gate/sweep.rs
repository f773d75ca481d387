//! Sweeping: forgets signals that have lapsed, and changes and screens that no cursor can ask for any more.
//! Small batches, so that nobody waits for it, each with an entry in the ledger; shows nothing to anybody.

use std::collections::BTreeMap;

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
        let mut after = None;
        loop {
            let (lapsed, next) = self.lapsed(after, now)?;
            for chunk in lapsed.chunks(BATCH) {
                let chunk = chunk.to_vec();
                let ledger = self.ledger.clone();
                let forgotten = self.committer.commit(move |txn| {
                    let mut counts = BTreeMap::new();
                    for signal in chunk {
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
                swept.signals += forgotten.await??.into_inner();
            }
            after = next;
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

    /// The lapsed ones among the next signals after one, and after which to go on.
    fn lapsed(&self, after: Option<SignalId>, now: Timestamp) -> Result<(Vec<SignalId>, Option<SignalId>), Error> {
        let mut lapsed = Vec::new();
        let next = signals::each(self.read(), after, 10 * BATCH, |state| {
            if state.header.lapses_at <= now {
                lapsed.push(state.header.id);
            }
        })?;
        Ok((lapsed, next))
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

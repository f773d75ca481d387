//! A long ledger, written straight into a store, because a million questions would take longer than what is to be measured.
//! Holds one batch in memory, and never a name of anybody.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use jiff::SignedDuration;
use placehub_hub::{
    config::Config,
    ledger::{Checkpoint, Commitment, Entry, Hex, Ledger, Signer, Subject, read},
    model::{AgencyId, AgreementId},
    store::{Committer, Disk, Hooks, Store},
};

use crate::command::now;

/// How many entries one batch holds: no round number, so that heads come at all sorts of sizes.
const BATCH: u64 = 997;
/// How many heads are kept, at most.
const HEADS: u64 = 200;

/// Writes a ledger of so many questions of fifty officers, each listed under the concerns that `concerns` gives for it.
/// Returns some of the heads on the way, the last among them.
///
/// # Errors
/// If the keys cannot be read or the store cannot be written.
pub(super) async fn write(
    config: &Config,
    size: u64,
    concerns: impl Fn(u64, &Entry) -> Vec<[u8; 16]> + Send + Sync + 'static,
) -> Result<Vec<Checkpoint>> {
    let ledger = Arc::new(ledger(&config.node, &config.keys.ledger_key)?);
    let sealing = ledger.clone();
    let hooks = Hooks {
        seal: Box::new(move |txn| sealing.complete(txn)),
        committed: Box::new(|_| ()),
    };
    let disk: Arc<dyn Store> = Arc::new(Disk::open(&config.store.folder)?);
    let committer = Committer::start(disk.clone(), hooks)?;
    let first = now().checked_sub(SignedDuration::from_hours(24 * 90))?;
    let (concerns, mut heads) = (Arc::new(concerns), Vec::new());
    let each = (size / BATCH / HEADS).max(1);
    for (batch, from) in (0..size).step_by(usize::try_from(BATCH)?).enumerate() {
        let (ledger, concerns) = (ledger.clone(), concerns.clone());
        let end = size.min(from + BATCH);
        let written = committer.commit(move |txn| {
            for number in from..end {
                let entry = question(number, first)?;
                let concerns = concerns(number, &entry);
                let _entered = ledger.enter(txn, entry, &concerns)?;
            }
            anyhow::Ok(())
        });
        written.await??.into_inner();
        if end == size || (batch as u64).is_multiple_of(each) {
            let note = read::checkpoint(&*disk)?.context("the ledger has no head")?;
            heads.push(Checkpoint::read_unverified(&note)?);
        }
    }
    committer.stop().await;
    Ok(heads)
}

/// Sixteen bytes of somebody, one of a hundred thousand.
pub(super) fn somebody(number: u64) -> [u8; 16] {
    let who = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % 100_000;
    let mut bytes = [0xff; 16];
    for (to, from) in bytes.iter_mut().zip(who.to_be_bytes()) {
        *to = from;
    }
    bytes
}

fn ledger(node: &str, key: &Path) -> Result<Ledger> {
    let key = std::fs::read(key).with_context(|| format!("cannot read {}", key.display()))?;
    Ok(Ledger::new(Signer::from_pkcs8(node, &key)?))
}

fn question(number: u64, first: jiff::Timestamp) -> Result<Entry> {
    let agency: AgencyId = "housing".parse().map_err(anyhow::Error::msg)?;
    let agreement: AgreementId = "homelessness-prevention".parse().map_err(anyhow::Error::msg)?;
    let at = first.checked_add(SignedDuration::from_millis(i64::try_from(number)? * 100))?;
    let muted = Commitment {
        salt: Hex(somebody(number)),
        commitment: Hex([7; 32]),
    };
    Ok(Entry {
        agency: Some(agency),
        workload: "desk".to_owned(),
        certificate: Some(Hex([1; 32])),
        practitioner: format!("bench-{}", number % 50),
        subject: Some(Subject::Person(muted)),
        purpose: Some("homelessness-prevention".parse().map_err(anyhow::Error::msg)?),
        case_reference: format!("CASE-{number}"),
        allowed: true,
        policy: Some(Hex([2; 32])),
        agreements: [agreement].into(),
        ..Entry::new(at, "ask")
    })
}

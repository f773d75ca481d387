//! Proofs in a long ledger: that an entry is in it, and that it went on from an earlier head; first from the store alone, then
//! over the network from a hub of its own process. Each proof is checked against a signed head.

use std::{
    net::TcpListener,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use placehub_hub::{
    ledger::{Checkpoint, read, tree},
    store::{Disk, Read},
};
use placehub_ledger::proof::{check_consistency, check_inclusion};
use placehub_proto::v1::{ProveConsistencyRequest, ProveInclusionRequest};

use super::{chance::Chance, figures::Row, measure::Run, place::Place, served::Served, town::Town, written};
use crate::{command::now, link::Link};

/// How many proofs of each sort are made from the store.
const FROM_STORE: u64 = 5_000;
/// How many of each sort are asked of the hub.
const ASKED: u64 = 500;
/// Aims: milliseconds for 99 in 100 proofs, and seconds to start.
const AIM: f64 = 1.0;
const START: f64 = 5.0;

/// Proofs of both sorts.
struct Proofs {
    inclusion: Run,
    consistency: Run,
}

/// Measures a ledger of so many entries.
///
/// # Errors
/// If the ledger cannot be written, or the hub cannot be started or asked.
pub(super) async fn measure(folder: &Path, size: u64) -> Result<Row> {
    let folder = tempfile::tempdir_in(folder)?;
    let listen = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let place = Place::make(&folder.path().join("place"), listen, &Town::new(1, 100, now()))?;
    let config = place.config()?;
    let began = Instant::now();
    let heads = written::write(&config, size, |_, _| Vec::new()).await?;
    let took = began.elapsed();
    let disk = Disk::open(&config.store.folder)?;
    let alone = from_store(&disk, &heads, FROM_STORE)?;
    drop(disk);
    let mut hub = Served::start(&place).await?;
    let start = hub.start;
    hub.rest().await?;
    let officer = place.desk(("governance", "ig-officer"), 0, listen)?;
    let asked = over_network(&officer, &heads).await?;
    hub.stop().await?;

    let work = format!(
        "proofs of random entries and between random heads of a ledger of {size} entries, from the store, cold at first, and from \
         a hub of its own process, where each call is an entry too and waits for the disk"
    );
    let mut row = Row::new(format!("ledger-{size}"), work);
    for run in [
        &alone.inclusion,
        &alone.consistency,
        &asked.inclusion,
        &asked.consistency,
    ] {
        row.note(std::slice::from_ref(run));
    }
    row.figure("written at", size as f64 / took.as_secs_f64(), "entries/s");
    row.figure("entry from the store, p50", alone.inclusion.percentile(50.0), "µs");
    row.figure("entry from the store, p99", alone.inclusion.percentile(99.0), "µs");
    row.figure("growth from the store, p50", alone.consistency.percentile(50.0), "µs");
    row.figure("growth from the store, p99", alone.consistency.percentile(99.0), "µs");
    row.figure("entry over gRPC, p50", asked.inclusion.percentile(50.0), "µs");
    row.figure("entry over gRPC, p99", asked.inclusion.percentile(99.0), "µs");
    row.figure("growth over gRPC, p50", asked.consistency.percentile(50.0), "µs");
    row.figure("growth over gRPC, p99", asked.consistency.percentile(99.0), "µs");
    row.figure("start of the hub", start.as_secs_f64(), "s");
    for (proofs, place) in [(&alone, "from the store"), (&asked, "over gRPC")] {
        let slow = proofs
            .inclusion
            .percentile(99.0)
            .max(proofs.consistency.percentile(99.0));
        row.aim(format!("99 in 100 proofs {place} in ≤ {AIM:.0} ms"), slow <= AIM * 1e3);
    }
    row.aim(format!("start ≤ {START:.0} s"), start.as_secs_f64() <= START);
    Ok(row)
}

fn from_store(store: &dyn Read, heads: &[Checkpoint], count: u64) -> Result<Proofs> {
    let (mut inclusion, mut consistency) = (Run::default(), Run::default());
    for round in 0..count {
        let Some((number, (from, head))) = drawn(heads, round) else {
            break;
        };
        let began = Instant::now();
        let proof = read::prove_inclusion(store, number, head.size)?;
        let took = began.elapsed();
        let entry = read::entry(store, number)?.unwrap_or_default();
        let leaf = tree::leaf_hash(&entry);
        let good = check_inclusion(number, head.size, &leaf, &proof, &head.root);
        tell(&mut inclusion, took, good.is_ok());

        let began = Instant::now();
        let proof = read::prove_consistency(store, from.size, head.size)?;
        let took = began.elapsed();
        let good = check_consistency((from.size, &from.root), (head.size, &head.root), &proof);
        tell(&mut consistency, took, good.is_ok());
    }
    inclusion.finish();
    consistency.finish();
    Ok(Proofs { inclusion, consistency })
}

async fn over_network(officer: &Link, heads: &[Checkpoint]) -> Result<Proofs> {
    let (mut inclusion, mut consistency) = (Run::default(), Run::default());
    let hashes = |hashes: Vec<Vec<u8>>| -> Option<Vec<tree::Hash>> {
        hashes.into_iter().map(|hash| hash.try_into().ok()).collect()
    };
    for round in 0..ASKED {
        let Some((number, (from, head))) = drawn(heads, round) else {
            break;
        };
        let request = officer.call(ProveInclusionRequest {
            number,
            size: head.size,
        })?;
        let began = Instant::now();
        let answer = officer.ledger().prove_inclusion(request).await;
        let took = began.elapsed();
        let answer = answer.map_err(|status| officer.fault(status))?.into_inner();
        let leaf = tree::leaf_hash(&answer.entry);
        let good = hashes(answer.hashes)
            .is_some_and(|proof| check_inclusion(number, head.size, &leaf, &proof, &head.root).is_ok());
        tell(&mut inclusion, took, good);

        let request = officer.call(ProveConsistencyRequest {
            from: from.size,
            to: head.size,
        })?;
        let began = Instant::now();
        let answer = officer.ledger().prove_consistency(request).await;
        let took = began.elapsed();
        let answer = answer.map_err(|status| officer.fault(status))?.into_inner();
        let good = hashes(answer.hashes)
            .is_some_and(|proof| check_consistency((from.size, &from.root), (head.size, &head.root), &proof).is_ok());
        tell(&mut consistency, took, good);
    }
    inclusion.finish();
    consistency.finish();
    Ok(Proofs { inclusion, consistency })
}

/// An entry, and two heads of which the later speaks for it.
fn drawn(heads: &[Checkpoint], round: u64) -> Option<(u64, (&Checkpoint, &Checkpoint))> {
    let mut chance = Chance::new(11, round);
    let mut head = || heads.get(usize::try_from(chance.below(heads.len() as u64)).ok()?);
    let (one, other) = (head()?, head()?);
    let (from, to) = if one.size <= other.size {
        (one, other)
    } else {
        (other, one)
    };
    Some((chance.below(to.size), (from, to)))
}

fn tell(run: &mut Run, took: Duration, good: bool) {
    if good {
        run.count(took);
    } else {
        run.note("a proof does not lead to the head".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_proof_that_is_timed_leads_to_a_head_of_the_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let listen = "127.0.0.1:1".parse().unwrap();
        let place = Place::make(&folder.path().join("place"), listen, &Town::new(1, 10, now())).unwrap();
        let config = place.config().unwrap();
        let heads = written::write(&config, 2_500, |_, _| Vec::new()).await.unwrap();
        assert_eq!(
            heads.iter().map(|head| head.size).collect::<Vec<_>>(),
            [997, 1_994, 2_500]
        );
        let disk = Disk::open(&config.store.folder).unwrap();
        let proofs = from_store(&disk, &heads, 300).unwrap();
        for run in [proofs.inclusion, proofs.consistency] {
            assert_eq!((run.wrong, run.first_wrong.as_ref()), (0, None));
            assert!(run.percentile(99.0) > 0.0);
        }
    }
}

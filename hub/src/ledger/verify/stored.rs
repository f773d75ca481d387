//! Checks the ledger in a store, from its rows: entries, hashes, tail, checkpoint and index by subject.
//! Never repairs anything.

use std::ops::ControlFlow;

use placehub_ledger::verify::{Evidence, Fault, Verified};

use crate::{
    ledger::{
        Error, VerifierKey, read,
        stored::{self, Tail},
    },
    store::{self, Read},
    tables,
};

/// Entries that are in memory at once.
const PAGE: usize = 256;

/// Checks everything that the store holds of the ledger against everything else: each entry and its place, each hash
/// of the tree, the tail, the checkpoint and its signature, and that the index by subject names entries that exist.
///
/// The store must be at rest: what is written meanwhile may look wrong.
/// An entry that was changed and still is in the format is found by the first kept hash over it, so that the fault names
/// the sixteen entries under that hash.
/// Two things cannot be told from a store alone: that it was put back to an older state as a whole, and that a row of
/// the index is missing.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify_stored(read: &dyn Read, key: &VerifierKey) -> Result<Verified, Fault> {
    let unread = |error| source(0, error);
    let checkpoint = read::checkpoint(read).map_err(unread)?;
    let handovers = read::handovers(read).map_err(unread)?;
    let evidence = Evidence {
        handovers: &handovers,
        ..Evidence::of(checkpoint.as_deref().unwrap_or_default())
    };
    let mut walk = evidence.walk()?;
    loop {
        let page = read::rows(read, walk.size(), PAGE).map_err(|error| source(walk.size(), error))?;
        if page.is_empty() {
            break;
        }
        for (number, bytes) in page {
            if number != walk.size() {
                return Err(Fault::Missing { number: walk.size() });
            }
            for node in walk.step(&bytes)?.iter().filter(|node| stored::is_kept(node.level)) {
                let stored = read.get(&stored::node_key(node.level, node.index));
                if stored.map_err(|error| source(number, error))?.as_deref() != Some(&node.hash) {
                    return Err(Fault::Node {
                        first: node.index << node.level,
                        last: number,
                        level: node.level,
                        index: node.index,
                    });
                }
            }
        }
    }
    let size = walk.size();
    let tail = Tail {
        frontier: walk.frontier().clone(),
        at: walk.last_at(),
    };
    check_tail(read, &tail)?;
    check_places(read, size)?;
    check_index(read, size)?;
    match (&checkpoint, size) {
        (Some(_), _) => evidence.hold(&walk, key),
        (None, 0) => Ok(Verified {
            size,
            root: walk.frontier().root(),
            first_at: None,
            last_at: None,
            rotations: 0,
            witnessed: Vec::new(),
        }),
        (None, _) => Err(Fault::Surplus { number: 0 }),
    }
}

fn check_tail(read: &dyn Read, expected: &Tail) -> Result<(), Fault> {
    let size = expected.frontier.size();
    match Tail::load(read) {
        Ok(tail) if tail == *expected => Ok(()),
        Ok(tail) if tail.frontier.size() > size => Err(Fault::Missing { number: size }),
        Ok(_) | Err(Error::Torn(_) | Error::Store(store::Error::Corrupt { .. })) => Err(Fault::Tail { size }),
        Err(error) => Err(source(size, error)),
    }
}

fn check_places(read: &dyn Read, size: u64) -> Result<(), Fault> {
    let belongs = |key: &[u8]| match stored::node_place(key) {
        Some((level @ 0..64, index)) => stored::is_kept(level) && index < size >> level,
        _ => false,
    };
    match first_odd(read, tables::LEDGER_NODE, size, &|key, _| belongs(key))? {
        Some(_) => Err(Fault::Stray),
        None => Ok(()),
    }
}

fn check_index(read: &dyn Read, size: u64) -> Result<(), Fault> {
    let there =
        |key: &[u8], value: &[u8]| value.is_empty() && stored::subject_number(key).is_some_and(|number| number < size);
    match first_odd(read, tables::LEDGER_SUBJECT, size, &there)? {
        Some(key) => Err(Fault::Index {
            number: stored::subject_number(&key).unwrap_or(size),
        }),
        None => Ok(()),
    }
}

fn first_odd(
    read: &dyn Read,
    table: u8,
    size: u64,
    fits: &dyn Fn(&[u8], &[u8]) -> bool,
) -> Result<Option<Vec<u8>>, Fault> {
    let mut odd = None;
    store::scan_prefix(read, &[table], &mut |key, value| {
        if fits(key, value) {
            ControlFlow::Continue(())
        } else {
            odd = Some(key.to_vec());
            ControlFlow::Break(())
        }
    })
    .map_err(|error| source(size, error))?;
    Ok(odd)
}

fn source(number: u64, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::Source {
        number,
        source: source.into(),
    }
}

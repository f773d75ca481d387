//! Checks the ledger in a store, from its rows: entries, hashes, tail, checkpoint and index by subject.
//! Never repairs anything.

use std::ops::ControlFlow;

use placehub_ledger::{
    tree::{Hash, Node},
    verify::{Evidence, Fault, Verified, Walk},
};

use crate::{
    ledger::{
        Entry, Error, VerifierKey, concern,
        index::{self, Listed},
        read, rows,
        stored::{self, STRIDE, Tail},
    },
    store::{self, Read},
    tables,
};

/// Entries that are in memory at once.
const PAGE: usize = 256;

/// Checks everything that the store holds of the ledger against everything else: each entry and its place, each hash
/// of the tree, the tail, the checkpoint and its signature, and that the index by subject names entries that exist, and lists
/// each under the practitioner who asked and the agreements that were asked under.
///
/// The store must be at rest: what is written meanwhile may look wrong.
/// Names the first entry that is not the one that was signed, as long as the hashes that are kept of the entries are; if one
/// was changed together with its hash, the sixteen that a higher hash stands over, or all up to the head.
/// Two things cannot be told from a store alone: that it was put back to an older state as a whole, and that a row is missing
/// by which the index lists an entry under a person or an address, because entries do not tell whom they are about.
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
    let Passed { walk, torn, unlisted } = pass(read, evidence.walk()?)?;
    let size = walk.size();
    let tail = check_tail(read, &walk);
    let empty = Verified {
        size,
        root: walk.frontier().root(),
        first_at: None,
        last_at: None,
        rotations: 0,
        witnessed: Vec::new(),
    };
    let held = match (&checkpoint, size) {
        (Some(_), _) => evidence.hold(walk, key),
        (None, 0) => Ok(empty),
        (None, _) => Err(Fault::Surplus { number: 0 }),
    };
    let verified = match (held, torn, tail) {
        (Err(Fault::Kept { .. }), _, Err(fault)) => Err(fault),
        (Err(Fault::Rewritten { .. }) | Ok(_), Some(fault), _) => Err(fault),
        (Ok(_), None, Err(fault)) => Err(fault),
        (held, ..) => held,
    }?;
    check_places(read, size)?;
    check_index(read, size)?;
    unlisted.map_or(Ok(verified), |number| Err(Fault::Unlisted { number }))
}

/// What was found on the way along all entries.
struct Passed {
    walk: Walk,
    /// The first row of hashes that is not that of the rows below it.
    torn: Option<Fault>,
    /// The first entry that the index does not list under everything that it tells.
    unlisted: Option<u64>,
}

/// Takes every entry with its kept hash.
fn pass(read: &dyn Read, mut walk: Walk) -> Result<Passed, Fault> {
    let (mut kept, mut torn, mut unlisted) = (Kept::of(read), None, None);
    let mut listed = Listed::of(read).map_err(|error| source(walk.size(), error))?;
    loop {
        let page = rows::whole(read, walk.rows(), PAGE).map_err(|error| source(walk.rows(), error))?;
        if page.is_empty() {
            pass_over(&mut walk, &mut kept, u64::MAX)?;
            return Ok(Passed { walk, torn, unlisted });
        }
        for (number, bytes) in page {
            pass_over(&mut walk, &mut kept, number)?;
            if walk.rows() != number {
                // Neither this entry nor those behind it are where they were signed, or another row has it too.
                walk.step(None, None);
                return Ok(Passed { walk, torn, unlisted });
            }
            if unlisted.is_none() && !is_listed(&mut listed, number, &bytes)? {
                unlisted = Some(number);
            }
            let completed = walk.step(Some(&bytes), kept.hash(number)?.as_ref());
            for node in completed.iter().filter(|node| stored::is_kept(node.level)) {
                torn = match torn {
                    None => check_node(read, node)?,
                    torn => torn,
                };
            }
        }
    }
}

/// Whether the index lists an entry under every subject that follows from it alone.
fn is_listed(listed: &mut Listed<'_>, number: u64, bytes: &[u8]) -> Result<bool, Fault> {
    // What is no entry is found for what it is.
    let subjects = Entry::parse(bytes).map_or_else(|_| Vec::new(), |entry| concern::of(&entry));
    for subject in subjects {
        if !listed.lists(&subject, number).map_err(|error| source(number, error))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes the kept hashes of missing entries, as far as there are any below a number.
fn pass_over(walk: &mut Walk, kept: &mut Kept<'_>, until: u64) -> Result<(), Fault> {
    while walk.rows() < until
        && let Some(hash) = kept.hash(walk.rows())?
    {
        walk.step(None, Some(&hash));
    }
    Ok(())
}

/// The hashes that are kept of entries, a row at a time.
struct Kept<'r> {
    read: &'r dyn Read,
    tail: Option<Tail>,
    row: Option<(u64, Option<[Hash; stored::WIDTH]>)>,
}

impl<'r> Kept<'r> {
    fn of(read: &'r dyn Read) -> Self {
        let tail = Tail::load(read).ok();
        Self { read, tail, row: None }
    }

    fn hash(&mut self, number: u64) -> Result<Option<Hash>, Fault> {
        let (index, place) = (number >> STRIDE, stored::place(number));
        match &self.tail {
            Some(tail) if index == tail.frontier.size() >> STRIDE => return Ok(tail.leaves.get(place).copied()),
            Some(tail) if index > tail.frontier.size() >> STRIDE => return Ok(None),
            _ => {}
        }
        let row = match self.row {
            Some((at, row)) if at == index => row,
            _ => row(self.read, STRIDE, index)?,
        };
        self.row = Some((index, row));
        Ok(row.and_then(|row| row.get(place).copied()))
    }
}

/// Checks the row of a complete subtree against the rows below it, whose hashes lead to the subtree's.
fn check_node(read: &dyn Read, node: &Node) -> Result<Option<Fault>, Fault> {
    let Node { level, index, .. } = *node;
    let Some(below) = level.checked_sub(STRIDE).filter(|below| *below > 0) else {
        // Each hash in such a row has been compared with its entry.
        return Ok(None);
    };
    let stored = row(read, level, index)?;
    for (place, child) in (0..).zip((index << STRIDE)..((index + 1) << STRIDE)) {
        let made = stored::subtree(read, below, child).ok();
        if made.is_none() || made != stored.and_then(|row| row.get::<usize>(place).copied()) {
            return Ok(Some(Fault::Node {
                first: child << below,
                last: ((child + 1) << below) - 1,
                level: below,
                index: child,
            }));
        }
    }
    Ok(None)
}

/// A row of hashes; none if it is missing or malformed.
fn row(read: &dyn Read, level: u8, index: u64) -> Result<Option<[Hash; stored::WIDTH]>, Fault> {
    match stored::hashes(read, level, index) {
        Ok(row) => Ok(row),
        Err(Error::Torn(_)) => Ok(None),
        Err(error) => Err(source(index << level, error)),
    }
}

fn check_tail(read: &dyn Read, walk: &Walk) -> Result<(), Fault> {
    let frontier = walk.frontier();
    let (size, at) = (frontier.size(), walk.last_at());
    match Tail::load(read) {
        // The last leaves have been compared with their entries.
        Ok(tail) if tail.frontier == *frontier && tail.at == at => Ok(()),
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
    match index::odd(read, size).map_err(|error| source(size, error))? {
        Some(number) => Err(Fault::Index { number }),
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

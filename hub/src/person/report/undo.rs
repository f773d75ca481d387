//! Takes a report back: what becomes of that, and the writes. Leaves what others said of the same people.

use std::collections::BTreeSet;

use super::{
    super::{Error, human::tie},
    Known, Plan, Sort, Undoing, drop_said, known, numbered, put_known, subjects_of,
};
use crate::{
    keys::Hashes,
    model::{AgencyId, PersonId, Source},
    store::{Read, Txn},
};

/// Says what will become of taking a report back. `None` if it counts in this very version: only a higher one ends it.
///
/// # Errors
/// If the store fails.
pub fn plan_undo(
    read: &dyn Read,
    hashes: &Hashes,
    agency: &AgencyId,
    sort: Sort,
    source: &Source,
) -> Result<Option<Plan<Undoing>>, Error> {
    let by = hashes.source(agency, &source.system, &source.id);
    let known = known(read, sort, &by)?;
    let outcome = match &known {
        None => Undoing::NotFound,
        Some(known) if known.retracted || source.version < known.version => Undoing::AlreadyKnown,
        Some(known) if source.version == known.version => return Ok(None),
        Some(_) => Undoing::Undone,
    };
    let version = known.as_ref().map_or(0, |known| known.version).max(source.version);
    let before = known.map(|known| known.people).unwrap_or_default();
    let mut subjects = Vec::new();
    for person in &before {
        subjects.extend(subjects_of(read, *person)?);
    }
    Ok(Some(Plan {
        outcome,
        subjects,
        withheld: false,
        sort,
        by,
        version,
        content: [0; 32],
        before,
    }))
}

/// Carries a plan out. Gives back every record whose human is another than before, or lives again.
///
/// # Errors
/// If the store fails.
pub fn undo(txn: &mut Txn<'_>, plan: &Plan<Undoing>) -> Result<BTreeSet<PersonId>, Error> {
    let changed = match plan.outcome {
        Undoing::Undone => {
            let numbered = numbered(txn, plan.before.iter().copied())?;
            tie(txn, plan.before.iter().copied(), |ties| {
                drop_said(ties, plan.sort, &plan.by, &numbered)
            })?
        }
        Undoing::AlreadyKnown | Undoing::NotFound => BTreeSet::new(),
    };
    // What was taken back is known of no longer, but that it was.
    let known = known(txn, plan.sort, &plan.by)?;
    if plan.outcome != Undoing::AlreadyKnown || known.is_some_and(|known| known.retracted) {
        let known = Known {
            version: plan.version,
            content: [0; 32],
            retracted: true,
            people: Vec::new(),
        };
        put_known(txn, plan.sort, &plan.by, &known)?;
    }
    Ok(changed)
}
